//! The expression `a^2 + b^2 + 2 a b` on whole arrays: with temporaries, fused into one pass, shared among threads.
//!
//! Equal to `(a + b)^2` to rounding. `temporaries` is what numpy does, `fused` and `threaded` what numexpr makes of it.
//!
//! Hits for `n` elements: in `temporaries` each line once, while `product` is called 3 times and `sum` 3 times,
//! with `3 * (n + 1)` for their `for` header and `3 * n` for its body; `fused_into` is called once a worker, with
//! `n + workers` for its header and `n` for its body. Each temporary allocates `8 * n` bytes.

use std::thread;

use crate::share::part;

/// One array a operation, five of them temporary. `b` must be as long as `a`.
#[hprof::profile]
pub fn temporaries(a: &[f64], b: &[f64]) -> Vec<f64> {
    let a2 = product(a, a);
    let b2 = product(b, b);
    let ab = product(a, b);
    let two_ab = sum(&ab, &ab);
    let squares = sum(&a2, &b2);
    sum(&squares, &two_ab)
}

#[hprof::profile]
fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut c = vec![0.0; a.len()];
    for i in 0..c.len() {
        c[i] = a[i] * b[i];
    }
    c
}

#[hprof::profile]
fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut c = vec![0.0; a.len()];
    for i in 0..c.len() {
        c[i] = a[i] + b[i];
    }
    c
}

/// One pass, no temporary. `b` must be as long as `a`.
///
/// ```
/// assert_eq!(sample_workloads::expr::fused(&[1.0, 2.0], &[3.0, 4.0]), [16.0, 36.0]);
/// ```
#[hprof::profile]
pub fn fused(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut c = vec![0.0; a.len()];
    fused_into(a, b, &mut c);
    c
}

/// As [`fused`], in `workers` (at least 1) threads that take a part each.
#[hprof::profile]
pub fn threaded(a: &[f64], b: &[f64], workers: usize) -> Vec<f64> {
    let mut c = vec![0.0; a.len()];
    thread::scope(|scope| {
        let mut rest = c.as_mut_slice();
        for worker in 0..workers {
            let range = part(a.len(), worker, workers);
            let (mine, others) = rest.split_at_mut(range.len());
            rest = others;
            scope.spawn(move || fused_into(&a[range.clone()], &b[range], mine));
        }
    });
    c
}

#[hprof::profile]
fn fused_into(a: &[f64], b: &[f64], c: &mut [f64]) {
    for i in 0..c.len() {
        c[i] = a[i] * a[i] + b[i] * b[i] + 2.0 * a[i] * b[i];
    }
}
