//! Threads: which record a thread writes to, from its first frame to its end.
//!
//! A thread-local word holds the record. Until the first frame, and wherever nothing is recorded, it is the record of the *sink*: a
//! node with cells for the longest site, in plain memory, which takes markers and is never read.

use core::ffi::c_void;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64};

use super::current::{current, set_current};
use super::identity::copy_text;
use super::protocol::{self, ALIVE, ENDED, add};
use super::tree::{self, Entry};
use super::{begin, clock, cpu, idle, os, resident, sampler, sites, space, state, thin};
use crate::raw::layout::{
    CallCache, Cell, FLAG_THREADS_FOLDED, KIND_THREAD, MAX_LINES, NodeRecord, PROBES, RecordHead,
    SITES, ThreadRecord, cell_offset,
};
use crate::site::{LineSite, SiteFacts};

/// Thread records that are made before those of ended threads are used again.
const FRESH_RECORDS: usize = 64;
/// Thread records of a process: as many threads can be recorded at the same time.
pub(super) const MAX_THREADS: usize = 4096;

/// `ThreadRecord::state` of the sink, where this process records nothing and never will. Beside the states of the protocol.
pub(super) const IDLE: u32 = 3;

/// All thread records of the process, in the order of their numbers.
static THREADS: [AtomicPtr<ThreadRecord>; MAX_THREADS] =
    [const { AtomicPtr::new(core::ptr::null_mut()) }; MAX_THREADS];
/// How many of them are taken.
static THREADS_USED: AtomicU32 = AtomicU32::new(0);

/// Takes what is not recorded.
#[repr(C)]
pub(super) struct Sink {
    pub(super) thread: ThreadRecord,
    pub(super) node: NodeRecord,
    cells: [Cell; MAX_LINES],
}

const fn zero_cell() -> Cell {
    Cell {
        hits: AtomicU64::new(0),
        time: AtomicI64::new(0),
        state: AtomicU64::new(0),
        left: AtomicU64::new(0),
        window_ticks: AtomicU64::new(0),
        window_reads: AtomicU64::new(0),
        gap_time: AtomicU64::new(0),
        window_time: AtomicI64::new(0),
        allocs: AtomicU64::new(0),
        alloc_bytes: AtomicU64::new(0),
        frees: AtomicU64::new(0),
        free_bytes: AtomicU64::new(0),
        await_time: AtomicU64::new(0),
        memory: AtomicU16::new(0),
        callee_site: AtomicU16::new(0),
        callee: AtomicU32::new(0),
        node: AtomicPtr::new(core::ptr::null_mut()),
        window: AtomicU64::new(0),
        long_time: AtomicU64::new(0),
        long_cpu: AtomicU64::new(0),
        long_gap_time: AtomicU64::new(0),
        long_gap_cpu: AtomicU64::new(0),
        probes: [const { AtomicI64::new(0) }; PROBES],
    }
}

const fn zero_head() -> RecordHead {
    RecordHead {
        kind: AtomicU32::new(0),
        bytes: AtomicU32::new(0),
    }
}

pub(super) static SINK: Sink = Sink {
    thread: ThreadRecord {
        head: zero_head(),
        cell: AtomicPtr::new((&raw const SINK.thread.outside).cast_mut()),
        open: AtomicPtr::new(core::ptr::null_mut()),
        t0: AtomicU64::new(0),
        exact: AtomicI64::new(0),
        reads: AtomicU64::new(0),
        gap: AtomicPtr::new((&raw const SINK.thread.outside).cast_mut()),
        top: AtomicPtr::new((&raw const SINK.node).cast_mut()),
        index: AtomicU32::new(0),
        tid: AtomicU32::new(0),
        state: AtomicU32::new(0),
        name_len: AtomicU32::new(0),
        start_ticks: AtomicU64::new(0),
        end_ticks: AtomicU64::new(0),
        start_cpu_ns: AtomicU64::new(0),
        last_cpu_ns: AtomicU64::new(0),
        uses: AtomicU64::new(0),
        reading: AtomicU64::new(0),
        correction: AtomicU64::new(0),
        long: AtomicU64::new(u64::MAX),
        cpu_due: AtomicU64::new(u64::MAX),
        threshold: AtomicU64::new(0),
        cache: AtomicPtr::new((&raw const NO_CACHE).cast_mut()),
        nodes: AtomicPtr::new(core::ptr::null_mut()),
        nodes_mask: AtomicU64::new(0),
        nodes_used: AtomicU64::new(0),
        free: AtomicU64::new(0),
        free_end: AtomicU64::new(0),
        budget: AtomicU64::new(0),
        next_read: AtomicU64::new(resident::NEVER),
        read_until: AtomicU64::new(0),
        own_ticks: AtomicU64::new(0),
        asker: AtomicPtr::new(core::ptr::null_mut()),
        looked: AtomicU64::new(0),
        faults: AtomicU64::new(0),
        name: [const { AtomicU8::new(0) }; 64],
        probe_cost: AtomicU64::new(0),
        cpu_ns: AtomicU64::new(0),
        cpu_ticks: AtomicU64::new(0),
        cpu_own: AtomicU64::new(0),
        cpu_reads: AtomicU64::new(0),
        blocked: AtomicU64::new(0),
        blocked_since: AtomicU64::new(0),
        blocked_last: AtomicU64::new(0),
        outside: zero_cell(),
    },
    node: NodeRecord {
        head: zero_head(),
        site: AtomicU32::new(0),
        #[expect(clippy::cast_possible_truncation, reason = "4096 fits")]
        lines: AtomicU32::new(MAX_LINES as u32),
        thread: AtomicU32::new(0),
        flat: AtomicU32::new(0),
        caller: AtomicPtr::new(core::ptr::null_mut()),
        calls: AtomicU64::new(0),
        recursive_calls: AtomicU64::new(0),
        parent: AtomicPtr::new(core::ptr::null_mut()),
        place: AtomicPtr::new(core::ptr::null_mut()),
        missed_calls: AtomicU64::new(0),
    },
    cells: [const { zero_cell() }; MAX_LINES],
};

/// Knows no call: the cache of threads that have none of their own, and of the sink.
static NO_CACHE: CallCache = CallCache {
    callers: [const { AtomicU64::new(0) }; SITES],
    nodes: [const { AtomicU64::new(0) }; SITES],
};

// The word that tells a thread's record begins with the address of the sink.
const _: () = assert!(core::mem::offset_of!(Sink, thread) == 0);
// The cells of the sink's node follow it, as in a record.
const _: () = assert!(
    core::mem::offset_of!(Sink, cells) - core::mem::offset_of!(Sink, node) == cell_offset(0)
);

/// Does something of the recorder's own that may allocate: on no line.
pub(crate) fn as_nobody<R>(work: impl FnOnce() -> R) -> R {
    let before = set_current(&SINK.thread);
    let result = work();
    set_current(before);
    result
}

/// Whether the record is that of the sink, or of a sink that one idle thread has.
#[inline(always)]
pub(crate) fn is_sink(thread: &ThreadRecord) -> bool {
    thread.state.load(Relaxed) != ALIVE
}

/// Where a call goes that is not recorded.
fn sink() -> Entry {
    Entry::new(&SINK.thread, &SINK.node)
}

/// Whether nothing is ever recorded in this process.
pub(super) fn is_idle_for_ever() -> bool {
    SINK.thread.state.load(Relaxed) == IDLE
}

/// Nothing is ever recorded in this process.
pub(super) fn rest() {
    SINK.thread.state.store(IDLE, Relaxed);
}

/// The innermost poll of a thread that polls no async body: a node of no site, which takes no marker of one.
fn no_poll() -> *mut NodeRecord {
    (&raw const SINK.node).cast_mut()
}

/// The slow path of entering a body: decides whether the process records, attaches the thread, registers the site, finds
/// the node.
#[cold]
#[inline(never)]
pub(super) fn enter(id: &AtomicU32, facts: &SiteFacts, lines: &[LineSite]) -> Entry {
    // Most often it is only called from another line than the last time.
    let thread = current();
    if !is_sink(thread)
        && let Some(entry) = tree::known(thread, id.load(Relaxed))
    {
        return entry;
    }
    if !begin::recording() {
        return idle::call(id.load(Relaxed)).unwrap_or_else(sink);
    }
    place(id, facts, lines).unwrap_or_else(|| {
        state::lost_call();
        sink()
    })
}

/// Where a call goes, if there is room for all it needs.
fn place(id: &AtomicU32, facts: &SiteFacts, lines: &[LineSite]) -> Option<Entry> {
    let thread = attached()?;
    let number = sites::register(id, facts, lines)?;
    ensure_cache(thread);
    sampler::at_entry();
    tree::find(thread, number, id, lines.len())
}

/// The record of this thread, made at its first frame, or its first call of a thin function.
pub(super) fn attached() -> Option<&'static ThreadRecord> {
    let thread = current();
    if !is_sink(thread) {
        return Some(thread);
    }
    // A thread that has a record but points to the sink is inside a body that could not be recorded.
    if state::thread_key_is_set() {
        return None;
    }
    if !begin::is_of_this_process() {
        begin::abandon();
        return None;
    }
    // Each thread has a record of its own while there is room for many more; then those of ended threads come first.
    let plenty = (THREADS_USED.load(Acquire) as usize) < FRESH_RECORDS && space::is_plenty();
    let fresh = if plenty { create() } else { None };
    let thread = fresh.or_else(reuse).or_else(create)?;
    begin(thread);
    state::set_thread_key(thread);
    set_current(thread);
    Some(thread)
}

/// Whether the thread has a cache of its own, which it may write to.
pub(super) fn has_cache(thread: &ThreadRecord) -> bool {
    thread.cache.load(Relaxed) != (&raw const NO_CACHE).cast_mut()
}

/// Gives the thread a cache of its own.
fn ensure_cache(thread: &ThreadRecord) {
    if !has_cache(thread)
        && let Some(cache) = space::private_memory(size_of::<CallCache>())
    {
        thread.cache.store(cache.cast(), Relaxed);
    }
}

/// Takes the cache of a thread away: it has one that knows no call, so that its next call comes the slow way.
pub(super) fn take_cache(thread: &ThreadRecord) {
    thread
        .cache
        .store((&raw const NO_CACHE).cast_mut(), Relaxed);
}

/// The records of all threads so far, for the sampler and for `fork`.
pub(super) fn all() -> impl Iterator<Item = &'static ThreadRecord> {
    let used = (THREADS_USED.load(Acquire) as usize).min(MAX_THREADS);
    THREADS.iter().take(used).filter_map(|thread| {
        // SAFETY: null or a record, which is never unmapped.
        unsafe { thread.load(Acquire).as_ref() }
    })
}

/// The record of a thread that has ended.
fn reuse() -> Option<&'static ThreadRecord> {
    let ended = all().find(|thread| protocol::take_over(&thread.state))?;
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
        resident::give_words(&thread.outside, words);
    }
    take_cache(thread);
    THREADS[index as usize].store(core::ptr::from_ref(thread).cast_mut(), Release);
    Some(thread)
}

/// Begins the record's time for this thread: nothing profiled runs yet.
fn begin(thread: &'static ThreadRecord) {
    let now = state::ticks_of(thread);
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
    resident::begin_thread(thread);
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
    let mut name = [0_u8; 64];
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
    thin::leave();
    let arrived = state::ticks();
    let now = arrived.wrapping_sub(thread.own_ticks.load(Relaxed));
    if thread.next_read.load(Relaxed) != resident::NEVER {
        resident::look(thread, arrived, now);
    }
    let now = cpu::end_interval(thread, now);
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
    for thread in all().filter(|thread| !core::ptr::eq(*thread, me)) {
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
    for thread in all() {
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
        let open = mine && thread.open.load(Relaxed).addr() > 1;
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
    if let Some(words) = resident::words(cell) {
        resident::zero(words);
    }
    // A window that began before the fork has no meaning here. A line that was sampled shows again that it is hot: the child has no sampler
    // until one of its lines does.
    let state = cell.state.load(Relaxed);
    if state != protocol::SAMPLED || state::demotes() {
        cell.state.store(protocol::PROMOTED, Relaxed);
    }
}
