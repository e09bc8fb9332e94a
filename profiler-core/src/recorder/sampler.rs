//! The sampler thread: the clock of lines that are too hot to read one.
//!
//! Once a millisecond, at jittered moments, it looks at each thread: which line runs, and how much of the time since the look before
//! is not explained by exact intervals. That unexplained time is the weight of the sample. It is charged to the pair
//! (line where the gap began, line seen); the reader scales the pairs of a gap to the gap's exact length. The same look charges the
//! thread's CPU time, and has a line timed again that turns out to be slow.
//!
//! It only reads the words of the threads, but for one compare-exchange (sampled to "time it again"), and only it writes
//! its tables. It blocks all signals, is no thread of the program in any report, and does nothing when no frame was ever entered.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::protocol::{ALIVE, Seen, add, look, promote, publish};
use super::{clock, resident, run, space, thread};
use crate::raw::layout::{Cell, FLAG_SAMPLER, KIND_PAIRS, Pair, PairsRecord, ThreadRecord};

/// Usual distance of looks, nanoseconds.
const PERIOD_NS: u64 = 1_000_000;
/// Distance in the first moments, so that short runs get samples too.
const FIRST_PERIOD_NS: u64 = 250_000;
/// How long those moments last.
const FIRST_NS: u64 = 50_000_000;
/// The sampler takes at most one part in this many of a core's time.
const SHARE: u64 = 40;
/// Looks between two writings of the clock pair.
const PAIR_EVERY: u64 = 16;
/// Bytes of its stack.
const STACK_BYTES: usize = 128 * 1024;
/// Entries of a table of pairs: it fills one chunk.
const PAIRS: usize = 500;
/// Entries that are filled before pairs fold into "other".
const PAIRS_FULL: usize = 400;
/// `Pair::cell` of cells that found no room.
const OTHER: *mut Cell = core::ptr::without_provenance_mut(1);
/// Threads looked at.
const WATCHED: usize = thread::MAX_THREADS;

/// Whether the thread was started in this process.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// Starts the sampler, unless it runs already or there is nothing for it to do.
pub(super) fn ensure() {
    if !run::wants_sampler() || STARTED.load(Relaxed) != 0 || STARTED.swap(1, Relaxed) != 0 {
        return;
    }
    if start().is_some() {
        run::flag(FLAG_SAMPLER);
    }
}

/// In a forked child: the thread was not taken along; the next frame entered starts another.
pub(super) fn forget() {
    STARTED.store(0, Relaxed);
}

/// Starts the thread, detached, with all signals blocked.
fn start() -> Option<()> {
    let mut attributes = MaybeUninit::uninit();
    // SAFETY: a valid place, which this fills.
    if unsafe { libc::pthread_attr_init(attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: initialised above. A size that the system refuses leaves the usual one.
    unsafe { libc::pthread_attr_setstacksize(attributes.as_mut_ptr(), STACK_BYTES) };
    // SAFETY: initialised above.
    unsafe {
        libc::pthread_attr_setdetachstate(attributes.as_mut_ptr(), libc::PTHREAD_CREATE_DETACHED)
    };
    // The new thread inherits the mask.
    let before = block_signals();
    let mut handle = MaybeUninit::uninit();
    // SAFETY: the attributes are initialised, and the function needs no argument.
    let made = unsafe {
        libc::pthread_create(
            handle.as_mut_ptr(),
            attributes.as_ptr(),
            main,
            core::ptr::null_mut(),
        )
    };
    restore_signals(&before);
    // SAFETY: initialised above, destroyed once.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (made == 0).then_some(())
}

/// Blocks all signals for this thread; returns those that were before.
pub(super) fn block_signals() -> libc::sigset_t {
    let (mut all, mut before) = (MaybeUninit::zeroed(), MaybeUninit::zeroed());
    // SAFETY: a valid place, which this fills.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set is filled, and the other place is valid.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    // SAFETY: a set of signals may be any bytes, zeroes if the call failed.
    unsafe { before.assume_init() }
}

/// Gives the thread the signals back that [`block_signals`] returned.
pub(super) fn restore_signals(before: &libc::sigset_t) {
    // SAFETY: a valid set.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, core::ptr::null_mut()) };
}

/// What the sampler remembers of a thread between two looks.
#[derive(Clone, Copy)]
#[repr(C)]
struct Watch {
    pairs: Option<&'static PairsRecord>,
    filled: usize,
    /// `ThreadRecord::uses` at the last look: another thread has the record if it changed.
    uses: u64,
    /// Unexplained time of the thread, in ticks since its start, at the last look.
    unexplained: u64,
    cpu_ns: u64,
    cell: *mut Cell,
    hits: u64,
}

extern "C" fn main(_argument: *mut c_void) -> *mut c_void {
    name_thread();
    // The tables are outside of the program's heap, so that the sampler never counts as one of its allocations.
    let Some(memory) = space::private_memory(WATCHED * size_of::<Watch>()) else {
        return core::ptr::null_mut();
    };
    // SAFETY: zeroed memory of that size, which is a valid `Watch` in every place: no pairs, null, zeros.
    let watches = unsafe { core::slice::from_raw_parts_mut(memory.cast::<Watch>(), WATCHED) };
    let began = clock::monotonic_ns();
    let mut random = began | 1;
    let mut looks = 0_u64;
    let mut period = FIRST_PERIOD_NS;
    loop {
        sleep(jittered(period, &mut random));
        let before = clock::monotonic_ns();
        let mut unread = 0;
        let mut last = None;
        for thread in thread::all() {
            // By its number: a thread that has one may not be there yet while later ones are.
            let number = thread.index.load(Relaxed) as usize;
            let seen = watches
                .get_mut(number)
                .and_then(|watch| observe(watch, thread));
            if let Some(seen) = seen.filter(|seen| !seen.timed || resident::is_paused(thread)) {
                unread += 1;
                last = Some((thread, seen));
            }
        }
        // Of several threads that do not read the memory nobody knows whose pages came.
        if let (1, Some((thread, seen))) = (unread, last) {
            let still = || {
                if seen.timed {
                    core::ptr::eq(thread.cell.load(Acquire), seen.cell)
                } else {
                    thread.exact.load(Acquire) == seen.exact
                }
            };
            resident::sampled(seen.cell, still);
        }
        looks += 1;
        if let Some(header) = run::header() {
            header.sampler_ticks.store(looks, Relaxed);
            if looks.is_multiple_of(PAIR_EVERY) {
                header
                    .sampler_cpu_ns
                    .store(clock::nanos(libc::CLOCK_THREAD_CPUTIME_ID), Relaxed);
                run::update_clock_pair();
            }
        }
        let after = clock::monotonic_ns();
        let usual = if after.saturating_sub(began) < FIRST_NS {
            FIRST_PERIOD_NS
        } else {
            PERIOD_NS
        };
        period = usual.max(
            after
                .saturating_sub(before)
                .saturating_mul(SHARE)
                .min(100 * PERIOD_NS),
        );
    }
}

/// Gives the thread its name.
fn name_thread() {
    const NAME: &core::ffi::CStr = c"hprof-sampler";
    #[cfg(target_os = "linux")]
    {
        // SAFETY: no arguments.
        let me = unsafe { libc::pthread_self() };
        // SAFETY: the name is terminated and short enough.
        unsafe { libc::pthread_setname_np(me, NAME.as_ptr()) };
    }
    #[cfg(not(target_os = "linux"))]
    // SAFETY: the name is terminated and short enough.
    unsafe {
        libc::pthread_setname_np(NAME.as_ptr());
    }
}

/// Half to one and a half of the period: looks must not fall in step with the program.
fn jittered(period: u64, random: &mut u64) -> u64 {
    // Xorshift.
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    period / 2 + *random % period
}

fn sleep(ns: u64) {
    let wish = libc::timespec {
        tv_sec: libc::time_t::try_from(ns / 1_000_000_000).unwrap_or(0),
        tv_nsec: libc::c_long::try_from(ns % 1_000_000_000).unwrap_or(0),
    };
    // SAFETY: `wish` is a valid time; no signal wakes this thread.
    unsafe { libc::nanosleep(&raw const wish, core::ptr::null_mut()) };
}

/// Looks at one thread, if it lives.
fn observe(watch: &mut Watch, thread: &'static ThreadRecord) -> Option<Seen> {
    if thread.state.load(Acquire) != ALIVE {
        return None;
    }
    let seen = look(thread, || thread::ticks(thread))?;
    let uses = thread.uses.load(Relaxed);
    let is_new = watch.uses != uses;
    if is_new {
        watch.uses = uses;
        watch.unexplained = 0;
        watch.cpu_ns = thread.last_cpu_ns.load(Relaxed);
    }
    let weight = seen.unexplained.saturating_sub(watch.unexplained);
    watch.unexplained = seen.unexplained;
    let cpu = thread_cpu_ns(thread).unwrap_or(watch.cpu_ns);
    let cpu_spent = cpu.saturating_sub(watch.cpu_ns);
    watch.cpu_ns = cpu;
    thread.last_cpu_ns.store(cpu, Relaxed);
    repromote(watch, &seen);
    if seen.timed && cpu_spent == 0 {
        return Some(seen);
    }
    let gap = if seen.timed {
        core::ptr::null_mut()
    } else {
        seen.gap
    };
    let Some(pair) = pair(
        watch,
        thread,
        gap,
        core::ptr::from_ref(seen.cell).cast_mut(),
    ) else {
        return Some(seen);
    };
    add(&pair.cpu_ns, cpu_spent);
    if !seen.timed {
        add(&pair.samples, 1);
        add(&pair.weight, weight);
        let square = (u128::from(weight) * u128::from(weight)) >> 20;
        add(
            &pair.weight_squared,
            u64::try_from(square).unwrap_or(u64::MAX),
        );
    }
    Some(seen)
}

/// A sampled line that did not move between two looks is slow now: its next marker times it again.
fn repromote(watch: &mut Watch, seen: &Seen) {
    let address = core::ptr::from_ref(seen.cell).cast_mut();
    let hits = seen.cell.hits.load(Relaxed);
    let stayed = watch.cell == address && watch.hits == hits;
    watch.cell = address;
    watch.hits = hits;
    if stayed && !seen.timed && run::demotes() {
        promote(&seen.cell.state);
    }
}

/// CPU time of another thread.
#[cfg(target_os = "linux")]
fn thread_cpu_ns(thread: &ThreadRecord) -> Option<u64> {
    // The clock id of a thread, as the kernel makes it: the complement of the thread id, "per thread", "scheduled time".
    let id = (!thread.tid.load(Relaxed)).cast_signed() << 3 | 0b110;
    match clock::nanos(id) {
        0 => None,
        ns => Some(ns),
    }
}

#[cfg(not(target_os = "linux"))]
fn thread_cpu_ns(_thread: &ThreadRecord) -> Option<u64> {
    None
}

/// The entry for a pair of cells in the table of the thread, or that for other cells of the same gap.
fn pair(
    watch: &mut Watch,
    thread: &ThreadRecord,
    gap: *mut Cell,
    cell: *mut Cell,
) -> Option<&'static Pair> {
    let record = match watch.pairs {
        // A forked child empties the tables of its parent.
        Some(record) if record.capacity.load(Relaxed) != 0 => record,
        _ => {
            let record = new_table(thread)?;
            watch.pairs = Some(record);
            watch.filled = 0;
            record
        }
    };
    add(&record.looks, 1);
    let first = core::ptr::from_ref(record).wrapping_add(1).cast::<Pair>();
    let entry = |cell| probe(first, gap, cell);
    let mut found = entry(cell);
    if found.cell.load(Relaxed).is_null() && watch.filled >= PAIRS_FULL {
        found = entry(OTHER);
        if found.cell.load(Relaxed).is_null() && watch.filled + 1 >= PAIRS {
            return None;
        }
    }
    if found.cell.load(Relaxed).is_null() {
        let cell = if watch.filled >= PAIRS_FULL {
            OTHER
        } else {
            cell
        };
        found.gap.store(gap, Relaxed);
        found.cell.store(cell, Release);
        watch.filled += 1;
    }
    Some(found)
}

/// The entry of a pair, or the free one where it belongs. At least one entry is always free.
fn probe(first: *const Pair, gap: *mut Cell, cell: *mut Cell) -> &'static Pair {
    let mut index = (gap.addr() / 128)
        .wrapping_mul(31)
        .wrapping_add(cell.addr() / 128)
        % PAIRS;
    loop {
        // SAFETY: the table has that many entries behind its head.
        let pair = unsafe { &*first.wrapping_add(index) };
        let found = pair.cell.load(Relaxed);
        if found.is_null() || (found == cell && pair.gap.load(Relaxed) == gap) {
            return pair;
        }
        index = (index + 1) % PAIRS;
    }
}

/// A table for a thread.
fn new_table(thread: &ThreadRecord) -> Option<&'static PairsRecord> {
    let place = space::pairs_record(size_of::<PairsRecord>() + PAIRS * size_of::<Pair>())?;
    // SAFETY: the record has room for the head of a table and its entries, is zeroed and aligned, and belongs to this thread.
    let record = unsafe { &*place.cast::<PairsRecord>() };
    record.thread.store(thread.index.load(Relaxed), Relaxed);
    record
        .capacity
        .store(u32::try_from(PAIRS).unwrap_or(0), Relaxed);
    publish(&record.head.kind, KIND_PAIRS);
    Some(record)
}
