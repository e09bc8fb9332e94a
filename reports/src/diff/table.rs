//! A comparison as tables for a terminal: the verdict, then each function with a change and its lines that have one.

use std::io::{self, Write};

use super::options::DiffOptions;
use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::grid::{Cell, Column, Grid, shown};
use crate::text::numbers::{self, Unit};
use crate::text::style::Tone;
use crate::view::{
    Comparison, Exact, FunctionChange, LineChange, Outcome, Pair, TimeChange, TimeVerdict, TimeWord,
};

pub(crate) fn write(
    comparison: &Comparison<'_>,
    names: [&str; 2],
    options: &DiffOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = options.style;
    for (letter, name) in ["A", "B"].into_iter().zip(names) {
        writeln!(out, "{letter}  {}", text::clean(name))?;
    }
    writeln!(out)?;
    let verdict = comparison.verdict.sentence();
    let tone = match (comparison.verdict.is_worse(), comparison.is_unchanged()) {
        (true, _) => Tone::Hot,
        (false, true) => Tone::Plain,
        (false, false) => Tone::Heading,
    };
    for line in text::wrapped(&verdict, style.width.unwrap_or(usize::MAX)) {
        writeln!(out, "{}", style.paint(tone, &line))?;
    }
    for sentence in sentences(comparison, options.unit) {
        for line in text::wrapped(&sentence, style.width.unwrap_or(usize::MAX)) {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out)?;
    for function in &comparison.functions {
        if function.is_shown() {
            write_function(function, options, out)?;
        }
    }
    Ok(())
}

/// What is said of the time of the whole run, and what was not judged.
pub(crate) fn sentences(comparison: &Comparison<'_>, unit: Unit) -> Vec<String> {
    let time = format!(
        "Time in measured functions: {}; {}",
        change_of_time(comparison.time, comparison.timed, unit),
        comparison.time_judgement
    );
    let notes = comparison.notes.iter().cloned();
    std::iter::once(time).chain(notes).collect()
}

/// `1.20 s -> 1.80 s (+600 ms +- 20 ms)`; where it is judged `(+600 ms, from +580 ms to +630 ms)`.
pub(super) fn change_of_time(time: TimeChange, timed: Option<TimeVerdict>, unit: Unit) -> String {
    let shown = |nanos: f64| unit.time(nanos, 3, 1);
    format!(
        "{} -> {} ({})",
        shown(time.older.0 as f64),
        shown(time.newer.0 as f64),
        timed.map_or_else(|| difference(time, unit), |timed| estimate(timed, unit))
    )
}

/// `+600 ms, from +580 ms to +630 ms`.
pub(super) fn estimate(timed: TimeVerdict, unit: Unit) -> String {
    let change = signed(timed.change, unit);
    match timed.interval {
        Some((low, high)) => {
            format!(
                "{change}, from {} to {}",
                signed(low, unit),
                signed(high, unit)
            )
        }
        None => change,
    }
}

fn signed(nanos: f64, unit: Unit) -> String {
    let sign = if nanos < 0.0 { "-" } else { "+" };
    format!("{sign}{}", unit.time(nanos.abs(), 3, 1))
}

/// `+600 ms +- 20 ms`.
pub(super) fn difference(time: TimeChange, unit: Unit) -> String {
    let error = if time.error > 0.0 {
        format!(" +- {}", unit.time(time.error, 3, 1))
    } else {
        String::new()
    };
    format!("{}{error}", signed(time.change(), unit))
}

/// `solver::step at src/solver.rs:20`.
pub(super) fn name_and_place(function: &hprof::model::Function) -> String {
    format!(
        "{} at {}:{}",
        text::clean(&function.name),
        text::clean(&function.file),
        function.line
    )
}

/// Where a function is, and where it was if that differs.
pub(crate) fn title(function: &FunctionChange<'_>) -> String {
    match (function.older, function.newer) {
        (Some(older), Some(newer)) if function.moved => {
            format!("{} (was {})", name_and_place(newer), name_and_place(older))
        }
        (None, Some(newer)) if function.outcome == Outcome::Added => {
            format!("{} (added)", name_and_place(newer))
        }
        (Some(older), None) if function.outcome == Outcome::Removed => {
            format!("{} (removed)", name_and_place(older))
        }
        (_, Some(newer)) => name_and_place(newer),
        (Some(older), None) => name_and_place(older),
        (None, None) => String::new(),
    }
}

fn write_function(
    function: &FunctionChange<'_>,
    options: &DiffOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = options.style;
    let title = format!("Function: {}", title(function));
    writeln!(out, "{}", style.paint(Tone::Heading, &title))?;
    writeln!(out, "{}", summary(function, options.unit))?;
    if let Outcome::NotJudged(_) = function.outcome {
        writeln!(out, "{}", function.outcome)?;
    }
    writeln!(out)?;
    let lines: Vec<&LineChange<'_>> = function
        .lines
        .iter()
        .filter(|line| line.is_shown())
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let grid = figures(&lines, options.unit);
    let places = lines.iter().map(|line| Place {
        before: text::clean(line.text).into_owned(),
        ..Place::default()
    });
    beside::write(grid, Beside::Places(places.collect()), &LAYOUT, style, out)?;
    writeln!(out)
}

/// `Calls 1 -> 2, time 1.20 s -> 1.80 s (+600 ms +- 20 ms)`, and what is said of it.
pub(crate) fn summary(function: &FunctionChange<'_>, unit: Unit) -> String {
    let word = function.timed.map(|timed| format!(": {}", timed.word));
    format!(
        "Calls {} -> {}, time {}{}",
        function.calls.older,
        function.calls.newer,
        change_of_time(function.time, function.timed, unit),
        word.unwrap_or_default()
    )
}

/// The figures of lines as the table has them.
pub(crate) fn figures(lines: &[&LineChange<'_>], unit: Unit) -> Grid {
    let heap = lines.iter().any(|line| {
        let figures = [Exact::Allocs, Exact::Bytes].map(|figure| line.exact[figure as usize]);
        let mut known = figures.into_iter().flatten();
        known.any(|pair| pair != Pair::default())
    });
    let mut grid = Grid::new(columns(heap));
    for line in lines {
        grid.push(cells(line, heap, unit));
    }
    grid
}

const LAYOUT: Layout<'_> = Layout {
    title: "Line Contents",
    gap: 2,
    rule: true,
    gives_way: &[
        "+-", "Time A", "Time B", "Allocs A", "Allocs B", "Bytes A", "Bytes B", "Change",
    ],
};

fn columns(heap: bool) -> Vec<Column> {
    let always = [
        Column::right("A", 5),
        Column::right("B", 5),
        Column::right("Hits A", 9),
        Column::right("Hits B", 9),
    ];
    let rest = [
        (heap, Column::right("Allocs A", 8)),
        (heap, Column::right("Allocs B", 8)),
        (heap, Column::right("Bytes A", 8)),
        (heap, Column::right("Bytes B", 8)),
        (true, Column::right("Time A", 8)),
        (true, Column::right("Time B", 8)),
        (true, Column::right("Change", 8)),
        (true, Column::right("+-", 7)),
        (true, Column::left("Verdict", 7)),
    ];
    shown(always, rest)
}

fn cells(line: &LineChange<'_>, heap: bool, unit: Unit) -> Vec<Cell> {
    let number =
        |number: Option<u32>| Cell::of(number, |number| number.to_string()).toned(Tone::Dim);
    let (was, is) = (line.older.is_some(), line.newer.is_some());
    let count =
        |present: bool, count: u64| Cell::of(present.then_some(count), |count| count.to_string());
    let bytes =
        |present: bool, bytes: u64| Cell::of(present.then_some(bytes), numbers::scaled_bytes);
    let pair = |figure: Exact| line.exact[figure as usize].unwrap_or_default();
    let knows = |figure: Exact| line.exact[figure as usize].is_some();
    let (hits, allocs, sizes) = (pair(Exact::Hits), pair(Exact::Allocs), pair(Exact::Bytes));
    let time = line.time;
    let clock = |present: bool, nanos: hprof::model::Nanos| {
        Cell::of(present.then_some(nanos), |nanos| {
            unit.time(nanos.0 as f64, 1, 12)
        })
    };
    let change = if time.is_within_error() {
        Tone::Dim
    } else {
        Tone::Plain
    };
    let sign = if time.change() < 0.0 { "-" } else { "+" };
    let verdict_tone = match line.outcome {
        Outcome::Regression(_) => Tone::Hot,
        _ if line.time_word() == Some(TimeWord::Slower) => Tone::Hot,
        Outcome::Same => Tone::Dim,
        _ => Tone::Plain,
    };
    let always = [
        number(line.older),
        number(line.newer),
        count(was, hits.older),
        count(is, hits.newer),
    ];
    let known = knows(Exact::Allocs);
    let rest = [
        (heap, count(was && known, allocs.older)),
        (heap, count(is && known, allocs.newer)),
        (heap, bytes(was && known, sizes.older)),
        (heap, bytes(is && known, sizes.newer)),
        (true, clock(was, time.older)),
        (true, clock(is, time.newer)),
        (
            true,
            Cell::new(
                format!("{sign}{}", unit.time(time.change().abs(), 1, 12)),
                change,
            ),
        ),
        (
            true,
            Cell::of((time.error > 0.0).then_some(time.error), |error| {
                unit.time(error, 1, 12)
            }),
        ),
        (true, Cell::new(line.verdict(), verdict_tone)),
    ];
    shown(always, rest)
}
