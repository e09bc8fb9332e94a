//! The words for a time that was judged.

use std::fmt;

/// What is said of a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeVerdict {
    pub(crate) word: TimeWord,
    /// The change, nanoseconds.
    pub(crate) change: f64,
    /// Where it may be as well.
    pub(crate) interval: Option<(f64, f64)>,
    /// How likely times differ so much by chance alone (Mann and Whitney).
    pub(crate) p: f64,
    /// The share of all pairs of a run of each side in which the newer one takes longer.
    pub(crate) superiority: f64,
    /// No smaller change is one, nanoseconds.
    pub(crate) floor: f64,
}

/// What became of a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TimeWord {
    Slower,
    Faster,
    /// A change of so many percent could have been there without being seen.
    SameWithin(f64),
    /// So many runs of each side cannot tell so many times apart.
    TooFewRuns {
        runs: usize,
        times: usize,
    },
}

impl TimeWord {
    pub(crate) const fn is_change(self) -> bool {
        matches!(self, Self::Slower | Self::Faster)
    }

    /// One word for programs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::SameWithin(_) => "same",
            Self::TooFewRuns { .. } => "not-judged",
        }
    }
}

impl fmt::Display for TimeWord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slower => write!(out, "slower"),
            Self::Faster => write!(out, "faster"),
            Self::SameWithin(percent) => {
                let digits = usize::from(*percent < 10.0);
                write!(out, "same within {percent:.digits$} %")
            }
            Self::TooFewRuns { runs, times } => write!(
                out,
                "not judged: {runs} runs of each cannot tell {times} {} apart",
                if *times == 1 { "time" } else { "times" }
            ),
        }
    }
}
