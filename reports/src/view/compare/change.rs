//! What changed in a function, in a line, in a figure, and what that is.

use std::fmt;

use hprof::model::{Function, FunctionId, LineCost, Nanos};

use super::time_word::{TimeVerdict, TimeWord};

/// A function in one profile or in both.
#[derive(Debug)]
pub(crate) struct FunctionChange<'a> {
    pub(crate) older: Option<&'a Function>,
    pub(crate) newer: Option<&'a Function>,
    /// It has another module, name or file.
    pub(crate) moved: bool,
    pub(crate) calls: Pair,
    /// In the median of several runs.
    pub(crate) time: TimeChange,
    /// What is said of it; `None` if it is not judged, or too short for that.
    pub(crate) timed: Option<TimeVerdict>,
    /// Which it is in the first run of each side.
    pub(crate) ids: (Option<FunctionId>, Option<FunctionId>),
    /// Its lines: in the order of the newer source, removed ones where they stood.
    pub(crate) lines: Vec<LineChange<'a>>,
    pub(crate) outcome: Outcome,
}

/// A line in one profile or in both.
#[derive(Clone, Debug)]
pub(crate) struct LineChange<'a> {
    /// Its number in the older source.
    pub(crate) older: Option<u32>,
    /// In the newer one.
    pub(crate) newer: Option<u32>,
    /// Its text: the newer one where both have it.
    pub(crate) text: &'a str,
    /// Exact figures, in the order of [`Exact::ALL`]; `None` where a side has none.
    pub(crate) exact: [Option<Pair>; 3],
    pub(crate) time: TimeChange,
    /// The time differs by much more than its error, or by what is said of it.
    pub(crate) is_notable: bool,
    /// What is said of the time, as of that of a function.
    pub(crate) timed: Option<TimeVerdict>,
    pub(crate) outcome: Outcome,
}

/// A figure that has no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exact {
    Hits,
    Allocs,
    Bytes,
}

impl Exact {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Hits, Self::Allocs, Self::Bytes];

    /// That of a line by itself.
    pub(super) const fn of(self, own: &LineCost) -> u64 {
        match self {
            Self::Hits => own.hits,
            Self::Allocs => own.allocs,
            Self::Bytes => own.alloc_bytes,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Allocs => "allocs",
            Self::Bytes => "bytes",
        }
    }
}

/// A figure in the older and in the newer profile; 0 where the line or function is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) older: u64,
    pub(crate) newer: u64,
}

impl Pair {
    pub(crate) const fn differs(self) -> bool {
        self.older != self.newer
    }

    /// The change in percent of the older figure; `None` if that is 0.
    pub(crate) fn percent(self) -> Option<f64> {
        let change = self.newer as f64 - self.older as f64;
        (self.older > 0).then(|| 100.0 * change / self.older as f64)
    }
}

/// A time in both profiles.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TimeChange {
    pub(crate) older: Nanos,
    pub(crate) newer: Nanos,
    /// One standard deviation of the difference, nanoseconds.
    pub(crate) error: f64,
}

/// So many standard deviations are no more than chance.
const CHANCE: f64 = 2.0;
/// A time is worth a row if its line has so many percent of the run, and it differs by so many percent of itself.
const LEAST_OF_RUN: f64 = 1.0;
const LEAST_OF_LINE: f64 = 5.0;

impl TimeChange {
    pub(super) fn new(older: (Nanos, u128), newer: (Nanos, u128)) -> Self {
        Self {
            older: older.0,
            newer: newer.0,
            error: (older.1.saturating_add(newer.1) as f64).sqrt(),
        }
    }

    /// The change, nanoseconds.
    pub(crate) fn change(self) -> f64 {
        self.newer.0 as f64 - self.older.0 as f64
    }

    /// Whether it is longer or shorter by so much that it has to be shown, in runs that took so long.
    pub(crate) fn is_notable(self, whole: Self) -> bool {
        let longer = self.older.max(self.newer).0 as f64;
        let run = whole.older.max(whole.newer).0 as f64;
        !self.is_within_error()
            && longer * 100.0 >= LEAST_OF_RUN * run
            && self.change().abs() * 100.0 >= LEAST_OF_LINE * longer
    }

    /// Whether the change is no more than the error of its parts explains.
    pub(crate) fn is_within_error(self) -> bool {
        self.change().abs() <= CHANCE * self.error
    }
}

impl FunctionChange<'_> {
    /// The newer of its two forms.
    pub(crate) fn function(&self) -> Option<&Function> {
        self.newer.or(self.older)
    }

    /// Whether an exact figure of it differs, or it came or went.
    pub(crate) fn is_listed(&self) -> bool {
        self.outcome.is_change()
            || self.calls.differs()
            || self.lines.iter().any(LineChange::is_listed)
    }

    /// Whether there is anything to be shown of it, its time included.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_listed()
            || self.time_word().is_some()
            || self.lines.iter().any(LineChange::is_shown)
    }

    /// That it is slower or faster, if it is.
    pub(crate) fn time_word(&self) -> Option<TimeWord> {
        change_of(self.timed)
    }
}

impl LineChange<'_> {
    /// Whether an exact figure of it differs, or it came or went.
    pub(crate) fn is_listed(&self) -> bool {
        let figures = self.exact.iter().flatten();
        self.outcome.is_change()
            || (!self.outcome.is_left_out() && figures.copied().any(Pair::differs))
    }

    /// Whether there is anything to be shown of it, its time included.
    pub(crate) fn is_shown(&self) -> bool {
        self.is_listed() || (self.is_notable && !self.outcome.is_left_out())
    }

    /// That it is slower or faster, if it is.
    pub(crate) fn time_word(&self) -> Option<TimeWord> {
        change_of(self.timed)
    }

    /// The verdict in words: of the exact figures, and of the time if that is another.
    pub(crate) fn verdict(&self) -> String {
        let exact = self.is_listed().then(|| self.outcome.to_string());
        let time = self.time_word().map(|word| word.to_string());
        let words: Vec<String> = [exact, time].into_iter().flatten().collect();
        match (words.is_empty(), self.is_shown()) {
            (false, _) => words.join(", "),
            (true, true) => "time only".into(),
            (true, false) => self.outcome.to_string(),
        }
    }

    /// Where the change leads.
    pub(crate) fn tendency(&self) -> Tendency {
        match (&self.outcome, self.time_word()) {
            (Outcome::Regression(_), _) | (_, Some(TimeWord::Slower)) => Tendency::Worse,
            (Outcome::Improvement(_), _) | (_, Some(TimeWord::Faster)) => Tendency::Better,
            _ if self.is_shown() => Tendency::Other,
            _ => Tendency::Same,
        }
    }
}

/// Where a change leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tendency {
    /// Nothing differs by more than chance.
    Same,
    Worse,
    Better,
    /// It came, went, was not judged, or differs in what is not judged.
    Other,
}

fn change_of(timed: Option<TimeVerdict>) -> Option<TimeWord> {
    let word = timed.map(|timed| timed.word);
    word.filter(|word| word.is_change())
}

/// What became of a line or a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The policy names it.
    Ignored,
    /// It has too little of everything.
    BelowFloor,
    /// Only the newer profile has it.
    Added,
    /// Only the older one has it.
    Removed,
    /// It cannot be compared.
    NotJudged(Why),
    /// It does more: of these figures.
    Regression(Vec<Exact>),
    /// It does less: of these figures, and more of none.
    Improvement(Vec<Exact>),
    /// Runs of one side do not agree on these figures, and none is beyond all of the other side.
    Unstable(Vec<Exact>),
    /// All figures are the same, or differ by less than the limits.
    Same,
}

/// Why something is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The function is thin in one of them.
    Thin,
    /// It was left out of one of them.
    LeftOut,
    /// Another version of hprof, or another switch, marked it.
    Instrumentation,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |figures: &[Exact]| {
            let names: Vec<_> = figures.iter().map(|figure| figure.name()).collect();
            names.join(", ")
        };
        match self {
            Self::Ignored => write!(out, "ignored"),
            Self::BelowFloor => write!(out, "below floor"),
            Self::Added => write!(out, "added"),
            Self::Removed => write!(out, "removed"),
            Self::NotJudged(Why::Thin) => write!(out, "not judged: without lines on one side"),
            Self::NotJudged(Why::LeftOut) => write!(out, "not judged: left out on one side"),
            Self::NotJudged(Why::Instrumentation) => {
                write!(out, "not judged: instrumented in another way")
            }
            Self::Regression(figures) => write!(out, "more {}", names(figures)),
            Self::Improvement(figures) => write!(out, "fewer {}", names(figures)),
            Self::Unstable(figures) => write!(out, "unstable {}", names(figures)),
            Self::Same => write!(out, "same"),
        }
    }
}

impl Outcome {
    /// Whether it is a change that has to be shown.
    pub(crate) const fn is_change(&self) -> bool {
        matches!(
            self,
            Self::Added
                | Self::Removed
                | Self::NotJudged(_)
                | Self::Regression(_)
                | Self::Improvement(_)
        )
    }

    /// Whether nobody wants to see it.
    pub(crate) const fn is_left_out(&self) -> bool {
        matches!(self, Self::Ignored | Self::BelowFloor)
    }

    /// One word for programs.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::BelowFloor => "below-floor",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::NotJudged(_) => "not-judged",
            Self::Regression(_) => "regression",
            Self::Improvement(_) => "improvement",
            Self::Unstable(_) => "unstable",
            Self::Same => "same",
        }
    }

    /// Its place in a list that begins with what is worst.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Regression(_) => 0,
            Self::Added => 1,
            Self::NotJudged(_) => 2,
            Self::Unstable(_) | Self::Same => 3,
            Self::Improvement(_) => 4,
            Self::Removed => 5,
            Self::BelowFloor | Self::Ignored => 6,
        }
    }
}
