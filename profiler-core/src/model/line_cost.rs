//! What a line costs, and its figures: each is described once, in [`FIGURES`].
//!
//! Sums, the saved profile, flamegraphs and the names on the command line follow the table. A new counter is a field of [`LineCost`] and a row here,
//! beside where it is recorded and the column that shows it.

use super::live::LineLive;
use super::resident::LineRss;
use super::units::Nanos;

/// What one line costs by itself in one context: callees that are instrumented have their own nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCost {
    /// Times control came to the line. Exact, whatever the clock.
    pub hits: u64,
    /// Time measured by reading the clock at both ends.
    pub exact: Nanos,
    /// Time that is this line's share of gaps between such readings, split by samples.
    pub sampled: Nanos,
    /// Samples that fell on the line.
    pub samples: u64,
    /// Variance of `sampled`, in square nanoseconds: of a split by samples, and of one by earlier timings.
    pub variance: u128,
    /// Variance that cancels in the total of the frame, in square nanoseconds: that of `sampled` here, and of what is called from
    /// here, where the frame holds all lines that share the same gap.
    pub settled: u128,
    /// More of `sampled` rests on the timings before the line became hot than on samples.
    pub prior: bool,
    /// Part of `exact` that rests on intervals too short for the clock.
    pub below_resolution: bool,
    /// Part of the time that recording took: markers, readings of the clock, and the entries of what is called from here, each at the price
    /// that was measured as the process started. Never more than the time.
    pub recording: Nanos,
    /// CPU time; `None` where nobody read it.
    pub cpu: Option<Nanos>,
    /// Time spent waiting between polls; not part of the busy time above.
    pub awaited: Nanos,
    /// Entries of the loop that the line is the header of, if its lines are only counted. Exact.
    pub trips: u64,
    /// Allocations.
    pub allocs: u64,
    /// Bytes of those.
    pub alloc_bytes: u64,
    /// Blocks freed.
    pub frees: u64,
    /// Bytes of those.
    pub free_bytes: u64,
    /// Blocks of the line that are not freed.
    pub live: LineLive,
    /// The resident set; `None` if that was not read.
    pub rss: Option<LineRss>,
}

impl LineCost {
    /// The line's own time, from both sources.
    ///
    /// ```
    /// use hprof::model::{LineCost, Nanos};
    /// let cost = LineCost { exact: Nanos(5), sampled: Nanos(7), ..LineCost::default() };
    /// assert_eq!(cost.time(), Nanos(12));
    /// ```
    #[must_use]
    pub fn time(&self) -> Nanos {
        self.exact + self.sampled
    }

    /// The line's own time without that of recording it.
    ///
    /// ```
    /// use hprof::model::{LineCost, Nanos};
    /// let cost = LineCost { exact: Nanos(9), recording: Nanos(2), ..LineCost::default() };
    /// assert_eq!(cost.net() + cost.recording, cost.time());
    /// ```
    #[must_use]
    pub fn net(&self) -> Nanos {
        Nanos(self.time().0.saturating_sub(self.recording.0))
    }

    /// Adds the figures of the same line from another context, thread or process.
    ///
    /// ```
    /// use hprof::model::LineCost;
    /// let mut sum = LineCost { hits: 1, ..LineCost::default() };
    /// sum.add(&LineCost { hits: 2, ..LineCost::default() });
    /// assert_eq!(sum.hits, 3);
    /// ```
    pub fn add(&mut self, other: &Self) {
        // The mark belongs to the larger part of the sampled time.
        self.prior = if other.sampled > self.sampled {
            other.prior
        } else {
            self.prior
        };
        each_figure(|figure| figure.add(self, other));
        self.variance = self.variance.saturating_add(other.variance);
        self.settled = self.settled.saturating_add(other.settled);
        self.below_resolution |= other.below_resolution;
        let (live, more) = (&mut self.live, &other.live);
        live.live_variance = live.live_variance.saturating_add(more.live_variance);
        live.peak_variance = live.peak_variance.saturating_add(more.peak_variance);
        if let Some(more) = &other.rss {
            self.rss.get_or_insert_default().add(more);
        }
    }
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FigureUnit {
    /// Events.
    Count,
    /// Time.
    Nanoseconds,
    /// Memory.
    Bytes,
}

impl FigureUnit {
    /// As pprof has it.
    ///
    /// ```
    /// assert_eq!(hprof::model::FigureUnit::Bytes.name(), "bytes");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Nanoseconds => "nanoseconds",
            Self::Bytes => "bytes",
        }
    }
}

/// A figure of a line: a whole number that is added up over contexts, threads and processes, and stops at the largest.
///
/// ```
/// use hprof::model::{Figure, LineCost};
/// let cost = LineCost { allocs: 3, alloc_bytes: 96, ..LineCost::default() };
/// let bytes = Figure::named("alloc-bytes").unwrap();
/// assert_eq!((bytes.of(&cost), bytes.meaning), (96, "allocated bytes"));
/// ```
#[derive(Debug)]
pub struct Figure {
    /// As users write it: `alloc-bytes`.
    pub name: &'static str,
    /// What it counts, in words.
    pub meaning: &'static str,
    /// What it is counted in.
    pub unit: FigureUnit,
    /// Column of pprof's samples that holds it; `None` if it is kept apart, or follows from others.
    pub column: Option<&'static str>,
    /// Its value; `None` where nobody measured it.
    get: fn(&LineCost) -> Option<u64>,
    /// Puts the value in its place; `None` for a figure that follows from others, and for the resident set, which has a sum of its own.
    set: Option<fn(&mut LineCost, u64)>,
    /// Whether flamegraphs and lists of stacks can show it.
    is_metric: bool,
}

impl Figure {
    /// The figure of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FIGURES.iter().find(|figure| figure.name == name)
    }

    /// The figures that a picture of stacks can show.
    pub fn metrics() -> impl Iterator<Item = &'static Self> {
        FIGURES.iter().filter(|figure| figure.is_metric)
    }

    /// The value for a line, 0 where nobody measured it.
    #[inline]
    #[must_use]
    pub fn of(&self, cost: &LineCost) -> u64 {
        (self.get)(cost).unwrap_or(0)
    }

    /// Whether it is a number of its own, which a file has to keep.
    pub(crate) const fn is_kept(&self) -> bool {
        self.set.is_some()
    }

    /// Puts a number in its place, if it has one.
    #[inline(always)]
    pub(crate) fn put(&self, cost: &mut LineCost, number: u64) {
        if let Some(set) = self.set {
            set(cost, number);
        }
    }

    #[inline(always)]
    fn add(&self, sum: &mut LineCost, more: &LineCost) {
        if let (Some(set), Some(number)) = (self.set, (self.get)(more)) {
            set(sum, self.of(sum).saturating_add(number));
        }
    }
}

/// Calls `f` for each figure in turn. Written out, so that the compiler sees which figure it is: sums over millions of lines then cost as little as if
/// each figure were added by hand.
#[inline(always)]
pub(crate) fn each_figure(mut f: impl FnMut(&'static Figure)) {
    macro_rules! for_each {
        ($($index:literal)*) => {
            const { assert!([$($index),*].len() == FIGURES.len(), "a figure is missing here") };
            $(f(&FIGURES[$index]);)*
        };
    }
    for_each!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18);
}

/// All of them, in the order of the columns of a sample.
pub static FIGURES: [Figure; 19] = [
    Figure {
        name: "hits",
        meaning: "hits",
        unit: FigureUnit::Count,
        column: Some("hits"),
        get: |cost| Some(cost.hits),
        set: Some(|cost, number| cost.hits = number),
        is_metric: true,
    },
    Figure {
        name: "time",
        meaning: "time",
        unit: FigureUnit::Nanoseconds,
        column: Some("time"),
        get: |cost| Some(cost.time().0),
        set: None,
        is_metric: true,
    },
    Figure {
        name: "net",
        meaning: "net time",
        unit: FigureUnit::Nanoseconds,
        column: None,
        get: |cost| Some(cost.net().0),
        set: None,
        is_metric: true,
    },
    Figure {
        name: "exact",
        meaning: "time by readings of the clock",
        unit: FigureUnit::Nanoseconds,
        column: None,
        get: |cost| Some(cost.exact.0),
        set: Some(|cost, number| cost.exact = Nanos(number)),
        is_metric: false,
    },
    Figure {
        name: "sampled",
        meaning: "time split by samples",
        unit: FigureUnit::Nanoseconds,
        column: None,
        get: |cost| Some(cost.sampled.0),
        set: Some(|cost, number| cost.sampled = Nanos(number)),
        is_metric: false,
    },
    Figure {
        name: "samples",
        meaning: "samples",
        unit: FigureUnit::Count,
        column: None,
        get: |cost| Some(cost.samples),
        set: Some(|cost, number| cost.samples = number),
        is_metric: false,
    },
    Figure {
        name: "recording",
        meaning: "time of recording",
        unit: FigureUnit::Nanoseconds,
        column: None,
        get: |cost| Some(cost.recording.0),
        set: Some(|cost, number| cost.recording = Nanos(number)),
        is_metric: false,
    },
    Figure {
        name: "cpu",
        meaning: "CPU time",
        unit: FigureUnit::Nanoseconds,
        column: Some("cpu"),
        get: |cost| cost.cpu.map(|cpu| cpu.0),
        set: Some(|cost, number| cost.cpu = Some(Nanos(number))),
        is_metric: true,
    },
    Figure {
        name: "wait",
        meaning: "time without CPU time",
        unit: FigureUnit::Nanoseconds,
        column: None,
        get: |cost| cost.cpu.map(|cpu| cost.time().0.saturating_sub(cpu.0)),
        set: None,
        is_metric: true,
    },
    Figure {
        name: "await",
        meaning: "time between polls",
        unit: FigureUnit::Nanoseconds,
        column: Some("await"),
        get: |cost| Some(cost.awaited.0),
        set: Some(|cost, number| cost.awaited = Nanos(number)),
        is_metric: true,
    },
    Figure {
        name: "trips",
        meaning: "entries of counted loops",
        unit: FigureUnit::Count,
        column: Some("trips"),
        get: |cost| Some(cost.trips),
        set: Some(|cost, number| cost.trips = number),
        is_metric: true,
    },
    Figure {
        name: "allocs",
        meaning: "allocations",
        unit: FigureUnit::Count,
        column: Some("alloc_objects"),
        get: |cost| Some(cost.allocs),
        set: Some(|cost, number| cost.allocs = number),
        is_metric: true,
    },
    Figure {
        name: "alloc-bytes",
        meaning: "allocated bytes",
        unit: FigureUnit::Bytes,
        column: Some("alloc_space"),
        get: |cost| Some(cost.alloc_bytes),
        set: Some(|cost, number| cost.alloc_bytes = number),
        is_metric: true,
    },
    Figure {
        name: "frees",
        meaning: "freed blocks",
        unit: FigureUnit::Count,
        column: Some("free_objects"),
        get: |cost| Some(cost.frees),
        set: Some(|cost, number| cost.frees = number),
        is_metric: true,
    },
    Figure {
        name: "free-bytes",
        meaning: "freed bytes",
        unit: FigureUnit::Bytes,
        column: Some("free_space"),
        get: |cost| Some(cost.free_bytes),
        set: Some(|cost, number| cost.free_bytes = number),
        is_metric: true,
    },
    Figure {
        name: "live-bytes",
        meaning: "bytes not freed",
        unit: FigureUnit::Bytes,
        column: Some("live_space"),
        get: |cost| Some(cost.live.live_bytes),
        set: Some(|cost, number| cost.live.live_bytes = number),
        is_metric: true,
    },
    Figure {
        name: "peak-bytes",
        meaning: "bytes at the heap's peak",
        unit: FigureUnit::Bytes,
        column: Some("peak_space"),
        get: |cost| Some(cost.live.peak_bytes),
        set: Some(|cost, number| cost.live.peak_bytes = number),
        is_metric: true,
    },
    Figure {
        name: "rss-growth",
        meaning: "growth of the resident set",
        unit: FigureUnit::Bytes,
        column: Some("rss_growth"),
        get: |cost| cost.rss.map(|rss| rss.change.grown()),
        set: None,
        is_metric: true,
    },
    Figure {
        name: "rss-shrink",
        meaning: "shrinkage of the resident set",
        unit: FigureUnit::Bytes,
        column: Some("rss_shrink"),
        get: |cost| cost.rss.map(|rss| rss.change.shrunk()),
        set: None,
        is_metric: true,
    },
];
