//! The largest singular value of an endless matrix: divisions in a function of two lines.

/// Rows and columns of a turn.
const SIZE: usize = 150;

fn entry(i: usize, j: usize) -> f64 {
    let sum = i + j;
    1.0 / (sum * (sum + 1) / 2 + i + 1) as f64
}

fn times(vector: &[f64], product: &mut [f64]) {
    for (i, sum) in product.iter_mut().enumerate() {
        *sum = 0.0;
        for (j, value) in vector.iter().enumerate() {
            *sum += entry(i, j) * value;
        }
    }
}

fn transposed_times(vector: &[f64], product: &mut [f64]) {
    for (i, sum) in product.iter_mut().enumerate() {
        *sum = 0.0;
        for (j, value) in vector.iter().enumerate() {
            *sum += entry(j, i) * value;
        }
    }
}

fn both(vector: &[f64], product: &mut [f64], between: &mut [f64]) {
    times(vector, between);
    transposed_times(between, product);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The norm of the first rows and columns.
pub(crate) fn norm(size: usize) -> f64 {
    let mut u = vec![1.0; size];
    let mut v = vec![0.0; size];
    let mut between = vec![0.0; size];
    for _ in 0..10 {
        both(&u, &mut v, &mut between);
        both(&v, &mut u, &mut between);
    }
    (dot(&u, &v) / dot(&v, &v)).sqrt()
}

pub(crate) fn run(turns: u64) -> u64 {
    (0..turns).fold(0, |sum: u64, _| sum.wrapping_add(norm(SIZE).to_bits() >> 8))
}
