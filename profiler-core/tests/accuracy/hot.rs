//! A loop of lines that are too short for any clock: the number behind `//=` is the line's share of the time, in percent.

use hprof::profile;

use super::steps::{eight, four, one, step, two};

/// (ii) A hot loop with lines of a few nanoseconds, 15 steps a turn.
#[profile(always, split)]
#[inline(never)]
pub(crate) fn hot(turns: u64) -> f64 {
    let mut x = one();
    for _ in 0..turns {
        x = step(x); //= 6.667
        x = two(x); //= 13.333
        x = four(x); //= 26.667
        x = eight(x); //= 53.333
    }
    x
}
