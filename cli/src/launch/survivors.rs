//! Processes that a run has left behind: daemons, and programs whose launcher was killed. They go on recording into the run's folder.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use super::spec::LAUNCHER_ARGUMENT;
use crate::raw_header;
use crate::store::raw_files;
use crate::system;

/// Looks at processes that are about to end anyway, before they are said to go on.
const LOOKS: u32 = 15;
/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// No environment or command line is read further.
const MOST_BYTES: u64 = 4 << 20;
/// Processes named in a message.
const NAMED: usize = 8;

/// Who goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survivors {
    /// Process id and name, where they are known.
    processes: Vec<(u32, String)>,
    /// Raw files with a process that is not among those.
    files: usize,
}

impl Survivors {
    /// Those that use this folder now.
    pub(crate) fn of(folder: &Path) -> Self {
        let mut variable = hprof::env::DIR.as_bytes().to_vec();
        variable.push(b'=');
        variable.extend_from_slice(folder.as_os_str().as_bytes());
        let mut processes = Vec::new();
        for pid in others() {
            let has_variable = words(pid, "environ").any(|word| word == variable);
            if has_variable {
                processes.push((pid, name(pid)));
            }
        }
        let mut files = 0;
        for file in raw_files(folder).unwrap_or_default() {
            // An environment can be written over, and is gone after some programs became others.
            match raw_header::writer(&file).map(|writer| writer.pid) {
                Some(Some(pid)) if processes.iter().any(|(known, _)| *known == pid) => {}
                Some(Some(pid)) if !name(pid).is_empty() => processes.push((pid, name(pid))),
                Some(_) => files += 1,
                None => {}
            }
        }
        // A raw file that is about to be begun is one of a process that is known.
        if !processes.is_empty() {
            files = 0;
        }
        processes.sort();
        Self { processes, files }
    }

    /// Those that use it a moment later still: some processes are ended together with the program.
    pub(crate) fn after_a_moment(folder: &Path) -> Self {
        let mut survivors = Self::of(folder);
        for _ in 0..LOOKS {
            if survivors.is_empty() {
                break;
            }
            std::thread::sleep(PAUSE);
            survivors = Self::of(folder);
        }
        survivors
    }

    /// Whether there is nobody.
    pub(crate) fn is_empty(&self) -> bool {
        self.processes.is_empty() && self.files == 0
    }

    /// Whether it is one.
    pub(crate) fn is_one(&self) -> bool {
        self.processes.len().max(self.files) == 1
    }
}

impl fmt::Display for Survivors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.processes.iter().take(NAMED);
        let named: Vec<_> = named.map(|(pid, name)| format!("{pid} ({name})")).collect();
        match (self.processes.len(), self.files) {
            (0, 1) => write!(out, "a process"),
            (0, count) => write!(out, "{count} processes"),
            (1, _) => write!(out, "process {}", named.join(", ")),
            (count, _) if count > NAMED => {
                write!(out, "{count} processes, among them {}", named.join(", "))
            }
            _ => write!(out, "processes {}", named.join(", ")),
        }
    }
}

/// Whether cargo or a launcher is on its way to start the program of this folder.
pub(crate) fn is_being_started(order: &Path) -> bool {
    let order = order.as_os_str().as_bytes();
    let has = |word: &[u8], part: &[u8]| word.windows(part.len()).any(|window| window == part);
    others().into_iter().any(|pid| {
        let words: Vec<_> = words(pid, "cmdline").collect();
        words.iter().any(|word| has(word, order))
            && words
                .iter()
                .any(|word| has(word, LAUNCHER_ARGUMENT.as_bytes()))
    })
}

/// All processes of this user that can be seen, but this one.
fn others() -> Vec<u32> {
    let own = std::process::id();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|pid| *pid != own).collect()
}

/// The words of a file of a process that ends each with a zero byte; none if it may not be read.
fn words(pid: u32, file: &str) -> impl Iterator<Item = Vec<u8>> {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(format!("/proc/{pid}/{file}")) {
        // What was read before an error is good for a look.
        let _ = file.take(MOST_BYTES).read_to_end(&mut bytes);
    }
    let words: Vec<_> = bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    words.into_iter()
}

/// Name of a living process; empty if there is none.
fn name(pid: u32) -> String {
    let alive = libc::pid_t::try_from(pid).is_ok_and(system::exists);
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    let name = String::from_utf8_lossy(&name);
    match name.trim() {
        "" if alive => "?".into(),
        name => name
            .chars()
            .map(|c| if c.is_control() { '?' } else { c })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_is_found_by_its_environment_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep");
        let mut child = child
            .arg("60")
            .env(hprof::env::DIR, folder.path())
            .spawn()
            .unwrap();
        // Between fork and exec it has our environment.
        let found = || {
            let found = Survivors::of(folder.path());
            found
                .processes
                .iter()
                .any(|(pid, name)| *pid == child.id() && name == "sleep")
        };
        assert!((0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            found()
        }));
        assert!(Survivors::of(&folder.path().join("other")).is_empty());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Survivors::of(folder.path()).is_empty());
    }

    #[test]
    fn many_are_counted_and_some_named() {
        let survivors = |count| Survivors {
            processes: (0..count).map(|pid| (pid, "x".into())).collect(),
            files: 0,
        };
        assert_eq!(survivors(1).to_string(), "process 0 (x)");
        assert_eq!(survivors(2).to_string(), "processes 0 (x), 1 (x)");
        assert!(
            survivors(20)
                .to_string()
                .starts_with("20 processes, among them 0 (x)")
        );
    }
}
