//! A comparison as Markdown: the verdict, and a table of the lines that matter most, as a comment on a pull request wants it.

use std::io::{self, Write};

use super::table;
use crate::text;
use crate::text::numbers::{self, Unit};
use crate::view::{Comparison, Exact, FunctionChange, LineChange, Outcome, Pair};

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
    if !changed.is_empty() {
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
        table::change_of_time(comparison.time, unit),
        comparison.time_not_judged
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
    match &line.outcome {
        Outcome::Added => {
            let hits = line.exact[0].unwrap_or_default();
            vec![row(
                "added",
                "hits, time",
                String::new(),
                format!("{}, {}", hits.newer, time().1),
                String::new(),
            )]
        }
        Outcome::Removed => {
            let hits = line.exact[0].unwrap_or_default();
            vec![row(
                "removed",
                "hits, time",
                format!("{}, {}", hits.older, time().0),
                String::new(),
                String::new(),
            )]
        }
        _ => Exact::ALL
            .iter()
            .filter_map(|figure| Some((figure, line.exact[*figure as usize]?)))
            .filter(|(_, pair)| pair.differs())
            .map(|(figure, pair)| {
                let judged = match &line.outcome {
                    Outcome::Regression(judged) if judged.contains(figure) => "worse",
                    Outcome::Improvement(judged) if judged.contains(figure) => "better",
                    _ => "",
                };
                row(
                    judged,
                    figure.name(),
                    count(*figure, pair.older),
                    count(*figure, pair.newer),
                    change(pair),
                )
            })
            .collect(),
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
