//! Planted costs: functions by chance, each with a spin of 50 ms at a place by chance, which has to stand on its right row.
//!
//! The generator writes down for every place the row that docs/metrics.md gives it. Nothing costs anything until the program is
//! started: then one place of each function spins, for 50 ms of the thread's CPU time, so that a loaded machine makes no spin
//! shorter. What is compared is wall time, which is what rows show: the program measures each spin and each call itself, and
//! whatever else the machine did meanwhile is in its figure and in the row alike.

mod branches;
mod closures;
mod code;
mod drops;
mod expressions;
mod functions;
mod judge;
mod jumps;
mod program;
mod random;
mod statements;

use std::env;

use judge::Verdict;
use program::{Build, Program};

/// The functions of one generated crate.
const FUNCTIONS: usize = 100;

/// Builds functions of a seed, plants each of them so many times at another place, and judges.
fn plant(seed: u64, build: Build, rounds: usize) -> Verdict {
    let program = Program::new(seed, FUNCTIONS, build);
    let mut verdict = Verdict::default();
    for round in 0..rounds {
        verdict.add(judge::round(&program, seed, round));
    }
    verdict.print(&program);
    verdict
}

#[test]
fn planted_costs_stand_on_their_rows() {
    let verdicts = [Build::DEBUG_2021, Build::RELEASE_2024].map(|build| plant(13, build, 1));
    for verdict in verdicts {
        verdict.assert_right();
    }
}

/// `make truth`: seeds by chance, each built in one way, or the one in `HPROF_TRUTH_SEED` built in all ways.
#[test]
#[ignore = "minutes"]
fn planted_costs_of_any_seed_stand_on_their_rows() {
    let number = |name: &str| env::var(name).ok()?.parse().ok();
    let chosen: Option<u64> = number("HPROF_TRUTH_SEED");
    let count =
        |name, default| number(name).map_or(default, |count| usize::try_from(count).unwrap());
    let seeds = count("HPROF_TRUTH_SEEDS", 5);
    let seeds = chosen.map_or(seeds, |_| Build::ALL.len());
    let rounds = count("HPROF_TRUTH_ROUNDS", 3);
    let verdicts: Vec<Verdict> = Build::ALL
        .into_iter()
        .cycle()
        .take(seeds)
        .map(|build| plant(chosen.unwrap_or_else(random::seed), build, rounds))
        .collect();
    for verdict in verdicts {
        verdict.assert_right();
    }
}
