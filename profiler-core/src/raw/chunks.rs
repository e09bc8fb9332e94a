//! The handing out of chunks of the file: each goes to one thread, and only once it can be written to.
//!
//! `tests/loom.rs` compiles this very file over the words of a model checker (`make loom`).

use core::sync::atomic::Ordering::{AcqRel, Acquire};

use super::words::AtomicU64;

/// Takes `span` chunks of the `room` there are, once `prepare` has made the first of them, and those behind it, ready. Returns the number of the
/// first and what `prepare` made of it.
///
/// A chunk is made ready before it is handed out, so that all that were can be read without fear of a full disk. Two threads may do it for the same
/// chunk at once: one of them gets the next.
pub(crate) fn hand_out<T>(
    chunks: &AtomicU64,
    span: u64,
    room: u64,
    mut prepare: impl FnMut(u64) -> Option<T>,
) -> Option<(u64, T)> {
    loop {
        let first = chunks.load(Acquire);
        let after = first.checked_add(span).filter(|after| *after <= room)?;
        let prepared = prepare(first)?;
        if chunks
            .compare_exchange(first, after, AcqRel, Acquire)
            .is_ok()
        {
            return Some((first, prepared));
        }
    }
}
