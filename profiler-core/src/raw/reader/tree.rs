//! The call tree of one thread: its nodes with every parent before its children.

use core::mem::offset_of;

use super::bytes::Bytes;
use super::records::{Owner, Records};
use super::sites::SiteTable;
use crate::raw::layout::NodeRecord;

/// A node that can be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct TreeNode {
    /// Index in [`Records::nodes`].
    pub(super) record: usize,
    /// The calling line: position of the parent in the tree, and slot. `None` at a root, or if the context is lost.
    pub(super) caller: Option<(usize, usize)>,
}

/// Puts the nodes of a thread, given by their indices, in order. A node whose site is not known is left out; one whose caller makes
/// no sense becomes a root. Both are counted as damage.
pub(super) fn build(
    bytes: Bytes<'_>,
    records: &Records,
    sites: &SiteTable,
    thread: usize,
    nodes: &[usize],
    damaged: &mut u64,
) -> Vec<TreeNode> {
    let mut known = Vec::with_capacity(nodes.len());
    for &node in nodes {
        match sites.get(records.nodes[node].site) {
            Some(site) => {
                // Cells without a line, or lines without a cell.
                *damaged += u64::from(site.slots.len() != records.nodes[node].lines);
                known.push(node);
            }
            None => *damaged += 1,
        }
    }
    let mut callers = Vec::with_capacity(known.len());
    for &node in &known {
        let field = records.nodes[node].at + offset_of!(NodeRecord, caller);
        let address = bytes.u64(field);
        callers.push(match records.cell(address) {
            _ if address == 0 => None,
            Some(Owner::Outside(owner)) if owner == thread => None,
            // Parents that are left out are in `nodes`, which is in order, but not in `known`.
            Some(Owner::Node(parent, slot)) => {
                let place = known.binary_search(&parent).ok();
                *damaged += u64::from(place.is_none());
                place.map(|place| (place, slot))
            }
            _ => {
                *damaged += 1;
                None
            }
        });
    }
    in_order(&known, &callers, damaged)
}

/// Parents first. In a sound file they are so already, apart from chunks that were filled out of turn.
fn in_order(
    known: &[usize],
    callers: &[Option<(usize, usize)>],
    damaged: &mut u64,
) -> Vec<TreeNode> {
    #[derive(Clone, Copy, PartialEq)]
    enum Place {
        Open,
        OnPath,
        At(usize),
    }
    let mut places = vec![Place::Open; known.len()];
    let mut tree = Vec::with_capacity(known.len());
    let mut path = Vec::new();
    for start in 0..known.len() {
        let mut next = Some(start);
        while let Some(node) = next.filter(|&node| places[node] == Place::Open) {
            places[node] = Place::OnPath;
            path.push(node);
            next = callers[node].map(|(parent, _)| parent);
        }
        // The path runs from the node up to a root, to a node that has its place, or in a circle.
        for node in path.drain(..).rev() {
            let caller = callers[node].and_then(|(parent, slot)| match places[parent] {
                Place::At(place) => Some((place, slot)),
                Place::Open | Place::OnPath => {
                    *damaged += 1;
                    None
                }
            });
            places[node] = Place::At(tree.len());
            tree.push(TreeNode {
                record: known[node],
                caller,
            });
        }
    }
    tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_callers_is_cut_once_and_loses_no_node() {
        let callers = [Some((2, 0)), Some((0, 1)), Some((1, 2)), Some((0, 3))];
        let mut damaged = 0;
        let tree = in_order(&[10, 11, 12, 13], &callers, &mut damaged);
        let shape: Vec<_> = tree.iter().map(|node| (node.record, node.caller)).collect();
        assert_eq!(
            shape,
            [
                (11, None),
                (12, Some((0, 2))),
                (10, Some((1, 0))),
                (13, Some((2, 3)))
            ]
        );
        assert_eq!(damaged, 1);
    }
}
