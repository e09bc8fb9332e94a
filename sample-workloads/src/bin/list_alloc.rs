//! Makes a list of 32 MiB, reads it, drops it and prints.

use clap::Parser;
use sample_workloads::{list_alloc, plain};

/// Make a list of 32 MiB, turn its first element into text, drop the list and print.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n\n    list_alloc\n\nprints `1.0` and `is a one`.")]
struct Args {
    /// Let the list go out of scope at the closing brace instead
    #[arg(long, conflicts_with = "leak")]
    out_of_scope: bool,
    /// Forget the list instead of dropping it
    #[arg(long)]
    leak: bool,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
}

fn main() {
    let args = Args::parse();
    let workload = match (args.plain, args.out_of_scope, args.leak) {
        (false, false, false) => list_alloc::list_alloc,
        (false, true, _) => list_alloc::out_of_scope,
        (false, false, true) => list_alloc::leak,
        (true, false, false) => plain::list_alloc::list_alloc,
        (true, true, _) => plain::list_alloc::out_of_scope,
        (true, false, true) => plain::list_alloc::leak,
    };
    workload();
}
