//! Every kind of function: generics, results of all shapes, traits, safety, linkage, closures, names.

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

use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::panic::Location;
use twins::{hits_as_written, log, same, twins};

twins! {
    pub(crate) fn generic<T, const N: usize>(values: [T; N]) -> Vec<T>
    where
        T: Clone + PartialOrd,
    {
        let mut sorted = values.to_vec(); //= 1
        for index in 1..N { //= 3
            let mut at = index; //= 2
            while at > 0 && sorted[at] < sorted[at - 1] { //= 4
                sorted.swap(at, at - 1); //= 2
                at -= 1; //= 2
            }
        }
        sorted //= 1
    } //= 1

    pub(crate) fn impl_trait<'a>(values: &'a [u32], scale: impl Fn(u32) -> u32 + 'a) -> impl Iterator<Item = u32> + 'a {
        log("made");
        values.iter().map(move |value| {
            log("called");
            scale(*value)
        })
    }

    pub(crate) fn boxed(kind: u32) -> Box<dyn Fn(u32) -> Result<u32, String>> {
        match kind {
            0 => Box::new(|value| Ok(value)),
            1 => Box::new(move |value| {
                let sum = value + kind;
                Ok(sum)
            }),
            _ => Box::new(|value| {
                if value == 0 {
                    return Err("zero".to_owned());
                }
                let half = value.checked_div(2).ok_or("never")?;
                Ok(half)
            }),
        }
    }

    #[track_caller]
    pub(crate) fn caller() -> u32 {
        let here = Location::caller();
        here.line()
    }

    pub(crate) fn lines_of_callers() -> (u32, u32) {
        let first = caller();
        let second = [(); 1]
            .iter()
            .map(|()| caller())
            .sum();
        (first, second)
    }

    #[expect(unsafe_code, reason = "an unsafe function is a case of its own")]
    pub(crate) unsafe fn unchecked(values: &[u32], index: usize) -> u32 {
        let values = values;
        // SAFETY: the caller gives an index within the slice.
        unsafe { *values.get_unchecked(index) }
    }

    pub(crate) extern "C" fn foreign(a: i32, b: i32) -> i32 {
        let sum = a + b;
        sum * 2
    }

    #[inline(always)]
    #[must_use]
    pub(crate) fn inlined(value: u32) -> u32 {
        value + 1
    }

    /// Documented, and with an attribute inside.
    pub(crate) fn inner_attribute(value: u32) -> u32 {
        #![allow(unused_variables)]
        let unused = 1;
        value
    }

    pub(crate) fn inner_attributes(value: u32) -> u32 {
        let mut sum = 0;
        match value {
            #![cfg_attr(all(), allow(unused_variables))]
            0 => {
                sum += 7;
            }
            other => sum += value,
        }
        #[allow(unused_variables)]
        for turn in 0..value {
            #![allow(unused_mut)]
            let mut one = 1;
            sum += one;
        }
        sum
    }

    pub(crate) const fn constant(value: u32) -> u32 {
        let doubled = value * 2;
        doubled
    }

    pub(crate) const TABLE: [u32; constant(2) as usize] = [constant(1); constant(2) as usize];

    pub(crate) fn recursive(n: u64) -> u64 {
        if n < 2 { n } else { recursive(n - 1) + recursive(n - 2) } //= 5
    }

    pub(crate) fn mutual(n: u32) -> bool {
        fn odd(n: u32) -> bool {
            if n == 0 { return false; }
            mutual(n - 1)
        }
        n == 0 || odd(n - 1)
    }

    pub(crate) trait Shape: Debug {
        const SIDES: u32;
        fn name(&self) -> String {
            let mut name = String::from("shape of ");
            name.push_str(&Self::SIDES.to_string());
            name
        }
        fn area(&self) -> f64;
        fn scaled(self, by: f64) -> Self
        where
            Self: Sized;
        fn boxed(self: Box<Self>) -> f64 {
            let area = self.area();
            area + 1.0
        }
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    pub(crate) struct Rectangle<T> {
        pub(crate) width: T,
        pub(crate) height: T,
    }

    impl<T: Copy + Into<f64> + From<f32> + Debug> Shape for Rectangle<T> {
        const SIDES: u32 = 4;

        fn area(&self) -> f64 {
            let (width, height): (f64, f64) = (self.width.into(), self.height.into());
            width * height
        }

        fn scaled(mut self, by: f64) -> Self {
            let factor = T::from(by as f32);
            self.width = factor;
            self.height = {
                log("height");
                factor
            };
            self
        }
    }

    impl<T> Rectangle<T> {
        pub(crate) fn new(width: T, height: T) -> Self {
            Self { width, height }
        }

        pub(crate) fn parts(&mut self) -> (&mut T, &mut T) {
            let Self { width, height } = self;
            (width, height)
        }
    }

    impl<T: Display> Display for Rectangle<T> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}x", self.width)?;
            if f.alternate() {
                return f.write_str("...");
            }
            self.height.fmt(f)
        }
    }

    pub(crate) mod inner {
        use super::log;

        pub(crate) fn in_a_module(depth: u32) -> u32 {
            log("deep");
            depth + self::deeper::in_a_deeper_module(depth)
        }

        mod deeper {
            pub(super) fn in_a_deeper_module(depth: u32) -> u32 {
                let depth = depth * 2;
                depth
            }
        }
    }

    macro_rules! made {
        ($name:ident, $step:expr, $body:block) => {
            pub(crate) fn $name(start: u32) -> u32 {
                let mut value = start;
                for _ in 0..3 {
                    value += $step;
                }
                let extra = $body;
                value + extra
            }
        };
    }

    made!(by_two, 2, {
        log("by two");
        10
    });
    made!(by_five, { 2 + 3 }, { 20 });

    pub(crate) fn no_capture() -> (usize, fn(u32) -> u32) {
        let closure = |value: u32| {
            let doubled = value * 2;
            doubled + 1
        };
        let copy = closure;
        let pointer: fn(u32) -> u32 = copy;
        (size_of_val(&closure), pointer)
    }

    pub(crate) fn threads(values: Vec<u32>) -> u32 {
        let workers: Vec<_> = values //= 1
            .into_iter()
            .map(|value| {
                std::thread::spawn(move || { //= 2
                    let mut sum = 0; //= 2
                    for step in 0..value { //= 9
                        sum += step; //= 7
                    }
                    sum //= 2
                })
            })
            .collect();
        let mut sum = 0; //= 1
        for worker in workers { //= 3
            sum += worker.join().unwrap(); //= 2
        }
        let mut scoped = 0; //= 1
        std::thread::scope(|scope| { //= 1
            scope.spawn(|| { //= 1
                scoped += sum; //= 1
                scoped += 1; //= 1
            });
        });
        scoped //= 1
    } //= 1

    pub(crate) fn closures_that_borrow(words: &[&'static str]) -> Vec<(&'static str, usize)> {
        let mut counts: HashMap<&'static str, usize> = HashMap::new(); //= 1
        let mut add = |word| { //= 1
            let count = counts.entry(word).or_insert(0); //= 3
            *count += 1; //= 3
            *count //= 3
        };
        for word in words { //= 4
            add(*word); //= 3
        }
        let once = move || { //= 1
            let mut all: Vec<_> = counts.into_iter().collect(); //= 1
            all.sort_unstable(); //= 1
            all //= 1
        };
        once() //= 1
    } //= 1

    pub(crate) fn returning_from_closures(values: &[i32]) -> Result<Vec<i32>, i32> {
        values //= 1
            .iter()
            .map(|value| {
                let value = *value; //= 2
                for step in 0..3 { //= 5
                    if step == 1 { continue; } //= 4
                    if value < 0 { //= 3
                        return Err(value); //= 1
                    }
                }
                Ok(value * 2) //= 1
            })
            .collect()
    }

    pub(crate) fn names_like_ours(frame: u32) -> u32 {
        let group = frame + 1;
        let _brace = group * 2;
        let hprof = |frame: u32| {
            let group = frame;
            group + 1
        };
        let mut total = 0;
        for core in 0..3 {
            let frame = core;
            total += frame + group;
        }
        hprof(total + _brace)
    }

    pub(crate) trait Greedy: Sized {
        fn line(self) -> u32 {
            panic!("taken by value")
        }
        fn enter(self) -> u32 {
            panic!("taken by value")
        }
        fn hit(self) -> u32 {
            panic!("taken by value")
        }
        fn poll(self) -> u32 {
            panic!("taken by value")
        }
    }

    impl<T> Greedy for T {}

    pub(crate) fn among_greedy_traits(values: &[u32]) -> u32 {
        let mut sum = 0;
        for value in values {
            sum += value;
        }
        for value in values {
            log(value.to_string());
        }
        sum
    }

    pub(crate) fn types_like_ours() -> u32 {
        struct Frame;
        struct Site(u32);
        struct Group;
        #[allow(non_camel_case_types)]
        type u32 = std::primitive::u32;
        let _unit = (Frame, Group);
        let Site(value) = Site(4);
        value
    }

    pub(crate) fn r#match(r#type: u32) -> u32 {
        let r#fn = r#type;
        r#fn + 1
    }

    #[allow(non_snake_case)]
    pub(crate) fn größe(länge: u32) -> u32 {
        let verdoppelt = länge * 2;
        verdoppelt
    }

    pub(crate) fn long_expressions(flag: bool, values: &[u32]) -> [u32; 3] {
        [
            if flag {
                1
            } else {
                2
            },
            values.iter().fold(0, |sum, value| {
                let sum = sum + value;
                sum
            }),
            match values {
                [] => 0,
                [first, rest @ ..] => {
                    let mut last = *first;
                    for value in rest { last = *value }
                    last
                }
            },
        ]
    }

    pub(crate) fn assigned(values: &mut [u32; 4], at: usize) {
        values[{
            log("index");
            at
        }] = {
            log("value");
            7
        };
        *values.last_mut().unwrap() += if at == 0 {
            1
        } else {
            2
        };
        (if at > 1 {
            &mut values[0]
        } else {
            &mut values[1]
        })
        .clone_from(&9);
    }
}

#[test]
fn generic_functions_stay_generic() {
    same(
        || plain::generic([3, 1, 2]),
        || profiled::generic([3, 1, 2]),
    );
    same(
        || plain::generic(["b", "a"]),
        || profiled::generic(["b", "a"]),
    );
    same(
        || plain::generic::<u8, 0>([]),
        || profiled::generic::<u8, 0>([]),
    );
}

#[test]
fn results_keep_their_type() {
    same(
        || plain::impl_trait(&[1, 2], |value| value * 3).collect::<Vec<_>>(),
        || profiled::impl_trait(&[1, 2], |value| value * 3).collect::<Vec<_>>(),
    );
    for kind in 0..3 {
        for value in [0, 5] {
            same(
                || plain::boxed(kind)(value),
                || profiled::boxed(kind)(value),
            );
        }
    }
    same(
        || plain::long_expressions(true, &[1, 2]),
        || profiled::long_expressions(true, &[1, 2]),
    );
    same(
        || plain::long_expressions(false, &[]),
        || profiled::long_expressions(false, &[]),
    );
}

#[test]
fn callers_are_tracked_through() {
    let (plain_line, profiled_line, line) = (plain::caller(), profiled::caller(), line!());
    assert_eq!((plain_line, profiled_line), (line, line));
    same(plain::lines_of_callers, profiled::lines_of_callers);
}

#[test]
#[expect(unsafe_code, reason = "an unsafe function is a case of its own")]
fn safety_and_linkage_stay() {
    // SAFETY: the slice has the index.
    let plain = || unsafe { plain::unchecked(&[1, 2, 3], 2) };
    // SAFETY: the slice has the index.
    let profiled = || unsafe { profiled::unchecked(&[1, 2, 3], 2) };
    same(plain, profiled);
    let pointers: [extern "C" fn(i32, i32) -> i32; 2] = [plain::foreign, profiled::foreign];
    same(|| pointers[0](1, 2), || pointers[1](1, 2));
    same(|| plain::inlined(1), || profiled::inlined(1));
    same(
        || plain::inner_attributes(3),
        || profiled::inner_attributes(3),
    );
    same(
        || plain::inner_attribute(1),
        || profiled::inner_attribute(1),
    );
    assert_eq!(plain::TABLE, profiled::TABLE);
}

#[test]
fn recursion_stays() {
    for n in 0..12 {
        same(|| plain::recursive(n), || profiled::recursive(n));
    }
    same(|| plain::mutual(9), || profiled::mutual(9));
}

#[test]
fn traits_and_methods_stay() {
    use plain::Shape as _;
    let mut plain = plain::Rectangle::new(2.0_f32, 3.0);
    same(
        || {
            *plain.parts().0 += 1.0;
            (
                plain.name(),
                plain.area(),
                format!("{plain} {plain:#}"),
                plain.scaled(2.0).area(),
                Box::new(plain).boxed(),
            )
        },
        || {
            use profiled::Shape as _;
            let mut profiled = profiled::Rectangle::new(2.0_f32, 3.0);
            *profiled.parts().0 += 1.0;
            (
                profiled.name(),
                profiled.area(),
                format!("{profiled} {profiled:#}"),
                profiled.scaled(2.0).area(),
                Box::new(profiled).boxed(),
            )
        },
    );
}

#[test]
fn modules_and_macros_stay() {
    same(
        || plain::inner::in_a_module(3),
        || profiled::inner::in_a_module(3),
    );
    same(|| plain::by_two(1), || profiled::by_two(1));
    same(|| plain::by_five(1), || profiled::by_five(1));
}

#[test]
fn closures_capture_nothing_of_ours() {
    assert_eq!(profiled::no_capture().0, 0);
    same(|| plain::no_capture().1(4), || profiled::no_capture().1(4));
    same(
        || plain::threads(vec![3, 4]),
        || profiled::threads(vec![3, 4]),
    );
    let words = ["a", "b", "a"];
    same(
        || plain::closures_that_borrow(&words),
        || profiled::closures_that_borrow(&words),
    );
    for values in [&[1, 2][..], &[1, -2]] {
        same(
            || plain::returning_from_closures(values),
            || profiled::returning_from_closures(values),
        );
    }
}

#[test]
fn names_do_not_meet() {
    same(
        || plain::names_like_ours(3),
        || profiled::names_like_ours(3),
    );
    same(
        || plain::among_greedy_traits(&[1, 2]),
        || profiled::among_greedy_traits(&[1, 2]),
    );
    same(plain::types_like_ours, profiled::types_like_ours);
    same(|| plain::r#match(3), || profiled::r#match(3));
    same(|| plain::größe(3), || profiled::größe(3));
}

#[test]
fn assignments_keep_their_order() {
    for at in 0..4 {
        let (mut one, mut other) = ([0; 4], [0; 4]);
        same(
            || plain::assigned(&mut one, at),
            || profiled::assigned(&mut other, at),
        );
        assert_eq!(one, other);
    }
}

#[test]
fn hits_are_as_worked_by_hand() {
    let functions = [
        "generic",
        "recursive",
        "threads",
        "closures_that_borrow",
        "returning_from_closures",
    ];
    hits_as_written("hits_are_as_worked_by_hand", &functions, || {
        profiled::generic([3, 1, 2]);
        profiled::recursive(3);
        profiled::threads(vec![3, 4]);
        profiled::closures_that_borrow(&["a", "b", "a"]);
        let _ = profiled::returning_from_closures(&[1, -2]);
    });
}
