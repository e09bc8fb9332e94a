//! Which nodes of a graph lie on circles.

use std::collections::BTreeSet;

/// The sets of nodes that reach each other, of two nodes or more, each sorted. `edges[node]` are the nodes that `node` points to.
pub(super) fn circles(edges: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let reached: Vec<BTreeSet<usize>> = (0..edges.len())
        .map(|start| reached_from(start, edges))
        .collect();
    let mut circles = Vec::new();
    for node in 0..edges.len() {
        let circle: Vec<usize> = reached[node]
            .iter()
            .copied()
            .filter(|other| reached[*other].contains(&node))
            .collect();
        if circle.len() > 1 && circle[0] == node {
            circles.push(circle);
        }
    }
    circles
}

fn reached_from(start: usize, edges: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut left: Vec<usize> = edges[start].iter().copied().collect();
    while let Some(node) = left.pop() {
        if reached.insert(node) {
            left.extend(&edges[node]);
        }
    }
    reached
}
