//! The resident set at line boundaries: when it is read, and which line pays.
//!
//! One word of the header holds the newest reading. Whoever reads swaps it and charges the difference, so every page is charged once,
//! whatever the number of threads. Changes are charged
//!
//! - to the line that asked, because a large block came or went while it ran; what changed before is settled first;
//! - else to the line whose interval ends. If the memory was not looked at when it began, this is a sample: the change is that of a few
//!   lines before too, but a line that changes more is found more often. Of a gap between markers that read the clock it is the line where
//!   the gap began, as a sample too: what the sampler saw of the gap is charged already;
//! - else, and where the thread had no page fault and so cannot have caused growth, to the row "not read".
//!
//! ```text
//!     look        look                    look         look
//!      │ line A    │ B │ C │ B │ C │ B     │ line D     │
//!      └─ A pays ──┘   no time for looks ──┘─ D pays ───┘       t
//!                      B pays, as a sample
//! ```
//!
//! A look costs the thread a fraction of a microsecond where its count of page faults stands still, and a microsecond more where the set
//! is read. The thread's clock stands still meanwhile, and looks pause when they have used their share of the time.
//! Then, and in gaps, where markers do not come here, the sampler reads.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::OnceLock;

use super::current::current;
use super::os::{self, Usage};
use super::protocol::add;
use super::state::{self, NEVER};
use super::{cells, sampler, sink, space};
use crate::env;
use crate::memory::rss::{self, Resident, RssSource};
use crate::raw::layout::{Cell, FLAG_MEMORY, Header, MemoryWords, RSS_PROCFS, ThreadRecord};

/// Percent of a thread's CPU time that looks may take, unless `HPROF_MEMORY_BUDGET` says otherwise.
const BUDGET: u64 = 5;
/// Looks that were not taken may be taken later, up to the budget of so much time: short lines after long ones are all looked at.
const CREDIT_NS: u64 = 20_000_000;
/// A line that took longer may have given memory back without a page fault, so the set is read.
const QUIET_NS: u64 = 10_000;
/// Turns that a thread waits for the reading of another.
const PATIENCE: u32 = 1000;

static SOURCE: OnceLock<&'static dyn RssSource> = OnceLock::new();
/// Percent of the time that looks may take.
static PERCENT: AtomicU64 = AtomicU64::new(BUDGET);
static CREDIT_TICKS: AtomicU64 = AtomicU64::new(0);
static TICKS_PER_MS: AtomicU64 = AtomicU64::new(0);
static QUIET_TICKS: AtomicU64 = AtomicU64::new(0);
/// 1 while a thread reads: two at the same time would see each other's changes come and go.
static READING: AtomicU32 = AtomicU32::new(0);

/// Chooses the source and tries it. Comes before the first cell is made.
pub(super) fn prepare(header: &Header, ticks_per_second: u64) {
    state::use_memory_words();
    header.flags.fetch_or(FLAG_MEMORY, Relaxed);
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
    header
        .rss_page_bytes
        .store(u32::try_from(rss::page_bytes()).unwrap_or(0), Relaxed);
    header
        .total_ram
        .store(rss::total_ram().unwrap_or(0), Relaxed);
    let asked = std::env::var(env::RSS_SOURCE).ok();
    let Some(source) = rss::choose(asked.as_deref()) else {
        return;
    };
    header
        .rss_resolution
        .store(rss::resolution(source).unwrap_or(0), Relaxed);
    header.rss_source.store(source.number(), Relaxed);
    let _ = SOURCE.set(source);
}

/// Takes the first reading: everything before it belongs to nobody.
pub(super) fn begin(header: &Header) {
    if let Some(now) = read() {
        header.rss_start.store(now.pack(), Relaxed);
        header.rss_now.store(now.pack(), Relaxed);
        header.rss_peak.store(now.pages(), Relaxed);
    }
}

/// Takes the last reading: the rest belongs to nobody.
pub(super) fn finish(header: &Header) {
    if state::has_memory_words()
        && let Some(change) = exchange(header)
    {
        charge(&header.rss_rest, change);
    }
}

/// In a forked child: its resident set is another one.
pub(super) fn restart_after_fork(header: &Header) {
    READING.store(0, Relaxed);
    if !state::has_memory_words() {
        return;
    }
    if let Some(source) = SOURCE.get() {
        source.forget();
    }
    for words in [&header.rss_not_read, &header.rss_rest] {
        zero(words);
    }
    header.rss_reads.store(0, Relaxed);
    header.rss_checks.store(0, Relaxed);
    begin(header);
    let me = current();
    me.looked.store(me.t0.load(Relaxed), Relaxed);
    me.faults.store(Usage::of_thread().faults, Relaxed);
    me.asker.store(core::ptr::null_mut(), Relaxed);
}

/// Sets memory words to 0.
pub(super) fn zero(words: &MemoryWords) {
    for word in [
        &words.grown_anonymous,
        &words.shrunk_anonymous,
        &words.grown_file,
        &words.shrunk_file,
        &words.max,
        &words.last,
        &words.reads,
        &words.sampled,
    ] {
        word.store(0, Relaxed);
    }
}

/// The memory is as it is now when this thread begins to write to its record.
pub(super) fn begin_thread(thread: &ThreadRecord) {
    thread.asker.store(core::ptr::null_mut(), Relaxed);
    thread.looked.store(thread.t0.load(Relaxed), Relaxed);
    let reads = state::has_memory_words() && SOURCE.get().is_some();
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
    let open = thread.open.load(Relaxed);
    if thread.asker.load(Relaxed).is_null() && !is_whole(thread, open) {
        settle_before(thread);
    }
    thread.asker.store(thread.cell.load(Relaxed), Relaxed);
    thread.next_read.store(0, Relaxed);
    if open.is_null() {
        thread
            .open
            .store(core::ptr::without_provenance_mut(1), Relaxed);
    }
}

/// Whether the interval that is open began with a look at the memory.
fn is_whole(thread: &ThreadRecord, open: *mut Cell) -> bool {
    open.addr() > 1 && thread.t0.load(Relaxed) == thread.looked.load(Relaxed)
}

/// Charges what changed before the block as if the line ended here, so that it is not taken for a part of the block. We are in the
/// allocator: only the source that never allocates will do.
fn settle_before(thread: &ThreadRecord) {
    let quick = SOURCE
        .get()
        .is_some_and(|source| source.number() == RSS_PROCFS);
    let Some(header) = state::header().filter(|_| quick) else {
        return;
    };
    let errno = os::errno();
    let faults = Usage::of_thread().faults;
    let faulted = faults != thread.faults.load(Relaxed);
    if let Some(change) = exchange(header) {
        let open = thread.open.load(Relaxed);
        let before = if open.addr() > 1 {
            open
        } else {
            thread.gap.load(Relaxed)
        };
        // SAFETY: null or a cell, which is never unmapped.
        let words = unsafe { before.as_ref() }.and_then(cells::memory_words);
        settle(header, words, change, faulted, true);
    }
    thread.faults.store(faults, Relaxed);
    os::set_errno(errno);
}

/// Looks at the memory at the end of an interval, and plans the next look. `arrived` is in raw ticks, of which `now` are the thread's.
pub(super) fn look(thread: &ThreadRecord, arrived: u64, now: u64) {
    let Some(header) = state::header() else {
        return;
    };
    let errno = os::errno();
    let open = thread.open.load(Relaxed);
    let asker = thread.asker.load(Relaxed);
    thread.asker.store(core::ptr::null_mut(), Relaxed);
    let is_whole = is_whole(thread, open);
    let ended = match (open.addr() > 1, asker.is_null()) {
        (true, _) => open,
        (false, false) => asker,
        (false, true) => thread.gap.load(Relaxed),
    };
    // SAFETY: null or a cell, which is never unmapped.
    let words = unsafe { ended.as_ref() }.and_then(cells::memory_words);
    let usage = Usage::of_thread();
    let faulted = usage.faults != thread.faults.load(Relaxed);
    let was_long = now.wrapping_sub(thread.t0.load(Relaxed)) > QUIET_TICKS.load(Relaxed);
    header.rss_checks.fetch_add(1, Relaxed);
    if (faulted || was_long || !asker.is_null())
        && let Some(change) = exchange(header)
    {
        let is_sample = !is_whole && asker.is_null();
        settle(header, words, change, faulted, is_sample);
    }
    if let Some(words) = words {
        note_level(words, Resident::unpack(header.rss_now.load(Relaxed)));
        words.reads.fetch_add(1, Relaxed);
    }
    thread.faults.store(usage.faults, Relaxed);
    thread.looked.store(now, Relaxed);
    plan(thread, arrived, usage.cpu_us, is_whole);
    os::set_errno(errno);
}

/// Notes how much is resident at the end of a line.
fn note_level(words: &MemoryWords, now: Resident) {
    let level = bytes(now.pages());
    words.max.fetch_max(level, Relaxed);
    words.last.store(level, Relaxed);
}

/// Charges a change to a line. A thread without a page fault did not cause growth.
fn settle(
    header: &Header,
    words: Option<&MemoryWords>,
    change: Change,
    faulted: bool,
    is_sample: bool,
) {
    let words = words.unwrap_or(&header.rss_not_read);
    let (grown, shrunk) = change.parts();
    charge(words, shrunk);
    if !faulted {
        return charge(&header.rss_not_read, grown);
    }
    charge(words, grown);
    if is_sample {
        words.sampled.fetch_add(change.grown(), Relaxed);
    }
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
    add(&thread.own_ticks, cost);
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

/// Whether the looks of a thread have used up their share of its time.
pub(super) fn is_paused(thread: &ThreadRecord) -> bool {
    let next = thread.next_read.load(Relaxed);
    next != NEVER && next > state::ticks()
}

/// What the sampler sees where markers do not read: `cell` is the line that runs, and `still` says whether the thread is yet in the gap
/// it was seen in.
pub(super) fn sampled(cell: &Cell, still: impl Fn() -> bool) {
    let Some(header) = state::header().filter(|_| state::has_memory_words()) else {
        return;
    };
    let Some(words) = cells::memory_words(cell) else {
        return;
    };
    if READING.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
        return;
    }
    if let Some(now) = read()
        && still()
    {
        let change = swap(header, now);
        charge(words, change);
        words.sampled.fetch_add(change.grown(), Relaxed);
        note_level(words, now);
    }
    READING.store(0, Release);
}

/// A difference of two readings, pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Change {
    anonymous: i64,
    file: i64,
}

impl Change {
    fn between(before: Resident, now: Resident) -> Self {
        Self {
            anonymous: i64::from(now.anonymous) - i64::from(before.anonymous),
            file: i64::from(now.file) - i64::from(before.file),
        }
    }

    /// Growth alone, and shrinkage alone.
    fn parts(self) -> (Self, Self) {
        let only = |part: fn(i64, i64) -> i64| Self {
            anonymous: part(self.anonymous, 0),
            file: part(self.file, 0),
        };
        (only(i64::max), only(i64::min))
    }

    /// Growth in bytes.
    fn grown(self) -> u64 {
        let (grown, _) = self.parts();
        bytes(grown.anonymous.unsigned_abs() + grown.file.unsigned_abs())
    }
}

fn charge(words: &MemoryWords, change: Change) {
    for (pages, grown, shrunk) in [
        (
            change.anonymous,
            &words.grown_anonymous,
            &words.shrunk_anonymous,
        ),
        (change.file, &words.grown_file, &words.shrunk_file),
    ] {
        let word = if pages > 0 { grown } else { shrunk };
        if pages != 0 {
            word.fetch_add(bytes(pages.unsigned_abs()), Relaxed);
        }
    }
}

fn bytes(pages: u64) -> u64 {
    let page = state::header().map_or(0, |header| header.rss_page_bytes.load(Relaxed));
    pages.saturating_mul(u64::from(page))
}

/// Reads, swaps and returns the difference.
fn exchange(header: &Header) -> Option<Change> {
    let mut mine = false;
    for _ in 0..PATIENCE {
        mine = READING.compare_exchange(0, 1, Acquire, Relaxed).is_ok();
        if mine {
            break;
        }
        core::hint::spin_loop();
    }
    // Where a reader was interrupted for long, two readings may overlap: their sum is right all the same.
    let change = read().map(|now| swap(header, now));
    if mine {
        READING.store(0, Release);
    }
    change
}

fn swap(header: &Header, now: Resident) -> Change {
    header.rss_reads.fetch_add(1, Relaxed);
    header.rss_peak.fetch_max(now.pages(), Relaxed);
    let before = header.rss_now.swap(now.pack(), AcqRel);
    Change::between(Resident::unpack(before), now)
}

/// What is resident, less the pages of the recorder.
fn read() -> Option<Resident> {
    let source = SOURCE.get()?;
    let mut now = source.read()?;
    let (own_file, own_anonymous) = space::own_pages();
    if source.number() == RSS_PROCFS {
        now.file = now.file.saturating_sub(own_file);
        now.anonymous = now.anonymous.saturating_sub(own_anonymous);
    } else {
        now.anonymous = now
            .anonymous
            .saturating_sub(own_file.saturating_add(own_anonymous));
    }
    Some(now)
}
