//! Programs with known answers: the number behind `//=` is the line's share of the program's time, in percent.
//!
//! All time is spent in steps of one dependent multiplication and addition, so shares follow from counting steps.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use hprof::profile;

use super::steps::{eight, four, one, work};

#[inline(always)]
fn sixteen(x: f64) -> f64 {
    eight(eight(x))
}

#[inline(always)]
fn thirty_two(x: f64) -> f64 {
    sixteen(sixteen(x))
}

#[inline(always)]
fn sixty_four(x: f64) -> f64 {
    thirty_two(thirty_two(x))
}

#[inline(always)]
fn two_hundred_fifty_six(x: f64) -> f64 {
    let half = sixty_four(sixty_four(x));
    sixty_four(sixty_four(half))
}

/// (i) Four coarse lines, each reached once. `unit` is a hundredth of the steps.
#[profile(always, split)]
pub(crate) fn once(unit: u64) -> f64 {
    let mut x = one();
    x = work(x, 10 * unit); //= 10
    x = work(x, 20 * unit); //= 20
    x = work(x, 30 * unit); //= 30
    x = work(x, 40 * unit); //= 40
    x
}

/// The calls of (iii): lines of 0.15 to 1.2 microseconds. `unit` is a twentieth of the steps.
#[profile(always, split)]
#[inline(never)]
pub(crate) fn short(mut x: f64, unit: u64) -> f64 {
    x = work(x, unit); //= 5
    x = work(x, 2 * unit); //= 10
    x = work(x, 3 * unit); //= 15
    x = work(x, 6 * unit); //= 30
    x = work(x, 8 * unit); //= 40
    x
}

/// (iii) Many calls of a short function.
#[profile(always, split)]
pub(crate) fn calls(turns: u64, unit: u64) -> f64 {
    let mut x = one();
    for _ in 0..turns {
        x = short(x, unit);
    }
    x
}

/// (iv) Coarse lines around a hot loop. `unit` is a hundredth of the steps.
#[profile(always, split)]
pub(crate) fn mixed(unit: u64) -> f64 {
    let mut x = one();
    x = work(x, 20 * unit); //= 20
    for _ in 0..unit * 40 / 60 {
        x = four(x); //= 2.667
        x = eight(x); //= 5.333
        x = sixteen(x); //= 10.667
        x = thirty_two(x); //= 21.333
    }
    x = work(x, 25 * unit); //= 25
    x = work(x, 15 * unit); //= 15
    x
}

/// The hot callee of (v), 20 steps a turn.
#[profile(always, split)]
#[inline(never)]
pub(crate) fn burst(mut x: f64, turns: u64) -> f64 {
    for _ in 0..turns {
        x = four(x); //= 8
        x = eight(x); //= 16
        x = eight(x); //= 16
    }
    x
}

/// (v) A coarse loop that calls a hot function. `unit` is a tenth of the steps of a turn.
#[profile(always, split)]
pub(crate) fn alternating(turns: u64, unit: u64) -> f64 {
    let mut x = one();
    for _ in 0..turns {
        x = work(x, 3 * unit); //= 30
        x = burst(x, 4 * unit / 20);
        x = work(x, 3 * unit); //= 30
    }
    x
}

/// The kernel of 4, 16, 64 and 256 steps.
#[profile(always, split)]
#[inline(never)]
pub(crate) fn chain(turns: u64) -> f64 {
    let mut x = one();
    for _ in 0..turns {
        x = four(x); //= 1.176
        x = sixteen(x); //= 4.706
        x = sixty_four(x); //= 18.824
        x = two_hundred_fifty_six(x); //= 75.294
    }
    x
}

/// The same in an async body.
#[profile(always, split)]
pub(crate) async fn chain_in_async(turns: u64) -> f64 {
    let mut x = black_box(1.0);
    for _ in 0..turns {
        x = four(x); //= 1.176
        x = sixteen(x); //= 4.706
        x = sixty_four(x); //= 18.824
        x = two_hundred_fifty_six(x); //= 75.294
    }
    x
}

/// The result of a future that waits for nothing.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the future waits"),
    }
}
