//! What only edition 2024 has. The other `macro_*` tests run in edition 2021 too (`editions`).

#![allow(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    clippy::unwrap_used,
    unused,
    unused_qualifications,
    reason = "the code under test is odd on purpose"
)]

mod twins;

use twins::{hits_as_written, same, twins};

twins! {
    pub(crate) fn let_chain(a: Option<u32>, b: &[u32]) -> u32 {
        if let Some(a) = a //= 3
            && let [first, .., last] = b
            && *first < *last
        {
            a + first //= 1
        } else if let Some(a) = a //= 2
            && a > 3
        {
            a * 2 //= 1
        } else {
            0 //= 1
        }
    }
}

#[test]
fn let_chains_stay() {
    for a in [None, Some(1), Some(5)] {
        for b in [&[][..], &[1, 2], &[2, 1]] {
            same(|| plain::let_chain(a, b), || profiled::let_chain(a, b));
        }
    }
}

#[test]
fn hits_are_as_worked_by_hand() {
    hits_as_written("hits_are_as_worked_by_hand", &["let_chain"], || {
        profiled::let_chain(Some(1), &[1, 2]);
        profiled::let_chain(Some(5), &[2, 1]);
        profiled::let_chain(None, &[]);
    });
}
