//! Sends a token around a ring of MPI ranks.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use anyhow::Context;
use clap::Parser;
use mpi::topology::Communicator;
use sample_workloads::{plain, ring};

/// Send a token around a ring of MPI ranks, to which each rank adds its number.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    mpirun -n 4 ring --rounds 10\n\nprints `The token is 60 after 10 rounds of 4 ranks`."
)]
struct Args {
    /// How often the token goes around
    #[arg(long, default_value_t = 1000)]
    rounds: u64,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let universe = mpi::initialize().context("MPI is initialised already")?;
    let world = universe.world();
    let token = if args.plain {
        plain::ring::ring(&world, args.rounds)
    } else {
        ring::ring(&world, args.rounds)
    };
    if world.rank() == 0 {
        println!(
            "The token is {token} after {} rounds of {} ranks",
            args.rounds,
            world.size()
        );
    }
    Ok(())
}
