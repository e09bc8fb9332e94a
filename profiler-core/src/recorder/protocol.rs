//! The steps in which threads meet in memory that several of them touch: records are published, a record goes from one thread to the
//! next, and the sampler looks at the words of a thread while their owner changes them.
//!
//! `tests/loom.rs` compiles this very file over the words of a model checker, which tries all orders of the steps of all threads and all
//! values that the orderings allow (`make loom`). So it names its atomics and structures through `words`, and nothing of the system.
//!
//! ```text
//!  Cell::state      TIMED ──owner──▶ PROBED ──owner──▶ SAMPLED ──sampler──▶ PROMOTED ──owner──▶ TIMED
//!                     ▲──owner──▶ WAS_LONG
//!
//!  ThreadRecord     owner stores cell, gap, exact, open in this order, where they change
//!                   sampler loads open, exact, gap, cell, then exact and open again: a look counts if neither changed;
//!                   then the clock and exact, until that did not change
//! ```
//!
//! The assembly of the marker has no orderings: on x86-64 every store is one of Release, and every load one of Acquire. The functions in
//! Rust name those that are needed.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

pub(super) use super::words::{ALIVE, ENDED, PROBED, PROMOTED, SAMPLED, TIMED, WAS_LONG};
use super::words::{AtomicU32, AtomicU64, Cell, OPEN_WANTED, PROBES, ThreadRecord};

/// Intervals in all windows of a line but the first.
pub(super) const WINDOW: u64 = 64;
/// Intervals in a part of the window between fences.
pub(super) const PROBE_PART: u64 = if cfg!(loom) { 1 } else { 8 };
/// Intervals in the window between fences.
pub(super) const PROBE: u64 = PROBE_PART * PROBES as u64;
/// So many of its parts may look slow, and the line is hot all the same: a disturbance fell into them.
pub(super) const PARTS_MAY_NOT: u64 = if cfg!(loom) { 0 } else { 1 };

/// Adds to a counter that only this thread writes: no locked instruction, and never torn for a reader.
#[inline(always)]
pub(crate) fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(amount), Relaxed);
}

/// Stores the kind of a record that is complete: who sees it sees the whole record.
#[inline(always)]
pub(super) fn publish(kind: &AtomicU32, value: u32) {
    kind.store(value, Release);
}

/// The kind of a record; `None` while it is not complete.
#[inline(always)]
pub(super) fn published(kind: &AtomicU32) -> Option<u32> {
    match kind.load(Acquire) {
        0 => None,
        value => Some(value),
    }
}

/// Gives up the record of a thread: all it wrote is there for whoever takes it over.
pub(super) fn give_up(state: &AtomicU32) {
    state.store(ENDED, Release);
}

/// Takes over the record of a thread that has ended. Of several that try, one succeeds.
pub(super) fn take_over(state: &AtomicU32) -> bool {
    state.compare_exchange(ENDED, 0, AcqRel, Relaxed).is_ok()
}

/// Has a sampled line timed again from its next marker on; returns whether it was sampled. Only that is changed here, and only the owner
/// changes any other state.
pub(super) fn promote(state: &AtomicU64) -> bool {
    state
        .compare_exchange(SAMPLED, PROMOTED, Relaxed, Relaxed)
        .is_ok()
}

/// One thread's words at one moment.
pub(super) struct Seen {
    pub(super) cell: &'static Cell,
    pub(super) gap: *mut Cell,
    pub(super) exact: i64,
    /// The running line reads the clock.
    pub(super) timed: bool,
    /// Time not explained by exact intervals, in ticks since the start of the thread.
    pub(super) unexplained: u64,
}

/// Reads the words of a thread, which has the time `ticks`; `None` if they changed meanwhile, or make no sense.
///
/// Which line runs is settled before the clock is read, and stays so if the gap ends meanwhile: looks that do not count would be missing at the ends of
/// gaps, and lines that run there would seem to take less.
pub(super) fn look(thread: &ThreadRecord, ticks: impl Fn() -> u64) -> Option<Seen> {
    let open = thread.open.load(Acquire);
    let exact = thread.exact.load(Acquire);
    // Between two equal values of `exact`: so they belong to it.
    let gap = thread.gap.load(Acquire);
    let cell = thread.cell.load(Acquire);
    if thread.exact.load(Acquire) != exact || thread.open.load(Acquire) != open {
        return None;
    }
    let timed = open.addr() > OPEN_WANTED || exact < 0;
    let since_boot = if timed {
        exact.wrapping_neg()
    } else {
        unexplained_since_boot(thread, exact, ticks)?
    };
    let start = thread.start_ticks.load(Relaxed).cast_signed();
    let unexplained = u64::try_from(since_boot.wrapping_sub(start)).ok()?;
    // SAFETY: the word always holds the address of a cell, which is never unmapped.
    let cell = unsafe { cell.as_ref() }?;
    Some(Seen {
        cell,
        gap,
        exact,
        timed,
        unexplained,
    })
}

/// Time not explained by exact intervals, of a thread that was in a gap and had the exact time `exact` then.
fn unexplained_since_boot(
    thread: &ThreadRecord,
    mut exact: i64,
    ticks: impl Fn() -> u64,
) -> Option<i64> {
    /// Only intervals shorter than a reading of the clock, one after the other, need more than two.
    const TRIES: u32 = 8;
    for _ in 0..TRIES {
        let now = ticks().cast_signed();
        let again = thread.exact.load(Acquire);
        if again == exact {
            return Some(now.wrapping_sub(exact));
        }
        if again < 0 {
            return Some(again.wrapping_neg());
        }
        exact = again;
    }
    None
}

/// Ends the running interval at `now`, outside of a marker: the thread ends, or leaves this record to another one.
pub(super) fn close(thread: &ThreadRecord, now: u64) {
    let open = thread.open.load(Relaxed);
    let length = now.wrapping_sub(thread.t0.load(Relaxed));
    if open.addr() > OPEN_WANTED {
        // SAFETY: an open cell is a cell of this process; none is ever unmapped.
        let cell = unsafe { &*open };
        let time = length
            .cast_signed()
            .wrapping_sub(thread.correction.load(Relaxed).cast_signed());
        cell.time
            .store(cell.time.load(Relaxed).wrapping_add(time), Relaxed);
        thread.exact.store(
            thread.exact.load(Relaxed).wrapping_add(now.cast_signed()),
            Relaxed,
        );
    } else if let Some(gap) = {
        // SAFETY: as above; null where no gap ever began.
        unsafe { thread.gap.load(Relaxed).as_ref() }
    } {
        add(&gap.gap_time, length);
    }
    thread.open.store(core::ptr::null_mut(), Relaxed);
    thread.t0.store(now, Relaxed);
}

/// What a marker does beside changing its words.
#[cfg(test)]
pub(super) struct Actions<T, E, B> {
    /// The time; asked only where the clock is read.
    pub(super) ticks: T,
    /// The CPU clock is read at the end of an interval or gap, which lasts until then.
    pub(super) end: E,
    /// The CPU clock is read at the beginning of an interval.
    pub(super) begin: B,
}

/// What a marker does, in Rust: the model that the assembly is compared with.
#[cfg(test)]
pub(super) fn reference_marker<T, E, B>(
    thread: &ThreadRecord,
    cell: &Cell,
    with_hit: bool,
    actions: Actions<T, E, B>,
) where
    T: FnOnce() -> u64,
    E: FnOnce(&ThreadRecord, u64) -> u64,
    B: FnOnce(&ThreadRecord, u64),
{
    if with_hit {
        add(&cell.hits, 1);
    }
    thread
        .cell
        .store(core::ptr::from_ref(cell).cast_mut(), Release);
    if cell.state.load(Relaxed) != SAMPLED || !thread.open.load(Relaxed).is_null() {
        let now = (actions.ticks)();
        let passed = now.wrapping_sub(thread.t0.load(Relaxed));
        let now = if passed >= thread.long.load(Relaxed) || now >= thread.cpu_due.load(Relaxed) {
            (actions.end)(thread, now)
        } else {
            now
        };
        reference(thread, cell, now, actions.begin);
    }
}

/// What a window keeps of the number of readings: fewer than that fall into one, and if not, its line stays timed.
#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "as said")]
fn lower_half(reads: u64) -> u32 {
    reads as u32
}

/// What the stub of a marker does, in Rust.
#[cfg(test)]
#[expect(clippy::too_many_lines, reason = "as straight as the listing")]
#[expect(
    clippy::undocumented_unsafe_blocks,
    reason = "as in `close`: cells are never unmapped"
)]
fn reference(
    thread: &ThreadRecord,
    cell: &Cell,
    now: u64,
    begin_interval: impl FnOnce(&ThreadRecord, u64),
) {
    let length = now.wrapping_sub(thread.t0.load(Relaxed));
    let open = thread.open.load(Relaxed);
    if open.addr() > OPEN_WANTED {
        let left = unsafe { &*open };
        let time = length
            .cast_signed()
            .wrapping_sub(thread.correction.load(Relaxed).cast_signed());
        left.time
            .store(left.time.load(Relaxed).wrapping_add(time), Relaxed);
    } else {
        add(&unsafe { &*thread.gap.load(Relaxed) }.gap_time, length);
        thread.exact.store(
            thread.exact.load(Relaxed).wrapping_sub(now.cast_signed()),
            Release,
        );
    }
    let begin_gap = || {
        thread
            .gap
            .store(core::ptr::from_ref(cell).cast_mut(), Release);
        thread.exact.store(
            thread.exact.load(Relaxed).wrapping_add(now.cast_signed()),
            Release,
        );
        thread.open.store(core::ptr::null_mut(), Relaxed);
        thread.t0.store(now, Relaxed);
    };
    let begin_window = |intervals: u64| {
        cell.left.store(intervals, Relaxed);
        cell.window_ticks.store(now, Relaxed);
        cell.window_reads
            .store(lower_half(thread.reads.load(Relaxed)), Relaxed);
        cell.window_time.store(cell.time.load(Relaxed), Relaxed);
    };
    match cell.state.load(Relaxed) {
        SAMPLED => {
            add(&thread.reads, 1);
            return begin_gap();
        }
        TIMED | PROBED => {}
        WAS_LONG => {
            cell.state.store(TIMED, Relaxed);
            if now != thread.cpu_ticks.load(Relaxed) {
                begin_interval(thread, now);
            }
        }
        _ => {
            cell.state.store(TIMED, Relaxed);
            begin_window(cell.window.load(Relaxed) + 1);
        }
    }
    thread
        .open
        .store(core::ptr::from_ref(cell).cast_mut(), Relaxed);
    thread.t0.store(now, Relaxed);
    add(&thread.reads, 1);
    cell.left.store(cell.left.load(Relaxed) - 1, Relaxed);
    if cell.left.load(Relaxed) != 0 {
        return;
    }
    let reads =
        lower_half(thread.reads.load(Relaxed)).wrapping_sub(cell.window_reads.load(Relaxed));
    let reads = u64::from(reads);
    let lasted = now.wrapping_sub(cell.window_ticks.load(Relaxed));
    let threshold = thread.threshold.load(Relaxed);
    let own = cell
        .time
        .load(Relaxed)
        .wrapping_sub(cell.window_time.load(Relaxed));
    let is_probed = cell.state.load(Relaxed) == PROBED;
    let intervals = if is_probed {
        PROBE_PART
    } else {
        cell.window.load(Relaxed)
    };
    let shortest = intervals.wrapping_mul(threshold);
    let hot = lasted < reads.wrapping_mul(threshold) || own * 3 < shortest.cast_signed();
    let stay_timed = || {
        cell.state.store(TIMED, Relaxed);
        cell.window.store(WINDOW, Relaxed);
        begin_window(WINDOW);
    };
    if !hot && !is_probed {
        return stay_timed();
    }
    if !is_probed {
        cell.state.store(PROBED, Relaxed);
        cell.window.store(PROBE, Relaxed);
        return begin_window(PROBE_PART);
    }
    let fences = PROBE_PART.wrapping_mul(thread.probe_cost.load(Relaxed));
    // The upper half counts parts that were not hot.
    let window = cell.window.load(Relaxed) + (u64::from(!hot) << 32);
    let left = window & u64::from(u32::MAX);
    let part = (PROBE - left) / PROBE_PART;
    cell.probes[usize::try_from(part).unwrap_or(0)]
        .store(own.wrapping_sub(fences.cast_signed()), Relaxed);
    cell.window.store(window - PROBE_PART, Relaxed);
    if left != PROBE_PART {
        return begin_window(PROBE_PART);
    }
    if window >> 32 > PARTS_MAY_NOT {
        return stay_timed();
    }
    cell.state.store(SAMPLED, Relaxed);
    cell.left.store(PROBE, Relaxed);
    cell.window.store(WINDOW, Relaxed);
    begin_gap();
}
