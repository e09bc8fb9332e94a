//! What a marker costs on this machine, measured in a few dozen microseconds while the recording starts.

use core::sync::atomic::Ordering::Relaxed;

use super::clock::Source;
use super::current::{current, set_current};
use super::frame::Frame;
use super::marker::{self, ENDLESS};
use super::protocol::{ALIVE, PROBED, SAMPLED, TIMED};
use super::sink::{SINK, is_sink};
use super::state::{self, READING_FENCED, READING_MEMORY, READING_SLOW, READING_TSC};
use super::tree::{self, Entry};
use super::{cells, space, thin_array};
use crate::raw::layout::{CallCache, NodeRecord, THIN_TRIED, ThreadRecord, cell_offset};
use crate::raw::writer::padded;
use crate::site::{LineKind, LineSite, Site, SiteFacts, SiteKind, UNREGISTERED};

/// Costs in ticks, those that are less than a few ticks times 1024.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Costs {
    /// A marker that reads the clock.
    pub(super) timed_ticks_1024: u64,
    /// A marker that reads the clock between fences.
    pub(super) fenced_ticks: u64,
    /// An interval in the window between fences that takes no time, as the stub of a line that is probed does it.
    pub(super) probe_ticks: u64,
    /// A marker that does not.
    pub(super) marker_ticks_1024: u64,
    /// Reading the CPU clock of the thread in a marker.
    pub(super) cpu_ticks: u64,
    /// Entering and leaving a frame, beside its markers.
    pub(super) call_ticks_1024: u64,
    /// What entering takes more if the node has to be looked for in the table.
    pub(super) miss_ticks_1024: u64,
    /// Counting a call of a thin function.
    pub(super) thin_ticks_1024: u64,
}

/// Never listed: only its number is used.
static PROBE: Site<1> = Site::new(
    SiteFacts {
        kind: SiteKind::Function,
        module: "",
        name: "",
        file: "",
        line: 0,
        column: 0,
        end_line: 0,
        package: "",
        source: "",
        max_allocs: None,
    },
    [LineSite::new(0, LineKind::Statement, 0)],
);

/// Lines of the node that markers are sent to. A processor works at several markers at once, as long as they count in different words: one
/// that hits the same line again waits for the hit before.
const LINES: usize = 8;

/// Rounds of each measurement; the best one counts.
const ROUNDS: u32 = 5;

/// A thread and a node of our own to send markers to.
struct Scratch {
    thread: &'static ThreadRecord,
    node: &'static NodeRecord,
}

impl Scratch {
    fn new(source: Source) -> Option<Self> {
        let node_at = padded(size_of::<ThreadRecord>());
        let cache_at = node_at + padded(cell_offset(LINES));
        let memory = space::private_memory(cache_at + size_of::<CallCache>())?;
        // SAFETY: zeroed memory with room for both and a cache, aligned to a page, which is never given back.
        let thread = unsafe { &*memory.cast::<ThreadRecord>() };
        // SAFETY: as above.
        let node = unsafe { &*memory.wrapping_add(node_at).cast::<NodeRecord>() };
        let cache = memory.wrapping_add(cache_at).cast::<CallCache>();
        node.lines.store(u32::try_from(LINES).unwrap_or(0), Relaxed);
        let outside = core::ptr::from_ref(&thread.outside).cast_mut();
        thread.cell.store(outside, Relaxed);
        thread.gap.store(outside, Relaxed);
        thread.reading.store(
            match source {
                Source::Tsc if state::wants_resident() => READING_MEMORY,
                Source::Tsc => READING_TSC,
                Source::Monotonic => READING_SLOW,
            },
            Relaxed,
        );
        thread.next_read.store(state::NEVER, Relaxed);
        thread.long.store(u64::MAX, Relaxed);
        thread.cpu_due.store(u64::MAX, Relaxed);
        thread.cache.store(cache, Relaxed);
        Some(Self { thread, node })
    }

    fn set_state(&self, state: u64) {
        for index in 0..LINES {
            let cell = cells::cell(self.node, index);
            cell.state.store(state, Relaxed);
            cell.left.store(ENDLESS, Relaxed);
        }
    }

    /// Ticks of a marker, times 1024.
    fn marker(&self, source: Source, count: u64) -> u64 {
        best(source, count, || self.hit_all(|| ())) / LINES as u64
    }

    /// A marker of each line, and before each a piece of work.
    #[inline(always)]
    fn hit_all(&self, mut work: impl FnMut()) {
        macro_rules! lines {
            ($($line:literal)*) => {
                $(work(); marker::hit::<$line>(self.thread, self.node);)*
            };
        }
        lines!(0 1 2 3 4 5 6 7);
    }

    /// Ticks of a marker that does not read the clock, times 1024: the mean of what it takes by itself, and of what it adds to work whose steps
    /// wait for each other, beside which a processor hides most of it. Programs are in between.
    fn hot_marker(&self, source: Source) -> u64 {
        let alone = self.marker(source, 64);
        let mut state = 1_u64;
        // Two multiplications take about six cycles one after the other, a marker by itself two.
        let mut step = || {
            state = state
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .wrapping_mul(3 | state)
        };
        let both = best(source, 64, || self.hit_all(&mut step));
        let work = best(source, 64, || (0..LINES).for_each(|_| step()));
        core::hint::black_box(state);
        (alone + both.saturating_sub(work) / LINES as u64) / 2
    }

    /// Ticks of a call that only the table knows, times 1024.
    fn missed_call(&self, source: Source) -> u64 {
        let outside = &self.thread.outside;
        if !tree::remember_in_table(Entry::new(self.thread, self.node), outside, UNREGISTERED) {
            return 0;
        }
        tree::forget_callee(outside);
        // The table is asked for threads that are alive.
        self.thread.state.store(ALIVE, Relaxed);
        let ticks = best(source, 64, || {
            tree::forget_in_cache(self.thread, UNREGISTERED);
            call(1)
        });
        self.thread.state.store(0, Relaxed);
        ticks
    }

    /// Ticks of a call that the calling line knows, as most calls of functions that are called from several lines are, times 1024.
    fn call(&self, source: Source) -> u64 {
        let entry = Entry::new(self.thread, self.node);
        tree::know(&self.thread.outside, UNREGISTERED, entry);
        best(source, 256, || call(1))
    }
}

/// A function that is entered: not inlined, as the compiler would have it without the frame if it is so short that entering it matters.
#[inline(never)]
fn call(argument: u64) -> u64 {
    let _frame = Frame::enter_by(&PROBE, find);
    core::hint::black_box(argument)
}

/// The slow way into a body, up to the table.
#[cold]
#[inline(never)]
fn find(site: &'static Site<1>) -> Entry {
    let thread = current();
    if !is_sink(thread)
        && let Some(entry) = tree::known(thread, site.id.load(Relaxed))
    {
        tree::remember(entry, site.id.load(Relaxed));
        return entry;
    }
    Entry::new(&SINK.thread, &SINK.node)
}

/// Ticks of one call of `body`, times 1024: the best of a few rounds of `count` calls.
fn best<T>(source: Source, count: u64, mut body: impl FnMut() -> T) -> u64 {
    let mut least = u64::MAX;
    for _ in 0..ROUNDS {
        let before = source.ticks();
        for _ in 0..count {
            core::hint::black_box(body());
        }
        least = least.min(source.ticks().wrapping_sub(before));
    }
    least.saturating_mul(1024) / count
}

/// Measures the costs; all 0 if there is no memory to try them on.
pub(super) fn measure(source: Source) -> Costs {
    let Some(scratch) = Scratch::new(source) else {
        return Costs::default();
    };
    let before = set_current(scratch.thread);
    // Calls first: they come from outside of all lines.
    let call_ticks_1024 = scratch.call(source);
    let missed_ticks_1024 = scratch.missed_call(source);
    scratch.set_state(SAMPLED);
    let marker_ticks_1024 = scratch.hot_marker(source);
    let (mut timed_ticks_1024, mut fenced_ticks, mut probe_ticks, mut cpu_ticks) = (0, 0, 0, 0);
    if cfg!(target_arch = "x86_64") {
        scratch.set_state(TIMED);
        timed_ticks_1024 = scratch.marker(source, 64);
        scratch.set_state(PROBED);
        probe_ticks = (scratch.marker(source, 64) + 512) / 1024;
        scratch.set_state(TIMED);
        if source == Source::Tsc {
            scratch.thread.reading.store(READING_FENCED, Relaxed);
            fenced_ticks = scratch.marker(source, 64) / 1024;
        }
        // Between fences or not: a system call is far longer.
        scratch.thread.long.store(0, Relaxed);
        cpu_ticks = (scratch.marker(source, 4) / 1024).saturating_sub(timed_ticks_1024 / 1024);
    }
    set_current(before);
    Costs {
        timed_ticks_1024,
        fenced_ticks,
        probe_ticks,
        marker_ticks_1024,
        cpu_ticks,
        call_ticks_1024,
        miss_ticks_1024: missed_ticks_1024.saturating_sub(call_ticks_1024),
        thin_ticks_1024: thin_array::try_calls(|thin| {
            // In turn: a processor works at several calls at once, as long as they count in different words.
            let all = best(source, 64, || thin.iter().for_each(thin_array::count_known));
            all / THIN_TRIED as u64
        })
        .unwrap_or(0),
    }
}
