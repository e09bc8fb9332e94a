//! Prints a Fibonacci number, computed by plain recursion.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use clap::Parser;
use sample_workloads::{fib, plain};

/// Compute a Fibonacci number by plain recursion.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n\n    fib 20\n\nprints `fib(20) = 6765`.")]
struct Args {
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
    /// Which number: the work grows 1.6-fold with each
    #[arg(value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(..=93))]
    n: u64,
}

fn main() {
    let args = Args::parse();
    let fib = if args.plain {
        plain::fib::fib
    } else {
        fib::fib
    };
    println!("fib({}) = {}", args.n, fib(args.n));
}
