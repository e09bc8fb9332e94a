//! How often `hprof diff --base` is right: with nothing to be found, and with what was planted. Minutes; `make judge` prints the counts.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::in_turn::Repository;

/// Rounds of each kind.
const ROUNDS: usize = 20;
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

#[test]
#[ignore = "minutes: make judge"]
fn the_judgement_of_runs_in_turn_is_right_so_often() {
    let repository = Repository::new(["release", "1000"]);
    let runs = ["--runs", "7"];
    let count = |what: &dyn Fn() -> bool| (0..ROUNDS).filter(|_| what()).count();
    let same = |threads: usize| {
        under_load(threads, || {
            count(&|| {
                let same = diff(&repository, &runs);
                let silent = is_silent(&same);
                if !silent {
                    show(&format!(
                        "not silent: {}, {}\n",
                        same["verdict"], same["time"]
                    ));
                }
                silent
            })
        })
    };
    let quiet = same(0);
    show(&format!(
        "nothing changed: {quiet} of {ROUNDS} are silent\n"
    ));
    let loaded = same(1);
    show(&format!(
        "nothing changed, a core is busy: {loaded} of {ROUNDS} are silent\n"
    ));

    repository.edit("0..turns {", "0..2 * turns {");
    let hits = count(&|| {
        let more = diff(&repository, &["--quick"]);
        let found = lines_with(&more, |line| line["outcome"] == "regression");
        found.contains(&LINE)
    });
    show(&format!("twice the hits: {hits} of {ROUNDS} are found\n"));

    // The line itself stays, and is run as often.
    repository.edit("FACTOR: u64 = 2", "FACTOR: u64 = 3");
    let mut false_alarms = 0;
    let mut found = 0;
    for _ in 0..ROUNDS {
        let slower = diff(&repository, &runs);
        let lines = lines_with(&slower, |line| line["time"]["judged"]["word"] == "slower");
        found += usize::from(lines.contains(&LINE));
        let expected = |line: &&str| [LINE, "sum += brief(turns);"].contains(line);
        false_alarms += usize::from(!lines.iter().all(expected));
    }
    show(&format!(
        "half as long again: {found} of {ROUNDS} are found, {false_alarms} name another line too\n"
    ));
    assert!(quiet == ROUNDS && loaded == ROUNDS && hits == ROUNDS);
    assert!(found >= ROUNDS - 2 && false_alarms <= 1);
}
