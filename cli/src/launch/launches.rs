//! The programs that were started: what each launcher notes of its own, and how that one ended.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hprof::model::End;
use hprof::regular_file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// No note is longer.
const LONGEST: u64 = 16 << 20;
/// A file that holds nothing: its room is given to a note for which there is none.
pub(super) const ROOM: &str = "room";
/// A note is written with so many spaces behind it, so that the end of the program has room in the same bytes.
const NOTE_PADDING: usize = 512;
const LAUNCH_PREFIX: &str = "launch-";

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

/// How a program ended, and what it took until then.
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
    /// From what was measured.
    pub(super) fn new(end: End, wall: Duration, cpu: Duration, user: Option<u32>) -> Self {
        let (code, signal) = match end {
            End::Code(code) => (Some(code), None),
            End::Signal(signal) => (None, Some(signal)),
        };
        Self {
            wall_ns: nanos(wall),
            cpu_ns: nanos(cpu),
            user,
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

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
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
        start_unix_ns: u64,
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
                start_unix_ns,
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
    pub(crate) fn end(mut self, ended: &LaunchEnd) -> anyhow::Result<()> {
        self.launch.ended = Some(ended.clone());
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

/// The files of the notes of launches.
pub(super) fn notes(folder: &Path) -> io::Result<Vec<PathBuf>> {
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
