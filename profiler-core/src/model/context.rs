//! One calling-context tree for several threads: the base of flame graphs and collapsed stacks.

use std::collections::HashMap;

use super::call_tree::Scope;
use super::cost_sum::CostSum;
use super::line_map::LineMap;
use super::place::FunctionId;
use super::profile::{Node, Profile};
use super::tree_walk::{by_calling_line, parent_of};

/// The calling contexts of all threads in the scope as one tree: nodes with the same function, called from the same line of the
/// same context, become one, with the sums of their costs. A parent stands before its children, and these in the order of their
/// calling lines; which thread came first makes no difference. The time outside of all functions is not in it.
///
/// ```
/// use hprof::model::{Profile, Scope, call_tree};
/// assert!(call_tree(&Profile::default(), Scope::All).is_empty());
/// ```
#[must_use]
pub fn call_tree(profile: &Profile, scope: Scope) -> Vec<Node> {
    let mut merged = MergedTree::default();
    for thread in scope.threads(profile) {
        merged.add(&thread.nodes);
    }
    in_order(merged.finish())
}

/// Parent in the merged tree with calling line, and function.
type Key = (Option<(u32, u32)>, FunctionId);

#[derive(Debug, Default)]
struct MergedTree {
    by_key: HashMap<Key, u32>,
    nodes: Vec<MergedNode>,
}

#[derive(Debug)]
struct MergedNode {
    key: Key,
    calls: u64,
    primitive_calls: u64,
    lines: LineMap<CostSum>,
}

impl MergedTree {
    fn add(&mut self, nodes: &[Node]) {
        let mut places: Vec<u32> = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            let parent = parent_of(nodes, index).map(|(parent, line)| (places[parent], line));
            let place = self.place((parent, node.function));
            places.push(place);
            let Some(merged) = usize::try_from(place)
                .ok()
                .and_then(|place| self.nodes.get_mut(place))
            else {
                continue;
            };
            merged.calls = merged.calls.saturating_add(node.calls);
            merged.primitive_calls = merged.primitive_calls.saturating_add(node.primitive_calls);
            for (line, cost) in &node.lines {
                merged.lines.entry(line).add(&cost);
            }
        }
    }

    fn place(&mut self, key: Key) -> u32 {
        *self.by_key.entry(key).or_insert_with(|| {
            let place = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            self.nodes.push(MergedNode {
                key,
                calls: 0,
                primitive_calls: 0,
                lines: LineMap::default(),
            });
            place
        })
    }

    fn finish(self) -> Vec<Node> {
        let finish = |node: MergedNode| Node {
            parent: node.key.0,
            function: node.key.1,
            calls: node.calls,
            primitive_calls: node.primitive_calls,
            lines: (node.lines.into_values(|line, sum| (line, sum.finish())))
                .into_iter()
                .collect(),
        };
        self.nodes.into_iter().map(finish).collect()
    }
}

/// The same tree from the top left to the bottom right.
fn in_order(mut nodes: Vec<Node>) -> Vec<Node> {
    let order: Vec<usize> = by_calling_line(&nodes).collect();
    let mut numbers: Vec<u32> = vec![0; nodes.len()];
    let mut ordered: Vec<Node> = Vec::with_capacity(nodes.len());
    for index in order {
        numbers[index] = u32::try_from(ordered.len()).unwrap_or(u32::MAX);
        let parent = parent_of(&nodes, index).map(|(parent, line)| (numbers[parent], line));
        let node = &mut nodes[index];
        ordered.push(Node {
            parent,
            lines: std::mem::take(&mut node.lines),
            ..*node
        });
    }
    ordered
}
