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
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicU64};

use super::moment::Moment;
use super::protocol::{ALIVE, Seen, add, look, promote, publish};
use super::{cells, clock, cpu, durations, os, resident, space, state, threads};
use crate::raw::layout::{
    Cell, FLAG_SAMPLER, KIND_PAIRS, OTHER_CELLS, Pair, PairsRecord, ThreadRecord,
};

/// Usual distance of looks, nanoseconds.
const PERIOD_NS: u64 = 1_000_000;
/// Once no new line has turned hot for some time, a distance is one part in so many of that time:
const CALM_SHARE: u64 = 1000;
/// as far as this, nanoseconds.
const LONGEST_PERIOD_NS: u64 = 10_000_000;
/// The same where the resident set is read too.
const LONGEST_WITH_MEMORY_NS: u64 = 2_000_000;
/// Distance in the first moments, so that short runs get samples too.
const FIRST_PERIOD_NS: u64 = 250_000;
/// How long those moments last.
const FIRST_NS: u64 = 50_000_000;
/// The sampler takes at most this part of a core's time, in thousandths of a percent, with up to [`FEW_THREADS`] threads: 1 % of a run of 10 s,
/// with the credit.
const SHARE_FEW: u64 = 750;
/// The same with more threads: 2.5 % of such a run.
const SHARE_MANY: u64 = 2_250;
/// See [`SHARE_FEW`].
const FEW_THREADS: usize = 8;
/// What it may take at first, nanoseconds: short runs need their samples.
const CREDIT_NS: u64 = 20_000_000;
/// Distance of the writings of the clock pair and of the threads' CPU times.
const PAIR_EVERY_NS: u64 = 16_000_000;
/// CPU time that waits to be charged until the thread is seen to run, at most; then it is enough that it is ready to.
const LONG_UNCHARGED_NS: u64 = 50_000_000;
/// Bytes of its stack.
const STACK_BYTES: usize = 128 * 1024;
/// Entries of a table of pairs: it fills one chunk.
const PAIRS: usize = 500;
/// Entries that are filled before pairs fold into "other".
const PAIRS_FULL: usize = 400;
/// `Pair::cell` of cells that found no room.
const OTHER: *mut Cell = core::ptr::without_provenance_mut(OTHER_CELLS);
/// Threads looked at.
const WATCHED: usize = threads::MAX_THREADS;

/// Whether the thread was started in this process: 1 if it was, 2 if it cannot be.
static STARTED: AtomicU32 = AtomicU32::new(0);
/// Lines that turned hot.
static NEWS: AtomicU64 = AtomicU64::new(0);

/// A thread enters a function for the first time from a line. Where no line reads the clock all are hot from the first.
pub(super) fn at_entry() {
    if state::wants_sampler() && !state::has_timed_lines() && STARTED.load(Relaxed) == 0 {
        begin();
    }
}

/// The stub asks whether a line that is too hot for the clock may do without it from now on. Programs must not find a thread more than
/// they started as long as they have no such line, so this is where the sampler starts.
///
/// 0 if the sampler is needed, but cannot be started at this moment: then the line is timed for another window.
#[cfg(target_arch = "x86_64")]
pub(super) extern "C" fn may_be_sampled(thread: &ThreadRecord, _now: u64, cell: &Cell) -> u64 {
    // A line that was sampled before is no news.
    if cell.gap_time.load(Relaxed) == 0 {
        NEWS.fetch_add(1, Relaxed);
    }
    u64::from(!state::wants_sampler() || ensure(thread))
}

/// Starts the sampler if it does not run yet; `false` if it must wait.
pub(super) fn ensure(thread: &ThreadRecord) -> bool {
    if !state::wants_sampler() || STARTED.load(Relaxed) != 0 {
        return true;
    }
    let may = may_start(thread);
    if may {
        begin();
    }
    may
}

#[cold]
fn begin() {
    if STARTED.swap(1, Relaxed) != 0 {
        return;
    }
    let errno = os::errno();
    if start().is_some() {
        state::flag(FLAG_SAMPLER);
    } else {
        STARTED.store(2, Relaxed);
    }
    os::set_errno(errno);
}

/// Whether this is a moment to start a thread. In a signal handler it is not: the C library may be in the middle of allocating. There the thread
/// blocks other signals than when it began. A program may of course have blocked signals since: then it comes here again and again, without doing
/// much else, for longer than a handler takes. Nor must a child that borrows its parent's memory (`vfork`) start one.
fn may_start(thread: &ThreadRecord) -> bool {
    /// No handler computes that long, nor do many that follow each other on a busy machine, nanoseconds of CPU time.
    const LONG_FOR_HANDLER_NS: u64 = 250_000_000;
    /// A hot loop comes here every few microseconds: after such a pause it may be another handler, nanoseconds of CPU time.
    const PAUSE_NS: u64 = 100_000;
    let is_process =
        state::header().is_some_and(|header| header.pid.load(Relaxed) == std::process::id());
    if !is_process || os::is_on_signal_stack() {
        return false;
    }
    if thread.blocked.load(Relaxed) == os::blocked_signals() {
        return true;
    }
    let now = clock::nanos(libc::CLOCK_THREAD_CPUTIME_ID);
    if now.saturating_sub(thread.blocked_last.load(Relaxed)) > PAUSE_NS {
        thread.blocked_since.store(now, Relaxed);
    }
    thread.blocked_last.store(now, Relaxed);
    now.saturating_sub(thread.blocked_since.load(Relaxed)) > LONG_FOR_HANDLER_NS
}

/// In a forked child: the thread was not taken along; the first line of the child that turns hot starts another.
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
    let before = os::block_signals();
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
    os::restore_signals(&before);
    // SAFETY: initialised above, destroyed once.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (made == 0).then_some(())
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
    /// CPU time at the last look at it in a gap, and the part of it that is not charged yet.
    cpu_ns: u64,
    uncharged_ns: u64,
    cell: *mut Cell,
    hits: u64,
    /// Looks in a row that found the same hit of the same line, and no CPU time spent.
    still: u32,
    /// What the system said of them last: 1 if the thread lacks a processor, 0 if it waits.
    is_preempted: u32,
}

extern "C" fn main(_argument: *mut c_void) -> *mut c_void {
    name_thread();
    // The tables are outside of the program's heap, so that the sampler never counts as one of its allocations.
    let Some(memory) = space::private_memory(WATCHED * size_of::<Watch>()) else {
        return core::ptr::null_mut();
    };
    // SAFETY: zeroed memory of that size, which is a valid `Watch` in every place: no pairs, null, zeros.
    let watches = unsafe { core::slice::from_raw_parts_mut(memory.cast::<Watch>(), WATCHED) };
    leave_the_starter();
    let mut pace = Pace::new();
    let mut random = pace.began | 1;
    let mut looks = 0_u64;
    let mut noted = pace.began;
    let mut period = FIRST_PERIOD_NS;
    loop {
        if !sleep(jittered(period, &mut random)) {
            return core::ptr::null_mut();
        }
        let now = clock::monotonic_ns();
        let is_time_to_note = now.saturating_sub(noted) >= PAIR_EVERY_NS;
        let mut unread = 0;
        let mut last = None;
        let mut threads = 0;
        for thread in threads::all() {
            // By its number: a thread that has one may not be there yet while later ones are.
            let number = thread.index.load(Relaxed) as usize;
            let seen = watches
                .get_mut(number)
                .and_then(|watch| observe(watch, thread, is_time_to_note));
            threads += usize::from(seen.is_some());
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
        if is_time_to_note {
            noted = now;
            state::update_clock_pair();
        }
        let spent = clock::nanos(libc::CLOCK_THREAD_CPUTIME_ID);
        if let Some(header) = state::header() {
            header.sampler_ticks.store(looks, Relaxed);
            header.sampler_cpu_ns.store(spent, Relaxed);
        }
        let longest = if state::has_memory_words() {
            LONGEST_WITH_MEMORY_NS
        } else {
            LONGEST_PERIOD_NS
        };
        period = pace.next(now, spent, threads, NEWS.load(Relaxed), longest);
    }
}

/// How often to look: often while that tells most, and within a budget. All times in nanoseconds.
struct Pace {
    began: u64,
    /// Lines that had turned hot at the last look, and when the newest did.
    news: u64,
    news_at: u64,
    /// CPU time of the sampler at the last look, and what a look takes, in the mean of the last few.
    spent: u64,
    cost: u64,
}

impl Pace {
    fn new() -> Self {
        let began = clock::monotonic_ns();
        Self {
            began,
            news: 0,
            news_at: began,
            spent: 0,
            cost: 0,
        }
    }

    /// The distance of the next look from the one at `now`, after which the sampler had used `spent` of CPU time.
    fn next(&mut self, now: u64, spent: u64, threads: usize, news: u64, longest: u64) -> u64 {
        if news != self.news {
            self.news = news;
            self.news_at = now;
        }
        let cost = spent.saturating_sub(self.spent);
        self.spent = spent;
        self.cost = if self.cost == 0 {
            cost
        } else {
            (self.cost * 7).saturating_add(cost) / 8
        };
        let elapsed = now.saturating_sub(self.began);
        let usual = if elapsed < FIRST_NS {
            FIRST_PERIOD_NS
        } else {
            let calm = now.saturating_sub(self.news_at);
            (calm / CALM_SHARE).clamp(PERIOD_NS, longest)
        };
        let share = if threads > FEW_THREADS {
            SHARE_MANY
        } else {
            SHARE_FEW
        };
        let budget = CREDIT_NS.saturating_add(elapsed / 100_000 * share);
        if spent < budget {
            return usual;
        }
        // Not faster than the budget comes in.
        usual.max((self.cost.saturating_mul(100_000) / share).min(100 * PERIOD_NS))
    }
}

/// The thread that started this one may be bound to a few processors, or have a priority that lets nobody else run. The sampler runs where the process
/// may, like an ordinary thread.
fn leave_the_starter() {
    #[cfg(target_os = "linux")]
    {
        let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
        let bytes = size_of::<libc::cpu_set_t>();
        let process = std::process::id().cast_signed();
        // SAFETY: a valid place for the answer.
        let found = unsafe { libc::sched_getaffinity(process, bytes, set.as_mut_ptr()) };
        if found == 0 {
            // SAFETY: the set was filled.
            unsafe { libc::sched_setaffinity(0, bytes, set.as_ptr()) };
        }
        // SAFETY: no arguments that point anywhere.
        if unsafe { libc::sched_getscheduler(0) } != libc::SCHED_OTHER {
            let usual = libc::sched_param { sched_priority: 0 };
            // SAFETY: a valid priority for that policy.
            unsafe { libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const usual) };
        }
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

/// `false` if that is forbidden: a program may allow itself few system calls from some moment on, and a sampler that cannot sleep would take a core.
fn sleep(ns: u64) -> bool {
    let wish = libc::timespec {
        tv_sec: libc::time_t::try_from(ns / 1_000_000_000).unwrap_or(0),
        tv_nsec: libc::c_long::try_from(ns % 1_000_000_000).unwrap_or(0),
    };
    // SAFETY: `wish` is a valid time; no signal wakes this thread.
    unsafe { libc::nanosleep(&raw const wish, core::ptr::null_mut()) == 0 }
}

/// Looks at one thread, if it lives. `note` asks for its CPU time, should this process be killed.
fn observe(watch: &mut Watch, thread: &'static ThreadRecord, note: bool) -> Option<Seen> {
    if thread.state.load(Acquire) != ALIVE {
        return None;
    }
    let seen = look(thread, || Moment::now(thread).own)?;
    let seen = Seen {
        cell: durations::line_of(seen.cell),
        ..seen
    };
    let uses = thread.uses.load(Relaxed);
    if watch.uses != uses {
        watch.uses = uses;
        watch.unexplained = 0;
        watch.cpu_ns = 0;
        watch.uncharged_ns = 0;
    }
    let weight = seen.unexplained.saturating_sub(watch.unexplained);
    watch.unexplained = seen.unexplained;
    let stayed = repromote(watch, &seen);
    if seen.timed {
        // Its markers read the CPU clock themselves.
        watch.cpu_ns = 0;
        watch.uncharged_ns = 0;
        if note && let Some(cpu) = cpu::of_thread(thread) {
            thread.last_cpu_ns.store(cpu, Relaxed);
        }
        return Some(seen);
    }
    let cpu_before = watch.cpu_ns;
    let cpu = charged_cpu(watch, thread, weight);
    let is_still = stayed && watch.cpu_ns != 0 && watch.cpu_ns == cpu_before;
    if has_lost_the_processor(watch, thread, is_still) {
        return Some(seen);
    }
    // To the line that it is on now: one that was just woken is on its way from the line that waited.
    let worked = durations::line_of(cells::running(thread));
    let worked = core::ptr::from_ref(worked).cast_mut();
    if cpu > 0
        && let Some(pair) = pair(watch, thread, seen.gap, worked)
    {
        add(&pair.cpu_ns, cpu);
    }
    let Some(pair) = pair(
        watch,
        thread,
        seen.gap,
        core::ptr::from_ref(seen.cell).cast_mut(),
    ) else {
        return Some(seen);
    };
    add(&pair.samples, 1);
    add(&pair.weight, weight);
    let square = (u128::from(weight) * u128::from(weight)) >> 20;
    add(
        &pair.weight_squared,
        u64::try_from(square).unwrap_or(u64::MAX),
    );
    Some(seen)
}

/// Whether a thread that is on the same hit of the same line as at the look before, and spent no CPU time since, only lacks a processor. Any line could have
/// been hit by that, so such a look tells nothing of the line, and one that lasts would count as hundreds of samples: its time is split as the
/// rest of the gap. A thread that waits does so because of its line.
fn has_lost_the_processor(watch: &mut Watch, thread: &ThreadRecord, is_still: bool) -> bool {
    if !is_still {
        watch.still = 0;
        return false;
    }
    watch.still = watch.still.saturating_add(1);
    // Asking takes three system calls: again only after twice as many looks.
    if watch.still.is_power_of_two() {
        watch.is_preempted = u32::from(cpu::is_runnable(thread));
    }
    watch.is_preempted != 0
}

/// CPU time to charge to the line seen: all that was not charged yet, if the thread runs at this moment. One that is seen waiting spent it on
/// the lines before.
fn charged_cpu(watch: &mut Watch, thread: &ThreadRecord, passed: u64) -> u64 {
    let Some(cpu) = cpu::of_thread(thread) else {
        return 0;
    };
    thread.last_cpu_ns.store(cpu, Relaxed);
    let before = core::mem::replace(&mut watch.cpu_ns, cpu);
    if before == 0 {
        // What it spent before belongs to lines that were not seen.
        return 0;
    }
    let spent = cpu.saturating_sub(before);
    watch.uncharged_ns = watch.uncharged_ns.saturating_add(spent);
    if watch.uncharged_ns == 0 {
        return 0;
    }
    // The clock of a thread that runs goes on while it is read.
    let runs = cpu::of_thread(thread).is_some_and(|again| again != cpu);
    // On a single processor, or a busy one, it is never seen to run. Being ready is a sign of work only for one that had the processor for most of
    // the time since the last look: others were just woken.
    let passed_ns = state::nanoseconds(passed);
    let worked = || spent.saturating_mul(2) >= passed_ns && cpu::is_runnable(thread);
    if runs || (watch.uncharged_ns > LONG_UNCHARGED_NS && worked()) {
        // Never more than one look stands for: a line that waits is seen to run too, for the moment in which it begins or ends to.
        let charged = watch.uncharged_ns.min(passed_ns);
        watch.uncharged_ns -= charged;
        charged
    } else {
        0
    }
}

/// A sampled line that did not move between two looks is slow now: its next marker times it again. Returns whether it did not.
fn repromote(watch: &mut Watch, seen: &Seen) -> bool {
    let address = core::ptr::from_ref(seen.cell).cast_mut();
    let hits = seen.cell.hits.load(Relaxed);
    let stayed = watch.cell == address && watch.hits == hits;
    watch.cell = address;
    watch.hits = hits;
    if stayed && !seen.timed && state::demotes() {
        promote(&seen.cell.state);
    }
    stayed
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the sampler uses in so many nanoseconds, if a look costs `cost`, and a new line turns hot every so often.
    fn used(run: u64, cost: u64, threads: usize, news_every: u64) -> (u64, u64) {
        let mut pace = Pace::new();
        let began = pace.began;
        let (mut now, mut spent, mut looks) = (began, 0, 0);
        let mut period = FIRST_PERIOD_NS;
        while now < began + run {
            now += period.max(cost);
            spent += cost;
            looks += 1;
            let news = (now - began) / news_every;
            period = pace.next(now, spent, threads, news, LONGEST_PERIOD_NS);
        }
        (spent, looks)
    }

    #[test]
    fn ten_seconds_cost_at_most_their_budget() {
        const TEN_S: u64 = 10_000_000_000;
        const MS: u64 = 1_000_000;
        for cost in [5_000, 25_000, 60_000, 400_000] {
            for news_every in [10 * MS, 500 * MS, u64::MAX] {
                let (spent, looks) = used(TEN_S, cost, 8, news_every);
                assert!(spent <= TEN_S / 100, "{cost} {news_every}: {spent}");
                let (many, _) = used(TEN_S, cost, 9, news_every);
                assert!(many <= TEN_S / 40, "{cost} {news_every}: {many}");
                // And it is used where it tells something.
                assert!(
                    looks > 3_000 || spent > TEN_S / 200,
                    "{cost}: {looks} looks"
                );
            }
        }
    }

    #[test]
    fn looks_become_rare_and_come_back_with_a_new_line() {
        const MS: u64 = 1_000_000;
        let mut pace = Pace::new();
        let at = |ms: u64| pace.began + ms * MS;
        let [early, first, late, news] = [at(10), at(900), at(60_000), at(60_010)];
        assert_eq!(
            pace.next(early, 1000, 1, 1, LONGEST_PERIOD_NS),
            FIRST_PERIOD_NS
        );
        assert_eq!(pace.next(first, 2000, 1, 1, LONGEST_PERIOD_NS), PERIOD_NS);
        assert_eq!(
            pace.next(late, 3000, 1, 1, LONGEST_PERIOD_NS),
            LONGEST_PERIOD_NS
        );
        assert_eq!(pace.next(news, 4000, 1, 2, LONGEST_PERIOD_NS), PERIOD_NS);
    }
}
