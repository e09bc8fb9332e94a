//! The steps in which threads meet in the tables of noted blocks: the lock on the tables, which a fork takes too, and the filter that tells
//! whoever frees a block whether it may be noted.
//!
//! `tests/loom.rs` compiles this very file, and `table.rs`, over the words of a model checker (`make loom`). So it names its atomics
//! through `words`, and nothing of the system.
//!
//! ```text
//!  allocates                          frees
//!   │ takes the lock                   │ looks at the class of the block: 0, so it is not noted
//!   │ enters the block                 │   ... or not 0:
//!   │ raises the class of the block    │ takes the lock, takes the block off, lowers the class
//!   │ lets the lock go
//!   └── hands the block over ─────────▶
//! ```
//!
//! Whoever frees a block has got it from the thread that allocated it, in whatever way makes that sound. The same way makes the raised class
//! visible, so the look at it needs no ordering of its own.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::words::{self, AtomicU8, AtomicUsize};

/// Turns that a thread waits for the lock: a second and more.
const PATIENCE: u32 = 20_000;
/// Beside the number of the holder: it holds the lock for a fork. Numbers of threads are addresses of words, so the bit is free.
const FORKING: usize = 1;

/// What came of asking for the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// This thread has it now.
    Taken,
    /// This thread has it already, for a fork.
    Forking,
    /// This thread has it already, in a function that a signal interrupted, or nobody lets it go.
    Refused,
}

/// Asks for the lock, as thread number `me`.
pub(super) fn take(owner: &AtomicUsize, me: usize) -> Answer {
    for turn in 0..PATIENCE {
        match owner.compare_exchange(0, me, Acquire, Relaxed) {
            Ok(_) => return Answer::Taken,
            Err(owner) if owner == me | FORKING => return Answer::Forking,
            Err(owner) if owner == me => return Answer::Refused,
            Err(_) => words::wait(turn),
        }
    }
    Answer::Refused
}

/// Lets the lock go.
pub(super) fn let_go(owner: &AtomicUsize) {
    owner.store(0, Release);
}

/// What a fork does first, and what it may do only then: chunks of the file that are handed out under the lock are counted while nobody can
/// be about to take one. Returns whether the lock was there to be had, and the count.
pub(crate) fn before_fork<T>(
    owner: &AtomicUsize,
    me: usize,
    count_chunks: impl FnOnce() -> T,
) -> (bool, T) {
    let taken = take(owner, me) == Answer::Taken;
    if taken {
        owner.store(me | FORKING, Relaxed);
    }
    (taken, count_chunks())
}

/// Whether this thread holds the lock for a fork.
pub(super) fn is_forking(owner: &AtomicUsize, me: usize) -> bool {
    owner.load(Relaxed) == me | FORKING
}

/// One more block of a class is noted. Under the lock. What reaches 255 stays.
pub(super) fn raise(class: &AtomicU8) {
    class.store(class.load(Relaxed).saturating_add(1), Relaxed);
}

/// One block of a class less is noted. Under the lock.
pub(super) fn lower(class: &AtomicU8) {
    let noted = class.load(Relaxed);
    if noted != u8::MAX {
        class.store(noted.saturating_sub(1), Relaxed);
    }
}

/// Whether a block of the class may be noted. Without the lock.
#[inline(always)]
pub(super) fn is_maybe_noted(class: &AtomicU8) -> bool {
    class.load(Relaxed) != 0
}
