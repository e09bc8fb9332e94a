//! The folder a run records into, and what hprof and its launchers tell each other there.
//!
//! | file | written by | content |
//! |---|---|---|
//! | `order.json` | hprof, before the run | how to start the program ([`LaunchSpec`]) |
//! | `lock` | hprof | locked as long as hprof lives |
//! | `room` | hprof | nothing: its room is given to a note for which there is none |
//! | `launch-<pid>.json` | the launcher `pid` | what was started, and how it ended ([`Launch`](super::Launch)); locked as long as it runs |
//! | `*.hpraw` | the program | one raw file for each process |
//!
//! A run on several machines has a second folder, on a disk that all of them see, with a specification and a lock as well:
//!
//! | file | written by | content |
//! |---|---|---|
//! | `rank-<host>-<pid>.json` | the launcher `pid` of a rank | which rank, and how it ended ([`RankNote`](super::RankNote)) |
//! | `*.hpraw` | the launcher of a rank, or the program | one raw file for each process of another machine |

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::TempDir;

use super::launches::{self, ROOM};
use super::rank_note::{RankNote, rank_notes};
use super::spec::{Folders, LaunchSpec, spec_in};
use super::survivors::{self, Survivors};
use crate::store::raw_files;
use crate::system;

/// Below this much free memory a folder on disk is used.
const MEMORY_NEEDED: u64 = 128 << 20;
/// File system in memory, on Linux.
const MEMORY: &str = "/dev/shm";
const LOCK: &str = "lock";
/// Bytes of `room`.
const ROOM_BYTES: usize = 64 << 10;
const PREFIX_ON_DISK: &str = ".recording-";

/// The folder of a run. It is deleted when this goes, unless it was kept.
#[derive(Debug)]
pub(crate) struct Records {
    folder: LockedFolder,
    /// Seen by all machines that take part.
    shared: Option<LockedFolder>,
}

/// A folder that is locked as long as hprof lives.
#[derive(Debug)]
struct LockedFolder {
    folder: TempDir,
    /// The system opens it again when the process ends, however it does.
    _lock: File,
}

impl LockedFolder {
    fn new(folder: TempDir) -> io::Result<Self> {
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// On disk, below `disk`.
    fn on_disk(disk: &Path) -> anyhow::Result<TempDir> {
        fs::create_dir_all(disk)
            .and_then(|()| private_folder(disk, PREFIX_ON_DISK))
            .with_context(|| {
                format!(
                    "cannot make a folder to record in, below {}",
                    disk.display()
                )
            })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write_spec(&self, spec: &LaunchSpec) -> anyhow::Result<()> {
        Ok(fs::write(spec_in(self.path()), serde_json::to_vec(spec)?)?)
    }
}

/// Folder for raw files that never touch a disk, where there is one with room.
pub(crate) fn memory_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(MEMORY);
    let room = system::free_bytes(&folder).is_ok_and(|free| free >= MEMORY_NEEDED);
    (system::is_in_memory(&folder) && room).then_some(folder)
}

fn prefix_in_memory() -> String {
    format!("hprof-{}-", system::user_id())
}

impl Records {
    /// Makes the folder, in memory if possible, otherwise below `disk`; and the shared one below that, if the program is started as ranks.
    pub(crate) fn create(disk: &Path, spec: &LaunchSpec) -> anyhow::Result<Self> {
        if spec.ranks_by.is_empty() {
            Self::create_in(memory_folder(), disk, None, spec)
        } else {
            Self::create_shared(disk, spec)
        }
    }

    /// Makes both folders: the program may itself start others on other machines.
    pub(crate) fn create_shared(disk: &Path, spec: &LaunchSpec) -> anyhow::Result<Self> {
        let shared = LockedFolder::new(LockedFolder::on_disk(&std::path::absolute(disk)?)?)?;
        Self::create_in(memory_folder(), disk, Some(shared), spec)
    }

    fn create_in(
        memory: Option<PathBuf>,
        disk: &Path,
        shared: Option<LockedFolder>,
        spec: &LaunchSpec,
    ) -> anyhow::Result<Self> {
        let folder = memory.and_then(|memory| private_folder(&memory, &prefix_in_memory()).ok());
        let folder = match folder {
            Some(folder) => folder,
            None => LockedFolder::on_disk(disk)?,
        };
        tracing::debug!(folder = %folder.path().display(), "recording");
        let folder = LockedFolder::new(folder)?;
        let spec = LaunchSpec {
            folders: Folders {
                here: folder.path().to_owned(),
                shared: shared.as_ref().map(|shared| shared.path().to_owned()),
            },
            ..spec.clone()
        };
        for folder in std::iter::once(&folder).chain(&shared) {
            folder.write_spec(&spec)?;
        }
        // The run can do without.
        let _ = fs::write(folder.path().join(ROOM), vec![0_u8; ROOM_BYTES]);
        Ok(Self { folder, shared })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All folders with raw files.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.folder)
            .chain(&self.shared)
            .map(LockedFolder::path)
    }

    /// What was noted of the ranks; none if the run had no launcher of ranks.
    pub(crate) fn ranks(&self) -> Vec<RankNote> {
        let shared = self.shared.as_ref();
        let notes = shared.map(|shared| rank_notes(shared.path()).unwrap_or_default());
        notes.unwrap_or_default()
    }

    /// The file that tells a launcher what to do.
    pub(crate) fn spec(&self) -> PathBuf {
        spec_in(self.folder())
    }

    /// Whether a launcher has started its program, though there may have been no room for its note.
    pub(crate) fn has_started(&self) -> bool {
        launches::notes(self.folder()).is_ok_and(|notes| !notes.is_empty())
            || raw_files(self.folder()).is_ok_and(|files| !files.is_empty())
            || !self.folder().join(ROOM).exists()
    }

    /// Leaves the folders where they are, and names those that have raw files, or at least one.
    pub(crate) fn keep(self) -> Vec<PathBuf> {
        let has_files = |folder: &PathBuf| raw_files(folder).is_ok_and(|files| !files.is_empty());
        let folder = self.folder.folder.keep();
        let shared = self.shared.map(|shared| shared.folder.keep());
        std::iter::once(folder)
            .chain(shared.filter(has_files))
            .collect()
    }
}

/// A folder that nobody else can look into.
pub(super) fn private_folder(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
}

/// What a folder of records is to `hprof recover`.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Its hprof lives, or another `hprof recover` has it, or it is gone.
    Others,
    /// Its hprof is no more, but these go on recording.
    Alive(Survivors),
    /// It is nobody's but ours now.
    Orphan(Orphan),
}

/// A folder of records that is nobody else's as long as this value lives.
#[derive(Debug)]
pub(crate) struct Orphan {
    folder: PathBuf,
    _lock: File,
}

impl Orphan {
    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it is the folder for other machines of a run whose own folder is another one: most runs never use it.
    pub(crate) fn is_for_other_machines(&self) -> bool {
        LaunchSpec::read(&spec_in(&self.folder))
            .is_ok_and(|spec| spec.folders.shared.as_ref() == Some(&self.folder))
    }

    /// Deletes it with all that is in it.
    pub(crate) fn delete(self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)
    }
}

/// Folders of runs whose profiles would be in `runs`, whoever has them now.
pub(crate) fn folders_of(runs: &Path) -> Vec<PathBuf> {
    let in_memory = prefix_in_memory();
    let places = [
        (Path::new(MEMORY), in_memory.as_str()),
        (runs, PREFIX_ON_DISK),
    ];
    let mut folders = Vec::new();
    for (parent, prefix) in places {
        let Ok(entries) = fs::read_dir(parent) else {
            continue;
        };
        for entry in entries.flatten() {
            let folder = entry.path();
            let ours = entry.file_name().to_string_lossy().starts_with(prefix)
                && entry
                    .metadata()
                    .is_ok_and(|facts| facts.is_dir() && facts.uid() == system::user_id());
            if ours && LaunchSpec::read(&spec_in(&folder)).is_ok_and(|spec| spec.runs == runs) {
                folders.push(folder);
            }
        }
    }
    folders.sort();
    folders
}

/// Takes a folder whose hprof, launchers and programs are all gone. Of several that try it at once one succeeds.
pub(crate) fn claim(folder: &Path) -> Claim {
    let path = folder.join(LOCK);
    let Ok(lock) = File::options().read(true).write(true).open(&path) else {
        return Claim::Others;
    };
    let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    let is_there = || Some(same(&lock.metadata().ok()?, &fs::metadata(&path).ok()?));
    // Whoever had it before may have deleted the folder meanwhile.
    if lock.try_lock().is_err() || is_there() != Some(true) {
        return Claim::Others;
    }
    let is_locked = |path: &PathBuf| File::open(path).is_ok_and(|file| file.try_lock().is_err());
    let launched = launches::notes(folder).is_ok_and(|notes| notes.iter().any(is_locked));
    let survivors = Survivors::of(folder);
    if !survivors.is_empty() {
        return Claim::Alive(survivors);
    }
    // Of ranks on other machines nobody here can tell whether they go on.
    let notes = rank_notes(folder).unwrap_or_default();
    if notes.iter().any(RankNote::goes_on_elsewhere) {
        return Claim::Others;
    }
    if launched || survivors::is_being_started(&spec_in(folder)) {
        return Claim::Others;
    }
    Claim::Orphan(Orphan {
        folder: folder.to_owned(),
        _lock: lock,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(runs: &Path) -> Records {
        let spec = LaunchSpec {
            runs: runs.to_owned(),
            ..LaunchSpec::default()
        };
        Records::create(runs, &spec).unwrap()
    }

    #[test]
    fn folder_is_private_and_goes_with_the_run() {
        let runs = tempfile::tempdir().unwrap();
        let records = create(runs.path());
        let folder = records.folder().to_owned();
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(folders_of(runs.path()), std::slice::from_ref(&folder));
        assert!(matches!(claim(&folder), Claim::Others));
        drop(records);
        assert!(!folder.exists());
    }

    /// The folder, once nobody else has it: a child that another test is starting holds our locks until it is another program.
    fn claimed(folder: &Path) -> Orphan {
        for _ in 0..500 {
            if let Claim::Orphan(orphan) = claim(folder) {
                return orphan;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("nobody gave {} up", folder.display());
    }

    #[test]
    fn a_kept_folder_is_an_orphan_of_its_package_once_nobody_holds_it() {
        let runs = tempfile::tempdir().unwrap();
        let folder = create(runs.path()).keep().remove(0);
        assert!(folders_of(&runs.path().join("other")).is_empty());
        let orphan = claimed(&folder);
        assert!(
            matches!(claim(&folder), Claim::Others),
            "one of two gets it"
        );
        orphan.delete().unwrap();
        assert!(matches!(claim(&folder), Claim::Others), "it is gone");
        assert!(folders_of(runs.path()).is_empty());
    }

    #[test]
    fn without_memory_the_folder_is_next_to_the_profiles() {
        let parent = tempfile::tempdir().unwrap();
        let runs = parent.path().join("hprof-runs");
        let spec = LaunchSpec {
            runs: runs.clone(),
            ..LaunchSpec::default()
        };
        let nowhere = parent.path().join("missing");
        for memory in [None, Some(nowhere)] {
            let records = Records::create_in(memory, &runs, None, &spec).unwrap();
            assert_eq!(records.folder().parent(), Some(&*runs));
            assert!(crate::store::saved_profiles(&runs).unwrap().is_empty());
            let folder = records.keep().remove(0);
            claimed(&folder).delete().unwrap();
        }
    }
}
