//! Times with as many digits as they are sure, and their errors.

use crate::text::numbers::{AT_MOST, Unit, rough_time};
use crate::view::Sure;

/// What the column of errors has for a time of which nobody knows how wrong it may be.
pub(crate) const NOT_KNOWN: &str = "?";

impl Unit {
    /// A time, or a time per hit, in nanoseconds that is so sure: fewer digits where they would say more than is known.
    pub(crate) fn sure(self, nanos: f64, sure: Sure, decimals: usize, width: usize) -> String {
        let rough = || match self {
            Self::Auto => rough_time(nanos),
            Self::Seconds(_) => self.time(nanos, decimals, width),
        };
        match sure {
            Sure::Exact | Sure::Within(_) => self.time(nanos, decimals, width),
            Sure::AtMost(_) => format!("{AT_MOST} {}", rough()),
            Sure::Unknown => rough(),
        }
    }

    /// The error of a time that is so sure.
    pub(crate) fn error(self, sure: Sure, decimals: usize, width: usize) -> String {
        match sure {
            Sure::Within(error) => self.time(error, decimals, width),
            Sure::Unknown => NOT_KNOWN.into(),
            Sure::Exact | Sure::AtMost(_) => String::new(),
        }
    }
}
