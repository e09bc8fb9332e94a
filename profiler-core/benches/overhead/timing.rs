//! Times short pieces of code against each other: interleaved, repeated, and only the shortest time of each counts, so that what other programs do
//! on the machine falls out.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// A piece of code to be timed.
pub(crate) type Piece<'a> = Box<dyn FnMut() + 'a>;

/// Repeats at most.
const REPEATS: usize = 400;
/// Repeats at least, however long they take.
const FEWEST: usize = 5;

/// The shortest time of each piece in nanoseconds, after many turns of running one after the other for about `budget`.
pub(crate) fn shortest<const N: usize>(budget: Duration, pieces: &mut [Piece<'_>; N]) -> [f64; N] {
    let mut best = [Duration::MAX; N];
    let began = Instant::now();
    for repeat in 0..REPEATS {
        for (best, piece) in best.iter_mut().zip(pieces.iter_mut()) {
            let before = Instant::now();
            piece();
            *best = before.elapsed().min(*best);
        }
        if repeat >= FEWEST && began.elapsed() > budget {
            break;
        }
    }
    best.map(|time| time.as_secs_f64() * 1e9)
}

/// Nanoseconds of reading the time stamp counter once, one reading after the other.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the yardstick is one instruction")]
pub(crate) fn bare_read(budget: Duration) -> f64 {
    const READS: u32 = 10_000;
    let mut reads: [Piece<'_>; 1] = [Box::new(|| {
        let mut sum = 0_u64;
        for _ in 0..READS {
            // SAFETY: every x86-64 processor has the instruction.
            sum = sum.wrapping_add(unsafe { core::arch::x86_64::_rdtsc() });
        }
        black_box(sum);
    })];
    shortest(budget, &mut reads)[0] / f64::from(READS)
}

/// Nanoseconds of reading the clock of the system once.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn bare_read(budget: Duration) -> f64 {
    const READS: u32 = 10_000;
    let mut reads: [Piece<'_>; 1] = [Box::new(|| {
        for _ in 0..READS {
            black_box(Instant::now());
        }
    })];
    shortest(budget, &mut reads)[0] / f64::from(READS)
}
