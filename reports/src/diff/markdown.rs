//! A comparison as Markdown: the verdict, and a table of the lines that matter most, as a comment on a pull request wants it.

use std::io::{self, Write};

use super::table;
use crate::text;
use crate::text::numbers::{self, Unit};
use crate::view::{Comparison, Exact, FunctionChange, LineChange, Outcome, Pair, TimeVerdict};

/// Rows of the table.
const ROWS: usize = 10;

pub(crate) fn write(
    comparison: &Comparison<'_>,
    names: [&str; 2],
    unit: Unit,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "**hprof**: {}\n", comparison.verdict.sentence())?;
    let changed = comparison.changed_lines();
    let moved = comparison.moved_functions();
    if !changed.is_empty() || !moved.is_empty() {
        writeln!(out, "| | line | what | A | B | change |")?;
        writeln!(out, "|---|---|---|---:|---:|---:|")?;
        let mut left = ROWS;
        let mut shown = 0;
        for (function, line) in &changed {
            let rows = rows(function, line, unit);
            // A line has all of its rows or none, so that it is clear what is missing.
            let Some(after) = left.checked_sub(rows.len()) else {
                break;
            };
            left = after;
            shown += 1;
            for row in rows {
                writeln!(out, "{row}")?;
            }
        }
        for function in moved.iter().take(left) {
            writeln!(out, "{}", function_row(function, unit))?;
        }
        writeln!(out)?;
        let more = changed.len() - shown;
        if more > 0 {
            let lines = numbers::counted(more as u64, "more line has", "more lines have");
            writeln!(
                out,
                "{lines} a change: `hprof diff {}` shows all.\n",
                names.map(quoted).join(" ")
            )?;
        }
    }
    writeln!(
        out,
        "Time in measured functions: {}; {}.",
        table::change_of_time(comparison.time, comparison.timed, unit),
        comparison.time_judgement
    )?;
    for note in &comparison.notes {
        writeln!(out, "{}.", escaped(note))?;
    }
    writeln!(out, "\n<details><summary>What was compared</summary>\n")?;
    for (letter, name) in ["A", "B"].into_iter().zip(names) {
        writeln!(out, "- {letter}: {}", code(name))?;
    }
    writeln!(out, "\n</details>")
}

/// A row for a function that is slower or faster.
fn function_row(function: &FunctionChange<'_>, unit: Unit) -> String {
    let shown = |nanos: hprof::model::Nanos| unit.time(nanos.0 as f64, 3, 1);
    let name = function.function().map(table::name_and_place);
    let (word, change) = time_words(function.timed, unit);
    format!(
        "| {word} | {} | time | {} | {} | {change} |",
        code(&name.unwrap_or_default()),
        shown(function.time.older),
        shown(function.time.newer)
    )
}

/// What a time became, and by how much.
fn time_words(timed: Option<TimeVerdict>, unit: Unit) -> (String, String) {
    timed.map_or_else(Default::default, |timed| {
        (timed.word.to_string(), table::estimate(timed, unit))
    })
}

/// A row for each figure that changed; one for a line that came or went.
fn rows(function: &FunctionChange<'_>, line: &LineChange<'_>, unit: Unit) -> Vec<String> {
    let place = function.function().map(|one| {
        let number = line.newer.or(line.older).unwrap_or(one.line);
        format!("{}:{number}", text::clean(&one.file))
    });
    let place = place.unwrap_or_default();
    let what = format!("{} {}", code(&place), code(line.text.trim()));
    let row = |word: &str, figure: &str, older: String, newer: String, change: String| {
        format!("| {word} | {what} | {figure} | {older} | {newer} | {change} |")
    };
    let time = || {
        let shown = |nanos: hprof::model::Nanos| unit.time(nanos.0 as f64, 3, 1);
        (shown(line.time.older), shown(line.time.newer))
    };
    let hits = line.exact[0].unwrap_or_default();
    match &line.outcome {
        Outcome::Added => {
            let is = format!("{}, {}", hits.newer, time().1);
            vec![row("added", "hits, time", String::new(), is, String::new())]
        }
        Outcome::Removed => {
            let was = format!("{}, {}", hits.older, time().0);
            vec![row(
                "removed",
                "hits, time",
                was,
                String::new(),
                String::new(),
            )]
        }
        _ => {
            let figures = Exact::ALL
                .iter()
                .filter_map(|figure| Some((figure, line.exact[*figure as usize]?)))
                .filter(|(_, pair)| pair.differs())
                .map(|(figure, pair)| {
                    row(
                        word(&line.outcome, *figure),
                        figure.name(),
                        count(*figure, pair.older),
                        count(*figure, pair.newer),
                        change(pair),
                    )
                });
            let timed = line.time_word().map(|_| {
                let (word, change) = time_words(line.timed, unit);
                let (older, newer) = time();
                row(&word, "time", older, newer, change)
            });
            figures.chain(timed).collect()
        }
    }
}

/// What became of one figure of a line.
fn word(outcome: &Outcome, figure: Exact) -> &'static str {
    match outcome {
        Outcome::Regression(figures) if figures.contains(&figure) => "worse",
        Outcome::Improvement(figures) if figures.contains(&figure) => "better",
        Outcome::Unstable(figures) if figures.contains(&figure) => "unstable",
        _ => "",
    }
}

fn count(figure: Exact, count: u64) -> String {
    match figure {
        Exact::Bytes => numbers::scaled_bytes(count),
        Exact::Hits | Exact::Allocs => numbers::thousands(count),
    }
}

/// Never a percentage alone: the figures stand beside it.
fn change(pair: Pair) -> String {
    match pair.percent() {
        Some(percent) => format!("{percent:+.1} %"),
        None => "new".into(),
    }
}

/// Text as code, whatever is in it.
pub(crate) fn code(text: &str) -> String {
    let text = text::clean(text).replace('|', "\\|");
    let longest = text.split(|letter| letter != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    if text.is_empty() {
        String::new()
    } else {
        format!("{fence}{pad}{text}{pad}{fence}")
    }
}

fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('|', "\\|")
}

fn quoted(name: &str) -> String {
    format!("'{}'", text::clean(name).replace('\'', "'\\''"))
}
