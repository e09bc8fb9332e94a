//! What is seen of the program at its end, and noted in its raw file if it could not tell itself: a process that is killed while it waits shows no sign of
//! life after its last marker.

use std::fs;
use std::path::{Path, PathBuf};

use hprof::raw::RawStart;

use crate::raw_header;
use crate::store::raw_files;
use crate::system;

/// Letters of a process' name that the system keeps.
const NAME_BYTES: usize = 15;

/// A process at its end, before it was collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Witness {
    pid: u32,
    /// When the system started it, in its clock ticks.
    started: u64,
    /// Its name: that of the program it was in the end, unless it chose another.
    name: Vec<u8>,
    /// When that was, by `CLOCK_MONOTONIC`.
    mono_ns: u64,
}

impl Witness {
    /// Looks at a child that has ended and is not collected. `None` where the system does not say who it was.
    pub(crate) fn of(pid: libc::pid_t) -> Option<Self> {
        let mono_ns = system::monotonic_ns();
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let (name, started) = parse(&stat)?;
        Some(Self {
            pid: u32::try_from(pid).ok()?,
            started,
            name: name.to_vec(),
            mono_ns,
        })
    }

    /// Notes the end in the file of the process, unless that has told. A process that became another program has a file for each of them, or one of an
    /// earlier program alone, which had ended before.
    pub(crate) fn note(&self, folder: &Path) {
        let files = raw_files(folder).unwrap_or_default();
        let own = files.into_iter().filter_map(|path| {
            let header = raw_header::read(&path)?;
            let is_own = header.pid == self.pid && header.process_started == self.started;
            is_own.then_some((path, header))
        });
        let newest: Option<(PathBuf, RawStart)> =
            own.max_by_key(|(_, header)| header.start_mono_ns);
        if let Some((path, _)) = newest.filter(|(_, header)| self.ended_as(header))
            && let Err(error) = raw_header::note_end(&path, self.mono_ns)
        {
            tracing::debug!(%error, path = %path.display(), "no note of the end");
        }
    }

    /// Whether the recording of this file broke off with the process.
    fn ended_as(&self, header: &RawStart) -> bool {
        let name = header.exe.file_name().unwrap_or_default();
        let name = name.as_encoded_bytes();
        let name = &name[..name.len().min(NAME_BYTES)];
        !header.finished && name == self.name && header.start_mono_ns <= self.mono_ns
    }
}

/// Name and start of a process: the second field, which is in brackets and may have any letters, and the one 20 after it.
fn parse(stat: &[u8]) -> Option<(&[u8], u64)> {
    let opening = stat.iter().position(|byte| *byte == b'(')?;
    let closing = stat.iter().rposition(|byte| *byte == b')')?;
    let name = stat.get(opening + 1..closing)?;
    let mut fields = stat[closing..].split(|byte| *byte == b' ').skip(1);
    let started = str::from_utf8(fields.nth(19)?).ok()?.parse().ok()?;
    Some((name, started))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_start_are_found_whatever_the_name_is() {
        let stat = b"7 (a) (b) 1) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 0 0";
        assert_eq!(parse(stat), Some((&b"a) (b) 1"[..], 4711)));
        assert_eq!(parse(b"7 (a) Z 1"), None);
        assert_eq!(parse(b")("), None);
    }

    #[test]
    fn only_the_last_program_of_a_process_ended_with_it() {
        let witness = |name: &str| Witness {
            pid: 1,
            started: 2,
            name: name.as_bytes().to_vec(),
            mono_ns: 9,
        };
        let header = |exe: &str, finished, start_mono_ns| RawStart {
            pid: 1,
            process_started: 2,
            start_mono_ns,
            finished,
            exe: exe.into(),
            used: 0,
        };
        let long = "/bin/a-name-of-many-letters";
        assert!(witness("a-name-of-many-").ended_as(&header(long, false, 9)));
        assert!(!witness("sleep").ended_as(&header(long, false, 9)));
        assert!(!witness("a-name-of-many-").ended_as(&header(long, true, 9)));
        assert!(!witness("a-name-of-many-").ended_as(&header(long, false, 10)));
    }
}
