//! Async functions on tokio and closures on rayon: exact hits, busy and await time told apart, no time counted twice.

#![expect(clippy::unwrap_used, reason = "tests")]

mod twins;

use std::hint::black_box;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use hprof::__private::{LineKind, LineSite, Site, SiteFacts, SiteKind, poll, task_line};
use hprof::model::{FunctionCost, LineCost, Nanos, Profile, Scope, Thread, function_costs};
use hprof::profile;
use rayon::prelude::*;
use tokio::time::sleep;
use twins::{hits_as_written, is_recorded, recorded};

const TASKS: u32 = 4;
const ROUNDS: u32 = 5;
const NAP: Duration = Duration::from_millis(20);
const WORK: Duration = Duration::from_millis(4);

/// Each of [`TASKS`] tasks naps [`ROUNDS`] times.
#[profile(always)]
async fn sleeps(rounds: u32) -> u32 {
    let mut naps = 0; //= 4
    for _ in 0..rounds {
        //= 24
        sleep(NAP).await; //= 20
        naps += 1; //= 20
    }
    naps //= 4
} //= 4

/// Each of [`TASKS`] tasks works [`ROUNDS`] times and gives way after each.
#[profile(always)]
async fn computes(rounds: u32) -> u32 {
    let mut turns = 0; //= 4
    for _ in 0..rounds {
        //= 24
        turns += busy(); //= 20
        tokio::task::yield_now().await; //= 20
    }
    turns //= 4
} //= 4

/// Uses a core for [`WORK`].
fn busy() -> u32 {
    let began = Instant::now();
    let mut turns: u32 = 0;
    while began.elapsed() < WORK {
        turns = black_box(turns.wrapping_add(1));
    }
    turns
}

/// Spawning asks for futures that are `Send`.
async fn sleeping_and_computing() {
    let tasks: Vec<_> = (0..TASKS)
        .flat_map(|_| [tokio::spawn(sleeps(ROUNDS)), tokio::spawn(computes(ROUNDS))])
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(future)
}

fn cost(profile: &Profile, name: &str) -> FunctionCost {
    let costs = function_costs(profile, Scope::All);
    let named = |cost: &&FunctionCost| profile.functions[cost.function.0 as usize].name == name;
    costs.iter().find(named).unwrap().clone()
}

/// The cost of the line with this text.
fn line_with(profile: &Profile, name: &str, text: &str) -> LineCost {
    let cost = cost(profile, name);
    let function = &profile.functions[cost.function.0 as usize];
    let index = function.source.iter().position(|line| line.contains(text));
    let line = function.line + u32::try_from(index.unwrap()).unwrap();
    cost.lines
        .iter()
        .find(|total| total.line == line)
        .unwrap()
        .own
}

/// Time of all lines of a thread and of what lies outside of them.
fn accounted(thread: &Thread) -> Nanos {
    let lines = thread.nodes.iter().flat_map(|node| &node.lines);
    lines.fold(thread.outside.time(), |sum, (_, line)| sum + line.time())
}

fn nanos(time: Duration) -> Nanos {
    Nanos(u64::try_from(time.as_nanos()).unwrap())
}

#[test]
fn polls_are_no_hits() {
    let functions = ["sleeps", "computes"];
    hits_as_written("polls_are_no_hits", &functions, || {
        block_on(sleeping_and_computing());
    });
}

#[test]
fn waiting_is_told_from_computing_and_nothing_counts_twice() {
    if is_recorded() {
        block_on(sleeping_and_computing());
        return;
    }
    let profile = recorded("waiting_is_told_from_computing_and_nothing_counts_twice");
    let times = TASKS * ROUNDS;
    let nap = line_with(&profile, "sleeps", "sleep(NAP)");
    // A nap begins a little before the poll ends.
    assert!(nap.awaited >= nanos(NAP * times * 9 / 10), "{nap:?}");
    assert!(
        nap.time() < nanos(NAP * times / 10),
        "waiting is not work: {nap:?}"
    );
    let work = line_with(&profile, "computes", "busy()");
    assert!(work.time() >= nanos(WORK * times), "{work:?}");
    assert_eq!(work.awaited, Nanos(0));
    let yields = line_with(&profile, "computes", "yield_now()");
    assert!(yields.awaited > Nanos(0) && yields.time() < work.time());
    for thread in &profile.processes[0].threads {
        let (accounted, wall) = (accounted(thread).0, thread.wall.0);
        assert!(
            accounted.abs_diff(wall) <= wall / 100,
            "{accounted} ns of {wall} ns"
        );
    }
}

#[profile(always)]
#[tokio::test]
async fn attribute_before_that_of_the_runtime() {
    let naps = sleeps(1).await;
    assert_eq!(naps, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[profile(always)]
async fn attribute_behind_that_of_the_runtime() {
    let naps = tokio::spawn(sleeps(1)).await.unwrap();
    assert_eq!(naps, 1);
}

#[profile(always)]
#[tokio::main(flavor = "current_thread")]
async fn main_before() -> u32 {
    let naps = sleeps(1).await;
    naps + 1
}

#[tokio::main(flavor = "current_thread")]
#[profile(always)]
async fn main_behind() -> u32 {
    let naps = sleeps(1).await;
    naps + 1
}

#[test]
fn main_functions_of_the_runtime() {
    assert_eq!((main_before(), main_behind()), (2, 2));
}

#[profile(always)]
#[async_trait]
trait Source: Sync {
    async fn next(&self, key: &str) -> Option<usize>;

    async fn both(&self, key: &str) -> usize {
        let first = self.next(key).await; //= 2
        let second = self.next("").await; //= 2
        first.unwrap_or(1) + second.unwrap_or(10) //= 2
    } //= 2
}

struct Lengths;

#[async_trait]
#[profile(always)]
impl Source for Lengths {
    async fn next(&self, key: &str) -> Option<usize> {
        if key.is_empty() {
            return None;
        }
        tokio::task::yield_now().await;
        Some(key.len())
    }
}

struct Zeros;

#[async_trait]
impl Source for Zeros {
    #[profile(always)]
    async fn next(&self, key: &str) -> Option<usize> {
        let zero = key.len() - key.len();
        Some(zero)
    }
}

#[test]
fn async_trait_in_any_order() {
    hits_as_written("async_trait_in_any_order", &["Source::both"], || {
        let source: Box<dyn Source + Send> = Box::new(Lengths);
        assert_eq!(
            block_on(async {
                tokio::spawn(async move { source.both("abc").await })
                    .await
                    .unwrap()
            }),
            13
        );
        assert_eq!(block_on(Zeros.both("abc")), 0);
    });
}

const ITEMS: u64 = 1_000;

#[profile(always)]
fn in_parallel(items: u64) {
    (0..items).into_par_iter().for_each(|item| {
        //= 1
        let square = black_box(item * item); //= 1000
        black_box(square + 1); //= 1000
    });
}

#[test]
fn closure_on_rayon_is_hit_once_an_item() {
    let run = || in_parallel(ITEMS);
    hits_as_written(
        "closure_on_rayon_is_hit_once_an_item",
        &["in_parallel"],
        || {
            // More than one thread, whatever the machine.
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(3)
                .build()
                .unwrap();
            pool.install(run);
        },
    );
    if is_recorded() {
        return;
    }
    let profile = recorded("closure_on_rayon_is_hit_once_an_item");
    let threads = profile.processes[0].threads.len();
    let hits: Vec<(u64, u64)> = (0..threads)
        .map(|thread| {
            let cost = function_costs(&profile, Scope::Thread(0, thread));
            let hits = |back: usize| {
                cost.first()
                    .map_or(0, |cost| cost.lines[cost.lines.len() - back].own.hits)
            };
            // The last row is that of the closing brace.
            (hits(3), hits(2))
        })
        .collect();
    assert!(hits.iter().all(|(square, sum)| square == sum), "{hits:?}");
    assert_eq!(hits.iter().map(|(square, _)| square).sum::<u64>(), ITEMS);
}

/// A site made by hand, as anyone may: the markers of async bodies are safe functions.
const fn site<const N: usize>(name: &'static str) -> Site<N> {
    let facts = SiteFacts {
        kind: SiteKind::AsyncFunction,
        module: "by_hand",
        name,
        file: "by_hand.rs",
        line: 1,
        column: 1,
        end_line: 100,
        package: "",
        source: "",
        max_allocs: None,
    };
    Site::new(facts, [LineSite::new(2, LineKind::Statement, 0); N])
}

static SHORT: Site<1> = site("short");
static LONG: Site<300> = site("long");

/// It wrote through a null pointer where nothing was polled, and behind the cells of a body with fewer lines.
#[test]
fn marker_outside_of_its_poll_does_nothing() {
    let wrong_place = task_line::<300, 299>;
    if is_recorded() {
        wrong_place(&LONG);
        let in_a_thread = move || {
            wrong_place(&LONG);
            in_parallel(1);
            wrong_place(&LONG);
            block_on(poll(&SHORT, async {
                task_line::<1, 0>(&SHORT);
                wrong_place(&LONG);
                task_line::<1, 0>(&SHORT);
            }));
            wrong_place(&LONG);
            task_line::<1, 0>(&SHORT);
        };
        std::thread::spawn(in_a_thread).join().unwrap();
        return;
    }
    let profile = recorded("marker_outside_of_its_poll_does_nothing");
    assert_eq!(profile.processes[0].losses.damaged, 0);
    let hits = |name| -> u64 {
        let lines = cost(&profile, name).lines;
        lines.iter().map(|line| line.own.hits).sum()
    };
    assert_eq!(hits("short"), 2);
    assert!(
        profile
            .functions
            .iter()
            .all(|function| function.name != "long")
    );
}
