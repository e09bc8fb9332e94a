//! How far line times are from the truth: short programs with known answers, many times each.
//!
//! `make accuracy` runs it in release and with fat LTO, and it fails where a goal is missed by the median of the runs. Give
//! program names to run only those.

#![expect(clippy::print_stdout, reason = "it prints a table")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of steps are small"
)]

#[path = "../../tests/accuracy/hot.rs"]
mod hot;
mod nests;
#[path = "../../tests/accuracy/programs.rs"]
mod programs;
#[path = "../../tests/accuracy/runs.rs"]
mod runs;
#[path = "../../tests/accuracy/steps.rs"]
mod steps;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use hot::hot;
use programs::{alternating, calls, chain, chain_in_async, mixed, once, ready};
use runs::{Recorded, child, record, timed};
use steps::steps_for;

/// Runs of each length.
const RUNS: usize = 15;

/// Runs for each of them, at most.
const TRIES: usize = 8;

/// A program, the function whose total is compared, and how large the mean error per line may be (in points) for runs of each length in
/// [`LENGTHS`]; none where nothing is promised.
struct Case {
    program: &'static str,
    function: &'static str,
    what: &'static str,
    allowed: [Option<f64>; 4],
}

const LENGTHS: [Duration; 4] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(50),
];

/// How far totals may be off, percent.
const TOTAL: f64 = 0.5;

const CASES: [Case; 5] = [
    Case {
        program: "i",
        function: "once",
        what: "4 coarse lines, each once",
        allowed: [Some(3.0), Some(2.0), Some(2.0), Some(2.0)],
    },
    Case {
        program: "ii",
        function: "hot",
        what: "hot loop, lines of 1, 2, 4, 8 steps",
        allowed: [None; 4],
    },
    Case {
        program: "iii",
        function: "calls",
        what: "5 lines, 3 us a call",
        allowed: [Some(3.0), Some(2.0), Some(2.0), Some(2.0)],
    },
    Case {
        program: "iv",
        function: "mixed",
        what: "coarse lines, hot loop 40 %",
        allowed: [Some(7.0), Some(7.0), Some(2.0), Some(2.0)],
    },
    Case {
        program: "v",
        function: "alternating",
        what: "coarse loop, 20 us a turn, hot callee 40 %",
        allowed: [Some(7.0), Some(7.0), Some(2.0), Some(2.0)],
    },
];

fn main() -> ExitCode {
    if child(run) {
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|wish| wish == name);
    let mut missed = 0;
    println!(
        "Mean error per line in points of the run / error of the total in percent; medians of {RUNS} runs at full speed.\n"
    );
    println!("| program | 1 ms | 5 ms | 20 ms | 50 ms |");
    println!("|---|---|---|---|---|");
    for case in CASES.iter().filter(|case| chosen(case.program)) {
        missed += row(case);
    }
    if chosen("shares") {
        missed += shares("chain", "kernel");
        missed += shares("chain in async", "same kernel in an async function");
    }
    if chosen("nests") {
        missed += loop_nests();
    }
    println!("\n{missed} goals missed (`!`)");
    ExitCode::from(u8::from(missed > 0))
}

/// In the child: the program, for about `length`.
fn run(program: &str, length: Duration) -> Duration {
    let steps = steps_for(length);
    let percent = steps / 100;
    match program {
        "i" => timed(|| once(0), || once(percent)),
        "ii" => timed(|| hot(0), || hot(steps / 15)),
        "iii" => {
            let unit = steps_for(Duration::from_nanos(150));
            timed(|| calls(0, unit), || calls(steps / (20 * unit), unit))
        }
        "iv" => timed(|| mixed(0), || mixed(percent)),
        "v" => {
            let unit = steps_for(Duration::from_micros(2));
            timed(
                || alternating(0, unit),
                || alternating(steps / (10 * unit), unit),
            )
        }
        "chain" => timed(|| chain(0), || chain(steps / 340)),
        "nests" => nests::run(length),
        "chain in async" => timed(
            || ready(chain_in_async(0)),
            || ready(chain_in_async(steps / 340)),
        ),
        other => panic!("no program {other}"),
    }
}

/// A run of a program at full speed. Where it had to share its core, or its core had to share its units, the shares known from counting steps
/// do not hold, so it runs again; the fastest of [`TRIES`] is taken.
fn undisturbed(program: &str, length: Duration) -> Recorded {
    let mut fastest: Option<Recorded> = None;
    for _ in 0..TRIES {
        let run = record(program, length, "auto", &[]);
        if fastest
            .as_ref()
            .is_none_or(|fastest| run.elapsed < fastest.elapsed)
        {
            fastest = Some(run);
        }
        if fastest
            .as_ref()
            .is_some_and(|run| run.elapsed < length.mul_f64(1.04))
        {
            break;
        }
    }
    fastest.expect("there was a run")
}

/// Prints the row of a program and returns how many of its goals were missed.
fn row(case: &Case) -> u32 {
    let mut missed = 0;
    let mut cells = String::new();
    for (length, allowed) in LENGTHS.iter().zip(case.allowed) {
        let (mut errors, mut totals) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let recorded = undisturbed(case.program, *length);
            errors.push(recorded.mean_error());
            totals.push(recorded.total_error(case.function));
        }
        let (error, total) = (median(errors), median(totals));
        let bad = total > TOTAL || allowed.is_some_and(|allowed| error > allowed);
        missed += u32::from(bad);
        let _ = write!(
            cells,
            " {error:.1} / {total:.2}{} |",
            if bad { " !" } else { "" }
        );
    }
    println!("| ({}) {} |{cells}", case.program, case.what);
    missed
}

/// The shares of a kernel whose lines differ by a factor of 64: arithmetic that moved across a marker would show.
fn shares(program: &str, what: &str) -> u32 {
    let recorded: Vec<_> = (0..5)
        .map(|_| undisturbed(program, Duration::from_millis(400)).lines())
        .collect();
    println!(
        "\nShares of the {what} of 4, 16, 64 and 256 steps, percent (medians of 5 runs of 0.4 s):\n"
    );
    println!("| true | measured |");
    println!("|---|---|");
    let mut missed = 0;
    for line in 0..4 {
        let truth = recorded[0][line].truth;
        let seen = median(recorded.iter().map(|lines| lines[line].seen).collect());
        let bad = (seen - truth).abs() > 5.0;
        missed += u32::from(bad);
        println!("| {truth:.1} | {seen:.1}{} |", if bad { " !" } else { "" });
    }
    missed
}

/// The shares of two vectorised loop nests, each run against the nests timed on their own right after it.
fn loop_nests() -> u32 {
    const LENGTH: Duration = Duration::from_millis(400);
    let pairs: Vec<_> = (0..7)
        .map(|_| {
            (
                nests::seen(&undisturbed("nests", LENGTH)),
                nests::truth(LENGTH),
            )
        })
        .collect();
    let seen = median(pairs.iter().map(|pair| pair.0).collect());
    let truth = median(pairs.iter().map(|pair| pair.1).collect());
    let apart = median(pairs.iter().map(|pair| pair.0 - pair.1).collect());
    let bad = apart.abs() > 3.0;
    println!(
        "\nFirst of two vectorised loop nests: {truth:.1} % timed alone, {seen:.1} % recorded{}",
        if bad { " !" } else { "" }
    );
    u32::from(bad)
}

/// The middle one of some values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
