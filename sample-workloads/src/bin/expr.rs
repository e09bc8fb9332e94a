//! Computes a^2 + b^2 + 2ab on arrays and prints how far it is from (a + b)^2.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::num::NonZeroUsize;

use clap::{Parser, ValueEnum};
use sample_workloads::random::Random;
use sample_workloads::{expr, plain};

/// Compute a^2 + b^2 + 2ab for arrays of random numbers and compare it with (a + b)^2.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    expr --mode threaded --workers 2 1000000\n\nprints `1000000 elements equal     (a + b)^2`."
)]
struct Args {
    /// How the expression is computed
    #[arg(long, value_enum, default_value_t = Mode::Temporaries)]
    mode: Mode,
    /// How many threads share the work of the threaded mode
    #[arg(long, default_value = "2")]
    workers: NonZeroUsize,
    /// How often to compute it
    #[arg(long, default_value = "20")]
    rounds: NonZeroUsize,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
    /// Elements of the arrays
    #[arg(value_name = "N", default_value_t = 1_000_000)]
    elements: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Temporaries,
    Fused,
    Threaded,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut random = Random::new(1);
    let mut array = || {
        (0..args.elements)
            .map(|_| random.next_unit())
            .collect::<Vec<f64>>()
    };
    let (a, b) = (array(), array());
    let workers = args.workers.get();
    for _ in 0..args.rounds.get() {
        let c = match (args.mode, args.plain) {
            (Mode::Temporaries, false) => expr::temporaries(&a, &b),
            (Mode::Temporaries, true) => plain::expr::temporaries(&a, &b),
            (Mode::Fused, false) => expr::fused(&a, &b),
            (Mode::Fused, true) => plain::expr::fused(&a, &b),
            (Mode::Threaded, false) => expr::threaded(&a, &b, workers),
            (Mode::Threaded, true) => plain::expr::threaded(&a, &b, workers),
        };
        let expected = |i: usize| (a[i] + b[i]) * (a[i] + b[i]);
        let wrong = (0..c.len()).find(|&i| (c[i] - expected(i)).abs() > 1e-15 * 4.0 * expected(i));
        if let Some(i) = wrong {
            anyhow::bail!("element {i} is {} instead of {}", c[i], expected(i));
        }
    }
    println!("{} elements equal (a + b)^2", args.elements);
    Ok(())
}
