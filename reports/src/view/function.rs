//! The rows of the function table.

use std::cmp::Reverse;

use hprof::model::{Function, FunctionCost, Nanos, Profile};

use super::sums::percent;
use super::sure::Sure;

/// Order of the rows of a function table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FunctionSort {
    /// Longest total time first.
    #[default]
    Cumulative,
    /// Longest self time first.
    TotTime,
    /// Most calls first.
    Ncalls,
    /// By name.
    Name,
}

impl FunctionSort {
    /// What the heading says.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Cumulative => "cumulative time",
            Self::TotTime => "internal time",
            Self::Ncalls => "call count",
            Self::Name => "function name",
        }
    }
}

/// The function table of a report.
#[derive(Debug)]
pub(crate) struct FunctionTableView<'a> {
    pub(crate) calls: u64,
    pub(crate) primitive_calls: u64,
    /// Time in all functions together.
    pub(crate) total: Nanos,
    pub(crate) rows: Vec<FunctionRow<'a>>,
    /// Functions before any were left out.
    pub(crate) functions: usize,
}

/// What a function costs.
#[derive(Debug)]
pub(crate) struct FunctionRow<'a> {
    pub(crate) function: &'a Function,
    pub(crate) calls: u64,
    pub(crate) primitive_calls: u64,
    pub(crate) self_time: Nanos,
    pub(crate) self_sure: Sure,
    /// Self time of a call, nanoseconds; as sure as that.
    pub(crate) self_per_call: Option<f64>,
    pub(crate) total: Nanos,
    pub(crate) total_sure: Sure,
    /// Total time of a call that was not recursive, nanoseconds; as sure as that.
    pub(crate) total_per_call: Option<f64>,
    /// Total time as a share of the time in all functions.
    pub(crate) percent: Option<f64>,
    /// Time it waited between polls, or outside of its span; not part of the others. `None` if it never did.
    pub(crate) awaited: Option<Nanos>,
}

impl<'a> FunctionTableView<'a> {
    /// The table of these costs in the order asked for, without rows below a share in percent and beyond the first `top`.
    pub(crate) fn new(
        profile: &'a Profile,
        costs: &[FunctionCost],
        sort: FunctionSort,
        min_percent: Option<f64>,
        top: Option<usize>,
    ) -> Self {
        let total: Nanos = costs.iter().map(|cost| cost.self_time).sum();
        let mut rows: Vec<FunctionRow<'_>> = costs
            .iter()
            .filter_map(|cost| FunctionRow::new(profile, cost, total))
            .collect();
        let functions = rows.len();
        if let Some(least) = min_percent {
            rows.retain(|row| row.percent.is_some_and(|percent| percent >= least));
        }
        match sort {
            FunctionSort::Cumulative => rows.sort_by_key(|row| Reverse(row.total)),
            FunctionSort::TotTime => rows.sort_by_key(|row| Reverse(row.self_time)),
            FunctionSort::Ncalls => rows.sort_by_key(|row| Reverse(row.calls)),
            FunctionSort::Name => rows.sort_by(|a, b| a.function.name.cmp(&b.function.name)),
        }
        rows.truncate(top.unwrap_or(usize::MAX));
        Self {
            calls: costs
                .iter()
                .map(|cost| cost.calls)
                .fold(0, u64::saturating_add),
            primitive_calls: costs
                .iter()
                .map(|cost| cost.primitive_calls)
                .fold(0, u64::saturating_add),
            total,
            rows,
            functions,
        }
    }
}

impl<'a> FunctionRow<'a> {
    fn new(profile: &'a Profile, cost: &FunctionCost, total: Nanos) -> Option<Self> {
        let total_sure = Sure::new(cost.total, deviation(cost.total_variance), false);
        let self_sure = Sure::new(cost.self_time, deviation(self_variance(cost)), false);
        let awaited: Nanos = cost.lines.iter().map(|line| line.own.awaited).sum();
        Some(Self {
            function: profile.functions.get(cost.function.0 as usize)?,
            calls: cost.calls,
            primitive_calls: cost.primitive_calls,
            self_time: cost.self_time,
            self_sure,
            self_per_call: share(self_sure.figure(cost.self_time), cost.calls),
            total: cost.total,
            total_sure,
            total_per_call: share(total_sure.figure(cost.total), cost.primitive_calls),
            percent: percent(cost.total, total),
            awaited: Some(awaited).filter(|time| *time > Nanos::ZERO),
        })
    }
}

fn share(nanos: f64, calls: u64) -> Option<f64> {
    (calls > 0).then(|| nanos / calls as f64)
}

fn deviation(variance: u128) -> f64 {
    (variance as f64).sqrt()
}

/// Variance of the time in the function itself, square nanoseconds: an upper bound, for errors of its lines may cancel. Where it calls
/// nothing they are known to.
fn self_variance(cost: &FunctionCost) -> u128 {
    if cost.self_time == cost.total {
        return cost.total_variance;
    }
    let own = cost.lines.iter().map(|line| line.own.variance);
    own.fold(0, u128::saturating_add)
}
