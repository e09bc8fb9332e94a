//! Thin functions: every call counts, in every thread and process, whatever becomes of it.

use std::hint::black_box;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use hprof::model::{FunctionCost, Profile, Scope, function_costs};
use hprof::profile;

use crate::{Remains, TURNS, cost, fork, leave, process_of, steps, steps_recorded, wait_for};

/// Calls of `bump` in a scenario of one process.
const CALLS: u64 = 300_000;
const THREADS: u64 = 8;

#[profile(always, thin)]
fn bump(number: u64) -> u64 {
    number + 1
}

#[profile(always, thin)]
fn scaled(number: f64) -> f64 {
    number * 1.5
}

/// An attribute on a block of functions: those that are small are thin.
struct Counter(u64);

#[profile(always)]
impl Counter {
    fn value(&self) -> u64 {
        self.0
    }

    fn add_up(&mut self, turns: u64) {
        for turn in 0..turns {
            self.0 += turn & 1;
        }
    }
}

/// The same code with lines in all functions, and as the rule chooses.
macro_rules! both {
    ($($code:item)*) => {
        #[profile(always, lines)]
        mod full { $($code)* }
        #[profile(always)]
        mod by_rule { $($code)* }
    };
}

both! {
    pub(super) struct Table(pub(super) Vec<u64>);

    impl Table {
        fn at(&self, index: usize) -> u64 {
            self.0[index % self.0.len()]
        }

        fn is_even(&self, index: usize) -> bool {
            self.at(index) & 1 == 0
        }

        pub(super) fn sum(&self, turns: usize) -> u64 {
            let mut sum = 0;
            for index in 0..turns {
                if self.is_even(index) {
                    sum += Self::mixed(self.at(index));
                }
            }
            sum
        }

        fn mixed(value: u64) -> u64 {
            let turned = value.rotate_left(3);
            let mixed = [turned, value].iter().fold(0, |sum, part| sum ^ part);
            mixed + 1
        }
    }
}

fn bumps(turns: u64) -> u64 {
    (0..turns).fold(0, |sum, _| bump(black_box(sum)))
}

/// 512 thin functions, and what calls them all.
macro_rules! many {
    (@8 $call:ident $($body:tt)*) => {
        pub(super) mod a { $($body)* } pub(super) mod b { $($body)* }
        pub(super) mod c { $($body)* } pub(super) mod d { $($body)* }
        pub(super) mod e { $($body)* } pub(super) mod f { $($body)* }
        pub(super) mod g { $($body)* } pub(super) mod h { $($body)* }
        pub(in crate::thin) fn $call(number: f64) -> f64 {
            a::all(b::all(c::all(d::all(e::all(f::all(g::all(h::all(number))))))))
        }
    };
    () => {
        mod many {
            many!(@8 all many!(@8 all many!(@8 all
                #[hprof::profile(always, thin)]
                pub(in crate::thin) fn all(number: f64) -> f64 {
                    number + 1.25
                }
            );););
        }
    };
}

many!();

mod scenarios {
    //! What the child does.

    use super::*;

    struct CallsWhenDropped;

    impl Drop for CallsWhenDropped {
        fn drop(&mut self) {
            bumps(10);
        }
    }

    thread_local! {
        static LATE: CallsWhenDropped = const { CallsWhenDropped };
    }

    scenarios! {
        threads_that_call_nothing_else {
            thread::scope(|scope| {
                for _ in 0..THREADS { scope.spawn(|| bumps(CALLS / THREADS)); }
            });
        }
        among_full_frames {
            bumps(10);
            steps(TURNS);
            let mut counter = Counter(0);
            for _ in 0..TURNS { counter.add_up(2); }
            assert_eq!(counter.value(), TURNS);
            bumps(CALLS - 10);
        }
        full_and_by_rule {
            let numbers: Vec<u64> = (0..7).collect();
            let sum = full::Table(numbers.clone()).sum(1_000);
            assert_eq!(by_rule::Table(numbers).sum(1_000), sum);
        }
        short_threads {
            for _ in 0..200 {
                thread::scope(|scope| {
                    for _ in 0..THREADS { scope.spawn(|| bumps(10)); }
                });
            }
        }
        in_thread_local_destructors {
            thread::spawn(|| { bumps(5); LATE.with(|_| ()); }).join().unwrap();
        }
        killed {
            let all = &Barrier::new(4);
            thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(move || { bumps(CALLS / 3); all.wait(); loop { thread::park(); } });
                }
                all.wait();
                let me = std::process::id().cast_signed();
                // SAFETY: our own process.
                #[expect(unsafe_code, reason = "kills itself")]
                unsafe { libc::kill(me, libc::SIGKILL) };
            });
        }
        forks_before_and_after {
            let child = fork();
            if child == 0 { bumps(1_000); leave(0); }
            wait_for(child);
            bumps(2_000);
            thread::scope(|scope| { scope.spawn(|| bumps(500)); });
            let child = fork();
            if child == 0 {
                bumps(4_000);
                thread::scope(|scope| { scope.spawn(|| bumps(3_000)); });
                leave(0);
            }
            wait_for(child);
            bumps(8_000);
        }
        more_threads_than_arrays {
            let all = Barrier::new(64);
            thread::scope(|scope| {
                for _ in 0..64 {
                    scope.spawn(|| {
                        many::all(0.0);
                        all.wait();
                        let sum = (0..10).fold(0.0, |sum, _| many::all(sum));
                        assert!((sum - 6400.0).abs() < 1e-9);
                    });
                }
            });
        }
        first_calls_between_others {
            let mut numbers = [1.0_f64, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
            for (index, number) in numbers.iter_mut().enumerate() {
                *number = if index == 5 { many::all(scaled(*number)) } else { scaled(*number) };
            }
            assert_eq!(numbers, [1.5, 3.0, 4.5, 6.0, 7.5, 9.0 + 640.0, 10.5, 12.0]);
        }
    }
}

/// Calls of the thin function of this name.
fn calls(profile: &Profile, name: &str) -> u64 {
    let is_named = |function: u32| profile.functions[function as usize].name == name;
    let thin = process_of(profile).thin.iter();
    thin.filter(|thin| is_named(thin.function.0))
        .map(|thin| thin.calls)
        .sum()
}

fn calls_in(scenario: &str) -> u64 {
    let remains = Remains::of(scenario);
    assert!(remains.status.success(), "{}", remains.status);
    let profile = remains.only();
    assert_eq!(process_of(profile).losses.damaged, 0);
    calls(profile, "bump")
}

#[test]
fn threads_that_only_call_thin_functions_count_them_all() {
    assert_eq!(calls_in("thin::threads_that_call_nothing_else"), CALLS);
}

#[test]
fn records_used_again_keep_what_they_counted() {
    assert_eq!(calls_in("thin::short_threads"), 200 * THREADS * 10);
    assert_eq!(calls_in("thin::in_thread_local_destructors"), 15);
}

#[test]
fn beside_thin_functions_full_ones_are_measured_as_ever() {
    let remains = Remains::of("thin::among_full_frames");
    let profile = remains.only();
    assert_eq!(calls(profile, "bump"), CALLS);
    assert_eq!(calls(profile, "Counter::value"), 1);
    assert_eq!(steps_recorded(profile), TURNS);
    assert_eq!(cost(profile, "Counter::add_up").calls, TURNS);
    let thread = &process_of(profile).threads[0];
    let thin = |node: &hprof::model::Node| {
        let function = &profile.functions[node.function.0 as usize];
        ["bump", "Counter::value"].contains(&function.name.as_str())
    };
    assert!(
        !thread.nodes.iter().any(thin),
        "a thin function has no node"
    );
}

#[test]
fn what_stays_full_has_the_hits_it_had_and_what_is_thin_the_calls() {
    let remains = Remains::of("thin::full_and_by_rule");
    let profile = remains.only();
    let costs = function_costs(profile, Scope::All);
    let function = |index: u32| &profile.functions[index as usize];
    // Calls, and hits by line from the first on.
    let measured = |module: &str, name: &str| {
        let is_it = |cost: &&FunctionCost| {
            let function = function(cost.function.0);
            function.module.ends_with(module) && function.name == name
        };
        let cost = costs.iter().find(is_it)?;
        let hits = cost.lines.iter().map(|line| line.own.hits);
        Some((cost.calls, hits.collect::<Vec<_>>()))
    };
    for name in ["Table::sum", "Table::mixed"] {
        let full = measured("full", name).unwrap();
        assert_eq!(measured("by_rule", name), Some(full), "{name}");
    }
    for name in ["Table::at", "Table::is_even"] {
        assert_eq!(measured("by_rule", name), None, "{name} has no frame");
        let (calls, _) = measured("full", name).unwrap();
        let thin = process_of(profile).thin.iter();
        let thin = thin.filter(|thin| function(thin.function.0).name == name);
        assert_eq!(thin.map(|thin| thin.calls).collect::<Vec<_>>(), [calls]);
    }
}

#[test]
fn a_killed_process_has_lost_no_call() {
    let remains = Remains::of("thin::killed");
    assert_eq!(calls(remains.only(), "bump"), CALLS);
}

#[test]
fn each_forked_process_counts_its_own_calls() {
    let remains = Remains::of("thin::forks_before_and_after");
    let mut counts: Vec<u64> = remains
        .profiles
        .iter()
        .map(|profile| calls(profile, "bump"))
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [1_000, 7_000, 10_500]);
}

#[test]
fn threads_without_an_array_of_their_own_count_together() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "thin::more_threads_than_arrays";
    // In the smaller one not even all sites may find room.
    for space in ["1M", "4M"] {
        let path = folder.path().join(space);
        std::fs::create_dir(&path).unwrap();
        let remains = Remains::in_folder(scenario, &path, &[("HPROF_SPACE", space)]);
        assert!(remains.status.success(), "{}", remains.status);
        let process = process_of(remains.only());
        let counted: u64 = process.thin.iter().map(|thin| thin.calls).sum();
        let lost = process.losses.lost_calls;
        assert_eq!(counted + lost, 512 * 64 * 11);
        assert!(space == "1M" || lost == 0, "{lost} lost");
    }
}

#[test]
fn the_first_call_in_a_thread_changes_no_register() {
    for folder in [None, Some(Path::new(""))] {
        let mut command = crate::command("thin::first_calls_between_others", Path::new("/nowhere"));
        let recorded = tempfile::tempdir().unwrap();
        command.env("HPROF_DIR", folder.unwrap_or(recorded.path()));
        assert!(command.status().unwrap().success());
    }
}
