//! The folder a run records into, and what hprof and its launchers tell each other there.
//!
//! | file | written by | content |
//! |---|---|---|
//! | `order.json` | hprof, before the run | how to start the program ([`Order`]) |
//! | `lock` | hprof | locked as long as hprof lives |
//! | `room` | hprof | nothing: its room is given to a note for which there is none |
//! | `launch-<pid>.json` | the launcher `pid` | what was started, and how it ended ([`Launch`]); locked as long as it runs |
//! | `*.hpraw` | the program | one raw file for each process |
//!
//! A run on several machines has a second folder, on a disk that all of them see, with an order and a lock as well:
//!
//! | file | written by | content |
//! |---|---|---|
//! | `rank-<host>-<pid>.json` | the launcher `pid` of a rank | which rank, and how it ended ([`RankNote`](super::RankNote)) |
//! | `*.hpraw` | the launcher of a rank, or the program | one raw file for each process of another machine |

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use hprof::model::{End, Nanos};
use hprof::regular_file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::launcher::{Folders, Order};
use super::process::{Ended, Running};
use super::rank::{RankNote, rank_notes};
use super::survivors::{self, Survivors};
use crate::store::raw_files;
use crate::system;

/// Below this much free memory a folder on disk is used.
const MEMORY_NEEDED: u64 = 128 << 20;
/// File system in memory, on Linux.
const MEMORY: &str = "/dev/shm";
/// No order and no note is longer.
const LONGEST: u64 = 16 << 20;
const ORDER: &str = "order.json";
const LOCK: &str = "lock";
const ROOM: &str = "room";
/// Bytes of `room`.
const ROOM_BYTES: usize = 64 << 10;
/// A note is written with so many spaces behind it, so that the end of the program has room in the same bytes.
const NOTE_PADDING: usize = 512;
const LAUNCH_PREFIX: &str = "launch-";
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

    fn write_order(&self, order: &Order) -> anyhow::Result<()> {
        Ok(fs::write(
            order_in(self.path()),
            serde_json::to_vec(order)?,
        )?)
    }
}

/// The order in a folder of records.
pub(super) fn order_in(folder: &Path) -> PathBuf {
    folder.join(ORDER)
}

/// One start of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Launch {
    /// Process id of the launcher.
    pub(crate) launcher: i32,
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// Start, nanoseconds since the Unix epoch.
    pub(crate) start_unix_ns: u64,
    /// Missing while the program runs.
    pub(crate) ended: Option<LaunchEnd>,
}

/// The end of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LaunchEnd {
    /// From start to end.
    pub(crate) wall_ns: u64,
    /// User and system time.
    pub(crate) cpu_ns: u64,
    /// The user that the program ended as, if that is known.
    #[serde(default)]
    pub(crate) user: Option<u32>,
    /// Exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
}

impl LaunchEnd {
    pub(super) fn new(ended: &Ended) -> Self {
        let (code, signal) = match ended.end {
            End::Code(code) => (Some(code), None),
            End::Signal(signal) => (None, Some(signal)),
        };
        Self {
            wall_ns: nanos(ended.wall).0,
            cpu_ns: nanos(ended.cpu).0,
            user: ended.user,
            code,
            signal,
        }
    }

    /// How the program ended.
    pub(crate) fn end(&self) -> End {
        self.signal
            .map_or(End::Code(self.code.unwrap_or_default()), End::Signal)
    }
}

fn nanos(time: std::time::Duration) -> Nanos {
    Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
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
    pub(crate) fn create(disk: &Path, order: &Order) -> anyhow::Result<Self> {
        if order.ranks_by.is_empty() {
            Self::create_in(memory_folder(), disk, None, order)
        } else {
            Self::create_shared(disk, order)
        }
    }

    /// Makes both folders: the program may itself start others on other machines.
    pub(crate) fn create_shared(disk: &Path, order: &Order) -> anyhow::Result<Self> {
        let shared = LockedFolder::new(LockedFolder::on_disk(&std::path::absolute(disk)?)?)?;
        Self::create_in(memory_folder(), disk, Some(shared), order)
    }

    fn create_in(
        memory: Option<PathBuf>,
        disk: &Path,
        shared: Option<LockedFolder>,
        order: &Order,
    ) -> anyhow::Result<Self> {
        let folder = memory.and_then(|memory| private_folder(&memory, &prefix_in_memory()).ok());
        let folder = match folder {
            Some(folder) => folder,
            None => LockedFolder::on_disk(disk)?,
        };
        tracing::debug!(folder = %folder.path().display(), "recording");
        let folder = LockedFolder::new(folder)?;
        let order = Order {
            folders: Folders {
                here: folder.path().to_owned(),
                shared: shared.as_ref().map(|shared| shared.path().to_owned()),
            },
            ..order.clone()
        };
        for folder in std::iter::once(&folder).chain(&shared) {
            folder.write_order(&order)?;
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
    pub(crate) fn order(&self) -> PathBuf {
        order_in(self.folder())
    }

    /// Whether a launcher has started its program, though there may have been no room for its note.
    pub(crate) fn has_started(&self) -> bool {
        notes(self.folder()).is_ok_and(|notes| !notes.is_empty())
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

/// A launcher's note of what it started. Where it cannot be written the program runs all the same.
#[derive(Debug)]
pub(crate) struct LaunchNote {
    launch: Launch,
    /// Locked until the note is complete.
    file: File,
}

impl LaunchNote {
    /// Writes that a program has started.
    pub(crate) fn start(
        folder: &Path,
        command: Vec<String>,
        running: &Running,
    ) -> anyhow::Result<Self> {
        let launcher = i32::try_from(std::process::id())?;
        let path = folder.join(format!("{LAUNCH_PREFIX}{launcher}.json"));
        let make_room = || fs::remove_file(folder.join(ROOM));
        let create = || {
            File::options()
                .write(true)
                .create(true)
                .truncate(true)
                .open(&path)
        };
        let file =
            create().or_else(|error| make_room().map_err(|_| error).and_then(|()| create()))?;
        file.lock()?;
        let note = Self {
            launch: Launch {
                launcher,
                command,
                start_unix_ns: running.start_unix_ns(),
                ended: None,
            },
            file,
        };
        // The lock alone tells that a program was started.
        let written = note.write().is_ok() || (make_room().is_ok() && note.write().is_ok());
        tracing::debug!(written, "note of the start");
        Ok(note)
    }

    /// Writes that it has ended.
    pub(crate) fn end(mut self, ended: &Ended) -> anyhow::Result<()> {
        self.launch.ended = Some(LaunchEnd::new(ended));
        self.write()
    }

    /// Writes the note over the older one, which takes no more room than that.
    fn write(&self) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec(&self.launch)?;
        if self.launch.ended.is_none() {
            text.extend_from_slice(&[b' '; NOTE_PADDING]);
        }
        self.file.write_all_at(&text, 0)?;
        Ok(())
    }
}

/// What the launchers noted in a folder, in the order they started; notes that are being written are left out.
pub(crate) fn launches(folder: &Path) -> io::Result<Vec<Launch>> {
    let mut launches: Vec<Launch> = notes(folder)?
        .iter()
        .filter_map(|path| read_note(path).ok())
        .collect();
    launches.sort_by_key(|launch| launch.start_unix_ns);
    Ok(launches)
}

/// As [`launches`], once all of them have ended: cargo itself may be gone before, after a Ctrl-C.
pub(crate) fn finished_launches(folder: &Path) -> io::Result<Vec<Launch>> {
    for path in notes(folder)? {
        File::open(path)?.lock()?;
    }
    launches(folder)
}

/// Reads a note of a launcher.
pub(super) fn read_note<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    Ok(serde_json::from_slice(&regular_file::read(path, LONGEST)?)?)
}

fn notes(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut notes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(LAUNCH_PREFIX)
        {
            notes.push(entry.path());
        }
    }
    Ok(notes)
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
            if ours && order(&folder).is_some_and(|order| order.runs == runs) {
                folders.push(folder);
            }
        }
    }
    folders.sort();
    folders
}

fn order(folder: &Path) -> Option<Order> {
    serde_json::from_slice(&regular_file::read(&folder.join(ORDER), LONGEST).ok()?).ok()
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
    let launched = notes(folder).is_ok_and(|notes| notes.iter().any(is_locked));
    let survivors = Survivors::of(folder);
    if !survivors.is_empty() {
        return Claim::Alive(survivors);
    }
    // Of ranks on other machines nobody here can tell whether they go on.
    let notes = rank_notes(folder).unwrap_or_default();
    if notes.iter().any(RankNote::goes_on_elsewhere) {
        return Claim::Others;
    }
    if launched || survivors::is_being_started(&folder.join(ORDER)) {
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
        let order = Order {
            runs: runs.to_owned(),
            ..Order::default()
        };
        Records::create(runs, &order).unwrap()
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
        let order = Order {
            runs: runs.clone(),
            ..Order::default()
        };
        let nowhere = parent.path().join("missing");
        for memory in [None, Some(nowhere)] {
            let records = Records::create_in(memory, &runs, None, &order).unwrap();
            assert_eq!(records.folder().parent(), Some(&*runs));
            assert!(crate::store::saved_profiles(&runs).unwrap().is_empty());
            let folder = records.keep().remove(0);
            claimed(&folder).delete().unwrap();
        }
    }
}
