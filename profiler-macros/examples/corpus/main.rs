//! `make corpus`: puts `#[profile]` on every function of published crates and compares their own tests, plain and instrumented.
//!
//! For each crate of the list: its source as published is copied twice into `target/corpus`, one copy gets the attribute on
//! every function, and both are built and tested. A row of the table says what the attribute changed: it should be nothing but
//! the time. `inject` writes the attribute into source text, `package` makes the copies, `trial` builds and tests one of them,
//! `table` compares and prints.

mod inject;
mod list;
mod package;
mod table;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use list::Entry;
use table::Row;

/// Whatever goes wrong outside of the crates under test ends the program.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[expect(clippy::print_stderr, reason = "a program for the terminal")]
fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("corpus: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether the attribute changed nothing.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]
fn run() -> Result<bool> {
    let entries = chosen(&env::args().skip(1).collect::<Vec<_>>())?;
    let folder = folder()?;
    eprintln!("crates go to {}", folder.display());
    let sources = package::sources(&folder, &entries)?;
    let mut rows = Vec::new();
    println!("{}", table::HEAD);
    for (entry, source) in entries.iter().zip(sources) {
        let row = row(&folder, entry, &source)?;
        println!("{row}");
        rows.push(row);
    }
    println!("{}", table::total(&rows));
    for row in &rows {
        print!("{}", row.details());
    }
    Ok(rows.iter().all(Row::unchanged))
}

/// `--small` for the part that CI runs, names of crates, or nothing for all.
fn chosen(args: &[String]) -> Result<Vec<&'static Entry>> {
    if args.is_empty() {
        return Ok(list::CRATES.iter().collect());
    }
    if args == ["--small"] {
        return Ok(list::CRATES.iter().filter(|entry| entry.small).collect());
    }
    let named = |name: &String| {
        let entry = list::CRATES.iter().find(|entry| entry.name == name);
        entry.ok_or_else(|| {
            format!("`{name}` is not in the list; usage: corpus [--small | CRATE...]").into()
        })
    };
    args.iter().map(named).collect()
}

/// `corpus` in the target folder this program was built into.
fn folder() -> Result<PathBuf> {
    let exe = env::current_exe()?;
    let target = exe
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    let folder = target.ok_or("not run by cargo")?.join("corpus");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn row(folder: &Path, entry: &'static Entry, source: &Path) -> Result<Row> {
    let plain = package::plain(folder, entry, source)?;
    let (profiled, functions) = package::profiled(folder, entry, source)?;
    let plain = trial::run(folder, entry, &plain, false)?;
    let profiled = trial::run(folder, entry, &profiled, true)?;
    Ok(Row {
        name: entry.name,
        functions,
        plain,
        profiled,
    })
}
