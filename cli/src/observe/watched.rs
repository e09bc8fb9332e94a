//! One process as seen from outside: its memory and CPU time, and what each of its threads does on which line.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use hprof::model::{Nanos, Reading, WaitCause};
use hprof::raw::observed::EXTENSION;
use hprof::raw::{LiveFile, LiveThread, ObservedFile};

use super::looks::Looks;
use super::timeline::Timeline;
use super::wait_cause::{self, Doing};
use crate::system;

/// Threads whose files stay open.
const OPEN_FILES: usize = 16;
/// Threads of a process that are looked at each time.
const MOST_THREADS: usize = 256;
/// Threads are counted at one look of so many.
const COUNT_EVERY: u64 = 4;
/// Bytes of a page, which the system counts in.
const PAGE: u64 = 4096;

/// A process that records.
#[derive(Debug)]
pub(super) struct Watched {
    raw: PathBuf,
    live: LiveFile,
    /// `/proc/PID`.
    folder: PathBuf,
    pid: libc::pid_t,
    statm: File,
    threads: HashMap<u32, ThreadWatch>,
    timeline: Timeline,
    looks: Looks,
    count: u64,
    knows_causes: bool,
    tasks: u32,
    peak_rss: u64,
    at_peak: Vec<u64>,
}

/// What is remembered of a thread between two looks.
#[derive(Debug, Default)]
struct ThreadWatch {
    files: Option<(File, File)>,
    /// Time on a processor, and waiting for one, nanoseconds.
    ran: u64,
    queued: u64,
    /// The part of a look, in thousandths, by which the thread waited for a processor and no look has said so yet.
    owed: u64,
}

impl Watched {
    /// The process of a raw file; `None` if it is gone, or does not record yet.
    pub(super) fn new(raw: &Path) -> io::Result<Option<Self>> {
        let Some(live) = LiveFile::open(raw)? else {
            return Ok(None);
        };
        let Ok(pid) = libc::pid_t::try_from(live.start.pid) else {
            return Ok(None);
        };
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let Ok(statm) = File::open(folder.join("statm")) else {
            return Ok(None);
        };
        let looks = Looks::new(live.start.start_mono_ns);
        Ok(Some(Self {
            raw: raw.to_owned(),
            live,
            folder,
            pid,
            statm,
            threads: HashMap::new(),
            timeline: Timeline::default(),
            looks,
            count: 0,
            knows_causes: false,
            tasks: 0,
            peak_rss: 0,
            at_peak: Vec::new(),
        }))
    }

    pub(super) fn pid(&self) -> libc::pid_t {
        self.pid
    }

    pub(super) fn raw(&self) -> &Path {
        &self.raw
    }

    /// Looks once; `false` if the process has ended.
    pub(super) fn look(&mut self, now: u64) -> bool {
        let Some(rss_bytes) = self.resident_bytes() else {
            return false;
        };
        if self.live.refresh().is_err() {
            return false;
        }
        self.count += 1;
        let threads: Vec<LiveThread> = self.live.threads().take(MOST_THREADS).collect();
        if rss_bytes > self.peak_rss {
            self.peak_rss = rss_bytes;
            self.at_peak = threads.iter().map(|thread| thread.cell).collect();
        }
        for thread in &threads {
            self.look_at(now, *thread);
        }
        let cpu = system::process_cpu_ns(self.pid).unwrap_or(0);
        if self.count % COUNT_EVERY == 1 {
            // One link for each thread, and two for the folder itself.
            let links = fs::metadata(self.folder.join("task")).map_or(2, |facts| facts.nlink());
            self.tasks = u32::try_from(links.saturating_sub(2)).unwrap_or(u32::MAX);
        }
        self.timeline.add(Reading {
            at: Nanos(now),
            rss_bytes,
            cpu: Nanos(cpu),
            threads: self.tasks,
            live_bytes: self.live.live_bytes(),
        });
        true
    }

    /// `None` once the process has ended: then the system has no memory of it.
    fn resident_bytes(&self) -> Option<u64> {
        let (all, resident) = two_numbers(&self.statm)?;
        (all > 0).then(|| resident.saturating_mul(PAGE))
    }

    fn look_at(&mut self, now: u64, thread: LiveThread) {
        let has_room = self.threads.len() < OPEN_FILES;
        let watch = self.threads.entry(thread.tid).or_default();
        let folder = || self.folder.join("task").join(thread.tid.to_string());
        let open = || {
            Some((
                File::open(folder().join("schedstat")).ok()?,
                File::open(folder().join("syscall")).ok()?,
            ))
        };
        let opened;
        let files = if let Some(files) = &watch.files {
            files
        } else {
            let Some(files) = open() else {
                return;
            };
            opened = files;
            &opened
        };
        let Some(doing) = doing(&files.1, &self.folder) else {
            // It has ended, and another may get its number; or the system does not tell.
            self.threads.remove(&thread.tid);
            return;
        };
        self.knows_causes = true;
        let waits_for = match doing {
            Doing::Waiting(cause) => Some(cause),
            Doing::Running => {
                let Some((ran, queued)) = two_numbers(&files.0) else {
                    return;
                };
                let (run, queue) = (
                    ran.saturating_sub(watch.ran),
                    queued.saturating_sub(watch.queued),
                );
                (watch.ran, watch.queued) = (ran, queued);
                // The system does not say which of the two it is at this moment, but how its time since it was last seen so was spent.
                let part = queue
                    .saturating_mul(1000)
                    .checked_div(run.saturating_add(queue));
                watch.owed = watch.owed.saturating_add(part.unwrap_or(0));
                let is_queued = watch.owed >= 1000;
                watch.owed -= if is_queued { 1000 } else { 0 };
                is_queued.then_some(WaitCause::RunQueue)
            }
        };
        if has_room && watch.files.is_none() {
            watch.files = open();
        }
        self.looks.add(now, thread.cell, waits_for);
    }

    /// Leaves what was seen beside the raw file. `cost_ns` is what looking took.
    pub(super) fn write(self, cost_ns: u64) -> io::Result<()> {
        if self.count == 0 {
            return Ok(());
        }
        let file = ObservedFile {
            cost_ns,
            looks: self.count,
            knows_causes: self.knows_causes,
            bucket_ns: self.looks.bucket_ns(),
            readings: self.timeline.into_readings(),
            lines: self.looks.into_lines(),
            at_peak: self.at_peak,
        };
        let folder = self.raw.parent().unwrap_or(Path::new("."));
        let mut out = tempfile::Builder::new()
            .prefix(".observed-")
            .tempfile_in(folder)?;
        out.write_all(file.text().as_bytes())?;
        out.persist(self.raw.with_extension(EXTENSION))?;
        Ok(())
    }
}

/// The first two numbers of a file of the system: of `statm` all pages and those that are resident; of `schedstat` the time on a processor and that
/// of waiting for one, nanoseconds.
fn two_numbers(file: &File) -> Option<(u64, u64)> {
    let mut text = [0; 96];
    let length = file.read_at(&mut text, 0).ok()?;
    let text = str::from_utf8(text.get(..length)?).ok()?;
    let mut fields = text.split_whitespace();
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn doing(file: &File, process: &Path) -> Option<Doing> {
    let mut text = [0; 256];
    let length = file.read_at(&mut text, 0).ok()?;
    let text = str::from_utf8(text.get(..length)?).ok()?;
    wait_cause::parse(text, |number| wait_cause::descriptor(process, number))
}
