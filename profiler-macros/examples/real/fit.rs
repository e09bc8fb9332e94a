//! Fits a program as its user does it: `hprof run` measures it, and `hprof run --fit` builds it with less of what that found too dear.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::build::{THIN, flags};

/// Share of the time that recording may cost, in percent.
const SHARE: &str = "10%";
/// Times that `--fit` is used: what was hidden by the cost of others comes out the second time.
const TIMES: usize = 2;

/// The program, fitted to what it does in so many turns.
pub(crate) fn program(folder: &Path, name: &str, turns: u64) -> Result<PathBuf> {
    let target = folder.join("target/fitted");
    let fit = format!("--fit={SHARE}");
    // The last option builds what the run before found.
    let options = ["--no-fit", &fit].into_iter().chain([&*fit; TIMES - 1]);
    for option in options {
        run(folder, &target, option, name, turns)?;
    }
    Ok(target.join("hprof/programs"))
}

fn run(folder: &Path, target: &Path, option: &str, name: &str, turns: u64) -> Result<()> {
    let hprof = env::var_os("HPROF_COMMAND").ok_or("HPROF_COMMAND does not say where hprof is")?;
    let output = Command::new(hprof)
        .args(["run", option, "--report", "none", "-o"])
        .arg(folder.join("fitted.pb.gz"))
        .args(["--quiet", "--", name, &turns.to_string()])
        .current_dir(folder.join(THIN).join("programs"))
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTFLAGS", flags())
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(format!("hprof run {option}: {name}: {reason}").into())
}
