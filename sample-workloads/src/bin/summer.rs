//! Prints ten sums of 0..5,000,000, computed serially, in threads or in processes.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use clap::{Parser, ValueEnum};
use sample_workloads::{plain, summer};

/// Add up 0..5,000,000 ten times: one after the other, in threads, or in processes.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    summer --mode threads\n\nprints `10 sums of 12499997500000`."
)]
struct Args {
    /// Who does the work
    #[arg(long, value_enum, default_value_t = Mode::Serial)]
    mode: Mode,
    /// How many sums
    #[arg(long, default_value_t = 10)]
    runs: usize,
    /// Add up the numbers below this one
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(..=1 << 32))]
    stop: u64,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Serial,
    Threads,
    Processes,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (runs, stop) = (args.runs, args.stop);
    let sums = match (args.mode, args.plain) {
        (Mode::Serial, false) => summer::serial(runs, stop),
        (Mode::Serial, true) => plain::summer::serial(runs, stop),
        (Mode::Threads, false) => summer::threads(runs, stop),
        (Mode::Threads, true) => plain::summer::threads(runs, stop),
        (Mode::Processes, false) => summer::processes(runs, stop)?,
        (Mode::Processes, true) => plain::summer::processes(runs, stop)?,
    };
    match sums.first() {
        Some(sum) if sums.iter().all(|other| other == sum) => println!("{runs} sums of {sum}"),
        _ => println!("{sums:?}"),
    }
    Ok(())
}
