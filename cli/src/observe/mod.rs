//! Looks at the processes of a run from outside while they run: a thread of the launcher, which costs the program nothing. It reads `/proc` and the raw files, at first
//! once a millisecond, and over a run of ten seconds for no more than a hundredth of a core.

mod looks;
mod timeline;
mod wait_cause;
mod watched;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use watched::Watched;

use crate::store::raw_files;
use crate::system;

/// Distance of looks at first, and at most, nanoseconds.
const PERIOD_NS: u64 = 1_000_000;
const LONGEST_PERIOD_NS: u64 = 1_000_000_000;
/// What looking may take before it has to be rare, nanoseconds of CPU time.
const CREDIT_NS: u64 = 10_000_000;
/// After that one part in so many of the time.
const SHARE: u64 = 110;
/// Distance of searches for new processes, nanoseconds, and in the first second.
const SEARCH_NS: u64 = 100_000_000;
const FIRST_SEARCH_NS: u64 = 10_000_000;
const FIRST_NS: u64 = 1_000_000_000;
/// Processes that are watched at the same time.
const MOST_PROCESSES: usize = 64;
/// Parents that are asked for, upwards.
const MOST_PARENTS: usize = 32;

/// A thread that looks.
#[derive(Debug)]
pub(crate) struct Observer {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Observer {
    /// Begins to look at this process and those that it starts, as far as they record into the folder. `None` where that is not possible.
    pub(crate) fn start(folder: &Path, child: libc::pid_t) -> Option<Self> {
        let (stop, stopped) = mpsc::channel();
        let folder = folder.to_owned();
        let thread = thread::Builder::new()
            .name("observer".into())
            .spawn(move || {
                let mut round = Round::new(folder, child);
                while matches!(
                    stopped.recv_timeout(Duration::from_nanos(round.period)),
                    Err(RecvTimeoutError::Timeout)
                ) {
                    round.look();
                }
                round.finish();
            });
        thread.ok().map(|thread| Self { stop, thread })
    }

    /// Stops, and leaves what was seen beside the raw files.
    pub(crate) fn finish(self) {
        // A thread that has ended by itself has nothing to be told.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::debug!("the observer has failed");
        }
    }
}

/// The processes that are looked at in turn.
struct Round {
    folder: PathBuf,
    child: libc::pid_t,
    processes: Vec<Watched>,
    ended: Vec<Watched>,
    /// Raw files that are watched, or of processes that are none of ours.
    known: HashSet<PathBuf>,
    began: u64,
    searched: u64,
    period: u64,
    spent: u64,
}

impl Round {
    fn new(folder: PathBuf, child: libc::pid_t) -> Self {
        Self {
            folder,
            child,
            processes: Vec::new(),
            ended: Vec::new(),
            known: HashSet::new(),
            began: system::monotonic_ns(),
            searched: 0,
            period: PERIOD_NS,
            spent: system::thread_cpu_ns(),
        }
    }

    fn look(&mut self) {
        let now = system::monotonic_ns();
        let is_early = now.saturating_sub(self.began) < FIRST_NS;
        let distance = if is_early { FIRST_SEARCH_NS } else { SEARCH_NS };
        if self.processes.is_empty() || now.saturating_sub(self.searched) >= distance {
            self.search();
            self.searched = now;
        }
        for mut process in std::mem::take(&mut self.processes) {
            if process.look(now) {
                self.processes.push(process);
            } else {
                self.ended.push(process);
            }
        }
        let spent = system::thread_cpu_ns();
        let cost = spent.saturating_sub(self.spent);
        self.spent = spent;
        self.period = if spent < CREDIT_NS {
            PERIOD_NS
        } else {
            cost.saturating_mul(SHARE)
                .clamp(PERIOD_NS, LONGEST_PERIOD_NS)
        };
    }

    /// Finds raw files of processes that are new.
    fn search(&mut self) {
        for raw in raw_files(&self.folder).unwrap_or_default() {
            if self.known.contains(&raw) || self.processes.len() >= MOST_PROCESSES {
                continue;
            }
            // One that does not record yet is asked again.
            if let Ok(Some(process)) = Watched::new(&raw) {
                if descends_from(process.pid(), self.child) {
                    self.processes.push(process);
                }
                self.known.insert(raw);
            }
        }
    }

    fn finish(self) {
        for process in self.processes.into_iter().chain(self.ended) {
            let raw = process.raw().to_owned();
            if let Err(error) = process.write(self.spent) {
                tracing::debug!(?raw, %error, "cannot write what was seen");
            }
        }
    }
}

/// Whether a process is this one, or was started by it.
fn descends_from(pid: libc::pid_t, ancestor: libc::pid_t) -> bool {
    let mut pid = pid;
    for _ in 0..MOST_PARENTS {
        if pid == ancestor {
            return true;
        }
        let Some(parent) = parent_of(pid).filter(|parent| *parent > 1) else {
            return false;
        };
        pid = parent;
    }
    false
}

fn parent_of(pid: libc::pid_t) -> Option<libc::pid_t> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state parent ...`, where the name may hold any bytes.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = str::from_utf8(stat.get(end + 1..)?).ok()?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_child_descends_from_us_and_we_do_not_from_it() {
        let mut child = std::process::Command::new("sleep")
            .arg("5")
            .spawn()
            .unwrap();
        let [own, other] = [std::process::id(), child.id()].map(u32::cast_signed);
        assert!(descends_from(other, own) && descends_from(own, own));
        assert!(!descends_from(own, other));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
