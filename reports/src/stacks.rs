//! Stacks of the calling-context trees, added up over threads, for everything that draws or lists them.

use std::collections::BTreeMap;

use hprof::model::{Function, LineCost, Node, Place, Profile, Scope, call_tree};

use crate::text;

/// The value that a flamegraph or a list of stacks shows.
///
/// ```
/// assert_eq!(hprof_reports::Metric::default(), hprof_reports::Metric::Time);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// Self time, nanoseconds.
    #[default]
    Time,
    /// Hits of lines.
    Hits,
    /// CPU time, nanoseconds.
    Cpu,
    /// Bytes allocated.
    AllocBytes,
    /// Allocations.
    Allocs,
    /// Bytes not freed at the end.
    LiveBytes,
    /// Bytes not freed when the heap was at its peak.
    PeakBytes,
}

impl Metric {
    /// What the values count.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Hits => "hits",
            Self::Cpu => "CPU time",
            Self::AllocBytes => "allocated bytes",
            Self::Allocs => "allocations",
            Self::LiveBytes => "bytes not freed",
            Self::PeakBytes => "bytes at the heap's peak",
        }
    }

    fn of(self, cost: &LineCost) -> u64 {
        match self {
            Self::Time => cost.time().0,
            Self::Hits => cost.hits,
            Self::Cpu => cost.cpu.map_or(0, |cpu| cpu.0),
            Self::AllocBytes => cost.alloc_bytes,
            Self::Allocs => cost.allocs,
            Self::LiveBytes => cost.live.live_bytes,
            Self::PeakBytes => cost.live.peak_bytes,
        }
    }
}

/// A stack of frames, outermost first, and what it costs by itself.
pub(crate) type Stack = (Vec<String>, u64);

/// The stacks of a part of the profile in order of their frames, without those of value zero. Frames are functions, or with `lines` the
/// lines of functions. `None` if no instrumented function was entered.
pub(crate) fn stacks(
    profile: &Profile,
    scope: Scope,
    metric: Metric,
    lines: bool,
) -> Option<Vec<Stack>> {
    let mut sums: BTreeMap<Vec<Place>, u64> = BTreeMap::new();
    let nodes = call_tree(profile, scope);
    let paths = paths(&nodes);
    for (node, path) in nodes.iter().zip(&paths) {
        for (line, cost) in &node.lines {
            let mut places = path.clone();
            places.push(Place {
                function: node.function,
                line: *line,
            });
            if !lines {
                places.iter_mut().for_each(|place| place.line = 0);
            }
            let sum = sums.entry(places).or_default();
            *sum = sum.saturating_add(metric.of(cost));
        }
    }
    let names = names(profile);
    let frame = |place: &Place| frame(profile, &names, *place);
    let stacks = sums.iter().filter(|(_, value)| **value > 0);
    let stacks = stacks.map(|(places, value)| (places.iter().map(frame).collect(), *value));
    (!nodes.is_empty()).then(|| stacks.collect())
}

/// For each node of a tree the lines that led to it, outermost first.
fn paths(nodes: &[Node]) -> Vec<Vec<Place>> {
    let mut paths: Vec<Vec<Place>> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let called = node.parent.and_then(|(parent, line)| {
            let mut path = paths.get(parent as usize)?.clone();
            path.push(Place {
                function: nodes[parent as usize].function,
                line,
            });
            Some(path)
        });
        paths.push(called.unwrap_or_default());
    }
    paths
}

/// The name of every function with its module; those that share one also say where they stand.
pub(crate) fn names(profile: &Profile) -> Vec<String> {
    let full = |function: &Function| {
        let path = [function.module.as_str(), function.name.as_str()];
        let parts: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
        text::clean(&parts.join("::")).into_owned()
    };
    let names: Vec<String> = profile.functions.iter().map(full).collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &names {
        *uses.entry(name).or_default() += 1;
    }
    let named = names.iter().zip(&profile.functions);
    named
        .map(|(name, function)| match uses.get(name.as_str()) {
            Some(1) => name.clone(),
            _ => format!(
                "{name} ({}:{}:{})",
                text::clean(&function.file),
                function.line,
                function.column
            ),
        })
        .collect()
}

fn frame(profile: &Profile, names: &[String], place: Place) -> String {
    let at = place.function.0 as usize;
    let (Some(name), Some(function)) = (names.get(at), profile.functions.get(at)) else {
        return format!("function {at}");
    };
    match place.line {
        0 => name.clone(),
        line => format!("{name} ({}:{line})", text::clean(&function.file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn values_of_all_stacks_add_up_to_the_time_of_the_profile() {
        let profile = fixture::diffusion();
        let sum = |lines| {
            let stacks = stacks(&profile, Scope::All, Metric::Time, lines).unwrap();
            stacks.iter().map(|(_, value)| value).sum::<u64>()
        };
        let costs = fixture::diffusion_costs();
        assert_eq!(sum(true), costs[0].total.0);
        assert_eq!(sum(false), costs[0].total.0);
    }

    #[test]
    fn functions_of_one_name_stay_apart() {
        let mut profile = fixture::diffusion();
        profile.functions[1].name = "main".into();
        let names = names(&profile);
        assert_eq!(names[0], "diffusion::solver::main (src/solver.rs:1:1)");
        assert_eq!(names[1], "diffusion::solver::main (src/solver.rs:20:1)");
        assert_eq!(names[2], "diffusion::solver::helper::<[u8; 8]>");
    }

    #[test]
    fn a_scope_without_threads_was_not_entered() {
        let profile = fixture::diffusion();
        assert!(stacks(&profile, Scope::Thread(0, 9), Metric::Time, true).is_none());
        assert!(stacks(&profile, Scope::Process(9), Metric::Time, true).is_none());
        assert_eq!(
            stacks(&profile, Scope::Thread(0, 0), Metric::Hits, false),
            stacks(&profile, Scope::All, Metric::Hits, false)
        );
    }
}
