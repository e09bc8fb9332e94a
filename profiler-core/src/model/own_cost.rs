//! Which functions make the cost of recording: those whose calls are so short that entering them costs as much as they do.

use std::collections::BTreeMap;

use super::call_tree::{Scope, function_costs};
use super::place::FunctionId;
use super::profile::Profile;
use super::units::Nanos;
use crate::site::LineKind;

/// A call that takes less than this, with everything it calls, is short.
pub const SHORT_CALL: Nanos = Nanos(20);

/// What recording a function costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedFunction {
    /// The function.
    pub function: FunctionId,
    /// Its calls, recursive ones included.
    pub calls: u64,
    /// Estimated time of entering and leaving it, and of the markers of its lines: the counts of each process times the prices that were
    /// measured as it started. Calls whose node had to be looked up are counted like all others, so this is a lower bound.
    pub own: Nanos,
    /// Its calls take less than [`SHORT_CALL`] on average.
    pub is_short: bool,
}

/// What recording each function costs that was entered and is not thin, the dearest first.
///
/// ```
/// use hprof::model::{Profile, recorded_functions};
/// assert!(recorded_functions(&Profile::default()).is_empty());
/// ```
#[must_use]
pub fn recorded_functions(profile: &Profile) -> Vec<RecordedFunction> {
    let mut own = own_picoseconds(profile);
    let mut functions: Vec<RecordedFunction> = function_costs(profile, Scope::All)
        .into_iter()
        .map(|cost| {
            let picoseconds = own.remove(&cost.function).unwrap_or_default();
            RecordedFunction {
                function: cost.function,
                calls: cost.calls,
                own: Nanos(u64::try_from(picoseconds / 1000).unwrap_or(u64::MAX)),
                is_short: u128::from(cost.total.0)
                    < u128::from(SHORT_CALL.0) * u128::from(cost.calls),
            }
        })
        .collect();
    functions.sort_by_key(|function| core::cmp::Reverse(function.own));
    functions
}

/// What recording each function costs, in picoseconds.
fn own_picoseconds(profile: &Profile) -> BTreeMap<FunctionId, u128> {
    let mut own = BTreeMap::<FunctionId, u128>::new();
    for process in &profile.processes {
        let cost = &process.own_cost;
        for node in process.threads.iter().flat_map(|thread| &thread.nodes) {
            let lines = usize::try_from(node.function.0)
                .ok()
                .and_then(|function| profile.functions.get(function))
                .map_or(&[][..], |function| &function.lines);
            // Lines of a loop that only counts are counted in registers.
            let has_marker = |number: u32| {
                lines
                    .binary_search_by_key(&number, |line| line.line)
                    .is_ok_and(|at| {
                        !matches!(lines[at].kind, LineKind::GroupBody | LineKind::GroupHeader)
                    })
            };
            let hits = node.lines.iter().filter(|(line, _)| has_marker(*line));
            let hits: u128 = hits.map(|(_, cost)| u128::from(cost.hits)).sum();
            let sum = own.entry(node.function).or_default();
            *sum = sum
                .saturating_add(u128::from(node.calls) * u128::from(cost.call_ps))
                .saturating_add(hits.saturating_mul(cost.marker_ps.into()));
        }
    }
    own
}
