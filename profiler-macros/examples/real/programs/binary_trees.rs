//! Trees that are built, counted and dropped: allocation and recursion.

/// Depth of the trees of a turn.
const DEPTH: u32 = 12;

struct Tree {
    children: Option<(Box<Tree>, Box<Tree>)>,
}

impl Tree {
    fn new(depth: u32) -> Self {
        let children = (depth > 0).then(|| {
            let child = || Box::new(Self::new(depth - 1));
            (child(), child())
        });
        Self { children }
    }

    fn count(&self) -> u64 {
        match &self.children {
            Some((left, right)) => 1 + left.count() + right.count(),
            None => 1,
        }
    }
}

/// Nodes of a tree.
pub(crate) fn nodes(depth: u32) -> u64 {
    Tree::new(depth).count()
}

pub(crate) fn run(turns: u64) -> u64 {
    (0..turns).map(|_| nodes(DEPTH)).sum()
}
