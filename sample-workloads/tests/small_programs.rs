//! Known answers of the small programs: list_alloc, auc, fib.

mod common;

use common::printed;
use sample_workloads::{auc, fib, plain};

#[test]
fn auc_is_left_rule_of_8_175() {
    for n in [1, 10, 999, 100_000] {
        // The left rule's own error: half a step times the rise of the end values, and the next term.
        let (step, expected) = (3.0 / n as f64, |h: f64| {
            auc::EXACT - 0.45 * h + 6.9 / 12.0 * h * h
        });
        let tolerance = 1e-9 + step.powi(4);
        for area in [
            auc::serial(n),
            auc::threads(n, 3),
            plain::auc::serial(n),
            plain::auc::threads(n, 3),
        ] {
            assert!((area - expected(step)).abs() < tolerance, "n = {n}: {area}");
        }
    }
}

#[test]
fn auc_prints_the_area() {
    let program = env!("CARGO_BIN_EXE_auc");
    assert_eq!(printed(program, &["3000000"]), "The area is 8.175000\n");
    assert_eq!(
        printed(
            program,
            &["--mode", "threads", "--workers", "3", "--plain", "3000000"]
        ),
        "The area is 8.175000\n"
    );
}

#[test]
fn fib_is_known() {
    assert_eq!([0, 1, 2, 10, 20].map(fib::fib), [0, 1, 1, 55, 6765]);
    assert_eq!(plain::fib::fib(20), 6765);
    assert_eq!(
        printed(env!("CARGO_BIN_EXE_fib"), &["20"]),
        "fib(20) = 6765\n"
    );
}

#[test]
fn list_alloc_prints_one() {
    let program = env!("CARGO_BIN_EXE_list_alloc");
    for arguments in [&[][..], &["--plain"], &["--out-of-scope"], &["--leak"]] {
        assert_eq!(
            printed(program, arguments),
            "1.0\nis a one\n\n",
            "{arguments:?}"
        );
    }
}
