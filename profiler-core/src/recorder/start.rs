//! The start and the end of the recording of this process. What it settles is kept in `state`.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Relaxed, Release};
use std::path::{Path, PathBuf};

use super::clock::Source;
use super::identity::{describe_process, path_of};
use super::state::{
    self, READING_FENCED, READING_MEMORY, READING_SLOW, READING_TSC, Settings, header, store_pair,
    update_clock_pair,
};
use super::{begin, calibrate, cpu, durations, fork, look, not_measured, os, resident, thread};
use crate::env;
use crate::memory::limit;
use crate::raw::layout::{
    CHUNK_BYTES, HEADER_BYTES, Header, MODE_AUTO, MODE_EXACT, MODE_FENCED, MODE_SAMPLED,
    STATE_FINISHED, STATE_RUNNING,
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

/// Whether this process records; decided, and begun, at the first call.
pub(super) fn recording() -> bool {
    begin::recording(start)
}

/// Begins the recording; `None` if nobody wants one or no file can be made.
fn start() -> Option<()> {
    // First: a fork from here on finds out that there is a start under way.
    fork::watch_forks();
    let folder = folder()?;
    if os::has_more_rights_than_its_user() {
        return None;
    }
    let source = Source::choose();
    let first_pair = source.pair();
    let path = path_of(&folder, first_pair.0);
    let (file, capacity, usable) = create_file(&path)?;
    os::pin_library();
    state::set_file(file, capacity, source);
    file.describe(usable);
    let header = file.header();
    describe_process(header, source, first_pair);
    let costs = calibrate::measure(source);
    let second_pair = source.pair();
    let rate = ticks_per_second(first_pair, second_pair);
    header.ticks_per_second.store(rate, Relaxed);
    settle_clock(header, source, rate, &costs);
    if state::wants_resident() {
        resident::prepare(header);
        look::prepare(header, rate);
    }
    store_pair(header, second_pair);
    not_measured::note();
    crate::memory::adopt_counters(header, capacity);
    watch_process();
    if state::has_memory_words() {
        resident::begin(header);
    }
    header.state.store(STATE_RUNNING, Release);
    #[cfg(feature = "native")]
    super::native::start(&path);
    Some(())
}

/// The folder for raw files: on another machine than that of the command, one that both can see.
fn folder() -> Option<PathBuf> {
    let named = |variable| {
        let folder = std::env::var_os(variable).filter(|folder| !folder.is_empty());
        folder.map(PathBuf::from)
    };
    let folder = named(env::DIR)?;
    match named(env::SHARED_DIR) {
        Some(shared) if !folder.is_dir() && shared.is_dir() => Some(shared),
        _ => Some(folder),
    }
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
    header.clock_mode.store(mode, Relaxed);
    let memory = state::wants_resident();
    let wanted = (memory || matches!(mode, MODE_AUTO | MODE_SAMPLED))
        && std::env::var_os(env::SAMPLER).is_none_or(|value| value != "0");
    let fenced = mode == MODE_FENCED;
    let (reading, threshold_ns) = match source {
        Source::Tsc if fenced => (READING_FENCED, THRESHOLD_NS),
        Source::Tsc if memory => (READING_MEMORY, THRESHOLD_NS),
        Source::Tsc => (READING_TSC, THRESHOLD_NS),
        Source::Monotonic => (READING_SLOW, SLOW_THRESHOLD_NS),
    };
    let settings = Settings {
        reading,
        correction: if fenced { costs.fenced_ticks } else { 0 },
        probe_cost: costs.probe_ticks,
        threshold: rate * threshold_ns / 1_000_000_000,
        long: cpu::prepare(rate, costs.cpu_ticks),
    };
    state::settle(mode, wanted, &settings);
    durations::prepare(costs.miss_ticks_1024, costs.timed_ticks_1024);
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
        state::set_key(key);
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

/// Runs before `main`, while there is one thread: no fork can be under way when the handlers are registered. A program that is told later where
/// to record registers them as it starts.
#[cfg(target_os = "linux")]
#[unsafe(link_section = ".init_array")]
#[used]
static BEFORE_MAIN: extern "C" fn() = before_main;

#[cfg(target_os = "linux")]
extern "C" fn before_main() {
    if crate::memory::heap::variable(env::DIR, |folder| !folder.is_empty()) {
        // An allocator may register handlers at its first use. They run in the reverse order before a fork: ours has to come first, for it
        // may wait for a thread that allocates.
        core::hint::black_box(Box::new(core::hint::black_box(0_u64)));
        fork::watch_forks();
        // The start allocates. Where the program has an allocator of its own, which may count what a function allocates, that must not fall into
        // the program's first annotated function.
        if cfg!(hprof_other_alloc) {
            recording();
        }
    }
}

/// With sampled stacks: begins the recording with the process, before its first annotated function.
#[cfg(all(feature = "native", target_os = "linux"))]
#[used]
#[unsafe(link_section = ".init_array")]
static EARLY: extern "C" fn() = {
    extern "C" fn early() {
        if super::native::asked().is_some() {
            recording();
        }
    }
    early
};
