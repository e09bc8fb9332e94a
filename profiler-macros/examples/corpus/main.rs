//! `make corpus`: puts `#[profile]` on every function of published crates and compares their own tests, plain and instrumented.
//!
//! For each crate of the list: its source as published is copied twice into `target/corpus`, one copy gets the attribute on
//! every function, and both are built and tested. A row of the table says what the attribute changed: it should be nothing but
//! the time. With `--clippy` nothing is run: clippy, pedantic lints included, should say the same of both. With `--bulk` the attribute counts as one on the whole crate, so that small functions are thin. `package` makes the copies, `trial` builds and tests one of them,
//! `table` compares and prints.

mod list;
mod package;
mod table;
mod trial;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use hprof_injector::Kind;
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
    let mut args: Vec<String> = env::args().skip(1).collect();
    let mut take = |option: &str| {
        let place = args.iter().position(|arg| arg == option);
        place.map(|at| args.remove(at)).is_some()
    };
    let lints = take("--clippy");
    let kind = if take("--bulk") {
        Kind::Bulk
    } else {
        Kind::ByHand
    };
    let entries = chosen(&args)?;
    let folder = folder()?;
    eprintln!("crates go to {}", folder.display());
    let sources = package::sources(&folder, &entries)?;
    if lints {
        return same_lints(&folder, &entries, &sources, kind);
    }
    let mut rows = Vec::new();
    println!("{}", table::HEAD);
    for (entry, source) in entries.iter().zip(sources) {
        let row = row(&folder, entry, &source, kind)?;
        println!("{row}");
        rows.push(row);
    }
    println!("{}", table::Total::of(&rows));
    println!("{}", table::braces(&rows));
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
            format!("`{name}` is not in the list; usage: corpus [--clippy] [--bulk] [--small | CRATE...]")
                .into()
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

/// Whether clippy has no more to say of the instrumented copies than of the plain ones.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
fn same_lints(
    folder: &Path,
    entries: &[&'static Entry],
    sources: &[PathBuf],
    kind: Kind,
) -> Result<bool> {
    let mut same = true;
    for (entry, source) in entries.iter().zip(sources) {
        let plain = package::plain(folder, entry, source)?;
        let (profiled, functions) = package::profiled(folder, "profiled", entry, source, kind)?;
        let plain = trial::lint(folder, entry, &plain, false)?;
        let profiled = trial::lint(folder, entry, &profiled, true)?;
        // Place and lint; the texts may count lines, and the attribute makes one of a line of comments.
        let place = |warning: &str| warning.split("): ").next().map(str::to_owned);
        let known: BTreeSet<_> = plain.warnings.iter().map(|text| place(text)).collect();
        let is_added = |warning: &&String| !known.contains(&place(warning));
        let added: Vec<&String> = profiled.warnings.iter().filter(is_added).collect();
        println!(
            "{}: {functions} functions, {} warnings of clippy, {} added",
            entry.name,
            plain.warnings.len(),
            added.len()
        );
        for warning in &added {
            println!("  {warning}");
        }
        for error in &profiled.errors {
            println!("{error}");
        }
        same &= added.is_empty() && plain.passed == profiled.passed;
    }
    Ok(same)
}

fn row(folder: &Path, entry: &'static Entry, source: &Path, kind: Kind) -> Result<Row> {
    let plain = package::plain(folder, entry, source)?;
    let (profiled, functions) = package::profiled(folder, "profiled", entry, source, kind)?;
    let plain = trial::run(folder, entry, &plain, false)?;
    let profiled = trial::run(folder, entry, &profiled, true)?;
    Ok(Row {
        name: entry.name,
        functions,
        plain,
        profiled,
    })
}
