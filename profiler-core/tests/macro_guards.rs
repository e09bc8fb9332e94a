//! Branches inside statements, blocks that drop their locals, and parameters bound again: the same results, the same order of drops, and the hits
//! that are written down.

#![allow(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::cast_possible_truncation,
    clippy::too_many_lines,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    unused,
    unused_qualifications,
    unsafe_code,
    reason = "the code under test is odd on purpose"
)]

mod twins;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use twins::{Noisy, block_on, hits_as_written, later, log, same, twins};

twins! {
    pub(crate) struct Made {
        pub(crate) kind: usize,
        pub(crate) rest: usize,
    }

    fn heavy(value: usize) -> usize {
        log("heavy");
        value
    }

    async fn heavier(value: usize) -> usize {
        later().await + value
    }

    pub(crate) fn arguments(c: bool, v: &mut Vec<usize>) -> usize {
        let a = heavy( //= 2
            if c {
                let _inside = Noisy("then"); //= 1
                1 //= 1
            } else { //= 1
                2 //= 1
            },
        );
        v.push( //= 2
            match c {
                true => 3, //= 1
                false => 4, //= 1
            },
        );
        let b = match c { //= 2
            true => {
                Noisy("five") //= 1
            }
            false => Noisy("six"), //= 1
        }
        .len();
        a + b + v.len() //= 2
    } //= 2

    pub(crate) fn operands(c: bool) -> usize {
        let made = Made { //= 2
            kind: if c {
                heavy(1) //= 1
            } else {
                heavy(2) //= 1
            },
            rest: heavy(3),
        };
        let looped = loop { //= 2
            log("loop"); //= 2
            break made.kind; //= 2
        } + heavy(4);
        let sum = 1 + unsafe { //= 2
            heavy(5) //= 2
        } * {
            let kept = Noisy("block"); //= 2
            kept.len() //= 2
        }; //= 2
        let found = 'a: { //= 2
            if c { //= 2
                break 'a heavy(6); //= 1
            }
            heavy(7) //= 1
        } + heavy(8);
        let indexed = [1, 2, 3][if c { //= 2
            0 //= 1
        } else {
            1 //= 1
        }];
        let both = c && { //= 2
            log("right"); //= 1
            heavy(9) == 9 //= 1
        };
        looped + sum + found + indexed + usize::from(both) //= 2
    } //= 2

    pub(crate) fn assigned(c: bool) -> usize {
        let mut slot = Noisy("old"); //= 2
        slot = match c { //= 2
            true => {
                log("new"); //= 1
                Noisy("new") //= 1
            }
            false => Noisy("other"), //= 1
        };
        let mut boxed = Box::new(Noisy("boxed")); //= 2
        *boxed = { //= 2
            log("inner"); //= 2
            Noisy("inner") //= 2
        };
        slot.len() + boxed.len() //= 2
    } //= 2

    pub(crate) fn asked(text: &str) -> Result<usize, std::num::ParseIntError> {
        let number: usize = if text.len() > 1 { //= 3
            let _guard = Noisy("guard"); //= 2
            text.parse() //= 2
        } else { //= 2
            "7".parse() //= 1
        }?;
        Ok(heavy({ //= 2
            let more: usize = text.parse::<usize>()?; //= 2
            number + more //= 2
        }))
    } //= 2

    pub(crate) fn borrowed(values: &mut [Noisy], c: bool) -> usize {
        let longest = &(if c { //= 2
            &values[0] //= 1
        } else {
            &values[1] //= 1
        })
        .len();
        let extended: &str = { //= 2
            let index = usize::from(c); //= 2
            &values[index].0[..] //= 2
        };
        values[if c { 0 } else { 1 }] = Noisy("set"); //= 2
        *longest //= 2
    } //= 2

    pub(crate) fn blocks(n: usize) -> usize {
        let mut sum = 0; //= 1
        for turn in 0..n { //= 4
            let words: Vec<_> = (0..turn).map(|_| Noisy("word")).collect(); //= 3
            let count = words.len(); //= 3
            if count == 1 { //= 3
                let _inner = Noisy("inner"); //= 1
                sum += 1; //= 1
            } //= 1
            if count == 2 { continue; } //= 3
            sum += count; //= 2
        } //= 2
        let moved = { //= 1
            let made = Noisy("made"); //= 1
            let other = Noisy("other"); //= 1
            log("moved"); //= 1
            made //= 1
        }; //= 1
        { //= 1
            let plain = n * 2; //= 1
            sum += plain; //= 1
        }
        let late;
        { //= 1
            let deferred;
            deferred = Noisy("deferred"); //= 1
            late = deferred.len(); //= 1
        } //= 1
        let kept = { //= 1
            let reference = &Noisy("temporary"); //= 1
            reference.len() //= 1
        }; //= 1
        while let Some(word) = Some(Noisy("condition")) { //= 1
            let _again = Noisy("again"); //= 1
            sum += word.len(); //= 1
            break; //= 1
        }
        sum + moved.len() + late + kept //= 1
    } //= 1

    pub(crate) fn arms(value: Option<Noisy>) -> usize {
        let mut sum = 0; //= 2
        match value { //= 2
            Some(name) if name.len() > 3 => {
                log("arm"); //= 1
                sum += name.len(); //= 1
            }
            Some(name) => drop(name), //= 0
            None => {
                sum += 1; //= 1
            }
        }
        if let Some(name) = Some(Noisy("bound")) { //= 2
            sum += name.len(); //= 2
        }
        sum //= 2
    } //= 2

    pub(crate) fn owned(first: Noisy, mut second: Vec<Noisy>, (third, _): (Noisy, Noisy), _: Noisy, plain: u32) -> usize {
        second.push(Noisy("pushed")); //= 3
        if plain == 1 { //= 3
            return first.len(); //= 1
        }
        if plain == 2 { //= 2
            drop(first); //= 1
        }
        second.len() + third.len() //= 2
    } //= 3

    pub(crate) struct Owner {
        pub(crate) name: Noisy,
        pub(crate) other: Noisy,
    }

    impl Owner {
        pub(crate) fn consume(self, more: Noisy) -> usize {
            log("consume"); //= 1
            assert!(self.name.len() > 0); //= 1
            let part = || self.name.len(); //= 1
            part() + more.len() //= 1
        } //= 1

        pub(crate) fn boxed(mut self: Box<Self>) -> usize {
            self.name = Noisy("replaced"); //= 1
            self.name.len() //= 1
        } //= 1

        pub(crate) fn parts(self) -> Noisy {
            let Self { name, other } = self; //= 1
            log(other.0); //= 1
            name //= 1
        } //= 1

        pub(crate) fn told(self) -> String {
            format!("{}", self.name.len()) //= 1
        } //= 1
    }

    pub(crate) fn closures() -> usize {
        let mut take = |name: Noisy| {
            //= 1
            let other = Noisy("other"); //= 2
            name.len() + other.len() //= 2
        }; //= 2
        let mut pairs = |(left, right): (Noisy, u32), n| {
            //= 1
            log("pair"); //= 1
            right as usize + n //= 1
        }; //= 1
        take(Noisy("a")) + take(Noisy("b")) + pairs((Noisy("c"), 1), 2) //= 1
    } //= 1

    pub(crate) async fn waits(c: bool, name: Noisy) -> usize {
        let a = heavier(if c { //= 2
            let _guard = Noisy("guard"); //= 1
            later().await //= 1
        } else { //= 1
            2 //= 1
        })
        .await;
        let b = { //= 2
            let kept = Noisy("kept"); //= 2
            later().await; //= 2
            kept.len() //= 2
        }; //= 2
        a + b + name.len() //= 2
    } //= 2

    pub(crate) async fn sendable(c: bool) -> usize {
        let value = heavy(match c { //= 1
            true => later().await, //= 1
            false => {
                2 //= 0
            }
        });
        value //= 1
    } //= 1
}

#[test]
fn branches_inside_statements_stay() {
    for c in [false, true] {
        let (mut plain_values, mut profiled_values) = (vec![1], vec![1]);
        same(
            || plain::arguments(c, &mut plain_values),
            || profiled::arguments(c, &mut profiled_values),
        );
        same(|| plain::operands(c), || profiled::operands(c));
        same(|| plain::assigned(c), || profiled::assigned(c));
        let values = || [Noisy("first"), Noisy("second")];
        let (mut one, mut other) = (values(), values());
        same(
            || plain::borrowed(&mut one, c),
            || profiled::borrowed(&mut other, c),
        );
    }
    for text in ["1", "22", "x", "xx"] {
        same(|| plain::asked(text), || profiled::asked(text));
    }
}

#[test]
fn blocks_drop_in_order() {
    for n in 0..5 {
        same(|| plain::blocks(n), || profiled::blocks(n));
    }
    for value in [None, Some("one"), Some("long")] {
        same(
            || plain::arms(value.map(Noisy)),
            || profiled::arms(value.map(Noisy)),
        );
    }
}

#[test]
fn parameters_and_self_drop_in_order() {
    for plain in 0..4 {
        let values = || {
            let pair = (Noisy("3"), Noisy("4"));
            (Noisy("1"), vec![Noisy("2")], pair, Noisy("5"))
        };
        let ((a, b, c, d), (e, f, g, h)) = (values(), values());
        same(
            || plain::owned(a, b, c, d, plain),
            || profiled::owned(e, f, g, h, plain),
        );
    }
    let (name, other) = (|| Noisy("name"), || Noisy("other"));
    macro_rules! both {
        ($owner:ident => $run:expr) => {
            same(
                || {
                    let $owner = plain::Owner {
                        name: name(),
                        other: other(),
                    };
                    $run
                },
                || {
                    let $owner = profiled::Owner {
                        name: name(),
                        other: other(),
                    };
                    $run
                },
            )
        };
    }
    both!(owner => owner.consume(Noisy("more")));
    both!(owner => Box::new(owner).boxed());
    both!(owner => owner.parts().len());
    both!(owner => owner.told());
    same(plain::closures, profiled::closures);
}

#[test]
fn futures_stay_as_they_were() {
    fn sent<T: Send>(future: T) -> T {
        future
    }
    for c in [false, true] {
        same(
            || block_on(plain::waits(c, Noisy("name"))),
            || block_on(profiled::waits(c, Noisy("name"))),
        );
    }
    same(
        || block_on(sent(plain::sendable(true))),
        || block_on(sent(profiled::sendable(true))),
    );
    // Dropped while it waits, outside of any poll.
    macro_rules! cancelled {
        ($twin:ident) => {{
            let mut future = Box::pin($twin::waits(true, Noisy("name")));
            let mut context = Context::from_waker(Waker::noop());
            let ready = std::future::Future::poll(future.as_mut(), &mut context).is_ready();
            drop(future);
            ready
        }};
    }
    same(|| cancelled!(plain), || cancelled!(profiled));
}

#[test]
fn hits_are_as_worked_by_hand() {
    let functions = [
        "arguments",
        "operands",
        "assigned",
        "asked",
        "borrowed",
        "blocks",
        "arms",
        "owned",
        "Owner::consume",
        "Owner::boxed",
        "Owner::parts",
        "Owner::told",
        "closures",
        "waits",
        "sendable",
    ];
    hits_as_written("hits_are_as_worked_by_hand", &functions, || {
        for c in [false, true] {
            profiled::arguments(c, &mut vec![1]);
            profiled::operands(c);
            profiled::assigned(c);
            profiled::borrowed(&mut [Noisy("first"), Noisy("second")], c);
            block_on(profiled::waits(c, Noisy("name")));
        }
        for text in ["1", "22", "xx"] {
            let _ = profiled::asked(text);
        }
        profiled::blocks(3);
        profiled::arms(None);
        profiled::arms(Some(Noisy("long")));
        for plain in 1..4 {
            let pair = (Noisy("3"), Noisy("4"));
            profiled::owned(Noisy("1"), vec![Noisy("2")], pair, Noisy("5"), plain);
        }
        let owner = || profiled::Owner {
            name: Noisy("name"),
            other: Noisy("other"),
        };
        owner().consume(Noisy("more"));
        Box::new(owner()).boxed();
        owner().parts();
        owner().told();
        profiled::closures();
        block_on(profiled::sendable(true));
    });
}
