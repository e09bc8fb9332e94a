//! What one process measures, under the clock it was started with.

use std::hint::black_box;
use std::time::Duration;

use super::kernels::{Flat, Nested, Vectors, calls, lines, lines_size, plain, plain_size, split};
use super::timing::{Piece, bare_read, shortest};

/// How long a kernel is measured.
const BUDGET: Duration = Duration::from_millis(400);

/// The four compiled forms of a kernel, in the order of [`FORMS`].
type Forms<'a> = [Piece<'a>; 4];

/// Names of the forms.
pub(crate) const FORMS: [&str; 4] = ["plain", "lines", "split", "calls"];

/// Prints a line `name form nanoseconds` for each kernel and form, per turn, cell, point or call, and one for the bare clock.
pub(crate) fn measure() {
    print("rdtsc", "bare", bare_read(BUDGET));
    let mut nested = [(); 4].map(|()| Nested::new());
    let mut flat = [(); 4].map(|()| Flat::new());
    let vectors = Vectors {
        a: black_box([0.5; 32]),
        b: black_box([1.5; 32]),
    };
    let cells = (super::kernels::SIDE - 2).pow(2);
    per(
        "latency",
        5_000,
        each(
            plain::latency,
            lines::latency,
            split::latency,
            calls::latency,
            5_000,
        ),
    );
    per(
        "throughput",
        5_000,
        each(
            plain::throughput,
            lines::throughput,
            split::throughput,
            calls::throughput,
            5_000,
        ),
    );
    {
        let [a, b, c, d] = &mut nested;
        per(
            "naive",
            cells,
            [
                Box::new(|| plain::naive(a)),
                Box::new(|| lines::naive(b)),
                Box::new(|| split::naive(c)),
                Box::new(|| calls::naive(d)),
            ],
        );
    }
    {
        let [a, b, c, d] = &mut flat;
        per(
            "slices",
            cells,
            [
                Box::new(|| plain::slices(a)),
                Box::new(|| lines::slices(b)),
                Box::new(|| split::slices(c)),
                Box::new(|| calls::slices(d)),
            ],
        );
    }
    per(
        "area",
        5_000,
        each(plain::area, lines::area, split::area, calls::area, 5_000),
    );
    per(
        "roots",
        5_000,
        each(
            plain::roots,
            lines::roots,
            split::roots,
            calls::roots,
            5_000,
        ),
    );
    // fib(16) makes 3193 calls.
    per(
        "fib",
        3_193,
        each(plain::fib, lines::fib, split::fib, calls::fib, 16),
    );
    per(
        "leaf",
        5_000,
        [
            Box::new(|| leaves(plain::leaf)),
            Box::new(|| leaves(lines::leaf)),
            Box::new(|| leaves(split::leaf)),
            Box::new(|| leaves(calls::leaf)),
        ],
    );
    let dots = |form: fn(u64, &Vectors) -> f64| -> Piece<'_> {
        let vectors = &vectors;
        Box::new(move || {
            black_box(form(black_box(500), vectors));
        })
    };
    per(
        "dots",
        500,
        [
            dots(plain::dots),
            dots(lines::dots),
            dots(split::dots),
            dots(calls::dots),
        ],
    );
}

/// 5,000 calls, each waiting for the one before.
#[inline(always)]
fn leaves(leaf: impl Fn(u64) -> u64) {
    let mut x = black_box(1);
    for _ in 0..5_000 {
        x = leaf(x);
    }
    black_box(x);
}

/// The four forms of a function with one argument.
fn each<T>(
    plain: fn(u64) -> T,
    lines: fn(u64) -> T,
    split: fn(u64) -> T,
    calls: fn(u64) -> T,
    argument: u64,
) -> Forms<'static>
where
    T: 'static,
{
    [plain, lines, split, calls].map(|form| -> Piece<'static> {
        Box::new(move || {
            black_box(form(black_box(argument)));
        })
    })
}

/// Measures a kernel and prints its times per unit, of which a piece does `units`.
fn per(name: &str, units: usize, mut forms: Forms<'_>) {
    for (form, nanos) in FORMS.iter().zip(shortest(BUDGET, &mut forms)) {
        print(name, form, nanos / units as f64);
    }
}

#[expect(clippy::print_stdout, reason = "the parent process reads it")]
fn print(name: &str, form: &str, nanos: f64) {
    println!("{name} {form} {nanos}");
}

/// Runs one kernel in one form `turns` times: for tools that count instructions.
pub(crate) fn count(kernel: &str, turns: u64) {
    match kernel {
        "plain marker" => drop(black_box(plain::latency(turns))),
        "marker" => drop(black_box(split::latency(turns))),
        "plain call" => drop(black_box((0..turns).fold(1, |x, _| plain::leaf(x)))),
        "call" => drop(black_box((0..turns).fold(1, |x, _| calls::leaf(x)))),
        other => panic!("no kernel {other}"),
    }
    // Both exist in the machine code only if they may be called.
    let mut x = turns;
    plain_size::one_line(&mut x);
    lines_size::one_line(&mut x);
    plain_size::nine_lines(&mut x);
    lines_size::nine_lines(&mut x);
}
