//! The attribute where users put it: on every kind of item, with every option, in macros, beside other attributes.

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

use hprof::profile;
use hprof::site::WhyNot;
use twins::{hits_as_written, is_recorded, log, recorded, same};

/// A second way to the recorder, as a renamed dependency would be.
mod renamed {
    pub(crate) use hprof::__private;
}

#[profile(always)]
fn direct(values: &[u32]) -> u32 {
    let mut sum = 0;
    for value in values {
        sum += value;
    }
    sum
}

#[profile(always, calls)]
fn calls_only(value: u32) -> u32 {
    //= 1
    let doubled = value * 2;
    doubled + 1
}

#[profile(always, split, name = "a name of its own")]
fn split(values: &[u32]) -> u32 {
    let mut product = 1; //= 1
    for value in values {
        //= 4
        product *= value; //= 3
        product %= 1_000; //= 3
    }
    product //= 1
} //= 1

#[profile(always, crate = crate::renamed)]
fn through_another_path(value: u32) -> u32 {
    let closure = |value: u32| {
        let next = value + 1;
        next * 2
    };
    closure(value)
}

#[profile(always)]
const fn constant(value: u32) -> u32 {
    value + 1
}

const CONSTANT: u32 = constant(3);

#[profile(always, skip)]
fn skipped(value: u32) -> u32 {
    #[mark]
    let next = value + 1;
    next
}

#[profile(always, marked)]
fn marked(values: &[u32]) -> Result<u32, String> {
    let mut sum = 0;
    #[mark]
    let first = *values.first().ok_or("empty")?; //= 1
    #[mark("the loop")]
    for value in values {
        //= 4
        if *value == 3 {
            continue;
        }
        #[mark]
        log(format!("value {value}")); //= 2
        sum += value;
    }
    'search: for value in values {
        for other in values {
            #[mark]
            if value + other == 9 {
                //= 6
                break 'search;
            }
            #[mark]
            if value == other {
                //= 6
                continue 'search;
            }
        }
    }
    let doubled = values.iter().map(|value| {
        #[mark("doubling")]
        let doubled = value * 2; //= 3
        doubled
    });
    sum += doubled.sum::<u32>();
    #[mark]
    if sum > 100 {
        //= 1
        #[mark]
        return Err(format!("{first} and more")); //= 0
    }
    #[mark]
    Ok(sum) //= 1
}

fn marked_plain(values: &[u32]) -> Result<u32, String> {
    let mut sum = 0;
    let first = *values.first().ok_or("empty")?;
    for value in values {
        if *value == 3 {
            continue;
        }
        log(format!("value {value}"));
        sum += value;
    }
    let doubled = values.iter().map(|value| value * 2);
    sum += doubled.sum::<u32>();
    if sum > 100 {
        return Err(format!("{first} and more"));
    }
    Ok(sum)
}

#[profile(always, marked)]
fn marked_to_the_end(value: u32) -> u32 {
    #[mark]
    panic!("with {value}");
}

#[profile(always)]
fn skipping(values: &[u32]) -> u32 {
    let mut sum = 0; //= 1
    for value in values {
        //= 4
        #[skip]
        if *value == 2 {
            continue;
        }
        #[mark("adding")]
        let () = sum += value; //= 2
    }
    #[skip]
    for value in values {
        log(value.to_string());
    }
    sum //= 1
} //= 1

struct Counter {
    count: u32,
}

#[profile(always)]
impl Counter {
    const START: u32 = 2;

    const fn new() -> Self {
        Self { count: Self::START }
    }

    fn step(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    #[profile(always, calls)]
    fn own_attribute(&mut self) -> u32 {
        self.step() * 2
    }

    #[profile(skip)]
    fn left_out(&self) -> u32 {
        self.count
    }
}

impl Counter {
    #[profile(always)]
    fn method(&mut self, by: u32) -> &mut Self {
        self.count += by;
        self
    }
}

#[profile(always)]
mod left_alone {
    /// Never called, but by the compiler.
    pub(crate) const fn size<T>() -> usize {
        std::mem::size_of::<T>()
    }

    #[cfg(target_arch = "x86_64")]
    #[unsafe(naked)]
    pub(crate) extern "C" fn naked() {
        std::arch::naked_asm!("ret");
    }
}

const SIZE: usize = left_alone::size::<u32>();

#[profile(always)]
trait Named {
    fn name(&self) -> String;

    fn greeting(&self) -> String {
        let name = self.name();
        format!("hello {name}")
    }
}

trait Declared {
    #[profile(always)]
    fn declared(&self) -> u32;

    #[profile(always)]
    fn provided(&self) -> u32 {
        let declared = self.declared();
        declared + 1
    }
}

#[profile(always)]
impl Named for Counter {
    fn name(&self) -> String {
        let count = self.count;
        format!("counter {count}")
    }
}

impl Declared for Counter {
    #[profile(always)]
    fn declared(&self) -> u32 {
        let count = self.count;
        count
    }
}

macro_rules! made_with_the_attribute {
    ($name:ident, $limit:expr, $body:block) => {
        #[profile(always)]
        fn $name() -> u32 {
            let mut sum = 0;
            for turn in 0..$limit {
                if turn == 1 {
                    continue;
                }
                sum += turn;
            }
            sum + $body
        }
    };
}

made_with_the_attribute!(made_once, 4, {
    log("once");
    1
});
made_with_the_attribute!(made_twice, 2 + 3, { 2 });

macro_rules! annotated {
    ($item:item) => {
        #[profile(always)]
        $item
    };
}

macro_rules! with_fragments {
    ($name:ident, $value:expr, $number:ty, $literal:literal, $pattern:pat, $object:ty) => {
        #[profile(always)]
        fn $name() -> $number {
            let twice: $number = $value * 2;
            let positive = $literal.abs();
            let shared: &$object = &5;
            log(format!("{shared:?} {}", $value * 2));
            match twice {
                $pattern => -$value + positive,
                other => other << $value,
            }
        }
    };
}

with_fragments!(
    of_sums,
    1 + 2,
    i64,
    -1_i64,
    3 | 6,
    dyn std::fmt::Debug + Send
);
with_fragments!(
    of_blocks,
    {
        log("block");
        2
    },
    i64,
    1_i64,
    3 | 6,
    i32
);

annotated! {
    fn passed_as_an_item(value: u32) -> u32 {
        let next = value + 1;
        next
    }
}

#[profile(always)]
fn with_a_nested_function(value: u32) -> u32 {
    #[profile(always)]
    fn nested(value: u32) -> u32 {
        let next = value + 1;
        next
    }
    let first = nested(value);
    first + nested(first)
}

#[profile(always)]
#[inline(never)]
#[must_use]
#[cfg_attr(all(), doc = "Beside other attributes.")]
fn among_attributes() -> u32 {
    1
}

#[profile(always)]
#[test]
fn a_profiled_test() {
    let sum = direct(&[1, 2, 3]);
    assert_eq!(sum, 6);
}

#[test]
#[profile(always)]
#[should_panic(expected = "with 3")]
fn a_profiled_test_that_panics() {
    marked_to_the_end(3);
}

#[test]
fn options_change_no_result() {
    assert_eq!(calls_only(3), 7);
    assert_eq!(split(&[2, 3, 4]), 24);
    assert_eq!(through_another_path(3), 8);
    assert_eq!(constant(1) + CONSTANT, 6);
    assert_eq!(skipped(1), 2);
    for values in [&[][..], &[1, 2, 3], &[4, 5, 60]] {
        same(|| marked_plain(values), || marked(values));
    }
    same(
        || {
            for value in [1, 2, 3] {
                log(value.to_string());
            }
            4
        },
        || skipping(&[1, 2, 3]),
    );
}

#[test]
fn methods_and_traits_can_be_annotated() {
    let mut counter = Counter::new();
    assert_eq!(counter.step(), 3);
    assert_eq!(counter.own_attribute(), 8);
    assert_eq!(counter.method(6).left_out(), 10);
    assert_eq!(counter.greeting(), "hello counter 10");
    assert_eq!(counter.provided(), 11);
}

#[test]
fn macros_can_make_annotated_functions() {
    same(
        || {
            log("once");
            6
        },
        made_once,
    );
    assert_eq!(made_twice(), 11);
    assert_eq!(of_sums(), -2);
    assert_eq!(of_blocks(), 16);
    assert_eq!(passed_as_an_item(1), 2);
    assert_eq!(with_a_nested_function(1), 5);
    assert_eq!(among_attributes(), 1);
}

#[test]
fn hits_are_as_worked_by_hand() {
    let functions = ["a name of its own", "calls_only", "skipping", "marked"];
    hits_as_written("hits_are_as_worked_by_hand", &functions, || {
        split(&[2, 3, 4]);
        calls_only(1);
        skipping(&[1, 2, 3]);
        marked(&[1, 2, 3]).unwrap();
    });
}

/// Called or not: they stand in the executable.
#[test]
fn what_is_left_alone_is_listed_with_the_reason() {
    if is_recorded() {
        direct(&[1, 2, 3]);
        return;
    }
    let profile = recorded("what_is_left_alone_is_listed_with_the_reason");
    let listed = profile.not_measured.iter().map(|function| {
        assert!(function.file.ends_with("macro_options.rs"));
        (&*function.module, &*function.name, function.why)
    });
    let mut expected = vec![
        ("macro_options", "constant", WhyNot::Constant),
        ("macro_options", "Counter::new", WhyNot::Constant),
        ("macro_options::left_alone", "size", WhyNot::Constant),
    ];
    if cfg!(target_arch = "x86_64") {
        expected.push(("macro_options", "naked", WhyNot::Naked));
    }
    assert_eq!(listed.collect::<Vec<_>>(), expected);
    let lines = include_str!("macro_options.rs").lines();
    let line = lines.skip(profile.not_measured[0].line as usize).next();
    assert_eq!(line, Some("const fn constant(value: u32) -> u32 {"));
}
