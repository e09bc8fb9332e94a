//! Live bytes by line: which blocks are noted.
//!
//! A block is noted when it is allocated, with the line that runs, and taken off when it is freed: every block while that is cheap, from the
//! first allocation of the process on; then they are thinned out, and fewer of those that follow are noted. `weight` says what a noted block
//! stands for, `budget` how many may be noted, `entries` what each line has. With `HPROF_ALLOC_EXACT` every block is noted, whatever
//! it costs.
//!
//! Freeing a block that is not noted costs one look into the [filter](is_maybe_noted). All else here happens seldom, under one lock, in
//! memory that the recorder owns: the allocator is never asked.

use core::cell::Cell as StdCell;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};

pub(crate) use super::entries::zero;
use super::lock::{self, Lock, is_forking};
use super::protocol::{self, Answer};
use super::table::Table;
use super::total::{self, TICK};
use super::weight::{Draw, MAX_LEVEL, Noted, gap, random, seed, to_next_mark};
use super::{budget, deferred, entries};
use crate::env;
use crate::raw::layout::{Cell, FLAG_ALLOC, HEAP_FROM_RECORDING, HEAP_FROM_START, Header};
use crate::recorder::{Local, header, is_sink, running, with_local, word};

/// Slots of the table of blocks where they may be thinned out: 2 MiB, for a hundred thousand blocks.
const SLOTS: usize = 1 << 17;
/// Bytes of `HPROF_SPACE` for each of its slots where they may not: it may take four times that space, in memory.
const SPACE_PER_SLOT: usize = 4;

/// Nobody has asked yet.
const UNDECIDED: u32 = 0;
/// Nothing is noted: nobody wants a recording.
const OFF: u32 = 1;
/// As many blocks as the budget allows.
const CHEAP: u32 = 2;
/// All blocks.
const ALL: u32 = 3;

static MODE: AtomicU32 = AtomicU32::new(UNDECIDED);
/// What is noted of the blocks that come; see `weight`.
static LEVEL: AtomicU32 = AtomicU32::new(0);
/// The noted blocks: address to [`Noted`].
static BLOCKS: Table = Table::new();
/// Slots that `BLOCKS` may have.
static LIMIT: AtomicUsize = AtomicUsize::new(SLOTS);
/// Number of threads that have drawn random numbers.
static SEEDS: AtomicU64 = AtomicU64::new(0);
/// Times that blocks were thinned out, and the random numbers for that.
static THINNINGS: AtomicU32 = AtomicU32::new(0);
static RANDOM: AtomicU64 = AtomicU64::new(0);
/// Blocks that found no room since the sums were last written, and their bytes.
static LOST_BLOCKS: AtomicU64 = AtomicU64::new(0);
static LOST_BYTES: AtomicU64 = AtomicU64::new(0);

/// Whether the lock is held for the fork that is under way, so that the tables are whole in the child; and live bytes of the process at
/// that moment.
static FORK_IS_WHOLE: AtomicBool = AtomicBool::new(false);
static LIVE_AT_FORK: AtomicI64 = AtomicI64::new(0);

/// Number of bytes of the filter.
const FILTER: usize = 1 << 16;
/// For each class of addresses how many blocks of it are noted.
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
    protocol::is_maybe_noted(class(block))
}

/// Does something under the lock and says what came of asking for it. In between a budget is kept.
fn locked<R>(work: impl FnOnce(&Lock) -> R) -> Result<R, Answer> {
    let cheap = MODE.load(Relaxed) == CHEAP;
    let began = if cheap { budget::begin() } else { None };
    let lock = lock::take()?;
    let result = work(&lock);
    if cheap && budget::end(began) {
        keep_budget(&lock);
    }
    Ok(result)
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
    let is_wanted = variable(env::DIR, |value| !value.is_empty());
    let wanted = match is_wanted {
        false => OFF,
        true if variable(env::ALLOC_EXACT, |value| value == b"1") => ALL,
        true => CHEAP,
    };
    match MODE.compare_exchange(UNDECIDED, wanted, Relaxed, Relaxed) {
        Ok(_) => {
            if is_wanted {
                entries::words().mode.store(HEAP_FROM_START, Relaxed);
                total::watch_threads();
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

/// The recording begins, with so much space: takes over what was counted before. Where our allocator is not the program's nobody has asked for a
/// mode: nothing is as early as the first allocation.
pub(crate) fn adopt_counters(header: &'static Header, space: usize) {
    total::adopt(header);
    if MODE.load(Relaxed) != UNDECIDED {
        header.flags.fetch_or(FLAG_ALLOC, Relaxed);
        begin(header, space);
        total::note_most_threads(header);
    }
}

/// From here on the sums lie in the header.
fn begin(header: &'static Header, space: usize) {
    let mode = mode();
    let begun = locked(|lock| {
        entries::begin(header);
        match mode {
            // The program has set the variables itself, and late.
            OFF => {
                entries::words().mode.store(HEAP_FROM_RECORDING, Relaxed);
                MODE.store(CHEAP, Relaxed);
            }
            ALL => LIMIT.store(space / SPACE_PER_SLOT, Relaxed),
            _ => {}
        }
        rehearse(lock);
    });
    if begun.is_ok() {
        total::watch_threads();
    }
}

/// Notes a block that is none, so that the pages of this code are there before the resident set is read.
fn rehearse(lock: &Lock) {
    let words = entries::words();
    let restore = entries::kept_peak(words);
    let block = core::ptr::without_provenance_mut(16);
    with_local(|local| core::hint::black_box(to_next_mark(&local.random, MAX_LEVEL)));
    let noted = Noted::new(0, LEVEL.load(Relaxed), 1);
    if keep(lock, block, noted).is_some() {
        forget(lock, block);
    }
    restore();
}

/// Nothing is recorded after all.
pub(crate) fn give_up() {
    MODE.store(OFF, Relaxed);
    entries::forget_file();
    for class in &NOTED {
        class.store(0, Relaxed);
    }
}

/// A block was allocated, the last of so many bytes since the thread looked up. It is noted, or not; returns how far it is to the next
/// look.
pub(super) fn look_up(local: &Local, block: *mut u8, size: usize, allocated: i64) -> i64 {
    if mode() == OFF {
        return TICK;
    }
    let mut allocated = allocated;
    if local.random.get() == 0 {
        // What was allocated before anybody noted anything does not count.
        local.random.set(seed(SEEDS.fetch_add(1, Relaxed) + 1));
        begin_level(local, LEVEL.load(Relaxed));
        allocated = size as i64;
    }
    let level = local.level.get();
    let until = local.until_note.get().wrapping_sub(allocated);
    let is_noted = level == 0 || until < 0;
    if is_noted {
        note(
            running_cell(local),
            block,
            Noted::new(0, level, size as u64),
        );
    }
    // The distance to the next mark depends neither on where the last one was nor on how much of it is behind us.
    let newest = LEVEL.load(Relaxed);
    if is_noted || newest != level {
        begin_level(local, newest);
    } else {
        local.until_note.set(until);
    }
    if newest == 0 {
        0
    } else {
        local.until_note.get().min(TICK)
    }
}

fn begin_level(local: &Local, level: u32) {
    local.level.set(level);
    local.until_note.set(to_next_mark(&local.random, level));
}

fn running_cell(local: &Local) -> *mut Cell {
    let thread = local.record.get();
    if is_sink(thread) {
        return core::ptr::null_mut();
    }
    core::ptr::from_ref(running(thread)).cast_mut()
}

/// Notes a block of a line; null for none.
#[cold]
fn note(cell: *mut Cell, block: *mut u8, noted: Noted) {
    let kept = match locked(|lock| {
        // A block that could not be taken off when it was freed.
        forget(lock, block);
        keep(lock, block, noted.of_entry(entries::number_of(cell)))
    }) {
        Ok(kept) => kept,
        Err(Answer::Forking) => defer(block, noted, cell),
        Err(_) => None,
    };
    if kept.is_none() {
        lose(noted.size());
    }
}

/// The process forks: the block is noted later.
fn defer(block: *mut u8, noted: Noted, cell: *mut Cell) -> Option<()> {
    deferred::allocated(block, noted, cell)?;
    // So that whoever frees it comes here.
    protocol::raise(class(block));
    Some(())
}

fn lose(bytes: u64) {
    if is_forking() {
        LOST_BLOCKS.fetch_add(1, Relaxed);
        LOST_BYTES.fetch_add(bytes, Relaxed);
    } else {
        entries::words().lost_blocks.fetch_add(1, Relaxed);
        entries::words().lost_bytes.fetch_add(bytes, Relaxed);
    }
}

/// Enters a block, under the lock.
fn keep(lock: &Lock, block: *mut u8, noted: Noted) -> Option<()> {
    let words = entries::words();
    let key = block.addr() as u64;
    let limit = LIMIT.load(Relaxed);
    while BLOCKS.is_at_its_limit(limit) && MODE.load(Relaxed) == CHEAP {
        let level = LEVEL.load(Relaxed) + 1;
        if level > MAX_LEVEL {
            break;
        }
        budget::timed(|| thin(lock, level));
    }
    // Blocks of other levels may stand beside each other: this one was drawn at its own.
    if BLOCKS.needs_to_grow() {
        budget::timed(|| BLOCKS.make_room(limit));
    }
    BLOCKS.insert(key, noted.0, limit)?;
    protocol::raise(class(block));
    if words.gap.load(Relaxed) != 0 {
        entries::before_change(words, false);
    }
    entries::add(words, noted);
    Some(())
}

/// A block is freed, or moved by a reallocation: takes it off if it is noted.
#[cold]
pub(super) fn take_off(block: *mut u8) -> Option<TakenOff> {
    match locked(|lock| forget(lock, block)) {
        Ok(taken) => taken.map(TakenOff),
        Err(Answer::Forking) => take_off_later(block).map(TakenOff),
        Err(_) => None,
    }
}

/// The process forks: the block is taken off later.
fn take_off_later(block: *mut u8) -> Option<Noted> {
    let known = BLOCKS.get(block.addr() as u64).map(Noted);
    match deferred::freed(block, known.is_some()) {
        Some(Some(noted)) => {
            protocol::lower(class(block));
            Some(noted)
        }
        Some(None) => known,
        None => {
            lose(known.map_or(0, Noted::size));
            None
        }
    }
}

/// A block that was taken off.
#[derive(Clone, Copy)]
pub(super) struct TakenOff(Noted);

/// It was not freed after all.
#[cold]
pub(super) fn put_back(block: *mut u8, taken: TakenOff) {
    match locked(|lock| keep(lock, block, taken.0)) {
        Ok(Some(())) => {}
        Err(Answer::Forking) if defer(block, taken.0, core::ptr::null_mut()).is_some() => {}
        _ => lose(taken.0.size()),
    }
}

/// Takes a block off if it is noted, under the lock.
fn forget(_lock: &Lock, block: *mut u8) -> Option<Noted> {
    let noted = Noted(BLOCKS.remove(block.addr() as u64)?);
    protocol::lower(class(block));
    let words = entries::words();
    entries::before_change(words, true);
    entries::subtract(words, noted);
    Some(noted)
}

/// Looks at what noting has cost, and notes fewer blocks from here on, or more.
#[cold]
fn keep_budget(lock: &Lock) {
    let level = LEVEL.load(Relaxed);
    let wanted = budget::level(level);
    if wanted > level {
        budget::timed(|| thin(lock, wanted));
    }
    LEVEL.store(wanted, Relaxed);
}

/// Thins out the blocks noted below a level; no more than those are noted from here on.
#[cold]
fn thin(_lock: &Lock, level: u32) {
    let words = entries::words();
    entries::stop_being_exact(words, gap(level));
    LEVEL.store(level, Relaxed);
    let thinning = THINNINGS.load(Relaxed).wrapping_add(1);
    THINNINGS.store(thinning, Relaxed);
    let state = StdCell::new(RANDOM.load(Relaxed).max(1));
    if RANDOM.load(Relaxed) == 0 {
        state.set(seed(SEEDS.fetch_add(1, Relaxed) + 1));
    }
    BLOCKS.retain(|key, value| {
        let noted = Noted(value);
        let (higher, chance) = noted.thinned(level);
        if higher == noted {
            return Some(value);
        }
        let sum = &entries::entry(noted.entry()).draw;
        entries::subtract(words, noted);
        if chance < 1 << 32 && !(Draw { sum }).keeps(thinning, chance, &state) {
            protocol::lower(class(core::ptr::without_provenance_mut(word(key))));
            return None;
        }
        entries::add(words, higher);
        Some(higher.0)
    });
    random(&state);
    RANDOM.store(state.get(), Relaxed);
}

/// Before a fork, from the lock on to the moment at which the child begins: counts the chunks that are handed out, and holds the lock, so
/// that the tables are whole in the child and no chunk is handed out under it in between.
pub(crate) fn before_fork(count_chunks: impl FnOnce() -> u64) -> u64 {
    let (whole, chunks) = lock::before_fork(count_chunks);
    FORK_IS_WHOLE.store(whole, Relaxed);
    LIVE_AT_FORK.store(total::live(), Relaxed);
    chunks
}

/// After a fork, in the parent.
pub(crate) fn after_fork_in_parent() {
    if is_forking() {
        catch_up(&lock::of_fork());
    }
}

/// In a forked child of a process that does not record: the sums lie in its own memory.
pub(crate) fn after_fork_without_file() {
    if is_whole_in_child() {
        catch_up(&lock::of_fork());
    }
}

/// Whether the tables are as they should be in a forked child, which holds the lock then. If another thread was at them, which is not here
/// to finish, nothing is noted any more.
fn is_whole_in_child() -> bool {
    let whole = FORK_IS_WHOLE.load(Relaxed) && is_forking() && mode() != OFF;
    if !whole {
        give_up_in_child();
    }
    whole
}

/// Notes what was written down since the lock was taken for the fork.
fn catch_up(lock: &Lock) {
    let words = entries::words();
    deferred::take_all(|block, allocated| match allocated {
        None => drop(forget(lock, block)),
        Some((noted, cell)) => {
            protocol::lower(class(block));
            forget(lock, block);
            let noted = if cell.is_null() {
                noted
            } else {
                noted.of_entry(entries::number_of(cell))
            };
            if keep(lock, block, noted).is_none() {
                lose(noted.size());
            }
        }
    });
    for (lost, word) in [
        (&LOST_BLOCKS, &words.lost_blocks),
        (&LOST_BYTES, &words.lost_bytes),
    ] {
        word.fetch_add(lost.swap(0, Relaxed), Relaxed);
    }
}

/// In a forked child that has a file of its own, whose entries are at 0: what was live at the fork is live here, and the peak begins with
/// it.
pub(crate) fn restart_after_fork() {
    if let Some(header) = header() {
        let live = LIVE_AT_FORK.load(Relaxed);
        header.live_bytes.store(live, Relaxed);
        header.peak_bytes.store(live, Relaxed);
    }
    budget::restart();
    total::restart_after_fork();
    if !is_whole_in_child() {
        return;
    }
    let lock = lock::of_fork();
    rehearse(&lock);
    entries::restart();
    let words = entries::words();
    BLOCKS.for_each(|_, value| entries::add(words, Noted(value)));
    catch_up(&lock);
}

/// In a forked child that is not recorded, or whose tables are not whole: nothing is noted any more.
pub(crate) fn give_up_in_child() {
    if let Some(header) = header() {
        header.heap.mode.store(0, Relaxed);
    }
    give_up();
    deferred::take_all(|_, _| {});
    lock::let_go();
}
