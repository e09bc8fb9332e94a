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

use twins::{log, same, twins};

twins! {
    pub(crate) fn labels(limit: u32) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        'rows: for row in 0..limit {
            'cells: for cell in 0.. {
                if cell > row {
                    continue 'rows;
                }
                if cell == 2 { continue; }
                match row + cell {
                    3 => continue 'cells,
                    7 => break 'rows,
                    _ => {}
                }
                found.push((row, cell));
            }
        }
        found
    }

    pub(crate) fn labelled_block(value: u32) -> &'static str {
        let name = 'named: {
            if value == 1 {
                break 'named "one";
            }
            if value == 2 { break 'named "two" }
            "many"
        };
        log(name);
        name
    }

    pub(crate) fn break_values(limit: u32) -> u32 {
        let mut turn = 0;
        let first = loop {
            turn += 1;
            if turn % 7 == 0 {
                break turn;
            }
            if turn > limit { break 0; }
        };
        let second = 'outer: loop {
            loop {
                break 'outer first + 1;
            }
        };
        first * 100 + second
    }

    pub(crate) fn one_line(values: &[u32]) -> u32 { let mut sum = 0; for value in values { sum += value; } sum }

    pub(crate) fn several_statements_on_a_line(values: &[u32]) -> u32 {
        let mut a = 1; let mut b = 2;
        for value in values { a += value; b *= 2; } a += b;
        if a > 10 { a -= 10; } else if a > 5 { a -= 5; } else { a += 1; } b += a;
        a + b
    }

    pub(crate) fn several_lines_in_a_statement(values: &[u32]) -> Vec<u32> {
        values
            .iter()
            .filter(|value| {
                let odd = *value % 2 == 1;
                odd
            })
            .map(
                |value|
                    match value {
                        1 => 10,
                        other => other
                            * 2,
                    },
            )
            .collect()
    }

    pub(crate) fn early(value: Option<u32>) -> Result<u32, String> {
        let Some(value) = value else {
            log("nothing");
            return Err("nothing".to_owned());
        };
        let half = (|| -> Result<u32, String> {
            let rest = value % 2;
            if rest == 1 {
                Err("odd")?;
            }
            Ok(value / 2)
        })()?;
        Ok(if half > 10 { return Ok(0) } else { half })
    }

    pub(crate) fn while_let(mut stack: Vec<u32>) -> u32 {
        let mut sum = 0;
        while let Some(top) = stack.pop() {
            if top == 3 {
                stack.push(1);
                continue;
            }
            sum += top;
        }
        sum
    }

    pub(crate) fn let_chain(a: Option<u32>, b: &[u32]) -> u32 {
        if let Some(a) = a
            && let [first, .., last] = b
            && *first < *last
        {
            a + first
        } else if let Some(a) = a
            && a > 3
        {
            a * 2
        } else {
            0
        }
    }

    pub(crate) fn guards(pair: (u32, Option<&str>)) -> String {
        match pair {
            (0, None) => "zero".to_owned(),
            (n, Some(text)) if { log("guard"); text.len() as u32 == n } => text.repeat(2),
            (n, Some(text))
                if n > 100
                    && text.is_empty() =>
            {
                log("large");
                format!("{n}")
            }
            (1, _) | (2, _)
            | (3, _) => {
                String::from("small")
            }
            (n @ 4..=9, _) => unsafe_digit(n),
            _ => {}.to_string_of_unit(),
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
        let mut n = 0;
        let both = a && { n += 1; b } && {
            n += 10;
            true
        };
        let any = a || { n += 100; b };
        if both || any { n += 1000 }
        n
    }

    pub(crate) fn simple_loops(values: &mut [f64], limit: usize) -> f64 {
        for index in 0..values.len() {
            values[index] = values[index] * 2.0 + 1.0;
            if index % 2 == 0 {
                values[index] -= 0.5;
            } else if index > 4 {
                values[index] += 0.25;
            }
        }
        let mut index = 0;
        #[allow(clippy::while_immutable_condition, reason = "an attribute on a loop")]
        while index < limit && index < values.len() {
            index += match index { 0 => 1, 1 | 2 => 2, _ => 3 };
        }
        let mut sum = 0.0;
        for value in values.iter() { sum += value; }
        for row in 0..3 {
            for column in 0..3 {
                let product = row * column;
                sum += f64::from(product);
            }
            for column in 0..2 {
                sum -= column as f64;
            }
        }
        if sum < 0.0 {
            for value in values { *value = 0.0 }
        } else {
            match index {
                0 => for value in values { *value = 1.0 },
                _ => while index > 3 {
                    index -= 1;
                },
            }
        }
        sum + index as f64
    }

    pub(crate) fn overflowing(values: &[u8]) -> u8 {
        let mut sum = 0;
        for value in values {
            sum += *value;
        }
        sum
    }

    pub(crate) fn never(code: u32) -> ! {
        let text = format!("code {code}");
        log(text.as_str());
        panic!("{text}")
    }

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
        let value = "nothing";
        #[cfg(all())]
        log("always");
        #[cfg(any())]
        log(value);
        let value = value + 1;
        #[cfg(all())] { value }
        #[cfg(not(all()))] { value * "2" }
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
        if flag {
            value = 1;
        } else {
            value = 2;
        }
        value
    }
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
    for a in [None, Some(1), Some(5)] {
        for b in [&[][..], &[1, 2], &[2, 1]] {
            same(|| plain::let_chain(a, b), || profiled::let_chain(a, b));
        }
    }
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
