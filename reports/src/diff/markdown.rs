//! A comparison as Markdown: the verdict, and a table of the lines that matter most, as a comment on a pull request wants it.

use std::collections::HashSet;

use super::options::DiffOptions;
use super::table;
use crate::text;
use crate::text::markdown::{code, escaped, excerpt, quoted, short};
use crate::text::numbers::{self, Unit};
use crate::text::page::{Kind, Page};
use crate::view::{Comparison, Exact, FunctionChange, LineChange, Outcome, Pair, TimeVerdict};

/// Rows of the table, where there is no budget.
const ROWS: usize = 10;

const VERDICT: Kind = Kind {
    one: "verdict",
    many: "verdicts",
};
const LINE: Kind = Kind {
    one: "changed line",
    many: "changed lines",
};
const FUNCTION: Kind = Kind {
    one: "function",
    many: "functions",
};
const NOTE: Kind = Kind {
    one: "note",
    many: "notes",
};
const EXCERPT: Kind = Kind {
    one: "excerpt",
    many: "excerpts",
};

/// The comparison by itself.
pub(super) fn page(comparison: &Comparison<'_>, names: [&str; 2], options: &DiffOptions) -> String {
    let mut page = Page::new(options.budget);
    add(comparison, names, options, &mut page);
    let otherwise = "`--format text`";
    if options.in_turn {
        return page.finish(otherwise, otherwise);
    }
    let names = names.map(quoted).join(" ");
    page.finish(&format!("`hprof diff {names}`"), otherwise)
}

/// Adds the comparison to a page: the verdict, what matters most, and what was compared.
pub(crate) fn add(
    comparison: &Comparison<'_>,
    names: [&str; 2],
    options: &DiffOptions,
    page: &mut Page,
) {
    let sentence = comparison.verdict.sentence();
    page.add(0, VERDICT, format!("\n**hprof**: {sentence}\n"));
    let changed = comparison.changed_lines();
    let moved = comparison.moved_functions();
    let mut table = Table {
        page,
        left: options.budget.map_or(ROWS, |_| usize::MAX),
        is_begun: false,
    };
    for (function, line) in &changed {
        table.add(LINE, &rows(function, line, options.unit));
    }
    for function in &moved {
        table.add(FUNCTION, &[function_row(function, options.unit)]);
    }
    page.rest_here();
    let time = table::change_of_time(comparison.time, comparison.timed, options.unit);
    let judgement = &comparison.time_judgement;
    let time = format!("\nTime in measured functions: {time}; {judgement}.\n");
    page.add(1, NOTE, time);
    for note in &comparison.notes {
        page.add(1, NOTE, format!("{}.\n", escaped(note)));
    }
    if options.budget.is_some() {
        add_excerpts(&changed, page);
    }
    let [older, newer] = names.map(code);
    let details = format!(
        "\n<details><summary>What was compared</summary>\n\n- A: {older}\n- B: {newer}\n\n</details>\n"
    );
    page.add(4, NOTE, details);
}

/// The table of changes.
struct Table<'a> {
    page: &'a mut Page,
    /// Rows that it may still have.
    left: usize,
    is_begun: bool,
}

impl Table<'_> {
    /// What has these rows is there with all of them or with none, so that it is clear what is missing.
    fn add(&mut self, kind: Kind, rows: &[String]) {
        let Some(left) = self.left.checked_sub(rows.len()) else {
            self.left = 0;
            self.page.leave_out(kind, 1);
            return;
        };
        self.left = left;
        let mut text = rows.join("\n") + "\n";
        if !self.is_begun {
            let head = "\n| | line | what | A | B | change |\n|---|---|---|---:|---:|---:|\n";
            text.insert_str(0, head);
        }
        self.is_begun = true;
        self.page.add(2, kind, text);
    }
}

/// The code around the lines that changed, each once.
fn add_excerpts(changed: &[(&FunctionChange<'_>, &LineChange<'_>)], page: &mut Page) {
    let mut shown = HashSet::new();
    for (change, line) in changed {
        let Some(function) = change.function() else {
            continue;
        };
        let number = match change.newer {
            Some(_) => line.newer,
            None => line.older,
        };
        let Some(number) = number else {
            continue;
        };
        let place = (&function.file, number);
        let code = excerpt(&function.source, function.line, number);
        if let Some(code) = code.filter(|_| shown.insert(place)) {
            let file = text::clean(&function.file);
            page.add(3, EXCERPT, format!("\n## {file}:{number}\n\n{code}"));
        }
    }
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
    let what = format!("{} {}", code(&place), code(&short(line.text.trim())));
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
