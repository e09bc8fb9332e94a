//! What counting allocations costs, and what reading the resident set at line boundaries costs.
//!
//! `make overhead-memory` runs it: once with a sample of the blocks noted, as always, and once with all of them (`--alloc-exact`), each in a process
//! of its own. It prints the tables and writes them into `docs/overhead-memory.md` between the two comments that mark their place. For
//! figures worth keeping, nothing else should run on the machine.

#![allow(clippy::cast_precision_loss, reason = "numbers of turns are small")]

#[path = "../overhead/kernels.rs"]
#[expect(dead_code, reason = "two of the kernels are enough")]
mod kernels;
#[path = "../overhead/page.rs"]
mod page;
mod pairs;
mod programs;
mod tables;
#[path = "../overhead/timing.rs"]
#[expect(dead_code, reason = "the bare clock is the other bench's")]
mod timing;

use std::collections::HashMap;
use std::process::{Command, ExitCode};
use std::{env, io};

/// Makes a process of this program measure: `pairs` or `programs`.
const MEASURE: &str = "HPROF_OVERHEAD_MEASURE";

/// Processes for each table column.
const ROUNDS: usize = 3;

/// What instrumented builds have, around the system's allocator.
#[global_allocator]
static COUNTING: hprof::Alloc = hprof::Alloc::new(std::alloc::System);

/// Times of one process in nanoseconds, by what was measured and how.
type Times = HashMap<(String, String), f64>;

fn main() -> io::Result<ExitCode> {
    match env::var(MEASURE).ok().as_deref() {
        Some("pairs") => pairs::measure(),
        Some(_) => programs::measure(),
        None => {
            let text = tables::render(
                &measured("pairs", &[])?,
                &measured("pairs", &[(hprof::env::ALLOC_EXACT, "1")])?,
                &measured("programs", &[(hprof::env::MEMORY, "1")])?,
                &measured("programs", &[])?,
            );
            page::keep_section("overhead-memory.md", "measured", &text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The shortest times of a few processes: the speed of a shared machine changes from one to the next.
fn measured(what: &str, variables: &[(&str, &str)]) -> io::Result<Times> {
    let mut shortest = Times::new();
    for _ in 0..ROUNDS {
        for (key, nanos) in once(what, variables)? {
            let best = shortest.entry(key).or_insert(f64::INFINITY);
            *best = best.min(nanos);
        }
    }
    Ok(shortest)
}

/// Times of this program again, recording, with these variables.
fn once(what: &str, variables: &[(&str, &str)]) -> io::Result<Times> {
    let folder = tempfile::tempdir()?;
    let mut program = Command::new(env::current_exe()?);
    program
        .env(MEASURE, what)
        .env(hprof::env::DIR, folder.path())
        .envs(variables.iter().copied());
    let output = program.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let times: Times = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split('\t');
            let (kernel, form) = (words.next()?, words.next()?);
            let nanos = words.next()?.parse().ok()?;
            Some(((kernel.to_owned(), form.to_owned()), nanos))
        })
        .collect();
    if times.is_empty() || !output.status.success() {
        let reason = format!("measuring {what} ended with {}", output.status);
        return Err(io::Error::other(reason));
    }
    Ok(times)
}

/// Prints what a process measured, for the one that started it.
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
fn tell(name: &str, form: &str, nanos: f64) {
    println!("{name}\t{form}\t{nanos}");
}
