//! Runs uneven tasks on worker threads and prints who did how much.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::num::NonZeroUsize;

use clap::{Parser, ValueEnum};
use sample_workloads::{plain, task_farm};

/// Run uneven tasks on worker threads, dealt out beforehand or taken when free.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    task_farm --view direct --workers 4\n\nprints the part of 0..16 that each worker     held, the checksum of the tasks' results and `imbalance 1.73`: the last worker did almost twice the mean."
)]
struct Args {
    /// How tasks find their worker
    #[arg(long, value_enum, default_value_t = View::Direct)]
    view: View,
    /// How many threads
    #[arg(long, default_value = "4")]
    workers: NonZeroUsize,
    /// How many tasks
    #[arg(long, default_value_t = 32)]
    tasks: usize,
    /// Rounds of the smallest task; task k has k times as many
    #[arg(long, value_name = "ROUNDS", default_value_t = 500_000)]
    unit: usize,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum View {
    Direct,
    Balanced,
}

fn main() {
    let args = Args::parse();
    let (tasks, unit, workers) = (args.tasks, args.unit, args.workers.get());

    let values: Vec<u64> = (0..16).collect();
    let scatter_gather = if args.plain {
        plain::task_farm::scatter_gather
    } else {
        task_farm::scatter_gather
    };
    let held = scatter_gather(&values, workers);
    for (worker, part) in held.iter().enumerate() {
        println!("worker {worker} holds {part:?}");
    }
    println!("gathered {:?}", held.concat());

    let run = match (args.view, args.plain) {
        (View::Direct, false) => task_farm::direct,
        (View::Direct, true) => plain::task_farm::direct,
        (View::Balanced, false) => task_farm::balanced,
        (View::Balanced, true) => plain::task_farm::balanced,
    };
    let done = run(tasks, unit, workers);
    let checksum = task_farm::in_order(&done)
        .into_iter()
        .fold(0, |sum, result| sum ^ result);
    let rounds = task_farm::rounds(&done, unit);
    println!("checksum {checksum:016x}");
    println!(
        "rounds of each worker {rounds:?}, imbalance {:.2}",
        task_farm::imbalance(&rounds)
    );
}
