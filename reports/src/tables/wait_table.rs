//! The lines that waited, and what for.

use std::io::{self, Write};

use hprof::model::{Profile, WaitCause};

use crate::tables::footer;
use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::{Unit, counted, general};
use crate::text::screen::Screen;
use crate::text::style::{Style, Tone};
use crate::view::{ENOUGH_LOOKS, RunView, WaitRow, WaitView};

/// Causes that a row names.
const CAUSES: usize = 3;
/// A smaller share is not named beside others, percent.
const NAMED: f64 = 1.0;
/// Cells of a place: the end of a longer path stays.
const PLACE: usize = 32;

const LAYOUT: Layout<'_> = Layout {
    title: "Line Contents",
    gap: 2,
    rule: true,
    gives_way: &["n", "% Line"],
};

const MEANINGS: [(&str, &str); 5] = [
    (
        "Wait",
        "time of the line itself without CPU time, where that is more than both may be wrong by",
    ),
    ("% Line", "its part of the line's own time"),
    (
        "n",
        "looks from outside that found a thread waiting there; shares of causes rest on them",
    ),
    (
        "lock",
        "a futex: a mutex, a channel, a condition variable or a join",
    ),
    (
        "run queue",
        "it could work, and other threads had all processors",
    ),
];

/// What a table of waiting shows and how.
///
/// ```
/// let mut options = hprof_reports::WaitTableOptions::default();
/// assert_eq!(options.lines, 20);
/// options.lines = 5;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WaitTableOptions {
    /// Lines at most.
    pub lines: usize,
    /// Unit of all times.
    pub unit: Unit,
    /// What the stream can show.
    pub style: Style,
}

impl Default for WaitTableOptions {
    fn default() -> Self {
        Self {
            lines: 20,
            unit: Unit::default(),
            style: Style::default(),
        }
    }
}

/// Writes the lines whose threads waited longest, what for, and below what must be known to trust that.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{WaitTableOptions, write_wait_table};
/// let mut out = Vec::new();
/// write_wait_table(&hprof::model::Profile::default(), &WaitTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"No line waited"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_wait_table(
    profile: &Profile,
    options: &WaitTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = options.style;
    let out = &mut Screen::new(out, style);
    let view = WaitView::new(profile, options.lines);
    write_rows(&view, options, out)?;
    footer::write(&RunView::new(profile), profile, style, out)
}

fn write_rows(
    view: &WaitView<'_>,
    options: &WaitTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (unit, style) = (options.unit, options.style);
    if view.rows.is_empty() {
        return writeln!(
            out,
            "No line waited for longer than its times may be wrong by.\n"
        );
    }
    let total = unit.time(view.total.0 as f64, 3, 1);
    let lines = counted((view.rows.len() + view.left_out) as u64, "line", "lines");
    let title = format!("Threads waited {total} in {lines} of measured functions");
    writeln!(out, "{}\n", style.paint(Tone::Heading, &title))?;
    let grid = grid(view, unit);
    let places = view.rows.iter().map(|row| Place {
        before: text::clean(row.text).into_owned(),
        ..Place::default()
    });
    beside::write(grid, Beside::Places(places.collect()), &LAYOUT, style, out)?;
    writeln!(out)?;
    write_legend(view, out)?;
    if view.left_out > 0 {
        let lines = counted(view.left_out as u64, "line", "lines");
        writeln!(out, "({lines} left out: --top shows more)")?;
    }
    writeln!(out)
}

/// The figures of the lines that waited.
pub(crate) fn grid(view: &WaitView<'_>, unit: Unit) -> Grid {
    let mut grid = Grid::new(vec![
        Column::right("Wait", 9),
        Column::right("% Line", 6),
        Column::right("n", 5),
        Column::left("For", 5),
        Column::left("Place", 5),
    ]);
    for row in &view.rows {
        grid.push(cells(row, unit));
    }
    grid
}

/// What columns and causes mean, as far as they are there.
fn write_legend(view: &WaitView<'_>, out: &mut dyn Write) -> io::Result<()> {
    let is_named = |name: &str| {
        let told = view.rows.iter().filter(|row| row.looks >= ENOUGH_LOOKS);
        let mut causes = told.flat_map(|row| &row.causes);
        causes.any(|(cause, share)| cause.name() == name && *share >= NAMED)
    };
    for (name, meaning) in MEANINGS {
        let is_cause = WaitCause::ALL.iter().any(|cause| cause.name() == name);
        if !is_cause || is_named(name) {
            writeln!(out, "{name:<9} {meaning}")?;
        }
    }
    if !view.causes_are_known {
        let hint = "nobody looked from outside, or the system does not tell what threads wait for: causes are not known";
        writeln!(out, "Hint:     {hint}")?;
    }
    Ok(())
}

fn cells(row: &WaitRow<'_>, unit: Unit) -> Vec<Cell> {
    let number = format!(":{}", row.line);
    let path = text::tail(
        &text::clean(&row.function.file),
        PLACE.saturating_sub(number.len()),
    );
    vec![
        Cell::plain(unit.time(row.wait.0 as f64, 1, 12)),
        Cell::of(row.percent, |percent| format!("{percent:.1}")),
        Cell::of(Some(row.looks).filter(|looks| *looks > 0), |looks| {
            looks.to_string()
        }),
        Cell::plain(causes(row)),
        Cell::plain(format!("{path}{number}")),
    ]
}

/// `lock 82 %, run queue 12 %`.
fn causes(row: &WaitRow<'_>) -> String {
    if row.looks == 0 {
        return String::new();
    }
    if row.looks < ENOUGH_LOOKS {
        let likely = row.causes.first().map_or("", |(cause, _)| cause.name());
        return format!("{likely}? (n too small)");
    }
    let named = row
        .causes
        .iter()
        .take(CAUSES)
        .filter(|(_, share)| *share >= NAMED);
    let named: Vec<String> = named
        .map(|(cause, share)| format!("{} {} %", cause.name(), general(share.round(), 3)))
        .collect();
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use hprof::model::{FunctionId, LineCost, LineLooks, Nanos, Observed, Place as ModelPlace};

    use super::*;
    use crate::fixture;

    fn looks(line: u32, waits: [u64; WaitCause::ALL.len()]) -> LineLooks {
        LineLooks {
            place: ModelPlace {
                function: FunctionId(0),
                line,
            },
            working: 5,
            waits,
            buckets: [0; hprof::model::BUCKETS],
        }
    }

    #[test]
    fn waiting_has_its_causes_by_share() {
        let line = |exact, cpu| LineCost {
            hits: 3,
            exact: Nanos(exact),
            cpu: Some(Nanos(cpu)),
            ..LineCost::default()
        };
        let own = [
            (1, line(900_000_000, 30_000_000)),
            (2, line(20_000_000, 1_000_000)),
            (3, line(50_000_000, 50_000_000)),
        ];
        let (mut profile, _) = fixture::single("f", "let x = lock();\nsleep(d);\nwork();", &own);
        profile.processes[0].observed = Some(Observed {
            knows_causes: true,
            lines: vec![
                looks(1, [0, 410, 0, 0, 0, 0, 0, 90, 0]),
                looks(2, [18, 0, 0, 0, 0, 0, 0, 0, 0]),
            ],
            ..Observed::default()
        });
        let mut out = Vec::new();
        write_rows(
            &WaitView::new(&profile, 20),
            &WaitTableOptions::default(),
            &mut out,
        )
        .unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
