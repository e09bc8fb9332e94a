//! What one process measures, under the clock it was started with.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use super::callers;
use super::kernels::{Flat, Nested, Vectors, calls, lines, lines_size, plain, plain_size, split};
use super::timing::{Piece, shortest, yardsticks};

/// How long a kernel is measured.
const BUDGET: Duration = Duration::from_millis(400);

/// The four compiled forms of a kernel, in the order of [`FORMS`].
type Forms<'a> = [Piece<'a>; 4];

/// Names of the forms.
pub(crate) const FORMS: [&str; 4] = ["plain", "lines", "split", "calls"];

/// Prints a line `name form nanoseconds` for each kernel and form, per turn, cell, point or call, and one for each yardstick.
pub(crate) fn measure() {
    for (name, nanos) in yardsticks(BUDGET) {
        print(name, "bare", nanos);
    }
    number_kernels();
    field_kernels();
    call_kernels();
}

/// Kernels that get a number.
fn number_kernels() {
    use super::kernels::{calls as c, lines as l, plain as p, split as s};
    const TURNS: u32 = 5_000;
    let number = u64::from(TURNS);
    let latency = each([p::latency, l::latency, s::latency, c::latency], number);
    per("latency", TURNS, latency);
    let throughput = [p::throughput, l::throughput, s::throughput, c::throughput];
    per("throughput", TURNS, each(throughput, number));
    per(
        "area",
        TURNS,
        each([p::area, l::area, s::area, c::area], number),
    );
    let roots = each([p::roots, l::roots, s::roots, c::roots], number);
    per("roots", TURNS, roots);
    let summer = each([p::summer, l::summer, s::summer, c::summer], number);
    per("summer", TURNS, summer);
    const SIDE: u32 = 40;
    let mandelbrot = [p::mandelbrot, l::mandelbrot, s::mandelbrot, c::mandelbrot];
    per("mandelbrot", SIDE * SIDE, each(mandelbrot, u64::from(SIDE)));
    // fib(16) makes 3193 calls.
    per("fib", 3_193, each([p::fib, l::fib, s::fib, c::fib], 16));
}

/// Steps of the diffusion. All forms work on the same field: where a field lies in memory can matter more than markers do.
fn field_kernels() {
    // The inner cells of the field.
    let cells = 200 * 200;
    let nested = RefCell::new(Nested::new());
    let naive = [plain::naive, lines::naive, split::naive, calls::naive];
    per("naive", cells, on(&nested, naive));
    let flat = RefCell::new(Flat::new());
    let slices = [plain::slices, lines::slices, split::slices, calls::slices];
    per("slices", cells, on(&flat, slices));
}

/// The four forms of a step, on one field.
fn on<T>(field: &RefCell<T>, forms: [fn(&mut T); 4]) -> Forms<'_> {
    forms.map(|form| -> Piece<'_> { Box::new(move || form(&mut field.borrow_mut())) })
}

/// Calls that cost little, and lines that call.
fn call_kernels() {
    let forms: Forms<'_> = [
        Box::new(|| leaves(plain::leaf)),
        Box::new(|| leaves(lines::leaf)),
        Box::new(|| leaves(split::leaf)),
        Box::new(|| leaves(calls::leaf)),
    ];
    per("leaf", 5_000, forms);
    let forms: Forms<'_> = [
        Box::new(|| leaves(plain::brace)),
        Box::new(|| leaves(lines::brace)),
        Box::new(|| leaves(split::brace)),
        Box::new(|| leaves(calls::brace)),
    ];
    per("brace", 5_000, forms);
    let vectors = &Vectors {
        a: black_box([0.5; 32]),
        b: black_box([1.5; 32]),
    };
    let dots = [plain::dots, lines::dots, split::dots, calls::dots];
    let dots = dots.map(|form| -> Piece<'_> {
        Box::new(move || {
            black_box(form(black_box(500), vectors));
        })
    });
    per("dots", 500, dots);
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

/// The four forms of a function that gets a number.
fn each<T: 'static>(forms: [fn(u64) -> T; 4], number: u64) -> Forms<'static> {
    forms.map(|form| -> Piece<'static> {
        Box::new(move || {
            black_box(form(black_box(number)));
        })
    })
}

/// Measures a kernel and prints its times per unit, of which a piece does `units`.
fn per(name: &str, units: u32, mut forms: Forms<'_>) {
    for (form, nanos) in FORMS.iter().zip(shortest(BUDGET, &mut forms)) {
        print(name, form, nanos / f64::from(units));
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
        other => {
            let (kernel, calls) =
                callers::kernel(other).unwrap_or_else(|| panic!("no kernel {other}"));
            black_box((0..turns / calls).fold(1, |x, _| kernel(x)));
        }
    }
    // Both exist in the machine code only if they may be called.
    let mut x = turns;
    plain_size::one_line(&mut x);
    lines_size::one_line(&mut x);
    plain_size::nine_lines(&mut x);
    lines_size::nine_lines(&mut x);
}
