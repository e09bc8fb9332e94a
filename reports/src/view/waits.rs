//! Where threads waited, and for what: time of lines without CPU time, and its causes by what was seen from outside.

use std::collections::BTreeMap;

use hprof::model::{
    Function, FunctionId, LineCost, LineLooks, Nanos, Profile, Scope, WaitCause, function_costs,
};

use super::sums::percent;

/// So many looks at a waiting line are needed before shares are told.
pub(crate) const ENOUGH_LOOKS: u64 = 200;

/// A line with a smaller part of all waiting is not shown: one in so many.
const WORTH_A_ROW: u64 = 1000;

/// What lines were seen waiting for: looks by cause, by function and line.
#[derive(Debug, Default)]
pub(crate) struct Causes {
    lines: BTreeMap<(FunctionId, u32), [u64; WaitCause::ALL.len()]>,
    /// Whether some process was looked at, and the system told what its threads waited for.
    pub(crate) are_known: bool,
}

impl Causes {
    /// Of all functions in the processes of a scope. Looks are not kept by thread.
    fn of(profile: &Profile, scope: Scope) -> Self {
        Self::within(profile, scope, |lines| lines)
    }

    /// Of one function.
    pub(crate) fn of_function(profile: &Profile, scope: Scope, function: FunctionId) -> Self {
        // Ascending by place.
        Self::within(profile, scope, |lines| {
            let start = lines.partition_point(|line| line.place.function < function);
            let end = lines.partition_point(|line| line.place.function <= function);
            lines.get(start..end).unwrap_or_default()
        })
    }

    fn within(
        profile: &Profile,
        scope: Scope,
        part: impl Fn(&[LineLooks]) -> &[LineLooks],
    ) -> Self {
        let mut causes = Self::default();
        let processes = profile.processes.iter().enumerate();
        let meant = processes.filter(|(index, _)| match scope {
            Scope::All => true,
            Scope::Process(process) => process == *index,
            Scope::Thread(..) => false,
        });
        for observed in meant.filter_map(|(_, process)| process.observed.as_ref()) {
            causes.are_known |= observed.knows_causes;
            for line in part(&observed.lines) {
                let key = (line.place.function, line.place.line);
                let sums = causes.lines.entry(key).or_default();
                for (sum, looks) in sums.iter_mut().zip(line.waits) {
                    *sum = sum.saturating_add(looks);
                }
            }
        }
        causes
    }

    /// The main cause of a line's waiting with its share in percent, where looks are enough to tell.
    pub(crate) fn main(&self, function: FunctionId, line: u32) -> Option<(WaitCause, f64)> {
        let (shares, looks) = self.shares(function, line);
        shares.first().copied().filter(|_| looks >= ENOUGH_LOOKS)
    }

    /// The causes of a line's waiting with their shares in percent, the largest first, and the looks that say so.
    pub(crate) fn shares(&self, function: FunctionId, line: u32) -> (Vec<(WaitCause, f64)>, u64) {
        let looks = self
            .lines
            .get(&(function, line))
            .copied()
            .unwrap_or_default();
        let all = looks
            .iter()
            .fold(0, |sum: u64, looks| sum.saturating_add(*looks));
        let mut shares: Vec<(WaitCause, f64)> = WaitCause::ALL
            .into_iter()
            .zip(looks)
            .filter(|(_, looks)| *looks > 0)
            .map(|(cause, looks)| (cause, 100.0 * looks as f64 / all as f64))
            .collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        (shares, all)
    }
}

/// Time without CPU time, if that is more than both may be wrong by.
pub(crate) fn wait(time: Nanos, cpu: Option<Nanos>, variance: u128) -> Option<Nanos> {
    let wait = Nanos(time.0.checked_sub(cpu?.0)?);
    let error = (variance as f64).sqrt();
    (wait > Nanos::ZERO && wait.0 as f64 > error).then_some(wait)
}

fn own_wait(own: &LineCost) -> Option<Nanos> {
    wait(own.time(), own.cpu, own.variance)
}

/// Lines that waited, the longest first.
#[derive(Debug)]
pub(crate) struct WaitView<'a> {
    pub(crate) rows: Vec<WaitRow<'a>>,
    /// Lines that are not among the rows.
    pub(crate) left_out: usize,
    /// All waiting in measured functions.
    pub(crate) total: Nanos,
    /// Whether causes are known at all.
    pub(crate) causes_are_known: bool,
}

/// A line that waited.
#[derive(Debug)]
pub(crate) struct WaitRow<'a> {
    pub(crate) function: &'a Function,
    pub(crate) line: u32,
    pub(crate) text: &'a str,
    /// By itself: what annotated functions that it calls waited for stands on their lines.
    pub(crate) wait: Nanos,
    /// Of the line's own time.
    pub(crate) percent: Option<f64>,
    /// What for, the largest share first.
    pub(crate) causes: Vec<(WaitCause, f64)>,
    pub(crate) looks: u64,
}

impl<'a> WaitView<'a> {
    /// So many lines.
    pub(crate) fn new(profile: &'a Profile, most: usize) -> Self {
        let causes = Causes::of(profile, Scope::All);
        let mut rows = Vec::new();
        for cost in function_costs(profile, Scope::All) {
            let Some(function) = profile.functions.get(cost.function.0 as usize) else {
                continue;
            };
            for total in &cost.lines {
                let Some(wait) = own_wait(&total.own) else {
                    continue;
                };
                let (shares, looks) = causes.shares(cost.function, total.line);
                let at = total.line.checked_sub(function.line);
                let text = at.and_then(|at| function.source.get(at as usize));
                rows.push(WaitRow {
                    function,
                    line: total.line,
                    text: text.map_or("", |text| text.trim()),
                    wait,
                    percent: percent(wait, total.own.time()),
                    causes: shares,
                    looks,
                });
            }
        }
        let total: Nanos = rows.iter().map(|row| row.wait).sum();
        rows.sort_by_key(|row| std::cmp::Reverse(row.wait));
        let all = rows.len();
        rows.retain(|row| row.wait.0.saturating_mul(WORTH_A_ROW) >= total.0);
        rows.truncate(most);
        let left_out = all - rows.len();
        Self {
            rows,
            left_out,
            total,
            causes_are_known: causes.are_known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_exceeds_its_error_is_waiting() {
        let of = |time, cpu, variance| wait(Nanos(time), cpu, variance);
        assert_eq!(of(100, Some(Nanos(30)), 0), Some(Nanos(70)));
        assert_eq!(of(100, Some(Nanos(30)), 70 * 70), None);
        assert_eq!(of(100, Some(Nanos(100)), 0), None);
        assert_eq!(of(100, Some(Nanos(101)), 0), None);
        assert_eq!(of(100, None, 0), None);
    }
}
