//! The verdict on a profile: budgets, and what does more than in a baseline. One object, printed as text, Markdown, JSON or annotations of a CI service.

use std::io::{self, Write};

use serde::Serialize;

use crate::diff::{self, DiffError, DiffOptions, Side};
use crate::text;
use crate::text::markdown::code;
use crate::text::numbers::{self, Unit};
use crate::text::page::{Kind, Page};
use crate::text::screen::Screen;
use crate::text::style::{Style, Tone};
use crate::view::{
    Budget, BudgetFigure, BudgetRow, Comparison, Exact, Outcome, TimeChange, TimeWord, judge,
};

/// How a verdict is printed.
///
/// ```
/// assert_eq!(hprof_reports::CheckFormat::default(), hprof_reports::CheckFormat::Text);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckFormat {
    /// For a terminal.
    #[default]
    Text,
    /// For a comment on a pull request.
    Markdown,
    /// One JSON object for programs.
    Json,
    /// Annotations of GitHub's workflows.
    Github,
}

/// Rows of annotations.
const ANNOTATIONS: usize = 10;

const VERDICT: Kind = Kind {
    one: "verdict",
    many: "verdicts",
};
const BUDGET: Kind = Kind {
    one: "budget",
    many: "budgets",
};

/// What is checked.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    /// The profile.
    pub profile: Side<'a>,
    /// An older one, if regressions are looked for.
    pub baseline: Option<Side<'a>>,
    /// Budgets.
    pub budgets: &'a [Budget],
    /// Name of this machine, on which durations are judged; `None` if it is not known.
    pub host: Option<&'a str>,
    /// What is judged of a comparison, and how times are printed.
    pub options: DiffOptions,
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    passed: bool,
    verdict: &'a str,
    budgets: Vec<Row<'a>>,
    diff: Option<diff::json::Document<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    budget: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    figure: &'static str,
    allowed: Option<u64>,
    found: Option<u64>,
    broken: bool,
    not_judged: Option<&'a str>,
}

/// Writes the verdict. Returns whether the profile passed: no budget is broken, and no line does more of what is judged.
///
/// # Errors
/// [`DiffError::Incomparable`] if profile and baseline have nothing in common, and those of the writer.
///
/// ```
/// use hprof_reports::{Check, CheckFormat, DiffOptions, Side, write_check};
/// let profile = hprof::model::Profile::default();
/// let check = Check {
///     profile: Side { name: "run.pb.gz", runs: &[profile] },
///     baseline: None,
///     budgets: &[],
///     host: None,
///     options: DiffOptions::default(),
/// };
/// let mut out = Vec::new();
/// assert!(write_check(&check, CheckFormat::Text, &mut out)?);
/// assert!(String::from_utf8_lossy(&out).contains("nothing to judge"));
/// # Ok::<(), hprof_reports::DiffError>(())
/// ```
pub fn write_check(
    check: &Check<'_>,
    format: CheckFormat,
    out: &mut dyn Write,
) -> Result<bool, DiffError> {
    let profile = check.profile.runs.first();
    let rows = profile.map_or_else(Vec::new, |profile| {
        judge(profile, check.budgets, check.host)
    });
    let comparison = match check.baseline {
        Some(baseline) => Some(diff::compare(baseline, check.profile, &check.options)?),
        None => None,
    };
    let names = [
        check.baseline.map_or("", |side| side.name),
        check.profile.name,
    ];
    let verdict = Verdict::new(&rows, comparison.as_ref());
    match format {
        CheckFormat::Text => {
            let style = check.options.style;
            let out = &mut Screen::new(out, style);
            let tone = if verdict.passed {
                Tone::Heading
            } else {
                Tone::Hot
            };
            for line in text::wrapped(&verdict.sentence, style.width.unwrap_or(usize::MAX)) {
                writeln!(out, "{}", style.paint(tone, &line))?;
            }
            write_budgets(&rows, style, out)?;
            if let Some(comparison) = &comparison {
                writeln!(out)?;
                diff::table::write(comparison, names, &check.options, out)?;
            }
        }
        CheckFormat::Markdown => {
            let page = markdown(check, &rows, comparison.as_ref(), &verdict);
            out.write_all(page.as_bytes())?;
        }
        CheckFormat::Json => {
            let document = Document {
                format: "hprof-check",
                version: 1,
                passed: verdict.passed,
                verdict: &verdict.sentence,
                budgets: rows.iter().map(json_row).collect(),
                diff: comparison
                    .as_ref()
                    .map(|comparison| diff::json::Document::new(comparison, names)),
            };
            serde_json::to_writer_pretty(&mut *out, &document).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        CheckFormat::Github => {
            let unit = check.options.unit;
            write_annotations(&rows, comparison.as_ref(), &verdict, unit, out)?;
        }
    }
    Ok(verdict.passed)
}

/// The verdict in a sentence.
struct Verdict {
    passed: bool,
    sentence: String,
}

impl Verdict {
    fn new(rows: &[BudgetRow], comparison: Option<&Comparison<'_>>) -> Self {
        let broken = rows.iter().filter(|row| row.is_broken()).count();
        let unjudged = rows.iter().filter(|row| row.judged.is_none()).count();
        let kept = rows.len() - broken - unjudged;
        let worse = comparison.is_some_and(|comparison| comparison.verdict.is_worse());
        let counted = |count: usize, one: &str, many: &str| {
            (count > 0).then(|| numbers::counted(count as u64, one, many))
        };
        let parts = [
            counted(broken, "budget is broken", "budgets are broken"),
            counted(kept, "budget is kept", "budgets are kept"),
            counted(unjudged, "budget was not judged", "budgets were not judged"),
            comparison.map(|comparison| comparison.verdict.sentence()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let passed = broken == 0 && !worse;
        let sentence = match (parts.is_empty(), passed) {
            (true, _) => {
                "nothing to judge: there is no budget in hprof.toml, and no --baseline or --base"
                    .into()
            }
            (false, true) => format!("passed: {}", parts.join("; ")),
            (false, false) => format!("failed: {}", parts.join("; ")),
        };
        Self { passed, sentence }
    }
}

/// A budget in words: `solver::step: allocs 12, allowed 0`.
fn words(row: &BudgetRow) -> String {
    let figure = |count: u64| match row.limit.figure {
        BudgetFigure::Bytes => numbers::scaled_bytes(count),
        BudgetFigure::P99 => numbers::scaled_time(count as f64),
        _ => numbers::thousands(count),
    };
    match row.judged {
        Some(judged) => format!(
            "{}: {} {}, allowed {}",
            text::clean(&row.name),
            row.limit.figure.name(),
            figure(judged.found),
            figure(judged.allowed)
        ),
        None => format!("{}: not judged, {}", text::clean(&row.name), row.why_not),
    }
}

fn write_budgets(rows: &[BudgetRow], style: Style, out: &mut dyn Write) -> io::Result<()> {
    for row in rows {
        let (word, tone) = match (row.is_broken(), row.judged) {
            (true, _) => ("broken", Tone::Hot),
            (false, Some(_)) => ("kept  ", Tone::Plain),
            (false, None) => ("?     ", Tone::Dim),
        };
        let place = row
            .place
            .as_ref()
            .map(|(file, line)| format!(" ({}:{line})", text::clean(file)));
        writeln!(
            out,
            "  {} {}{}",
            style.paint(tone, word),
            words(row),
            place.unwrap_or_default()
        )?;
    }
    Ok(())
}

/// The verdict, the budgets, the broken ones first, and the comparison.
fn markdown(
    check: &Check<'_>,
    rows: &[BudgetRow],
    comparison: Option<&Comparison<'_>>,
    verdict: &Verdict,
) -> String {
    let mut page = Page::new(check.options.budget);
    let sentence = &verdict.sentence;
    page.add(0, VERDICT, format!("**hprof check** {sentence}\n"));
    let (broken, kept): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_broken());
    for (at, row) in broken.into_iter().chain(kept).enumerate() {
        let mut text = markdown_row(row);
        if at == 0 {
            let head = "\n| budget | figure | found | allowed | |\n|---|---|---:|---:|---|\n";
            text.insert_str(0, head);
        }
        page.add(1, BUDGET, text);
    }
    if let Some((comparison, baseline)) = comparison.zip(check.baseline) {
        let names = [baseline.name, check.profile.name];
        diff::markdown::add(comparison, names, &check.options, &mut page);
    }
    let command = "the same command with `--format text`";
    page.finish(command, command)
}

fn markdown_row(row: &BudgetRow) -> String {
    let name = code(&row.name);
    let figure = row.limit.figure.name();
    match row.judged {
        Some(judged) => {
            let word = if row.is_broken() {
                "**broken**"
            } else {
                "kept"
            };
            let [found, allowed] = [judged.found, judged.allowed].map(numbers::thousands);
            format!("| {name} | {figure} | {found} | {allowed} | {word} |\n")
        }
        None => format!("| {name} | {figure} | | | not judged: {} |\n", row.why_not),
    }
}

fn json_row(row: &BudgetRow) -> Row<'_> {
    Row {
        budget: &row.name,
        file: row.place.as_ref().map(|(file, _)| file.as_str()),
        line: row.place.as_ref().map(|(_, line)| *line),
        figure: row.limit.figure.name(),
        allowed: row.judged.map(|judged| judged.allowed),
        found: row.judged.map(|judged| judged.found),
        broken: row.is_broken(),
        not_judged: row.judged.is_none().then_some(row.why_not),
    }
}

/// `::warning file=,line=::message`, for the broken budgets and then the lines that do more.
fn write_annotations(
    rows: &[BudgetRow],
    comparison: Option<&Comparison<'_>>,
    verdict: &Verdict,
    unit: Unit,
    out: &mut dyn Write,
) -> io::Result<()> {
    let broken = rows.iter().filter(|row| row.is_broken());
    let budgets = broken.map(|row| {
        let (file, line) = row.place.clone().unwrap_or_default();
        annotation(&file, line, &words(row))
    });
    let changed = comparison
        .map(Comparison::changed_lines)
        .unwrap_or_default();
    let times_fail = comparison.is_some_and(|comparison| comparison.verdict.is_slower);
    let lines = changed.iter().filter_map(|(function, line)| {
        let figures: &[Exact] = match &line.outcome {
            Outcome::Regression(figures) => figures,
            _ => &[],
        };
        let parts = figures.iter().filter_map(|figure| {
            let pair = line.exact[*figure as usize]?;
            Some(format!(
                "{} {} -> {}",
                figure.name(),
                pair.older,
                pair.newer
            ))
        });
        let mut parts: Vec<String> = parts.collect();
        if times_fail && line.time_word() == Some(TimeWord::Slower) {
            parts.push(slower(line.time, unit));
        }
        if parts.is_empty() {
            return None;
        }
        let file = &function.function()?.file;
        Some(annotation(file, line.newer?, &parts.join(", ")))
    });
    let moved = comparison.filter(|_| times_fail);
    let moved = moved.map(Comparison::moved_functions).unwrap_or_default();
    let functions = moved.iter().filter_map(|function| {
        let is_slower = function.time_word() == Some(TimeWord::Slower);
        let now = function.newer.filter(|_| is_slower)?;
        let words = format!("{} is {}", now.name, slower(function.time, unit));
        Some(annotation(&now.file, now.line, &words))
    });
    for line in budgets.chain(lines).chain(functions).take(ANNOTATIONS) {
        writeln!(out, "{line}")?;
    }
    let kind = if verdict.passed { "notice" } else { "error" };
    writeln!(
        out,
        "::{kind}::{}",
        escaped(&format!("hprof check {}", verdict.sentence))
    )
}

/// `slower: 1.20 s -> 1.80 s`.
fn slower(time: TimeChange, unit: Unit) -> String {
    let [older, newer] = [time.older, time.newer].map(|nanos| unit.time(nanos.0 as f64, 3, 1));
    format!("slower: {older} -> {newer}")
}

fn annotation(file: &str, line: u32, message: &str) -> String {
    let property = |text: &str| escaped(text).replace(':', "%3A").replace(',', "%2C");
    format!(
        "::warning file={},line={line}::{}",
        property(file),
        escaped(message)
    )
}

/// As GitHub's workflow commands want it.
fn escaped(text: &str) -> String {
    text::clean(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use hprof::model::{Durations, FunctionId, Histogram, Longest, Nanos, Profile, Timed};

    use super::*;
    use crate::fixture;
    use crate::view::{BudgetPlace, Limit, Per};

    fn budgets() -> Vec<Budget> {
        let limit = |figure, most, per| Limit { figure, most, per };
        vec![
            Budget {
                name: "Field::advance".into(),
                place: BudgetPlace::Functions(["diffusion::solver::Field::advance".into()].into()),
                limits: vec![
                    limit(BudgetFigure::Calls, 400, None),
                    limit(BudgetFigure::Allocs, 0, Some(Per::Call)),
                ],
            },
            Budget {
                name: "solver.rs:6".into(),
                place: BudgetPlace::Line {
                    file: "solver.rs".into(),
                    line: 6,
                },
                limits: vec![limit(BudgetFigure::Hits, 500, Some(Per::Call))],
            },
            Budget {
                name: "gone".into(),
                place: BudgetPlace::Functions(["diffusion::gone".into()].into()),
                limits: vec![limit(BudgetFigure::Hits, 1, None)],
            },
        ]
    }

    fn written(profile: &Profile, budgets: &[Budget], format: CheckFormat) -> (bool, String) {
        let check = Check {
            host: None,
            profile: Side {
                name: "b.pb.gz",
                runs: std::slice::from_ref(profile),
            },
            baseline: None,
            budgets,
            options: DiffOptions::default(),
        };
        let mut out = Vec::new();
        let passed = write_check(&check, format, &mut out).unwrap();
        (passed, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_duration_is_judged_only_on_the_machine_of_the_profile() {
        let mut profile = fixture::diffusion();
        let longest = Longest {
            time: Nanos(3_000_000),
            ..Longest::default()
        };
        let mut histogram = Histogram::default();
        histogram.add(longest.time, 1, longest);
        profile.processes[0].durations = vec![Durations {
            function: FunctionId(0),
            timed: Timed::Calls,
            all: Some(1),
            cancelled: 0,
            histogram,
        }];
        let function = &profile.functions[0];
        let path = format!("{}::{}", function.module, function.name);
        let budget = |most| Budget {
            name: "f".into(),
            place: BudgetPlace::Functions([path.clone()].into()),
            limits: vec![Limit {
                figure: BudgetFigure::P99,
                most,
                per: None,
            }],
        };
        let host = profile.processes[0].host.clone();
        let judged = |most, host| judge(&profile, &[budget(most)], Some(host));
        assert!(judged(2_999_999, &host)[0].is_broken());
        assert!(!judged(3_000_000, &host)[0].is_broken());
        let elsewhere = &judged(1, "another")[0];
        assert!(elsewhere.judged.is_none() && elsewhere.why_not.contains("another machine"));
    }

    #[test]
    fn all_forms_say_the_same_of_budgets() {
        let profile = fixture::diffusion();
        let formats = [
            CheckFormat::Text,
            CheckFormat::Markdown,
            CheckFormat::Json,
            CheckFormat::Github,
        ];
        let texts = formats.map(|format| {
            let (passed, text) = written(&profile, &budgets(), format);
            assert!(!passed, "{text}");
            text
        });
        insta::assert_snapshot!(texts.join("\n----\n"));
    }

    #[test]
    fn a_budget_of_tokens_has_the_verdict_and_the_broken_budgets_first() {
        let profile = fixture::diffusion();
        let mut budgets = budgets();
        let broken = budgets.remove(0);
        budgets.resize(60, budgets[0].clone());
        budgets.push(broken);
        let side = Side {
            name: "b.pb.gz",
            runs: std::slice::from_ref(&profile),
        };
        let written = |budget: usize, baseline| {
            let check = Check {
                profile: side,
                baseline,
                budgets: &budgets,
                host: None,
                options: DiffOptions {
                    budget: Some(budget),
                    ..DiffOptions::default()
                },
            };
            let mut out = Vec::new();
            write_check(&check, CheckFormat::Markdown, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.len() <= budget * 4, "{text}");
            text
        };
        for baseline in [None, Some(side)] {
            for budget in crate::LEAST_BUDGET..400 {
                let text = written(budget, baseline);
                assert!(text.contains("Left out: "), "{text}");
                assert!(
                    budget < 100 || text.starts_with("**hprof check** failed: "),
                    "{text}"
                );
            }
            let text = written(200, baseline);
            let rows: Vec<&str> = text
                .lines()
                .filter(|line| line.starts_with("| `"))
                .collect();
            assert!(
                rows.len() > 3 && rows[0].ends_with("| **broken** |"),
                "{text}"
            );
            let rest = "budgets; the same command with `--format text` shows all.";
            assert!(baseline.is_some() || text.contains(rest), "{text}");
        }
    }

    #[test]
    fn kept_budgets_pass() {
        let mut budgets = budgets();
        budgets.truncate(2);
        budgets[0].limits.remove(0);
        let (passed, text) = written(&fixture::diffusion(), &budgets, CheckFormat::Text);
        assert!(
            passed && text.starts_with("passed: 2 budgets are kept"),
            "{text}"
        );
    }

    #[test]
    fn annotations_hide_nothing_in_their_names() {
        assert_eq!(
            annotation("a,b:c%.rs", 3, "one\ntwo"),
            "::warning file=a%2Cb%3Ac%25.rs,line=3::one\u{fffd}two"
        );
    }
}
