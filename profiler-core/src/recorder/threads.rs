//! The records of all threads of the process, in the order of their numbers.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Acquire;

use crate::raw::layout::{Mapped, ThreadRecord};

/// Thread records of a process: as many threads can be recorded at the same time.
pub(super) const MAX_THREADS: usize = 4096;

/// All thread records of the process, in the order of their numbers.
pub(super) static THREADS: [Mapped<ThreadRecord>; MAX_THREADS] =
    [const { Mapped::new(core::ptr::null_mut()) }; MAX_THREADS];
/// How many of them are taken.
pub(super) static THREADS_USED: AtomicU32 = AtomicU32::new(0);

/// The records of all threads so far, for the sampler and for `fork`.
pub(super) fn all() -> impl Iterator<Item = &'static ThreadRecord> {
    let used = (THREADS_USED.load(Acquire) as usize).min(MAX_THREADS);
    let threads = THREADS.iter().take(used);
    threads.filter_map(|thread| thread.get(Acquire))
}
