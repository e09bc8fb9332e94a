//! Makes children by fork, or by fork and exec, that greet.

use std::env;

use clap::{Parser, ValueEnum};
use sample_workloads::{fork, plain};

/// Make children by fork, or by fork and exec, that say hello.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    fork --mode fork --children 2\n\nprints `Hello from parent PARENT CHILD` and     `Hello from CHILD`, twice, with process numbers."
)]
struct Args {
    /// How a child comes to be: as a copy that goes on, or as this program started afresh
    #[arg(long, value_enum, default_value_t = Mode::Fork)]
    mode: Mode,
    /// How many children
    #[arg(long, default_value_t = 3)]
    children: usize,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
    /// Only say hello: what the children of `--mode exec` are started with
    #[arg(long, hide = true)]
    hello: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Fork,
    Exec,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if args.hello {
        fork::child();
        return Ok(());
    }
    match (args.mode, args.plain) {
        (Mode::Fork, false) => fork::first_fork(args.children)?,
        (Mode::Fork, true) => plain::fork::first_fork(args.children)?,
        (Mode::Exec, false) => fork::second_fork(&env::current_exe()?, args.children)?,
        (Mode::Exec, true) => plain::fork::second_fork(&env::current_exe()?, args.children)?,
    }
    Ok(())
}
