//! One of two sides that are compared: a profile, or those of several runs, and what is worked out of them.

use std::collections::{BTreeMap, HashMap};

use hprof::model::{
    Function, FunctionCost, FunctionId, Instrumentation, LineTotal, Nanos, Process, Profile, Scope,
    function_costs,
};

use hprof::site::LineKind;

use super::change::Exact;
use super::timing::Times;
use crate::view::line::hits;
use crate::view::sums::sum;

/// What a line costs in one run.
#[derive(Clone, Copy, Default)]
pub(super) struct Cost {
    pub(super) exact: [u64; 3],
    pub(super) time: (Nanos, u128),
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

    /// Its lines, by number.
    fn lines(function: &Function, cost: &FunctionCost) -> BTreeMap<u32, Self> {
        let lines = cost.lines.iter().enumerate();
        lines
            .map(|(at, total)| (total.line, Self::of(function, cost, at, total)))
            .collect()
    }
}

/// Time of a function in one run, and its lines by number.
type FunctionInRun = ((Nanos, u128), BTreeMap<u32, Cost>);

/// What one run says of the functions of the first.
struct Run {
    time: (Nanos, u128),
    functions: HashMap<FunctionId, FunctionInRun>,
}

/// What is the same for a function in all runs of one program.
type Key<'a> = (&'a str, &'a str, &'a str, u32, u32);

fn key(function: &Function) -> Key<'_> {
    let Function {
        module, name, file, ..
    } = function;
    (module, name, file, function.line, function.column)
}

impl Run {
    /// `ids` names the functions of the first run.
    fn new(profile: &Profile, ids: &HashMap<Key<'_>, FunctionId>) -> Self {
        let costs = function_costs(profile, Scope::All);
        let costs: BTreeMap<_, _> = costs
            .into_iter()
            .map(|cost| (cost.function, cost))
            .collect();
        let time = total_time(&costs);
        let functions = costs.values().filter_map(|cost| {
            let function = profile.functions.get(cost.function.0 as usize)?;
            let id = ids.get(&key(function))?;
            let time = (cost.total, cost.total_variance);
            Some((*id, (time, Cost::lines(function, cost))))
        });
        Self {
            time,
            functions: functions.collect(),
        }
    }
}

/// A profile and what is worked out of it; those of other runs of the same program for what differs between runs.
pub(super) struct Side<'a> {
    pub(super) profile: &'a Profile,
    pub(super) costs: BTreeMap<FunctionId, FunctionCost>,
    thin: BTreeMap<FunctionId, u64>,
    pub(super) counts_heap: bool,
    /// All runs, that of `profile` first.
    runs: Vec<Run>,
}

impl<'a> Side<'a> {
    /// `None` of no run.
    pub(super) fn of(runs: &'a [Profile]) -> Option<Self> {
        let mut side = Self::new(runs.first()?);
        let ids: HashMap<Key<'_>, FunctionId> = side
            .profile
            .functions
            .iter()
            .zip(0_u32..)
            .map(|(function, id)| (key(function), FunctionId(id)))
            .collect();
        side.runs = runs.iter().map(|run| Run::new(run, &ids)).collect();
        Some(side)
    }

    fn new(profile: &'a Profile) -> Self {
        let costs = function_costs(profile, Scope::All);
        let mut thin = BTreeMap::new();
        for calls in profile.processes.iter().flat_map(|process| &process.thin) {
            let sum: &mut u64 = thin.entry(calls.function).or_default();
            *sum = sum.saturating_add(calls.calls);
        }
        Self {
            profile,
            costs: costs
                .into_iter()
                .map(|cost| (cost.function, cost))
                .collect(),
            thin,
            counts_heap: profile.processes.iter().any(|one| one.heap.is_some()),
            runs: Vec::new(),
        }
    }

    /// How the program was instrumented, if that is known.
    pub(super) const fn instrumentation(&self) -> Option<&'a Instrumentation> {
        self.profile.run.instrumentation.as_ref()
    }

    /// Whether `--fit` left a function of the other side out of this one.
    pub(super) fn left_out(&self, function: &Function) -> bool {
        let place = format!("{}: {}", function.file, function.name);
        self.instrumentation()
            .is_some_and(|facts| facts.left_out.contains(&place))
    }

    /// What kind of place an instrumented line is.
    pub(super) fn kind(&self, id: FunctionId, line: u32) -> Option<LineKind> {
        let function = self.profile.functions.get(id.0 as usize)?;
        let lines = &function.lines;
        let at = lines.binary_search_by_key(&line, |one| one.line).ok()?;
        Some(lines[at].kind)
    }

    /// How many runs there are.
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Time in measured functions, in each run.
    pub(super) fn times(&self) -> Times {
        self.runs.iter().map(|run| time(run.time)).collect()
    }

    /// Time of a function in each run.
    pub(super) fn times_of(&self, id: Option<FunctionId>) -> Times {
        let of = |run: &Run| {
            let found = id.and_then(|id| run.functions.get(&id));
            time(found.map_or((Nanos::ZERO, 0), |function| function.0))
        };
        self.runs.iter().map(of).collect()
    }

    /// What a line costs in each run.
    pub(super) fn line(&self, id: FunctionId, line: u32) -> Vec<Cost> {
        let of = |run: &Run| {
            let found = run.functions.get(&id)?.1.get(&line)?;
            Some(*found)
        };
        let runs = self.runs.iter();
        runs.map(|run| of(run).unwrap_or_default()).collect()
    }

    /// The lines of a function, by number.
    pub(super) fn lines(&self, id: FunctionId) -> BTreeMap<u32, Cost> {
        let function = self.profile.functions.get(id.0 as usize);
        let found = function.zip(self.costs.get(&id));
        found.map_or_else(BTreeMap::new, |(function, cost)| {
            Cost::lines(function, cost)
        })
    }

    /// All functions that were entered, thin ones included.
    pub(super) fn functions(&self) -> Vec<(FunctionId, &'a Function)> {
        let all = self.profile.functions.iter().zip(0_u32..);
        let all = all.map(|(function, id)| (FunctionId(id), function));
        all.filter(|(id, _)| self.costs.contains_key(id) || self.thin.contains_key(id))
            .collect()
    }

    pub(super) fn calls(&self, id: Option<FunctionId>) -> u64 {
        let of = |id: FunctionId| {
            let full = self.costs.get(&id).map_or(0, |cost| cost.calls);
            sum([full, self.thin.get(&id).copied().unwrap_or(0)])
        };
        id.map_or(0, of)
    }

    pub(super) fn time(&self, id: Option<FunctionId>) -> (Nanos, u128) {
        let cost = id.and_then(|id| self.costs.get(&id));
        cost.map_or((Nanos::ZERO, 0), |cost| (cost.total, cost.total_variance))
    }

    pub(super) fn is_thin(&self, id: FunctionId) -> bool {
        !self.costs.contains_key(&id)
    }

    /// Time in measured functions, and its variance.
    pub(super) fn total_time(&self) -> (Nanos, u128) {
        total_time(&self.costs)
    }

    /// The sum of a figure over all lines.
    pub(super) fn sum(&self, figure: Exact) -> u64 {
        let lines = self.costs.values().flat_map(|cost| &cost.lines);
        sum(lines.map(|line| figure.of(&line.own)))
    }

    pub(super) fn program(&self) -> String {
        let names = self.profile.processes.iter().map(program);
        names.min().unwrap_or_default().to_owned()
    }
}

fn program(process: &Process) -> &str {
    process.exe.rsplit('/').next().unwrap_or_default()
}

fn total_time(costs: &BTreeMap<FunctionId, FunctionCost>) -> (Nanos, u128) {
    let own = costs.values().flat_map(|cost| &cost.lines);
    own.fold((Nanos::ZERO, 0), |(time, variance), line| {
        let settled = line.own.variance.saturating_sub(line.own.settled);
        (time + line.own.time(), settled.saturating_add(variance))
    })
}

const fn time((time, variance): (Nanos, u128)) -> (f64, f64) {
    (time.0 as f64, variance as f64)
}
