//! One of two profiles that are compared, and what is worked out of it.

use std::collections::BTreeMap;

use hprof::model::{
    Function, FunctionCost, FunctionId, Nanos, Process, Profile, Scope, function_costs,
};

use super::change::Exact;
use crate::view::sums::sum;

/// A profile and what is worked out of it.
pub(super) struct Side<'a> {
    pub(super) profile: &'a Profile,
    pub(super) costs: BTreeMap<FunctionId, FunctionCost>,
    thin: BTreeMap<FunctionId, u64>,
    pub(super) counts_heap: bool,
}

impl<'a> Side<'a> {
    pub(super) fn new(profile: &'a Profile) -> Self {
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
        }
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
        let own = self.costs.values().flat_map(|cost| &cost.lines);
        own.fold((Nanos::ZERO, 0), |(time, variance), line| {
            let settled = line.own.variance.saturating_sub(line.own.settled);
            (time + line.own.time(), settled.saturating_add(variance))
        })
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
