//! One record for each instrumented line, for tables that other programs read.

use std::collections::BTreeMap;

use hprof::model::{
    Function, FunctionCost, Line, LineLive, LineTotal, Nanos, Profile, RssChange, Scope,
};
use hprof::site::LineKind;

use super::durations::{LineDurations, of_lines as line_durations};
use super::line::{
    Markers, error, hits, is_finely_split, knows_prices, net_error, seen_cpu, splits_time,
};
use super::thin::ThinRow;
use super::waits::{Causes, wait};

/// Where a line's time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The clock was read.
    Exact,
    /// It was, but some intervals were too short for it.
    Resolution,
    /// Most of it is a share of a gap, split by samples.
    Sampled,
    /// Most of it is a share of a gap, split by what a hit took before the line became hot.
    Prior,
    /// The line is in a counted loop: only its hits are known.
    Group,
    /// The line is the `fn` of a thin function: its hits are the calls.
    Thin,
}

impl Origin {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Resolution => "resolution",
            Self::Sampled => "sampled",
            Self::Prior => "prior",
            Self::Group => "group",
            Self::Thin => "thin",
        }
    }
}

/// What is known of a line; `None` where nothing was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) line: &'a Line,
    pub(crate) text: Option<&'a str>,
    pub(crate) hits: Option<u64>,
    pub(crate) total: Option<Nanos>,
    pub(crate) own: Option<Nanos>,
    pub(crate) cpu: Option<Nanos>,
    pub(crate) awaited: Option<Nanos>,
    pub(crate) samples: Option<u64>,
    /// Time without CPU time, and what for in the main.
    pub(crate) wait: Option<Nanos>,
    pub(crate) wait_cause: Option<&'static str>,
    /// Entries of the counted loop that the line is the header of.
    pub(crate) trips: Option<u64>,
    /// One standard deviation.
    pub(crate) error: Option<Nanos>,
    pub(crate) origin: Option<Origin>,
    /// The times without what recording took of them.
    pub(crate) net: Option<NetRecord>,
    /// Allocations, their bytes, bytes freed.
    pub(crate) heap: Option<(u64, u64, u64)>,
    /// Blocks of the line that were not freed.
    pub(crate) live: Option<LiveRecord>,
    /// Growth and shrinkage of the resident set by the line itself.
    pub(crate) rss: Option<RssChange>,
    /// How long single hits took.
    pub(crate) durations: Option<LineDurations>,
}

/// Times of a line without what recording took of them, and one standard deviation of the first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NetRecord {
    pub(crate) total: Nanos,
    pub(crate) own: Nanos,
    pub(crate) error: Option<Nanos>,
}

impl NetRecord {
    fn new(total: &LineTotal, markers: u64) -> Self {
        Self {
            total: total.net(),
            own: total.own.net(),
            error: Some(rounded(net_error(total, markers))).filter(|error| *error > Nanos::ZERO),
        }
    }
}

/// Live bytes of a line at the end and at the heap's peak, each with one standard deviation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LiveRecord {
    pub(crate) end: (u64, u64),
    pub(crate) peak: (u64, u64),
}

impl LiveRecord {
    fn new(live: &LineLive) -> Self {
        let deviation = |variance: u64| rounded((variance as f64).sqrt()).0;
        Self {
            end: (live.live_bytes, deviation(live.live_variance)),
            peak: (live.peak_bytes, deviation(live.peak_variance)),
        }
    }
}

impl Record<'_> {
    fn with_net_if(self, priced: bool) -> Self {
        Self {
            net: self.net.filter(|_| priced),
            ..self
        }
    }
}

/// The records of a function, ascending by line; none if the profile does not hold it.
pub(crate) fn records<'a>(
    profile: &'a Profile,
    cost: &FunctionCost,
) -> Option<(&'a Function, Vec<Record<'a>>)> {
    let function = profile.functions.get(cost.function.0 as usize)?;
    let heap = profile
        .processes
        .iter()
        .any(|process| process.heap.is_some());
    let noted = notes_blocks(profile);
    let priced = knows_prices(profile);
    let markers = Markers::new(function, cost, splits_time(profile));
    let causes = Causes::of_function(profile, Scope::All, cost.function);
    let durations = line_durations(profile, cost);
    let totals: BTreeMap<u32, &LineTotal> =
        cost.lines.iter().map(|total| (total.line, total)).collect();
    let records = function.lines.iter().map(|line| {
        let measured = totals
            .get(&line.line)
            .filter(|total| total.own.hits > 0 || total.total > Nanos::ZERO);
        let at = line.line.checked_sub(function.line).map(|at| at as usize);
        let text = at
            .and_then(|at| function.source.get(at))
            .map(String::as_str);
        let blank = blank(line, text);
        measured.map_or(blank, |total| Record {
            live: noted.then(|| LiveRecord::new(&total.own.live)),
            durations: durations.get(&total.line).copied(),
            wait_cause: causes
                .main(cost.function, total.line)
                .map(|(cause, _)| cause.name()),
            ..measured_record(blank, total, (cost, &markers), heap).with_net_if(priced)
        })
    });
    Some((function, records.collect()))
}

/// Whether live bytes are known by line.
pub(crate) fn notes_blocks(profile: &Profile) -> bool {
    let mut heaps = profile.processes.iter().filter_map(|process| process.heap);
    heaps.any(|heap| heap.lines.is_some())
}

/// A record in which nothing is known.
const fn blank<'a>(line: &'a Line, text: Option<&'a str>) -> Record<'a> {
    Record {
        line,
        text,
        hits: None,
        total: None,
        own: None,
        cpu: None,
        awaited: None,
        samples: None,
        wait: None,
        wait_cause: None,
        trips: None,
        error: None,
        origin: None,
        net: None,
        heap: None,
        live: None,
        rss: None,
        durations: None,
    }
}

/// A record of which not even the line is known.
pub(crate) static UNKNOWN: Record<'static> = blank(&UNKNOWN_LINE, None);

static UNKNOWN_LINE: Line = Line {
    line: 0,
    kind: LineKind::WholeBody,
    group: 0,
    label: String::new(),
};

/// The record of a thin function: its calls, on the line of its `fn`.
pub(crate) fn thin_record<'a>(thin: &ThinRow<'a>) -> Record<'a> {
    let line = thin.function.lines.first();
    Record {
        hits: Some(thin.calls),
        origin: Some(Origin::Thin),
        ..line.map_or(UNKNOWN, |line| blank(line, None))
    }
}

fn measured_record<'a>(
    blank: Record<'a>,
    total: &LineTotal,
    (cost, markers): (&FunctionCost, &Markers),
    heap: bool,
) -> Record<'a> {
    let own = &total.own;
    let markers = markers.of(blank.line, total);
    let origin = origin(blank.line, total, markers);
    let timed = origin != Origin::Group || total.total > Nanos::ZERO;
    let sampled = own.sampled > Nanos::ZERO || own.samples > 0;
    Record {
        hits: Some(hits(blank.line, total, cost)),
        total: timed.then_some(total.total),
        own: timed.then(|| own.time()),
        cpu: seen_cpu(total),
        awaited: (own.awaited > Nanos::ZERO).then_some(own.awaited),
        samples: sampled.then_some(own.samples),
        wait: wait(total.total, seen_cpu(total), total.total_variance),
        trips: (own.trips > 0).then_some(own.trips),
        error: timed
            .then(|| rounded(error(total, markers)))
            .filter(|error| *error > Nanos::ZERO),
        origin: Some(origin),
        net: timed.then(|| NetRecord::new(total, markers)),
        heap: heap.then_some((own.allocs, own.alloc_bytes, own.free_bytes)),
        rss: own.rss.map(|rss| rss.change),
        ..blank
    }
}

fn origin(line: &Line, total: &LineTotal, markers: u64) -> Origin {
    let own = &total.own;
    if line.kind == LineKind::GroupBody {
        Origin::Group
    } else if own.sampled > own.exact && own.prior {
        Origin::Prior
    } else if own.sampled > own.exact || is_finely_split(own, markers) {
        Origin::Sampled
    } else if own.below_resolution {
        Origin::Resolution
    } else {
        Origin::Exact
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a deviation is positive, and a cast stops at the largest number"
)]
fn rounded(nanos: f64) -> Nanos {
    Nanos(nanos.round() as u64)
}
