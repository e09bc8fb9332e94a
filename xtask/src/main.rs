//! What this workspace needs and cargo does not have: `cargo run -p xtask -- circles [FOLDER OF A CRATE]..` and `gallery HPROF`.

mod circles;
mod gallery;

use std::path::Path;
use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "a program for the terminal")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let outcome = match arguments.split_first() {
        Some((command, crates)) if command == "circles" => circles::run(&workspace, crates),
        Some((command, [hprof])) if command == "gallery" => {
            gallery::run(&workspace, Path::new(hprof))
        }
        _ => {
            Err("usage: cargo run -p xtask -- circles [FOLDER OF A CRATE].. | gallery HPROF".into())
        }
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
