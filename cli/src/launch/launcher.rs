//! The launcher: cargo starts it in place of the program. It alone switches the recording on, so build scripts, proc macros and
//! cargo itself stay silent, and it measures the program alone, without the build.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, bail};
use hprof::regular_file;
use serde::{Deserialize, Serialize};

use super::process::{self, Running, exit_code};
use super::rank::RANK_ARGUMENT;
use super::records::{self, LaunchNote};
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
    /// What starts the ranks of a parallel job, such as `mpirun -n 4`; empty if nothing does.
    #[serde(default)]
    pub(crate) ranks_by: Vec<String>,
    /// The folder of raw files, and the one that all machines of the job see. Filled in as these are made.
    #[serde(default)]
    pub(crate) folders: Folders,
}

/// Where raw files go.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Folders {
    /// On the machine of the command.
    pub(super) here: PathBuf,
    /// On any machine, if more than one may take part.
    pub(super) shared: Option<PathBuf>,
}

impl Order {
    /// Reads the order of a run.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let order = regular_file::read(path, LONGEST_ORDER)
            .with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&order).context("the order of the run is damaged")
    }

    /// The user's own runner of a target.
    pub(super) fn runner(&self, target: &OsStr) -> &[String] {
        let runner = target.to_str().and_then(|target| self.runners.get(target));
        runner.map(Vec::as_slice).unwrap_or_default()
    }

    /// What is started in place of the program: what starts the ranks, each of which is started by hprof.
    fn start_ranks(&self, target: &OsStr, program: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
        let hprof = std::env::current_exe().context("cannot find hprof's own program file")?;
        let shared = self.folders.shared.as_deref().unwrap_or(&self.folders.here);
        let mut words: Vec<OsString> = self.ranks_by.iter().map(OsString::from).collect();
        words.extend([
            hprof.into(),
            RANK_ARGUMENT.into(),
            records::order_in(shared).into(),
            target.to_owned(),
            "--".into(),
        ]);
        words.extend(program);
        Ok(words)
    }

    /// Gives a program what the order says.
    pub(super) fn prepare(&self, command: &mut Command, folder: &Path) {
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env(hprof::env::DIR, folder);
        match &self.folders.shared {
            Some(shared) => command.env(hprof::env::SHARED_DIR, shared),
            None => command.env_remove(hprof::env::SHARED_DIR),
        };
        match &self.switch_before {
            Some(before) => command.env(hprof::env::SWITCH, before),
            None => command.env_remove(hprof::env::SWITCH),
        };
        for (name, before) in &self.variables_before {
            match before {
                Some(before) => command.env(name, before),
                None => command.env_remove(name),
            };
        }
    }
}

/// What follows the name of a launcher: the order, the target, and the program with its arguments.
pub(super) struct Call {
    pub(super) order: PathBuf,
    pub(super) target: OsString,
    pub(super) program: Vec<OsString>,
}

impl Call {
    pub(super) fn parse(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let (order, target, dashes) = (args.next()?, args.next()?, args.next()?);
        (dashes == "--").then(|| Self {
            order: order.into(),
            target,
            program: args.collect(),
        })
    }
}

/// `hprof __launch ORDER TARGET -- PROGRAM ARGS`. Returns the exit code of the program.
pub(crate) fn launcher(args: impl Iterator<Item = OsString>) -> anyhow::Result<u8> {
    let Some(call) = Call::parse(args) else {
        bail!("{LAUNCHER_ARGUMENT} is only for cargo");
    };
    run_program(&call.order, &call.target, call.program)
}

/// Starts a program, or the ranks of it, as an order says, waits for its end and notes what happened. It records into the folder of the order.
pub(crate) fn run_program(
    order: &Path,
    target: &OsStr,
    program: Vec<OsString>,
) -> anyhow::Result<u8> {
    let folder = order.parent().unwrap_or(Path::new("."));
    let order = &Order::read(order)?;
    let noted = program
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let words = if order.ranks_by.is_empty() {
        with_runner(order.runner(target), program)
    } else {
        order.start_ranks(target, program)?
    };
    let mut command = command(words)?;
    order.prepare(&mut command, folder);
    let running = start(&mut command)?;
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

/// A program behind the user's own runner.
pub(super) fn with_runner(runner: &[String], program: Vec<OsString>) -> Vec<OsString> {
    runner.iter().map(OsString::from).chain(program).collect()
}

/// A command of these words.
pub(super) fn command(words: Vec<OsString>) -> anyhow::Result<Command> {
    let mut words = words.into_iter();
    let executable = words
        .next()
        .ok_or_else(|| anyhow!("no program was given"))?;
    let mut command = Command::new(executable);
    command.args(words);
    Ok(command)
}

/// Starts it.
pub(super) fn start(command: &mut Command) -> anyhow::Result<Running> {
    let executable = command.get_program().to_owned();
    process::start(command, Vec::new)
        .with_context(|| format!("cannot start {}", executable.display()))
        .hint(hint_for(&executable))
}

fn hint_for(executable: &OsStr) -> String {
    if Path::new(executable).components().count() > 1 {
        "is it there, executable, and made for this machine?".into()
    } else {
        format!("is {} installed and in PATH?", executable.display())
    }
}
