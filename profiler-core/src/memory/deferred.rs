//! What is allocated and freed while a process forks: it is written down, and noted when the tables may be changed again.
//!
//! The thread that forks holds the lock from before the fork until after it, in the child until that has a file of its own. Meanwhile
//! other handlers of `pthread_atfork` run, and the recorder's own that makes the file; a block that they note at once would be noted in the
//! parent's file, which is still mapped in the child. What comes and goes again leaves nothing here.
//!
//! Only the thread that holds the lock for a fork uses these words, and a child has them as its parent left them.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize};

use super::weight::Noted;
use crate::raw::layout::Cell;

/// Blocks that can be written down.
const ROOM: usize = 128;
/// `Entry::noted`: the block was freed.
const FREED: u64 = u64::MAX;

/// A block that came or went.
struct Entry {
    /// Its address; 0 where it came and went.
    block: AtomicUsize,
    noted: AtomicU64,
    /// The line that allocated it; null where `noted` has its entry.
    cell: AtomicPtr<Cell>,
}

static ENTRIES: [Entry; ROOM] = [const {
    Entry {
        block: AtomicUsize::new(0),
        noted: AtomicU64::new(0),
        cell: AtomicPtr::new(core::ptr::null_mut()),
    }
}; ROOM];
static USED: AtomicUsize = AtomicUsize::new(0);

fn used() -> &'static [Entry] {
    &ENTRIES[..USED.load(Relaxed).min(ROOM)]
}

/// A block was allocated. `None` if there is no room.
pub(super) fn allocated(block: *mut u8, noted: Noted, cell: *mut Cell) -> Option<()> {
    push(block.addr(), noted.0, cell)
}

/// A block is freed that `is_noted`, or may have come in the same time. The block, if it did, and is gone now without a trace; `Some(None)` if it
/// was written down that it is freed, or needs not be; `None` if there is no room.
pub(super) fn freed(block: *mut u8, is_noted: bool) -> Option<Option<Noted>> {
    let newest = used()
        .iter()
        .rev()
        .find(|entry| entry.block.load(Relaxed) == block.addr());
    match newest {
        Some(entry) if entry.noted.load(Relaxed) != FREED => {
            entry.block.store(0, Relaxed);
            Some(Some(Noted(entry.noted.load(Relaxed))))
        }
        // Freed already, and not used again as far as we know: the block is one that was not noted.
        Some(_) => Some(None),
        None if is_noted => push(block.addr(), FREED, core::ptr::null_mut()).map(|()| None),
        None => Some(None),
    }
}

fn push(block: usize, noted: u64, cell: *mut Cell) -> Option<()> {
    let used = USED.load(Relaxed);
    let gone = self::used()
        .iter()
        .rposition(|entry| entry.block.load(Relaxed) != 0)
        .map_or(0, |last| last + 1);
    let free = used.min(gone);
    let entry = ENTRIES.get(free)?;
    entry.block.store(block, Relaxed);
    entry.noted.store(noted, Relaxed);
    entry.cell.store(cell, Relaxed);
    USED.store(free + 1, Relaxed);
    Some(())
}

/// Takes everything out, in the order in which it happened: `None` for a block that was freed.
pub(super) fn take_all(mut work: impl FnMut(*mut u8, Option<(Noted, *mut Cell)>)) {
    for entry in used() {
        let block = entry.block.load(Relaxed);
        let noted = entry.noted.load(Relaxed);
        if block != 0 {
            let allocated = (noted != FREED).then(|| (Noted(noted), entry.cell.load(Relaxed)));
            work(core::ptr::without_provenance_mut(block), allocated);
        }
    }
    USED.store(0, Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test: the words are those of the process.
    #[test]
    fn what_comes_and_goes_leaves_nothing_and_the_rest_keeps_its_order() {
        let block = core::ptr::without_provenance_mut::<u8>;
        let null = core::ptr::null_mut();
        let noted = Noted::new(0, 0, 48);
        for _ in 0..10 * ROOM {
            allocated(block(16), noted, null).unwrap();
            assert_eq!(freed(block(16), false), Some(Some(noted)));
        }
        // Freed, used again, freed again: what is left is the free of the first.
        assert_eq!(freed(block(32), true), Some(None));
        allocated(block(32), noted, null).unwrap();
        assert_eq!(freed(block(32), true), Some(Some(noted)));
        allocated(block(64), noted, null).unwrap();
        let mut all = Vec::new();
        take_all(|block, noted| all.push((block.addr(), noted.is_some())));
        assert_eq!(all, [(32, false), (64, true)]);
        let pushed = (1..).take_while(|at| allocated(block(*at), noted, null).is_some());
        assert_eq!(pushed.count(), ROOM);
        take_all(|_, _| {});
    }
}
