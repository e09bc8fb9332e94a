//! The recording of this process: whether there is one, its file and settings, its start, its end, and its forks.

use core::cell::Cell as StdCell;
use core::ffi::c_void;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::clock::{self, Source};
use super::marker::{READING_FENCED, READING_MEMORY, READING_SLOW, READING_TSC, cell_offset};
use super::{calibrate, resident, sampler, thread, tree};
use crate::env;
use crate::raw::layout::{
    CHUNK_BYTES, ChunkHead, FLAG_ALLOC, FLAG_CALLS, FLAG_DEBUG_ASSERTIONS, FLAG_FORK_LOST,
    HEADER_BYTES, Header, KIND_NODE, KIND_PAIRS, MODE_AUTO, MODE_EXACT, MODE_FENCED, MODE_SAMPLED,
    MemoryWords, NodeRecord, PairsRecord, RECORD_ALIGN, RecordHead, STATE_FINISHED, STATE_RUNNING,
    ThreadRecord,
};
use crate::raw::writer::{self, RawFile, Span, padded};

/// Nobody has asked yet.
const UNDECIDED: u32 = 0;
/// One thread is setting up the recording.
const STARTING: u32 = 1;
/// There is a raw file.
const RECORDING: u32 = 2;
/// This process is not recorded.
const OFF: u32 = 3;

/// Bytes of a raw file, unless `HPROF_SPACE` says otherwise.
const DEFAULT_CAPACITY: usize = 64 << 20;
/// Smallest capacity that makes sense.
const MIN_CAPACITY: usize = 1 << 20;
/// A header and a few chunks.
const SMALLEST_FILE: usize = HEADER_BYTES + 4 * CHUNK_BYTES;
/// The part of its addresses that a process with a limit gives to the file, at most: one in so many.
const ADDRESS_SHARE: usize = 8;
/// Bytes of calling contexts a thread may have.
const THREAD_LIMIT: usize = 4 << 20;
/// A marker distance below which reading the clock is not worth it, nanoseconds: for the counter and for the slower clock.
const THRESHOLD_NS: u64 = 250;
/// See [`THRESHOLD_NS`].
const SLOW_THRESHOLD_NS: u64 = 600;

static STATE: AtomicU32 = AtomicU32::new(UNDECIDED);
/// Thread id of the one that is setting up.
static STARTER: AtomicU32 = AtomicU32::new(0);
static BASE: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
static CAPACITY: AtomicUsize = AtomicUsize::new(0);
static SOURCE_IS_TSC: AtomicU32 = AtomicU32::new(0);
static MODE: AtomicU32 = AtomicU32::new(MODE_AUTO);
static WANTS_SAMPLER: AtomicU32 = AtomicU32::new(0);
static READING: AtomicU64 = AtomicU64::new(READING_TSC);
static CORRECTION: AtomicU64 = AtomicU64::new(0);
static THRESHOLD: AtomicU64 = AtomicU64::new(0);
static KEY: AtomicU64 = AtomicU64::new(u64::MAX);
/// Folder and stem of the raw file's path, for forked children.
static PATH_STEM: [AtomicU8; 2048] = [const { AtomicU8::new(0) }; 2048];

/// Thread id of the holder of the lock on shared records; 0 if it is free.
static SHARED_OWNER: AtomicU32 = AtomicU32::new(0);
/// Free part of the newest chunk of shared records.
static SHARED_FREE: AtomicUsize = AtomicUsize::new(0);
static SHARED_END: AtomicUsize = AtomicUsize::new(0);

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
    pub(super) threshold: u64,
}

/// Whether this process records; decided, and begun, at the first call.
pub(super) fn recording() -> bool {
    match STATE.load(Acquire) {
        RECORDING => true,
        OFF => false,
        _ => decide(),
    }
}

#[cold]
fn decide() -> bool {
    let me = thread_id();
    if STATE
        .compare_exchange(UNDECIDED, STARTING, AcqRel, Acquire)
        .is_ok()
    {
        STARTER.store(me, Relaxed);
        let state = if start().is_some() { RECORDING } else { OFF };
        STATE.store(state, Release);
        return state == RECORDING;
    }
    // Another thread sets up, in well under a millisecond. A body entered by the setting up itself is not recorded; nor is one in a child forked
    // in that moment, where nobody sets up any more.
    for _ in 0..100_000 {
        match STATE.load(Acquire) {
            RECORDING => return true,
            STARTING if STARTER.load(Relaxed) != me => {
                // SAFETY: no arguments.
                unsafe { libc::sched_yield() };
            }
            _ => return false,
        }
    }
    false
}

/// Begins the recording; `None` if nobody wants one or no file can be made.
fn start() -> Option<()> {
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
    crate::memory::adopt_counters(header);
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
    // The program needs its addresses itself.
    let share = (writer::address_limit() / ADDRESS_SHARE).max(MIN_CAPACITY);
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

/// `<exe>-<host>-<pid>-<ticks>.hpraw` in the folder; remembers the part before the pid.
fn path_of(folder: &Path, ticks: u64) -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    let name = exe.file_name().unwrap_or_default().as_bytes().to_vec();
    let mut stem = std::path::absolute(folder)
        .unwrap_or_else(|_| folder.to_path_buf())
        .into_os_string()
        .into_vec();
    stem.push(b'/');
    stem.extend(name.iter().take(64));
    stem.push(b'-');
    stem.extend(host_name().iter().take(64));
    stem.push(b'-');
    for (place, byte) in PATH_STEM.iter().zip(stem.iter().chain(&[0])) {
        place.store(*byte, Relaxed);
    }
    path_with_stem(&stem, ticks)
}

/// The stem with process id, ticks and extension.
fn path_with_stem(stem: &[u8], ticks: u64) -> PathBuf {
    use std::io::Write as _;

    let mut path = stem.to_vec();
    // Writing to a vector does not fail.
    let _ = write!(
        path,
        "{}-{ticks:x}.{}",
        std::process::id(),
        crate::raw::layout::EXTENSION
    );
    PathBuf::from(std::ffi::OsString::from_vec(path))
}

/// Name of this machine, with nothing that would trouble a file name.
fn host_name() -> Vec<u8> {
    let mut name = vec![0_u8; 256];
    // SAFETY: the buffer has that length, and its last byte stays 0.
    unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(0));
    name.retain(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    if name.is_empty() {
        b"localhost".to_vec()
    } else {
        name
    }
}

/// Who the process is and how it was built.
fn describe_process(header: &Header, source: Source, pair: (u64, u64)) {
    header.clock_source.store(source as u32, Relaxed);
    describe_identity(header);
    header.start_ticks.store(pair.0, Relaxed);
    header.start_mono_ns.store(pair.1, Relaxed);
    let level = env!("HPROF_OPT_LEVEL").bytes().next().unwrap_or(b'?');
    header.opt_level.store(u32::from(level), Relaxed);
    let mut flags = 0;
    if cfg!(debug_assertions) {
        flags |= FLAG_DEBUG_ASSERTIONS;
    }
    if cfg!(hprof_alloc) {
        flags |= FLAG_ALLOC;
    }
    if option_env!("HPROF").is_some_and(|switch| switch.split('+').any(|part| part == "calls")) {
        flags |= FLAG_CALLS;
    }
    header.flags.store(flags, Relaxed);
    let (rank, ranks) = env::rank();
    header
        .rank_plus_1
        .store(rank.map_or(0, |rank| rank.saturating_add(1)), Relaxed);
    header.ranks.store(ranks.unwrap_or(0), Relaxed);
    header
        .host_len
        .store(copy_text(&header.host, &host_name()), Relaxed);
    let exe = std::env::current_exe().unwrap_or_default();
    header.exe_len.store(
        copy_text(&header.exe, exe.to_string_lossy().as_bytes()),
        Relaxed,
    );
}

/// What a forked child has of its own.
fn describe_identity(header: &Header) {
    header.pid.store(std::process::id(), Relaxed);
    header
        .parent_pid
        .store(std::os::unix::process::parent_id(), Relaxed);
    header
        .start_unix_ns
        .store(clock::nanos(libc::CLOCK_REALTIME), Relaxed);
    let cpu = clock::nanos(libc::CLOCK_PROCESS_CPUTIME_ID);
    header.start_cpu_ns.store(cpu, Relaxed);
    header.last_cpu_ns.store(cpu, Relaxed);
}

/// Copies as much of the text as fits, and returns how much.
fn copy_text(to: &[AtomicU8], text: &[u8]) -> u32 {
    for (place, byte) in to.iter().zip(text) {
        place.store(*byte, Relaxed);
    }
    u32::try_from(text.len().min(to.len())).unwrap_or(0)
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
}

/// Asks to be told when the process forks or ends, and when a thread ends.
fn watch_process() {
    let mut key = 0;
    // SAFETY: `key` is a valid place for the answer, and the destructor has the right form.
    if unsafe { libc::pthread_key_create(&raw mut key, Some(thread::end)) } == 0 {
        KEY.store(u64::from(key), Release);
    }
    // SAFETY: the function has the right form and lives as long as the process.
    unsafe { libc::atexit(finish) };
    // SAFETY: as above.
    unsafe {
        libc::pthread_atfork(
            Some(before_fork),
            Some(after_fork_in_parent),
            Some(after_fork),
        )
    };
}

/// The end of the process, in order.
extern "C" fn finish() {
    let Some(header) = header() else { return };
    resident::finish(header);
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
fn file() -> Option<RawFile> {
    let base = BASE.load(Acquire);
    (!base.is_null()).then(|| RawFile::at(base))
}

/// The header of the file of this process.
pub(crate) fn header() -> Option<&'static Header> {
    file().map(RawFile::header)
}

/// Sets a flag of the header.
pub(super) fn flag(bits: u64) {
    if let Some(header) = header() {
        header.flags.fetch_or(bits, Relaxed);
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
        threshold: THRESHOLD.load(Relaxed),
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
fn store_pair(header: &Header, pair: (u64, u64)) {
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

/// Zeroed memory that is not part of the file and is never given back.
pub(crate) fn private_memory(bytes: usize) -> Option<*mut u8> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping.
    let memory = unsafe { libc::mmap(core::ptr::null_mut(), bytes, protection, flags, -1, 0) };
    (memory != libc::MAP_FAILED).then_some(memory.cast())
}

/// The first chunk of a thread: its record, and what is left of the chunk.
pub(super) struct FirstSpan {
    pub(super) record: *mut u8,
    pub(super) free: usize,
    pub(super) end: usize,
    pub(super) bytes: usize,
    /// Address of the memory words of `outside`; 0 if there are none.
    pub(super) memory: u64,
}

/// Takes the first chunk of thread record `index`, with the record in it.
pub(super) fn first_thread_record(index: u32) -> Option<FirstSpan> {
    let file = file()?;
    let words_at = size_of::<ThreadRecord>();
    let has_words = resident::is_on();
    let bytes = padded(
        words_at
            + if has_words {
                size_of::<MemoryWords>()
            } else {
                0
            },
    );
    let span = file.take(bytes, index + 1, usize::MAX)?;
    reserve_record(span.first, bytes)?;
    let free = span.first.wrapping_add(bytes).expose_provenance();
    Some(FirstSpan {
        record: span.first,
        free,
        end: span.end.addr(),
        bytes: span.bytes,
        memory: if has_words {
            span.first.wrapping_add(words_at).expose_provenance() as u64
        } else {
            0
        },
    })
}

/// Room for a record of a thread: a node, and whether it is a flat one, which may use what is left of the file.
pub(super) fn thread_record(thread: &ThreadRecord, bytes: usize, flat: bool) -> Option<*mut u8> {
    let bytes = padded(bytes);
    let mut free = usize::try_from(thread.free.load(Relaxed)).ok()?;
    if free.checked_add(bytes)? > usize::try_from(thread.free_end.load(Relaxed)).ok()? {
        let budget = usize::try_from(thread.budget.load(Relaxed)).ok()?;
        if !flat && budget + bytes > THREAD_LIMIT {
            return None;
        }
        // A quarter of the file is kept for flat nodes.
        let limit = if flat {
            usize::MAX
        } else {
            CAPACITY.load(Relaxed) / 4 * 3
        };
        let span = file()?.take(bytes, thread.index.load(Relaxed) + 1, limit)?;
        free = span.first.expose_provenance();
        thread.free_end.store(span.end.addr() as u64, Relaxed);
        thread.budget.store((budget + span.bytes) as u64, Relaxed);
    }
    thread.free.store((free + bytes) as u64, Relaxed);
    let record = core::ptr::with_exposed_provenance_mut::<u8>(free);
    reserve_record(record, bytes)?;
    Some(record)
}

/// The lock on shared records. Not taken again by its own holder: a signal handler may enter a body while it is held.
pub(super) struct SharedLock(());

impl SharedLock {
    /// Waits for the lock; `None` if this thread holds it, or nobody lets it go.
    pub(super) fn take() -> Option<Self> {
        let me = thread_id();
        for _ in 0..1_000_000 {
            match SHARED_OWNER.compare_exchange(0, me, Acquire, Relaxed) {
                Ok(_) => return Some(Self(())),
                Err(owner) if owner == me => return None,
                // SAFETY: no arguments.
                Err(_) => unsafe { libc::sched_yield() },
            };
        }
        None
    }
}

impl Drop for SharedLock {
    fn drop(&mut self) {
        SHARED_OWNER.store(0, Release);
    }
}

/// Room for a record of the process.
pub(super) fn shared_record(_lock: &SharedLock, bytes: usize) -> Option<*mut u8> {
    let bytes = padded(bytes);
    let mut free = SHARED_FREE.load(Relaxed);
    if free == 0 || free.checked_add(bytes)? > SHARED_END.load(Relaxed) {
        let span = file()?.take(bytes, 0, usize::MAX)?;
        free = span.first.expose_provenance();
        SHARED_END.store(span.end.addr(), Relaxed);
    }
    SHARED_FREE.store(free + bytes, Relaxed);
    let record = core::ptr::with_exposed_provenance_mut::<u8>(free);
    reserve_record(record, bytes)?;
    Some(record)
}

/// A chunk of its own for the sampler's table about one thread.
pub(super) fn pairs_record(bytes: usize) -> Option<*mut u8> {
    let bytes = padded(bytes);
    // As contexts: tables must not use up what flat nodes need.
    let Span { first, .. } = file()?.take(bytes, 0, CAPACITY.load(Relaxed) / 4 * 3)?;
    reserve_record(first, bytes)?;
    Some(first)
}

/// Writes the length of a record, which its kind will follow.
fn reserve_record(record: *mut u8, bytes: usize) -> Option<()> {
    // SAFETY: the record has at least room for its head, and belongs to the caller.
    let head = unsafe { &*record.cast::<RecordHead>() };
    head.bytes.store(u32::try_from(bytes).ok()?, Relaxed);
    Some(())
}

/// What a forked child must know of the moment of the fork. The parent goes on changing its file at once, before the child has a copy, so this lies
/// in private memory.
#[derive(Clone, Copy)]
struct AtFork {
    /// Whether this thread took the lock on shared records for the fork.
    locked: bool,
    /// Chunks handed out.
    chunks: u64,
    /// The record of the thread that forks.
    thread: thread::Words,
}

thread_local! {
    /// No destructor, and the child has it too.
    static AT_FORK: StdCell<AtFork> = const {
        StdCell::new(AtFork { locked: false, chunks: 0, thread: [0; thread::WORDS] })
    };
}

/// Before a fork: no site is half registered in the child, and what it needs is noted.
extern "C" fn before_fork() {
    let Some(header) = header() else { return };
    let lock = SharedLock::take();
    AT_FORK.set(AtFork {
        locked: lock.is_some(),
        chunks: header.chunks.load(Acquire),
        thread: thread::words(thread::current()),
    });
    // Let go after the fork.
    let _lock = core::mem::ManuallyDrop::new(lock);
}

extern "C" fn after_fork_in_parent() {
    if header().is_some() && AT_FORK.get().locked {
        SHARED_OWNER.store(0, Release);
    }
}

/// In a forked child: a file of its own, with the parent's structure at the same addresses and all counters at 0.
extern "C" fn after_fork() {
    SHARED_OWNER.store(0, Relaxed);
    sampler::forget();
    #[cfg(feature = "native")]
    super::native::forget();
    if STATE.load(Relaxed) == STARTING {
        STATE.store(OFF, Relaxed);
    }
    let Some(parent) = file() else { return };
    // A handler that enters a body must not find the mapping half exchanged.
    let before = sampler::block_signals();
    make_own_file(parent);
    sampler::restore_signals(&before);
}

/// See [`after_fork`].
fn make_own_file(parent: RawFile) {
    let capacity = CAPACITY.load(Relaxed);
    let at_fork = AT_FORK.get();
    let used = used_bytes(at_fork.chunks).min(capacity);
    let path = path_with_stem(&path_stem(), source().ticks());
    let made = parent.replace_by_copy(&path, capacity, used);
    if let Err(error) = &made {
        // Still the parent's header.
        parent.header().flags.fetch_or(FLAG_FORK_LOST, Relaxed);
        writer::note_failure(&path, error);
        // Private pages in the place of the parent's file: the program runs on, its markers count for nobody.
        make_private(parent, capacity, used);
    }
    // From here on nobody else changes the bytes.
    forget_what_came_later(parent, &at_fork, used);
    if made.is_ok() {
        begin_child(parent, used);
    }
}

/// The parent, and its other threads, went on while the file was copied: what they added is no part of the child.
fn forget_what_came_later(file: RawFile, at_fork: &AtFork, used: usize) {
    file.header().chunks.store(at_fork.chunks, Relaxed);
    let end = file.base().wrapping_add(used).addr();
    let me = thread::restore(&at_fork.thread, end);
    let free = |word: &AtomicU64| usize::try_from(word.load(Relaxed)).unwrap_or(0);
    let shared = (SHARED_FREE.load(Relaxed), SHARED_END.load(Relaxed));
    for (from, to) in [shared, (free(&me.free), free(&me.free_end))] {
        if file.base().addr() < from && from < to && to <= end {
            let place = core::ptr::with_exposed_provenance_mut::<u8>(from);
            // SAFETY: the free part of a chunk in use, which belongs to this thread, as the child has no other.
            unsafe { core::ptr::write_bytes(place, 0, to - from) };
        }
    }
}

/// The child's own facts and counters.
fn begin_child(parent: RawFile, used: usize) {
    let header = parent.header();
    describe_identity(header);
    let pair = source().pair();
    header.start_ticks.store(pair.0, Relaxed);
    header.start_mono_ns.store(pair.1, Relaxed);
    header.last_seq.store(0, Relaxed);
    store_pair(header, pair);
    for counter in [
        &header.sampler_cpu_ns,
        &header.sampler_ticks,
        &header.lost_calls,
    ] {
        counter.store(0, Relaxed);
    }
    header.flags.fetch_and(!FLAG_FORK_LOST, Relaxed);
    zero_counters(parent, used);
    thread::restart_after_fork();
    resident::restart_after_fork(header);
    header.state.store(STATE_RUNNING, Release);
}

/// Pages of the file that are resident because of us.
pub(super) fn own_pages() -> u32 {
    let page = header().map_or(0, |header| header.rss_page_bytes.load(Relaxed));
    u32::try_from(writer::populated_bytes() / (page.max(1) as usize)).unwrap_or(u32::MAX)
}

/// Bytes of the file with so many chunks.
fn used_bytes(chunks: u64) -> usize {
    let chunks = usize::try_from(chunks).unwrap_or(0);
    HEADER_BYTES.saturating_add(chunks.saturating_mul(CHUNK_BYTES))
}

/// Folder and stem of the raw file's path.
fn path_stem() -> Vec<u8> {
    PATH_STEM
        .iter()
        .map(|byte| byte.load(Relaxed))
        .take_while(|byte| *byte != 0)
        .collect()
}

/// Puts private pages with the same content in the place of the parent's file, piece by piece: there may be no room for a copy of it.
fn make_private(parent: RawFile, capacity: usize, used: usize) {
    static PIECE: [AtomicU8; CHUNK_BYTES] = [const { AtomicU8::new(0) }; CHUNK_BYTES];
    let piece = PIECE.as_ptr().cast::<u8>().cast_mut();
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    let mut at = 0;
    while at < capacity {
        let place = parent.base().wrapping_add(at);
        let filled = used.saturating_sub(at).min(CHUNK_BYTES);
        let length = if filled == 0 {
            capacity - at
        } else {
            CHUNK_BYTES.min(capacity - at)
        };
        // SAFETY: the used part of the file can be read, and the child has one thread, which has the piece for itself.
        unsafe { core::ptr::copy_nonoverlapping(place, piece, filled) };
        // SAFETY: takes the stead of a part of our own mapping.
        let made = unsafe { libc::mmap(place.cast(), length, protection, flags, -1, 0) };
        if made != libc::MAP_FAILED {
            // SAFETY: the new pages have room for it.
            unsafe { core::ptr::copy_nonoverlapping(piece, place, filled) };
        }
        at += length;
    }
}

/// Sets the counters of all nodes and tables to 0.
fn zero_counters(file: RawFile, used: usize) {
    let mut chunk = HEADER_BYTES;
    while chunk < used {
        // SAFETY: within the used part, where every chunk starts with a head.
        let head = unsafe { &*file.base().wrapping_add(chunk).cast::<ChunkHead>() };
        let end = chunk + head.span.load(Acquire).max(1) as usize * CHUNK_BYTES;
        let mut at = chunk + size_of::<ChunkHead>();
        while at + size_of::<RecordHead>() <= end.min(used) {
            let place = file.base().wrapping_add(at);
            // SAFETY: within the chunk, whose records follow each other.
            let record = unsafe { &*place.cast::<RecordHead>() };
            let bytes = record.bytes.load(Relaxed) as usize;
            // A record of another thread may have been copied while it was made.
            if bytes == 0 || !bytes.is_multiple_of(RECORD_ALIGN) || at + bytes > end.min(used) {
                break;
            }
            match record.kind.load(Acquire) {
                0 => break,
                KIND_NODE => {
                    // SAFETY: the kind says what the record is.
                    let node = unsafe { &*place.cast::<NodeRecord>() };
                    let lines = node.lines.load(Relaxed) as usize;
                    if cell_offset(lines) <= bytes {
                        zero_node(node);
                    }
                }
                KIND_PAIRS => {
                    // The sampler of the child makes tables of its own.
                    // SAFETY: the kind says what the record is.
                    let pairs = unsafe { &*place.cast::<PairsRecord>() };
                    pairs.capacity.store(0, Relaxed);
                }
                _ => {}
            }
            at += bytes;
        }
        chunk = end;
    }
}

/// Sets the counters of a node to 0.
fn zero_node(node: &NodeRecord) {
    node.calls.store(0, Relaxed);
    node.recursive_calls.store(0, Relaxed);
    for index in 0..node.lines.load(Relaxed) as usize {
        thread::zero(tree::cell(node, index));
    }
}
