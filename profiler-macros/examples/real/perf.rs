//! Where a plain program spends its time, as `perf record` sees it: frames of each sample, inlined ones too.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::symbols::{self, Frame, Result};

/// Samples a second.
pub(crate) const RATE: u64 = 4999;

/// Samples with their frames, the innermost first.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    pub(crate) stacks: Vec<Vec<Frame>>,
}

/// Whether perf may be used here: without it nothing can be compared.
pub(crate) fn check(folder: &Path) -> Result<()> {
    let tried = perf(&["record", "-e", "cpu-clock", "-o"])
        .arg(folder.join("tried.data"))
        .args(["--", "true"])
        .output()
        .map_err(|error| format!("perf cannot be started (Debian: linux-perf): {error}"))?;
    if tried.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&tried.stderr);
    Err(format!("perf is refused here: {}", reason.trim()).into())
}

fn perf(args: &[&str]) -> Command {
    let mut command = Command::new("perf");
    command
        .args(args)
        .stdin(Stdio::null())
        .env_remove("HPROF_DIR");
    command
}

/// Samples of one run of a program.
pub(crate) fn record(folder: &Path, program: &Path, args: &[OsString]) -> Result<Samples> {
    let data = folder.join("perf.data");
    let recorded = perf(&["record", "-e", "cpu-clock", "--call-graph", "dwarf,4096"])
        .args(["-F", &RATE.to_string(), "-o"])
        .arg(&data)
        .arg("--")
        .arg(program)
        .args(args)
        .output()?;
    if !recorded.status.success() {
        let reason = String::from_utf8_lossy(&recorded.stderr);
        return Err(format!("perf record fails: {}", reason.trim()).into());
    }
    let script = perf(&["script", "-F", "ip,sym,dso", "--no-inline"])
        .args(["--show-mmap-events", "-i"])
        .arg(&data)
        .output()?;
    if !script.status.success() {
        let reason = String::from_utf8_lossy(&script.stderr);
        return Err(format!("perf script fails: {}", reason.trim()).into());
    }
    let script = String::from_utf8_lossy(&script.stdout);
    resolve(&script, program)
}

/// A part of the program in memory: first address, bytes, and where it begins in the file.
#[derive(Clone, Copy, Debug)]
struct Mapped {
    start: u64,
    bytes: u64,
    offset: u64,
}

/// Reads what `perf script` prints: mappings, and for each sample a line for each frame and an empty one at its end.
fn resolve(script: &str, program: &Path) -> Result<Samples> {
    let mut mapped = Vec::new();
    let mut stacks: Vec<Vec<Option<u64>>> = Vec::new();
    let mut stack = Vec::new();
    for line in script.lines().chain([""]) {
        if let Some((_, event)) = line.split_once("PERF_RECORD_MMAP") {
            mapped.extend(mapping(event, program));
        } else if line.trim().is_empty() {
            if !stack.is_empty() {
                stacks.push(std::mem::take(&mut stack));
            }
        } else {
            stack.push(address(line, program));
        }
    }
    let segments = symbols::segments(program)?;
    // The address of a caller is the one it goes on at, which may be in the next line.
    let places: Vec<Vec<u64>> = stacks
        .iter()
        .map(|stack| {
            let addresses = stack.iter().enumerate();
            let inside = addresses.filter_map(|(depth, ip)| {
                let ip = (*ip)?.checked_sub(u64::from(depth > 0))?;
                // Some versions of perf print where in memory it is, others where in the file.
                let part = mapped
                    .iter()
                    .find(|part| (part.start..part.start + part.bytes).contains(&ip));
                segments.address(part.map_or(ip, |part| ip - part.start + part.offset))
            });
            inside.collect()
        })
        .collect();
    let mut all: Vec<u64> = places.iter().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    let frames: BTreeMap<u64, Vec<Frame>> = symbols::frames(program, &all)?;
    let stack = |addresses: &Vec<u64>| {
        let known = addresses.iter().filter_map(|address| frames.get(address));
        known.flatten().cloned().collect()
    };
    Ok(Samples {
        stacks: places.iter().map(stack).collect(),
    })
}

/// Reads `5cd61 name (/path)`, if the path is the program's.
fn address(line: &str, program: &Path) -> Option<u64> {
    let (address, rest) = line.trim().split_once(' ')?;
    let (_, path) = rest.strip_suffix(')')?.rsplit_once('(')?;
    let address = u64::from_str_radix(address, 16).ok();
    address.filter(|_| Path::new(path) == program)
}

/// Reads `2 1/1: [0x5000(0x1000) @ 0x2000 fe:01 5 0]: r-xp /path`, if it is of the program.
fn mapping(event: &str, program: &Path) -> Option<Mapped> {
    let (_, event) = event.split_once('[')?;
    let (range, path) = event.split_once("]: ")?;
    let (_, path) = path.split_once(' ')?;
    if Path::new(path.trim()) != program {
        return None;
    }
    let (start, rest) = range.split_once('(')?;
    let (bytes, rest) = rest.split_once(") @ ")?;
    let offset = rest.split_whitespace().next()?;
    let number = |text: &str| {
        let digits = text.trim_start_matches("0x");
        u64::from_str_radix(digits, 16).ok()
    };
    Some(Mapped {
        start: number(start)?,
        bytes: number(bytes)?,
        offset: number(offset)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_the_program_have_addresses_and_others_none() {
        let program = Path::new("/a (b)/programs");
        let line = "\t   5cd61 f (inlined) (/a (b)/programs)";
        assert_eq!(address(line, Path::new("/other")), None);
        assert_eq!(
            address("\t  5cd61 f (/x/programs)", Path::new("/x/programs")),
            Some(0x5cd61)
        );
        assert_eq!(
            address("\t  14f38 [unknown] (/usr/lib/ld.so)", program),
            None
        );
    }

    #[test]
    fn mappings_of_the_program_are_found() {
        let event = "2 7/7: [0x5000(0x200) @ 0x4c000 fe:00 11 26]: r-xp /x/programs";
        let part = mapping(event, Path::new("/x/programs")).unwrap();
        assert_eq!(
            (part.start, part.bytes, part.offset),
            (0x5000, 0x200, 0x4c000)
        );
        assert!(mapping(event, Path::new("/x/other")).is_none());
    }
}
