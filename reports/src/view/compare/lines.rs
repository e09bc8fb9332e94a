//! Which line of a function is which of its other form, and what it costs in both.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hprof::model::{Function, FunctionCost, FunctionId, LineTotal, Nanos};
use similar::{Algorithm, DiffOp};

use super::change::{Exact, FunctionChange, LineChange, Outcome, Pair, TimeChange, Why};
use super::judge::Judge;
use super::matching::Match;
use super::side::Side;
use crate::view::line::hits;

/// Time for the texts of one function.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a line costs on one side.
#[derive(Clone, Copy, Default)]
struct Cost {
    exact: [u64; 3],
    time: (Nanos, u128),
}

impl Cost {
    fn of(function: &Function, cost: &FunctionCost, at: usize, total: &LineTotal) -> Self {
        let mut exact = Exact::ALL.map(|figure| figure.of(&total.own));
        if let Some(line) = function.lines.get(at) {
            exact[0] = hits(line, total, cost);
        }
        Self {
            exact,
            time: (total.total, total.total_variance),
        }
    }
}

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
        let mut costs = BTreeMap::new();
        if let Some(cost) = side.costs.get(&id) {
            for (at, total) in cost.lines.iter().enumerate() {
                costs.insert(total.line, Cost::of(function, cost, at, total));
            }
        }
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
        (None, _) => Outcome::Added,
        (_, None) => Outcome::Removed,
        _ if differs => Outcome::NotJudged(Why::Thin),
        _ => Outcome::Same,
    };
    let texts = (Text::new(found.older, older), Text::new(found.newer, newer));
    let mut lines = Vec::new();
    if !differs {
        let deadline = Some(Instant::now() + PATIENCE);
        let trimmed = |text: &Text<'a>| {
            text.lines
                .iter()
                .map(|line| line.trim())
                .collect::<Vec<_>>()
        };
        let operations = similar::capture_diff_slices_deadline(
            Algorithm::Patience,
            &trimmed(&texts.0),
            &trimmed(&texts.1),
            deadline,
        );
        for operation in operations {
            push(operation, &texts, &mut lines);
        }
        for line in &mut lines {
            line.outcome = match outcome {
                Outcome::Ignored => Outcome::Ignored,
                _ => judge.line(line),
            };
            judge.blank_heap(line);
        }
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
        lines,
        outcome,
    }
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
        outcome: Outcome::Same,
    })
}
