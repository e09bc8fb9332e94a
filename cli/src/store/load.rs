//! Reads profiles: saved ones, single raw files, and folders of them.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use hprof::model::{Losses, Profile, merge};
use hprof::pprof_file;
use hprof::raw::layout::{EXTENSION, NOTE_EXTENSION};
use hprof::regular_file;

use super::catalog::saved_profiles;
use crate::failure;
use crate::output;
use crate::raw_header;
use crate::system;

/// Notes that an error lists.
const NOTES_LISTED: usize = 8;

/// A profile, and what could not be made part of it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Everything that could be read, as one.
    pub(crate) profile: Profile,
    /// What of folders could not be read, each with the reason.
    pub(crate) skipped: Vec<anyhow::Error>,
}

/// Reads all of these as one profile. A file that is named must be readable; of a folder at least one file must be.
pub(crate) fn load(paths: &[PathBuf]) -> anyhow::Result<Loaded> {
    let mut parts = Vec::new();
    let mut skipped = Vec::new();
    for path in paths {
        if path.is_dir() {
            load_folder(path, &mut parts, &mut skipped)?;
        } else {
            parts.push(read(path)?);
        }
    }
    tracing::debug!(files = parts.len(), "read");
    Ok(Loaded {
        profile: merge(parts),
        skipped,
    })
}

/// What the raw files of a folder hold.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// What could be read of them, each with its file.
    pub(crate) parts: Vec<(PathBuf, Profile)>,
    /// Files that hold nothing yet, or never will: their process was killed before its recording began.
    pub(crate) not_begun: Vec<anyhow::Error>,
    /// Files that could not be read. What is in them is nowhere else.
    pub(crate) unreadable: Vec<anyhow::Error>,
    /// Processes that could not make their file.
    pub(crate) unrecorded: Vec<anyhow::Error>,
}

impl Recorded {
    /// Reads folders.
    pub(crate) fn read<'a>(folders: impl IntoIterator<Item = &'a Path>) -> io::Result<Self> {
        let mut files = Vec::new();
        let mut recorded = Self::default();
        for folder in folders {
            files.extend(raw_files(folder)?);
            recorded.unrecorded.extend(unrecorded(folder)?);
        }
        let progress = output::Progress::start("reading", files.len());
        for file in files {
            progress.step();
            match read_raw(&file) {
                Ok(part) => recorded.parts.push((file, part)),
                Err(
                    hprof::raw::ReadError::NotBegun { .. } | hprof::raw::ReadError::Empty { .. },
                ) => recorded.not_begun.push(not_begun(&file)),
                Err(error) => recorded.unreadable.push(with_raw_hint(error)),
            }
        }
        Ok(recorded)
    }

    /// Whether there is nothing that could be read, and nothing that could not. A recording may begin before `main`: then a program that enters no
    /// annotated function has a file, but no thread in it.
    pub(crate) fn is_empty(&self) -> bool {
        let holds_something = |(_, profile): &(PathBuf, Profile)| {
            profile.processes.iter().any(|process| {
                !process.threads.is_empty()
                    || process.native.is_some()
                    || process.losses != Losses::default()
            })
        };
        !self.parts.iter().any(holds_something) && self.unreadable.is_empty()
    }

    /// How many files and notes of processes there are, readable or not.
    pub(crate) fn files(&self) -> usize {
        self.parts.len() + self.missing().count()
    }

    /// What is missing and why, one sentence each.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &anyhow::Error> {
        let notes = self.unrecorded.iter().chain(&self.not_begun);
        notes.chain(&self.unreadable)
    }

    /// All parts as one profile, and the files they are from.
    pub(crate) fn into_profile(self) -> (Vec<PathBuf>, Profile) {
        let (files, parts): (Vec<_>, Vec<_>) = self.parts.into_iter().unzip();
        (files, merge(parts))
    }
}

fn not_begun(file: &Path) -> anyhow::Error {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    if raw_header::writer(file).is_some() {
        anyhow!("process {name} is about to begin its recording")
    } else {
        anyhow!("process {name} was killed before its recording began")
    }
}

/// The processes that could not make their raw file in a folder, and why.
fn unrecorded(folder: &Path) -> io::Result<Vec<anyhow::Error>> {
    let mut notes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_none_or(|extension| extension != NOTE_EXTENSION)
        {
            continue;
        }
        // The number of the error, as a link to nowhere.
        let number = fs::read_link(&path).ok();
        let number = number.and_then(|target| target.to_str()?.parse::<i32>().ok());
        let reason = number.map_or_else(
            || "the reason is not known".into(),
            |number| io::Error::from_raw_os_error(number).to_string(),
        );
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        notes.push(anyhow!(
            "process {name} is not recorded: it could not make its file: {reason}"
        ));
    }
    Ok(notes)
}

/// Adds the raw files of a folder.
fn load_folder(
    folder: &Path,
    parts: &mut Vec<Profile>,
    skipped: &mut Vec<anyhow::Error>,
) -> anyhow::Result<()> {
    let recorded =
        Recorded::read([folder]).with_context(|| format!("cannot read {}", folder.display()))?;
    if recorded.parts.is_empty() {
        return Err(nothing_in(folder, recorded));
    }
    parts.extend(recorded.parts.into_iter().map(|(_, part)| part));
    skipped.extend(recorded.unrecorded);
    skipped.extend(recorded.not_begun);
    skipped.extend(recorded.unreadable);
    Ok(())
}

/// Why a folder has no profile.
fn nothing_in(folder: &Path, mut recorded: Recorded) -> anyhow::Error {
    if !recorded.unreadable.is_empty() {
        return recorded.unreadable.remove(0);
    }
    let mut notes: Vec<_> = recorded.missing().map(|note| format!("{note:#}")).collect();
    if notes.is_empty() {
        return failure::with_hint(
            anyhow!("no profile in {}", folder.display()),
            format!("it has no file that ends with .{EXTENSION}"),
        );
    }
    let more = notes.len().saturating_sub(NOTES_LISTED);
    notes.truncate(NOTES_LISTED);
    if more > 0 {
        notes.push(format!("and {more} more"));
    }
    failure::with_hint(
        anyhow!("no profile in {}: {}", folder.display(), notes.join("; ")),
        "hprof list shows the saved profiles",
    )
}

/// Reads a saved profile or a raw file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Profile> {
    if is_packed(path) {
        return pprof_file::read(path).map_err(|error| {
            failure::with_hint(
                anyhow::Error::new(error),
                "expected a profile saved by hprof run",
            )
        });
    }
    read_raw(path).map_err(with_raw_hint)
}

/// Reads a raw file, and whether its process goes on.
fn read_raw(path: &Path) -> Result<Profile, hprof::raw::ReadError> {
    // Asked first: a process that ends meanwhile has ended at a moment that is read.
    let goes_on = raw_header::writer(path).is_some();
    let mut profile = hprof::raw::read(path)?;
    for process in &mut profile.processes {
        process.goes_on = goes_on && !process.finished;
    }
    Ok(profile)
}

fn with_raw_hint(error: hprof::raw::ReadError) -> anyhow::Error {
    let hint = match &error {
        hprof::raw::ReadError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            "hprof list shows the saved profiles"
        }
        _ => "expected a profile saved by hprof run, or a raw file of the recorder",
    };
    failure::with_hint(anyhow::Error::new(error), hint)
}

/// Whether a file begins as saved profiles do. Whatever it is called: `-o` takes any name.
fn is_packed(path: &Path) -> bool {
    let mut start = Vec::new();
    // Opening a pipe would wait for its other end.
    let file = regular_file::open(path).ok().flatten();
    file.is_some_and(|file| file.take(2).read_to_end(&mut start).is_ok()) && start == [0x1f, 0x8b]
}

/// The saved profiles and raw files of a folder, by name.
pub(crate) fn profiles_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = raw_files(folder)?;
    let saved = saved_profiles(folder)?;
    files.extend(saved.into_iter().map(|saved| saved.path));
    files.sort();
    Ok(files)
}

/// The raw files of a folder, by name. Where others may write, such as in `/tmp`, only our own count, and no links.
pub(crate) fn raw_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    let shared = fs::metadata(folder)?.mode() & WRITABLE_BY_OTHERS != 0;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_raw = path
            .extension()
            .is_some_and(|extension| extension == EXTENSION);
        // Of the entry itself, not of what a link points to.
        let trusted = |facts: fs::Metadata| facts.is_file() && facts.uid() == system::user_id();
        if is_raw && (!shared || entry.metadata().is_ok_and(trusted)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    #[test]
    fn in_shared_folders_only_own_files_count() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        fs::write(place("own.hpraw"), "").unwrap();
        symlink(place("own.hpraw"), place("link.hpraw")).unwrap();
        fs::write(place("foreign.hpraw"), "").unwrap();
        let names = || -> Vec<_> {
            let files = raw_files(folder.path()).unwrap();
            let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
            files.iter().map(name).collect()
        };
        assert_eq!(names(), ["foreign", "link", "own"]);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        if chown(place("foreign.hpraw"), Some(65_534), None).is_ok() {
            assert_eq!(names(), ["own"]);
        } else {
            let note = b"SKIPPED: this user may not give files away\n";
            io::stderr().write_all(note).unwrap();
            assert_eq!(names(), ["foreign", "own"]);
        }
    }
}
