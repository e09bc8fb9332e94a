//! The counting allocator: charges every allocation to the line that runs.
//!
//! It adds to counters of the cell that the thread has published, in memory that exists already: it never allocates, takes no
//! lock, and needs no guard against itself. Threads that never entered an instrumented function count towards the process alone. What
//! the process has in all is the business of `total`; which blocks are noted with their line, for live bytes by line, that of `heap`.

use core::alloc::{GlobalAlloc, Layout};
use std::alloc::System;

use super::{heap, total};
use crate::raw::layout::Cell;
use crate::recorder::{Local, add, is_sink, large_block, running, with_local};

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

/// A size as the signed number of bytes it adds. No allocation is larger than `isize::MAX`.
#[inline(always)]
const fn signed(size: usize) -> i64 {
    size as i64
}

const _: () = assert!(total::TICK < LARGE as i64);

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
        // First: the moment at which the process' count is at its highest must find the block noted.
        let grant = heap::look_up(local, block, size, allocated);
        let grant = total::allocated(local, allocated, grant);
        local.left.set(grant);
        local.granted.set(grant);
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
    add_up_frees();
    if size >= LARGE {
        large_block();
    }
}

/// Adds up what was freed, if that is due.
#[cold]
#[inline(never)]
fn add_up_frees() {
    with_local(|local| {
        let left = local.free_left.get();
        if left < 0 {
            let grant = total::freed(local, local.free_granted.get().wrapping_sub(left));
            local.free_left.set(grant);
            local.free_granted.set(grant);
        }
    });
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
            // First, too: both blocks were never there at once.
            if count_freed(layout.size()) < 0 {
                add_up_frees();
            }
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
