//! When a thread reads the resident set: its markers look at the memory within a budget, and at once where a large block comes or goes.
//!
//! A look costs the thread a fraction of a microsecond where its count of page faults stands still, and a microsecond more where the set
//! is read. The thread's clock stands still meanwhile, and looks pause when they have used their share of the time.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

use super::current::current;
use super::moment::{Moment, stand_still};
use super::os::{self, Usage};
use super::state::{self, NEVER};
use super::{cells, resident, sampler, sink};
use crate::env;
use crate::memory::rss::Resident;
use crate::raw::layout::{Header, OPEN_WANTED, ThreadRecord};

/// Percent of a thread's CPU time that looks may take, unless `HPROF_MEMORY_BUDGET` says otherwise.
const BUDGET: u64 = 5;
/// Looks that were not taken may be taken later, up to the budget of so much time: short lines after long ones are all looked at.
const CREDIT_NS: u64 = 20_000_000;
/// A line that took longer may have given memory back without a page fault, so the set is read.
const QUIET_NS: u64 = 10_000;
/// Percent of the time that looks may take.
static PERCENT: AtomicU64 = AtomicU64::new(BUDGET);
static CREDIT_TICKS: AtomicU64 = AtomicU64::new(0);
static TICKS_PER_MS: AtomicU64 = AtomicU64::new(0);
static QUIET_TICKS: AtomicU64 = AtomicU64::new(0);
/// What looks may cost, and what that is in ticks.
pub(super) fn prepare(header: &Header, ticks_per_second: u64) {
    let ticks = |ns: u64| ns.saturating_mul(ticks_per_second / 1000) / 1_000_000;
    TICKS_PER_MS.store(ticks_per_second / 1000, Relaxed);
    CREDIT_TICKS.store(ticks(CREDIT_NS), Relaxed);
    QUIET_TICKS.store(ticks(QUIET_NS), Relaxed);
    let percent = std::env::var(env::MEMORY_BUDGET)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .filter(|percent| (1..=100).contains(percent))
        .unwrap_or(BUDGET);
    PERCENT.store(percent, Relaxed);
    header
        .rss_budget
        .store(u32::try_from(percent).unwrap_or(0), Relaxed);
}

/// The memory is as it is now when this thread begins to write to its record.
pub(super) fn begin_thread(thread: &ThreadRecord) {
    thread.asker.store(core::ptr::null_mut(), Relaxed);
    thread.looked.store(thread.t0.load(Relaxed), Relaxed);
    let reads = resident::is_readable();
    thread
        .next_read
        .store(if reads { 0 } else { NEVER }, Relaxed);
    if reads {
        thread.faults.store(Usage::of_thread().faults, Relaxed);
    }
}

/// A large block comes or goes while this thread's running line runs: its next marker reads the memory.
#[cold]
#[inline(never)]
pub(crate) fn large_block() {
    let thread = current();
    if !state::has_memory_words()
        || sink::is_sink(thread)
        || thread.next_read.load(Relaxed) == NEVER
    {
        return;
    }
    if thread.asker.load(Relaxed).is_null() && !is_whole(thread) {
        settle_before(thread);
    }
    thread.asker.store(thread.cell.load(Relaxed), Relaxed);
    thread.next_read.store(0, Relaxed);
    if thread.open.load(Relaxed).is_null() {
        thread
            .open
            .store(core::ptr::without_provenance_mut(OPEN_WANTED), Relaxed);
    }
}

/// Whether the interval that is open began with a look at the memory.
fn is_whole(thread: &ThreadRecord) -> bool {
    cells::open(thread).is_some() && thread.t0.load(Relaxed) == thread.looked.load(Relaxed)
}

/// Charges what changed before the block as if the line ended here, so that it is not taken for a part of the block. We are in the
/// allocator: only the source that never allocates will do.
fn settle_before(thread: &ThreadRecord) {
    let quick = resident::never_allocates();
    let Some(header) = state::header().filter(|_| quick) else {
        return;
    };
    let errno = os::errno();
    let faults = Usage::of_thread().faults;
    let faulted = faults != thread.faults.load(Relaxed);
    if let Some(change) = resident::exchange(header) {
        let before = cells::open(thread).or_else(|| thread.gap.get(Relaxed));
        let words = before.and_then(cells::memory_words);
        resident::settle(header, words, change, faulted, true);
    }
    thread.faults.store(faults, Relaxed);
    os::set_errno(errno);
}

/// Looks at the memory at the end of an interval, and plans the next look.
pub(super) fn look(thread: &ThreadRecord, arrived: Moment) {
    let now = arrived.own;
    let Some(header) = state::header() else {
        return;
    };
    let errno = os::errno();
    let asker = thread.asker.get(Relaxed);
    thread.asker.store(core::ptr::null_mut(), Relaxed);
    let is_whole = is_whole(thread);
    let ended = cells::open(thread).or(asker);
    let ended = ended.or_else(|| thread.gap.get(Relaxed));
    let words = ended.and_then(cells::memory_words);
    let usage = Usage::of_thread();
    let faulted = usage.faults != thread.faults.load(Relaxed);
    let was_long = now.wrapping_sub(thread.t0.load(Relaxed)) > QUIET_TICKS.load(Relaxed);
    header.rss_checks.fetch_add(1, Relaxed);
    if (faulted || was_long || asker.is_some())
        && let Some(change) = resident::exchange(header)
    {
        let is_sample = !is_whole && asker.is_none();
        resident::settle(header, words, change, faulted, is_sample);
    }
    if let Some(words) = words {
        resident::note_level(words, Resident::unpack(header.rss_now.load(Relaxed)));
        words.reads.fetch_add(1, Relaxed);
    }
    thread.faults.store(usage.faults, Relaxed);
    thread.looked.store(now, Relaxed);
    plan(thread, arrived.raw, usage.cpu_us, is_whole);
    os::set_errno(errno);
}

/// When to look again. A look at the end of an interval that was not looked at in the beginning needs a partner at the end of the next.
///
/// The budget is a share of the thread's CPU time: on a busy machine time goes by without it.
fn plan(thread: &ThreadRecord, arrived: u64, spent_us: u64, is_whole: bool) {
    let credit = CREDIT_TICKS.load(Relaxed);
    let spent = spent_us
        .saturating_mul(TICKS_PER_MS.load(Relaxed))
        .saturating_div(1000)
        .saturating_add(credit);
    let raw = state::ticks();
    let cost = raw.wrapping_sub(arrived);
    let used = thread
        .read_until
        .load(Relaxed)
        .max(spent.saturating_sub(credit))
        .saturating_add(weighted(undisturbed(cost)));
    thread.read_until.store(used, Relaxed);
    let pause = used.saturating_sub(spent);
    if pause > 0 {
        // Until the next look the sampler reads.
        sampler::ensure(thread);
    }
    let next = if is_whole && pause > 0 {
        raw.saturating_add(pause)
    } else {
        0
    };
    thread.next_read.store(next, Relaxed);
    stand_still(thread, cost);
}

/// What a look costs that took `ticks`: one in which the thread lost its processor must not use up the budget of all that follow.
fn undisturbed(ticks: u64) -> u64 {
    /// Looks differ by less than this.
    const TIMES: u64 = 16;
    static LEAST: AtomicU64 = AtomicU64::new(u64::MAX);
    let least = LEAST.fetch_min(ticks, Relaxed).min(ticks);
    ticks.min(least.saturating_mul(TIMES))
}

/// How much of a thread's time a look uses up. As much again as it takes is lost around it: the stub keeps all registers, and the program finds
/// its caches and branch predictions gone (measured: twice the budget, before this was counted).
fn weighted(cost: u64) -> u64 {
    let with_loss = cost.saturating_mul(2);
    with_loss.saturating_mul(100) / PERCENT.load(Relaxed).max(1)
}
