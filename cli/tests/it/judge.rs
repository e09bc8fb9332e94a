//! How often `hprof diff --base` is right: with nothing to be found, and with what was planted. Minutes; `make judge` prints the counts.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::in_turn::Repository;

const ROUNDS: usize = 20;
const RUNS: [&str; 2] = ["--runs", "7"];
/// The line in question, which takes a tenth of the run.
const LINE: &str = "let value = work(turn, FACTOR);";

/// Also where the output of tests is caught.
fn show(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}

/// What changed since the commit `first`.
fn diff(repository: &Repository, options: &[&str]) -> Value {
    let words = ["diff", "--base", "first", "--format", "json"];
    let diff = repository.hprof(&[&words[..], options].concat()).code(0);
    serde_json::from_str(&diff.stdout).unwrap()
}

/// The lines of a comparison that have a word for programs at some place, by their text.
fn lines_with(diff: &Value, has: impl Fn(&Value) -> bool) -> Vec<&str> {
    let functions = diff["functions"].as_array().unwrap().iter();
    let lines = functions.flat_map(|function| function["lines"].as_array().unwrap());
    let lines = lines.filter(|line| has(line));
    let texts = lines.map(|line| line["source"].as_str().unwrap().trim());
    texts.collect()
}

fn is_silent(diff: &Value) -> bool {
    let verdict = &diff["verdict"];
    let kinds = [
        "regressions",
        "improvements",
        "slower_functions",
        "slower_lines",
    ];
    let more = ["faster_functions", "faster_lines", "added", "removed"];
    let mut counts = kinds.iter().chain(&more).map(|kind| verdict[kind].as_u64());
    counts.all(|count| count == Some(0)) && diff["time"]["judged"]["word"] == "same"
}

/// Tells threads to end, however this one does.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs it while threads keep the machine busy.
fn under_load<T>(threads: usize, what: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let _over = Over(&is_over);
        what()
    })
}

/// Rounds of each kind: HPROF_JUDGE_ROUNDS says how many.
fn rounds() -> usize {
    // make exports what it does not have as nothing.
    let rounds = std::env::var("HPROF_JUDGE_ROUNDS").unwrap_or_default();
    if rounds.is_empty() {
        ROUNDS
    } else {
        rounds.parse().unwrap()
    }
}

fn repository() -> Repository {
    Repository::new(["release", "1000"])
}

/// In how many rounds nothing is said of a program and itself, while so many threads keep the machine busy.
fn silent_rounds(threads: usize) -> usize {
    let repository = repository();
    under_load(threads, || {
        let silent = |_: &usize| {
            let same = diff(&repository, &RUNS);
            let silent = is_silent(&same);
            if !silent {
                show(&format!("not silent: {same:#}\n"));
            }
            silent
        };
        (0..rounds()).filter(silent).count()
    })
}

#[test]
#[ignore = "minutes: make judge"]
fn nothing_changed() {
    let silent = silent_rounds(0);
    show(&format!(
        "nothing changed: {silent} of {} are silent\n",
        rounds()
    ));
    assert_eq!(silent, rounds());
}

#[test]
#[ignore = "minutes: make judge"]
fn nothing_changed_while_a_core_is_busy() {
    let silent = silent_rounds(1);
    show(&format!(
        "nothing changed, a core is busy: {silent} of {} are silent\n",
        rounds()
    ));
    assert_eq!(silent, rounds());
}

#[test]
#[ignore = "minutes: make judge"]
fn twice_the_hits() {
    let repository = repository();
    repository.edit("0..turns {", "0..2 * turns {");
    let found = |_: &usize| {
        let more = diff(&repository, &["--quick"]);
        let found = lines_with(&more, |line| line["outcome"] == "regression");
        found.contains(&LINE)
    };
    let hits = (0..rounds()).filter(found).count();
    show(&format!(
        "twice the hits: {hits} of {} are found\n",
        rounds()
    ));
    assert_eq!(hits, rounds());
}

/// The line itself stays, and is run as often.
#[test]
#[ignore = "minutes: make judge"]
fn half_as_long_again() {
    let repository = repository();
    repository.edit("FACTOR: u64 = 2", "FACTOR: u64 = 3");
    let (mut found, mut false_alarms) = (0, 0);
    for _ in 0..rounds() {
        let slower = diff(&repository, &RUNS);
        let lines = lines_with(&slower, |line| line["time"]["judged"]["word"] == "slower");
        let is_found = lines.contains(&LINE);
        let expected = |line: &&str| [LINE, "sum += brief(turns);"].contains(line);
        let is_false = !lines.iter().all(expected);
        if !is_found || is_false {
            show(&format!("not right: {slower:#}\n"));
        }
        found += usize::from(is_found);
        false_alarms += usize::from(is_false);
    }
    let rounds = rounds();
    show(&format!(
        "half as long again: {found} of {rounds} are found, {false_alarms} name another line too\n"
    ));
    assert!(found * 10 >= rounds * 9 && false_alarms * 50 <= rounds.max(50));
}
