//! The recorder: what runs inside the profiled program. It counts and stores, and nothing else: it never prints, never panics,
//! never changes what the program does.
//!
//! `frame` and `marker` are the hot path; `tree` finds the node of a call, `thread` the record of a thread; `run` owns the
//! life of the recording, `identity` says whose it is, `space` gives it room, `fork` gives a child its own; `not_measured` notes what the macro left alone; `sampler` is the clock of the lines that are too hot to read one; `resident` reads the resident
//! set at line boundaries.

mod calibrate;
mod clock;
mod fork;
mod frame;
mod identity;
mod marker;
#[cfg(feature = "native")]
mod native;
mod not_measured;
mod resident;
mod run;
mod sampler;
mod sites;
mod space;
#[cfg(feature = "tracing")]
mod span;
mod task;
mod thread;
mod tree;

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

pub use frame::{Brace, Frame, Group};
pub(crate) use resident::large_block;
pub(crate) use run::header;
pub(crate) use space::private_memory;
#[cfg(feature = "tracing")]
pub(crate) use span::{SpanCalls, SpanSites};
pub use task::{Task, poll, task_line};
pub(crate) use thread::{as_nobody, current};
pub(crate) use tree::running;

/// Adds to a counter that only this thread writes: no locked instruction, and never torn for a reader.
#[inline(always)]
pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(amount), Relaxed);
}

/// A word as a size: there is a recorder only where both have 64 bits.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "64 bits each")]
pub(crate) const fn word(value: u64) -> usize {
    value as usize
}
