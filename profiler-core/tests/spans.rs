//! `hprof::layer()`: spans as rows, above, below and beside annotated functions. The binary runs itself as the program.

#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(target_os = "linux")]

use std::process::{self, Command};
use std::time::Duration;
use std::{env, fs};

use hprof::model::{FunctionCost, Nanos, Profile, Scope, function_costs};

const SCENARIO: &str = "HPROF_TEST_SCENARIO";
/// How long a scenario sleeps where time is looked at.
const NAP: Duration = Duration::from_millis(20);
/// The least a nap can measure, and far more than anything that does not nap.
const NAP_NS: u64 = 19_000_000;

/// The profile of a scenario run in a process of its own.
fn profile_of(scenario: &str) -> Profile {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("scenarios::{scenario}"), "--nocapture"])
        .env(SCENARIO, scenario)
        .env("HPROF_DIR", folder.path())
        .stdout(process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{scenario} failed: {status}");
    let files: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1, "one process, one file");
    let profile = hprof::raw::read(&files[0]).unwrap();
    let losses = profile.processes[0].losses;
    assert_eq!((losses.damaged, losses.lost_calls), (0, 0));
    profile
}

fn cost(profile: &Profile, name: &str) -> FunctionCost {
    let costs = function_costs(profile, Scope::All);
    let named = |cost: &&FunctionCost| profile.functions[cost.function.0 as usize].name == name;
    costs
        .iter()
        .find(named)
        .unwrap_or_else(|| panic!("{name} was not recorded"))
        .clone()
}

fn calls(profile: &Profile, name: &str) -> u64 {
    cost(profile, name).calls
}

fn awaited(profile: &Profile, name: &str) -> Nanos {
    cost(profile, name)
        .lines
        .iter()
        .map(|line| line.own.awaited)
        .sum()
}

/// The names of the callers of the only context of a function, innermost first.
fn callers(profile: &Profile, name: &str) -> Vec<String> {
    let threads = || profile.processes[0].threads.iter();
    let name_of = |function: hprof::model::FunctionId| &profile.functions[function.0 as usize].name;
    let mut contexts = threads().flat_map(|thread| {
        thread
            .nodes
            .iter()
            .filter(|node| name_of(node.function) == name)
            .map(move |node| (thread, node))
    });
    let (thread, mut node) = contexts.next().unwrap();
    assert!(contexts.next().is_none(), "{name} has several contexts");
    let mut names = Vec::new();
    while let Some((parent, _)) = node.parent {
        node = &thread.nodes[parent as usize];
        names.push(name_of(node.function).clone());
    }
    names
}

mod scenarios {
    //! What the child does.

    use super::*;
    use hprof::profile;
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};
    use std::thread;
    use tracing::{Instrument as _, info_span, instrument};
    use tracing_subscriber::layer::SubscriberExt as _;

    /// A scenario with its name at hand, under the layer.
    macro_rules! scenarios {
        ($($name:ident $body:block)*) => {
            $(#[test]
            fn $name() {
                if env::var(SCENARIO).is_ok_and(|scenario| scenario == stringify!($name)) {
                    let subscriber = tracing_subscriber::registry().with(hprof::layer());
                    tracing::subscriber::set_global_default(subscriber).unwrap();
                    $body
                }
            })*
        };
    }

    /// Pending once; wakes at once.
    #[derive(Default)]
    struct Later {
        polled: bool,
    }

    impl Future for Later {
        type Output = ();

        fn poll(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<()> {
            if self.polled {
                return Poll::Ready(());
            }
            self.polled = true;
            Poll::Pending
        }
    }

    /// Polls to the end, with a nap after each poll that is pending.
    fn lazily<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            thread::sleep(NAP);
        }
    }

    #[profile(always)]
    fn outer() {
        middle();
    }

    #[instrument]
    fn middle() {
        inner();
        thread::sleep(NAP);
    }

    #[profile(always)]
    fn inner() {
        info_span!("leaf").in_scope(|| thread::sleep(NAP));
    }

    #[instrument]
    fn down(depth: u32) {
        if depth > 0 {
            up(depth - 1);
        }
    }

    #[instrument]
    fn up(depth: u32) {
        if depth > 0 {
            down(depth - 1);
        } else {
            thread::sleep(NAP);
        }
    }

    #[instrument]
    async fn handler() {
        part().await;
        Later::default().await;
    }

    #[profile(always)]
    async fn part() {
        let entered = info_span!("in_poll").entered();
        step();
        drop(entered);
        Later::default().await;
        step();
    }

    #[profile(always)]
    fn step() {
        std::hint::black_box(1);
    }

    #[profile(always)]
    fn begin() -> tracing::span::EnteredSpan {
        info_span!("outlives").entered()
    }

    #[profile(always)]
    fn finish(entered: tracing::span::EnteredSpan) {
        drop(entered);
        step();
    }

    #[profile(always, span)]
    fn traced() -> bool {
        in_own_span("traced")
    }

    #[profile(always, span)]
    async fn traced_task(name: &str) -> bool {
        Later::default().await;
        in_own_span("traced_task") && name == "argument"
    }

    /// Whether the innermost span is the one that `#[profile(span)]` opens.
    fn in_own_span(name: &str) -> bool {
        let span = tracing::Span::current();
        let metadata = span.metadata().unwrap();
        metadata.name() == name && metadata.target() == "hprof"
    }

    scenarios! {
        profiled_calls_as_spans {
            assert!(traced());
            assert!(lazily(traced_task("argument")));
            assert!(tracing::Span::current().is_none());
        }
        nested { outer(); }
        deep { down(299); }
        threads {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..1_000 {
                            info_span!("work").in_scope(step);
                        }
                    });
                }
            });
        }
        waiting { lazily(handler()); }
        moved {
            let future = Box::pin(Later::default().instrument(info_span!("travels")));
            let poll = |mut future: Pin<Box<_>>| {
                let mut context = Context::from_waker(Waker::noop());
                let done: Poll<()> = Future::poll(Pin::as_mut(&mut future), &mut context);
                (future, done.is_ready())
            };
            let (later, done) = thread::spawn(move || poll(future)).join().unwrap();
            assert!(!done);
            thread::sleep(NAP);
            let (_, done) = thread::spawn(move || poll(later)).join().unwrap();
            assert!(done);
        }
        out_of_order {
            let (first, second) = (info_span!("first"), info_span!("second"));
            let (first, second) = (first.enter(), second.enter());
            drop(first);
            thread::sleep(NAP);
            drop(second);
            thread::sleep(4 * NAP);
            step();
        }
        left_late {
            let entered = begin();
            thread::sleep(NAP);
            drop(entered);
            step();
        }
        left_early {
            let entered = info_span!("closed_below").entered();
            finish(entered);
            info_span!("next").in_scope(|| thread::sleep(NAP));
        }
        never_entered {
            let _span = info_span!("idle");
            step();
        }
        entered_again {
            let span = info_span!("often");
            for _ in 0..10 {
                span.in_scope(step);
            }
        }
    }
}

#[test]
fn spans_and_annotated_functions_nest_in_both_directions() {
    let profile = profile_of("nested");
    assert_eq!(callers(&profile, "leaf"), ["inner", "middle", "outer"]);
    for name in ["outer", "middle", "inner", "leaf"] {
        assert_eq!(calls(&profile, name), 1, "{name}");
    }
    let (middle, leaf) = (cost(&profile, "middle"), cost(&profile, "leaf"));
    assert!(middle.total >= Nanos(2 * NAP_NS) && middle.self_time >= Nanos(NAP_NS));
    assert!(middle.self_time < middle.total - Nanos(NAP_NS / 2));
    assert!(leaf.self_time >= Nanos(NAP_NS));
    assert!(cost(&profile, "inner").self_time < Nanos(NAP_NS));
}

#[test]
fn a_recursion_deeper_than_the_list_keeps_every_call() {
    let profile = profile_of("deep");
    let (down, up) = (cost(&profile, "down"), cost(&profile, "up"));
    assert_eq!((down.calls, up.calls), (150, 150));
    assert!(down.self_time + up.self_time >= Nanos(NAP_NS));
    assert!(down.primitive_calls < 10, "folded");
}

#[test]
fn calls_add_up_over_threads() {
    let profile = profile_of("threads");
    assert_eq!(calls(&profile, "work"), 4_000);
    assert_eq!(calls(&profile, "step"), 4_000);
    let hits: u64 = cost(&profile, "work")
        .lines
        .iter()
        .map(|line| line.own.hits)
        .sum();
    assert_eq!(hits, 4_000);
}

#[test]
fn waiting_is_apart_from_busy_time() {
    let profile = profile_of("waiting");
    assert_eq!(calls(&profile, "handler"), 1);
    assert!(awaited(&profile, "handler") >= Nanos(2 * NAP_NS));
    assert!(awaited(&profile, "part") >= Nanos(NAP_NS));
    assert!(cost(&profile, "handler").total < Nanos(NAP_NS));
    assert_eq!(callers(&profile, "part"), ["handler"]);
}

#[test]
fn a_span_entered_inside_a_poll_leaves_its_lines_alone() {
    let profile = profile_of("waiting");
    let part = cost(&profile, "part");
    let hits: Vec<u64> = part.lines.iter().map(|line| line.own.hits).collect();
    assert_eq!(hits, [1, 1, 1, 1, 1, 1]);
    assert_eq!(calls(&profile, "in_poll"), 1);
    assert_eq!(calls(&profile, "step"), 2);
}

#[test]
fn a_task_that_moves_between_threads_waits_in_one_place() {
    let profile = profile_of("moved");
    assert_eq!(calls(&profile, "travels"), 1);
    assert!(awaited(&profile, "travels") >= Nanos(NAP_NS));
}

#[test]
fn guards_dropped_out_of_order_leave_nothing_running() {
    let profile = profile_of("out_of_order");
    let (first, second) = (cost(&profile, "first"), cost(&profile, "second"));
    assert!(second.self_time >= Nanos(NAP_NS));
    assert!(first.total < Nanos(3 * NAP_NS), "{:?}", first.total);
    assert!(callers(&profile, "step").is_empty());
}

#[test]
fn a_guard_that_outlives_its_frame_gives_nothing_back() {
    let profile = profile_of("left_late");
    assert_eq!(calls(&profile, "outlives"), 1);
    assert!(cost(&profile, "outlives").total < Nanos(NAP_NS));
    assert!(callers(&profile, "step").is_empty());
}

#[test]
fn a_span_left_inside_a_frame_that_it_holds_is_settled_later() {
    let profile = profile_of("left_early");
    assert_eq!(callers(&profile, "step"), ["finish", "closed_below"]);
    assert!(callers(&profile, "next").is_empty());
    assert!(cost(&profile, "next").self_time >= Nanos(NAP_NS));
    assert!(cost(&profile, "closed_below").total < Nanos(NAP_NS));
}

#[test]
fn a_span_that_is_never_entered_is_a_call() {
    let profile = profile_of("never_entered");
    assert_eq!(calls(&profile, "idle"), 1);
    assert_eq!(cost(&profile, "idle").total, Nanos::ZERO);
}

#[test]
fn a_span_entered_again_is_one_call() {
    let profile = profile_of("entered_again");
    assert_eq!(calls(&profile, "often"), 1);
    assert_eq!(calls(&profile, "step"), 10);
    assert_eq!(callers(&profile, "step"), ["often"]);
}

#[test]
fn spans_of_profiled_calls_make_no_row_of_their_own() {
    let profile = profile_of("profiled_calls_as_spans");
    assert_eq!(profile.functions.len(), 2);
    assert_eq!(calls(&profile, "traced"), 1);
    assert_eq!(calls(&profile, "traced_task"), 1);
}
