//! Small programs with and without markers; whether they read the resident set says the environment.

use std::cell::RefCell;
use std::time::Duration;

use super::kernels::{Flat, Nested, lines, plain};
use super::tell;
use super::timing::{Piece, shortest};

/// How long a program is measured.
const BUDGET: Duration = Duration::from_millis(1500);
/// Steps of the diffusion in a piece: half a millisecond and more.
const STEPS: usize = 20;

/// The list of the course's first program: 32 MiB come and go.
mod list {
    use std::hint::black_box;

    macro_rules! twice {
        ($($code:tt)*) => {
            pub(super) mod plain {
                use super::*;
                $($code)*
            }
            #[hprof::profile(always, lines)]
            pub(super) mod lines {
                use super::*;
                $($code)*
            }
        };
    }

    twice! {
        #[inline(never)]
        pub(crate) fn list() {
            let x = black_box(vec![1.0_f64; 2048 * 2048]);
            let mut a = format!("{:?}", x[0]);
            a += "\nis a one\n";
            drop(x);
            black_box(a);
        }
    }
}

/// Prints the nanoseconds of each program, plain and with markers. Both work on the same field: where it lies in memory matters, too.
pub(crate) fn measure() {
    let field = RefCell::new(Nested::new());
    program(
        "diffusion, naive",
        [
            Box::new(|| (0..STEPS).for_each(|_| plain::naive(&mut field.borrow_mut()))),
            Box::new(|| (0..STEPS).for_each(|_| lines::naive(&mut field.borrow_mut()))),
        ],
    );
    let field = RefCell::new(Flat::new());
    program(
        "diffusion, slices",
        [
            Box::new(|| (0..STEPS).for_each(|_| plain::slices(&mut field.borrow_mut()))),
            Box::new(|| (0..STEPS).for_each(|_| lines::slices(&mut field.borrow_mut()))),
        ],
    );
    program(
        "list_alloc",
        [Box::new(list::plain::list), Box::new(list::lines::list)],
    );
}

fn program(name: &str, mut forms: [Piece<'_>; 2]) {
    for (form, nanos) in ["plain", "lines"].iter().zip(shortest(BUDGET, &mut forms)) {
        tell(name, form, nanos);
    }
}
