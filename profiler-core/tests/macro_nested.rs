//! Annotated functions inside annotated functions: the outer attribute hands the inner function on, with braces that no longer have
//! places of their own.

#![allow(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::items_after_statements,
    clippy::unwrap_used,
    reason = "the code under test is odd on purpose"
)]

mod twins;

use hprof::profile;
use std::pin::Pin;
use twins::{block_on, hits_as_written, is_recorded, recorded};

#[profile(always)]
fn around() -> u32 {
    #[profile(always)]
    fn boxed(n: u32) -> Pin<Box<dyn Future<Output = u32>>> {
        Box::pin(async move {
            //= 4
            if n == 0 {
                //= 4
                return 0; //= 1
            }
            let below = boxed(n - 1).await; //= 3
            below + n //= 3
        })
    }
    #[profile(always)]
    fn scaled(values: &[u32]) -> u32 {
        values //= 1
            .iter()
            .map(|value| {
                let twice = value * 2; //= 3
                twice + 1 //= 3
            })
            .sum()
    }
    #[profile(always)]
    async fn waiting(n: u32) -> u32 {
        #[profile(always)]
        async fn deeper(n: u32) -> u32 {
            let later = async {
                //= 1
                let next = n + 1; //= 1
                next //= 1
            };
            later.await //= 1
        } //= 1
        let first = deeper(n).await; //= 1
        first + 1 //= 1
    } //= 1
    block_on(boxed(3)) + scaled(&[1, 2, 3]) + block_on(waiting(1)) //= 1
}

struct Grid {
    side: u32,
}

#[profile(always)]
impl Grid {
    fn cells(&self) -> u32 {
        #[profile(always)]
        fn square(side: u32) -> u32 {
            let cells = side * side; //= 1
            cells //= 1
        } //= 1
        let cells = square(self.side); //= 1
        cells //= 1
    } //= 1
}

#[profile(always)]
fn holds_types(side: u32) -> u32 {
    struct Inner(u32);
    #[profile(always)]
    impl Inner {
        fn doubled(&self) -> u32 {
            let twice = || {
                //= 1
                let value = self.0; //= 1
                value * 2 //= 1
            };
            twice() //= 1
        } //= 1
    }
    #[profile(always)]
    trait Halved {
        fn value(&self) -> u32;
        fn halved(&self) -> u32 {
            let half = self.value() / 2; //= 1
            if half > 100 {
                //= 1
                return 100; //= 0
            }
            half //= 1
        } //= 1
    }
    impl Halved for Inner {
        fn value(&self) -> u32 {
            self.0
        }
    }
    let inner = Inner(side); //= 1
    inner.doubled() + inner.halved() //= 1
} //= 1

#[profile(always)]
fn holds_a_closure(side: u32) -> u32 {
    let outer = || {
        //= 1
        #[profile(always)]
        fn in_a_closure(side: u32) -> u32 {
            let mut sum = 0; //= 1
            for turn in 0..side {
                //= 4
                sum += turn; //= 3
            }
            sum //= 1
        } //= 1
        let sum = in_a_closure(side); //= 1
        sum + 1 //= 1
    };
    outer() //= 1
} //= 1

#[profile(always)]
fn level_1(n: u32) -> u32 {
    #[profile(always)]
    fn level_2(n: u32) -> u32 {
        #[profile(always)]
        fn level_3(n: u32) -> u32 {
            let third = n + 1; //= 1
            let make = move || {
                //= 1
                let made = third; //= 1
                made * 2 //= 1
            };
            make() //= 1
        } //= 1
        let second = level_3(n); //= 1
        second + 1 //= 1
    } //= 1
    let first = level_2(n); //= 1
    first + 1 //= 1
} //= 1

#[profile(always)]
mod whole {
    pub(super) fn of_a_module(n: u32) -> u32 {
        #[hprof::profile(always)]
        fn in_a_module(n: u32) -> u32 {
            let outcome = if n > 1 {
                //= 1
                n //= 1
            } else {
                0 //= 0
            };
            outcome //= 1
        } //= 1
        in_a_module(n) //= 1
    }

    #[hprof::profile(always)]
    pub(super) fn on_its_own(n: u32) -> u32 {
        let next = [n] //= 1
            .iter()
            .map(|n| {
                let next = n + 1; //= 1
                next //= 1
            })
            .sum();
        next //= 1
    } //= 1
}

#[profile(always)]
fn twice(n: u32) -> u32 {
    #[profile(always, name = "the inner twice")]
    fn twice(n: u32) -> u32 {
        let twice = || {
            //= 1
            let twice = n * 2; //= 1
            twice //= 1
        };
        twice() //= 1
    } //= 1
    twice(n) //= 1
}

#[test]
fn nested_functions_have_all_their_rows() {
    let functions = [
        "around",
        "boxed",
        "scaled",
        "waiting",
        "deeper",
        "Grid::cells",
        "square",
        "holds_types",
        "Inner::doubled",
        "Halved::halved",
        "holds_a_closure",
        "in_a_closure",
        "level_1",
        "level_2",
        "level_3",
        "of_a_module",
        "in_a_module",
        "on_its_own",
        "twice",
        "the inner twice",
    ];
    hits_as_written("nested_functions_have_all_their_rows", &functions, || {
        assert_eq!(around(), 6 + 15 + 3);
        assert_eq!(Grid { side: 3 }.cells(), 9);
        assert_eq!(holds_types(4), 10);
        assert_eq!(holds_a_closure(3), 4);
        assert_eq!(level_1(1), 6);
        assert_eq!(whole::of_a_module(2) + whole::on_its_own(2), 5);
        assert_eq!(twice(4), 8);
    });
}

#[test]
fn the_text_of_a_nested_function_is_whole() {
    if is_recorded() {
        assert_eq!(level_1(1), 6);
        return;
    }
    let profile = recorded("the_text_of_a_nested_function_is_whole");
    let lines: Vec<&str> = include_str!("macro_nested.rs").lines().collect();
    for (name, first) in [("level_1", "fn level_1"), ("level_3", "fn level_3")] {
        let mut functions = profile.functions.iter();
        let function = functions.find(|function| function.name == name).unwrap();
        // The attribute stands above.
        let begin = lines.iter().position(|line| line.contains(first)).unwrap() - 1;
        assert_eq!(function.line as usize, begin + 1);
        let count = lines[begin + 1..]
            .iter()
            .position(|line| line.starts_with(&lines[begin].replace("#[profile(always)]", "}")))
            .unwrap();
        assert_eq!(function.source, lines[begin..begin + count + 2], "{name}");
    }
}
