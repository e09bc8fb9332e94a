//! Prints what several processes count together in shared memory.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::time::Duration;

use clap::{Parser, ValueEnum};
use sample_workloads::{plain, shared_counter};

/// Let processes add to one shared number, without care, under a lock or by an atomic operation.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    shared_counter --mode locked\n\nprints `500`; with `--mode race` it is less."
)]
struct Args {
    /// How each process adds 1
    #[arg(long, value_enum, default_value_t = Mode::Race)]
    mode: Mode,
    /// How many processes
    #[arg(long, default_value_t = 10)]
    processes: usize,
    /// How often each adds 1
    #[arg(long, default_value_t = 50)]
    increments: usize,
    /// Microseconds between two additions of a process
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 1000)]
    pause: u64,
    /// Microseconds between reading and writing the number; the course has 0, and seldom loses an addition
    #[arg(long, value_name = "MICROSECONDS", default_value_t = 200)]
    hold: u64,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Race,
    Locked,
    Atomic,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (processes, increments) = (args.processes, args.increments);
    let (pause, hold) = (
        Duration::from_micros(args.pause),
        Duration::from_micros(args.hold),
    );
    let counted = match (args.mode, args.plain) {
        (Mode::Race, false) => shared_counter::race(processes, increments, pause, hold)?,
        (Mode::Race, true) => plain::shared_counter::race(processes, increments, pause, hold)?,
        (Mode::Locked, false) => shared_counter::locked(processes, increments, pause, hold)?,
        (Mode::Locked, true) => plain::shared_counter::locked(processes, increments, pause, hold)?,
        (Mode::Atomic, false) => shared_counter::atomic(processes, increments, pause)?,
        (Mode::Atomic, true) => plain::shared_counter::atomic(processes, increments, pause)?,
    };
    println!("{counted}");
    Ok(())
}
