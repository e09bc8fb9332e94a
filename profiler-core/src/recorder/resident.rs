//! The resident set at line boundaries: what it is, and which line pays for a change.
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
//! `look` says when markers read. A look costs the thread a fraction of a microsecond where its count of page faults stands still, and a microsecond more where the set
//! is read. The thread's clock stands still meanwhile, and looks pause when they have used their share of the time.
//! Then, and in gaps, where markers do not come here, the sampler reads.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::OnceLock;

use super::current::current;
use super::os::Usage;
use super::state::{self, NEVER};
use super::{cells, space};
use crate::env;
use crate::memory::rss::{self, Resident, RssSource};
use crate::raw::layout::{Cell, FLAG_MEMORY, Header, MemoryWords, RSS_PROCFS, ThreadRecord};

/// Turns that a thread waits for the reading of another.
const PATIENCE: u32 = 1000;

static SOURCE: OnceLock<&'static dyn RssSource> = OnceLock::new();
/// 1 while a thread reads: two at the same time would see each other's changes come and go.
static READING: AtomicU32 = AtomicU32::new(0);

/// Chooses the source and tries it. Comes before the first cell is made.
pub(super) fn prepare(header: &Header) {
    state::use_memory_words();
    header.flags.fetch_or(FLAG_MEMORY, Relaxed);
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

/// Whether the resident set can be read in this process.
pub(super) fn is_readable() -> bool {
    state::has_memory_words() && SOURCE.get().is_some()
}

/// Whether reading it allocates nothing.
pub(super) fn never_allocates() -> bool {
    SOURCE
        .get()
        .is_some_and(|source| source.number() == RSS_PROCFS)
}

/// Notes how much is resident at the end of a line.
pub(super) fn note_level(words: &MemoryWords, now: Resident) {
    let level = bytes(now.pages());
    words.max.fetch_max(level, Relaxed);
    words.last.store(level, Relaxed);
}

/// Charges a change to a line. A thread without a page fault did not cause growth.
pub(super) fn settle(
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
pub(super) struct Change {
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
pub(super) fn exchange(header: &Header) -> Option<Change> {
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
