//! Control flow of instrumented functions: loops, labels, branches, early exits.

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

use std::panic::catch_unwind;
use twins::{hits_as_written, log, same, twins};

twins! {
    pub(crate) fn labels(limit: u32) -> Vec<(u32, u32)> {
        let mut found = Vec::new(); //= 1
        'rows: for row in 0..limit { //= 4
            'cells: for cell in 0.. { //= 9
                if cell > row { //= 9
                    continue 'rows; //= 3
                }
                if cell == 2 { continue; } //= 6
                match row + cell { //= 5
                    3 => continue 'cells, //= 1
                    7 => break 'rows, //= 0
                    _ => {} //= 4
                }
                found.push((row, cell)); //= 4
            }
        }
        found //= 1
    } //= 1

    pub(crate) fn labelled_block(value: u32) -> &'static str {
        let name = 'named: { //= 3
            if value == 1 { //= 3
                break 'named "one"; //= 1
            }
            if value == 2 { break 'named "two" } //= 2
            "many" //= 1
        };
        log(name); //= 3
        name //= 3
    } //= 3

    pub(crate) fn break_values(limit: u32) -> u32 {
        let mut turn = 0; //= 1
        let first = loop { //= 7
            turn += 1; //= 7
            if turn % 7 == 0 { //= 7
                break turn; //= 1
            }
            if turn > limit { break 0; } //= 6
        };
        let second = 'outer: loop { //= 1
            loop { //= 1
                break 'outer first + 1; //= 1
            }
        };
        first * 100 + second //= 1
    } //= 1

    pub(crate) fn one_line(values: &[u32]) -> u32 { let mut sum = 0; for value in values { sum += value; } sum } //= 4

    pub(crate) fn several_statements_on_a_line(values: &[u32]) -> u32 {
        let mut a = 1; let mut b = 2; //= 1
        for value in values { a += value; b *= 2; } a += b; //= 4
        if a > 10 { a -= 10; } else if a > 5 { a -= 5; } else { a += 1; } b += a; //= 1
        a + b //= 1
    } //= 1

    pub(crate) fn several_lines_in_a_statement(values: &[u32]) -> Vec<u32> {
        values //= 1
            .iter()
            .filter(|value| {
                let odd = *value % 2 == 1; //= 3
                odd //= 3
            })
            .map(
                |value|
                    match value { //= 2
                        1 => 10, //= 1
                        other => other //= 1
                            * 2,
                    },
            )
            .collect()
    }

    pub(crate) fn early(value: Option<u32>) -> Result<u32, String> {
        let Some(value) = value else { //= 4
            log("nothing"); //= 1
            return Err("nothing".to_owned()); //= 1
        };
        let half = (|| -> Result<u32, String> { //= 3
            let rest = value % 2; //= 3
            if rest == 1 { //= 3
                Err("odd")?; //= 1
            }
            Ok(value / 2) //= 2
        })()?;
        Ok(if half > 10 { return Ok(0) } else { half }) //= 2
    } //= 2

    pub(crate) fn while_let(mut stack: Vec<u32>) -> u32 {
        let mut sum = 0; //= 1
        while let Some(top) = stack.pop() { //= 5
            if top == 3 { //= 4
                stack.push(1); //= 1
                continue; //= 1
            }
            sum += top; //= 3
        }
        sum //= 1
    } //= 1

    pub(crate) fn guards(pair: (u32, Option<&str>)) -> String {
        match pair { //= 6
            (0, None) => "zero".to_owned(), //= 1
            (n, Some(text)) if { log("guard"); text.len() as u32 == n } => text.repeat(2), //= 1
            (n, Some(text))
                if n > 100
                    && text.is_empty() =>
            {
                log("large"); //= 1
                format!("{n}") //= 1
            }
            (1, _) | (2, _)
            | (3, _) => {
                String::from("small") //= 1
            }
            (n @ 4..=9, _) => unsafe_digit(n), //= 1
            _ => {}.to_string_of_unit(), //= 1
        }
    }

    fn unsafe_digit(n: u32) -> String {
        let digits = b"0123456789";
        #[expect(unsafe_code, reason = "an unsafe block is a case of its own")]
        // SAFETY: the caller gives a digit.
        let digit = unsafe { *digits.get_unchecked(n as usize) };
        char::from(digit).to_string()
    }

    trait UnitText: std::fmt::Debug {
        fn to_string_of_unit(&self) -> String {
            let text = format!("{self:?}");
            text
        }
        fn describe(&self) -> String where Self: Sized;
    }

    impl UnitText for () {
        fn describe(&self) -> String {
            self.to_string_of_unit()
        }
    }

    pub(crate) fn unit() -> String {
        ().describe()
    }

    pub(crate) fn short_circuit(a: bool, b: bool) -> u32 {
        let mut n = 0; //= 1
        let both = a && { n += 1; b } && { //= 1
            n += 10; //= 1
            true //= 1
        };
        let any = a || { n += 100; b }; //= 1
        if both || any { n += 1000 } //= 1
        n //= 1
    } //= 1

    pub(crate) fn simple_loops(values: &mut [f64], limit: usize) -> f64 {
        for index in 0..values.len() { //= 9
            values[index] = values[index] * 2.0 + 1.0; //= 8
            if index % 2 == 0 { //= 8
                values[index] -= 0.5; //= 4
            } else if index > 4 { //= 4
                values[index] += 0.25; //= 2
            }
        }
        let mut index = 0; //= 1
        #[allow(clippy::while_immutable_condition, reason = "an attribute on a loop")]
        while index < limit && index < values.len() { //= 5
            index += match index { 0 => 1, 1 | 2 => 2, _ => 3 }; //= 4
        }
        let mut sum = 0.0; //= 1
        for value in values.iter() { sum += value; } //= 9
        for row in 0..3 { //= 4
            for column in 0..3 { //= 12
                let product = row * column; //= 9
                sum += f64::from(product); //= 9
            }
            for column in 0..2 { //= 9
                sum -= column as f64; //= 6
            }
        }
        if sum < 0.0 { //= 1
            for value in values { *value = 0.0 } //= 0
        } else {
            match index { //= 1
                0 => for value in values { *value = 1.0 }, //= 0
                _ => while index > 3 { //= 7
                    index -= 1; //= 6
                },
            }
        }
        sum + index as f64 //= 1
    } //= 1

    pub(crate) fn overflowing(values: &[u8]) -> u8 {
        let mut sum = 0; //= 1
        for value in values { //= 2
            sum += *value; //= 2
        }
        sum //= 0
    } //= 0

    pub(crate) fn never(code: u32) -> ! {
        let text = format!("code {code}"); //= 1
        log(text.as_str()); //= 1
        panic!("{text}") //= 1
    } //= 1

    pub(crate) fn dead_code() -> u32 {
        return 1;
        #[allow(unreachable_code)]
        {
            log("never");
            2
        }
    }

    pub(crate) fn conditional(value: u32) -> u32 {
        #[cfg(any())]
        let value = "nothing"; //= 0
        #[cfg(all())]
        log("always"); //= 1
        #[cfg(any())]
        log(value); //= 0
        let value = value + 1; //= 1
        #[cfg(all())] { value } //= 1
        #[cfg(not(all()))] { value * "2" } //= 0
    }

    pub(crate) fn empty() {}

    pub(crate) fn only_items() {
        const LIMIT: u32 = 3;
        #[allow(dead_code)]
        fn inner() -> u32 {
            LIMIT
        }
    }

    pub(crate) fn late(flag: bool) -> u32 {
        let value;
        if flag { //= 1
            value = 1; //= 1
        } else {
            value = 2; //= 0
        }
        value //= 1
    } //= 1
}

#[test]
fn labels_and_jumps_stay() {
    for limit in 0..9 {
        same(|| plain::labels(limit), || profiled::labels(limit));
        same(
            || plain::break_values(limit),
            || profiled::break_values(limit),
        );
        same(
            || plain::labelled_block(limit),
            || profiled::labelled_block(limit),
        );
    }
}

#[test]
fn lines_and_statements_need_not_match() {
    let values = [1, 2, 3, 4, 5];
    for end in 0..=values.len() {
        let values = &values[..end];
        same(|| plain::one_line(values), || profiled::one_line(values));
        same(
            || plain::several_statements_on_a_line(values),
            || profiled::several_statements_on_a_line(values),
        );
        same(
            || plain::several_lines_in_a_statement(values),
            || profiled::several_lines_in_a_statement(values),
        );
    }
}

#[test]
fn early_exits_stay() {
    for value in [None, Some(3), Some(8), Some(40)] {
        same(|| plain::early(value), || profiled::early(value));
    }
    same(
        || plain::while_let(vec![1, 3, 5]),
        || profiled::while_let(vec![1, 3, 5]),
    );
    same(|| plain::never(7), || profiled::never(7));
    same(plain::dead_code, profiled::dead_code);
}

#[test]
fn patterns_and_conditions_stay() {
    for n in [0, 1, 3, 7, 50, 200] {
        for text in [None, Some(""), Some("abc")] {
            same(|| plain::guards((n, text)), || profiled::guards((n, text)));
        }
    }
    for (a, b) in [(false, false), (false, true), (true, false), (true, true)] {
        same(
            || plain::short_circuit(a, b),
            || profiled::short_circuit(a, b),
        );
        same(|| plain::late(a), || profiled::late(a));
    }
    same(plain::unit, profiled::unit);
}

#[test]
fn loops_that_only_count_compute_the_same() {
    for limit in [0, 2, 9] {
        let values: Vec<f64> = (0..8).map(f64::from).collect();
        let (mut one, mut other) = (values.clone(), values);
        same(
            || plain::simple_loops(&mut one, limit),
            || profiled::simple_loops(&mut other, limit),
        );
        assert_eq!(one, other);
    }
    same(
        || plain::overflowing(&[200, 100]),
        || profiled::overflowing(&[200, 100]),
    );
}

#[test]
fn conditional_code_stays_conditional() {
    same(|| plain::conditional(4), || profiled::conditional(4));
    same(plain::empty, profiled::empty);
    same(plain::only_items, profiled::only_items);
}

#[test]
fn hits_are_as_worked_by_hand() {
    let functions = [
        "labels",
        "labelled_block",
        "break_values",
        "one_line",
        "several_statements_on_a_line",
        "several_lines_in_a_statement",
        "early",
        "while_let",
        "guards",
        "short_circuit",
        "simple_loops",
        "overflowing",
        "never",
        "conditional",
        "late",
    ];
    hits_as_written("hits_are_as_worked_by_hand", &functions, || {
        profiled::labels(3);
        for value in [1, 2, 5] {
            profiled::labelled_block(value);
        }
        profiled::break_values(20);
        profiled::one_line(&[1, 2, 3]);
        profiled::several_statements_on_a_line(&[1, 2, 3]);
        profiled::several_lines_in_a_statement(&[1, 2, 3]);
        for value in [None, Some(3), Some(8), Some(40)] {
            let _ = profiled::early(value);
        }
        profiled::while_let(vec![1, 3, 5]);
        for pair in [
            (0, None),
            (3, Some("abc")),
            (200, Some("")),
            (1, None),
            (7, None),
            (50, None),
        ] {
            profiled::guards(pair);
        }
        profiled::short_circuit(true, true);
        let mut values: Vec<f64> = (0..8).map(f64::from).collect();
        profiled::simple_loops(&mut values, 9);
        assert!(catch_unwind(|| profiled::overflowing(&[200, 100])).is_err());
        assert!(catch_unwind(|| profiled::never(7)).is_err());
        profiled::conditional(4);
        profiled::late(true);
    });
}
