//! What profiling costs: markers, calls and small programs against their plain twins.
//!
//! `make overhead` runs it. It measures in one process per clock, prints the tables, and writes them into `docs/overhead.md`
//! between the two comments that mark their place. For figures worth keeping, nothing else should run on the machine.

#![allow(clippy::cast_precision_loss, reason = "numbers of turns are small")]

mod callers;
mod child;
mod code;
mod kernels;
mod page;
mod tables;
mod timing;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, io};

/// Makes a process of this program measure.
const MEASURE: &str = "HPROF_OVERHEAD_MEASURE";
/// Makes a process of this program run a kernel: `name:turns`.
const COUNT: &str = "HPROF_OVERHEAD_COUNT";
/// The clocks that are compared.
const CLOCKS: [&str; 4] = ["auto", "exact", "fenced", "sampled"];

/// Processes for each clock, in turns: the speed of a shared machine changes from minute to minute.
const ROUNDS: usize = 5;

/// Times under one clock in nanoseconds, by kernel and form.
type Times = HashMap<(String, String), f64>;

fn main() -> io::Result<ExitCode> {
    if env::var_os(MEASURE).is_some() {
        child::measure();
        return Ok(ExitCode::SUCCESS);
    }
    if let Some((kernel, turns)) = env::var(COUNT)
        .ok()
        .as_deref()
        .and_then(|it| it.split_once(':'))
    {
        child::count(kernel, turns.parse().unwrap_or(0));
        return Ok(ExitCode::SUCCESS);
    }
    if env::args().any(|argument| argument == "calls") {
        io::stdout().write_all(tables::calls(&code::calls()?).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut by_clock = CLOCKS.map(|_| Times::new());
    for _ in 0..ROUNDS {
        for (clock, shortest) in CLOCKS.iter().zip(&mut by_clock) {
            for (key, nanos) in measured(clock)? {
                let best = shortest.entry(key).or_insert(f64::INFINITY);
                *best = best.min(nanos);
            }
        }
    }
    let text = tables::render(&by_clock, &code::measure()?);
    page::keep_section("overhead.md", "measured", &text)?;
    Ok(ExitCode::SUCCESS)
}

/// This program again, recording into `folder`.
fn again(program: &mut Command, folder: &Path, clock: &str) -> io::Result<std::process::Output> {
    program
        .env(hprof::env::DIR, folder)
        .env(hprof::env::CLOCK, clock)
        .output()
}

/// Times under one clock.
fn measured(clock: &str) -> io::Result<Times> {
    let folder = tempfile::tempdir()?;
    let mut program = Command::new(env::current_exe()?);
    let output = again(program.env(MEASURE, "1"), folder.path(), clock)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let times: Times = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (kernel, form) = (words.next()?, words.next()?);
            Some((
                (kernel.to_owned(), form.to_owned()),
                words.next()?.parse().ok()?,
            ))
        })
        .collect();
    if times.is_empty() || !output.status.success() {
        let reason = format!("measuring the clock `{clock}` ended with {}", output.status);
        return Err(io::Error::other(reason));
    }
    Ok(times)
}
