//! Live and peak bytes of the whole process.
//!
//! A thread adds up by itself what it allocates and frees, and passes the sum on when it comes to a batch: so the two figures may be off by
//! [`OWED_BY_A_THREAD`] for each thread that lives, in both directions. A thread that ends passes on what it owes, and whatever its last destructors
//! do at once; how many lived at the same time stands in the header.

use core::ffi::c_void;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicI64, AtomicU64};

use super::lock::is_forking;
use crate::raw::layout::{Header, OWED_BY_A_THREAD};
use crate::recorder::{Local, header, with_local};

/// Bytes that a thread may allocate before the allocator looks up, at most.
pub(super) const TICK: i64 = 32 * 1024;
/// Bytes a thread may owe to the count of the process. It owes up to a [`TICK`] more that it has not even added up.
const BATCH: i64 = 32 * 1024;

const _: () = assert!(TICK + BATCH <= OWED_BY_A_THREAD.cast_signed());

/// `Local::counted`: nobody is told yet when the thread ends.
const UNKNOWN: u32 = 0;
/// We are.
const COUNTED: u32 = 1;
/// It has ended: nothing is owed any more.
const ENDED: u32 = 2;

/// The counts of the process while it does not record.
static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);
/// Threads that count and have not ended, and how many there were at most.
static THREADS: AtomicU64 = AtomicU64::new(0);
static MOST_THREADS: AtomicU64 = AtomicU64::new(0);
/// The key whose value is given back when a thread ends; [`NO_KEY`] if there is none.
static KEY: AtomicU64 = AtomicU64::new(NO_KEY);
const NO_KEY: u64 = u64::MAX;

/// The recording begins: takes over what was counted before.
pub(super) fn adopt(header: &Header) {
    let before = LIVE.swap(0, Relaxed);
    let now = header.live_bytes.fetch_add(before, Relaxed) + before;
    let peak = PEAK.load(Relaxed).max(now);
    header.peak_bytes.fetch_max(peak, Relaxed);
}

/// How many threads have counted at the same time so far.
pub(super) fn note_most_threads(header: &Header) {
    let most = MOST_THREADS.load(Relaxed);
    header.alloc_threads.fetch_max(most, Relaxed);
}

/// From now on threads are known when they end.
pub(super) fn watch_threads() {
    if KEY.load(Acquire) != NO_KEY {
        return;
    }
    let mut key = 0;
    // SAFETY: `key` is a valid place for the answer, and the destructor has the right form.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(thread_ends)) } == 0 {
        // Of several that come here at once one is enough; the others' keys have no values.
        let _ = KEY.compare_exchange(NO_KEY, u64::from(key), Release, Relaxed);
    }
}

/// Has this thread tell when it ends. The system may allocate for that, in our allocator: it finds the thread known already.
#[cold]
fn count_thread(local: &Local) {
    let Ok(key) = libc::pthread_key_t::try_from(KEY.load(Acquire)) else {
        return;
    };
    local.counted.set(COUNTED);
    let threads = THREADS.fetch_add(1, Relaxed) + 1;
    MOST_THREADS.fetch_max(threads, Relaxed);
    if !is_forking()
        && let Some(header) = header()
    {
        header.alloc_threads.fetch_max(threads, Relaxed);
    }
    let value = core::ptr::without_provenance::<c_void>(1);
    // SAFETY: the key was made by us.
    unsafe { libc::pthread_setspecific(key, value) };
}

/// A thread ends. Destructors of other keys may follow.
extern "C" fn thread_ends(_: *mut c_void) {
    settle_thread();
    with_local(|local| {
        if local.counted.replace(ENDED) == COUNTED {
            THREADS.fetch_sub(1, Relaxed);
        }
        for word in [&local.left, &local.granted, &local.free_left] {
            word.set(0);
        }
        local.free_granted.set(0);
    });
}

/// Adds what the thread owes to the process' count: it ends.
pub(crate) fn settle_thread() {
    with_local(|local| {
        let allocated = local.granted.get().wrapping_sub(local.left.get());
        let freed = local.free_granted.get().wrapping_sub(local.free_left.get());
        local.granted.set(local.left.get());
        local.free_granted.set(local.free_left.get());
        settle(local.owed.replace(0) + allocated - freed);
    });
}

/// The thread has allocated so many bytes, and may allocate `grant` before it must look up again, or less.
pub(super) fn allocated(local: &Local, bytes: i64, grant: i64) -> i64 {
    if local.counted.get() == UNKNOWN {
        count_thread(local);
    }
    owe(local, bytes);
    grant.min(own_grant(local))
}

/// The thread has freed so many bytes, and may free so many more before it must look up again.
pub(super) fn freed(local: &Local, bytes: i64) -> i64 {
    if local.counted.get() == UNKNOWN {
        count_thread(local);
    }
    owe(local, bytes.wrapping_neg());
    own_grant(local)
}

fn own_grant(local: &Local) -> i64 {
    if local.counted.get() == ENDED {
        0
    } else {
        TICK
    }
}

/// Adds to what the thread owes.
fn owe(local: &Local, bytes: i64) {
    let owed = local.owed.get().wrapping_add(bytes);
    let is_due = owed.unsigned_abs() >= BATCH.unsigned_abs() || local.counted.get() == ENDED;
    // The file may be that of the parent of this process.
    if is_due && !is_forking() {
        local.owed.set(0);
        settle(owed);
    } else {
        local.owed.set(owed);
    }
}

/// Live and peak bytes, as far as they have been passed on.
fn counts() -> (&'static AtomicI64, &'static AtomicI64) {
    header().map_or((&LIVE, &PEAK), |header| {
        (&header.live_bytes, &header.peak_bytes)
    })
}

/// Adds a batch to the process' count.
fn settle(bytes: i64) {
    let (live, peak) = counts();
    let now = live.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    if now > peak.load(Acquire) {
        peak.fetch_max(now, Relaxed);
    }
}

/// Live bytes of the process.
pub(super) fn live() -> i64 {
    counts().0.load(Relaxed)
}

/// Their highest value so far.
pub(super) fn peak() -> i64 {
    counts().1.load(Relaxed)
}

/// The peak was at least that. Returns what it is now.
pub(super) fn raise_peak(bytes: i64) -> i64 {
    counts().1.fetch_max(bytes, Relaxed).max(bytes)
}

/// In a forked child: this thread is the only one.
pub(super) fn restart_after_fork() {
    let is_counted = with_local(|local| local.counted.get() == COUNTED);
    THREADS.store(u64::from(is_counted), Relaxed);
}
