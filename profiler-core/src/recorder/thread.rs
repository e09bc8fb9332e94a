//! Threads: which record a thread writes to, from its first frame to its end.
//!
//! A thread-local word holds the record. Until the first frame, and wherever nothing is recorded, it is that of the sink.

use core::ffi::c_void;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::current::{current, set_current};
use super::identity::copy_text;
use super::moment::Moment;
use super::protocol::{self, ALIVE, ENDED, add};
use super::sink::{SINK, is_sink, no_poll, take_cache};
use super::threads::{self, MAX_THREADS, THREADS, THREADS_USED};
use super::{cells, clock, cpu, look, os, resident, space, state, thin_array, tree};
use crate::raw::layout::{
    Cell, FLAG_THREADS_FOLDED, KIND_THREAD, NAME_BYTES, OPEN_WANTED, ThreadRecord,
};

/// Thread records that are made before those of ended threads are used again.
const FRESH_RECORDS: usize = 64;
/// A record for this thread, whose time begins.
pub(super) fn take_record() -> Option<&'static ThreadRecord> {
    // Each thread has a record of its own while there is room for many more; then those of ended threads come first.
    let plenty = (THREADS_USED.load(Acquire) as usize) < FRESH_RECORDS && space::is_plenty();
    let fresh = if plenty { create() } else { None };
    let thread = fresh.or_else(reuse).or_else(create)?;
    begin(thread);
    Some(thread)
}

/// The record of a thread that has ended.
fn reuse() -> Option<&'static ThreadRecord> {
    let ended = threads::all().find(|thread| protocol::take_over(&thread.state))?;
    state::flag(FLAG_THREADS_FOLDED);
    Some(ended)
}

/// A new record.
fn create() -> Option<&'static ThreadRecord> {
    let index = THREADS_USED
        .fetch_update(AcqRel, Acquire, |used| {
            ((used as usize) < MAX_THREADS).then_some(used + 1)
        })
        .ok()?;
    let Some(place) = space::first_thread_record(index) else {
        // The number is free again, unless the next is taken already.
        let _ = THREADS_USED.compare_exchange(index + 1, index, AcqRel, Relaxed);
        return None;
    };
    // SAFETY: the record has room for a thread record, is zeroed, suitably aligned, and belongs to this thread.
    let thread = unsafe { &*place.record.cast::<ThreadRecord>() };
    let outside = core::ptr::from_ref(&thread.outside).cast_mut();
    thread.index.store(index, Relaxed);
    thread.free.store(place.free as u64, Relaxed);
    thread.free_end.store(place.end as u64, Relaxed);
    thread.budget.store(place.bytes as u64, Relaxed);
    thread.cell.store(outside, Relaxed);
    thread.gap.store(outside, Relaxed);
    let settings = state::settings();
    thread.reading.store(settings.reading, Relaxed);
    thread.correction.store(settings.correction, Relaxed);
    thread.probe_cost.store(settings.probe_cost, Relaxed);
    thread.threshold.store(settings.threshold, Relaxed);
    thread.long.store(settings.long, Relaxed);
    tree::begin(&thread.outside, core::ptr::null_mut());
    if let Some(words) = place.memory {
        cells::give_memory_words(&thread.outside, words);
    }
    take_cache(thread);
    THREADS[index as usize].store(core::ptr::from_ref(thread).cast_mut(), Release);
    Some(thread)
}

/// Begins the record's time for this thread: nothing profiled runs yet.
fn begin(thread: &'static ThreadRecord) {
    let now = Moment::now(thread).own;
    let cpu = clock::nanos(libc::CLOCK_THREAD_CPUTIME_ID);
    // A record that is used again goes on where the thread before left it.
    let (wall_before, cpu_before) = if thread.uses.load(Relaxed) == 0 {
        (0, 0)
    } else {
        (
            thread
                .end_ticks
                .load(Relaxed)
                .wrapping_sub(thread.start_ticks.load(Relaxed)),
            thread
                .last_cpu_ns
                .load(Relaxed)
                .wrapping_sub(thread.start_cpu_ns.load(Relaxed)),
        )
    };
    thread
        .start_ticks
        .store(now.wrapping_sub(wall_before), Relaxed);
    thread
        .start_cpu_ns
        .store(cpu.wrapping_sub(cpu_before), Relaxed);
    thread.last_cpu_ns.store(cpu, Relaxed);
    thread.end_ticks.store(0, Relaxed);
    thread.top.store(no_poll(), Relaxed);
    thread.t0.store(now, Relaxed);
    let outside = &thread.outside;
    thread
        .cell
        .store(core::ptr::from_ref(outside).cast_mut(), Relaxed);
    thread
        .gap
        .store(core::ptr::from_ref(outside).cast_mut(), Relaxed);
    if outside.state.load(Relaxed) != protocol::SAMPLED {
        thread.exact.store(
            thread.exact.load(Relaxed).wrapping_sub(now.cast_signed()),
            Relaxed,
        );
        thread
            .open
            .store(core::ptr::from_ref(outside).cast_mut(), Relaxed);
    }
    cpu::begin(thread, cpu, now);
    thread.blocked.store(os::blocked_signals(), Relaxed);
    thread.blocked_last.store(0, Relaxed);
    look::begin_thread(thread);
    thread.tid.store(os::thread_id(), Relaxed);
    if thread.uses.load(Relaxed) == 0 {
        name_thread(thread);
    }
    add(&thread.uses, 1);
    thread.state.store(ALIVE, Release);
    // The kind is stored last: a reader sees a complete record or none.
    protocol::publish(&thread.head.kind, KIND_THREAD);
}

/// Copies the name of this thread to its record.
fn name_thread(thread: &ThreadRecord) {
    // The system calls the first thread as it calls the process.
    if cfg!(target_os = "linux") && os::thread_id() == std::process::id() {
        thread
            .name_len
            .store(copy_text(&thread.name, b"main"), Relaxed);
        return;
    }
    let mut name = [0_u8; NAME_BYTES];
    // SAFETY: no arguments.
    let me = unsafe { libc::pthread_self() };
    // SAFETY: the buffer has that length.
    if unsafe { libc::pthread_getname_np(me, name.as_mut_ptr().cast(), name.len()) } != 0 {
        return;
    }
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    thread
        .name_len
        .store(copy_text(&thread.name, &name[..length]), Relaxed);
}

/// Ends the record's time for this thread; another thread may have it then.
pub(super) extern "C" fn end(thread: *mut c_void) {
    // SAFETY: the value of the thread key is the record of this thread.
    let Some(thread) = (unsafe { thread.cast::<ThreadRecord>().as_ref() }) else {
        return;
    };
    set_current(&SINK.thread);
    thin_array::leave();
    let arrived = Moment::now(thread);
    if thread.next_read.load(Relaxed) != state::NEVER {
        look::look(thread, arrived);
    }
    let now = cpu::end_interval(thread, arrived.own);
    protocol::close(thread, now);
    crate::memory::settle_thread();
    thread.end_ticks.store(now, Relaxed);
    thread
        .last_cpu_ns
        .store(thread.cpu_ns.load(Relaxed), Relaxed);
    state::update_clock_pair();
    protocol::give_up(&thread.state);
}

/// Words of a thread record.
pub(super) const WORDS: usize = size_of::<ThreadRecord>() / 8;
/// A thread record at one moment.
pub(super) type Words = [u64; WORDS];

/// The words of a record of this thread.
fn word_of(thread: &ThreadRecord, index: usize) -> &AtomicU64 {
    let place = core::ptr::from_ref(thread).cast::<AtomicU64>();
    // SAFETY: the record has that many words, all of them atomic, and lives as long as the process.
    unsafe { &*place.wrapping_add(index) }
}

/// What the record of this thread holds now.
pub(super) fn words(thread: &ThreadRecord) -> Words {
    core::array::from_fn(|index| word_of(thread, index).load(Relaxed))
}

/// In a forked child: the calling thread's record is as it was at the fork, those of the others have no nodes, and those that lie
/// behind `end` were made later and are forgotten. Returns the record of this thread.
pub(super) fn restore(words: &Words, end: usize) -> &'static ThreadRecord {
    let me = current();
    if !is_sink(me) {
        for (index, word) in words.iter().enumerate() {
            word_of(me, index).store(*word, Relaxed);
        }
    }
    for place in &THREADS {
        if place.load(Relaxed).addr() >= end {
            place.store(core::ptr::null_mut(), Relaxed);
        }
    }
    for thread in threads::all().filter(|thread| !core::ptr::eq(*thread, me)) {
        let outside = core::ptr::from_ref(&thread.outside).cast_mut();
        thread.cell.store(outside, Relaxed);
        thread.gap.store(outside, Relaxed);
        thread.top.store(no_poll(), Relaxed);
        // The table is the parent's of a later moment, and so may be the last chunk.
        thread.nodes.store(core::ptr::null_mut(), Relaxed);
        for word in [
            &thread.nodes_mask,
            &thread.nodes_used,
            &thread.free,
            &thread.free_end,
            &thread.budget,
        ] {
            word.store(0, Relaxed);
        }
        take_cache(thread);
    }
    me
}

/// In a forked child: only the calling thread goes on, with its times at 0; the records of the others are free.
pub(super) fn restart_after_fork() {
    let me = current();
    let now = state::ticks();
    let cpu = clock::nanos(libc::CLOCK_THREAD_CPUTIME_ID);
    for thread in threads::all() {
        let mine = core::ptr::eq(thread, me);
        thread.uses.store(u64::from(mine), Relaxed);
        thread.reads.store(0, Relaxed);
        thread.own_ticks.store(0, Relaxed);
        thread.read_until.store(0, Relaxed);
        thread.start_ticks.store(now, Relaxed);
        thread.end_ticks.store(if mine { 0 } else { now }, Relaxed);
        thread.start_cpu_ns.store(cpu, Relaxed);
        thread.last_cpu_ns.store(cpu, Relaxed);
        thread.cpu_reads.store(0, Relaxed);
        cpu::begin(thread, cpu, now);
        thread.t0.store(now, Relaxed);
        let open = mine && thread.open.load(Relaxed).addr() > OPEN_WANTED;
        thread.exact.store(
            if open {
                now.wrapping_neg().cast_signed()
            } else {
                0
            },
            Relaxed,
        );
        zero(&thread.outside);
        if mine {
            thread.tid.store(os::thread_id(), Relaxed);
            // The next call comes the slow way, where the sampler is started if it is needed from the first line on.
            take_cache(thread);
        } else {
            thread.open.store(core::ptr::null_mut(), Relaxed);
            thread.state.store(ENDED, Relaxed);
        }
    }
}

/// Sets what a cell has counted to 0; what it knows of its line's speed stays.
pub(super) fn zero(cell: &Cell) {
    for counter in [
        &cell.hits,
        &cell.gap_time,
        &cell.allocs,
        &cell.alloc_bytes,
        &cell.frees,
        &cell.free_bytes,
        &cell.await_time,
        &cell.window_ticks,
        &cell.long_time,
        &cell.long_cpu,
        &cell.long_gap_time,
        &cell.long_gap_cpu,
    ] {
        counter.store(0, Relaxed);
    }
    // The node that the line called may not be one of the child's.
    tree::forget_callee(cell);
    cell.time.store(0, Relaxed);
    if let Some(words) = cells::memory_words(cell) {
        resident::zero(words);
    }
    // A window that began before the fork has no meaning here. A line that was sampled shows again that it is hot: the child has no sampler
    // until one of its lines does.
    let state = cell.state.load(Relaxed);
    if state != protocol::SAMPLED || state::demotes() {
        cell.state.store(protocol::PROMOTED, Relaxed);
    }
}
