//! Which line a call came from: functions that several lines call in turn, in threads, in recursion and after a fork, and in a process that
//! records nothing.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::thread;

use hprof::model::Profile;
use hprof::profile;

use crate::{Remains, command, fork, leave, process_of, wait_for};

/// Calls of each thread.
const TURNS: u64 = 5_000;
const THREADS: u64 = 4;

/// Line of `first` and of `second` that makes each choice, counted from their own, and the functions that it calls.
const CHOICES: [(u32, &[&str]); 6] = [
    (2, &["one"]),
    (3, &["two"]),
    (4, &["one", "two"]),
    (5, &["one", "two", "three"]),
    (6, &["one", "one", "two"]),
    (7, &["first", "one"]),
];

#[rustfmt::skip]
#[profile(always, lines)]
mod calls {
    pub(super) fn first(choice: u64, x: u64) -> u64 {
        match choice {
            0 => one(x),
            1 => two(x),
            2 => one(two(x)),
            3 => three(one(two(x))),
            4 => one(x) ^ two(one(x)),
            _ => first(choice - 5, one(x)),
        }
    }

    pub(super) fn second(choice: u64, x: u64) -> u64 {
        match choice {
            0 => one(x),
            1 => two(x),
            2 => two(one(x)),
            3 => two(one(three(x))),
            4 => one(x) ^ one(two(x)),
            _ => first(choice - 5, one(x)),
        }
    }

    fn one(x: u64) -> u64 {
        leaf(x) ^ 1
    }

    fn two(x: u64) -> u64 {
        leaf(x) ^ leaf(x + 2)
    }

    fn three(x: u64) -> u64 {
        x ^ 3
    }

    fn leaf(x: u64) -> u64 {
        x.rotate_left(7)
    }
}

/// The choices of a run: the name of the function that gets each, and the choice.
fn choices(seed: u64, turns: u64) -> impl Iterator<Item = (&'static str, u64)> {
    let mut state = seed;
    (0..turns).map(move |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let name = if state >> 63 == 0 { "first" } else { "second" };
        (name, (state >> 40) % 10)
    })
}

/// Makes the calls of a run.
fn run(seed: u64, turns: u64) {
    let mut x = seed;
    for (name, choice) in choices(seed, turns) {
        x = if name == "first" {
            calls::first(choice, x)
        } else {
            calls::second(choice, x)
        };
    }
    black_box(x);
}

/// Calls by the calling function, the line of it and what it called.
type Calls = BTreeMap<(String, u32, String), u64>;

/// What the runs with these seeds call.
fn expected(runs: &[(u64, u64)]) -> Calls {
    let mut calls = Calls::new();
    for &(seed, turns) in runs {
        for (name, choice) in choices(seed, turns) {
            let mut name = name;
            let mut choice = usize::try_from(choice).unwrap();
            loop {
                let (line, callees) = CHOICES[choice.min(5)];
                for callee in callees {
                    let call = (name.to_owned(), line, (*callee).to_owned());
                    *calls.entry(call).or_default() += 1;
                }
                if choice < 5 {
                    break;
                }
                (name, choice) = ("first", choice - 5);
            }
        }
    }
    calls
}

/// The same as it was recorded.
fn recorded(profile: &Profile) -> Calls {
    let mut calls = Calls::new();
    for thread in &process_of(profile).threads {
        for node in &thread.nodes {
            let Some((parent, line)) = node.parent else {
                continue;
            };
            let function = |node: &hprof::model::Node| &profile.functions[node.function.0 as usize];
            let (callee, caller) = (function(node), function(&thread.nodes[parent as usize]));
            let is_choice = ["first", "second"].contains(&caller.name.as_str());
            if is_choice {
                let call = (caller.name.clone(), line - caller.line, callee.name.clone());
                *calls.entry(call).or_default() += node.primitive_calls;
            }
        }
    }
    calls
}

/// The calls of `first` by itself are part of a node that is open already.
fn without_recursion(mut calls: Calls) -> Calls {
    calls.retain(|(caller, _, callee), _| caller != callee);
    calls
}

mod scenarios {
    //! What the child does.

    use super::*;

    scenarios! {
        in_turn { run(1, TURNS); }
        in_threads {
            thread::scope(|scope| {
                for seed in 0..THREADS { scope.spawn(move || run(seed, TURNS)); }
            });
        }
        around_a_fork {
            run(1, TURNS);
            let child = fork();
            if child == 0 {
                run(2, TURNS);
                leave(0);
            }
            wait_for(child);
            run(3, TURNS);
        }
        many_threads_at_once {
            for _ in 0..3 {
                thread::scope(|scope| {
                    for seed in 0..40 { scope.spawn(move || run(seed, 200)); }
                });
            }
            let child = fork();
            if child == 0 {
                thread::scope(|scope| { scope.spawn(|| run(1, 200)); });
                leave(0);
            }
            wait_for(child);
        }
    }
}

#[test]
fn every_call_is_counted_at_its_line() {
    let remains = Remains::of("callers::in_turn");
    assert!(remains.status.success());
    let expected = expected(&[(1, TURNS)]);
    assert!(expected.len() > 12, "{expected:#?}");
    assert_eq!(
        without_recursion(recorded(remains.only())),
        without_recursion(expected)
    );
}

#[test]
fn every_call_is_counted_at_its_line_in_all_threads() {
    let remains = Remains::of("callers::in_threads");
    let runs: Vec<(u64, u64)> = (0..THREADS).map(|seed| (seed, TURNS)).collect();
    assert_eq!(
        without_recursion(recorded(remains.only())),
        without_recursion(expected(&runs))
    );
}

#[test]
fn every_call_is_counted_at_its_line_on_both_sides_of_a_fork() {
    let remains = Remains::of("callers::around_a_fork");
    let mut found: Vec<Calls> = remains.profiles.iter().map(recorded).collect();
    found.sort_by_key(|calls| calls.values().sum::<u64>());
    let expected = [expected(&[(2, TURNS)]), expected(&[(1, TURNS), (3, TURNS)])];
    assert_eq!(
        found.into_iter().map(without_recursion).collect::<Vec<_>>(),
        expected.map(without_recursion)
    );
}

#[test]
fn a_process_that_records_nothing_runs_with_many_threads() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command("callers::many_threads_at_once", folder.path());
    let status = command.env_remove("HPROF_DIR").status().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(Remains::read(folder.path()).len(), 0);
}
