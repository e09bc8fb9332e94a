//! What is noted of each rank of a parallel job, in the folder that all machines see.

use std::env;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::launches::{LaunchEnd, read_note};
use crate::mpi_library::MpiKind;
use crate::system;

/// A rank that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RankNote {
    /// Its rank, as far as the launcher's variables tell.
    pub(crate) rank: Option<u32>,
    /// Number of ranks, likewise.
    pub(crate) ranks: Option<u32>,
    /// Name of the machine.
    pub(crate) host: String,
    /// Process id of the launcher there.
    pub(crate) launcher: u32,
    /// The kind of MPI that its launcher is of, if that is known.
    #[serde(default)]
    pub(crate) started_by: Option<MpiKind>,
    /// Missing while the program runs.
    pub(crate) ended: Option<LaunchEnd>,
}

impl RankNote {
    pub(super) fn of_this_process() -> Self {
        let (rank, ranks) = hprof::env::rank();
        Self {
            rank,
            ranks,
            host: host(),
            launcher: std::process::id(),
            started_by: MpiKind::of_launcher(|name| env::var_os(name).is_some()),
            ended: None,
        }
    }

    /// Whether it has not ended, as far as is known, and is on another machine.
    pub(super) fn goes_on_elsewhere(&self) -> bool {
        self.ended.is_none() && self.host != host()
    }

    pub(super) fn name(&self) -> String {
        match self.rank {
            Some(rank) => format!("rank {rank}"),
            None => "a process of the job".into(),
        }
    }

    pub(super) fn write(&self, shared: &Path) -> io::Result<()> {
        let name = format!("{NOTE_PREFIX}{}-{}.json", self.host, self.launcher);
        let unfinished = shared.join(format!(".{name}"));
        fs::write(&unfinished, serde_json::to_vec(self)?)?;
        fs::rename(&unfinished, shared.join(name))
    }
}

const NOTE_PREFIX: &str = "rank-";

/// What was noted of the ranks of a job, by rank.
pub(crate) fn rank_notes(shared: &Path) -> io::Result<Vec<RankNote>> {
    let mut notes: Vec<RankNote> = Vec::new();
    for entry in fs::read_dir(shared)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(NOTE_PREFIX)
            && let Ok(note) = read_note(&entry.path())
        {
            notes.push(note);
        }
    }
    notes.sort_by(|a, b| (a.rank, &a.host, a.launcher).cmp(&(b.rank, &b.host, b.launcher)));
    Ok(notes)
}

/// Name of this machine, with nothing that would trouble a file name.
fn host() -> String {
    let name = system::host().unwrap_or_default();
    let fit = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let name: String = name.chars().filter(fit).take(64).collect();
    if name.is_empty() {
        "localhost".into()
    } else {
        name
    }
}
