//! Who calls whom from which line: the edges of the calling-context trees, added up over all contexts and threads.

use std::collections::BTreeMap;

use hprof::model::{FunctionId, LineCost, Nanos, Node, Profile, Scope};

/// Calls of one function from one line of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) caller: FunctionId,
    /// Line of the call.
    pub(crate) line: u32,
    pub(crate) callee: FunctionId,
    pub(crate) calls: u64,
    /// What the callee took with everything it called; recursion counts once for each level.
    pub(crate) cost: Inclusive,
}

/// What a part of a tree took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inclusive {
    pub(crate) hits: u64,
    pub(crate) time: Nanos,
    pub(crate) allocs: u64,
    pub(crate) bytes: u64,
}

impl Inclusive {
    fn of_node(node: &Node) -> Self {
        let mut sum = Self::default();
        for (_, cost) in &node.lines {
            sum.add(Self::of_line(&cost));
        }
        sum
    }

    const fn of_line(cost: &LineCost) -> Self {
        Self {
            hits: cost.hits,
            time: Nanos(cost.exact.0.saturating_add(cost.sampled.0)),
            allocs: cost.allocs,
            bytes: cost.alloc_bytes,
        }
    }

    fn add(&mut self, other: Self) {
        self.hits = self.hits.saturating_add(other.hits);
        self.time += other.time;
        self.allocs = self.allocs.saturating_add(other.allocs);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// All edges of a scope: by caller, line and callee.
pub(crate) fn edges(profile: &Profile, scope: Scope) -> Vec<Edge> {
    let mut sums: BTreeMap<(FunctionId, u32, FunctionId), (u64, Inclusive)> = BTreeMap::new();
    for thread in scope.threads(profile) {
        let mut costs: Vec<Inclusive> = thread.nodes.iter().map(Inclusive::of_node).collect();
        // A parent stands before its children.
        for (at, node) in thread.nodes.iter().enumerate().rev() {
            let Some((parent, line)) = node.parent else {
                continue;
            };
            let parent = usize::try_from(parent).unwrap_or(usize::MAX);
            if parent >= at {
                continue;
            }
            let cost = costs[at];
            costs[parent].add(cost);
            let sum = sums
                .entry((thread.nodes[parent].function, line, node.function))
                .or_default();
            sum.0 = sum.0.saturating_add(node.calls);
            sum.1.add(cost);
        }
    }
    let edge = |((caller, line, callee), (calls, cost))| Edge {
        caller,
        line,
        callee,
        calls,
        cost,
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
        let all = edges(&profile, Scope::All);
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
            (called[0].calls, called[0].cost.time),
            (advance.calls, advance.total)
        );
    }
}
