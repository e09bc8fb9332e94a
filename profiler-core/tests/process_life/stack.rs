//! How much larger markers make the stack of a call: what docs/metrics.md promises of optimised programs.

use std::hint::black_box;

use hprof::profile;

/// Levels that are measured.
const DEPTH: u64 = 1_000;

/// The same functions twice, plain and annotated. Each returns the address of a local of its innermost call.
macro_rules! recursions {
    ($($attribute:meta)?) => {
        #[inline(never)]
        $(#[$attribute])?
        pub(super) fn small(depth: u64) -> usize {
            if depth == 0 {
                return super::here();
            }
            let below = small(depth - 1);
            black_box(below)
        }

        #[inline(never)]
        $(#[$attribute])?
        pub(super) fn of_an_owned_value(depth: u64, text: String) -> usize {
            if depth == 0 {
                return super::here();
            }
            let longer = format!("{}.", black_box(&text[..text.len() / 2]));
            let below = of_an_owned_value(depth - 1, longer);
            below + (black_box(text.len()) >> 60)
        }

        #[inline(never)]
        $(#[$attribute])?
        pub(super) fn of_many_values(depth: u64, a: usize, b: usize, c: usize, d: usize) -> usize {
            if depth == 0 {
                return super::here();
            }
            let below = of_many_values(depth - 1, b, c, d, a);
            below + (black_box(a ^ b ^ c ^ d) >> 60)
        }

        #[inline(never)]
        $(#[$attribute])?
        pub(super) fn in_a_loop(depth: u64, turns: u64) -> usize {
            if depth == 0 {
                return super::here();
            }
            let mut lowest = usize::MAX;
            for turn in 0..turns {
                let below = in_a_loop(depth - 1, black_box(turns));
                lowest = black_box(lowest).min(below);
                black_box(turn);
            }
            lowest
        }
    };
}

mod plain {
    use super::black_box;

    recursions!();
}

mod annotated {
    use super::{black_box, profile};

    recursions!(profile(always));
}

/// About where the stack of the caller ends.
#[inline(never)]
fn here() -> usize {
    let here = 0_u8;
    black_box(&raw const here).addr()
}

/// Bytes of stack of a call.
fn bytes(recursion: impl Fn(u64) -> usize) -> i64 {
    let used = here().saturating_sub(recursion(DEPTH));
    i64::try_from(used as u64 / DEPTH).unwrap()
}

#[test]
#[ignore = "of optimised programs: make crash"]
fn calls_take_no_more_stack_than_documented() {
    let text = || "word".repeat(4);
    for (name, plain, annotated, bound) in [
        ("small", bytes(plain::small), bytes(annotated::small), 32),
        (
            "of an owned value",
            bytes(|depth| plain::of_an_owned_value(depth, text())),
            bytes(|depth| annotated::of_an_owned_value(depth, text())),
            48,
        ),
        (
            "of many values",
            bytes(|depth| plain::of_many_values(depth, 1, 2, 3, 4)),
            bytes(|depth| annotated::of_many_values(depth, 1, 2, 3, 4)),
            48,
        ),
        (
            "in a loop",
            bytes(|depth| plain::in_a_loop(depth, 1)),
            bytes(|depth| annotated::in_a_loop(depth, 1)),
            48,
        ),
    ] {
        println!("{name}: {plain} bytes of stack a call, {annotated} annotated");
        assert!(annotated - plain <= bound, "{name}: {plain}, {annotated}");
    }
}
