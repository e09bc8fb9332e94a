//! The sink: the record of threads that write to none of the file. Until the first frame, and wherever nothing is recorded, it takes markers and is never read.

use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64};

use super::protocol::ALIVE;
use super::state::NEVER;
use crate::raw::layout::{
    CallCache, Cell, MAX_LINES, Mapped, NAME_BYTES, NodeRecord, PROBES, RecordHead, SITES,
    ThreadRecord, cell_offset,
};

/// `ThreadRecord::state` of the sink, where this process records nothing and never will. Beside the states of the protocol.
pub(super) const IDLE: u32 = 3;

/// A node with cells for the longest site, in plain memory.
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
        window_reads: AtomicU32::new(0),
        durations: AtomicU32::new(0),
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
        node: Mapped::new(core::ptr::null_mut()),
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
        gap: Mapped::new((&raw const SINK.thread.outside).cast_mut()),
        top: Mapped::new((&raw const SINK.node).cast_mut()),
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
        next_read: AtomicU64::new(NEVER),
        read_until: AtomicU64::new(0),
        own_ticks: AtomicU64::new(0),
        asker: Mapped::new(core::ptr::null_mut()),
        looked: AtomicU64::new(0),
        faults: AtomicU64::new(0),
        name: [const { AtomicU8::new(0) }; NAME_BYTES],
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
        caller: Mapped::new(core::ptr::null_mut()),
        calls: AtomicU64::new(0),
        recursive_calls: AtomicU64::new(0),
        parent: Mapped::new(core::ptr::null_mut()),
        place: AtomicPtr::new(core::ptr::null_mut()),
        missed_calls: AtomicU64::new(0),
        timed_call: Mapped::new(core::ptr::null_mut()),
        timed_calls: AtomicU64::new(0),
        polls: AtomicU64::new(0),
        cancelled: AtomicU64::new(0),
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

/// Whether the record is that of the sink, or of a sink that one idle thread has.
#[inline(always)]
pub(crate) fn is_sink(thread: &ThreadRecord) -> bool {
    thread.state.load(Relaxed) != ALIVE
}

/// Whether nothing is ever recorded in this process.
pub(super) fn is_idle_for_ever() -> bool {
    SINK.thread.state.load(Relaxed) == IDLE
}

/// Nothing is ever recorded in this process.
pub(super) fn set_idle_for_ever() {
    SINK.thread.state.store(IDLE, Relaxed);
}

/// The innermost poll of a thread that polls no async body: a node of no site, which takes no marker of one.
pub(super) fn no_poll() -> *mut NodeRecord {
    (&raw const SINK.node).cast_mut()
}

/// Whether the thread has a cache of its own, which it may write to.
pub(super) fn has_cache(thread: &ThreadRecord) -> bool {
    thread.cache.load(Relaxed) != (&raw const NO_CACHE).cast_mut()
}

/// Takes the cache of a thread away: it has one that knows no call, so that its next call comes the slow way.
pub(super) fn take_cache(thread: &ThreadRecord) {
    thread
        .cache
        .store((&raw const NO_CACHE).cast_mut(), Relaxed);
}
