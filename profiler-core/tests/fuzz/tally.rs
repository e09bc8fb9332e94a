//! What `make fuzz` adds up over its commands: a line for each target, in the file that `HPROF_FUZZ_TALLY` names.

use std::fs::OpenOptions;
use std::io::Write;

/// Prints how often a target ran, and notes it.
pub(crate) fn tell(target: &str, runs: u64, more: &str) {
    println!("{target}: {runs} runs{more}");
    if let Some(path) = std::env::var_os("HPROF_FUZZ_TALLY") {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).open(path).unwrap();
        file.write_all(format!("{runs} {target}\n").as_bytes())
            .unwrap();
    }
}
