//! Async functions and blocks: drop order, captures, `Send`, sizes, traits.

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

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use twins::{Noisy, block_on, hits_as_written, later, log, same, twins};

twins! {
    pub(crate) async fn simple(value: usize) -> usize {
        let first = later().await;
        let second = { later().await } + first;
        value + second
    }

    pub(crate) async fn parameters(_first: Noisy, _: Noisy, (_a, _): (Noisy, Noisy), mut last: Noisy, never_named: Noisy) -> usize {
        let _local = Noisy("local");
        log(last.0);
        last = Noisy("replaced");
        later().await + last.len()
    }

    pub(crate) async fn no_result(_guard: Noisy) {
        let _local = Noisy("local");
        later().await;
        log("end");
    }

    pub(crate) async fn one_line(guard: Noisy) -> usize { guard.len() + later().await }

    pub(crate) async fn tail_temporary(guard: Noisy) -> usize {
        let _local = Noisy("local");
        Noisy("tail").len() + guard.len()
    }

    pub(crate) async fn loops(values: &[usize]) -> usize {
        let mut sum = 0; //= 1
        'all: for value in values { //= 3
            let mut left = *value; //= 2
            while left > 0 { //= 6
                left -= later().await; //= 5
                if left == 5 { continue 'all; } //= 5
                if sum > 20 { //= 4
                    break 'all; //= 0
                }
            }
            sum += value; //= 1
        }
        for value in values { //= 3
            sum += value; //= 2
        }
        sum //= 1
    } //= 1

    pub(crate) async fn question(text: &str) -> Result<usize, Box<dyn std::error::Error>> {
        let _guard = Noisy("guard"); //= 3
        let number: usize = text.parse()?; //= 3
        if number == 0 { //= 2
            Err("zero")?; //= 1
        }
        later().await; //= 1
        Ok(number) //= 1
    } //= 1

    pub(crate) async fn boxed_closures(kind: u32) -> Vec<Box<dyn Fn(u32) -> u32 + Send>> {
        if kind == 0 {
            return vec![];
        }
        vec![Box::new(move |value| value + kind), Box::new(|value| {
            let doubled = value * 2;
            doubled
        })]
    }

    pub(crate) async fn opaque(limit: u32) -> impl Iterator<Item = u32> + Send {
        later().await;
        (0..limit).map(|value| {
            log("item");
            value + 1
        })
    }

    pub(crate) async fn opaque_result(limit: u32) -> Result<impl Iterator<Item = u32>, String> {
        if limit > 3 {
            return Err("too many".to_owned());
        }
        later().await;
        Ok(0..limit)
    }

    pub(crate) async fn never(code: u32) -> ! {
        later().await;
        panic!("code {code}")
    }

    pub(crate) async fn diverging() {
        later().await;
        panic!("diverging")
    }

    pub(crate) fn block(value: usize) -> impl Future<Output = usize> + Send {
        let guard = Noisy("captured");
        async move {
            let _inner = Noisy("inner");
            let seen = later().await;
            guard.len() + value + seen
        }
    }

    pub(crate) async fn blocks() -> usize {
        let text = String::from("text"); //= 1
        let borrowed = async { //= 1
            let seen = later().await; //= 1
            text.len() + seen //= 1
        };
        let one_line = async { text.len() }; //= 1
        let nested = async { //= 1
            let inner = async { //= 1
                later().await; //= 1
                2 //= 1
            };
            inner.await + one_line.await //= 1
        };
        let both = (borrowed.await, nested.await); //= 1
        both.0 + both.1 //= 1
    } //= 1

    pub(crate) async fn recursive(depth: usize) -> usize {
        if depth == 0 {
            return 0;
        }
        let below: Pin<Box<dyn Future<Output = usize>>> = Box::pin(recursive(depth - 1));
        1 + below.await
    }

    pub(crate) async fn dropped(guard: Noisy) {
        let _local = Noisy("local");
        loop {
            later().await;
            log(guard.0);
        }
    }

    pub(crate) async fn closures(values: Vec<usize>) -> usize {
        let futures: Vec<_> = values
            .into_iter()
            .map(|value| async move {
                let seen = later().await;
                value * 10 + seen
            })
            .collect();
        let mut sum = 0;
        for future in futures {
            sum += future.await;
        }
        let lazy = async |value: usize| {
            let seen = later().await;
            seen + value
        };
        sum + lazy(3).await
    }

    pub(crate) struct Store {
        pub(crate) name: Noisy,
        pub(crate) items: Vec<usize>,
        pub(crate) last: Noisy,
    }

    impl Store {
        pub(crate) async fn by_value(self, other: Noisy) -> usize {
            let length = self.items.len();
            later().await;
            length + other.len()
        }

        pub(crate) async fn by_value_mutable(mut self) -> Vec<usize> {
            self.items.push(later().await);
            std::mem::take(&mut self.items)
        }

        pub(crate) async fn by_reference(&mut self, item: usize) -> &[usize] {
            self.items.push(item);
            later().await;
            &self.items
        }

        pub(crate) async fn boxed(self: Box<Self>, _unused: Noisy) -> usize {
            later().await;
            self.items.len()
        }

        pub(crate) async fn untouched(self, _: Noisy) {
            log("untouched");
        }
    }

    pub(crate) trait Fetch {
        async fn fetch(&self, key: usize) -> Option<usize>;

        async fn fetch_all(&self, keys: &[usize]) -> Vec<usize> {
            let mut found = Vec::new(); //= 1
            for key in keys { //= 4
                let Some(value) = self.fetch(*key).await else { continue }; //= 3
                found.push(value); //= 2
            }
            found //= 1
        } //= 1
    }

    impl Fetch for Vec<usize> {
        async fn fetch(&self, key: usize) -> Option<usize> {
            later().await; //= 3
            let value = self.get(key)?; //= 3
            Some(*value) //= 2
        } //= 2
    }

    pub(crate) async fn generic<T: Clone + Send, const N: usize>(value: T) -> [T; N] {
        later().await;
        std::array::from_fn(|index| {
            log(index.to_string());
            value.clone()
        })
    }

    pub(crate) async fn conditional(#[cfg(any())] missing: Missing, #[cfg(all())] present: usize) -> usize {
        present
    }

    pub(crate) async fn patterns([a, b]: [usize; 2], Pair { x, ref y }: Pair, c @ (d, _): (usize, usize)) -> usize {
        later().await;
        a + b + x + y.len() + c.1 + d
    }

    pub(crate) struct Pair {
        pub(crate) x: usize,
        pub(crate) y: String,
    }
}

fn send<T: Send>(value: T) -> T {
    value
}

#[test]
fn awaits_and_loops_stay() {
    same(
        || block_on(plain::simple(3)),
        || block_on(profiled::simple(3)),
    );
    let values = [3, 7, 2, 30, 1];
    for end in 0..=values.len() {
        let values = &values[..end];
        same(
            || block_on(plain::loops(values)),
            || block_on(profiled::loops(values)),
        );
    }
    same(
        || block_on(plain::recursive(4)),
        || block_on(profiled::recursive(4)),
    );
}

#[test]
fn parameters_drop_in_order() {
    macro_rules! call {
        ($twin:ident) => {
            || {
                block_on($twin::parameters(
                    Noisy("1"),
                    Noisy("2"),
                    (Noisy("3"), Noisy("4")),
                    Noisy("5"),
                    Noisy("6"),
                ))
            }
        };
    }
    same(call!(plain), call!(profiled));
    same(
        || block_on(plain::no_result(Noisy("1"))),
        || block_on(profiled::no_result(Noisy("1"))),
    );
    same(
        || block_on(plain::one_line(Noisy("1"))),
        || block_on(profiled::one_line(Noisy("1"))),
    );
    same(
        || block_on(plain::tail_temporary(Noisy("1"))),
        || block_on(profiled::tail_temporary(Noisy("1"))),
    );
}

#[test]
fn futures_that_are_never_polled_or_dropped_early() {
    same(
        || drop(plain::dropped(Noisy("1"))),
        || drop(profiled::dropped(Noisy("1"))),
    );
    fn poll_twice(future: impl Future<Output = ()>) {
        let mut future = Box::pin(future);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(future.as_mut().poll(&mut context).is_pending());
        }
        log("dropping");
    }
    same(
        || poll_twice(plain::dropped(Noisy("1"))),
        || poll_twice(profiled::dropped(Noisy("1"))),
    );
}

#[test]
fn results_keep_their_type() {
    for text in ["5", "0", "x"] {
        same(
            || block_on(plain::question(text)).map_err(|error| error.to_string()),
            || block_on(profiled::question(text)).map_err(|error| error.to_string()),
        );
    }
    for kind in [0, 4] {
        same(
            || {
                block_on(plain::boxed_closures(kind))
                    .iter()
                    .map(|f| f(5))
                    .collect::<Vec<_>>()
            },
            || {
                block_on(profiled::boxed_closures(kind))
                    .iter()
                    .map(|f| f(5))
                    .collect::<Vec<_>>()
            },
        );
    }
    same(
        || block_on(plain::opaque(3)).collect::<Vec<_>>(),
        || block_on(profiled::opaque(3)).collect::<Vec<_>>(),
    );
    for limit in [2, 4] {
        same(
            || block_on(plain::opaque_result(limit)).map(Iterator::collect::<Vec<_>>),
            || block_on(profiled::opaque_result(limit)).map(Iterator::collect::<Vec<_>>),
        );
    }
    same(
        || block_on(plain::never(3)),
        || block_on(profiled::never(3)),
    );
    same(
        || block_on(plain::diverging()),
        || block_on(profiled::diverging()),
    );
    same(
        || block_on(plain::generic::<_, 2>("a")),
        || block_on(profiled::generic::<_, 2>("a")),
    );
}

#[test]
fn blocks_stay() {
    same(
        || block_on(plain::block(4)),
        || block_on(profiled::block(4)),
    );
    same(|| drop(plain::block(4)), || drop(profiled::block(4)));
    same(
        || block_on(plain::blocks()),
        || block_on(profiled::blocks()),
    );
    same(
        || block_on(plain::closures(vec![1, 2])),
        || block_on(profiled::closures(vec![1, 2])),
    );
}

#[test]
fn futures_stay_send() {
    block_on(send(profiled::simple(1)));
    block_on(send(profiled::question("1"))).unwrap_or_default();
    block_on(send(profiled::blocks()));
    block_on(send(profiled::no_result(Noisy("1"))));
}

#[test]
fn methods_and_traits_stay() {
    macro_rules! calls {
        ($twin:ident) => {
            || {
                use $twin::Fetch as _;
                let store = |name| $twin::Store {
                    name: Noisy(name),
                    items: vec![1, 2],
                    last: Noisy("last"),
                };
                let by_value = block_on(store("a").by_value(Noisy("other")));
                let mutable = block_on(store("b").by_value_mutable());
                let mut kept = store("c");
                let reference = block_on(kept.by_reference(9)).to_vec();
                let boxed = block_on(Box::new(store("d")).boxed(Noisy("unused")));
                block_on(store("e").untouched(Noisy("unused")));
                drop(store("f").untouched(Noisy("unused")));
                let fetched = block_on(vec![5, 6, 7].fetch_all(&[2, 9, 0]));
                log(kept.name.0);
                log(kept.last.0);
                (by_value, mutable, reference, boxed, fetched)
            }
        };
    }
    same(calls!(plain), calls!(profiled));
}

#[test]
fn parameters_may_be_conditional_and_patterns() {
    same(
        || block_on(plain::conditional(3)),
        || block_on(profiled::conditional(3)),
    );
    macro_rules! call {
        ($twin:ident) => {
            || {
                let pair = $twin::Pair {
                    x: 3,
                    y: "four".to_owned(),
                };
                block_on($twin::patterns([1, 2], pair, (5, 6)))
            }
        };
    }
    same(call!(plain), call!(profiled));
}

/// Polls are no hits: each `later` takes two.
#[test]
fn hits_are_as_worked_by_hand() {
    let functions = [
        "loops",
        "question",
        "blocks",
        "Fetch::fetch_all",
        "Vec::fetch",
    ];
    hits_as_written("hits_are_as_worked_by_hand", &functions, || {
        use profiled::Fetch as _;
        block_on(profiled::loops(&[3, 7]));
        for text in ["5", "0", "x"] {
            let _ = block_on(profiled::question(text));
        }
        block_on(profiled::blocks());
        block_on(vec![5, 6, 7].fetch_all(&[2, 9, 0]));
    });
}

/// What the manual of the attribute says of sizes.
#[test]
fn futures_grow_by_their_parameters_and_a_few_words() {
    let name = || Noisy("1");
    let bytes = || [0_u8; 1_000];
    macro_rules! sizes {
        ($twin:ident) => {
            [
                size_of_val(&$twin::simple(1)),
                size_of_val(&$twin::no_result(name())),
                size_of_val(&$twin::generic::<_, 2>(bytes())),
                size_of_val(&$twin::blocks()),
            ]
        };
    }
    // The async bodies that wait at the same time, and the size of the parameters.
    let added = [(1, 8), (1, size_of::<Noisy>()), (1, 1_000), (4, 0)];
    for ((plain, profiled), (bodies, parameters)) in
        sizes!(plain).into_iter().zip(sizes!(profiled)).zip(added)
    {
        let allowed = plain + bodies * 40 + parameters + 16;
        assert!(profiled <= allowed, "{plain} became {profiled} bytes");
    }
}
