//! Who calls whom from which line: the edges of the calling-context trees, added up over all contexts and threads.

use std::collections::BTreeMap;

use hprof::model::{FunctionId, Nanos, Profile, Scope};

/// Calls of one function from one line of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) caller: FunctionId,
    /// Line of the call.
    pub(crate) line: u32,
    pub(crate) callee: FunctionId,
    pub(crate) calls: u64,
    /// Time of the callee with everything it called, recursion counted once for each level.
    pub(crate) time: Nanos,
}

/// All edges: by caller, line and callee.
pub(crate) fn edges(profile: &Profile) -> Vec<Edge> {
    let mut sums: BTreeMap<(FunctionId, u32, FunctionId), (u64, Nanos)> = BTreeMap::new();
    for thread in Scope::All.threads(profile) {
        let mut times: Vec<Nanos> = thread
            .nodes
            .iter()
            .map(|node| node.lines.iter().map(|(_, cost)| cost.time()).sum())
            .collect();
        // A parent stands before its children.
        for (at, node) in thread.nodes.iter().enumerate().rev() {
            let Some((parent, line)) = node.parent else {
                continue;
            };
            let Ok(above) = usize::try_from(parent) else {
                continue;
            };
            if above >= at {
                continue;
            }
            let time = times[at];
            times[above] += time;
            let sum = sums
                .entry((thread.nodes[above].function, line, node.function))
                .or_default();
            sum.0 = sum.0.saturating_add(node.calls);
            sum.1 += time;
        }
    }
    let edge = |((caller, line, callee), (calls, time))| Edge {
        caller,
        line,
        callee,
        calls,
        time,
    };
    sums.into_iter().map(edge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn an_edge_has_the_calls_and_the_time_of_what_is_called() {
        let profile = fixture::diffusion();
        let all = edges(&profile);
        let costs = hprof::model::function_costs(&profile, Scope::All);
        let advance = costs
            .iter()
            .find(|cost| cost.function == FunctionId(1))
            .unwrap();
        let called: Vec<_> = all
            .iter()
            .filter(|edge| edge.callee == FunctionId(1))
            .collect();
        assert_eq!(called.len(), 1);
        assert_eq!((called[0].caller, called[0].line), (FunctionId(0), 6));
        assert_eq!(
            (called[0].calls, called[0].time),
            (advance.calls, advance.total)
        );
    }
}
