//! What a profile says of programs whose times are known. Here stands what holds on a busy machine too, so each test tries a few times and takes
//! the best: an error of the profiler is in every run. The tight goals are in `make accuracy`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "times and counts of short programs"
)]

#[path = "accuracy/coarse.rs"]
mod coarse;
#[path = "accuracy/hot.rs"]
mod hot;
#[path = "accuracy/runs.rs"]
mod runs;
#[path = "accuracy/steps.rs"]
mod steps;
#[path = "accuracy/threads.rs"]
mod threads;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hprof::model::{FunctionCost, LineTotal, Scope, function_costs};
use runs::{Recorded, record, timed};
use steps::steps_for;

/// Brings a child process to [`child`].
const CHILD: [&str; 3] = ["--exact", "child", "--nocapture"];

/// Runs of which the best counts.
const TRIES: usize = 60;

/// Only one program runs at a time.
fn quiet() -> MutexGuard<'static, ()> {
    static QUIET: Mutex<()> = Mutex::new(());
    QUIET.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The programs, in a process that was started for one of them; nothing otherwise.
#[test]
fn child() {
    runs::child(|program, length| {
        let steps = steps_for(length);
        // Turns of ten units of ten microseconds each.
        let unit = steps_for(Duration::from_micros(10));
        let turns = steps / (10 * unit);
        match program {
            "coarse_loop" => timed(
                || coarse::coarse_loop(0, unit),
                || coarse::coarse_loop(turns, unit),
            ),
            "coarse_branches" => timed(
                || coarse::coarse_branches(0, unit),
                || coarse::coarse_branches(4 * turns, unit),
            ),
            "coarse_calls" => timed(
                || coarse::coarse_calls(0, unit),
                || coarse::coarse_calls(turns, unit),
            ),
            "fib" => timed(|| coarse::fib(1), || coarse::fib(24)),
            "pool" => threads::pool(steps / 15),
            "waits" => threads::waits(steps),
            "8 threads" => threads::crowd(8, steps / 15),
            "200 threads" => threads::crowd(200, steps / 15),
            other => panic!("no program {other}"),
        }
    });
}

/// Runs a program until `error` of it is at most `allowed`, and fails if it never is.
fn holds(program: &str, millis: u64, allowed: f64, error: impl Fn(&Recorded) -> f64) {
    let _quiet = quiet();
    let mut errors = Vec::new();
    for _ in 0..TRIES {
        let recorded = record(program, Duration::from_millis(millis), "auto", &CHILD);
        let error = error(&recorded);
        if error <= allowed {
            return;
        }
        errors.push(error);
    }
    panic!("{program}: the errors {errors:?} are above {allowed}");
}

#[test]
fn coarse_lines_get_their_shares() {
    for program in ["coarse_loop", "coarse_branches", "coarse_calls"] {
        // Short, so that a busy machine leaves some run alone.
        holds(program, 5, 1.0, Recorded::mean_error);
    }
}

#[test]
fn total_of_a_coarse_function_is_what_its_stop_watch_shows() {
    for program in ["coarse_loop", "coarse_branches", "coarse_calls"] {
        holds(program, 5, 1.0, |recorded| recorded.total_error(program));
    }
}

#[test]
fn recursion_is_timed_once() {
    holds("fib", 20, 1.0, |recorded| recorded.total_error("fib"));
}

#[test]
fn a_function_called_from_two_lines_has_two_contexts() {
    holds("coarse_calls", 20, 0.5, |recorded| {
        let callee = recorded.function("coarse_callee").function;
        let threads = Scope::All.threads(&recorded.profile);
        let nodes = threads.flat_map(|thread| &thread.nodes);
        let mut contexts: Vec<(u32, u64)> = nodes
            .filter(|node| node.function == callee)
            .map(|node| {
                let (_, calling_line) = node.parent.expect("its caller is profiled");
                let time = node.lines.iter().map(|(_, cost)| cost.time().0).sum();
                (calling_line, time)
            })
            .collect();
        contexts.sort_unstable();
        let [(first, long), (second, short)] = contexts[..] else {
            panic!("two contexts, not {contexts:?}");
        };
        assert_eq!(second - first, 2, "the calls are two lines apart");
        // The first call does twice the work.
        (long as f64 / short as f64 - 2.0).abs()
    });
}

#[test]
fn idle_time_of_a_pool_is_not_charged_to_its_hot_function() {
    // Ten bursts of a millisecond, a tenth of a second apart.
    holds("pool", 1, 5.0, |recorded| recorded.total_error("hot"));
}

#[test]
fn waiting_and_working_are_told_apart() {
    let _quiet = quiet();
    let recorded = record("waits", Duration::from_millis(60), "auto", &CHILD);
    let waits = recorded.function("waits_on_line");
    let [sleeps, spins, _, locks] = waits.lines[..4] else {
        panic!("four lines at least");
    };
    let wall = |line: LineTotal| line.own.time().as_seconds();
    let cpu = |line: LineTotal| line.own.cpu.expect("there is a sampler").as_seconds();
    for line in [sleeps, locks] {
        assert!(wall(line) > 0.055, "line {}: {}", line.line, wall(line));
        assert!(cpu(line) < 0.015, "line {}: {}", line.line, cpu(line));
    }
    assert!(wall(spins) > 0.03, "{}", wall(spins));
    assert!(cpu(spins) > 0.03, "{}", cpu(spins));
}

/// Hits of each line of the hot loop but its header.
fn body_hits(cost: &FunctionCost) -> Vec<u64> {
    cost.lines[2..6].iter().map(|line| line.own.hits).collect()
}

#[test]
fn many_threads_are_counted_exactly_and_timed_well() {
    for (program, threads, millis) in [("8 threads", 8, 40), ("200 threads", 200, 4)] {
        holds(program, millis, 3.0, |recorded| {
            let hot = recorded.function("hot");
            let turns = threads::turns(recorded);
            assert_eq!(body_hits(&hot), [turns * threads; 4], "{program}");
            recorded.total_error("hot")
        });
    }
}

#[test]
fn sampler_leaves_the_cores_to_the_program() {
    let _quiet = quiet();
    let recorded = record("200 threads", Duration::from_millis(8), "auto", &CHILD);
    let process = &recorded.profile.processes[0];
    let sampler = process.own_cost.sampler.expect("there was a sampler");
    let share = sampler.as_seconds() / process.wall.as_seconds();
    assert!(share < 0.05, "{share} of a core");
    assert!(!function_costs(&recorded.profile, Scope::All).is_empty());
}
