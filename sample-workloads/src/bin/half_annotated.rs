//! Parses, sorts and copies numbers in functions without annotations, called from lines with them.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use clap::Parser;
use sample_workloads::{half_annotated, plain};

/// Parse random numbers, sort and copy them: a program annotated only in part.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    half_annotated 1000\n\nprints the middle one of 1000 random numbers and the sum of     all over 50 copies."
)]
struct Args {
    /// How often the sorted numbers are copied
    #[arg(long, default_value_t = 50)]
    copies: usize,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
    /// How many numbers
    #[arg(value_name = "N", default_value_t = 1_000_000)]
    count: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (median, sum) = if args.plain {
        let text = plain::half_annotated::random_text(args.count, 1);
        plain::half_annotated::median_of_text(&text, args.copies)?
    } else {
        let text = half_annotated::random_text(args.count, 1);
        half_annotated::median_of_text(&text, args.copies)?
    };
    match median {
        Some(median) => println!("median {median}, sum of all copies {sum}"),
        None => println!("no numbers"),
    }
    Ok(())
}
