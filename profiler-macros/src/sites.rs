//! The static line table of one instrumented body, while it is being filled.

use proc_macro2::Ident;
use std::collections::HashMap;

/// No site may have more line slots than this; lines beyond it get no marker. The same number as the raw file's.
pub(crate) const MAX_LINES: usize = 4096;

/// What kind of body a site describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SiteKind {
    Function,
    Closure,
    AsyncFunction,
    AsyncBlock,
}

/// What a line slot stands for. Ordered so that a line that is several things at once is the greatest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LineKind {
    Brace,
    Statement,
    LoopHeader,
    GroupHeader,
    GroupBody,
    WholeBody,
}

/// One line slot.
#[derive(Clone, Debug)]
pub(crate) struct LineSlot {
    pub(crate) line: u32,
    pub(crate) kind: LineKind,
    /// Slot of the grouped loop's header for lines in its body, otherwise the slot itself.
    pub(crate) group: usize,
    pub(crate) label: String,
}

/// What a slot of a line is for; a line may have one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Row {
    /// The line itself.
    Own,
    /// The line in the body of the grouped loop with this header.
    Grouped(usize),
    /// What lies between marked statements, where only those count.
    BetweenMarked,
}

/// The table of one body.
#[derive(Debug)]
pub(crate) struct SiteTable {
    pub(crate) kind: SiteKind,
    pub(crate) ident: Ident,
    pub(crate) slots: Vec<LineSlot>,
    by_line: HashMap<(u32, Row), usize>,
}

impl SiteTable {
    pub(crate) fn new(kind: SiteKind, ident: Ident) -> Self {
        Self {
            kind,
            ident,
            slots: Vec::new(),
            by_line: HashMap::new(),
        }
    }

    /// The slot of a line, made at the first call. Nothing if the table is full.
    pub(crate) fn slot(&mut self, line: u32, kind: LineKind, row: Row) -> Option<usize> {
        if let Some(&slot) = self.by_line.get(&(line, row)) {
            let known = &mut self.slots[slot].kind;
            *known = kind.max(*known);
            return Some(slot);
        }
        let slot = self.slots.len();
        if slot == MAX_LINES {
            return None;
        }
        self.slots.push(LineSlot {
            line,
            kind,
            group: match row {
                Row::Grouped(header) => header,
                Row::Own | Row::BetweenMarked => slot,
            },
            label: String::new(),
        });
        self.by_line.insert((line, row), slot);
        Some(slot)
    }
}
