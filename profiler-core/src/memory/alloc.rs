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
use crate::raw::layout::{Cell, FLAG_ALLOC, Header};
use crate::recorder::{Local, add, header, is_sink, large_block, running, with_local};

/// Bytes a thread may owe to the count of the process. It owes up to a [`heap::TICK`] more that it has not even added up.
const BATCH: i64 = 32 * 1024;

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
    with_local(|local| {
        let allocated = local.granted.get().wrapping_sub(local.left.get());
        let freed = local.free_granted.get().wrapping_sub(local.free_left.get());
        local.granted.set(local.left.get());
        local.free_granted.set(local.free_left.get());
        settle(local.owed.replace(0) + allocated - freed);
    });
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

const _: () = assert!(heap::TICK < LARGE as i64 && heap::TICK + BATCH <= 64 * 1024);

/// The cell of the line that runs, if there is one. Threads without a record share that of the sink, which would go from processor to
/// processor.
#[inline(always)]
fn cell(local: &Local) -> Option<&'static Cell> {
    let thread = local.record.get();
    (!is_sink(thread)).then(|| running(thread))
}

/// Counts a block that is about to be allocated, and returns whether the allocator must look up then: at least every 32 KiB, and
/// at every large block.
///
/// PERF: before and not after the allocation, which can so be the last thing that the function does. Small blocks that are asked for
/// in vain are counted.
#[inline(always)]
fn count(size: usize) -> bool {
    with_local(|local| {
        if let Some(cell) = cell(local) {
            add(&cell.allocs, 1);
            add(&cell.alloc_bytes, size as u64);
        }
        let left = local.left.get().wrapping_sub(signed(size));
        local.left.set(left);
        left < 0
    })
}

/// A block was counted after which the allocator must look up; null if there was none to be had.
#[cold]
#[inline(never)]
fn look_up(block: *mut u8, size: usize) {
    with_local(|local| {
        if block.is_null() {
            if let Some(cell) = cell(local) {
                add(&cell.allocs, 1_u64.wrapping_neg());
                add(&cell.alloc_bytes, (size as u64).wrapping_neg());
            }
            return local.left.set(local.left.get().wrapping_add(signed(size)));
        }
        let allocated = local.granted.get().wrapping_sub(local.left.get());
        owe(local, allocated);
        heap::look_up(local, block, size, allocated);
        if size >= LARGE {
            large_block();
        }
    });
}

/// Counts a block that goes. `left` is used up at least every 32 KiB, and by every large block.
#[inline(always)]
fn freed(block: *mut u8, size: usize) {
    let left = count_freed(size);
    if left < 0 || heap::is_maybe_noted(block) {
        freed_seldom(block, size);
    }
}

/// Counts a block that goes, and returns how many bytes may be freed before the allocator must look up.
#[inline(always)]
fn count_freed(size: usize) -> i64 {
    with_local(|local| {
        if let Some(cell) = cell(local) {
            add(&cell.frees, 1);
            add(&cell.free_bytes, size as u64);
        }
        let left = local.free_left.get().wrapping_sub(signed(size));
        local.free_left.set(left);
        left
    })
}

#[cold]
#[inline(never)]
fn freed_seldom(block: *mut u8, size: usize) {
    if heap::is_maybe_noted(block) {
        heap::take_off(block);
    }
    with_local(|local| {
        let left = local.free_left.get();
        if left < 0 {
            owe(local, left.wrapping_sub(local.free_granted.get()));
            local.free_left.set(heap::TICK);
            local.free_granted.set(heap::TICK);
        }
    });
    if size >= LARGE {
        large_block();
    }
}

/// Adds to what the thread owes.
fn owe(local: &Local, bytes: i64) {
    let owed = local.owed.get().wrapping_add(bytes);
    if owed.unsigned_abs() < BATCH.unsigned_abs() {
        local.owed.set(owed);
    } else {
        local.owed.set(0);
        settle(owed);
    }
}

// SAFETY: every call goes to the inner allocator with the same arguments, and its answer is returned as it is.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Alloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !count(layout.size()) {
            // SAFETY: as the caller promises.
            return unsafe { self.inner.alloc(layout) };
        }
        // SAFETY: as the caller promises.
        let block = unsafe { self.inner.alloc(layout) };
        look_up(block, layout.size());
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !count(layout.size()) {
            // SAFETY: as the caller promises.
            return unsafe { self.inner.alloc_zeroed(layout) };
        }
        // SAFETY: as the caller promises.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        look_up(block, layout.size());
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
            count_freed(layout.size());
            if count(new_size) {
                look_up(new, new_size);
            }
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
