//! The launcher of one rank of a parallel job: what `mpirun` or `srun` starts in place of the program, perhaps on another machine. It gives the program
//! its variables, which not every launcher hands on, and brings what it recorded to a folder that all machines see, however the program ended.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::bail;
use hprof::raw::layout::{EXTENSION, HEADER_BYTES, NOTE_EXTENSION};
use tempfile::TempDir;

use super::launcher;
use super::process::exit_code;
use super::rank_note::RankNote;
use super::records::{self, memory_folder};
use super::spec::{Call, LaunchSpec, RANK_ARGUMENT, spec_in};
use crate::output;

/// `hprof __rank ORDER TARGET -- PROGRAM ARGS`. Returns the exit code of the program.
pub(crate) fn rank_launcher(args: impl Iterator<Item = OsString>) -> anyhow::Result<u8> {
    let Some(call) = Call::parse(args) else {
        bail!("{RANK_ARGUMENT} is only for launchers of parallel jobs");
    };
    let spec = LaunchSpec::read(&call.spec)?;
    let shared = call.spec.parent().unwrap_or(Path::new("."));
    let place = Place::find(&spec, shared);
    let mut command = launcher::command(launcher::with_runner(
        spec.runner(&call.target),
        call.program,
    ))?;
    spec.prepare(&mut command, place.folder());
    let running = launcher::start(&mut command)?;
    let mut note = RankNote::of_this_process();
    let mut kept = note.write(shared);
    let ended = launcher::wait(running, place.folder(), true)?;
    note.ended = Some(ended.clone());
    kept = kept.and_then(|()| note.write(shared));
    if let Err(error) = kept {
        output::say(format_args!(
            "cannot note how {} ended: {error}",
            note.name()
        ));
    }
    if let Err(error) = place.bring_home(shared) {
        output::say(format_args!(
            "cannot bring what {} on {} recorded to {}: {error}",
            note.name(),
            note.host,
            shared.display()
        ));
    }
    Ok(exit_code(ended.end()))
}

/// Where a rank records.
enum Place {
    /// Into the folder of the run itself: this is the machine of the command.
    Run(PathBuf),
    /// Into memory of another machine.
    Memory(TempDir),
    /// Another machine without room in memory: straight into the folder that all see.
    Shared(PathBuf),
}

impl Place {
    fn find(spec: &LaunchSpec, shared: &Path) -> Self {
        // A folder of that name on another machine would be that of another run.
        let here = &spec.folders.here;
        let is_of_this_run = LaunchSpec::read(&spec_in(here))
            .is_ok_and(|found| found.folders.shared.as_deref() == Some(shared));
        if is_of_this_run {
            return Self::Run(here.clone());
        }
        match memory_folder().map(|memory| records::private_folder(&memory, "hprof-rank-")) {
            Some(Ok(folder)) => Self::Memory(folder),
            _ => Self::Shared(shared.to_owned()),
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Run(folder) | Self::Shared(folder) => folder,
            Self::Memory(folder) => folder.path(),
        }
    }

    /// Copies what lies in the memory of this machine. What cannot be copied is kept there.
    fn bring_home(self, shared: &Path) -> io::Result<()> {
        let Self::Memory(folder) = self else {
            return Ok(());
        };
        let copied = copy_records(folder.path(), shared);
        if copied.is_err() {
            let _ = folder.keep();
        }
        copied
    }
}

/// Copies raw files and the notes of processes that could not make one.
fn copy_records(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let path = entry.path();
        let place = to.join(entry.file_name());
        let extension = path.extension().unwrap_or_default();
        if extension == NOTE_EXTENSION {
            std::os::unix::fs::symlink(fs::read_link(&path)?, place)?;
        } else if extension == EXTENSION {
            copy_raw_file(&path, &place)?;
        } else if entry.file_type()?.is_file() {
            fs::copy(&path, place)?;
        }
    }
    Ok(())
}

/// Copies what is used of a raw file; the rest is a hole in it.
fn copy_raw_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = File::open(from)?;
    let length = file.metadata()?.len();
    let mut start = vec![0; usize::try_from(length).unwrap_or(0).min(HEADER_BYTES)];
    file.read_exact(&mut start)?;
    let used = hprof::raw::peek(&start).map_or(length, |header| header.used.min(length));
    let folder = to.parent().unwrap_or(Path::new("."));
    let mut copy = tempfile::Builder::new()
        .prefix(".copying-")
        .tempfile_in(folder)?;
    io::Write::write_all(&mut copy, &start)?;
    let rest = used.saturating_sub(start.len() as u64);
    io::copy(&mut file.take(rest), &mut copy)?;
    copy.as_file().set_len(length)?;
    copy.persist(to)?;
    Ok(())
}

/// What should have started the ranks of a job, and did not: it has said why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedLauncher {
    /// Its words.
    command: Vec<String>,
    code: u8,
}

impl RefusedLauncher {
    /// If this command failed before it started a rank. That of a user's own may be anything: it has to have the name of one.
    pub(crate) fn of(command: &[String], ranks: &[RankNote], code: u8) -> Option<Self> {
        let refused = code != 0 && ranks.is_empty() && is_launcher(command);
        refused.then(|| Self {
            command: command.to_vec(),
            code,
        })
    }

    /// Says what may help.
    pub(crate) fn say(&self) {
        let name = self.command.first().map(String::as_str).unwrap_or_default();
        output::say(format_args!(
            "nothing was recorded: {name} ended with exit code {} and has started no rank",
            self.code
        ));
        if is_mpirun(name) {
            output::say(
                "hint: as root Open MPI wants --allow-run-as-root, and for more ranks than cores --oversubscribe, \
                 as in: mpirun --allow-run-as-root --oversubscribe -n 4",
            );
        }
    }
}

fn is_launcher(command: &[String]) -> bool {
    let name = command.first().map(String::as_str).unwrap_or_default();
    is_mpirun(name) || file_name(name) == "srun"
}

fn is_mpirun(name: &str) -> bool {
    let name = file_name(name);
    let base = name.split('.').next().unwrap_or(name);
    matches!(base, "mpirun" | "mpiexec" | "orterun" | "prterun")
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
