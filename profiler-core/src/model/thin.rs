//! Calls of thin functions, summed over processes.

use std::collections::BTreeMap;

use super::call_tree::Scope;
use super::place::FunctionId;
use super::profile::{Profile, ThinCalls};

/// The calls of every thin function that was called in the scope, in the order of `Profile::functions`. They are known by process: a single thread has none.
///
/// ```
/// use hprof::model::{Profile, Scope, thin_calls};
/// assert!(thin_calls(&Profile::default(), Scope::All).is_empty());
/// ```
#[must_use]
pub fn thin_calls(profile: &Profile, scope: Scope) -> Vec<ThinCalls> {
    let is_in_scope = |process: usize| match scope {
        Scope::All => true,
        Scope::Process(wanted) => process == wanted,
        Scope::Thread(..) => false,
    };
    let processes = profile.processes.iter().enumerate();
    let processes = processes.filter(|(number, _)| is_in_scope(*number));
    let mut sums = BTreeMap::<FunctionId, u64>::new();
    for thin in processes.flat_map(|(_, process)| &process.thin) {
        let sum = sums.entry(thin.function).or_default();
        *sum = sum.saturating_add(thin.calls);
    }
    let calls = |(function, calls)| ThinCalls { function, calls };
    sums.into_iter().map(calls).collect()
}
