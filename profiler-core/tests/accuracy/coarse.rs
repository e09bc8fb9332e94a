//! Programs whose lines all take longer than two microseconds a hit: the number behind `//=` is the line's share of the program's time, in
//! percent.

use hprof::profile;

use super::steps::{one, work};

/// Three lines, each longer than two microseconds a hit, in a loop. `unit` is a tenth of the steps of a turn.
#[profile(always)]
pub(crate) fn coarse_loop(turns: u64, unit: u64) -> f64 {
    let mut x = one();
    for _ in 0..turns {
        x = work(x, 2 * unit); //= 20
        x = work(x, 5 * unit); //= 50
        x = work(x, 3 * unit); //= 30
    }
    x
}

/// Branches taken unevenly: one turn in four is long. `unit` is a tenth of the steps of four turns.
#[profile(always)]
pub(crate) fn coarse_branches(turns: u64, unit: u64) -> f64 {
    let mut x = one();
    for turn in 0..turns {
        if turn % 4 == 0 {
            x = work(x, 4 * unit); //= 40
        } else {
            x = work(x, unit); //= 30
        }
        if turn % 4 == 3 {
            x = work(x, 3 * unit); //= 30
        }
    }
    x
}

/// A coarse callee reached from two lines. `unit` is a tenth of the steps of a turn.
#[profile(always)]
pub(crate) fn coarse_calls(turns: u64, unit: u64) -> f64 {
    let mut x = one();
    for _ in 0..turns {
        x = coarse_callee(x, 2 * unit);
        x = work(x, 4 * unit); //= 40
        x = coarse_callee(x, unit);
    }
    x
}

/// Two thirds of its time in the second line.
#[profile(always)]
pub(crate) fn coarse_callee(mut x: f64, unit: u64) -> f64 {
    x = work(x, unit); //= 30
    x = work(x, unit); //= 30
    x
}

/// Plain recursion.
#[profile(always)]
pub(crate) fn fib(n: u64) -> f64 {
    if n < 2 {
        return n as f64;
    }
    fib(n - 1) + fib(n - 2)
}
