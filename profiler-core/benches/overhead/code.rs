//! How large markers are and how many instructions they take. Needs `nm` and `valgrind`; says so where one is missing.

use std::process::Command;
use std::{env, io};

use super::{COUNT, again};

/// Turns that are counted: a multiple of the calls that any kernel makes in one turn.
const TURNS: u64 = 104_000;

/// `None` where the tool is missing.
pub(crate) struct Code {
    /// Bytes of a marker in the function it belongs to.
    pub(crate) marker_bytes: Option<f64>,
    /// Bytes of the out-of-line part, which all markers share.
    pub(crate) stub_bytes: Option<f64>,
    /// Instructions of a marker that does not read the clock.
    pub(crate) marker_instructions: Option<f64>,
    /// What calls take.
    pub(crate) calls: Vec<Calls>,
}

/// Instructions of entering and leaving a function with one hot marker at its entry.
pub(crate) struct Calls {
    /// What makes the calls.
    pub(crate) from: &'static str,
    /// In a program that is recorded.
    pub(crate) recorded: Option<f64>,
    /// In a program that is not.
    pub(crate) not_recorded: Option<f64>,
}

pub(crate) fn measure() -> io::Result<Code> {
    let sizes = symbols()?;
    let size = |parts: &[&str]| {
        let has_all = |name: &str| parts.iter().all(|part| name.contains(part));
        let found = sizes.iter().find(|(name, _)| has_all(name));
        found.map(|(_, bytes)| *bytes as f64)
    };
    let eight_lines = |form: &str| {
        Some(size(&["kernels", form, "nine_lines"])? - size(&["kernels", form, "one_line"])?)
    };
    let bytes = |form: &str| eight_lines(form).map(|bytes| bytes / 8.0);
    Ok(Code {
        marker_bytes: difference(bytes("lines_size"), bytes("plain_size")),
        stub_bytes: size(&["marker", "x86_64", "stub"]),
        // A turn has four lines and the header.
        marker_instructions: added("marker", true)?.map(|all| all / 5.0),
        calls: calls()?,
    })
}

/// Counts what calls take: from one line, from several lines in turn, and of a function by itself.
pub(crate) fn calls() -> io::Result<Vec<Calls>> {
    let kernels = [
        ("one line", "call"),
        ("2 lines in turn", "two callers"),
        ("20 lines in turn", "twenty callers"),
        ("5,200 lines in turn", "many callers"),
        ("itself", "recursion"),
    ];
    let measured = kernels.into_iter().map(|(from, kernel)| {
        Ok(Calls {
            from,
            recorded: added(kernel, true)?,
            not_recorded: added(kernel, false)?,
        })
    });
    measured.collect()
}

/// Instructions of a turn of a kernel beyond those of its plain twin.
fn added(kernel: &str, records: bool) -> io::Result<Option<f64>> {
    let plain = counted(&format!("plain {kernel}"), records)?;
    Ok(difference(counted(kernel, records)?, plain))
}

fn difference(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    Some(a? - b?)
}

/// Names and sizes of the functions of this program; none without `nm`.
fn symbols() -> io::Result<Vec<(String, u64)>> {
    let output = Command::new("nm")
        .args(["--print-size", "--defined-only", "--radix=d"])
        .arg(env::current_exe()?)
        .output();
    let Ok(output) = output else {
        warn("`nm` is missing: no code sizes");
        return Ok(Vec::new());
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let symbol = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, size, _, name] = words[..] else {
            return None;
        };
        Some((name.to_owned(), size.parse().ok()?))
    };
    Ok(text.lines().filter_map(symbol).collect())
}

/// Instructions of a turn of a kernel; `None` without `valgrind`.
fn counted(kernel: &str, records: bool) -> io::Result<Option<f64>> {
    // The first turns make the nodes, which is not what is asked for.
    let all = instructions(kernel, 2 * TURNS, records)?;
    let start = instructions(kernel, TURNS, records)?;
    Ok(all
        .zip(start)
        .map(|(all, start)| (all - start) as f64 / TURNS as f64))
}

/// Instructions of this program while it runs so many turns of a kernel.
fn instructions(kernel: &str, turns: u64, records: bool) -> io::Result<Option<i64>> {
    let folder = tempfile::tempdir()?;
    let mut program = Command::new("valgrind");
    program
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .env(COUNT, format!("{kernel}:{turns}"))
        .env(hprof::env::SAMPLER, "0");
    let output = if records {
        again(&mut program, folder.path(), "sampled")
    } else {
        program.env_remove(hprof::env::DIR).output()
    };
    let Ok(output) = output else {
        warn("`valgrind` is missing: no numbers of instructions");
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok());
    if count.is_none() {
        warn("`valgrind --tool=callgrind` gave no number of instructions");
    }
    Ok(count)
}

#[expect(clippy::print_stderr, reason = "what is missing must be seen")]
fn warn(text: &str) {
    eprintln!("overhead: {text}");
}
