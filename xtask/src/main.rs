//! What this workspace needs and cargo does not have: `cargo run -p xtask -- circles [FOLDER OF A CRATE]..`, `gallery HPROF` and
//! `unannotated HPROF [PROGRAM]..`.

mod circles;
mod gallery;
mod hottest;
mod unannotated;

use std::path::Path;
use std::process::ExitCode;

/// What `make real` asks of perf and of line tables.
#[path = "../../profiler-macros/examples/real/perf.rs"]
mod perf;
#[path = "../../profiler-macros/examples/real/symbols.rs"]
mod symbols;

const USAGE: &str = "usage: cargo run -p xtask -- circles [FOLDER OF A CRATE].. | gallery HPROF | unannotated HPROF [--no-tests] [PROGRAM].. | hottest HPROF [PROGRAM]..";

#[expect(clippy::print_stderr, reason = "a program for the terminal")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let outcome = match arguments.split_first() {
        Some((command, crates)) if command == "circles" => circles::run(&workspace, crates),
        Some((command, [hprof])) if command == "gallery" => {
            gallery::run(&workspace, Path::new(hprof))
        }
        Some((command, [hprof, programs @ ..])) if command == "unannotated" => {
            unannotated::run(&workspace, Path::new(hprof), programs)
        }
        Some((command, [hprof, programs @ ..])) if command == "hottest" => {
            hottest::run(&workspace, Path::new(hprof), programs).map_err(|error| error.to_string())
        }
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(2)
        }
    }
}
