//! How sure a time is. This is decided here once, so that every table prints the same figure for it.

use hprof::model::Nanos;

/// A part of a line's total that is smaller than this says nothing of the total: one in so many.
const MATTERS: u64 = 20;

/// How sure a time is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Sure {
    /// As exact as the clock.
    #[default]
    Exact,
    /// One standard deviation, nanoseconds, which is not more than the time itself.
    Within(f64),
    /// The error is larger than the time, so all that is known is that the time is hardly longer than this: time and one standard
    /// deviation, nanoseconds.
    AtMost(f64),
    /// The time was divided by guess, and nobody knows how wrong the guess may be.
    Unknown,
}

impl Sure {
    /// Of a time with this error, in nanoseconds; `guessed` if it rests on the prior.
    pub(crate) fn new(time: Nanos, error: f64, guessed: bool) -> Self {
        let nanos = time.0 as f64;
        if error > nanos {
            Self::AtMost(nanos + error)
        } else if error > 0.0 {
            Self::Within(error)
        } else if guessed {
            Self::Unknown
        } else {
            Self::Exact
        }
    }

    /// What the column of errors has, if it is a figure.
    pub(crate) fn error(self) -> Option<f64> {
        match self {
            Self::Within(error) => Some(error),
            Self::Exact | Self::AtMost(_) | Self::Unknown => None,
        }
    }

    /// The figure to compute with: the time, or the bound where no more is known.
    pub(crate) fn figure(self, time: Nanos) -> f64 {
        match self {
            Self::AtMost(bound) => bound,
            Self::Exact | Self::Within(_) | Self::Unknown => time.0 as f64,
        }
    }
}

/// Whether a part of a time is large enough to say something of the whole.
pub(crate) fn matters(part: Nanos, whole: Nanos) -> bool {
    part > Nanos::ZERO && part.0.saturating_mul(MATTERS) >= whole.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_without_an_error_is_never_exact() {
        assert_eq!(Sure::new(Nanos(9), 0.0, true), Sure::Unknown);
        assert_eq!(Sure::new(Nanos(9), 0.0, false), Sure::Exact);
        assert_eq!(Sure::new(Nanos(9), 8.0, true), Sure::Within(8.0));
        assert_eq!(Sure::new(Nanos(9), 9.0, true), Sure::Within(9.0));
        assert_eq!(Sure::new(Nanos(9), 9.5, true), Sure::AtMost(18.5));
        assert_eq!(Sure::new(Nanos(0), 1.0, false), Sure::AtMost(1.0));
    }

    #[test]
    fn a_twentieth_matters() {
        assert!(matters(Nanos(5), Nanos(100)));
        assert!(!matters(Nanos(4), Nanos(100)));
        assert!(!matters(Nanos(0), Nanos(0)));
        assert!(matters(Nanos(u64::MAX), Nanos(u64::MAX)));
    }
}
