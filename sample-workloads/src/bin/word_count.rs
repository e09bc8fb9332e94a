//! Prints the most frequent words of a text.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context;
use clap::Parser;
use rayon::ThreadPoolBuilder;
use sample_workloads::{plain, word_count};

/// Count the words of a text and print the most frequent ones.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n\n    word_count --top 5 --stop-words stopwords.txt mobydick.txt\n\nprints five lines     such as `892 whale`."
)]
struct Args {
    /// How many words to print
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// File of words to leave out, one a line
    #[arg(long, value_name = "FILE")]
    stop_words: Option<PathBuf>,
    /// Threads; 0 is one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
    /// Text to count; `-` reads standard input
    #[arg(value_name = "FILE")]
    text: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let text = if args.text.as_os_str() == "-" {
        io::read_to_string(io::stdin()).context("cannot read standard input")?
    } else {
        read(&args.text)?
    };
    let stop = match &args.stop_words {
        Some(file) => word_count::stop_words(&read(file)?),
        None => HashSet::new(),
    };
    ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .build_global()?;
    let count = if args.plain {
        plain::word_count::count
    } else {
        word_count::count
    };
    let top = if args.plain {
        plain::word_count::top
    } else {
        word_count::top
    };
    let counts = count(&text, &stop);
    for (word, count) in top(&counts, args.top) {
        println!("{count} {word}");
    }
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
