//! The launcher: cargo starts it in place of the program. It alone switches the recording on, so build scripts, proc macros and
//! cargo itself stay silent, and it measures the program alone, without the build.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, bail};
use hprof::regular_file;
use serde::{Deserialize, Serialize};

use super::process::{self, exit_code};
use super::records::LaunchNote;
use crate::failure::Hint;
use crate::output;

/// First argument of an hprof that is started by cargo as the runner of a program.
pub(crate) const LAUNCHER_ARGUMENT: &str = "__launch";

/// No order is longer.
const LONGEST_ORDER: u64 = 16 << 20;

/// How to start the program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Variables for the program, beside the folder of the raw files.
    pub(crate) environment: Vec<(String, String)>,
    /// What `HPROF` was before hprof set it for the build.
    pub(crate) switch_before: Option<String>,
    /// What other variables were before hprof set them for the build.
    #[serde(default)]
    pub(crate) variables_before: Vec<(String, Option<OsString>)>,
    /// The user's own runner of each target, which gets the program and its arguments.
    #[serde(default)]
    pub(crate) runners: BTreeMap<String, Vec<String>>,
    /// Where profiles of this package are saved, for `hprof recover`.
    pub(crate) runs: PathBuf,
}

/// `hprof __launch ORDER TARGET -- PROGRAM ARGS`. Returns the exit code of the program.
pub(crate) fn launcher(mut args: impl Iterator<Item = OsString>) -> anyhow::Result<u8> {
    let (Some(order), Some(target), Some(dashes)) = (args.next(), args.next(), args.next()) else {
        bail!("{LAUNCHER_ARGUMENT} is only for cargo");
    };
    if dashes != "--" {
        bail!("{LAUNCHER_ARGUMENT} is only for cargo");
    }
    let path = Path::new(&order);
    let order = regular_file::read(path, LONGEST_ORDER)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let order: Order = serde_json::from_slice(&order).context("the order of the run is damaged")?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let runner = target.to_str().and_then(|target| order.runners.get(target));
    let runner = runner.map(Vec::as_slice).unwrap_or_default();
    run_program(folder, &order, runner, args.collect())
}

/// Starts a program, through the user's own runner if there is one, that records into `folder`, waits for its end and notes what happened.
pub(crate) fn run_program(
    folder: &Path,
    order: &Order,
    runner: &[String],
    program: Vec<OsString>,
) -> anyhow::Result<u8> {
    let noted = program
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let mut words = runner.iter().map(OsString::from).chain(program);
    let executable = words
        .next()
        .ok_or_else(|| anyhow!("no program was given"))?;
    let mut command = Command::new(&executable);
    command
        .args(words)
        .envs(order.environment.iter().map(|(name, value)| (name, value)));
    command.env(hprof::env::DIR, folder);
    match &order.switch_before {
        Some(before) => command.env(hprof::env::SWITCH, before),
        None => command.env_remove(hprof::env::SWITCH),
    };
    for (name, before) in &order.variables_before {
        match before {
            Some(before) => command.env(name, before),
            None => command.env_remove(name),
        };
    }
    let running = process::start(&mut command, Vec::new)
        .with_context(|| format!("cannot start {}", executable.display()))
        .hint(hint_for(&executable))?;
    let note = LaunchNote::start(folder, noted, &running);
    let ended = running.wait()?;
    if let Some(witness) = &ended.witness {
        witness.note(folder);
    }
    if let Err(error) = note.and_then(|note| note.end(&ended)) {
        // What the program recorded, and its exit code, are worth more than how long it took.
        output::say(format_args!("cannot note how the program ended: {error:#}"));
    }
    Ok(exit_code(ended.end))
}

fn hint_for(executable: &OsStr) -> String {
    if Path::new(executable).components().count() > 1 {
        "is it there, executable, and made for this machine?".into()
    } else {
        format!("is {} installed and in PATH?", executable.display())
    }
}
