//! How long single calls and intervals took: histograms of the lines that stay timed, and of functions whose calls are long.
//!
//! A line gets its histogram when it has shown that it stays timed, or at its first long interval; the stub of the marker counts in it from then on.
//!
//! The call of a function is measured from the entry of its frame to the frame's drop. Both cost a call what its markers never pay, and only calls on the
//! slow path do: a call that is measured is in no cache, so that it comes that way again, where the clock is read; and its frame does not go
//! back to the calling line but to a cell of our own, whose state sends the marker to the stub:
//!
//! ```text
//!  line of the caller      entry                                   drop of the frame
//!  ────────────────────┬─────┬──────────────────────────────────────┬──────────┬───────▶
//!                      │ slow│ markers of the body, as always       │ stub:    │ line of
//!                      │ path│                                      │ duration │ the caller
//! ```
//!
//! The first few calls of every function are measured. It goes on as long as the mean is far above what that costs; otherwise the function has no
//! durations, and its calls are as cheap as they were. Calls of a function that is open already are part of the outermost one.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use super::cells::{self, word};
use super::moment::Moment;
use super::protocol::{add, publish};
use super::space::SharedLock;
use super::state::{self, CAPACITY};
use super::{node_table, os, space};
use crate::raw::layout::{
    CELL_ENDS_CALL, Cell, DURATIONS_LOST, DURATIONS_OF_BUSY, DURATIONS_OF_CALLS,
    DURATIONS_OF_FUTURES, DURATIONS_UNIT, DurationsRecord, FIRST_CALLS, KIND_DURATIONS,
    KIND_TIMED_CALL, NodeRecord, ThreadRecord, TimedCallRecord, duration_bucket,
};

/// A call may cost one part in so many of its duration to measure: that is time of the line that makes it.
const SHARE: u64 = 128;
/// The part of the file that histograms may fill: one in so many.
const ROOM: usize = 8;
/// Keys in the table of nodes, where an address of a cell has its lower six bits 0: what a thread has for a function, for a line slot, and for
/// what found no room.
const TIMED_CALL_KEY: usize = 1;
/// See [`TIMED_CALL_KEY`]. Slots are in the bits above.
const LINE_KEY: usize = 2;
/// See [`TIMED_CALL_KEY`].
const LOST_KEY: usize = 3;
/// See [`TIMED_CALL_KEY`]: for futures, and for their polls.
const FUTURE_KEY: usize = 4;

/// Mean duration from which on calls are measured, in ticks; 0 until the recording has begun, or where none is measured.
static SHORTEST: AtomicU64 = AtomicU64::new(0);
/// Bytes of all histograms of the process.
static USED: AtomicU64 = AtomicU64::new(0);

/// Prepares for entries on the slow path, and clock readings, of so many ticks times 1024.
pub(super) fn prepare(slow_entry: u64, reading: u64) {
    // Only the stub knows the way back.
    let measures = cfg!(target_arch = "x86_64") && state::has_timed_lines();
    let cost = slow_entry.saturating_add(reading.saturating_mul(2)) / 1024;
    let shortest = cost.saturating_mul(SHARE).max(1);
    SHORTEST.store(if measures { shortest } else { 0 }, Relaxed);
}

/// The key of what a thread has for a site beside nodes.
fn key(kind: usize, slot: usize, site: u32) -> u64 {
    let place = core::ptr::without_provenance(kind + slot * DURATIONS_UNIT);
    node_table::key(place, site)
}

/// What the thread has under a key: the address of a record.
fn found<T: 'static>(thread: &ThreadRecord, key: u64) -> Option<&'static T> {
    let address = node_table::get(thread, key)?;
    // SAFETY: under each of our keys there are only addresses of one kind of record, which are never unmapped.
    Some(unsafe { &*core::ptr::with_exposed_provenance::<T>(word(address)) })
}

fn remember<T>(thread: &ThreadRecord, key: u64, record: &T) {
    let address = core::ptr::from_ref(record).expose_provenance() as u64;
    node_table::put(thread, key, address);
}

/// Where calls of a new node are measured; `None` if they are part of a call of the same function, or there is no room.
pub(super) fn timed_call(thread: &ThreadRecord, node: &NodeRecord) -> Option<*mut TimedCallRecord> {
    if SHORTEST.load(Relaxed) == 0 {
        return None;
    }
    let site = node.site.load(Relaxed);
    let mut above = node.parent.get(Relaxed);
    while let Some(at) = above {
        if at.site.load(Relaxed) == site {
            return None;
        }
        above = at.parent.get(Relaxed);
    }
    let key = key(TIMED_CALL_KEY, 0, site);
    let known = found::<TimedCallRecord>(thread, key);
    let record = known.or_else(|| {
        let record = new_timed_call(thread, site)?;
        remember(thread, key, record);
        Some(record)
    })?;
    Some(core::ptr::from_ref(record).cast_mut())
}

fn new_timed_call(thread: &ThreadRecord, site: u32) -> Option<&'static TimedCallRecord> {
    let place = space::thread_record(thread, size_of::<TimedCallRecord>(), false)?;
    // SAFETY: the record has its size, is zeroed, suitably aligned, and belongs to this thread.
    let record = unsafe { &*place.cast::<TimedCallRecord>() };
    record.site.store(site, Relaxed);
    record.thread.store(thread.index.load(Relaxed), Relaxed);
    record.back.state.store(CELL_ENDS_CALL, Relaxed);
    publish(&record.head.kind, KIND_TIMED_CALL);
    Some(record)
}

/// Begins to measure a call from the running line to a node that is not open, if that pays; returns whether it does.
pub(super) fn begin_call(thread: &ThreadRecord, node: &NodeRecord) -> bool {
    let Some(timed) = node.timed_call.get(Relaxed) else {
        return false;
    };
    let measured = timed.measured.load(Relaxed);
    let mean = timed.time.load(Relaxed) / measured.max(1);
    if measured >= FIRST_CALLS as u64 && mean < SHORTEST.load(Relaxed) {
        return false;
    }
    let caller = core::ptr::from_ref(cells::running(thread)).cast_mut();
    timed.caller.store(caller, Relaxed);
    add(&node.timed_calls, 1);
    add(&thread.reads, 1);
    timed.entry.store(Moment::now(thread).own.max(1), Relaxed);
    true
}

/// The line that runs: that of a cell which ends a call is the one that made it.
pub(super) fn line_of(cell: &'static Cell) -> &'static Cell {
    if cell.state.load(Relaxed) != CELL_ENDS_CALL {
        return cell;
    }
    timed_call_of(cell).caller.get(Relaxed).unwrap_or(cell)
}

/// The record that a cell of this state is part of.
fn timed_call_of(back: &Cell) -> &'static TimedCallRecord {
    let record = core::ptr::from_ref(back)
        .cast::<u8>()
        .wrapping_sub(core::mem::offset_of!(TimedCallRecord, back))
        .cast::<TimedCallRecord>();
    // SAFETY: cells of this state are part of such a record, and those are never unmapped.
    unsafe { &*record }
}

/// A call without a histogram ends at `now`: one of the first. When their mean is long enough they, and all that follow, have one.
///
/// Returns the time after that: the line that made the call must not pay for it.
pub(super) extern "C" fn end_first_call(thread: &ThreadRecord, now: u64, back: &Cell) -> u64 {
    let timed = timed_call_of(back);
    let entry = timed.entry.swap(0, Relaxed);
    let duration = now.saturating_sub(entry);
    let index = timed.measured.load(Relaxed);
    if let Some(place) = timed.first.get(word(index)) {
        place.store(duration, Relaxed);
    }
    add(&timed.measured, 1);
    add(&timed.time, duration);
    let measured = word(index + 1);
    let mean = timed.time.load(Relaxed) / (index + 1);
    if measured > FIRST_CALLS || mean < SHORTEST.load(Relaxed) {
        return now;
    }
    if let Some(histogram) = histogram(thread, timed.site.load(Relaxed), DURATIONS_OF_CALLS) {
        for first in timed.first.iter().take(measured) {
            let first = first.load(Relaxed);
            count(histogram, first, now);
        }
        let histogram = core::ptr::from_ref(histogram).cast_mut();
        timed.durations.store(histogram, Relaxed);
    }
    Moment::now(thread).own.max(now)
}

/// A future of an async body is ready, so many ticks after its first poll began; its polls took `busy` of them. Those that are too short to be worth that
/// are not kept.
pub(super) fn end_future(thread: &ThreadRecord, node: &NodeRecord, total: u64, busy: u64) {
    let shortest = SHORTEST.load(Relaxed);
    if shortest == 0 || total < shortest {
        return;
    }
    let now = Moment::now(thread).own;
    let site = node.site.load(Relaxed);
    for (of, ticks) in [(DURATIONS_OF_FUTURES, total), (DURATIONS_OF_BUSY, busy)] {
        // Numbers of slots are far below.
        let key = key(FUTURE_KEY, usize::from(of == DURATIONS_OF_BUSY), site);
        if let Some(histogram) = histogram_of(thread, key, site, of) {
            count(histogram, ticks, now);
        }
    }
}

/// Counts a duration that ended at `now`.
fn count(histogram: &DurationsRecord, ticks: u64, now: u64) {
    if let Some(bucket) = histogram.counts.get(duration_bucket(ticks)) {
        bucket.store(bucket.load(Relaxed).wrapping_add(1), Relaxed);
    }
    if ticks.cast_signed() > histogram.max.load(Relaxed) {
        histogram.max.store(ticks.cast_signed(), Relaxed);
        histogram.max_at.store(now, Relaxed);
    }
}

/// A line stays timed after its first window, or from its first marker on: it gets a histogram.
///
/// Returns the time after that: the line begins then.
pub(super) extern "C" fn stays_timed(thread: &ThreadRecord, now: u64, cell: &Cell) -> u64 {
    give(thread, cell);
    #[cfg(all(test, target_arch = "x86_64"))]
    if super::marker::fake_cpu(thread).is_some() {
        return now;
    }
    Moment::now(thread).own.max(now)
}

/// Gives a line a histogram: that which the line has in all its calling contexts on this thread.
pub(super) fn give(thread: &ThreadRecord, cell: &Cell) {
    let Some(node) = cell.node.get(Relaxed) else {
        return;
    };
    let distance =
        core::ptr::from_ref(cell).addr() - core::ptr::from_ref(cells::cell(node, 0)).addr();
    let slot = distance / size_of::<Cell>();
    let site = node.site.load(Relaxed);
    let key = key(LINE_KEY, slot, site);
    let slot = u32::try_from(slot).unwrap_or(DURATIONS_LOST);
    let Some(histogram) = histogram_of(thread, key, site, slot) else {
        return;
    };
    let base = state::BASE.load(Acquire).addr();
    let distance = core::ptr::from_ref(histogram).addr().wrapping_sub(base) / DURATIONS_UNIT;
    if let Ok(distance) = u32::try_from(distance) {
        cell.durations.store(distance, Relaxed);
    }
}

/// The histogram that the thread has under a key, made if there is none.
fn histogram_of(
    thread: &ThreadRecord,
    key: u64,
    site: u32,
    slot: u32,
) -> Option<&'static DurationsRecord> {
    found::<DurationsRecord>(thread, key).or_else(|| {
        let histogram = histogram(thread, site, slot)?;
        remember(thread, key, histogram);
        Some(histogram)
    })
}

/// A new histogram, or the one for those that have no room.
fn histogram(thread: &ThreadRecord, site: u32, slot: u32) -> Option<&'static DurationsRecord> {
    // Markers run in the middle of the program's own work.
    let errno = os::errno();
    let histogram = new_histogram(thread, site, slot);
    os::set_errno(errno);
    histogram
}

fn new_histogram(thread: &ThreadRecord, site: u32, slot: u32) -> Option<&'static DurationsRecord> {
    let bytes = size_of::<DurationsRecord>();
    let room = CAPACITY.load(Relaxed) / ROOM;
    let has_room = word(USED.load(Relaxed)) + bytes <= room;
    if !has_room && let Some(lost) = found::<DurationsRecord>(thread, key(LOST_KEY, 0, 0)) {
        return Some(lost);
    }
    let lock = SharedLock::take()?;
    let place = space::shared_record(&lock, bytes)?;
    // SAFETY: the record has its size, is zeroed, suitably aligned, and belongs to this thread.
    let histogram = unsafe { &*place.cast::<DurationsRecord>() };
    USED.fetch_add(bytes as u64, Relaxed);
    let (site, slot) = if has_room {
        (site, slot)
    } else {
        remember(thread, key(LOST_KEY, 0, 0), histogram);
        (0, DURATIONS_LOST)
    };
    histogram.site.store(site, Relaxed);
    histogram.slot.store(slot, Relaxed);
    histogram.thread.store(thread.index.load(Relaxed), Relaxed);
    publish(&histogram.head.kind, KIND_DURATIONS);
    Some(histogram)
}

/// In a forked child: a histogram counts from 0.
pub(super) fn zero(histogram: &DurationsRecord) {
    for bucket in &histogram.counts {
        bucket.store(0, Relaxed);
    }
    histogram.max.store(0, Relaxed);
    histogram.max_at.store(0, Relaxed);
}

/// In a forked child: a call that is open was begun by the parent, and is not measured. Whether calls are long is known.
pub(super) fn forget_open_call(timed: &TimedCallRecord) {
    timed.entry.store(0, Relaxed);
}
