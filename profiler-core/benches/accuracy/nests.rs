//! Two vectorised loop nests in one function, against the same nests timed on their own.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hprof::model::Nanos;
use hprof::profile;

use super::runs::{Recorded, timed};

/// Side of the field with its edge, as in the diffusion workload with `dx = 0.1`.
const SIDE: usize = 202;
/// Rate of the diffusion.
const RATE: f64 = 0.25;

struct Field {
    dens: Vec<f64>,
    next: Vec<f64>,
    lapl: Vec<f64>,
}

impl Field {
    fn new() -> Self {
        let zeros = || vec![black_box(0.0); SIDE * SIDE];
        Self {
            dens: zeros(),
            next: zeros(),
            lapl: zeros(),
        }
    }
}

/// Steps of the diffusion, both nests of each.
#[profile(always)]
fn steps(field: &mut Field, steps: u64) {
    for _ in 0..steps {
        let Field { dens, next, lapl } = &mut *field;
        for i in 1..SIDE - 1 {
            let above = &dens[(i - 1) * SIDE..][..SIDE];
            let here = &dens[i * SIDE..][..SIDE];
            let below = &dens[(i + 1) * SIDE..][..SIDE];
            let row = &mut lapl[i * SIDE..][..SIDE];
            for j in 1..SIDE - 1 {
                row[j] = below[j] + above[j] + here[j + 1] + here[j - 1] - 4.0 * here[j];
            }
        }
        // The second nest.
        for i in 1..SIDE - 1 {
            let here = &dens[i * SIDE..][..SIDE];
            let change = &lapl[i * SIDE..][..SIDE];
            let row = &mut next[i * SIDE..][..SIDE];
            for j in 1..SIDE - 1 {
                row[j] = here[j] + RATE * change[j];
            }
        }
        std::mem::swap(dens, next);
    }
}

#[inline(never)]
fn first(field: &mut Field) {
    let Field { dens, lapl, .. } = field;
    for i in 1..SIDE - 1 {
        let above = &dens[(i - 1) * SIDE..][..SIDE];
        let here = &dens[i * SIDE..][..SIDE];
        let below = &dens[(i + 1) * SIDE..][..SIDE];
        let row = &mut lapl[i * SIDE..][..SIDE];
        for j in 1..SIDE - 1 {
            row[j] = below[j] + above[j] + here[j + 1] + here[j - 1] - 4.0 * here[j];
        }
    }
}

#[inline(never)]
fn second(field: &mut Field) {
    let Field { dens, next, lapl } = field;
    for i in 1..SIDE - 1 {
        let here = &dens[i * SIDE..][..SIDE];
        let change = &lapl[i * SIDE..][..SIDE];
        let row = &mut next[i * SIDE..][..SIDE];
        for j in 1..SIDE - 1 {
            row[j] = here[j] + RATE * change[j];
        }
    }
}

/// In the child: the profiled nests.
pub(crate) fn run(length: Duration) -> Duration {
    let mut field = Field::new();
    // Warms the caches, too.
    let (one, two) = alone(&mut field, 300);
    let wished = length.as_secs_f64() / (one + two).as_secs_f64() * 300.0;
    let field = std::cell::RefCell::new(field);
    timed(
        || steps(&mut field.borrow_mut(), 0),
        || steps(&mut field.borrow_mut(), wished as u64),
    )
}

/// The time of each nest in some turns of one after the other.
fn alone(field: &mut Field, turns: u32) -> (Duration, Duration) {
    let mut sums = (Duration::ZERO, Duration::ZERO);
    for _ in 0..turns {
        let began = Instant::now();
        first(field);
        let between = Instant::now();
        second(field);
        sums.0 += between - began;
        sums.1 += between.elapsed();
        std::mem::swap(&mut field.dens, &mut field.next);
    }
    sums
}

/// Percent of the first nest of both: timed alone, in this process.
pub(crate) fn truth(length: Duration) -> f64 {
    let mut field = Field::new();
    let (one, two) = alone(&mut field, 300);
    let turns = length.as_secs_f64() / (one + two).as_secs_f64() * 300.0;
    let (one, two) = alone(&mut field, turns as u32);
    one.as_secs_f64() / (one + two).as_secs_f64() * 100.0
}

/// Percent of the first nest of both, as recorded.
pub(crate) fn seen(recorded: &Recorded) -> f64 {
    let cost = recorded.function("steps");
    let function = &recorded.profile.functions[cost.function.0 as usize];
    let text = function.source.iter();
    let second = (function.line..)
        .zip(text)
        .find(|(_, text)| text.contains("// The second nest."));
    let second = second.expect("the source travels with the profile").0;
    let (mut before, mut after) = (Nanos(0), Nanos(0));
    for line in &cost.lines {
        let nest = if line.line < second {
            &mut before
        } else {
            &mut after
        };
        *nest += line.own.time();
    }
    before.as_seconds() / (before + after).as_seconds() * 100.0
}
