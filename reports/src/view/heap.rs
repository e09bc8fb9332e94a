//! Which lines' blocks were live at the end, and when the heap was at its peak.

use crate::view::sums::sum;
use std::collections::BTreeMap;

use hprof::model::{Heap, LineLive, LiveCount, LiveHeap, Place, Profile, Scope};

/// Lines listed for each of the two moments.
const LISTED: usize = 8;
/// Percent of the heap that a line must have to be listed.
const LEAST: f64 = 1.0;

/// Live bytes by line.
#[derive(Debug)]
pub(crate) struct HeapView {
    /// Bytes live at the end and at the peak, as the allocator counts them; over all processes, whose peaks may be at different times.
    pub(crate) live_bytes: u64,
    pub(crate) peak_bytes: u64,
    /// By how much each of the two may be off; 0 if they are exact.
    pub(crate) bound_bytes: u64,
    /// Largest mean of the bytes from one block noted to the next; `None` if all were.
    pub(crate) gap: Option<u64>,
    /// The largest first.
    pub(crate) at_end: Vec<HeapRow>,
    pub(crate) at_peak: Vec<HeapRow>,
    pub(crate) lost_blocks: u64,
    pub(crate) lost_bytes: u64,
    /// Processes that are added up.
    pub(crate) processes: usize,
}

/// The blocks of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HeapRow {
    /// `None` for what was allocated on no recorded line.
    pub(crate) place: Option<Place>,
    pub(crate) bytes: u64,
    /// One standard deviation, bytes; 0 if every block was noted.
    pub(crate) error: f64,
    /// Of all that is known of the moment.
    pub(crate) percent: f64,
}

impl HeapRow {
    /// The error is larger than the figure, so all that is known is that it is hardly more than both together.
    pub(crate) fn is_bound(&self) -> bool {
        self.error > self.bytes as f64
    }

    /// Figure and error together.
    pub(crate) fn most(&self) -> u64 {
        self.bytes.saturating_add(whole_bytes(self.error))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a deviation is positive, and a cast stops at the largest number"
)]
pub(crate) fn whole_bytes(bytes: f64) -> u64 {
    bytes.round() as u64
}

impl HeapView {
    /// `None` if no blocks were noted.
    pub(crate) fn new(profile: &Profile, scope: Scope) -> Option<Self> {
        let heaps = heaps(profile, scope);
        let noted: Vec<&LiveHeap> = heaps
            .iter()
            .filter_map(|heap| heap.lines.as_ref())
            .collect();
        let gap = |heap: &&LiveHeap| match heap.count {
            LiveCount::Exact => None,
            LiveCount::Sampled { gap } => Some(gap),
        };
        if noted.is_empty() {
            return None;
        }
        let lines = lines(profile, scope, &noted);
        let bytes = |of: fn(&Heap) -> i64| {
            let all = heaps.iter();
            sum(all.map(|heap| of(heap).max(0).unsigned_abs()))
        };
        Some(Self {
            live_bytes: bytes(|heap| heap.live_bytes),
            peak_bytes: bytes(|heap| heap.peak_bytes),
            bound_bytes: heaps
                .iter()
                .map(|heap| heap.bound_bytes)
                .fold(0, u64::saturating_add),
            gap: noted.iter().filter_map(gap).max(),
            at_end: rows(&lines, |live| (live.live_bytes, live.live_variance)),
            at_peak: rows(&lines, |live| (live.peak_bytes, live.peak_variance)),
            lost_blocks: sum(noted.iter().map(|heap| heap.lost_blocks)),
            lost_bytes: sum(noted.iter().map(|heap| heap.lost_bytes)),
            processes: heaps.len(),
        })
    }
}

/// The heaps of the processes in the scope.
fn heaps(profile: &Profile, scope: Scope) -> Vec<Heap> {
    let in_scope = |number: usize| match scope {
        Scope::All => true,
        Scope::Process(wanted) | Scope::Thread(wanted, _) => number == wanted,
    };
    let processes = profile.processes.iter().enumerate();
    processes
        .filter_map(|(number, process)| process.heap.filter(|_| in_scope(number)))
        .collect()
}

/// What each line has, and under `None` the rest.
fn lines(
    profile: &Profile,
    scope: Scope,
    noted: &[&LiveHeap],
) -> BTreeMap<Option<Place>, LineLive> {
    let mut lines: BTreeMap<Option<Place>, LineLive> = BTreeMap::new();
    if !matches!(scope, Scope::Thread(..)) {
        for heap in noted {
            lines.entry(None).or_default().add(&heap.elsewhere);
        }
    }
    for thread in scope.threads(profile) {
        lines.entry(None).or_default().add(&thread.outside.live);
        for node in &thread.nodes {
            for (line, cost) in &node.lines {
                let place = Place {
                    function: node.function,
                    line,
                };
                lines.entry(Some(place)).or_default().add(&cost.live);
            }
        }
    }
    lines
}

fn rows(
    lines: &BTreeMap<Option<Place>, LineLive>,
    of: fn(&LineLive) -> (u64, u64),
) -> Vec<HeapRow> {
    let all = sum(lines.values().map(|live| of(live).0));
    let row = |(place, live): (&Option<Place>, &LineLive)| {
        let (bytes, variance) = of(live);
        HeapRow {
            place: *place,
            bytes,
            error: (variance as f64).sqrt(),
            percent: 100.0 * bytes as f64 / all.max(1) as f64,
        }
    };
    let mut rows: Vec<HeapRow> = lines.iter().map(row).collect();
    rows.retain(|row| row.bytes > 0 && row.percent >= LEAST);
    rows.sort_by_key(|row| (std::cmp::Reverse(row.bytes), row.place));
    rows.truncate(LISTED);
    rows
}
