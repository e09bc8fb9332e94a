//! The launcher: cargo starts it in place of the program. It alone switches the recording on, so build scripts, proc macros and
//! cargo itself stay silent, and it measures the program alone, without the build.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, anyhow, bail};

use super::launches::{LaunchEnd, LaunchNote};
use super::process::{self, Running, exit_code};
use super::spec::{Call, LAUNCHER_ARGUMENT, LaunchSpec};
use crate::failure::Hint;
use crate::observe::Observer;
use crate::output;

/// `hprof __launch ORDER TARGET -- PROGRAM ARGS`. Returns the exit code of the program.
pub(crate) fn launcher(args: impl Iterator<Item = OsString>) -> anyhow::Result<u8> {
    let Some(call) = Call::parse(args) else {
        bail!("{LAUNCHER_ARGUMENT} is only for cargo");
    };
    run_program(&call.spec, &call.target, call.program)
}

/// Starts a program, or the ranks of it, as its specification says, waits for its end and notes what happened. It records into the folder of that.
pub(crate) fn run_program(
    spec: &Path,
    target: &OsStr,
    program: Vec<OsString>,
) -> anyhow::Result<u8> {
    let folder = spec.parent().unwrap_or(Path::new("."));
    let spec = &LaunchSpec::read(spec)?;
    let noted = program
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let words = if spec.ranks_by.is_empty() {
        with_runner(spec.runner(target), program)
    } else {
        spec.start_ranks(target, program)?
    };
    let mut command = command(words)?;
    spec.prepare(&mut command, folder);
    let running = start(&mut command)?;
    let note = LaunchNote::start(folder, noted, running.start_unix_ns());
    // Each rank has a launcher that looks at it.
    let ended = wait(running, folder, spec.ranks_by.is_empty())?;
    if let Err(error) = note.and_then(|note| note.end(&ended)) {
        // What the program recorded, and its exit code, are worth more than how long it took.
        output::say(format_args!("cannot note how the program ended: {error:#}"));
    }
    Ok(exit_code(ended.end()))
}

/// Waits for the end of a program that records into a folder, notes there who it was, and looks at it meanwhile if nobody else does.
pub(super) fn wait(running: Running, folder: &Path, looks: bool) -> io::Result<LaunchEnd> {
    let observer = looks.then(|| Observer::start(folder, running.pid()));
    let (ended, witness) = running.wait()?;
    if let Some(observer) = observer.flatten() {
        observer.finish();
    }
    if let Some(witness) = witness {
        witness.note(folder);
    }
    Ok(ended)
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
