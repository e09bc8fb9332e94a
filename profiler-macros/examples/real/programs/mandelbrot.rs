//! Points that stay near zero: a loop that ends early, in a function for each point.

/// Points along a side of the square of a turn.
const SIDE: u32 = 160;

/// Steps after which a point counts as one that stays.
const STEPS: u32 = 50;

fn stays(real: f64, imaginary: f64) -> bool {
    let (mut x, mut y) = (0.0, 0.0);
    for _ in 0..STEPS {
        let (xx, yy) = (x * x, y * y);
        if xx + yy > 4.0 {
            return false;
        }
        y = 2.0 * x * y + imaginary;
        x = xx - yy + real;
    }
    true
}

fn row(at: u32, side: u32) -> u64 {
    let scale = 2.0 / f64::from(side);
    let imaginary = f64::from(at) * scale - 1.0;
    let mut count = 0;
    for column in 0..side {
        if stays(f64::from(column) * scale - 1.5, imaginary) {
            count += 1;
        }
    }
    count
}

/// Points that stay, of a square of that many points along a side.
pub(crate) fn points(side: u32) -> u64 {
    (0..side).map(|at| row(at, side)).sum()
}

pub(crate) fn run(turns: u64) -> u64 {
    (0..turns).map(|_| points(SIDE)).sum()
}
