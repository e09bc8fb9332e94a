//! Prints the area under a curve, computed from N points.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::num::NonZeroUsize;

#[cfg(feature = "mpi")]
use anyhow::Context;
use clap::{Parser, ValueEnum};
#[cfg(feature = "mpi")]
use mpi::topology::Communicator;
use sample_workloads::{auc, plain};

/// Compute the area under 0.7 x^3 - 2 x^2 + 4 from 0 to 3 (exactly 8.175).
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    auc --mode threads --workers 2 30000000\n\nprints `The area is 8.175000`, as does, with the feature mpi,\n\n    mpirun -n 4 auc --mode mpi 30000000"
)]
struct Args {
    /// Who does the work
    #[arg(long, value_enum, default_value_t = Mode::Serial)]
    mode: Mode,
    /// How many threads or processes share it
    #[arg(long, default_value = "4")]
    workers: NonZeroUsize,
    /// With --mode mpi: a rank that does its part three times
    #[cfg(feature = "mpi")]
    #[arg(long, value_name = "RANK")]
    slow: Option<usize>,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
    /// Number of points
    #[arg(value_name = "N", default_value = "30000000")]
    points: NonZeroUsize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Serial,
    Threads,
    Processes,
    /// The ranks of an MPI job
    #[cfg(feature = "mpi")]
    Mpi,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (points, workers) = (args.points.get(), args.workers.get());
    let area = match (args.mode, args.plain) {
        #[cfg(feature = "mpi")]
        (Mode::Mpi, plain) => return ranks(points, args.slow, plain),
        (Mode::Serial, false) => auc::serial(points),
        (Mode::Serial, true) => plain::auc::serial(points),
        (Mode::Threads, false) => auc::threads(points, workers),
        (Mode::Threads, true) => plain::auc::threads(points, workers),
        (Mode::Processes, false) => auc::processes(points, workers)?,
        (Mode::Processes, true) => plain::auc::processes(points, workers)?,
    };
    println!("The area is {area:.6}");
    Ok(())
}

#[cfg(feature = "mpi")]
fn ranks(points: usize, slow: Option<usize>, plain: bool) -> anyhow::Result<()> {
    let universe = mpi::initialize().context("MPI is initialised already")?;
    let world = universe.world();
    let area = if plain {
        plain::auc::ranks(&world, points, slow)
    } else {
        auc::ranks(&world, points, slow)
    };
    if world.rank() == 0 {
        println!("The area is {area:.6}");
    }
    Ok(())
}
