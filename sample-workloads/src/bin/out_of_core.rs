//! Makes a large file of random numbers, or averages one, through a memory map.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};
use sample_workloads::{out_of_core, plain};

/// Work on an array that may be larger than memory: make a file of random numbers, or average it.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    out_of_core create --size 1GiB numbers.bin\n    out_of_core average numbers.bin\n\n    prints the first numbers, zero before and random after; then the mean, 0.5 to four digits."
)]
struct Args {
    /// Run the twin without annotations
    #[arg(long, global = true)]
    plain: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make a file of random numbers between 0 and 1
    Create {
        /// Size of the file: bytes, or with a unit KiB, MiB or GiB
        #[arg(long, default_value = "256MiB", value_parser = bytes)]
        size: u64,
        /// Where the random numbers start
        #[arg(long, default_value_t = 7)]
        seed: u64,
        /// The file; what was in it is lost
        file: PathBuf,
    },
    /// Print the mean of the numbers in a file
    Average {
        /// The file
        file: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.task {
        Task::Create { size, seed, file } => {
            let count =
                usize::try_from(size / 8).context("the size does not fit in memory addresses")?;
            let create = if args.plain {
                plain::out_of_core::create
            } else {
                out_of_core::create
            };
            let (initial, random) = create(&file, count, seed)
                .with_context(|| format!("cannot make {}", file.display()))?;
            println!("initial fragment: {initial:?}");
            println!("random fragment: {random:?}");
        }
        Task::Average { file } => {
            let average = if args.plain {
                plain::out_of_core::average
            } else {
                out_of_core::average
            };
            let mean =
                average(&file).with_context(|| format!("cannot average {}", file.display()))?;
            println!("{mean:.6}");
        }
    }
    Ok(())
}

/// Reads a size such as `4096`, `64KiB`, `256MiB` or `1GiB`: whole numbers of 8 bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        unit => return Err(format!("unknown unit `{unit}` (known: KiB, MiB, GiB)")),
    };
    let size = digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    size.filter(|size| *size > 0 && size % 8 == 0)
        .ok_or_else(|| "a size is a whole number above 0 and a multiple of 8 bytes".to_owned())
}
