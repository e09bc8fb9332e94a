//! Self and total time of functions and lines, from the calling-context trees of all threads.
//!
//! A line's total is its self time plus that of everything called from it, less what ran inside a deeper frame of the same
//! function: that stands on the lines of the deeper frame. So the lines of a function always add up to its total, and recursion is
//! counted once.

use super::profile::{FunctionId, LineCost, Profile};
use super::units::Nanos;

/// Which part of a profile to add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All threads of all processes.
    #[default]
    All,
    /// One process, by its index.
    Process(usize),
    /// One thread, by the indices of process and thread.
    Thread(usize, usize),
}

/// What a function costs over a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionCost {
    /// The function.
    pub function: FunctionId,
    /// Calls, recursive ones included.
    pub calls: u64,
    /// Calls made while the function was not on the stack already.
    pub primitive_calls: u64,
    /// Time in the function itself.
    pub self_time: Nanos,
    /// Time in it and everything it called, once for recursion.
    pub total: Nanos,
    /// Variance of `total`, square nanoseconds: only of sampled time whose gap reaches outside the function.
    pub total_variance: u128,
    /// One entry for each instrumented line of the function, also for those never reached, in the order of `Function::lines`.
    pub lines: Vec<LineTotal>,
}

/// What a line costs over a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineTotal {
    /// Line number.
    pub line: u32,
    /// By itself.
    pub own: LineCost,
    /// Time with everything called from it.
    pub total: Nanos,
    /// Variance of `total`, square nanoseconds.
    pub total_variance: u128,
    /// CPU time with everything called from it; `None` without a sampler.
    pub total_cpu: Option<Nanos>,
}

/// The costs of every function that was entered in the scope, in the order of `Profile::functions`.
///
/// ```
/// use hprof::model::{Profile, Scope, function_costs};
/// assert!(function_costs(&Profile::default(), Scope::All).is_empty());
/// ```
#[must_use]
pub fn function_costs(profile: &Profile, scope: Scope) -> Vec<FunctionCost> {
    let _ = (profile, scope);
    todo!()
}
