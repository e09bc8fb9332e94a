//! From words of the file to what they stand for: the cells of a node, the running one, and the memory words of a cell.

use core::sync::atomic::Ordering;
use core::sync::atomic::Ordering::Relaxed;

use crate::raw::layout::{
    Cell, MAX_LINES, MEMORY_UNIT, Mapped, MemoryWords, NodeRecord, OPEN_WANTED, ThreadRecord,
    cell_offset,
};

/// A word as a size: there is a recorder only where both have 64 bits.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "64 bits each")]
pub(crate) const fn word(value: u64) -> usize {
    value as usize
}

impl<T: 'static> Mapped<T> {
    /// The structure, if there is one.
    #[inline(always)]
    pub(crate) fn get(&self, order: Ordering) -> Option<&'static T> {
        let address = self.load(order);
        // SAFETY: null, or the address of such a structure: only the recorder stores one, when it is made. The file is never unmapped, nor is the
        // private memory that they lie in, and all words of theirs that change are atomic.
        unsafe { address.as_ref() }
    }
}

/// The cell whose interval is open on the thread.
#[inline]
pub(super) fn open(thread: &ThreadRecord) -> Option<&'static Cell> {
    let open = thread.open.load(Relaxed);
    // SAFETY: beyond the numbers that are no addresses it is that of a cell, which is never unmapped.
    (open.addr() > OPEN_WANTED).then(|| unsafe { &*open })
}

/// The cell of line slot `index`, which the node must have.
#[inline(always)]
pub(super) fn cell(node: &NodeRecord, index: usize) -> &'static Cell {
    debug_assert!(
        index < node.lines.load(Relaxed) as usize,
        "a line slot outside of its node"
    );
    let cell = core::ptr::from_ref(node)
        .cast::<u8>()
        .wrapping_add(cell_offset(index))
        .cast::<Cell>();
    // SAFETY: the cells of a node follow it, and neither is ever unmapped.
    unsafe { &*cell }
}

/// The cell whose line runs on the thread.
#[inline(always)]
pub(crate) fn running(thread: &ThreadRecord) -> &'static Cell {
    // SAFETY: the word always holds the address of a cell that is never unmapped.
    unsafe { &*thread.cell.load(Relaxed) }
}

/// The memory words of a cell.
pub(super) fn memory_words(cell: &Cell) -> Option<&'static MemoryWords> {
    let distance = usize::from(cell.memory.load(Relaxed)) * MEMORY_UNIT;
    let words = core::ptr::from_ref(cell)
        .cast::<u8>()
        .wrapping_add(distance);
    // SAFETY: that far from the cell are its memory words, in the same record, which is never unmapped.
    (distance != 0).then(|| unsafe { &*words.cast() })
}

/// Tells a cell where its memory words are: behind it in the same record.
pub(super) fn give_memory_words(cell: &Cell, words: *const u8) {
    let distance = words.addr() - core::ptr::from_ref(cell).addr();
    let units = u16::try_from(distance / MEMORY_UNIT).unwrap_or(0);
    cell.memory.store(units, Relaxed);
}

// The farthest memory words are those of the first of all lines that a node may have.
const _: () = assert!(MAX_LINES * size_of::<Cell>() / MEMORY_UNIT <= u16::MAX as usize);
