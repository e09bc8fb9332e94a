//! `make real`: what hprof costs, and how true it is, on programs over published crates with the attribute on every function.
//!
//! The crates are downloaded and copied twice into `target/real`, as `make corpus` does it; one copy gets the attribute on every function. A
//! package of small programs on top of them is built of each. A program runs plain, recorded, and instrumented without recording, in
//! turns, and once more plain under `perf record`. `programs` holds the programs, `build` makes the packages, `trial` runs a program,
//! `perf` and `symbols` find out where the plain one spent its time, `shares` compares that with what was recorded, `table` prints.

#[path = "../corpus/list.rs"]
#[expect(dead_code, reason = "the list of crates is that of `make corpus`")]
mod list;
#[path = "../corpus/package.rs"]
mod package;
#[path = "../../../profiler-core/benches/overhead/page.rs"]
mod page;

mod build;
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

use hprof_injector::Kind;
use table::Row;
use trial::Mode;

/// Whatever goes wrong outside of the programs under test ends this one.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

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
    /// What the attributes count as: in bulk, small functions are thin.
    kind: Kind,
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
    let built = build::programs(&folder, asked.kind)?;
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
        kind: Kind::ByHand,
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
            "--bulk" => asked.kind = Kind::Bulk,
            name => {
                let before = asked.programs.len();
                let named = PROGRAMS
                    .iter()
                    .filter(|program| program.name.starts_with(name));
                asked.programs.extend(named);
                if asked.programs.len() == before {
                    return Err(format!(
                        "no program `{name}`; usage: real [--bulk] [--rounds N] [--percent N] [PROGRAM...]"
                    )
                    .into());
                }
            }
        }
    }
    if asked.programs.is_empty() {
        asked.programs = PROGRAMS.iter().collect();
        asked.whole = asked.percent >= 100 && asked.kind == Kind::ByHand;
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
    let trial = |mode| trial::run(folder, built, program.name, turns, mode);
    let plain = trial(Mode::Plain)?;
    let mut row = Row {
        name: program.name,
        plain,
        recorded: trial(Mode::Recorded)?,
        silent: trial(Mode::Silent)?,
        shares: shares::Comparison::default(),
    };
    for _ in 1..asked.rounds {
        row.plain.keep_shortest(trial(Mode::Plain)?)?;
        row.recorded.keep_shortest(trial(Mode::Recorded)?)?;
        row.silent.keep_shortest(trial(Mode::Silent)?)?;
    }
    let computed = &row.plain.computed;
    if [&row.recorded, &row.silent]
        .iter()
        .any(|other| other.computed != *computed)
    {
        return Err(format!("{}: another result when instrumented", program.name).into());
    }
    let profile = row
        .recorded
        .profile
        .as_ref()
        .ok_or("nothing was recorded")?;
    let samples = perf::samples(folder, built, program.name, turns, row.plain.cpu)?;
    row.shares = shares::compare(folder, profile, &samples);
    Ok(row)
}
