//! Addresses of a program to source lines, by `addr2line` of the binutils.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whatever goes wrong outside of the programs under test ends this one.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A function that is open, inlined or not, and the line it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// The frames of each address, the innermost first; none where nothing is known.
pub(crate) fn frames(program: &Path, addresses: &[u64]) -> Result<BTreeMap<u64, Vec<Frame>>> {
    let mut child = Command::new("addr2line")
        .args(["--addresses", "--inlines", "--functions", "--exe"])
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("addr2line cannot be started (Debian: binutils): {error}"))?;
    let mut input = child.stdin.take().ok_or("no way to ask addr2line")?;
    let text: String = addresses.iter().map(|at| format!("{at:#x}\n")).collect();
    let asking = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output()?;
    asking.join().map_err(|_| "addr2line was not asked")??;
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads `0x1234` and for each frame a line with the function and one with `file:line`.
fn read(output: &str) -> BTreeMap<u64, Vec<Frame>> {
    let mut frames: BTreeMap<u64, Vec<Frame>> = BTreeMap::new();
    let mut address = 0;
    let mut lines = output.lines();
    while let Some(line) = lines.next() {
        let number = line.strip_prefix("0x");
        if let Some(number) = number.and_then(|number| u64::from_str_radix(number, 16).ok()) {
            address = number;
            frames.entry(address).or_default();
            continue;
        }
        // `line` is the name of a function.
        let place = lines.next().unwrap_or_default();
        let place = place.split(" (").next().unwrap_or_default();
        if let Some((file, line)) = place.rsplit_once(':') {
            frames.entry(address).or_default().push(Frame {
                file: file.to_owned(),
                line: line.parse().unwrap_or(0),
            });
        }
    }
    frames
}

/// Parts of a program's file that are loaded: where each begins in the file, its address, its bytes.
#[derive(Debug, Default)]
pub(crate) struct Segments(Vec<(u64, u64, u64)>);

impl Segments {
    /// The address, as the line tables have it, of a place in the file.
    pub(crate) fn address(&self, offset: u64) -> Option<u64> {
        let mut parts = self.0.iter();
        let part = parts.find(|(start, _, bytes)| (*start..start + bytes).contains(&offset))?;
        Some(offset - part.0 + part.1)
    }
}

/// Reads the program headers of a 64-bit ELF file of this machine's byte order.
pub(crate) fn segments(program: &Path) -> Result<Segments> {
    const LOADED: u64 = 1;
    let bytes = fs::read(program)?;
    let number = |at: usize, length: usize| -> Result<u64> {
        let part = bytes
            .get(at..at + length)
            .ok_or("a program file that is cut off")?;
        let mut whole = [0; 8];
        whole[..length].copy_from_slice(part);
        Ok(u64::from_le_bytes(whole))
    };
    let table = usize::try_from(number(32, 8)?)?;
    let (size, count) = (number(54, 2)?, number(56, 2)?);
    let mut segments = Segments::default();
    for header in 0..count {
        let at = table + usize::try_from(header * size)?;
        if number(at, 4)? == LOADED {
            let [start, address] = [number(at + 8, 8)?, number(at + 16, 8)?];
            segments.0.push((start, address, number(at + 32, 8)?));
        }
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inlined_frames_follow_the_address() {
        let output = "0x0000000000001040\ncore::f\n/rustc/x/mod.rs:7 (discriminator 3)\nmain\n/a b/main.rs:12\n0x2\n??\n??:0\n";
        let frames = read(output);
        let place = |frame: &Frame| format!("{}:{}", frame.file, frame.line);
        let places: Vec<String> = frames[&0x1040].iter().map(place).collect();
        assert_eq!(places, ["/rustc/x/mod.rs:7", "/a b/main.rs:12"]);
        assert_eq!(frames[&2][0].line, 0);
    }
}
