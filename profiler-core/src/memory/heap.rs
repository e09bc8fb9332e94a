//! Live bytes by line: which blocks are noted, and what they stand for.
//!
//! A block is noted when it is allocated, with the line that runs, and taken off when it is freed. By default chance decides which:
//! every byte allocated is a mark with a probability of one in 512 KiB, and a block with a mark in it is noted. A block of `s` bytes is so
//! noted with probability `p = 1 - exp(-s / 512 KiB)` and stands for `s / p` bytes, which is right in the mean for every size: a large
//! block stands for itself, a small one for the half MiB of small ones of which it was picked. With `HPROF_ALLOC_EXACT` every block is
//! noted and stands for itself.
//!
//! The peak of a line is what its blocks stood for when the sum of all was at its highest. Nothing is copied for that: a fall from a new
//! highest sum begins an *epoch*, and an entry remembers what it had when the epoch began before it changes for the first time in it.
//!
//! ```text
//! sum    1   3   5   4   6   8   7  2         peak 8
//! epoch  0   0   0   1   1   1   2  2
//!                    └ falls from 5   └ falls from 8: an entry that changes from here on keeps what it had
//! ```
//!
//! Freeing a block that is not noted costs one look into the [filter](is_maybe_noted). All else here happens seldom, under one lock, in
//! memory that the recorder owns: the allocator is never asked.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};

use super::table::Table;
use crate::env;
use crate::raw::layout::{
    Cell, HEAP_EXACT, HEAP_SAMPLED, Header, HeapEntry, HeapRecord, HeapWords, KIND_HEAP,
};
use crate::recorder::{Local, header, heap_record, is_sink, running, with_local};

/// Mean of the bytes allocated from one mark to the next.
const GAP: u64 = 512 * 1024;
/// Variance of one gap, in the unit of `HeapEntry::live_doubt`.
const DOUBT: f64 = 1024.0;
/// Bytes that a thread may allocate before the allocator looks up, at most.
pub(super) const TICK: i64 = 32 * 1024;
/// Slots of the table of blocks, where a sample is noted: as many as 12 GiB of small blocks need.
const SAMPLED_SLOTS: usize = 1 << 15;
/// Bytes of `HPROF_SPACE` for each of its slots where all are: it may take four times that space, in memory.
const SPACE_PER_SLOT: usize = 4;
/// Slots of the table of entries.
const ENTRY_SLOTS: usize = 1 << 16;
/// Turns that a thread waits for the lock; the first of them without giving up the processor.
const PATIENCE: u32 = 200_000;
const SPINS: u32 = 100;

/// Nobody has asked yet.
const UNDECIDED: u32 = 0;
/// Nothing is noted: there is no recording, or none yet.
const OFF: u32 = 1;
/// A sample of the blocks is.
const SAMPLED: u32 = 2;
/// All blocks are, from the first allocation of the process on.
const EXACT: u32 = 3;

static MODE: AtomicU32 = AtomicU32::new(UNDECIDED);
/// Sums while there is no file.
static EARLY: HeapWords = HeapWords {
    mode: AtomicU64::new(0),
    gap: AtomicU64::new(0),
    live: AtomicU64::new(0),
    peak: AtomicU64::new(0),
    epoch: AtomicU64::new(0),
    lost_blocks: AtomicU64::new(0),
    lost_bytes: AtomicU64::new(0),
    blocks: AtomicU64::new(0),
    elsewhere: HeapEntry {
        cell: AtomicPtr::new(core::ptr::null_mut()),
        live: AtomicU64::new(0),
        peak: AtomicU64::new(0),
        epoch: AtomicU64::new(0),
        live_doubt: AtomicU64::new(0),
        peak_doubt: AtomicU64::new(0),
    },
};
/// Sums in the header; null before.
static WORDS: AtomicPtr<HeapWords> = AtomicPtr::new(core::ptr::null_mut());
/// The noted blocks: address to [`Noted`].
static BLOCKS: Table = Table::new();
/// Slots that `BLOCKS` may have.
static BLOCK_LIMIT: AtomicUsize = AtomicUsize::new(SAMPLED_SLOTS);
/// The entries of lines: address of the cell to address of the entry.
static ENTRIES: Table = Table::new();
/// The free part of the newest record of entries.
static FREE: AtomicUsize = AtomicUsize::new(0);
static FREE_END: AtomicUsize = AtomicUsize::new(0);
/// Number of threads that have drawn random numbers.
static SEEDS: AtomicU64 = AtomicU64::new(0);

/// Who holds the lock, by the address of its [`Local`]; 0 if nobody does.
static OWNER: AtomicUsize = AtomicUsize::new(0);

/// Number of bytes of the filter.
const FILTER: usize = 1 << 16;
/// For each class of addresses how many blocks of it are noted; what reaches 255 stays. Whoever frees a block has got it from the thread
/// that allocated it, so it sees what that thread stored.
static NOTED: [AtomicU8; FILTER] = [const { AtomicU8::new(0) }; FILTER];

/// The class of a block: neighbours of one MiB share no class, and lie side by side in the filter.
#[inline(always)]
fn class(block: *mut u8) -> &'static AtomicU8 {
    let address = block.addr();
    let index = ((address >> 4) ^ (address >> 20)) & (FILTER - 1);
    &NOTED[index]
}

/// Whether the block may be noted.
#[inline(always)]
pub(super) fn is_maybe_noted(block: *mut u8) -> bool {
    class(block).load(Relaxed) != 0
}

/// The lock on everything here but the filter.
struct Lock(());

impl Lock {
    /// `None` if this thread holds it, in a handler that interrupted it, or if nobody lets it go.
    fn take() -> Option<Self> {
        let me = with_local(|local| core::ptr::from_ref(local).addr());
        for turn in 0..PATIENCE {
            match OWNER.compare_exchange(0, me, Acquire, Relaxed) {
                Ok(_) => return Some(Self(())),
                Err(owner) if owner == me => return None,
                Err(_) if turn < SPINS => core::hint::spin_loop(),
                // SAFETY: no arguments.
                Err(_) => drop(unsafe { libc::sched_yield() }),
            }
        }
        None
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        OWNER.store(0, Release);
    }
}

/// What the table keeps of a block, in one word: the entry of its line, as a distance from the header in units of an entry, and the
/// size. 0 stands for no line.
#[derive(Clone, Copy)]
struct Noted(u64);

impl Noted {
    const SIZE_BITS: u32 = 38;
    /// A block of 256 GiB or more counts as that.
    const LARGEST: u64 = (1 << Self::SIZE_BITS) - 1;

    fn new(entry: &HeapEntry, size: u64) -> Self {
        let distance = header().map_or(0, |header| {
            core::ptr::from_ref(entry)
                .addr()
                .wrapping_sub(core::ptr::from_ref(header).addr())
        });
        let index = (distance / size_of::<HeapEntry>()) as u64;
        let in_file = core::ptr::eq(entry, elsewhere()) || index >> (64 - Self::SIZE_BITS) != 0;
        let index = if in_file { 0 } else { index };
        Self(index << Self::SIZE_BITS | size.min(Self::LARGEST))
    }

    fn size(self) -> u64 {
        self.0 & Self::LARGEST
    }

    fn entry(self) -> &'static HeapEntry {
        let index = crate::recorder::word(self.0 >> Self::SIZE_BITS);
        match header() {
            Some(header) if index != 0 => {
                let place = core::ptr::from_ref(header)
                    .cast::<HeapEntry>()
                    .wrapping_add(index);
                // SAFETY: made of the address of an entry of the file, which is never unmapped.
                unsafe { &*place }
            }
            _ => elsewhere(),
        }
    }
}

/// What one block stands for.
#[derive(Clone, Copy)]
struct Weight {
    bytes: u64,
    doubt: u64,
}

impl Weight {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "positive, and a size loses nothing that matters"
    )]
    fn of(size: u64) -> Self {
        if MODE.load(Relaxed) == EXACT {
            return Self {
                bytes: size,
                doubt: 0,
            };
        }
        let gap = GAP as f64;
        let size = size.max(1) as f64 / gap;
        let missed = (-size).exp();
        let weight = size / -(-size).exp_m1();
        Self {
            bytes: (weight * gap).round() as u64,
            doubt: (weight * weight * missed * DOUBT).round() as u64,
        }
    }
}

fn words() -> &'static HeapWords {
    // SAFETY: null, or those of the header, which is never unmapped.
    unsafe { WORDS.load(Acquire).as_ref() }.unwrap_or(&EARLY)
}

fn elsewhere() -> &'static HeapEntry {
    &words().elsewhere
}

/// The mode, chosen at the first allocation of the process.
fn mode() -> u32 {
    match MODE.load(Relaxed) {
        UNDECIDED => decide(),
        mode => mode,
    }
}

#[cold]
fn decide() -> u32 {
    let exact = variable(env::ALLOC_EXACT, |value| value == b"1")
        && variable(env::DIR, |value| !value.is_empty());
    let wanted = if exact { EXACT } else { OFF };
    match MODE.compare_exchange(UNDECIDED, wanted, Relaxed, Relaxed) {
        Ok(_) => {
            if exact {
                fill_filter(u8::MAX);
                EARLY.mode.store(HEAP_EXACT, Relaxed);
            }
            wanted
        }
        Err(mode) => mode,
    }
}

/// Whether a variable of the environment is there and accepted. Asks the system: the standard library would allocate.
pub(crate) fn variable(name: &str, accept: fn(&[u8]) -> bool) -> bool {
    let mut terminated = [0_u8; 32];
    for (to, from) in terminated.iter_mut().zip(name.bytes()) {
        *to = from;
    }
    // SAFETY: the names of the variables are shorter than that, so it is terminated. Nobody changes the environment before the first
    // allocation.
    let value = unsafe { libc::getenv(terminated.as_ptr().cast()) };
    // SAFETY: what the system returns is terminated.
    !value.is_null() && accept(unsafe { core::ffi::CStr::from_ptr(value) }.to_bytes())
}

fn fill_filter(with: u8) {
    for class in &NOTED {
        class.store(with, Relaxed);
    }
}

/// Whether our allocator is the program's: nothing is as early as the first allocation.
pub(super) fn is_asked() -> bool {
    MODE.load(Relaxed) != UNDECIDED
}

/// The recording begins: from here on the sums lie in the header.
pub(super) fn begin(header: &'static Header, space: usize) {
    let exact = mode() == EXACT;
    let Some(lock) = Lock::take() else { return };
    let words = &header.heap;
    for (from, to) in pairs(&EARLY, words) {
        to.store(from.load(Relaxed), Relaxed);
    }
    if exact {
        BLOCK_LIMIT.store(space / SPACE_PER_SLOT, Relaxed);
    } else {
        words.mode.store(HEAP_SAMPLED, Relaxed);
        words.gap.store(GAP, Relaxed);
        MODE.store(SAMPLED, Relaxed);
    }
    WORDS.store(core::ptr::from_ref(words).cast_mut(), Release);
    rehearse(&lock);
}

/// Notes a block that is none, so that the pages of this code are there before the resident set is read.
fn rehearse(lock: &Lock) {
    let words = words();
    let before = [&words.peak, &words.epoch].map(|word| word.load(Relaxed));
    let kept = [&words.elsewhere.peak, &words.elsewhere.epoch].map(|word| word.load(Relaxed));
    let block = core::ptr::without_provenance_mut(16);
    core::hint::black_box(with_local(next_gap));
    if keep(lock, elsewhere(), block, GAP).is_some() {
        forget(lock, block);
    }
    words.peak.store(before[0], Relaxed);
    words.epoch.store(before[1], Relaxed);
    words.elsewhere.peak.store(kept[0], Relaxed);
    words.elsewhere.epoch.store(kept[1], Relaxed);
}

/// The words that both have.
fn pairs<'a>(from: &'a HeapWords, to: &'a HeapWords) -> [(&'a AtomicU64, &'a AtomicU64); 10] {
    [
        (&from.mode, &to.mode),
        (&from.live, &to.live),
        (&from.peak, &to.peak),
        (&from.epoch, &to.epoch),
        (&from.lost_blocks, &to.lost_blocks),
        (&from.lost_bytes, &to.lost_bytes),
        (&from.blocks, &to.blocks),
        (&from.elsewhere.live, &to.elsewhere.live),
        (&from.elsewhere.peak, &to.elsewhere.peak),
        (&from.elsewhere.epoch, &to.elsewhere.epoch),
    ]
}

/// Nothing is recorded after all.
pub(crate) fn give_up() {
    MODE.store(OFF, Relaxed);
    WORDS.store(core::ptr::null_mut(), Relaxed);
    fill_filter(0);
}

/// A block was allocated, the last of so many bytes since the thread looked up: is it noted, and how far is it to the next look?
pub(super) fn look_up(local: &Local, block: *mut u8, size: usize, allocated: i64) {
    let grant = match mode() {
        EXACT => {
            note(running_cell(local), block, size);
            0
        }
        SAMPLED => {
            let mut until = if local.random.get() == 0 {
                // What was allocated before the recording began does not count.
                seed(local);
                next_gap(local).wrapping_sub(signed(size))
            } else {
                local.until_note.get().wrapping_sub(allocated)
            };
            if until < 0 {
                note(running_cell(local), block, size);
                // The distance to the next mark does not depend on where the last one was.
                until = next_gap(local);
            }
            local.until_note.set(until);
            until.min(TICK)
        }
        _ => TICK,
    };
    local.left.set(grant);
    local.granted.set(grant);
}

/// A size as a signed number. No allocation is larger than `isize::MAX`.
const fn signed(size: usize) -> i64 {
    size as i64
}

fn running_cell(local: &Local) -> *mut Cell {
    let thread = local.record.get();
    if is_sink(thread) {
        return core::ptr::null_mut();
    }
    core::ptr::from_ref(running(thread)).cast_mut()
}

fn seed(local: &Local) {
    let number = SEEDS.fetch_add(1, Relaxed) + 1;
    // Splitmix: threads that follow each other begin far apart. Never 0 for such numbers.
    let mut seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    local.random.set((seed ^ (seed >> 31)) | 1);
}

/// Bytes to the next mark: exponentially distributed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "53 random bits, and a gap of less than 40 times the mean"
)]
fn next_gap(local: &Local) -> i64 {
    let mut random = local.random.get();
    // Xorshift.
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    local.random.set(random);
    let unit = ((random >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    (-unit.ln() * GAP as f64) as i64
}

/// Notes a block of a line; null for none.
#[cold]
fn note(cell: *mut Cell, block: *mut u8, size: usize) {
    let kept = Lock::take().and_then(|lock| {
        // A block that could not be taken off when it was freed.
        forget(&lock, block);
        keep(&lock, entry_of(&lock, cell), block, size as u64)
    });
    if kept.is_none() {
        words().lost_blocks.fetch_add(1, Relaxed);
        words().lost_bytes.fetch_add(size as u64, Relaxed);
    }
}

/// Enters a block, under the lock.
fn keep(_lock: &Lock, entry: &HeapEntry, block: *mut u8, size: u64) -> Option<()> {
    let noted = Noted::new(entry, size);
    let limit = BLOCK_LIMIT.load(Relaxed);
    BLOCKS.insert(block.addr() as u64, noted.0, limit)?;
    let class = class(block);
    class.store(class.load(Relaxed).saturating_add(1), Relaxed);
    let words = words();
    let weight = Weight::of(noted.size());
    begin_change(words, noted.entry());
    change(words, noted.entry(), weight, u64::wrapping_add);
    words.blocks.store(BLOCKS.len() as u64, Relaxed);
    Some(())
}

/// A block is freed, or moved by a reallocation: takes it off if it is noted.
#[cold]
pub(super) fn take_off(block: *mut u8) -> Option<TakenOff> {
    let lock = Lock::take()?;
    forget(&lock, block)
}

/// A block that was taken off.
#[derive(Clone, Copy)]
pub(super) struct TakenOff(Noted);

/// It was not freed after all.
#[cold]
pub(super) fn put_back(block: *mut u8, taken: TakenOff) {
    if let Some(lock) = Lock::take() {
        let _ = keep(&lock, taken.0.entry(), block, taken.0.size());
    }
}

/// Takes a block off if it is noted, under the lock.
fn forget(_lock: &Lock, block: *mut u8) -> Option<TakenOff> {
    let noted = Noted(BLOCKS.remove(block.addr() as u64)?);
    let class = class(block);
    if class.load(Relaxed) != u8::MAX {
        class.store(class.load(Relaxed).saturating_sub(1), Relaxed);
    }
    let words = words();
    let live = words.live.load(Relaxed);
    if live > words.peak.load(Relaxed) {
        words.peak.store(live, Relaxed);
        words
            .epoch
            .store(words.epoch.load(Relaxed).wrapping_add(1), Relaxed);
    }
    let weight = Weight::of(noted.size());
    begin_change(words, noted.entry());
    change(words, noted.entry(), weight, u64::wrapping_sub);
    words.blocks.store(BLOCKS.len() as u64, Relaxed);
    Some(TakenOff(noted))
}

/// The first change of an entry in an epoch keeps what it had.
fn begin_change(words: &HeapWords, entry: &HeapEntry) {
    let epoch = words.epoch.load(Relaxed);
    if entry.epoch.load(Relaxed) != epoch {
        entry.peak.store(entry.live.load(Relaxed), Relaxed);
        entry
            .peak_doubt
            .store(entry.live_doubt.load(Relaxed), Relaxed);
        entry.epoch.store(epoch, Relaxed);
    }
}

fn change(words: &HeapWords, entry: &HeapEntry, weight: Weight, how: fn(u64, u64) -> u64) {
    for (word, amount) in [
        (&words.live, weight.bytes),
        (&entry.live, weight.bytes),
        (&entry.live_doubt, weight.doubt),
    ] {
        word.store(how(word.load(Relaxed), amount), Relaxed);
    }
}

/// The entry of a line, made if there is none; that of no line where there is no room.
fn entry_of(lock: &Lock, cell: *mut Cell) -> &'static HeapEntry {
    if cell.is_null() {
        return elsewhere();
    }
    let key = cell.addr() as u64;
    let place = match ENTRIES.get(key) {
        Some(place) => crate::recorder::word(place),
        None => match new_entry(lock) {
            Some(place) if ENTRIES.insert(key, place as u64, ENTRY_SLOTS).is_some() => {
                FREE.store(place + size_of::<HeapEntry>(), Relaxed);
                place
            }
            _ => return elsewhere(),
        },
    };
    // SAFETY: an entry of a record of the file, which is never unmapped.
    let entry = unsafe { &*core::ptr::with_exposed_provenance::<HeapEntry>(place) };
    entry.cell.store(cell, Relaxed);
    entry
}

/// The address of the next free entry.
fn new_entry(_lock: &Lock) -> Option<usize> {
    let free = FREE.load(Relaxed);
    if free < FREE_END.load(Relaxed) {
        return Some(free);
    }
    let (place, bytes) = heap_record()?;
    // SAFETY: the record has room for its head and entries, is zeroed and aligned, and is known to nobody else.
    let record = unsafe { &*place.cast::<HeapRecord>() };
    let entries = (bytes - size_of::<HeapRecord>()) / size_of::<HeapEntry>();
    record
        .capacity
        .store(u32::try_from(entries).unwrap_or(0), Relaxed);
    // A reader that sees the kind sees the whole record.
    record.head.kind.store(KIND_HEAP, Release);
    let first = place
        .wrapping_add(size_of::<HeapRecord>())
        .expose_provenance();
    FREE_END.store(first + entries * size_of::<HeapEntry>(), Relaxed);
    Some(first)
}

/// Before a fork: the tables are whole in the child.
pub(crate) fn before_fork() {
    // Let go after the fork.
    let _lock = core::mem::ManuallyDrop::new(Lock::take());
}

/// After it, in the parent and in the child.
pub(crate) fn after_fork() {
    let me = with_local(|local| core::ptr::from_ref(local).addr());
    let _ = OWNER.compare_exchange(me, 0, Release, Relaxed);
}

/// In a forked child, whose entries are at 0: what was live at the fork is live here, and the peak begins with it.
pub(crate) fn restart_after_fork() {
    OWNER.store(0, Relaxed);
    let Some(lock) = Lock::take() else { return };
    rehearse(&lock);
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
    zero(&words.elsewhere);
    BLOCKS.for_each(|_, value| {
        let noted = Noted(value);
        change(
            words,
            noted.entry(),
            Weight::of(noted.size()),
            u64::wrapping_add,
        );
    });
    words.blocks.store(BLOCKS.len() as u64, Relaxed);
}

/// Sets an entry to 0, but for its cell.
pub(crate) fn zero(entry: &HeapEntry) {
    for word in [
        &entry.live,
        &entry.peak,
        &entry.epoch,
        &entry.live_doubt,
        &entry.peak_doubt,
    ] {
        word.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What blocks of one size add up to, as noted, and the standard deviation that is claimed.
    #[expect(clippy::cast_precision_loss, reason = "sums of a test")]
    fn estimated(size: u64, blocks: u64) -> (f64, f64) {
        with_local(|local| {
            seed(local);
            let weight = Weight::of(size);
            let (mut bytes, mut doubt) = (0.0, 0.0);
            let mut until = next_gap(local);
            for _ in 0..blocks {
                until -= i64::try_from(size).unwrap();
                if until < 0 {
                    bytes += weight.bytes as f64;
                    doubt += weight.doubt as f64;
                    until = next_gap(local);
                }
            }
            (bytes, (doubt / DOUBT).sqrt() * GAP as f64)
        })
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "sums of a test")]
    fn blocks_of_every_size_add_up_to_what_was_allocated() {
        for size in [48, 4_096, 100_000, GAP, 3 * GAP, 64 * GAP] {
            let blocks = (2_000 * GAP / size).max(2_000);
            let truth = (size * blocks) as f64;
            let (bytes, deviation) = estimated(size, blocks);
            let off = (bytes - truth).abs();
            // A byte of rounding for each block is no error of sampling.
            assert!(
                off < 4.0 * deviation + blocks as f64,
                "{size}: {bytes} of {truth}"
            );
            // Sampling costs no more than one gap for each gap allocated, and next to nothing for large blocks.
            assert!(
                deviation < 1.1 * (truth * GAP as f64).sqrt(),
                "{size}: {deviation}"
            );
            if size > 32 * GAP {
                assert!(deviation < 0.001 * truth, "{size}: {deviation}");
            }
        }
    }

    #[test]
    fn a_noted_block_is_one_word() {
        for size in [1, 4096, Noted::LARGEST, u64::MAX] {
            let noted = Noted::new(elsewhere(), size);
            assert_eq!(noted.size(), size.min(Noted::LARGEST));
            assert!(core::ptr::eq(noted.entry(), elsewhere()));
        }
    }
}
