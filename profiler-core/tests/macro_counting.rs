//! Loops that only count: their hits on every way out.

#![allow(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    clippy::unwrap_used,
    unused,
    reason = "the code under test is odd on purpose"
)]

mod twins;

use std::hint::black_box;
use std::ops::{Add, AddAssign};
use std::panic::catch_unwind;
use twins::{Noisy, hits_as_written, is_recorded, log, recorded, same, twins};

/// Its addition panics beyond 100.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limited(u32);

impl AddAssign<u32> for Limited {
    fn add_assign(&mut self, other: u32) {
        self.0 += other;
        assert!(self.0 <= 100, "more than 100");
    }
}

twins! {
    pub(crate) fn left_by_break(values: &[u32]) -> u32 {
        let mut sum = 0; //= 1
        for value in values { //= 3
            sum += value; //= 3
            if *value == 3 { //= 3
                break; //= 1
            }
            sum *= 2; //= 2
        }
        sum //= 1
    } //= 1

    pub(crate) fn left_by_return(values: &[u32]) -> Option<u32> {
        let mut turn = 0; //= 3
        for value in values { //= 8
            if *value == 3 { //= 7
                return Some(turn); //= 1
            }
            if *value == 9 { return None; } //= 6
            turn += 1; //= 5
        }
        Some(99) //= 1
    } //= 1

    pub(crate) fn left_by_a_question(values: &[u32]) -> Option<u32> {
        let mut sum: u32 = 1; //= 2
        for value in values { //= 5
            sum = sum //= 4
                .checked_mul(*value)?;
            sum = sum.checked_sub(1)?; //= 4
        }
        Some(sum) //= 1
    } //= 1

    pub(crate) fn continued(values: &[u32]) -> u32 {
        let mut sum = 0; //= 1
        for value in values { //= 6
            if value % 2 == 0 { continue; } //= 5
            if *value == 5 { //= 3
                continue; //= 1
            }
            sum += value; //= 2
        }
        'named: for value in values { //= 5
            match value { //= 5
                1 | 2 => continue 'named, //= 2
                3 => continue, //= 1
                4 => sum += 100, //= 1
                _ => break, //= 1
            }
            sum += 1000; //= 1
        }
        sum //= 1
    } //= 1

    pub(crate) fn let_else(values: &[Option<u32>]) -> u32 {
        let mut sum = 0; //= 1
        for value in values { //= 4
            let Some(value) = value else { continue }; //= 4
            let (1..=3 | 8) = value else { //= 3
                sum += 100; //= 1
                break; //= 1
            };
            sum += value; //= 2
        }
        sum //= 1
    } //= 1

    pub(crate) fn endless(mut n: u64) -> (u64, u64) {
        let mut steps = 0; //= 1
        loop { //= 6
            if n == 1 { //= 6
                break; //= 1
            }
            n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 }; //= 5
            steps += 1; //= 5
        }
        let twice = loop { //= 7
            n += 1; //= 7
            if n.is_power_of_two() && n > 4 { break n * 2; } //= 7
            if n > 100 { continue; } //= 6
        };
        let sum = steps + 'again: loop { //= 3
            n -= 1; //= 3
            if n == 5 { break 'again n; } //= 3
        };
        (sum, twice) //= 1
    } //= 1

    pub(crate) fn ends_in_a_loop(mut n: u32) -> u32 {
        let limit = 10; //= 1
        loop { //= 4
            if n > limit { //= 4
                return n; //= 1
            }
            n = n.wrapping_mul(3).max(1); //= 3
        }
    } //= 1

    pub(crate) fn out_of_bounds(values: &[u32], end: usize) -> u32 {
        let mut sum = 0; //= 1
        for index in 0..end { //= 4
            sum += 1; //= 4
            sum += values[index]; //= 4
            sum += 1; //= 3
        }
        sum //= 0
    } //= 0

    pub(crate) fn operator(values: &[u32]) -> u32 {
        let mut sum = Limited(0); //= 1
        for value in values { //= 3
            sum += *value; //= 3
            if *value > 1000 { continue; } //= 2
        }
        sum.0 //= 0
    } //= 0

    pub(crate) fn conditions(values: &[u32], limit: Option<usize>) -> Option<u32> {
        let (mut index, mut sum) = (0, 0u32); //= 2
        while index < limit? && index < values.len() { //= 5
            sum = sum.wrapping_add(values[index].pow(2)); //= 3
            index += 1; //= 3
        }
        Some(sum) //= 1
    } //= 1

    pub(crate) fn nothing_to_do(values: &[f64]) -> f64 {
        let mut most = f64::MIN; //= 1
        for value in values { //= 1
            most = most.max(value.abs().sqrt()); //= 0
            if most > 10.0 { break; } //= 0
        }
        most //= 1
    } //= 1

    pub(crate) fn outer_labels(rows: &[[u32; 3]]) -> u32 {
        let mut sum = 0; //= 1
        'rows: for row in rows { //= 2
            for value in row { //= 6
                if *value == 0 { continue 'rows; } //= 5
                sum += value; //= 4
            }
            for value in row { //= 2
                if *value == 2 { break; } //= 2
            }
            for value in row { //= 3
                if *value == 3 { break 'rows; } //= 3
            }
        }
        sum //= 1
    } //= 1

    pub(crate) fn in_closures(values: &[u32]) -> Vec<Option<u32>> {
        [2, 7] //= 1
            .iter()
            .map(|wanted| {
                for (index, value) in values.iter().enumerate() { //= 6
                    if value == wanted { //= 5
                        return Some(index as u32); //= 1
                    }
                }
                None //= 1
            })
            .collect()
    }

    pub(crate) fn with_drops(values: &[u32]) -> usize {
        let guard = Noisy("guard"); //= 1
        for value in guard.bytes() { //= 2
            let noisy = &Noisy("turn"); //= 2
            if value == b'u' { return 7; } //= 2
        }
        log("end"); //= 0
        1 //= 0
    } //= 0

    pub(crate) fn summer(stop: u64) -> u64 {
        let mut total = 0; //= 1
        for i in 0..stop { //= 5
            total += black_box(i); //= 4
        }
        total //= 1
    } //= 1
}

#[test]
fn every_way_out_computes_the_same() {
    for values in [
        &[][..],
        &[1, 2, 3, 4, 5],
        &[9],
        &[70, 40, 1],
        &[u32::MAX, 2],
        &[0, 1],
    ] {
        same(
            || plain::left_by_break(values),
            || profiled::left_by_break(values),
        );
        same(
            || plain::left_by_return(values),
            || profiled::left_by_return(values),
        );
        same(
            || plain::left_by_a_question(values),
            || profiled::left_by_a_question(values),
        );
        same(|| plain::continued(values), || profiled::continued(values));
        same(|| plain::operator(values), || profiled::operator(values));
        same(
            || plain::out_of_bounds(values, 3),
            || profiled::out_of_bounds(values, 3),
        );
        same(
            || plain::in_closures(values),
            || profiled::in_closures(values),
        );
        same(
            || plain::conditions(values, Some(2)),
            || profiled::conditions(values, Some(2)),
        );
        same(
            || plain::with_drops(values),
            || profiled::with_drops(values),
        );
    }
    for values in [&[][..], &[Some(1), None, Some(2), Some(7), Some(1)]] {
        same(|| plain::let_else(values), || profiled::let_else(values));
    }
    for n in 1..20 {
        same(|| plain::endless(n), || profiled::endless(n));
        same(
            || plain::ends_in_a_loop(n as u32),
            || profiled::ends_in_a_loop(n as u32),
        );
    }
}

#[test]
fn hits_are_as_worked_by_hand() {
    let functions = [
        "left_by_break",
        "left_by_return",
        "left_by_a_question",
        "continued",
        "let_else",
        "endless",
        "ends_in_a_loop",
        "out_of_bounds",
        "operator",
        "conditions",
        "nothing_to_do",
        "outer_labels",
        "in_closures",
        "with_drops",
        "summer",
    ];
    hits_as_written("hits_are_as_worked_by_hand", &functions, || {
        profiled::left_by_break(&[1, 2, 3, 4, 5]);
        for values in [&[1, 2, 3, 4][..], &[9, 1], &[1, 2, 4]] {
            profiled::left_by_return(values);
        }
        profiled::left_by_a_question(&[3, 1, 0, 7]);
        profiled::left_by_a_question(&[2]);
        profiled::continued(&[1, 2, 3, 4, 5]);
        profiled::let_else(&[Some(1), None, Some(2), Some(7), Some(1)]);
        assert_eq!(profiled::endless(5), (10, 16));
        profiled::ends_in_a_loop(1);
        assert!(catch_unwind(|| profiled::out_of_bounds(&[1, 2, 3], 5)).is_err());
        assert!(catch_unwind(|| profiled::operator(&[50, 40, 30, 1])).is_err());
        profiled::conditions(&[1, 2, 3], Some(5));
        profiled::conditions(&[1, 2, 3], None);
        profiled::nothing_to_do(&[]);
        profiled::outer_labels(&[[1, 0, 1], [1, 2, 3]]);
        profiled::in_closures(&[1, 2, 3]);
        profiled::with_drops(&[]);
        profiled::summer(4);
    });
}

/// Whether the loops above only count.
#[test]
fn these_loops_have_rows_of_a_group() {
    if is_recorded() {
        profiled::left_by_return(&[1]);
        profiled::endless(5);
        profiled::outer_labels(&[[1, 0, 1]]);
        return;
    }
    let profile = recorded("these_loops_have_rows_of_a_group");
    let headers = |name: &str| {
        let function = profile
            .functions
            .iter()
            .find(|function| function.name == name)
            .unwrap();
        let kinds = function.lines.iter().map(|row| format!("{:?}", row.kind));
        kinds.filter(|kind| kind == "GroupHeader").count()
    };
    assert_eq!(
        [
            headers("left_by_return"),
            headers("endless"),
            headers("outer_labels")
        ],
        [1, 3, 1]
    );
}
