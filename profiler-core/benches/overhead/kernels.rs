//! What is measured, compiled four times: plain, instrumented, with full markers in grouped loops, and with calls alone.

use std::hint::black_box;

/// A field of densities with its edge, as in the diffusion workload with `dx = 0.1`.
pub(crate) const SIDE: usize = 202;
/// Rate of the diffusion, `D dt / dx^2`.
const RATE: f64 = 0.25;

/// Rows of densities and two more of the same size to work with.
pub(crate) struct Nested {
    pub(crate) dens: Vec<Vec<f64>>,
    pub(crate) next: Vec<Vec<f64>>,
    pub(crate) lapl: Vec<Vec<f64>>,
}

impl Nested {
    pub(crate) fn new() -> Self {
        let field = || vec![vec![0.0; SIDE]; SIDE];
        let mut dens = field();
        for row in &mut dens[1..SIDE - 1] {
            row[1..SIDE - 1].fill(1.0);
        }
        Self {
            dens,
            next: field(),
            lapl: field(),
        }
    }
}

/// The same in one piece.
pub(crate) struct Flat {
    pub(crate) dens: Vec<f64>,
    pub(crate) next: Vec<f64>,
    pub(crate) lapl: Vec<f64>,
}

impl Flat {
    pub(crate) fn new() -> Self {
        let nested = Nested::new();
        Self {
            dens: nested.dens.concat(),
            next: nested.next.concat(),
            lapl: nested.lapl.concat(),
        }
    }
}

/// Two vectors for [`plain::dots`].
pub(crate) struct Vectors {
    pub(crate) a: [f64; 32],
    pub(crate) b: [f64; 32],
}

/// 32 products: about 26 ns where an addition takes 0.8.
#[inline(never)]
pub(crate) fn dot(a: &[f64; 32], b: &[f64; 32]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in a.iter().zip(b) {
        sum += a * b;
    }
    sum
}

/// Nine lines and one: their difference shows how large a marker is.
macro_rules! sized {
    ($($code:tt)*) => {
        pub(crate) mod plain_size {
            use super::*;
            $($code)*
        }
        #[hprof::profile(always, lines)]
        pub(crate) mod lines_size {
            use super::*;
            $($code)*
        }
    };
}

sized! {
    #[inline(never)]
    pub(crate) fn one_line(x: &mut u64) {
        *x = black_box(*x);
    }

    #[inline(never)]
    pub(crate) fn nine_lines(x: &mut u64) {
        *x = black_box(*x);
        *x = black_box(*x);
        *x = black_box(*x);
        *x = black_box(*x);
        *x = black_box(*x);
        *x = black_box(*x);
        *x = black_box(*x);
        *x = black_box(*x);
        *x = black_box(*x);
    }
}

/// The same code four times.
macro_rules! four_times {
    ($($code:tt)*) => {
        pub(crate) mod plain {
            use super::*;
            $($code)*
        }
        #[hprof::profile(always, lines)]
        pub(crate) mod lines {
            use super::*;
            $($code)*
        }
        #[hprof::profile(always, split)]
        pub(crate) mod split {
            use super::*;
            $($code)*
        }
        #[hprof::profile(always, calls)]
        pub(crate) mod calls {
            use super::*;
            $($code)*
        }
    };
}

four_times! {
    /// A chain of integer operations, each waiting for the one before: four lines and the header a turn.
    #[inline(never)]
    pub(crate) fn latency(n: u64) -> u64 {
        let mut x = n;
        for _ in 0..n {
            x = x.wrapping_mul(3);
            x ^= x >> 7;
            x = x.wrapping_add(5);
            x ^= x << 3;
        }
        x
    }

    /// Lines that the processor runs side by side: four and the header a turn.
    #[inline(never)]
    pub(crate) fn throughput(n: u64) -> u64 {
        let (mut a, mut b, mut c, mut d) = (1_u64, 2_u64, 3_u64, 4_u64);
        for i in 0..n {
            a = a.wrapping_add(i);
            b ^= i;
            c = c.wrapping_sub(i);
            d |= i;
        }
        a ^ b ^ c ^ d
    }

    /// One step of the diffusion on nested vectors.
    #[inline(never)]
    pub(crate) fn naive(field: &mut Nested) {
        let Nested { dens, next, lapl } = field;
        for i in 1..SIDE - 1 {
            for j in 1..SIDE - 1 {
                lapl[i][j] = dens[i + 1][j] + dens[i - 1][j] + dens[i][j + 1] + dens[i][j - 1]
                    - 4.0 * dens[i][j];
            }
        }
        for i in 1..SIDE - 1 {
            for j in 1..SIDE - 1 {
                next[i][j] = dens[i][j] + RATE * lapl[i][j];
            }
        }
        std::mem::swap(dens, next);
    }

    /// One step of the diffusion on rows as slices, which the compiler vectorises.
    #[inline(never)]
    pub(crate) fn slices(field: &mut Flat) {
        let Flat { dens, next, lapl } = field;
        for i in 1..SIDE - 1 {
            let above = &dens[(i - 1) * SIDE..][..SIDE];
            let here = &dens[i * SIDE..][..SIDE];
            let below = &dens[(i + 1) * SIDE..][..SIDE];
            let row = &mut lapl[i * SIDE..][..SIDE];
            for j in 1..SIDE - 1 {
                row[j] = below[j] + above[j] + here[j + 1] + here[j - 1] - 4.0 * here[j];
            }
        }
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

    /// The area under a curve, as in the workload of that name: no line of the loop calls anything.
    #[inline(never)]
    pub(crate) fn area(points: u64) -> f64 {
        let dx = 3.0 / points as f64;
        let mut area = 0.0;
        for i in 0..points {
            let x = i as f64 * dx;
            let y = 0.7 * x * x * x - 2.0 * x * x + 4.0;
            area += y * dx;
        }
        area
    }

    /// A sum whose turns the compiler may not add up beforehand.
    #[inline(never)]
    pub(crate) fn summer(stop: u64) -> u64 {
        let mut total = 0;
        for i in 0..stop {
            total += black_box(i);
        }
        total
    }

    /// Turns until a point of the plane gets away, by a loop that is left in its middle.
    #[inline(never)]
    pub(crate) fn escape(cx: f64, cy: f64, limit: u32) -> u32 {
        let (mut x, mut y) = (0.0, 0.0);
        for turn in 0..limit {
            if x * x + y * y > 4.0 {
                return turn;
            }
            let next = x * x - y * y + cx;
            y = 2.0 * x * y + cy;
            x = next;
        }
        limit
    }

    /// The Mandelbrot set on a grid of points.
    #[inline(never)]
    pub(crate) fn mandelbrot(side: u64) -> u64 {
        let mut turns = 0;
        for row in 0..side {
            let cy = 2.6 * row as f64 / side as f64 - 1.3;
            for column in 0..side {
                let cx = 3.0 * column as f64 / side as f64 - 2.0;
                turns += u64::from(escape(cx, cy, 200));
            }
        }
        turns
    }

    /// The trapezoid rule with two square roots a point: methods of numbers.
    #[inline(never)]
    pub(crate) fn roots(points: u64) -> f64 {
        let h = 1.0 / points as f64;
        let (mut x, mut sum) = (0.0_f64, 0.0);
        for _ in 0..points {
            let y0 = (1.0 - x * x).sqrt();
            x = (x + h).min(1.0);
            let y1 = (1.0 - x * x).sqrt();
            sum += (y0 + y1) * 0.5 * h;
        }
        sum
    }

    /// Plain recursion.
    #[inline(never)]
    pub(crate) fn fib(n: u64) -> u64 {
        if n < 2 {
            return n;
        }
        fib(n - 1) + fib(n - 2)
    }

    /// A call that does next to nothing: two lines.
    #[inline(never)]
    pub(crate) fn leaf(mut x: u64) -> u64 {
        x ^= x >> 7;
        x.wrapping_mul(3)
    }

    /// The same with a local, whose end is a row of its own: that of the closing brace.
    #[inline(never)]
    pub(crate) fn brace(x: u64) -> u64 {
        let y = x ^ (x >> 7);
        y.wrapping_mul(3)
    }

    /// Lines of about 26 ns: two of three in a turn are calls of a function that is not profiled.
    #[inline(never)]
    pub(crate) fn dots(turns: u64, vectors: &Vectors) -> f64 {
        let mut sum = 0.0;
        for _ in 0..turns {
            let first = dot(black_box(&vectors.a), &vectors.b);
            let second = dot(black_box(&vectors.b), &vectors.a);
            sum += first + second;
        }
        sum
    }
}
