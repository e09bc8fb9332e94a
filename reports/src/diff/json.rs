//! A comparison as one JSON object: all functions with a change, with all their lines that have one. Times in nanoseconds.

use std::io::{self, Write};

use serde::Serialize;

use crate::view::{
    Comparison, Exact, FunctionChange, LineChange, Outcome, Pair, TimeChange, TimeVerdict,
};

/// All of it.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    format: &'static str,
    version: u32,
    older: &'a str,
    newer: &'a str,
    verdict: Verdict,
    time: Time,
    /// In words, or why it is not judged.
    time_judgement: &'a str,
    notes: &'a [String],
    functions: Vec<Function<'a>>,
}

#[derive(Serialize)]
struct Verdict {
    sentence: String,
    is_worse: bool,
    functions: usize,
    lines: usize,
    regressions: usize,
    improvements: usize,
    added: usize,
    removed: usize,
    slightly: usize,
    unstable: usize,
    not_judged: usize,
    lines_not_judged: usize,
    slower_functions: usize,
    slower_lines: usize,
    faster_functions: usize,
    faster_lines: usize,
}

#[derive(Serialize)]
struct Time {
    older_ns: u64,
    newer_ns: u64,
    error_ns: u64,
    within_error: bool,
    /// Missing where it is not judged.
    judged: Option<Judged>,
}

/// What is said of a time.
#[derive(Serialize)]
struct Judged {
    word: &'static str,
    in_words: String,
    change_ns: i64,
    interval_ns: Option<[i64; 2]>,
    p: f64,
    superiority: f64,
    floor_ns: i64,
}

#[derive(Serialize)]
struct Figure {
    older: u64,
    newer: u64,
}

#[derive(Serialize)]
struct Function<'a> {
    outcome: &'static str,
    moved: bool,
    older: Option<Place<'a>>,
    newer: Option<Place<'a>>,
    calls: Figure,
    time: Time,
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Place<'a> {
    module: &'a str,
    name: &'a str,
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct Line<'a> {
    outcome: &'static str,
    judged: Vec<&'static str>,
    older: Option<u32>,
    newer: Option<u32>,
    hits: Option<Figure>,
    allocs: Option<Figure>,
    bytes: Option<Figure>,
    time: Time,
    source: &'a str,
}

pub(super) fn write(
    comparison: &Comparison<'_>,
    names: [&str; 2],
    out: &mut dyn Write,
) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document::new(comparison, names))?;
    writeln!(out)
}

impl<'a> Document<'a> {
    pub(crate) fn new(comparison: &'a Comparison<'a>, names: [&'a str; 2]) -> Self {
        let verdict = comparison.verdict;
        let functions = comparison.functions.iter();
        Self {
            format: "hprof-diff",
            version: 1,
            older: names[0],
            newer: names[1],
            verdict: Verdict {
                sentence: verdict.sentence(),
                is_worse: verdict.is_worse(),
                functions: verdict.functions,
                lines: verdict.lines,
                regressions: verdict.regressions,
                improvements: verdict.improvements,
                added: verdict.added,
                removed: verdict.removed,
                slightly: verdict.slightly,
                unstable: verdict.unstable,
                not_judged: verdict.not_judged,
                lines_not_judged: verdict.lines_not_judged,
                slower_functions: verdict.slower[0],
                slower_lines: verdict.slower[1],
                faster_functions: verdict.faster[0],
                faster_lines: verdict.faster[1],
            },
            time: time(comparison.time, comparison.timed),
            time_judgement: &comparison.time_judgement,
            notes: &comparison.notes,
            functions: functions
                .filter(|function| function.is_shown())
                .map(function)
                .collect(),
        }
    }
}

fn function<'a>(function: &FunctionChange<'a>) -> Function<'a> {
    let place = |function: Option<&'a hprof::model::Function>| {
        function.map(|function| Place {
            module: &function.module,
            name: &function.name,
            file: &function.file,
            line: function.line,
        })
    };
    let lines = function.lines.iter().filter(|line| line.is_shown());
    Function {
        outcome: function.outcome.word(),
        moved: function.moved,
        older: place(function.older),
        newer: place(function.newer),
        calls: figure(function.calls),
        time: time(function.time, function.timed),
        lines: lines.map(line).collect(),
    }
}

fn line<'a>(line: &LineChange<'a>) -> Line<'a> {
    let judged = match &line.outcome {
        Outcome::Regression(figures)
        | Outcome::Improvement(figures)
        | Outcome::Unstable(figures) => figures.as_slice(),
        _ => &[],
    };
    let exact = |of: Exact| line.exact[of as usize].map(figure);
    Line {
        outcome: line.outcome.word(),
        judged: judged.iter().map(|figure| figure.name()).collect(),
        older: line.older,
        newer: line.newer,
        hits: exact(Exact::Hits),
        allocs: exact(Exact::Allocs),
        bytes: exact(Exact::Bytes),
        time: time(line.time, line.timed),
        source: line.text.trim_end(),
    }
}

const fn figure(pair: Pair) -> Figure {
    Figure {
        older: pair.older,
        newer: pair.newer,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a difference of two times of a run, which are far below the ends"
)]
fn judged(verdict: TimeVerdict) -> Judged {
    let whole = |nanos: f64| nanos.round() as i64;
    Judged {
        word: verdict.word.word(),
        in_words: verdict.word.to_string(),
        change_ns: whole(verdict.change),
        interval_ns: verdict
            .interval
            .map(|(low, high)| [whole(low), whole(high)]),
        p: verdict.p,
        superiority: verdict.superiority,
        floor_ns: whole(verdict.floor),
    }
}

fn time(time: TimeChange, timed: Option<TimeVerdict>) -> Time {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a square root of a number of 128 bits, which is not negative"
    )]
    let error = time.error.ceil() as u64;
    Time {
        older_ns: time.older.0,
        newer_ns: time.newer.0,
        error_ns: error,
        within_error: time.is_within_error(),
        judged: timed.map(judged),
    }
}
