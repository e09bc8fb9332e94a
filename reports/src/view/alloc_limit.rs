//! Limits of allocations that the source itself sets, by `assert_allocs!` and `#[profile(max_allocs = N)]`: what calls made, with everything that they
//! called on their thread.

use std::collections::BTreeMap;

use hprof::model::{Function, Node, Process, Profile};

/// A limit, and what there was.
#[derive(Debug)]
pub(crate) struct AllocLimit<'a> {
    pub(crate) function: &'a Function,
    /// What one call may make.
    pub(crate) most: u32,
    pub(crate) calls: u64,
    pub(crate) found: u64,
    /// The lines that allocated, most first.
    pub(crate) lines: Vec<AllocLine<'a>>,
    /// Why nothing can be said, unless it is broken anyway.
    pub(crate) not_judged: Option<&'static str>,
}

/// A line that allocated within a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AllocLine<'a> {
    pub(crate) function: &'a Function,
    pub(crate) line: u32,
    pub(crate) allocs: u64,
    pub(crate) bytes: u64,
}

impl AllocLimit<'_> {
    /// All calls together may make so many.
    pub(crate) fn allowed(&self) -> u64 {
        u64::from(self.most).saturating_mul(self.calls)
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.found > self.allowed()
    }
}

/// What is added up for one limit.
#[derive(Default)]
struct Sum {
    calls: u64,
    lines: BTreeMap<(u32, u32), (u64, u64)>,
    not_judged: Option<&'static str>,
}

/// All limits of functions that were entered, in the order of the profile.
pub(crate) fn alloc_limits(profile: &Profile) -> Vec<AllocLimit<'_>> {
    let limit = |function: u32| profile.functions.get(function as usize)?.max_allocs;
    let mut sums: BTreeMap<u32, Sum> = BTreeMap::new();
    for process in &profile.processes {
        let why = not_judged(process);
        for thread in &process.threads {
            for (index, node) in thread.nodes.iter().enumerate() {
                let around = limited(&thread.nodes, index, &limit);
                for (function, is_call) in around {
                    let sum = sums.entry(function).or_default();
                    sum.not_judged = sum.not_judged.or(why);
                    if is_call {
                        sum.calls = sum.calls.saturating_add(node.primitive_calls);
                    }
                    add(node, sum);
                }
            }
        }
    }
    let limits = sums.into_iter().filter_map(|(function, sum)| {
        let most = limit(function)?;
        Some(finished(profile, function, most, sum))
    });
    limits.collect()
}

fn add(node: &Node, sum: &mut Sum) {
    for (line, cost) in node.lines.iter().filter(|(_, cost)| cost.allocs > 0) {
        let place = sum.lines.entry((node.function.0, line)).or_default();
        place.0 = place.0.saturating_add(cost.allocs);
        place.1 = place.1.saturating_add(cost.alloc_bytes);
    }
}

fn finished(profile: &Profile, function: u32, most: u32, sum: Sum) -> AllocLimit<'_> {
    let lines = sum.lines.into_iter();
    let lines = lines.filter_map(|((function, line), (allocs, bytes))| {
        Some(AllocLine {
            function: profile.functions.get(function as usize)?,
            line,
            allocs,
            bytes,
        })
    });
    let mut lines: Vec<AllocLine<'_>> = lines.collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.allocs));
    let found = lines
        .iter()
        .fold(0, |all: u64, line| all.saturating_add(line.allocs));
    AllocLimit {
        function: &profile.functions[function as usize],
        most,
        calls: sum.calls,
        found,
        lines,
        not_judged: sum.not_judged,
    }
}

/// The functions with a limit that a node runs in, each once, and whether the node is a call of it that is in no other.
fn limited(
    nodes: &[Node],
    index: usize,
    limit: &impl Fn(u32) -> Option<u32>,
) -> BTreeMap<u32, bool> {
    let mut found = BTreeMap::new();
    let mut at = Some(index);
    // A parent stands before its children, so this ends; what a damaged file says beside that is not followed.
    while let Some(here) = at {
        let node = &nodes[here];
        // A closure that another thread runs is no call.
        if limit(node.function.0).is_some() && node.primitive_calls > 0 {
            found.insert(node.function.0, here == index);
        }
        let parent = node.parent.map(|(parent, _)| parent as usize);
        at = parent.filter(|parent| *parent < here);
    }
    found
}

fn not_judged(process: &Process) -> Option<&'static str> {
    if process.heap.is_none() {
        Some("the program did not count allocations")
    } else if process.losses.flat || process.losses.lost_calls > 0 || process.losses.threads_folded
    {
        Some("some calls were recorded without what called them, for want of room")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// `advance` makes 2 allocations, which `main`, 82 of its own, calls.
    fn profile(limits: [Option<u32>; 3]) -> Profile {
        let mut profile = fixture::diffusion();
        for (function, limit) in profile.functions.iter_mut().zip(limits) {
            function.max_allocs = limit;
        }
        let nodes = &mut profile.processes[0].threads[0].nodes;
        nodes[1].lines.change(|line, cost| {
            if *line == 28 {
                (cost.allocs, cost.alloc_bytes) = (2, 64);
            }
        });
        profile
    }

    #[test]
    fn what_is_called_counts_and_what_calls_does_not() {
        let profile = profile([Some(83), Some(0), Some(0)]);
        let limits = alloc_limits(&profile);
        let figures: Vec<_> = limits
            .iter()
            .map(|limit| (limit.found, limit.allowed(), limit.is_broken()))
            .collect();
        assert_eq!(figures, [(84, 83, true), (2, 0, true), (0, 0, false)]);
        let lines: Vec<_> = limits[0]
            .lines
            .iter()
            .map(|line| (line.line, line.allocs, line.bytes))
            .collect();
        assert_eq!(lines, [(3, 82, 53_792), (28, 2, 64)]);
        assert!(alloc_limits(&fixture::diffusion()).is_empty());
    }

    #[test]
    fn a_limit_is_for_each_call_and_recursion_is_one() {
        let mut profile = profile([None, Some(1), None]);
        let nodes = &mut profile.processes[0].threads[0].nodes;
        // 500 calls, one of which calls itself from its line 29.
        nodes[2].function = nodes[1].function;
        nodes[2].lines = Default::default();
        let limits = alloc_limits(&profile);
        assert_eq!((limits[0].calls, limits[0].allowed()), (500, 500));
        assert!(!limits[0].is_broken());
    }

    #[test]
    fn a_closure_on_another_thread_is_no_call_and_its_allocations_are_not_counted() {
        let mut profile = profile([None, Some(0), None]);
        let process = &mut profile.processes[0];
        let mut other = process.threads[0].clone();
        other.nodes.remove(0);
        other.nodes.truncate(1);
        other.nodes[0].parent = None;
        other.nodes[0].calls = 0;
        other.nodes[0].primitive_calls = 0;
        process.threads.push(other);
        assert_eq!(alloc_limits(&profile)[0].found, 2);
    }

    #[test]
    fn what_was_not_counted_is_not_judged() {
        let mut profile = profile([Some(100), None, None]);
        profile.processes[0].losses.flat = true;
        assert!(alloc_limits(&profile)[0].not_judged.is_some());
        profile.processes[0].losses.flat = false;
        assert!(alloc_limits(&profile)[0].not_judged.is_none());
        profile.processes[0].heap = None;
        assert!(alloc_limits(&profile)[0].not_judged.is_some());
    }
}
