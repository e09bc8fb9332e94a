//! The counting allocator: charges every allocation to the line that runs.
//!
//! It adds to counters of the cell that the thread has published, in memory that exists already: it never allocates, takes no
//! lock, and needs no guard against itself. Live and peak bytes of the process are counted in batches of 64 KiB a thread, so the peak may
//! be low by that much for each thread. Threads that never entered an instrumented function count towards the process alone. Which
//! blocks are noted with their line, for live bytes by line, is the business of `heap`.

use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::AtomicI64;
use core::sync::atomic::Ordering::{Acquire, Relaxed};
use std::alloc::System;

use super::heap;
use crate::raw::layout::{FLAG_ALLOC, Header};
use crate::recorder::{Local, add, header, is_sink, large_block, running, with_local};

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

/// The counts of the process while it does not record.
static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

/// The recording begins, with so much space: takes over what was counted before.
pub(crate) fn adopt_counters(header: &'static Header, space: usize) {
    let before = LIVE.swap(0, Relaxed);
    let now = header.live_bytes.fetch_add(before, Relaxed) + before;
    let peak = PEAK.load(Relaxed).max(now);
    header.peak_bytes.fetch_max(peak, Relaxed);
    if heap::is_asked() {
        header.flags.fetch_or(FLAG_ALLOC, Relaxed);
        heap::begin(header, space);
    }
}

/// Adds what the thread owes to the process' count: it ends.
pub(crate) fn settle_thread() {
    with_local(|local| settle(local.owed.replace(0)));
}

/// Adds a batch to the process' count.
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

/// Counts a block. One test: `left` is used up at least every 64 KiB, and by every large block.
#[inline(always)]
fn allocated(block: *mut u8, size: usize) {
    with_local(|local| {
        let thread = local.record.get();
        // Threads without a record share the sink's cell: it would go from processor to processor.
        if !is_sink(thread) {
            let cell = running(thread);
            add(&cell.allocs, 1);
            add(&cell.alloc_bytes, size as u64);
        }
        local.owed.set(local.owed.get().wrapping_add(signed(size)));
        let left = local.left.get().wrapping_sub(signed(size));
        local.left.set(left);
        if left < 0 {
            look_up(local, block, size);
        }
    });
}

const _: () = assert!(heap::TICK < LARGE as i64 && heap::TICK <= BATCH);

#[cold]
#[inline(never)]
fn look_up(local: &Local, block: *mut u8, size: usize) {
    if local.owed.get() >= BATCH {
        settle(local.owed.replace(0));
    }
    heap::look_up(local, block, size);
    if size >= LARGE {
        large_block();
    }
}

/// Counts a block that goes. One test for three things that happen seldom.
#[inline(always)]
fn freed(block: *mut u8, size: usize) {
    with_local(|local| {
        let thread = local.record.get();
        if !is_sink(thread) {
            let cell = running(thread);
            add(&cell.frees, 1);
            add(&cell.free_bytes, size as u64);
        }
        let owed = local.owed.get().wrapping_sub(signed(size));
        local.owed.set(owed);
        if (owed <= -BATCH) | (size >= LARGE) | heap::is_maybe_noted(block) {
            freed_seldom(local, block, size);
        }
    });
}

#[cold]
#[inline(never)]
fn freed_seldom(local: &Local, block: *mut u8, size: usize) {
    if heap::is_maybe_noted(block) {
        heap::take_off(block);
    }
    if local.owed.get() <= -BATCH {
        settle(local.owed.replace(0));
    }
    if size >= LARGE {
        large_block();
    }
}

/// Counts a block that a reallocation has replaced, and that is taken off already.
#[inline(always)]
fn moved(size: usize) {
    with_local(|local| {
        let thread = local.record.get();
        if !is_sink(thread) {
            let cell = running(thread);
            add(&cell.frees, 1);
            add(&cell.free_bytes, size as u64);
        }
        local.owed.set(local.owed.get().wrapping_sub(signed(size)));
    });
}

// SAFETY: every call goes to the inner allocator with the same arguments, and its answer is returned as it is.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Alloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            allocated(block, layout.size());
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            allocated(block, layout.size());
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // First: another thread may get the same address at once.
        freed(block, layout.size());
        // SAFETY: as the caller promises.
        unsafe { self.inner.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.size() >= LARGE {
            large_block();
        }
        // First: if the block moves another thread may get its address at once.
        let noted = heap::is_maybe_noted(block)
            .then(|| heap::take_off(block))
            .flatten();
        // SAFETY: as the caller promises.
        let new = unsafe { self.inner.realloc(block, layout, new_size) };
        if !new.is_null() {
            moved(layout.size());
            allocated(new, new_size);
        } else if let Some(noted) = noted {
            heap::put_back(block, noted);
        }
        new
    }
}

/// Every instrumented program counts, unless it has an allocator of its own.
#[cfg(hprof_alloc)]
#[global_allocator]
static GLOBAL: Alloc = Alloc::new(System);
