//! CPU time of lines: what a thread spends while a line runs, as opposed to the time in which it waits or has lost the processor.
//!
//! The CPU clock of a thread is a system call, so it is read where that pays: by the markers at both ends of an interval that turns out to
//! be long (see [`SHORTEST_NS`]), and once a millisecond besides. An interval that was long begins with a reading the next time, and
//! where there is none the clock is what it was at the last reading plus the time since, which held nothing but short intervals:
//!
//! ```text
//!   reading                 reading                            reading
//!      │ short │ short │ short │ long, seen only at its end ...... │
//!      └──── taken as spent ───┴─ what the reading says is left ───┘
//! ```
//!
//! The reader takes back what was wrongly taken as spent: CPU time of all lines is what the thread had (`model::cpu`).
//!
//! The same readings keep the probes of a line about to be sampled free of times in which its thread had lost the processor.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed};

use super::moment::Moment;
use super::protocol::{ALIVE, PROBED, TIMED, WAS_LONG, add};
use super::{cells, clock, durations, os, sink, state, threads};
use crate::raw::layout::ThreadRecord;

/// Shortest interval whose ends read the CPU clock, nanoseconds.
const SHORTEST_NS: u64 = 20_000;
/// A reading may take one part in so many of the interval that it belongs to.
const SHARE: u64 = 64;
/// Time after which the next marker that reads the clock reads the CPU clock too, nanoseconds.
const EVERY_NS: u64 = 1_000_000;
/// Taking the process' clocks may use one part in so many of the time.
const PAIR_SHARE: u64 = 256;

/// `EVERY_NS` in ticks; 0 until the recording has begun.
static EVERY: AtomicU64 = AtomicU64::new(0);
/// Ticks a second.
static RATE: AtomicU64 = AtomicU64::new(0);
/// When the header's clock pair is taken again, in raw ticks.
static PAIR_DUE: AtomicU64 = AtomicU64::new(0);

/// Prepares for a clock of so many ticks a second, with a reading that takes `cost` ticks. Returns the ticks from which on an interval is long.
pub(super) fn prepare(rate: u64, cost: u64) -> u64 {
    let ticks = |ns: u64| ns.saturating_mul(rate / 1000) / 1_000_000;
    RATE.store(rate, Relaxed);
    EVERY.store(ticks(EVERY_NS), Relaxed);
    ticks(SHORTEST_NS).max(cost.saturating_mul(SHARE)).max(1)
}

/// The record's thread, or its time, begins: it has used `cpu` nanoseconds.
pub(super) fn begin(thread: &ThreadRecord, cpu: u64, now: u64) {
    store(thread, cpu, now);
}

/// Remembers a reading.
fn store(thread: &ThreadRecord, cpu: u64, now: u64) {
    thread.cpu_ns.store(cpu, Relaxed);
    thread.cpu_ticks.store(now, Relaxed);
    thread
        .cpu_own
        .store(thread.own_ticks.load(Relaxed), Relaxed);
    let due = now.saturating_add(EVERY.load(Relaxed));
    thread.cpu_due.store(due, Relaxed);
}

/// CPU time of the running thread, nanoseconds.
fn read(_thread: &ThreadRecord) -> u64 {
    #[cfg(all(test, target_arch = "x86_64"))]
    if let Some(ns) = super::marker::fake_cpu(_thread) {
        return ns;
    }
    clock::nanos(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Ticks that the thread spent since the last reading, those of the recorder's looks at the memory left out.
fn spent(thread: &ThreadRecord, cpu: u64) -> u64 {
    let ns = cpu.saturating_sub(thread.cpu_ns.load(Relaxed));
    let ticks = u128::from(ns) * u128::from(RATE.load(Relaxed)) / 1_000_000_000;
    let own = thread
        .own_ticks
        .load(Relaxed)
        .saturating_sub(thread.cpu_own.load(Relaxed));
    u64::try_from(ticks).unwrap_or(u64::MAX).saturating_sub(own)
}

/// A marker, or the end of the thread, ends an interval or a gap at `now`: its CPU time is read. Comes before the length is added to its cell.
///
/// Returns the time after that: the next line must not pay for it, which may be far shorter.
pub(super) extern "C" fn end_interval(thread: &ThreadRecord, now: u64) -> u64 {
    let cpu = read(thread);
    add(&thread.cpu_reads, 1);
    let arrived = Moment::at_own(thread, now).raw;
    if arrived >= PAIR_DUE.load(Relaxed) && !sink::is_sink(thread) {
        show_life(arrived);
    }
    // The thread may have lost the processor meanwhile.
    let now = after(thread, now);
    settle_long(thread, now, spent(thread, cpu));
    store(thread, cpu, now);
    now
}

/// Charges CPU time to the interval or the gap that ends at `now`, if it is long: what is left of `spent`, the CPU time since the last reading,
/// after the short intervals before it.
fn settle_long(thread: &ThreadRecord, now: u64, spent: u64) {
    let began = thread.t0.load(Relaxed);
    let length = now.saturating_sub(began);
    if length < thread.long.load(Relaxed) {
        return;
    }
    let before = began.saturating_sub(thread.cpu_ticks.load(Relaxed));
    let cpu = spent.saturating_sub(before).min(length);
    if let Some(cell) = cells::open(thread) {
        if cell.durations.load(Relaxed) == 0 {
            durations::give(thread, cell);
        }
        add(&cell.long_time, length);
        add(&cell.long_cpu, cpu);
        match cell.state.load(Relaxed) {
            TIMED => cell.state.store(WAS_LONG, Relaxed),
            PROBED => {
                let lost = (length - cpu).cast_signed();
                let start = cell.window_time.load(Relaxed);
                cell.window_time.store(start.wrapping_add(lost), Relaxed);
            }
            _ => {}
        }
    } else if let Some(gap) = thread.gap.get(Relaxed) {
        add(&gap.long_gap_time, length);
        add(&gap.long_gap_cpu, cpu);
    }
}

/// The time of the thread now, which was `now`.
fn after(thread: &ThreadRecord, now: u64) -> u64 {
    #[cfg(all(test, target_arch = "x86_64"))]
    if super::marker::fake_cpu(thread).is_some() {
        return now;
    }
    Moment::now(thread).own.max(now)
}

/// A marker begins an interval of a line whose last one was long.
pub(super) extern "C" fn begin_interval(thread: &ThreadRecord, now: u64) {
    let cpu = read(thread);
    store(thread, cpu, now);
    add(&thread.cpu_reads, 1);
}

/// The process lives: the header gets a new pair of clock readings, and the CPU time of the process.
#[cold]
fn show_life(arrived: u64) {
    let due = PAIR_DUE.load(Relaxed);
    let every = EVERY.load(Relaxed);
    let next = arrived.saturating_add(every);
    if every == 0
        || PAIR_DUE
            .compare_exchange(due, next, Acquire, Relaxed)
            .is_err()
    {
        return;
    }
    state::update_clock_pair();
    // The process' clock is a sum over all threads.
    let cost = state::ticks().saturating_sub(arrived);
    let rest = arrived.saturating_add(cost.saturating_mul(PAIR_SHARE));
    PAIR_DUE.store(next.max(rest), Relaxed);
}

/// In a forked child, whose clock pair is new.
pub(super) fn restart_after_fork() {
    PAIR_DUE.store(0, Relaxed);
}

/// The process ends: what each of its threads has used.
pub(super) fn note_all() {
    for thread in threads::all().filter(|thread| thread.state.load(Acquire) == ALIVE) {
        if let Some(ns) = of_thread(thread) {
            thread.last_cpu_ns.store(ns, Relaxed);
        }
    }
}

/// CPU time of any thread of the process.
#[cfg(target_os = "linux")]
pub(super) fn of_thread(thread: &ThreadRecord) -> Option<u64> {
    match clock::nanos(os::cpu_clock(thread.tid.load(Relaxed))) {
        0 => None,
        ns => Some(ns),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of_thread(_thread: &ThreadRecord) -> Option<u64> {
    None
}

/// Whether a thread that does not run at this moment only lacks a processor, as opposed to waiting for something.
#[cfg(target_os = "linux")]
pub(super) fn is_runnable(thread: &ThreadRecord) -> bool {
    use std::io::Write;

    let mut path = [0_u8; 64];
    // The last byte stays 0.
    let room = path.len() - 1;
    let tid = thread.tid.load(Relaxed);
    if write!(&mut path[..room], "/proc/self/task/{tid}/stat").is_err() {
        return false;
    }
    // SAFETY: the path is terminated, and the flags need no further argument.
    let file = unsafe { libc::open(path.as_ptr().cast(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return false;
    }
    let mut text = [0_u8; 128];
    // SAFETY: `text` has room for what is read.
    let read = unsafe { libc::read(file, text.as_mut_ptr().cast(), text.len()) };
    // SAFETY: `file` was opened above and is closed once.
    unsafe { libc::close(file) };
    let text = text
        .get(..usize::try_from(read).unwrap_or(0))
        .unwrap_or_default();
    // `tid (name) S ...`, where the name may hold anything.
    let name_end = text.iter().rposition(|byte| *byte == b')');
    name_end.is_some_and(|end| text.get(end + 2) == Some(&b'R'))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_runnable(_thread: &ThreadRecord) -> bool {
    false
}
