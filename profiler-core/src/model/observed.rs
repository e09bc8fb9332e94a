//! What hprof's launcher saw of a process from outside while it ran: its memory and CPU time over time, on which lines its threads stood, and what those that did
//! not work were waiting for. Nothing of it costs the process anything.

use super::place::{FunctionId, Place};
use super::units::Nanos;

/// Parts of the run in which looks at a line are counted.
pub const BUCKETS: usize = 64;

/// What a thread that does not work is waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitCause {
    /// A time: `sleep`.
    Sleep,
    /// Another thread: a mutex, a condition variable, a channel, a join. On Linux all of them are futexes.
    Lock,
    /// A file on a disk.
    Disk,
    /// A socket.
    Network,
    /// A pipe or a terminal.
    Pipe,
    /// The end of a child process.
    Child,
    /// A page that is not in memory.
    PageFault,
    /// A processor: it could work, and others had them all.
    RunQueue,
    /// Anything else, such as one of several files (`poll`).
    Other,
}

impl WaitCause {
    /// All of them, in the order of [`LineLooks::waits`].
    pub const ALL: [Self; 9] = [
        Self::Sleep,
        Self::Lock,
        Self::Disk,
        Self::Network,
        Self::Pipe,
        Self::Child,
        Self::PageFault,
        Self::RunQueue,
        Self::Other,
    ];

    /// A word for it.
    ///
    /// ```
    /// assert_eq!(hprof::model::WaitCause::RunQueue.name(), "run queue");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sleep => "sleep",
            Self::Lock => "lock",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Pipe => "pipe",
            Self::Child => "child",
            Self::PageFault => "page fault",
            Self::RunQueue => "run queue",
            Self::Other => "other",
        }
    }
}

/// The process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// From the start of the recording.
    pub at: Nanos,
    /// Resident set.
    pub rss_bytes: u64,
    /// CPU time of all threads since the process started.
    pub cpu: Nanos,
    /// Threads.
    pub threads: u32,
    /// Bytes allocated and not freed, by the counting allocator; `None` where it did not run.
    pub live_bytes: Option<u64>,
}

/// Looks that found a thread on a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineLooks {
    /// The line.
    pub place: Place,
    /// Looks that found the thread at work.
    pub working: u64,
    /// Looks that found it waiting, by cause, in the order of [`WaitCause::ALL`].
    pub waits: [u64; WaitCause::ALL.len()],
    /// All looks by the part of the run they fell in, each [`Observed::bucket`] long.
    pub buckets: [u32; BUCKETS],
}

impl LineLooks {
    /// Adds those of the same line, with buckets of the same length.
    pub(crate) fn add(&mut self, other: &Self) {
        self.working = self.working.saturating_add(other.working);
        for (sum, more) in self.waits.iter_mut().zip(other.waits) {
            *sum = sum.saturating_add(more);
        }
        for (sum, more) in self.buckets.iter_mut().zip(other.buckets) {
            *sum = sum.saturating_add(more);
        }
    }
}

/// When a function was seen open: control was in it, or in what it called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFunction {
    /// The function.
    pub function: FunctionId,
    /// The first look that found it, from the start of the recording.
    pub first: Nanos,
    /// The last one.
    pub last: Nanos,
}

/// What was seen of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// CPU time that looking took, outside of the process.
    pub cost: Nanos,
    /// Looks at the process.
    pub looks: u64,
    /// Whether the system told what threads were waiting for.
    pub knows_causes: bool,
    /// Length of a part of the run in [`LineLooks::buckets`].
    pub bucket: Nanos,
    /// Ascending by time, at most 4,096: of longer runs every second one was dropped, as often as that took.
    pub readings: Vec<Reading>,
    /// Ascending by place.
    pub lines: Vec<LineLooks>,
    /// Ascending by function.
    pub functions: Vec<OpenFunction>,
    /// The lines on which threads stood when the resident set was the largest that was seen.
    pub at_peak: Vec<Place>,
}

impl Observed {
    /// The reading with the largest resident set, the first of several.
    #[must_use]
    pub fn peak(&self) -> Option<&Reading> {
        self.readings
            .iter()
            .rev()
            .max_by_key(|reading| reading.rss_bytes)
    }

    /// Renames functions.
    pub(crate) fn rename(&mut self, rename: impl Fn(&mut FunctionId)) {
        let lines = self.lines.iter_mut().map(|line| &mut line.place);
        for place in lines.chain(&mut self.at_peak) {
            rename(&mut place.function);
        }
        for open in &mut self.functions {
            rename(&mut open.function);
        }
        self.lines.sort_by_key(|line| line.place);
        self.functions.sort_by_key(|open| open.function);
    }
}
