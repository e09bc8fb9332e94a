//! Which line of a function is which of its other form, and what it costs in both.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hprof::model::{Function, FunctionId};
use similar::{Algorithm, DiffOp};

use super::change::{FunctionChange, LineChange, Outcome, Pair, TimeChange, Why};
use super::judge::Judge;
use super::matching::Match;
use super::side::{Cost, Side};
use super::timing::Series;

/// Time for the texts of one function.
const PATIENCE: Duration = Duration::from_millis(500);

/// The instrumented lines of a function on one side, by their position in its text.
struct Text<'a> {
    first: u32,
    lines: Vec<&'a str>,
    costs: BTreeMap<u32, Cost>,
}

impl<'a> Text<'a> {
    fn new(function: Option<(FunctionId, &'a Function)>, side: &Side<'a>) -> Self {
        let Some((id, function)) = function else {
            return Self {
                first: 0,
                lines: Vec::new(),
                costs: BTreeMap::new(),
            };
        };
        let costs = side.lines(id);
        let mut lines: Vec<&str> = function.source.iter().map(String::as_str).collect();
        if lines.is_empty()
            && let Some(last) = costs.keys().next_back()
        {
            // Without text lines are the same where they are as far from the first one.
            let count = last.saturating_sub(function.line).saturating_add(1);
            lines = vec![""; usize::try_from(count).unwrap_or(0).min(1 << 16)];
        }
        Self {
            first: function.line,
            lines,
            costs,
        }
    }

    fn number(&self, at: usize) -> u32 {
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        self.first.saturating_add(at)
    }
}

/// What became of a function.
pub(super) fn function<'a>(
    found: &Match<'a>,
    older: &Side<'a>,
    newer: &Side<'a>,
    judge: &Judge<'_>,
) -> FunctionChange<'a> {
    let ids = (found.older.map(|one| one.0), found.newer.map(|one| one.0));
    let functions = (found.older.map(|one| one.1), found.newer.map(|one| one.1));
    let moved = match functions {
        (Some(a), Some(b)) => (&a.module, &a.name, &a.file) != (&b.module, &b.name, &b.file),
        _ => false,
    };
    let ignored = [functions.0, functions.1]
        .into_iter()
        .flatten()
        .any(|function| judge.ignores(function));
    let differs = match ids {
        (Some(a), Some(b)) => older.is_thin(a) != newer.is_thin(b),
        _ => false,
    };
    let outcome = match functions {
        _ if ignored => Outcome::Ignored,
        (None, Some(function)) if older.left_out(function) => Outcome::NotJudged(Why::LeftOut),
        (Some(function), None) if newer.left_out(function) => Outcome::NotJudged(Why::LeftOut),
        (None, _) => Outcome::Added,
        (_, None) => Outcome::Removed,
        _ if differs => Outcome::NotJudged(Why::Thin),
        _ => Outcome::Same,
    };
    let texts = (Text::new(found.older, older), Text::new(found.newer, newer));
    let mut lines = if differs { Vec::new() } else { matched(&texts) };
    for line in &mut lines {
        line.outcome = match (&outcome, line.older, line.newer, ids) {
            (Outcome::Ignored, ..) => Outcome::Ignored,
            (Outcome::NotJudged(why), ..) => Outcome::NotJudged(*why),
            (_, Some(a), Some(b), (Some(one), Some(other)))
                if !judge.are_comparable(older.kind(one, a), newer.kind(other, b)) =>
            {
                Outcome::NotJudged(Why::Instrumentation)
            }
            (_, Some(a), Some(b), (Some(one), Some(other))) => {
                let runs = [older.line(one, a), newer.line(other, b)];
                judge.line(line, &runs.map(|runs| ranges(&runs)))
            }
            _ => judge.line(line, &[[None; 3]; 2]),
        };
        judge.blank_heap(line);
    }
    FunctionChange {
        older: functions.0,
        newer: functions.1,
        moved,
        calls: Pair {
            older: older.calls(ids.0),
            newer: newer.calls(ids.1),
        },
        time: TimeChange::new(older.time(ids.0), newer.time(ids.1)),
        timed: None,
        ids,
        lines,
        outcome,
    }
}

/// The lines of both texts that have costs, each beside the one that it is on the other side.
fn matched<'a>(texts: &(Text<'a>, Text<'a>)) -> Vec<LineChange<'a>> {
    let deadline = Some(Instant::now() + PATIENCE);
    let trimmed = |text: &Text<'a>| {
        let lines = text.lines.iter();
        lines.map(|line| line.trim()).collect::<Vec<_>>()
    };
    let (older, newer) = (trimmed(&texts.0), trimmed(&texts.1));
    let operations =
        similar::capture_diff_slices_deadline(Algorithm::Patience, &older, &newer, deadline);
    let mut lines = Vec::new();
    for operation in operations {
        push(operation, texts, &mut lines);
    }
    lines
}

/// The times of a function in all runs.
pub(super) fn series(function: &FunctionChange<'_>, older: &Side<'_>, newer: &Side<'_>) -> Series {
    Series {
        older: older.times_of(function.ids.0),
        newer: newer.times_of(function.ids.1),
    }
}

/// The times of a line that is on both sides in all runs.
pub(super) fn line_series(
    (older_id, newer_id): (FunctionId, FunctionId),
    line: &LineChange<'_>,
    older: &Side<'_>,
    newer: &Side<'_>,
) -> Option<Series> {
    let times = |side: &Side<'_>, id, line| {
        let costs = side.line(id, line).into_iter();
        costs
            .map(|cost| (cost.time.0.0 as f64, cost.time.1 as f64))
            .collect()
    };
    Some(Series {
        older: times(older, older_id, line.older?),
        newer: times(newer, newer_id, line.newer?),
    })
}

/// The smallest and the largest value of each exact figure; `None` if all runs agree.
fn ranges(runs: &[Cost]) -> [Option<(u64, u64)>; 3] {
    std::array::from_fn(|at| {
        let values = || runs.iter().map(|run| run.exact[at]);
        let (least, most) = (values().min()?, values().max()?);
        (least < most).then_some((least, most))
    })
}

/// Adds the lines of a part of the text that have costs.
fn push<'a>(operation: DiffOp, texts: &(Text<'a>, Text<'a>), lines: &mut Vec<LineChange<'a>>) {
    let (older, newer) = (operation.old_range(), operation.new_range());
    if let DiffOp::Equal { len, .. } = operation {
        for step in 0..len {
            let places = (older.start + step, newer.start + step);
            lines.extend(line(Some(places.0), Some(places.1), texts));
        }
        return;
    }
    lines.extend(older.filter_map(|at| line(Some(at), None, texts)));
    lines.extend(newer.filter_map(|at| line(None, Some(at), texts)));
}

fn line<'a>(
    older: Option<usize>,
    newer: Option<usize>,
    texts: &(Text<'a>, Text<'a>),
) -> Option<LineChange<'a>> {
    let numbers = (
        older.map(|at| texts.0.number(at)),
        newer.map(|at| texts.1.number(at)),
    );
    let costs = (
        numbers.0.and_then(|number| texts.0.costs.get(&number)),
        numbers.1.and_then(|number| texts.1.costs.get(&number)),
    );
    if costs.0.is_none() && costs.1.is_none() {
        return None;
    }
    let (a, b) = (
        costs.0.copied().unwrap_or_default(),
        costs.1.copied().unwrap_or_default(),
    );
    let text = match (older, newer) {
        (_, Some(at)) => texts.1.lines.get(at),
        (Some(at), None) => texts.0.lines.get(at),
        (None, None) => None,
    };
    let mut exact = [None; 3];
    for (at, place) in exact.iter_mut().enumerate() {
        *place = Some(Pair {
            older: a.exact[at],
            newer: b.exact[at],
        });
    }
    Some(LineChange {
        older: numbers.0,
        newer: numbers.1,
        text: text.copied().unwrap_or_default(),
        exact,
        time: TimeChange::new(a.time, b.time),
        is_notable: false,
        timed: None,
        outcome: Outcome::Same,
    })
}
