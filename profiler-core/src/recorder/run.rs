//! The recording of this process: its file and settings, its start and its end.

use core::ffi::c_void;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
use std::path::Path;

use super::clock::{self, Source};
use super::identity::{copy_text, describe_process, path_of};
use super::marker::{READING_FENCED, READING_MEMORY, READING_SLOW, READING_TSC};
use super::{begin, calibrate, cpu, not_measured, resident, thread};
use crate::env;
use crate::memory::limit;
use crate::raw::layout::{
    CHUNK_BYTES, HEADER_BYTES, Header, MODE_AUTO, MODE_EXACT, MODE_FENCED, MODE_SAMPLED,
    STATE_FINISHED, STATE_RUNNING, ThreadRecord,
};
use crate::raw::writer::{self, RawFile};

/// Bytes of a raw file, unless `HPROF_SPACE` says otherwise.
const DEFAULT_CAPACITY: usize = 64 << 20;
/// Smallest capacity that makes sense.
const MIN_CAPACITY: usize = 1 << 20;
/// A header and a few chunks.
const SMALLEST_FILE: usize = HEADER_BYTES + 4 * CHUNK_BYTES;
/// The part of its addresses, or of its memory, that a process with a limit gives to the file, at most: one in so many.
const SHARE: usize = 8;
/// A marker distance below which reading the clock is not worth it, nanoseconds: for the counter and for the slower clock.
const THRESHOLD_NS: u64 = 250;
/// See [`THRESHOLD_NS`].
const SLOW_THRESHOLD_NS: u64 = 600;

static BASE: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
pub(super) static CAPACITY: AtomicUsize = AtomicUsize::new(0);
static SOURCE_IS_TSC: AtomicU32 = AtomicU32::new(0);
static MODE: AtomicU32 = AtomicU32::new(MODE_AUTO);
static WANTS_SAMPLER: AtomicU32 = AtomicU32::new(0);
static READING: AtomicU64 = AtomicU64::new(READING_TSC);
static CORRECTION: AtomicU64 = AtomicU64::new(0);
static PROBE_COST: AtomicU64 = AtomicU64::new(0);
static THRESHOLD: AtomicU64 = AtomicU64::new(0);
static LONG: AtomicU64 = AtomicU64::new(u64::MAX);
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

/// Begins the recording; `None` if nobody wants one or no file can be made.
pub(super) fn start() -> Option<()> {
    // First: a fork from here on finds out that there is a start under way.
    begin::watch_forks();
    let folder = std::env::var_os(env::DIR).filter(|folder| !folder.is_empty())?;
    if has_more_rights_than_its_user() {
        return None;
    }
    let source = Source::choose();
    let first_pair = source.pair();
    SOURCE_IS_TSC.store(u32::from(source == Source::Tsc), Relaxed);
    let path = path_of(Path::new(&folder), first_pair.0);
    let (file, capacity, usable) = create_file(&path)?;
    pin_library();
    BASE.store(file.base(), Release);
    CAPACITY.store(capacity, Relaxed);
    file.describe(usable);
    let header = file.header();
    describe_process(header, source, first_pair);
    let costs = calibrate::measure(source);
    let second_pair = source.pair();
    let rate = ticks_per_second(first_pair, second_pair);
    header.ticks_per_second.store(rate, Relaxed);
    settle_clock(header, source, rate, &costs);
    if resident::is_wanted() {
        resident::prepare(header, rate);
    }
    store_pair(header, second_pair);
    not_measured::note();
    crate::memory::adopt_counters(header, capacity);
    watch_process();
    if resident::is_on() {
        resident::begin(header);
    }
    header.state.store(STATE_RUNNING, Release);
    #[cfg(feature = "native")]
    super::native::start(&path);
    Some(())
}

/// Whether whoever set the environment may do less than this process: it must not make files where they say.
fn has_more_rights_than_its_user() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: only reads what the system told the process.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    #[cfg(not(target_os = "linux"))]
    // SAFETY: no arguments.
    let secure = unsafe { libc::issetugid() } != 0;
    secure
}

/// The file, its capacity, and how much of that may be used. Where there is no room for the addresses it is made smaller; where it cannot
/// be made at all a note says so.
fn create_file(path: &Path) -> Option<(RawFile, usize, usize)> {
    let mut capacity = capacity();
    if capacity < SMALLEST_FILE {
        // The process may not write files of any use.
        writer::note_failure(path, &std::io::Error::from_raw_os_error(libc::EFBIG));
        return None;
    }
    loop {
        match RawFile::create(path, capacity) {
            Ok((file, usable)) => return Some((file, capacity, usable)),
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) && capacity > MIN_CAPACITY => {
                capacity = (capacity / 2).max(MIN_CAPACITY) & !0xfff;
            }
            Err(error) => {
                writer::note_failure(path, &error);
                return None;
            }
        }
    }
}

/// The capacity asked for, within reason and the limits of the process.
fn capacity() -> usize {
    let asked = std::env::var(env::SPACE)
        .ok()
        .and_then(|text| env::parse_bytes(&text))
        .unwrap_or(DEFAULT_CAPACITY);
    // The program needs its addresses itself, and the memory of its control group.
    let group = limit::of_group().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let limit = writer::address_limit().min(group.unwrap_or(usize::MAX));
    let share = (limit / SHARE).max(MIN_CAPACITY);
    asked.max(MIN_CAPACITY).min(share).min(writer::size_limit()) & !0xfff
}

/// Keeps the library this is part of, if it is one, from being unloaded: threads and handlers of the recorder run in it.
fn pin_library() {
    #[cfg(not(target_feature = "crt-static"))]
    {
        let mut facts = core::mem::MaybeUninit::<libc::Dl_info>::zeroed();
        let here = pin_library as *const () as *const c_void;
        // SAFETY: an address of ours, and a valid place for the answer.
        if unsafe { libc::dladdr(here, facts.as_mut_ptr()) } == 0 {
            return;
        }
        // SAFETY: all zeroes is a value of this plain structure, and the call filled it.
        let facts = unsafe { facts.assume_init() };
        if facts.dli_fname.is_null() {
            return;
        }
        let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
        // SAFETY: the name is terminated. Nothing is loaded: it is there already, or not found.
        unsafe { libc::dlopen(facts.dli_fname, flags) };
    }
}

/// Ticks a second between two pairs.
fn ticks_per_second(first: (u64, u64), second: (u64, u64)) -> u64 {
    let ticks = u128::from(second.0.wrapping_sub(first.0));
    let ns = u128::from(second.1.wrapping_sub(first.1)).max(1);
    u64::try_from(ticks * 1_000_000_000 / ns).unwrap_or(1_000_000_000)
}

/// Chooses how markers read the clock, as `HPROF_CLOCK` asks.
fn settle_clock(header: &Header, source: Source, rate: u64, costs: &calibrate::Costs) {
    let has_stub = cfg!(target_arch = "x86_64");
    let mode = match std::env::var(env::CLOCK).as_deref() {
        _ if !has_stub => MODE_SAMPLED,
        Ok("exact") => MODE_EXACT,
        Ok("fenced") if source == Source::Tsc => MODE_FENCED,
        Ok("fenced") => MODE_EXACT,
        Ok("sampled") => MODE_SAMPLED,
        _ => MODE_AUTO,
    };
    MODE.store(mode, Relaxed);
    header.clock_mode.store(mode, Relaxed);
    let memory = resident::is_wanted();
    let wanted = (memory || matches!(mode, MODE_AUTO | MODE_SAMPLED))
        && std::env::var_os(env::SAMPLER).is_none_or(|value| value != "0");
    WANTS_SAMPLER.store(u32::from(wanted), Relaxed);
    let fenced = mode == MODE_FENCED;
    let (reading, threshold_ns) = match source {
        Source::Tsc if fenced => (READING_FENCED, THRESHOLD_NS),
        Source::Tsc if memory => (READING_MEMORY, THRESHOLD_NS),
        Source::Tsc => (READING_TSC, THRESHOLD_NS),
        Source::Monotonic => (READING_SLOW, SLOW_THRESHOLD_NS),
    };
    READING.store(reading, Relaxed);
    THRESHOLD.store(rate * threshold_ns / 1_000_000_000, Relaxed);
    CORRECTION.store(if fenced { costs.fenced_ticks } else { 0 }, Relaxed);
    PROBE_COST.store(costs.probe_ticks, Relaxed);
    LONG.store(cpu::prepare(rate, costs.cpu_ticks), Relaxed);
    let picoseconds = |ticks_1024: u64| {
        u128::from(ticks_1024) * 1_000_000_000_000 / u128::from(rate.max(1)) / 1024
    };
    let store = |place: &AtomicU64, ticks_1024| {
        place.store(u64::try_from(picoseconds(ticks_1024)).unwrap_or(0), Relaxed)
    };
    store(
        &header.cost_timed_ps,
        if fenced {
            costs.fenced_ticks * 1024
        } else {
            costs.timed_ticks_1024
        },
    );
    store(&header.cost_marker_ps, costs.marker_ticks_1024);
    store(&header.cost_call_ps, costs.call_ticks_1024);
    store(&header.cost_cpu_ps, costs.cpu_ticks * 1024);
    store(&header.cost_thin_ps, costs.thin_ticks_1024);
    store(&header.cost_miss_ps, costs.miss_ticks_1024);
}

/// Asks to be told when the process ends, and when a thread ends.
fn watch_process() {
    let mut key = 0;
    // SAFETY: `key` is a valid place for the answer, and the destructor has the right form.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(thread::end)) } == 0 {
        KEY.store(u64::from(key), Release);
    }
    // SAFETY: the function has the right form and lives as long as the process.
    unsafe { libc::atexit(finish) };
}

/// The end of the process, in order.
extern "C" fn finish() {
    let Some(header) = header() else { return };
    resident::finish(header);
    cpu::note_all();
    update_clock_pair();
    #[cfg(feature = "native")]
    super::native::finish();
    header.state.store(STATE_FINISHED, Release);
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

/// The number of this thread in the system.
pub(super) fn thread_id() -> u32 {
    #[cfg(target_os = "linux")]
    // SAFETY: no arguments.
    let id = unsafe { libc::gettid() }.cast_unsigned();
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::cast_possible_truncation, reason = "only told apart by it")]
    // SAFETY: no arguments.
    let id = unsafe { libc::pthread_self() } as usize as u32;
    id
}

/// Copies the name of this thread to its record.
pub(super) fn name_thread(thread: &ThreadRecord) {
    // The system calls the first thread as it calls the process.
    if cfg!(target_os = "linux") && thread_id() == std::process::id() {
        thread
            .name_len
            .store(copy_text(&thread.name, b"main"), Relaxed);
        return;
    }
    let mut name = [0_u8; 64];
    // SAFETY: no arguments.
    let me = unsafe { libc::pthread_self() };
    // SAFETY: the buffer has that length.
    if unsafe { libc::pthread_getname_np(me, name.as_mut_ptr().cast(), name.len()) } != 0 {
        return;
    }
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    thread
        .name_len
        .store(copy_text(&thread.name, &name[..length]), Relaxed);
}
