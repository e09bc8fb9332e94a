//! Runs uneven tasks on worker threads, or on the ranks of an MPI job, and prints who did how much.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::num::NonZeroUsize;

use clap::{Parser, ValueEnum};
use sample_workloads::task_farm::Done;
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
    /// The workers are the ranks of an MPI job
    #[cfg(feature = "mpi")]
    #[arg(long)]
    mpi: bool,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum View {
    Direct,
    Balanced,
}

/// What both kinds of workers return: the parts of an array that they held, and the tasks that they did.
struct Answer {
    held: Vec<Vec<u64>>,
    done: Vec<Done>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let values: Vec<u64> = (0..16).collect();
    #[cfg(feature = "mpi")]
    if args.mpi {
        if let Some(answer) = on_ranks(&args, &values)? {
            print(&args, &answer);
        }
        return Ok(());
    }
    print(&args, &on_threads(&args, &values));
    Ok(())
}

fn on_threads(args: &Args, values: &[u64]) -> Answer {
    let workers = args.workers.get();
    let scatter_gather = if args.plain {
        plain::task_farm::scatter_gather
    } else {
        task_farm::scatter_gather
    };
    let run = match (args.view, args.plain) {
        (View::Direct, false) => task_farm::direct,
        (View::Direct, true) => plain::task_farm::direct,
        (View::Balanced, false) => task_farm::balanced,
        (View::Balanced, true) => plain::task_farm::balanced,
    };
    Answer {
        held: scatter_gather(values, workers),
        done: run(args.tasks, args.unit, workers),
    }
}

/// The answer, in rank 0.
#[cfg(feature = "mpi")]
fn on_ranks(args: &Args, values: &[u64]) -> anyhow::Result<Option<Answer>> {
    use anyhow::Context;

    let universe = mpi::initialize().context("MPI is initialised already")?;
    let world = universe.world();
    let scatter_gather = if args.plain {
        plain::task_farm::scatter_gather_ranks
    } else {
        task_farm::scatter_gather_ranks
    };
    let run = match (args.view, args.plain) {
        (View::Direct, false) => task_farm::direct_ranks,
        (View::Direct, true) => plain::task_farm::direct_ranks,
        (View::Balanced, false) => task_farm::balanced_ranks,
        (View::Balanced, true) => plain::task_farm::balanced_ranks,
    };
    let held = scatter_gather(&world, values);
    let done = run(&world, args.tasks, args.unit);
    Ok(held.zip(done).map(|(held, done)| Answer { held, done }))
}

fn print(args: &Args, answer: &Answer) {
    let Answer { held, done } = answer;
    for (worker, part) in held.iter().enumerate() {
        println!("worker {worker} holds {part:?}");
    }
    println!("gathered {:?}", held.concat());
    let checksum = task_farm::in_order(done)
        .into_iter()
        .fold(0, |sum, result| sum ^ result);
    let rounds = task_farm::rounds(done, args.unit);
    println!("checksum {checksum:016x}");
    println!(
        "rounds of each worker {rounds:?}, imbalance {:.2}",
        task_farm::imbalance(&rounds)
    );
}
