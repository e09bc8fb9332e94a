//! The entries of lines: what the noted blocks of each line stand for, now and when the heap was at its peak.
//!
//! Nothing is copied at the peak: a fall from a new highest sum begins an *epoch*, and an entry remembers what it had when the epoch began before
//! it changes for the first time in it.
//!
//! ```text
//! sum    1   3   5   4   6   8   7  2         peak 8
//! epoch  0   0   0   1   1   1   2  2
//!                    └ falls from 5   └ falls from 8: an entry that changes from here on keeps what it had
//! ```
//!
//! Which sum is meant depends. While every block is noted it is that of the noted blocks, which is exact. The sum of blocks that were thinned
//! out goes up and down by chance, and its highest value would be the luckiest one. So from then on the moment is that of the process' own count,
//! which knows every block: each change of an entry looks whether that count has had a new highest value since the last change.
//!
//! All here happens under the lock on the tables.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64, AtomicUsize};

use super::table::Table;
use super::total;
use super::weight::{Noted, Weight};
use crate::raw::layout::{
    CHUNK_BYTES, Cell, ChunkHead, Header, HeapEntry, HeapRecord, HeapWords, KIND_HEAP, Mapped,
};
use crate::recorder::heap_record;

/// Entries of a record.
const IN_RECORD: usize =
    (CHUNK_BYTES - size_of::<ChunkHead>() - size_of::<HeapRecord>()) / size_of::<HeapEntry>();
/// Records, so that entries have numbers of sixteen bits.
const RECORDS: usize = u16::MAX as usize / IN_RECORD;
/// Slots of the table of entries.
const ENTRY_SLOTS: usize = 1 << 16;

/// Sums while there is no file.
static EARLY: HeapWords = HeapWords {
    mode: AtomicU64::new(0),
    gap: AtomicU64::new(0),
    live: AtomicU64::new(0),
    peak: AtomicU64::new(0),
    epoch: AtomicU64::new(0),
    lost_blocks: AtomicU64::new(0),
    lost_bytes: AtomicU64::new(0),
    peak_count: AtomicI64::new(0),
    elsewhere: HeapEntry {
        cell: AtomicPtr::new(core::ptr::null_mut()),
        live: AtomicU64::new(0),
        peak: AtomicU64::new(0),
        epoch: AtomicU64::new(0),
        live_variance: AtomicU64::new(0),
        peak_variance: AtomicU64::new(0),
        draw: AtomicU64::new(0),
    },
};
/// Sums in the header; null before.
static WORDS: Mapped<HeapWords> = Mapped::new(core::ptr::null_mut());
/// The entries of lines: address of the cell to number of the entry.
static ENTRIES: Table = Table::new();
/// The addresses of the records of entries.
static PLACES: [AtomicUsize; RECORDS] = [const { AtomicUsize::new(0) }; RECORDS];
/// Entries in use. The first has the number 1: 0 stands for no line.
static USED: AtomicUsize = AtomicUsize::new(0);

pub(super) fn words() -> &'static HeapWords {
    WORDS.get(Acquire).unwrap_or(&EARLY)
}

/// The recording begins: from here on the sums lie in the header.
pub(super) fn begin(header: &'static Header) {
    let words = &header.heap;
    for (from, to) in pairs(&EARLY, words) {
        to.store(from.load(Relaxed), Relaxed);
    }
    words
        .peak_count
        .store(EARLY.peak_count.load(Relaxed), Relaxed);
    WORDS.store(core::ptr::from_ref(words).cast_mut(), Release);
}

/// There is no file after all.
pub(super) fn forget_file() {
    WORDS.store(core::ptr::null_mut(), Release);
}

/// The words that both have.
fn pairs<'a>(from: &'a HeapWords, to: &'a HeapWords) -> [(&'a AtomicU64, &'a AtomicU64); 12] {
    let (from_entry, to_entry) = (&from.elsewhere, &to.elsewhere);
    [
        (&from.mode, &to.mode),
        (&from.gap, &to.gap),
        (&from.live, &to.live),
        (&from.peak, &to.peak),
        (&from.epoch, &to.epoch),
        (&from.lost_blocks, &to.lost_blocks),
        (&from.lost_bytes, &to.lost_bytes),
        (&from_entry.live, &to_entry.live),
        (&from_entry.peak, &to_entry.peak),
        (&from_entry.epoch, &to_entry.epoch),
        (&from_entry.live_variance, &to_entry.live_variance),
        (&from_entry.peak_variance, &to_entry.peak_variance),
    ]
}

/// The place of entry `index`, from 0, in a record that is there.
fn entry_at(index: usize) -> Option<&'static HeapEntry> {
    let record = PLACES.get(index / IN_RECORD)?.load(Relaxed);
    if record == 0 {
        return None;
    }
    let first = record + size_of::<HeapRecord>();
    let place = first + index % IN_RECORD * size_of::<HeapEntry>();
    // SAFETY: an entry of a record of the file, which is never unmapped.
    Some(unsafe { &*core::ptr::with_exposed_provenance::<HeapEntry>(place) })
}

/// The entry of that number.
pub(super) fn entry(number: u16) -> &'static HeapEntry {
    let index = usize::from(number).checked_sub(1);
    index.and_then(entry_at).unwrap_or(&words().elsewhere)
}

/// The number of the entry of a line, made if there is none; that of no line where there is no room.
pub(super) fn number_of(cell: *mut Cell) -> u16 {
    if cell.is_null() {
        return 0;
    }
    let key = cell.addr() as u64;
    let known = ENTRIES.get(key).and_then(|number| number.try_into().ok());
    known.or_else(|| make(cell, key)).unwrap_or(0)
}

#[cold]
fn make(cell: *mut Cell, key: u64) -> Option<u16> {
    let used = USED.load(Relaxed);
    let number = u16::try_from(used + 1).ok()?;
    let record = PLACES.get(used / IN_RECORD)?;
    if record.load(Relaxed) == 0 {
        record.store(make_record()?, Relaxed);
    }
    ENTRIES.insert(key, u64::from(number), ENTRY_SLOTS)?;
    USED.store(used + 1, Relaxed);
    entry_at(used)?.cell.store(cell, Relaxed);
    Some(number)
}

/// The address of a new record.
fn make_record() -> Option<usize> {
    let place = heap_record()?;
    // SAFETY: the record has room for its head and entries, is zeroed and aligned, and is known to nobody else.
    let record = unsafe { &*place.cast::<HeapRecord>() };
    record
        .capacity
        .store(u32::try_from(IN_RECORD).unwrap_or(0), Relaxed);
    // A reader that sees the kind sees the whole record.
    record.head.kind.store(KIND_HEAP, Release);
    Some(place.expose_provenance())
}

/// Something is about to change, as it were a fall: if the heap is at a new peak its entries keep what they have.
pub(super) fn before_change(words: &HeapWords, is_fall: bool) {
    let live = words.live.load(Relaxed);
    if words.gap.load(Relaxed) == 0 {
        if is_fall && live > words.peak.load(Relaxed) {
            begin_epoch(words, live);
        }
    } else {
        let count = total::peak();
        if count > words.peak_count.load(Relaxed) {
            words.peak_count.store(count, Relaxed);
            begin_epoch(words, live);
        }
    }
}

fn begin_epoch(words: &HeapWords, live: u64) {
    words.peak.store(live, Relaxed);
    let epoch = words.epoch.load(Relaxed).wrapping_add(1);
    words.epoch.store(epoch, Relaxed);
}

/// From here on not every block is noted: the peak so far is kept, and that of the process' count takes over.
pub(super) fn stop_being_exact(words: &HeapWords, gap: u64) {
    if words.gap.load(Relaxed) == 0 {
        before_change(words, true);
        let peak = i64::try_from(words.peak.load(Relaxed)).unwrap_or(i64::MAX);
        words.peak_count.store(total::raise_peak(peak), Relaxed);
    } else {
        before_change(words, true);
    }
    words.gap.fetch_max(gap, Relaxed);
}

/// The first change of an entry in an epoch keeps what it had.
fn keep_peak(words: &HeapWords, entry: &HeapEntry) {
    let epoch = words.epoch.load(Relaxed);
    if entry.epoch.load(Relaxed) != epoch {
        entry.peak.store(entry.live.load(Relaxed), Relaxed);
        entry
            .peak_variance
            .store(entry.live_variance.load(Relaxed), Relaxed);
        entry.epoch.store(epoch, Relaxed);
    }
}

/// A block comes.
pub(super) fn add(words: &HeapWords, noted: Noted) {
    change(
        words,
        entry(noted.entry()),
        noted.weight(),
        u64::wrapping_add,
    );
}

/// A block goes.
pub(super) fn subtract(words: &HeapWords, noted: Noted) {
    change(
        words,
        entry(noted.entry()),
        noted.weight(),
        u64::wrapping_sub,
    );
}

fn change(words: &HeapWords, entry: &HeapEntry, weight: Weight, how: fn(u64, u64) -> u64) {
    keep_peak(words, entry);
    for (word, amount) in [
        (&words.live, weight.bytes),
        (&entry.live, weight.bytes),
        (&entry.live_variance, weight.variance),
    ] {
        word.store(how(word.load(Relaxed), amount), Relaxed);
    }
}

/// What must be as it was once a block has been noted that is none.
pub(super) fn kept_peak(words: &HeapWords) -> impl FnOnce() + '_ {
    let kept = [
        &words.peak,
        &words.epoch,
        &words.elsewhere.peak,
        &words.elsewhere.peak_variance,
        &words.elsewhere.epoch,
    ]
    .map(|word| (word, word.load(Relaxed)));
    let count = words.peak_count.load(Relaxed);
    move || {
        for (word, value) in kept {
            word.store(value, Relaxed);
        }
        words.peak_count.store(count, Relaxed);
    }
}

/// In a forked child, whose file is a copy: all sums are 0, and entries that its parent made later are free.
pub(super) fn restart() {
    let words = words();
    for word in [
        &words.live,
        &words.peak,
        &words.epoch,
        &words.lost_blocks,
        &words.lost_bytes,
    ] {
        word.store(0, Relaxed);
    }
    words.peak_count.store(0, Relaxed);
    zero(&words.elsewhere);
    let used = USED.load(Relaxed);
    for index in used.. {
        if index.is_multiple_of(IN_RECORD) {
            // Of a record that is not there, or of one without an entry in use.
            match PLACES.get(index / IN_RECORD) {
                Some(record) if record.load(Relaxed) != 0 => {}
                _ => break,
            }
        }
        let Some(entry) = entry_at(index) else { break };
        entry.cell.store(core::ptr::null_mut(), Relaxed);
        zero(entry);
    }
}

/// Sets an entry to 0, but for its cell.
pub(crate) fn zero(entry: &HeapEntry) {
    for word in [
        &entry.live,
        &entry.peak,
        &entry.epoch,
        &entry.live_variance,
        &entry.peak_variance,
        &entry.draw,
    ] {
        word.store(0, Relaxed);
    }
}
