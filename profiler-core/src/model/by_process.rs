//! What is known by process and not by thread, summed: calls of thin functions, and how long calls and hits took.

use std::collections::BTreeMap;

use super::call_tree::Scope;
use super::durations::{Durations, sum};
use super::place::FunctionId;
use super::profile::{Process, Profile, ThinCalls};

/// The calls of every thin function that was called in the scope, in the order of `Profile::functions`. A single thread has none.
///
/// ```
/// use hprof::model::{Profile, Scope, thin_calls};
/// assert!(thin_calls(&Profile::default(), Scope::All).is_empty());
/// ```
#[must_use]
pub fn thin_calls(profile: &Profile, scope: Scope) -> Vec<ThinCalls> {
    let mut sums = BTreeMap::<FunctionId, u64>::new();
    for thin in processes(profile, scope).flat_map(|process| &process.thin) {
        let sum = sums.entry(thin.function).or_default();
        *sum = sum.saturating_add(thin.calls);
    }
    let calls = |(function, calls)| ThinCalls { function, calls };
    sums.into_iter().map(calls).collect()
}

/// The durations of everything that was timed in the scope, in the order of `Profile::functions`. A single thread has none.
///
/// ```
/// use hprof::model::{Profile, Scope, durations};
/// assert!(durations(&Profile::default(), Scope::All).is_empty());
/// ```
#[must_use]
pub fn durations(profile: &Profile, scope: Scope) -> Vec<Durations> {
    let processes = processes(profile, scope);
    sum(processes.flat_map(|process| process.durations.iter().cloned()))
}

/// The same of one function and its lines.
///
/// ```
/// use hprof::model::{FunctionId, Profile, Scope, function_durations};
/// assert!(function_durations(&Profile::default(), Scope::All, FunctionId(0)).is_empty());
/// ```
#[must_use]
pub fn function_durations(profile: &Profile, scope: Scope, function: FunctionId) -> Vec<Durations> {
    let processes = processes(profile, scope);
    sum(processes.flat_map(|process| of_function(&process.durations, function).iter().cloned()))
}

/// Those of one function among all, which ascend by function.
///
/// ```
/// use hprof::model::{FunctionId, of_function};
/// assert!(of_function(&[], FunctionId(0)).is_empty());
/// ```
#[must_use]
pub fn of_function(all: &[Durations], function: FunctionId) -> &[Durations] {
    let start = all.partition_point(|of| of.function < function);
    let end = all.partition_point(|of| of.function <= function);
    all.get(start..end).unwrap_or_default()
}

fn processes(profile: &Profile, scope: Scope) -> impl Iterator<Item = &Process> {
    let is_in_scope = move |process: usize| match scope {
        Scope::All => true,
        Scope::Process(wanted) => process == wanted,
        Scope::Thread(..) => false,
    };
    let processes = profile.processes.iter().enumerate();
    processes
        .filter(move |(number, _)| is_in_scope(*number))
        .map(|(_, process)| process)
}
