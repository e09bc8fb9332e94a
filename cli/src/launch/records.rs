//! The folder a run records into, and what hprof and its launchers tell each other there.
//!
//! | file | written by | content |
//! |---|---|---|
//! | `order.json` | hprof, before the run | how to start the program ([`Order`]) |
//! | `lock` | hprof | locked as long as hprof lives |
//! | `launch-<pid>.json` | the launcher `pid` | what was started, and how it ended ([`Launch`]); locked as long as it runs |
//! | `*.hpraw` | the program | one raw file for each process |

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use hprof::model::{End, Nanos};
use hprof::regular_file;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::launcher::Order;
use super::process::{Ended, Running};
use crate::raw_header::RawHeader;
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
const LAUNCH_PREFIX: &str = "launch-";
const PREFIX_ON_DISK: &str = ".recording-";

/// The folder of a run. It is deleted when this goes, unless it was kept.
#[derive(Debug)]
pub(crate) struct Records {
    folder: TempDir,
    /// Locked; the system opens it again when the process ends, however it does.
    _lock: File,
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
    /// Exit code, unless a signal ended it.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
}

impl LaunchEnd {
    fn new(ended: &Ended) -> Self {
        let (code, signal) = match ended.end {
            End::Code(code) => (Some(code), None),
            End::Signal(signal) => (None, Some(signal)),
        };
        Self {
            wall_ns: nanos(ended.wall).0,
            cpu_ns: nanos(ended.cpu).0,
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
    /// Makes the folder, in memory if possible, otherwise below `disk`.
    pub(crate) fn create(disk: &Path, order: &Order) -> anyhow::Result<Self> {
        Self::create_in(memory_folder(), disk, order)
    }

    fn create_in(memory: Option<PathBuf>, disk: &Path, order: &Order) -> anyhow::Result<Self> {
        let folder = memory.and_then(|memory| private_folder(&memory, &prefix_in_memory()).ok());
        let folder = match folder {
            Some(folder) => folder,
            None => fs::create_dir_all(disk)
                .and_then(|()| private_folder(disk, PREFIX_ON_DISK))
                .with_context(|| {
                    format!(
                        "cannot make a folder to record in, below {}",
                        disk.display()
                    )
                })?,
        };
        tracing::debug!(folder = %folder.path().display(), "recording");
        let lock = File::create(folder.path().join(LOCK))?;
        lock.lock()?;
        fs::write(folder.path().join(ORDER), serde_json::to_vec(order)?)?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file that tells a launcher what to do.
    pub(crate) fn order(&self) -> PathBuf {
        self.folder().join(ORDER)
    }

    /// Leaves the folder where it is.
    pub(crate) fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

fn private_folder(parent: &Path, prefix: &str) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
}

/// A launcher's note of what it started.
#[derive(Debug)]
pub(crate) struct LaunchNote {
    path: PathBuf,
    launch: Launch,
    /// Locked until the note is complete.
    _lock: File,
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
        let lock = File::create(&path)?;
        lock.lock()?;
        let launch = Launch {
            launcher,
            command,
            start_unix_ns: running.start_unix_ns(),
            ended: None,
        };
        fs::write(&path, serde_json::to_vec(&launch)?)?;
        Ok(Self {
            path,
            launch,
            _lock: lock,
        })
    }

    /// Writes that it has ended.
    pub(crate) fn end(mut self, ended: &Ended) -> anyhow::Result<()> {
        self.launch.ended = Some(LaunchEnd::new(ended));
        fs::write(&self.path, serde_json::to_vec(&self.launch)?)?;
        Ok(())
    }
}

/// What the launchers noted in a folder, in the order they started; notes that are being written are left out.
pub(crate) fn launches(folder: &Path) -> io::Result<Vec<Launch>> {
    let mut launches: Vec<Launch> = notes(folder)?
        .iter()
        .filter_map(|path| serde_json::from_slice(&regular_file::read(path, LONGEST).ok()?).ok())
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

/// Folders of runs whose profiles would be in `runs`, and whose hprof is no more.
pub(crate) fn orphans(runs: &Path) -> Vec<PathBuf> {
    let in_memory = prefix_in_memory();
    let places = [
        (Path::new(MEMORY), in_memory.as_str()),
        (runs, PREFIX_ON_DISK),
    ];
    let mut orphans = Vec::new();
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
            if ours && order(&folder).is_some_and(|order| order.runs == runs) && !is_alive(&folder)
            {
                orphans.push(folder);
            }
        }
    }
    orphans.sort();
    orphans
}

fn order(folder: &Path) -> Option<Order> {
    serde_json::from_slice(&regular_file::read(&folder.join(ORDER), LONGEST).ok()?).ok()
}

/// Whether the hprof, a launcher or a program of a folder of records still lives.
fn is_alive(folder: &Path) -> bool {
    let locked = |path: &Path| File::open(path).is_ok_and(|file| file.try_lock().is_err());
    let written = |path: &PathBuf| {
        RawHeader::read(path)
            .ok()
            .flatten()
            .is_some_and(|header| header.is_written())
    };
    locked(&folder.join(LOCK))
        || notes(folder).is_ok_and(|notes| notes.iter().any(|note| locked(note)))
        || raw_files(folder).is_ok_and(|files| files.iter().any(written))
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
        assert!(is_alive(&folder));
        assert!(orphans(runs.path()).is_empty());
        drop(records);
        assert!(!folder.exists());
    }

    /// Orphans, once there are any: a child that another test is starting holds our locks until it is another program.
    fn orphans_in_time(runs: &Path) -> Vec<PathBuf> {
        for _ in 0..500 {
            let found = orphans(runs);
            if !found.is_empty() {
                return found;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Vec::new()
    }

    #[test]
    fn a_kept_folder_is_an_orphan_of_its_package_once_nobody_holds_it() {
        let runs = tempfile::tempdir().unwrap();
        let folder = create(runs.path()).keep();
        assert_eq!(orphans_in_time(runs.path()), std::slice::from_ref(&folder));
        assert!(orphans(&runs.path().join("other")).is_empty());
        fs::remove_dir_all(folder).unwrap();
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
            let records = Records::create_in(memory, &runs, &order).unwrap();
            assert_eq!(records.folder().parent(), Some(&*runs));
            assert!(crate::store::saved_profiles(&runs).unwrap().is_empty());
            let folder = records.keep();
            assert_eq!(orphans_in_time(&runs), std::slice::from_ref(&folder));
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
