//! The counting allocator: charges every allocation to the line that runs.
//!
//! It adds to counters of the cell that the thread has published, in memory that exists already: it never allocates, takes no
//! lock, and needs no guard against itself. Live and peak bytes of the process are counted in batches of 64 KiB a thread, so the peak may
//! be low by that much for each thread. Threads that never entered an instrumented function count towards the process alone.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::sync::atomic::AtomicI64;
use core::sync::atomic::Ordering::{Acquire, Relaxed};
use std::alloc::System;

use crate::raw::layout::Header;
use crate::recorder::{add, current, header, large_block, running};

/// Bytes a thread may owe to the count of the process.
const BATCH: i64 = 64 * 1024;

/// Blocks from this size on move the resident set at once: allocators map them on their own.
const LARGE: usize = 128 * 1024;

/// An allocator that counts for hprof and lets another one do the work.
///
/// Instrumented builds install `Alloc<System>` by themselves. A program with an allocator of its own wraps it instead, and is built with
/// `HPROF=lines+noalloc`, which `hprof run` finds out by itself:
///
/// ```
/// use hprof::Alloc;
/// use std::alloc::System;
///
/// // In the program: #[global_allocator]
/// static ALLOCATOR: Alloc<System> = Alloc::new(System);
/// # let _ = &ALLOCATOR;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Alloc<A = System> {
    inner: A,
}

impl<A> Alloc<A> {
    /// Counts for hprof what `inner` is asked for.
    #[must_use]
    pub const fn new(inner: A) -> Self {
        Self { inner }
    }
}

thread_local! {
    /// Bytes not yet added to the process' count. Has no destructor: what a thread owes at its end, at most a batch, is lost.
    static PENDING: Cell<i64> = const { Cell::new(0) };
}

/// The counts of the process while it does not record.
static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

/// Takes over what was counted before the recording began.
pub(crate) fn adopt_counters(header: &Header) {
    header.live_bytes.store(LIVE.load(Relaxed), Relaxed);
    header.peak_bytes.store(PEAK.load(Relaxed), Relaxed);
}

/// Adds to the bytes the thread owes.
#[inline(always)]
fn owe(bytes: i64) {
    PENDING.with(|pending| {
        let sum = pending.get().wrapping_add(bytes);
        if sum.unsigned_abs() < BATCH.unsigned_abs() {
            pending.set(sum);
        } else {
            pending.set(0);
            settle(sum);
        }
    });
}

/// Adds a batch to the process' count.
#[cold]
fn settle(bytes: i64) {
    let (live, peak) = header().map_or((&LIVE, &PEAK), |header| {
        (&header.live_bytes, &header.peak_bytes)
    });
    let now = live.fetch_add(bytes, Relaxed).wrapping_add(bytes);
    if now > peak.load(Acquire) {
        peak.fetch_max(now, Relaxed);
    }
}

/// A size as the signed number of bytes it adds. No allocation is larger than `isize::MAX`.
#[inline(always)]
const fn signed(size: usize) -> i64 {
    size as i64
}

#[inline(always)]
fn allocated(size: usize) {
    let cell = running(current());
    add(&cell.allocs, 1);
    add(&cell.alloc_bytes, size as u64);
    owe(signed(size));
    if size >= LARGE {
        large_block();
    }
}

#[inline(always)]
fn freed(size: usize) {
    let cell = running(current());
    add(&cell.frees, 1);
    add(&cell.free_bytes, size as u64);
    owe(-signed(size));
    if size >= LARGE {
        large_block();
    }
}

// SAFETY: every call goes to the inner allocator with the same arguments, and its answer is returned as it is.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Alloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            allocated(layout.size());
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            allocated(layout.size());
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        freed(layout.size());
        // SAFETY: as the caller promises.
        unsafe { self.inner.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.size() >= LARGE {
            large_block();
        }
        // SAFETY: as the caller promises.
        let new = unsafe { self.inner.realloc(block, layout, new_size) };
        if !new.is_null() {
            freed(layout.size());
            allocated(new_size);
        }
        new
    }
}

/// Every instrumented program counts, unless it has an allocator of its own.
#[cfg(hprof_alloc)]
#[global_allocator]
static GLOBAL: Alloc = Alloc::new(System);
