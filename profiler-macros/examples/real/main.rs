//! `make real`: what hprof costs, and how true it is, on programs over published crates with the attribute on every function.
//!
//! The crates are downloaded and copied three times into `target/real`, as `make corpus` does it; two copies get the attribute on every function, written
//! as by hand and in bulk. A package of small programs on top of them is built of each. A program runs plain, recorded and not recorded with lines in every
//! function and with small functions thin, and fitted, in turns, and once more plain under `perf record`. `programs` holds the programs, `build` makes the
//! packages, `fit` fits a program, `trial` runs it,
//! `perf` and `symbols` find out where the plain one spent its time, `shares` compares that with what was recorded, `table` prints.

#[path = "../corpus/list.rs"]
#[expect(dead_code, reason = "the list of crates is that of `make corpus`")]
mod list;
#[path = "../corpus/package.rs"]
mod package;
#[path = "../../../profiler-core/benches/overhead/page.rs"]
mod page;

mod build;
mod fit;
mod perf;
mod shares;
mod symbols;
mod table;
mod trial;

#[cfg(test)]
mod known_answers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use symbols::Result;
use table::Row;
use trial::{Mode, Trial};

/// A program, and turns that take it more than a second without instrumentation on a machine of today.
struct Program {
    name: &'static str,
    turns: u64,
}

const PROGRAMS: [Program; 15] = [
    program("memchr, iter", 110_000),
    program("memchr, dense", 3800),
    program("lz4_flex, compress", 6500),
    program("lz4_flex, decompress", 22_000),
    program("miniz_oxide, deflate", 440),
    program("miniz_oxide, inflate", 11_500),
    program("jzon", 3800),
    program("tinyjson", 1350),
    program("pulldown-cmark", 7400),
    program("num-bigint", 29_000),
    program("n-body", 1300),
    program("spectral-norm", 1000),
    program("mandelbrot", 720),
    program("binary-trees", 8500),
    program("fannkuch", 580),
];

const fn program(name: &'static str, turns: u64) -> Program {
    Program { name, turns }
}

/// What is asked for.
struct Asked {
    programs: Vec<&'static Program>,
    /// All of them, at full length: the page is written.
    whole: bool,
    /// Runs of each kind.
    rounds: u32,
    /// Hundredths of the turns.
    percent: u64,
}

#[expect(clippy::print_stderr, reason = "a program for the terminal")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("real: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal"
)]
fn run() -> Result<()> {
    let asked = asked(env::args().skip(1))?;
    let folder = folder()?;
    perf::check(&folder)?;
    eprintln!("crates and programs go to {}", folder.display());
    let built = build::programs(&folder)?;
    let mut rows = Vec::new();
    for program in &asked.programs {
        let row = row(&folder, &built, program, &asked)?;
        println!("{row}");
        rows.push(row);
    }
    let tables = table::page(&rows, asked.rounds);
    if asked.whole {
        page::keep_section("overhead.md", "real programs", &tables)?;
    } else {
        println!("{tables}");
    }
    Ok(())
}

/// All programs, or those whose names begin like one of the arguments.
fn asked(args: impl Iterator<Item = String>) -> Result<Asked> {
    let mut asked = Asked {
        programs: Vec::new(),
        whole: false,
        rounds: 3,
        percent: 100,
    };
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args.next().and_then(|value| value.parse().ok());
            value.ok_or_else(|| format!("{arg} takes a number"))
        };
        match &*arg {
            "--rounds" => asked.rounds = u32::try_from(number()?)?.max(1),
            "--percent" => asked.percent = number()?,
            name => {
                let before = asked.programs.len();
                let named = PROGRAMS
                    .iter()
                    .filter(|program| program.name.starts_with(name));
                asked.programs.extend(named);
                if asked.programs.len() == before {
                    return Err(format!(
                        "no program `{name}`; usage: real [--rounds N] [--percent N] [PROGRAM...]"
                    )
                    .into());
                }
            }
        }
    }
    if asked.programs.is_empty() {
        asked.programs = PROGRAMS.iter().collect();
        asked.whole = asked.percent >= 100;
    }
    Ok(asked)
}

/// `real` in the target folder this program was built into.
fn folder() -> Result<PathBuf> {
    let exe = env::current_exe()?;
    let target = exe
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").exists());
    let folder = target.ok_or("not run by cargo")?.join("real");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn row(
    folder: &Path,
    built: &build::Built,
    program: &'static Program,
    asked: &Asked,
) -> Result<Row> {
    let turns = (program.turns * asked.percent / 100).max(1);
    let fitted = fit::program(folder, program.name, turns)?;
    let mode = |program, records| Mode { program, records };
    let modes = [
        mode(&*built.plain, false),
        mode(&built.full, true),
        mode(&built.full, false),
        mode(&built.thin, true),
        mode(&built.thin, false),
        mode(&fitted, true),
    ];
    let mut trials: Vec<Trial> = Vec::new();
    for round in 0..asked.rounds {
        for (index, mode) in modes.iter().enumerate() {
            let trial = trial::run(folder, program.name, turns, *mode)?;
            match trials.get_mut(index) {
                Some(before) if round > 0 => before.keep_shortest(trial)?,
                _ => trials.push(trial),
            }
        }
    }
    let Ok([plain, full, full_silent, thin, thin_silent, fitted]) = <[Trial; 6]>::try_from(trials)
    else {
        return Err("a mode was not tried".into());
    };
    let others = [&full, &full_silent, &thin, &thin_silent, &fitted];
    if others.iter().any(|other| other.computed != plain.computed) {
        return Err(format!("{}: another result when instrumented", program.name).into());
    }
    let samples = shares::samples(folder, built, program.name, turns, plain.cpu)?;
    let compare = |trial: &Trial| {
        let profile = trial.profile.as_ref().ok_or("nothing was recorded")?;
        Result::Ok(shares::compare(folder, profile, &samples))
    };
    Ok(Row {
        name: program.name,
        full_shares: compare(&full)?,
        fitted_shares: compare(&fitted)?,
        plain,
        full,
        full_silent,
        thin,
        thin_silent,
        fitted,
    })
}
