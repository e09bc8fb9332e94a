//! Work of known length: steps of one dependent multiplication and addition.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The number 1, which the compiler does not know. A variable that `black_box` itself has filled would stay in memory, and
/// each line would wait for it.
#[inline(never)]
pub(crate) fn one() -> f64 {
    black_box(1.0)
}

/// One step: some nanoseconds, which no processor can overlap with the step before.
#[inline(always)]
pub(crate) fn step(x: f64) -> f64 {
    x * 1.000_000_1 + 0.5
}

#[inline(always)]
pub(crate) fn two(x: f64) -> f64 {
    step(step(x))
}

#[inline(always)]
pub(crate) fn four(x: f64) -> f64 {
    two(two(x))
}

#[inline(always)]
pub(crate) fn eight(x: f64) -> f64 {
    four(four(x))
}

/// As many steps, in a function of its own that is not profiled.
#[inline(never)]
pub(crate) fn work(mut x: f64, steps: u64) -> f64 {
    for _ in 0..steps {
        x = step(x);
    }
    x
}

/// Steps that take about `time`.
pub(crate) fn steps_for(time: Duration) -> u64 {
    const TRIED: u64 = 20_000;
    let best = (0..5).map(|_| {
        let began = Instant::now();
        black_box(work(black_box(1.0), TRIED));
        began.elapsed()
    });
    let best = best.min().unwrap_or_default().as_secs_f64();
    let steps = time.as_secs_f64() / best * TRIED as f64;
    steps as u64
}
