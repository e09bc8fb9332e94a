//! Budgets: how much a function or a line may do at most, whatever it did before. Exact figures, and how long single calls take on this machine.

use std::collections::{BTreeMap, BTreeSet};

use hprof::model::{Function, FunctionCost, FunctionId, Profile, Scope, Timed, function_costs};

use super::durations::DurationView;
use super::line::hits;
use crate::view::sums::sum;

/// What a budget is for.
///
/// ```
/// use hprof_reports::BudgetPlace;
/// let place = BudgetPlace::Line { file: "src/parse.rs".into(), line: 88 };
/// assert!(format!("{place:?}").contains("88"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BudgetPlace {
    /// Functions by module path and name: each of them has the budget for itself.
    Functions(BTreeSet<String>),
    /// A line of a file: its path as the profile has it, or the end of that.
    Line {
        /// The path.
        file: String,
        /// The number of the line.
        line: u32,
    },
}

/// A figure that a budget limits. Of a function it is the sum over its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetFigure {
    /// Times control came to a line.
    Hits,
    /// Calls of the function.
    Calls,
    /// Allocations.
    Allocs,
    /// Bytes allocated.
    Bytes,
    /// Nanoseconds that 99 of 100 calls of the function, polls of an async one, or hits of the line do not exceed.
    P99,
}

/// The most of a figure that there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub figure: BudgetFigure,
    /// So many.
    pub most: u64,
    /// For each of these; `None` for the whole run.
    pub per: Option<Per>,
}

/// What a limit is multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Calls of the function.
    Call,
    /// Hits of the line.
    Hit,
}

/// A budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How its owner writes what it is for, such as `solver::step`.
    pub name: String,
    /// What that is.
    pub place: BudgetPlace,
    /// Its limits.
    pub limits: Vec<Limit>,
}

/// A limit, and what the profile has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BudgetRow {
    /// The budget's own name.
    pub(crate) name: String,
    /// Where the function or line is, if it was entered: file and line.
    pub(crate) place: Option<(String, u32)>,
    pub(crate) limit: Limit,
    /// The most that was allowed, and what there was; `None` if it cannot be judged.
    pub(crate) judged: Option<Judged>,
    /// Why not, then.
    pub(crate) why_not: &'static str,
}

/// A figure against its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) allowed: u64,
    pub(crate) found: u64,
}

impl BudgetRow {
    pub(crate) fn is_broken(&self) -> bool {
        self.judged
            .is_some_and(|judged| judged.found > judged.allowed)
    }
}

impl BudgetFigure {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Calls => "calls",
            Self::Allocs => "allocs",
            Self::Bytes => "bytes",
            Self::P99 => "p99",
        }
    }
}

/// Module path and name of a function.
pub(crate) fn path(function: &Function) -> String {
    if function.module.is_empty() {
        function.name.clone()
    } else {
        format!("{}::{}", function.module, function.name)
    }
}

/// Figures of a function or a line.
struct Figures {
    place: (String, u32),
    hits: u64,
    calls: u64,
    allocs: u64,
    bytes: u64,
    p99: Option<u64>,
}

/// Judges budgets by a profile: a row for each limit, and for each function that a budget is for.
/// A duration is judged only if all processes ran on `host`, this machine.
pub(crate) fn judge(profile: &Profile, budgets: &[Budget], host: Option<&str>) -> Vec<BudgetRow> {
    let costs = function_costs(profile, Scope::All);
    let is_from_here = profile.processes.iter().all(|one| Some(&*one.host) == host);
    let mut limits = budgets.iter().flat_map(|budget| &budget.limits);
    let p99 = if limits.any(|limit| limit.figure == BudgetFigure::P99) {
        p99(profile, &costs)
    } else {
        BTreeMap::new()
    };
    let counts_heap = profile.processes.iter().any(|one| one.heap.is_some());
    let mut rows = Vec::new();
    for budget in budgets {
        let found: Vec<Figures> = costs
            .iter()
            .filter_map(|cost| {
                let function = profile.functions.get(cost.function.0 as usize)?;
                let p99 = |line| p99.get(&(cost.function, line)).copied();
                figures(&budget.place, function, cost, p99)
            })
            .collect();
        for limit in &budget.limits {
            let row = |place, judged, why_not| BudgetRow {
                name: budget.name.clone(),
                place,
                limit: *limit,
                judged,
                why_not,
            };
            if found.is_empty() {
                let why = match budget.place {
                    BudgetPlace::Functions(_) => "no function of this name was entered",
                    BudgetPlace::Line { .. } => "no measured line is there",
                };
                rows.push(row(None, None, why));
            }
            for figures in &found {
                let place = Some(figures.place.clone());
                let is_heap = matches!(limit.figure, BudgetFigure::Allocs | BudgetFigure::Bytes);
                let why = match limit.figure {
                    BudgetFigure::P99 if !is_from_here => "recorded on another machine",
                    _ if is_heap && !counts_heap => "the program did not count allocations",
                    _ => "too short to be timed one by one",
                };
                let may_judge = match limit.figure {
                    BudgetFigure::P99 => is_from_here,
                    _ => !is_heap || counts_heap,
                };
                let judged = figures.against(*limit).filter(|_| may_judge);
                rows.push(row(place, judged, why));
            }
        }
    }
    rows
}

/// What 99 of 100 calls, polls or hits do not exceed, by function and line; no line: calls or polls of the function.
fn p99(profile: &Profile, costs: &[FunctionCost]) -> BTreeMap<(FunctionId, Option<u32>), u64> {
    let view = DurationView::new(profile, Scope::All, costs);
    let mut most = BTreeMap::new();
    for row in view.functions.iter().chain(&view.lines) {
        let line = match row.timed {
            Timed::Line(line) => Some(line),
            Timed::Calls | Timed::Polls => None,
            Timed::Futures | Timed::Busy => continue,
        };
        if let Some(of) = row.percentiles {
            let sum: &mut u64 = most.entry((row.id, line)).or_default();
            *sum = of.p99.0.max(*sum);
        }
    }
    most
}

fn figures(
    place: &BudgetPlace,
    function: &Function,
    cost: &FunctionCost,
    p99: impl Fn(Option<u32>) -> Option<u64>,
) -> Option<Figures> {
    let (is_meant, from, wanted) = match place {
        BudgetPlace::Functions(paths) => (paths.contains(&path(function)), function.line, None),
        BudgetPlace::Line { file, line } => (is_file(&function.file, file), *line, Some(*line)),
    };
    if !is_meant {
        return None;
    }
    let own: Vec<_> = (function.lines.iter().zip(&cost.lines))
        .filter(|(line, _)| wanted.is_none_or(|wanted| line.line == wanted))
        .collect();
    if own.is_empty() {
        return None;
    }
    Some(Figures {
        place: (function.file.clone(), from),
        hits: sum(own.iter().map(|(line, total)| hits(line, total, cost))),
        calls: cost.calls,
        allocs: sum(own.iter().map(|(_, total)| total.own.allocs)),
        bytes: sum(own.iter().map(|(_, total)| total.own.alloc_bytes)),
        p99: p99(wanted),
    })
}

/// Whether a path is this one, or ends with it.
fn is_file(path: &str, wanted: &str) -> bool {
    path.strip_suffix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

impl Figures {
    fn against(&self, limit: Limit) -> Option<Judged> {
        let times = match limit.per {
            None => 1,
            Some(Per::Call) => self.calls,
            Some(Per::Hit) => self.hits,
        };
        Some(Judged {
            allowed: limit.most.saturating_mul(times),
            found: match limit.figure {
                BudgetFigure::Hits => self.hits,
                BudgetFigure::Calls => self.calls,
                BudgetFigure::Allocs => self.allocs,
                BudgetFigure::Bytes => self.bytes,
                BudgetFigure::P99 => self.p99?,
            },
        })
    }
}
