//! How long single calls, polls and hits took: percentiles and the longest.

use std::io::{self, Write};

use hprof::model::{Histogram, Nanos, Profile, Scope, Timed, function_costs};

use crate::tables::footer;
use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::{Unit, counted, scaled_time, thousands};
use crate::text::screen::Screen;
use crate::text::style::{Style, Tone};
use crate::view::{DurationRow, DurationView, LongestRow, RunView, polls_above};

/// Cells of the name of a thread.
const THREAD: usize = 16;

/// What a table of durations shows and how.
///
/// ```
/// let mut options = hprof_reports::DurationTableOptions::default();
/// assert_eq!(options.rows, 20);
/// options.rows = 5;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DurationTableOptions {
    /// Functions, and lines, at most.
    pub rows: usize,
    /// Unit of all times.
    pub unit: Unit,
    /// What the stream can show.
    pub style: Style,
}

impl Default for DurationTableOptions {
    fn default() -> Self {
        Self {
            rows: 20,
            unit: Unit::default(),
            style: Style::default(),
        }
    }
}

/// Writes percentiles of calls, polls and hits, those with the longest first, and below what must be known to trust them.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{DurationTableOptions, write_duration_tables};
/// let mut out = Vec::new();
/// write_duration_tables(&hprof::model::Profile::default(), &DurationTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"No call"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_duration_tables(
    profile: &Profile,
    options: &DurationTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = options.style;
    let out = &mut Screen::new(out, style);
    let costs = function_costs(profile, Scope::All);
    let view = DurationView::new(profile, Scope::All, &costs);
    write_tables(&view, options, out)?;
    footer::write(&RunView::new(profile), profile, style, out)
}

fn write_tables(
    view: &DurationView<'_>,
    options: &DurationTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    if view.functions.is_empty() && view.lines.is_empty() {
        return writeln!(
            out,
            "No call and no line took long enough for its duration to be kept.\n"
        );
    }
    let calls = "How long single calls took, the longest first";
    let lines = "How long single hits of lines took, own time, the longest first";
    for (title, text, rows) in [
        (calls, "Function", &view.functions),
        (lines, "Line Contents", &view.lines),
    ] {
        write_rows((title, text), rows, options, out)?;
    }
    write_legend(view, out)?;
    writeln!(out)
}

fn write_rows(
    (title, text): (&str, &'static str),
    rows: &[DurationRow<'_>],
    options: &DurationTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let style = options.style;
    writeln!(out, "{}\n", style.paint(Tone::Heading, title))?;
    let shown = rows.get(..options.rows).unwrap_or(rows);
    let layout = Layout {
        title: text,
        gap: 2,
        rule: true,
        gives_way: &["Thread", "At", "p90", "n"],
    };
    let places = shown.iter().map(place).collect();
    let grid = grid(shown, options.unit);
    beside::write(grid, Beside::Places(places), &layout, style, out)?;
    if let Some(left_out) = rows.len().checked_sub(shown.len()).filter(|rows| *rows > 0) {
        let left_out = counted(left_out as u64, "row", "rows");
        writeln!(out, "({left_out} left out: --top shows more)")?;
    }
    writeln!(out)
}

/// The figures of so many rows.
fn grid(rows: &[DurationRow<'_>], unit: Unit) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("n", 4),
        Column::right("p50", 8),
        Column::right("p90", 8),
        Column::right("p99", 8),
        Column::right("Max", 8),
        Column::right("At", 8),
        Column::left("Thread", 6),
    ]);
    for row in rows {
        grid.push(cells(row, unit));
    }
    grid
}

fn cells(row: &DurationRow<'_>, unit: Unit) -> Vec<Cell> {
    let time = |time: Nanos| unit.time(time.0 as f64, 1, 12);
    let of = row.percentiles;
    let longest = row.longest.as_ref();
    let is_partly_timed = of.is_none();
    let mark = if is_partly_timed { "<" } else { "" };
    vec![
        Cell::plain(format!("{mark}{}", thousands(row.all))),
        Cell::of(of, |of| time(of.p50)),
        Cell::of(of, |of| time(of.p90)),
        Cell::of(of, |of| time(of.p99)),
        Cell::of(longest, |longest| time(longest.time)),
        Cell::of(longest, |longest| time(longest.at)),
        Cell::of(longest, thread),
    ]
}

fn thread(longest: &LongestRow<'_>) -> String {
    let name = text::clean(longest.thread);
    let name = text::cut(&name, THREAD);
    let name = if name.trim().is_empty() {
        longest.tid.to_string()
    } else {
        name.trim_end().to_owned()
    };
    match longest.rank {
        Some(rank) => format!("{name}, rank {rank}"),
        None => name,
    }
}

fn place(row: &DurationRow<'_>) -> Place {
    let file = text::clean(&row.function.file);
    let name = text::clean(&row.function.name);
    match row.timed {
        Timed::Line(line) => Place {
            before: text::clean(row.text).into_owned(),
            path: format!("   {file}"),
            after: format!(":{line}"),
        },
        timed => {
            let what = match timed {
                Timed::Polls => ", polls,",
                Timed::Futures => ", from its first poll to its end,",
                Timed::Busy => ", all polls of one,",
                Timed::Calls | Timed::Line(_) => "",
            };
            let line = row.longest.as_ref().and_then(|longest| longest.line);
            Place {
                before: format!("{name}{what} at "),
                path: file.into_owned(),
                after: match line {
                    Some(line) => format!(":{}, longest in line {line}", row.function.line),
                    None => format!(":{}", row.function.line),
                },
            }
        }
    }
}

/// What the columns mean.
fn write_legend(view: &DurationView<'_>, out: &mut dyn Write) -> io::Result<()> {
    let error = Histogram::ERROR_PERCENT;
    writeln!(
        out,
        "p50, p90, p99 so many percent took no longer; to {error} %, as read from the clock"
    )?;
    writeln!(
        out,
        "Max           the longest, exact; At is when it ended, from the start of the recording"
    )?;
    let rows = || view.functions.iter().chain(&view.lines);
    if rows().any(|row| row.percentiles.is_none()) {
        writeln!(
            out,
            "n with <      not nearly all of them were timed, for most are too short: the longest of those that were"
        )?;
    }
    if view.functions.iter().any(|row| row.timed == Timed::Polls) {
        writeln!(
            out,
            "polls         of async code: a long one blocks the thread of its runtime"
        )?;
    }
    let cancelled = view.functions.iter().filter(|row| row.cancelled > 0);
    for row in cancelled {
        let futures = counted(row.cancelled, "future", "futures");
        let name = text::clean(&row.function.name);
        writeln!(out, "{name}: {futures} dropped before they were ready")?;
    }
    if view.untimed > 0 {
        let functions = counted(view.untimed as u64, "function", "functions");
        writeln!(
            out,
            "{functions} more: their calls are too short to be timed one by one"
        )?;
    }
    Ok(())
}

/// What to say of the longest poll of each async function that blocked its thread for at least `limit`, the longest first.
///
/// ```
/// use hprof::model::{Nanos, Profile};
/// assert!(hprof_reports::long_polls(&Profile::default(), Nanos(0)).is_empty());
/// ```
#[must_use]
pub fn long_polls(profile: &Profile, limit: Nanos) -> Vec<String> {
    let rows = polls_above(profile, limit);
    let long = rows.iter().filter_map(|row| {
        let longest = row.longest.as_ref()?;
        let line = longest.line.unwrap_or(row.function.line);
        let mostly = if longest.line.is_some() { "most of it in " } else { "" };
        Some(format!(
            "a poll of {} took {}, {mostly}{}:{line}: nothing else ran on the thread of its runtime meanwhile",
            text::clean(&row.function.name),
            scaled_time(longest.time.0 as f64),
            text::clean(&row.function.file),
        ))
    });
    long.collect()
}

#[cfg(test)]
mod tests {
    use hprof::model::{Durations, FunctionId, LineCost, Longest};

    use super::*;
    use crate::fixture;

    /// ```text
    /// calls of f: 90 × 1 ms, 9 × 2 ms, 1 × 50 ms, of which line 2 took 49 ms by itself
    /// ```
    #[test]
    fn percentiles_and_the_longest_with_its_line() {
        let line = |exact| LineCost {
            hits: 100,
            exact: Nanos(exact),
            ..LineCost::default()
        };
        let own = [(1, line(20_000_000)), (2, line(138_000_000))];
        let (mut profile, costs) = fixture::single("f", "let x = read();\nwork(x);", &own);
        let start_unix_ns = profile.processes[0].start_unix_ns;
        let tid = profile.processes[0].threads[0].tid;
        let longest = |time, at| Longest {
            time: Nanos(time),
            at: Nanos(at),
            start_unix_ns,
            tid,
        };
        let of = |timed, all, times: &[(u64, u64)], at| {
            let mut durations = Durations {
                function: FunctionId(0),
                timed,
                all,
                cancelled: 0,
                histogram: Histogram::default(),
            };
            for &(time, count) in times {
                durations
                    .histogram
                    .add(Nanos(time), count, longest(time, at));
            }
            durations
        };
        profile.processes[0].durations = vec![
            of(
                Timed::Calls,
                Some(100),
                &[(1_000_000, 90), (2_000_000, 9), (50_000_000, 1)],
                700_000_000,
            ),
            of(
                Timed::Line(2),
                None,
                &[(900_000, 99), (49_000_000, 1)],
                699_000_000,
            ),
        ];
        let mut out = Vec::new();
        write_tables(
            &DurationView::new(&profile, Scope::All, &costs),
            &DurationTableOptions::default(),
            &mut out,
        )
        .unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
