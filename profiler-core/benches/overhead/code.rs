//! How large markers are and how many instructions they take. Needs `nm` and `valgrind`; says so where one is missing.

use std::process::Command;
use std::{env, io};

use super::{COUNT, again};

/// Turns that are counted.
const TURNS: u64 = 100_000;

/// `None` where the tool is missing.
pub(crate) struct Code {
    /// Bytes of a marker in the function it belongs to.
    pub(crate) marker_bytes: Option<f64>,
    /// Bytes of the out-of-line part, which all markers share.
    pub(crate) stub_bytes: Option<f64>,
    /// Instructions of a marker that does not read the clock.
    pub(crate) marker_instructions: Option<f64>,
    /// Instructions of entering and leaving a function with such a marker at its entry.
    pub(crate) call_instructions: Option<f64>,
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
        marker_instructions: difference(counted("marker")?, counted("plain marker")?)
            .map(|all| all / 5.0),
        call_instructions: difference(counted("call")?, counted("plain call")?),
    })
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
fn counted(kernel: &str) -> io::Result<Option<f64>> {
    let all = instructions(kernel, TURNS)?;
    let start = instructions(kernel, 0)?;
    Ok(all
        .zip(start)
        .map(|(all, start)| (all - start) as f64 / TURNS as f64))
}

/// Instructions of this program while it runs so many turns of a kernel.
fn instructions(kernel: &str, turns: u64) -> io::Result<Option<i64>> {
    let folder = tempfile::tempdir()?;
    let mut program = Command::new("valgrind");
    program
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .env(COUNT, format!("{kernel}:{turns}"))
        .env(hprof::env::SAMPLER, "0");
    let Ok(output) = again(&mut program, folder.path(), "sampled") else {
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
