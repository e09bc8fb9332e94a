//! When instrumented functions drop what they hold: locals, temporaries, parameters, on every way out.

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

use std::sync::Mutex;
use twins::{Noisy, log, same, twins};

twins! {
    pub(crate) fn locals() -> usize {
        let _first = Noisy("first");
        let _ = Noisy("at once");
        let second = Noisy("second");
        {
            let _inner = Noisy("inner");
            log("in the block");
        }
        second.len()
    }

    pub(crate) fn tail_temporary() -> usize {
        let _local = Noisy("local");
        Noisy("temporary").len()
    }

    pub(crate) fn tail_in_a_block() -> usize {
        let _local = Noisy("local");
        let length = {
            let _inner = Noisy("inner");
            Noisy("temporary").len()
        };
        length + 1
    }

    pub(crate) fn loop_tails(limit: usize) -> usize {
        let mut seen = 0;
        for turn in 0..limit {
            let _turn = Noisy("turn");
            if turn == 1 { continue; }
            seen += Noisy("added").len();
            consume(&Noisy("tail"))
        }
        while seen < 20 {
            let _again = Noisy("again");
            seen += 7;
            consume(&Noisy("tail"))
        }
        loop {
            let _last = Noisy("last");
            if seen > 30 { break; }
            seen += 9;
            consume(&Noisy("tail"))
        }
        seen
    }

    fn consume(noisy: &Noisy) {
        log(format!("see {}", noisy.0))
    }

    pub(crate) fn header_temporaries(pick: usize) -> u32 {
        let mut sum = 0;
        for byte in Noisy("header").bytes() {
            sum += u32::from(byte);
        }
        log("after the loop");
        while sum > Noisy("condition").len() as u32 * 40 {
            sum /= 2;
        }
        match Noisy("scrutinee").len() {
            9 if pick == 0 => log("nine"),
            9 => for byte in Noisy("arm").bytes() { sum += u32::from(byte) },
            _ => {}
        }
        if let Some(length) = Some(Noisy("if let").len()).filter(|_| pick == 1) {
            log(format!("{length}"));
        } else if let Some(length) = Some(Noisy("else if let").len()).filter(|_| pick == 2) {
            log(format!("{length}"));
        } else {
            log("neither");
        }
        sum
    }

    pub(crate) fn tail_loop(sum: &mut u32) {
        let _local = Noisy("local");
        for byte in Noisy("header").bytes() {
            *sum += u32::from(byte);
        }
    }

    pub(crate) fn loop_with_semicolon(sum: &mut u32) {
        let _local = Noisy("local");
        for byte in Noisy("header").bytes() { *sum += u32::from(byte) };
    }

    pub(crate) fn tail_while(sum: &mut u32) {
        let _local = Noisy("local");
        while *sum < 100 {
            *sum += 7;
            let _counted = *sum;
        }
    }

    pub(crate) fn tail_if_let(lock: &Mutex<Option<u32>>) -> u32 {
        let _local = Noisy("local");
        if let Some(value) = *lock.lock().unwrap() {
            value
        } else {
            Noisy("else").len() as u32
        }
    }

    pub(crate) fn tail_match(lock: &Mutex<Option<u32>>) -> u32 {
        let _local = Noisy("local");
        match lock.lock().unwrap().as_ref() {
            Some(value) => *value,
            None => Noisy("none").len() as u32,
        }
    }

    pub(crate) fn extended() -> usize {
        let kept = &Noisy("extended");
        let in_block = &{
            log("in the block");
            Noisy("of the block")
        };
        let chosen = match kept.len() {
            8 => &Noisy("arm"),
            _ => &Noisy("other"),
        };
        let either = if chosen.len() == 3 { &Noisy("then") } else { &Noisy("else") };
        log("before the end");
        kept.len() + in_block.len() + chosen.len() + either.len()
    }

    pub(crate) fn parameters(_first: Noisy, _: Noisy, (_a, _): (Noisy, Noisy), last: Noisy) -> usize {
        let _local = Noisy("local");
        last.len()
    }

    pub(crate) fn early(limit: u32) -> Option<usize> {
        let _first = Noisy("first");
        for turn in 0..4 {
            let _turn = Noisy("turn");
            let checked = Some(turn).filter(|turn| *turn < limit)?;
            if checked == 2 {
                return Some(Noisy("returned").len());
            }
        }
        let Some(_) = Some(limit).filter(|limit| *limit < 10) else {
            let _diverging = Noisy("diverging");
            return None;
        };
        let _last = Noisy("last");
        None
    }

    pub(crate) fn panicking(depth: u32) -> usize {
        let _frame = Noisy("frame");
        if depth == 0 {
            let _deepest = Noisy("deepest");
            panic!("at the bottom");
        }
        panicking(depth - 1) + Noisy("never").len()
    }

    pub(crate) fn caught(depth: u32) -> String {
        let _outer = Noisy("outer");
        let result = std::panic::catch_unwind(|| {
            let _inner = Noisy("inner");
            panicking(depth)
        });
        match result {
            Ok(_) => "fine".to_owned(),
            Err(payload) => {
                let text = payload.downcast_ref::<&str>().copied();
                text.unwrap_or("other").to_owned()
            }
        }
    }

    pub(crate) struct Worker {
        name: &'static str,
        held: Option<Noisy>,
    }

    impl Drop for Worker {
        fn drop(&mut self) {
            log(format!("worker {}", self.name));
            if let Some(held) = self.held.take() {
                let _moved = held;
                log("released");
            }
            if self.name == "rude" && !std::thread::panicking() {
                panic!("in a drop");
            }
        }
    }

    pub(crate) fn dropping(name: &'static str) -> usize {
        let worker = Worker { name, held: Some(Noisy("held")) };
        let Worker { name, ref held } = worker;
        let held = held.as_ref().map_or(0, Noisy::len);
        name.len() + held
    }

    pub(crate) fn dropping_at_a_statement(name: &'static str) {
        let _worker = Worker { name, held: None };
        let _late;
        _late = Noisy("late");
        log("end");
    }

    pub(crate) fn moved_out(noisy: Noisy) -> Noisy {
        let _guard = Noisy("guard");
        let moved = noisy;
        moved
    }

    pub(crate) fn shadowed() -> usize {
        let value = Noisy("one");
        let value = (value, Noisy("two"));
        let value = { let (one, _) = value; one };
        value.len()
    }

    pub(crate) fn borrowed<'a>(text: &'a str, fallback: &'a Mutex<String>) -> Option<&'a str> {
        let _local = Noisy("local");
        let guard = fallback.lock().unwrap();
        text.split(guard.as_str()).next().filter(|part| {
            let long = part.len() > 1;
            long
        })
    }
}

#[test]
fn locals_and_temporaries_drop_in_order() {
    same(plain::locals, profiled::locals);
    same(plain::tail_temporary, profiled::tail_temporary);
    same(plain::tail_in_a_block, profiled::tail_in_a_block);
    same(plain::extended, profiled::extended);
    same(plain::shadowed, profiled::shadowed);
}

#[test]
fn loops_drop_in_order() {
    for limit in 0..4 {
        same(|| plain::loop_tails(limit), || profiled::loop_tails(limit));
    }
    for pick in 0..4 {
        same(
            || plain::header_temporaries(pick),
            || profiled::header_temporaries(pick),
        );
    }
    let (mut one, mut other) = (0, 0);
    same(
        || plain::tail_loop(&mut one),
        || profiled::tail_loop(&mut other),
    );
    same(
        || plain::tail_while(&mut one),
        || profiled::tail_while(&mut other),
    );
    same(
        || plain::loop_with_semicolon(&mut one),
        || profiled::loop_with_semicolon(&mut other),
    );
    assert_eq!(one, other);
}

#[test]
fn locks_in_tails_are_released() {
    for value in [None, Some(4)] {
        let lock = Mutex::new(value);
        same(
            || plain::tail_if_let(&lock),
            || profiled::tail_if_let(&lock),
        );
        same(|| plain::tail_match(&lock), || profiled::tail_match(&lock));
        assert!(lock.try_lock().is_ok());
    }
    let separator = Mutex::new(",".to_owned());
    for text in ["a,b", "long,b"] {
        same(
            || plain::borrowed(text, &separator),
            || profiled::borrowed(text, &separator),
        );
    }
}

#[test]
fn parameters_drop_in_order() {
    let values = || (Noisy("1"), Noisy("2"), (Noisy("3"), Noisy("4")), Noisy("5"));
    let (a, b, c, d) = values();
    let (e, f, g, h) = values();
    same(
        || plain::parameters(a, b, c, d),
        || profiled::parameters(e, f, g, h),
    );
    same(
        || plain::moved_out(Noisy("moved")).len(),
        || profiled::moved_out(Noisy("moved")).len(),
    );
}

#[test]
fn every_way_out_drops() {
    for limit in [0, 1, 2, 3, 9, 10] {
        same(|| plain::early(limit), || profiled::early(limit));
    }
    for depth in 0..3 {
        same(|| plain::panicking(depth), || profiled::panicking(depth));
        same(|| plain::caught(depth), || profiled::caught(depth));
    }
    for name in ["polite", "rude"] {
        same(|| plain::dropping(name), || profiled::dropping(name));
        same(
            || plain::dropping_at_a_statement(name),
            || profiled::dropping_at_a_statement(name),
        );
    }
}
