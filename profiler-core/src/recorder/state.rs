//! The state of the recording: its file and its settings, which nearly every other file of the recorder asks for. It knows none of them.

use core::ffi::c_void;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};

use super::clock::{self, Source};
use crate::env;
use crate::raw::layout::{Header, MODE_AUTO, MODE_SAMPLED, ThreadRecord};
use crate::raw::writer::RawFile;

/// `ThreadRecord::reading`: the time stamp counter.
pub(super) const READING_TSC: u64 = 0;
/// `ThreadRecord::reading`: the time stamp counter between fences.
pub(super) const READING_FENCED: u64 = 1;
/// `ThreadRecord::reading`: `CLOCK_MONOTONIC`, through a function.
pub(super) const READING_SLOW: u64 = 2;

/// `ThreadRecord::reading`: the time stamp counter; a function when it is time to look at the memory.
pub(super) const READING_MEMORY: u64 = 3;

/// `ThreadRecord::next_read`: no marker looks at the memory.
pub(super) const NEVER: u64 = u64::MAX;

pub(super) static BASE: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
pub(super) static CAPACITY: AtomicUsize = AtomicUsize::new(0);
static SOURCE_IS_TSC: AtomicU32 = AtomicU32::new(0);
static MODE: AtomicU32 = AtomicU32::new(MODE_AUTO);
static WANTS_SAMPLER: AtomicU32 = AtomicU32::new(0);
static READING: AtomicU64 = AtomicU64::new(READING_TSC);
static CORRECTION: AtomicU64 = AtomicU64::new(0);
static PROBE_COST: AtomicU64 = AtomicU64::new(0);
static THRESHOLD: AtomicU64 = AtomicU64::new(0);
static LONG: AtomicU64 = AtomicU64::new(u64::MAX);
/// Whether cells have memory words.
static HAS_MEMORY_WORDS: AtomicBool = AtomicBool::new(false);
static KEY: AtomicU64 = AtomicU64::new(u64::MAX);

/// How the cells of a new node begin.
#[derive(Clone, Copy)]
pub(super) enum CellStart {
    /// Timed for ever.
    Timed,
    /// Timed until they turn out to be hot.
    Demotable,
    /// Sampled.
    Sampled,
}

/// What a thread record is told about the clock.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    pub(super) reading: u64,
    pub(super) correction: u64,
    /// What fences add to an interval, ticks.
    pub(super) probe_cost: u64,
    pub(super) threshold: u64,
    /// From so many ticks on an interval is long.
    pub(super) long: u64,
}

/// The recording has a file, and a clock.
pub(super) fn set_file(file: RawFile, capacity: usize, source: Source) {
    SOURCE_IS_TSC.store(u32::from(source == Source::Tsc), Relaxed);
    CAPACITY.store(capacity, Relaxed);
    BASE.store(file.base(), Release);
}

/// How the clock is read is settled: its mode, whether there is anything for a sampler to do, and what thread records are told.
pub(super) fn settle(mode: u32, wants_sampler: bool, settings: &Settings) {
    MODE.store(mode, Relaxed);
    WANTS_SAMPLER.store(u32::from(wants_sampler), Relaxed);
    READING.store(settings.reading, Relaxed);
    CORRECTION.store(settings.correction, Relaxed);
    PROBE_COST.store(settings.probe_cost, Relaxed);
    THRESHOLD.store(settings.threshold, Relaxed);
    LONG.store(settings.long, Relaxed);
}

/// The key under which each thread remembers its record.
pub(super) fn set_key(key: libc::pthread_key_t) {
    KEY.store(u64::from(key), Release);
}

/// Whether this thread has a record.
pub(super) fn thread_key_is_set() -> bool {
    let key = KEY.load(Acquire);
    // SAFETY: the key was made by us.
    libc::pthread_key_t::try_from(key)
        .is_ok_and(|key| !unsafe { libc::pthread_getspecific(key) }.is_null())
}

/// Remembers the record of this thread until the thread ends.
pub(super) fn set_thread_key(thread: &ThreadRecord) {
    if let Ok(key) = libc::pthread_key_t::try_from(KEY.load(Acquire)) {
        // SAFETY: the key was made by us.
        unsafe { libc::pthread_setspecific(key, core::ptr::from_ref(thread).cast::<c_void>()) };
    }
}

/// The file of this process.
pub(super) fn file() -> Option<RawFile> {
    let base = BASE.load(Acquire);
    (!base.is_null()).then(|| RawFile::at(base))
}

/// The file is that of another process.
pub(super) fn forget_file() {
    BASE.store(core::ptr::null_mut(), Release);
}

/// The header of the file of this process.
pub(crate) fn header() -> Option<&'static Header> {
    file().map(RawFile::header)
}

/// Sets a flag of the header.
pub(super) fn flag(bits: u64) {
    if let Some(header) = header() {
        // Most are there already, and others read the word.
        if header.flags.load(Relaxed) & bits != bits {
            header.flags.fetch_or(bits, Relaxed);
        }
    }
}

/// Counts a call that is not recorded for lack of room.
pub(super) fn lost_call() {
    if let Some(header) = header() {
        header.lost_calls.fetch_add(1, Relaxed);
    }
}

/// The time in ticks.
#[inline]
pub(super) fn ticks() -> u64 {
    source().ticks()
}

/// A number of ticks in nanoseconds; 0 while the rate is not known.
pub(super) fn nanoseconds(ticks: u64) -> u64 {
    let rate = header().map_or(0, |header| header.ticks_per_second.load(Relaxed));
    let ns = u128::from(ticks) * 1_000_000_000 / u128::from(rate.max(1));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

/// The source of ticks.
pub(super) fn source() -> Source {
    if SOURCE_IS_TSC.load(Relaxed) != 0 {
        Source::Tsc
    } else {
        Source::Monotonic
    }
}

/// Whether lines may change between timed and sampled.
pub(super) fn demotes() -> bool {
    MODE.load(Relaxed) == MODE_AUTO
}

/// Whether lines begin by reading the clock.
pub(super) fn has_timed_lines() -> bool {
    MODE.load(Relaxed) != MODE_SAMPLED
}

/// Whether there is anything for a sampler to do.
pub(super) fn wants_sampler() -> bool {
    WANTS_SAMPLER.load(Relaxed) != 0
}

/// Whether cells have memory words.
pub(super) fn has_memory_words() -> bool {
    HAS_MEMORY_WORDS.load(Relaxed)
}

/// Cells have memory words. Comes before the first cell is made.
pub(super) fn use_memory_words() {
    HAS_MEMORY_WORDS.store(true, Relaxed);
}

/// Whether this process is asked to read its resident set.
pub(super) fn wants_resident() -> bool {
    std::env::var_os(env::MEMORY).is_some_and(|value| value == "1")
}

/// How cells begin.
pub(super) fn cell_start() -> CellStart {
    match MODE.load(Relaxed) {
        MODE_SAMPLED => CellStart::Sampled,
        MODE_AUTO => CellStart::Demotable,
        _ => CellStart::Timed,
    }
}

/// What a new thread record is told about the clock.
pub(super) fn settings() -> Settings {
    Settings {
        reading: READING.load(Relaxed),
        correction: CORRECTION.load(Relaxed),
        probe_cost: PROBE_COST.load(Relaxed),
        threshold: THRESHOLD.load(Relaxed),
        long: LONG.load(Relaxed),
    }
}

/// Writes the newest pair of clock readings and the CPU time to the header.
pub(super) fn update_clock_pair() {
    let Some(header) = header() else { return };
    header
        .last_cpu_ns
        .store(clock::nanos(libc::CLOCK_PROCESS_CPUTIME_ID), Relaxed);
    store_pair(header, source().pair());
}

/// Stores a pair so that a reader can tell when it is half written. A second writer at the same time leaves it to the first.
pub(super) fn store_pair(header: &Header, pair: (u64, u64)) {
    let sequence = header.last_seq.load(Relaxed);
    if sequence % 2 == 1
        || header
            .last_seq
            .compare_exchange(sequence, sequence + 1, AcqRel, Relaxed)
            .is_err()
    {
        return;
    }
    header.last_ticks.store(pair.0, Relaxed);
    header.last_mono_ns.store(pair.1, Relaxed);
    header.last_seq.store(sequence + 2, Release);
}
