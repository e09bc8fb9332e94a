//! The lines of the whole run that took longest by themselves, whatever function they are of.

use hprof::model::{Function, FunctionCost, Nanos, Profile};
use hprof::site::LineKind;

use super::line::hits;
use super::sums::percent;
use super::sure::Sure;

/// The hottest lines, the hottest first.
#[derive(Debug)]
pub(crate) struct HottestView<'a> {
    pub(crate) rows: Vec<HotLine<'a>>,
    /// What the rows take together, in percent of the time in measured functions.
    pub(crate) percent: Option<f64>,
    /// The same of all lines that were meant, and how many there are, also where that is more than the rows.
    pub(crate) carried: Option<f64>,
    pub(crate) found: usize,
}

/// A hot line.
#[derive(Clone, Debug)]
pub(crate) struct HotLine<'a> {
    pub(crate) function: &'a Function,
    /// Index of the function in the profile.
    pub(crate) index: u32,
    pub(crate) line: u32,
    /// Its text as it was compiled, if that is known, without its indentation.
    pub(crate) text: &'a str,
    /// Characters of that.
    pub(crate) indentation: usize,
    pub(crate) hits: u64,
    /// Samples that fell on it.
    pub(crate) samples: u64,
    /// By itself, without what is called from it.
    pub(crate) time: Nanos,
    pub(crate) sure: Sure,
    /// Of the time in measured functions.
    pub(crate) percent: Option<f64>,
    /// Bytes allocated; `None` where nobody counted.
    pub(crate) bytes: Option<u64>,
    /// It is the header of a counted loop and stands for the lines in it.
    pub(crate) is_loop: bool,
}

impl<'a> HottestView<'a> {
    /// So many lines of a profile with these costs.
    pub(crate) fn new(profile: &'a Profile, costs: &[FunctionCost], most: usize) -> Self {
        Self::of(profile, costs, most, |line| line.time > Nanos::ZERO)
    }

    /// So many of the lines that are meant.
    pub(crate) fn of(
        profile: &'a Profile,
        costs: &[FunctionCost],
        most: usize,
        is_meant: impl Fn(&HotLine<'a>) -> bool,
    ) -> Self {
        let mut all = lines(profile, costs);
        let whole: Nanos = all.iter().map(|line| line.time).sum();
        all.retain(is_meant);
        let found = all.len();
        let carried: Nanos = all.iter().map(|line| line.time).sum();
        all.sort_by(|a, b| {
            let place = |line: &HotLine<'_>| (line.index, line.line);
            b.time.cmp(&a.time).then(place(a).cmp(&place(b)))
        });
        all.truncate(most);
        for line in &mut all {
            line.percent = percent(line.time, whole);
        }
        let shown: Nanos = all.iter().map(|line| line.time).sum();
        Self {
            rows: all,
            percent: percent(shown, whole),
            carried: percent(carried, whole),
            found,
        }
    }
}

/// All measured lines of a profile.
fn lines<'a>(profile: &'a Profile, costs: &[FunctionCost]) -> Vec<HotLine<'a>> {
    let counts_heap = profile.processes.iter().any(|one| one.heap.is_some());
    let mut all: Vec<HotLine<'a>> = Vec::new();
    for cost in costs {
        let Some(function) = profile.functions.get(cost.function.0 as usize) else {
            continue;
        };
        for (line, total) in function.lines.iter().zip(&cost.lines) {
            let time = total.own.time();
            let at = line.line.checked_sub(function.line);
            let text = at.and_then(|at| function.source.get(at as usize));
            let error = (total.own.variance as f64).sqrt();
            all.push(HotLine {
                function,
                index: cost.function.0,
                line: line.line,
                text: text.map_or("", |text| text.trim()),
                indentation: text.map_or(0, |text| {
                    let code = text.trim_start().chars().count();
                    text.chars().count() - code
                }),
                samples: total.own.samples,
                hits: hits(line, total, cost),
                time,
                sure: Sure::new(time, error, total.own.prior),
                percent: None,
                bytes: counts_heap.then_some(total.own.alloc_bytes),
                is_loop: line.kind == LineKind::GroupHeader,
            });
        }
    }
    all
}
