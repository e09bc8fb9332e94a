//! Prints an array in shared memory whose elements were each negated by a process.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use clap::Parser;
use sample_workloads::{plain, shared_array};

/// Let each of several processes negate its own element of a shared array.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    shared_array --processes 4\n\nprints `[-0.0, -1.0, -2.0, -3.0]`."
)]
struct Args {
    /// How many processes, and elements
    #[arg(long, default_value_t = 10)]
    processes: usize,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let negated = if args.plain {
        plain::shared_array::negated
    } else {
        shared_array::negated
    };
    println!("{:?}", negated(args.processes)?);
    Ok(())
}
