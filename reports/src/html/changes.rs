//! What changed between two profiles, in the page of the newer one: the figures and words that `hprof diff` prints.

use maud::{Markup, html};
use serde::{Serialize, Serializer};

use super::options::HtmlOptions;
use super::place::{link, short};
use super::plain_table::{Behind, plain_table};
use crate::diff::table;
use crate::text;
use crate::text::numbers::counted;
use crate::view::{Comparison, FunctionChange, LineChange, Tendency};

/// Rows of the list of changed lines.
const LISTED: usize = 20;
/// Functions whose tables are readable without the script.
const STATIC_FUNCTIONS: usize = 50;

/// Two profiles, and what they are called.
pub(super) struct Compared<'a> {
    pub(super) comparison: Comparison<'a>,
    pub(super) names: [&'a str; 2],
}

/// What changed in a function.
#[derive(Serialize)]
pub(super) struct Changes {
    title: String,
    summary: String,
    /// Lines with a change that is worth showing.
    count: usize,
    columns: Vec<&'static str>,
    rows: Vec<Change>,
}

/// A line. In the page it is an array: its number in the newer profile, or 0; what became of it; its cells; and the code.
struct Change {
    newer: u32,
    tendency: Tendency,
    cells: Vec<String>,
    code: String,
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        (self.newer, class(self.tendency), &self.cells, &self.code).serialize(out)
    }
}

/// The name that the style has for it.
const fn class(tendency: Tendency) -> &'static str {
    match tendency {
        Tendency::Same => "same",
        Tendency::Worse => "worse",
        Tendency::Better => "better",
        Tendency::Other => "other",
    }
}

impl Changes {
    pub(super) fn new(function: &FunctionChange<'_>, options: &HtmlOptions) -> Self {
        let lines: Vec<&LineChange<'_>> = function.lines.iter().collect();
        let grid = table::figures(&lines, options.unit);
        let rows = lines.iter().zip(grid.texts()).map(|(line, cells)| Change {
            newer: line.newer.unwrap_or(0),
            tendency: line.tendency(),
            cells: cells.into_iter().map(str::to_owned).collect(),
            code: code(line, options),
        });
        Self {
            title: table::title(function),
            summary: table::summary(function, options.unit),
            count: lines.iter().filter(|line| line.is_shown()).count(),
            rows: rows.collect(),
            columns: grid.titles().collect(),
        }
    }
}

fn code(line: &LineChange<'_>, options: &HtmlOptions) -> String {
    let text = if options.source { line.text } else { "" };
    text::clean(text).trim_end().to_owned()
}

/// What the page calls the file of a function: one that is gone must not be taken for what stands in its place now.
pub(super) fn file(function: &FunctionChange<'_>) -> String {
    let file = function.function().map(|one| text::clean(&one.file));
    let gone = if function.newer.is_none() { " (A)" } else { "" };
    format!("{}{gone}", file.unwrap_or_default())
}

/// The verdict, and the lines that changed most.
pub(super) fn overview(compared: &Compared<'_>, options: &HtmlOptions) -> Markup {
    let comparison = &compared.comparison;
    let changed = comparison.changed_lines();
    let listed = changed.get(..LISTED).unwrap_or(&changed);
    let left_out = changed.len() - listed.len();
    html! {
        section id="changed" {
            h2 { "What changed" }
            p.verdict { (comparison.verdict.sentence()) }
            ul.findings { @for sentence in table::sentences(comparison, options.unit) { li { (sentence) } } }
            p.legend {
                @for (letter, name) in ["A", "B"].into_iter().zip(compared.names) { b { (letter) } " " (text::clean(name)) " " }
            }
            @if !listed.is_empty() {
                (rows(listed, options))
                @if left_out > 0 {
                    p.legend { (format!("{} more: hprof diff prints them all, and each function below shows its own.", counted(left_out as u64, "line", "lines"))) }
                }
            }
        }
    }
}

fn rows(changed: &[(&FunctionChange<'_>, &LineChange<'_>)], options: &HtmlOptions) -> Markup {
    let lines: Vec<&LineChange<'_>> = changed.iter().map(|(_, line)| *line).collect();
    let grid = table::figures(&lines, options.unit);
    let behind: Vec<Markup> = changed
        .iter()
        .map(|(function, line)| {
            let file = file(function);
            let first = function.function().map_or(0, |one| one.line);
            let at = match function.newer {
                Some(_) => line.newer.unwrap_or(first),
                None => line.older.unwrap_or(first),
            };
            html! {
                a href=(link(&file, at)) title=(file) { (format!("{}:{at}", short(&file))) }
                "  " (code(line, options).trim())
            }
        })
        .collect();
    let classes: Vec<&str> = lines.iter().map(|line| class(line.tendency())).collect();
    let behind = Behind::new("Line Contents", behind).with_classes(classes);
    plain_table(&grid, Some(&behind))
}

/// The functions with a change, where there is no script.
pub(super) fn static_tables(comparison: &Comparison<'_>, options: &HtmlOptions) -> Markup {
    let shown = comparison.functions.iter().filter(|one| one.is_shown());
    html! {
        section.only-static {
            @for function in shown.take(STATIC_FUNCTIONS) {
                h2 { (table::title(function)) }
                p.legend { (table::summary(function, options.unit)) }
                @let lines: Vec<&LineChange<'_>> = function.lines.iter().collect();
                @let codes: Vec<Markup> = lines.iter().map(|line| html! { (code(line, options)) }).collect();
                @let classes: Vec<&str> = lines.iter().map(|line| class(line.tendency())).collect();
                (plain_table(&table::figures(&lines, options.unit), Some(&Behind::new("Line Contents", codes).with_classes(classes))))
            }
        }
    }
}
