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

/// What no marker can do without, each one after the other, in nanoseconds: reading the clock, reading it between fences, and adding to a
/// word in memory.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the yardsticks are single instructions")]
pub(crate) fn yardsticks(budget: Duration) -> [(&'static str, f64); 3] {
    use core::arch::x86_64::{_mm_lfence, _rdtsc};
    const TURNS: u32 = 10_000;
    let mut words = [0_u64; 16];
    let mut pieces: [Piece<'_>; 3] = [
        Box::new(|| {
            let mut sum = 0_u64;
            for _ in 0..TURNS {
                // SAFETY: every x86-64 processor has the instruction.
                sum = sum.wrapping_add(unsafe { _rdtsc() });
            }
            black_box(sum);
        }),
        Box::new(|| {
            let mut sum = 0_u64;
            for _ in 0..TURNS {
                // SAFETY: as above.
                unsafe { _mm_lfence() };
                // SAFETY: as above.
                let now = unsafe { _rdtsc() };
                // SAFETY: as above.
                unsafe { _mm_lfence() };
                sum = sum.wrapping_add(now);
            }
            black_box(sum);
        }),
        Box::new(|| {
            let words = words.as_mut_ptr();
            for _ in 0..TURNS / 4 {
                // SAFETY: four words of the array, one after the other, as the lines of a loop are.
                unsafe {
                    core::arch::asm!(
                        "add qword ptr [{words}], 1",
                        "add qword ptr [{words} + 32], 1",
                        "add qword ptr [{words} + 64], 1",
                        "add qword ptr [{words} + 96], 1",
                        words = in(reg) words,
                    );
                }
            }
        }),
    ];
    let names = ["rdtsc", "fenced", "add"];
    let nanos = shortest(budget, &mut pieces).map(|time| time / f64::from(TURNS));
    core::array::from_fn(|index| (names[index], nanos[index]))
}

/// Nanoseconds of reading the clock of the system once.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn yardsticks(budget: Duration) -> [(&'static str, f64); 1] {
    const READS: u32 = 10_000;
    let mut reads: [Piece<'_>; 1] = [Box::new(|| {
        for _ in 0..READS {
            black_box(Instant::now());
        }
    })];
    [("rdtsc", shortest(budget, &mut reads)[0] / f64::from(READS))]
}
