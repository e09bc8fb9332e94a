//! What is around the place that is being walked: loops, branches, and the marked statement.

use proc_macro2::Span;
use syn::Lifetime;

/// A loop around the place that is being walked.
pub(super) struct Loop {
    pub(super) label: Option<Lifetime>,
    /// Slot and place of its header, if it has a row.
    pub(super) header: Option<(usize, Span)>,
    /// Line of the header.
    pub(super) line: Option<u32>,
    /// What lies between its marked statements, where only those count.
    pub(super) rest: Option<u32>,
    /// Whether a marker of another line stands inside.
    pub(super) strayed: bool,
}

/// A loop that only counts.
pub(super) struct GroupedLoop {
    /// Slot of its header.
    pub(super) header: usize,
    /// Slot of each local counter, that of the turns first.
    pub(super) slots: Vec<usize>,
    /// Whether a turn may end early.
    pub(super) continued: bool,
}

impl GroupedLoop {
    /// Index of the local counter of a slot.
    pub(super) fn counter(&mut self, slot: usize) -> usize {
        let known = self.slots.iter().position(|known| *known == slot);
        known.unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        })
    }
}

/// A branch or block that is being walked.
pub(super) struct Branch {
    /// Line of the statement around.
    pub(super) line: Option<u32>,
    /// Whether a marker of another line stands inside.
    pub(super) strayed: bool,
    /// Whether the statement goes on behind it.
    pub(super) goes_on: bool,
}

/// Where a body stands among its marked statements.
#[derive(Default)]
pub(super) struct Marked {
    /// Line of the marked statement around, or of the body: what lies between marked statements belongs there.
    pub(super) rest: Option<u32>,
    /// Line of a marked loop that is about to be walked.
    pub(super) next_loop: Option<u32>,
    /// Length of the block being built, if its last statement is the marker of the rest.
    pub(super) resumed: Option<usize>,
}
