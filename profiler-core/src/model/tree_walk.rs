//! The way through a call tree: from each root down to the leaves and back, without recursion, for trees may be deep.

use super::profile::Node;

/// A step of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Down into the node with this index.
    Enter(usize),
    /// Back out of it.
    Leave(usize),
}

/// Index of the parent of a node, and the calling line. A parent must stand before its children; one that does not is ignored, so
/// that no profile can send a walk in a circle.
pub(crate) fn parent_of(nodes: &[Node], index: usize) -> Option<(usize, u32)> {
    let (parent, line) = nodes[index].parent?;
    let parent = usize::try_from(parent).ok()?;
    (parent < index).then_some((parent, line))
}

/// All steps, siblings in the order of the nodes.
pub(crate) fn depth_first(nodes: &[Node]) -> impl Iterator<Item = Step> {
    steps(Children::new(nodes, 0..nodes.len()))
}

/// The steps down, siblings in the order of their calling lines and functions.
pub(crate) fn by_calling_line(nodes: &[Node]) -> impl Iterator<Item = usize> {
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|&index| {
        let line = parent_of(nodes, index).map(|(_, line)| line);
        (line, nodes[index].function)
    });
    steps(Children::new(nodes, order.into_iter())).filter_map(|step| match step {
        Step::Enter(node) => Some(node),
        Step::Leave(_) => None,
    })
}

fn steps(mut children: Children) -> impl Iterator<Item = Step> {
    let mut open: Vec<usize> = Vec::new();
    core::iter::from_fn(move || {
        if let Some(child) = children.next_of(open.last().copied()) {
            open.push(child);
            return Some(Step::Enter(child));
        }
        open.pop().map(Step::Leave)
    })
}

/// The children of each node that are still to be visited, as linked lists in two tables.
struct Children {
    /// Next child of each node; the roots are the children of entry 0, those of node `n` hang at `n + 1`.
    first: Vec<Option<usize>>,
    sibling: Vec<Option<usize>>,
}

impl Children {
    /// `order` names every node once.
    fn new(nodes: &[Node], order: impl DoubleEndedIterator<Item = usize>) -> Self {
        let mut first = vec![None; nodes.len() + 1];
        let mut sibling = vec![None; nodes.len()];
        for index in order.rev() {
            let parent = parent_of(nodes, index).map_or(0, |(parent, _)| parent + 1);
            sibling[index] = first[parent].replace(index);
        }
        Self { first, sibling }
    }

    fn next_of(&mut self, parent: Option<usize>) -> Option<usize> {
        let entry = &mut self.first[parent.map_or(0, |parent| parent + 1)];
        let child = (*entry)?;
        *entry = self.sibling[child];
        Some(child)
    }
}
