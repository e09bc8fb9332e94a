//! The resident set in the model: what lines added to it and took from it, and what readings said. Bytes throughout.

use super::units::Nanos;

/// How the resident set changed. Growth and shrinkage are sums of their own: a line that takes and gives back shows both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RssChange {
    /// Growth of anonymous memory: heap, stacks, private mappings.
    pub grown_anonymous: u64,
    /// Shrinkage of anonymous memory.
    pub shrunk_anonymous: u64,
    /// Growth of the resident parts of files and shared memory.
    pub grown_file: u64,
    /// Shrinkage of those.
    pub shrunk_file: u64,
}

impl RssChange {
    /// All growth.
    ///
    /// ```
    /// use hprof::model::RssChange;
    /// let change = RssChange { grown_anonymous: 3, grown_file: 4, ..RssChange::default() };
    /// assert_eq!(change.grown(), 7);
    /// ```
    #[must_use]
    pub const fn grown(&self) -> u64 {
        self.grown_anonymous.saturating_add(self.grown_file)
    }

    /// All shrinkage.
    ///
    /// ```
    /// use hprof::model::RssChange;
    /// let change = RssChange { shrunk_anonymous: 3, shrunk_file: 4, ..RssChange::default() };
    /// assert_eq!(change.shrunk(), 7);
    /// ```
    #[must_use]
    pub const fn shrunk(&self) -> u64 {
        self.shrunk_anonymous.saturating_add(self.shrunk_file)
    }

    /// Growth less shrinkage.
    ///
    /// ```
    /// use hprof::model::RssChange;
    /// let change = RssChange { grown_file: 3, shrunk_anonymous: 4, ..RssChange::default() };
    /// assert_eq!(change.net(), -1);
    /// ```
    #[must_use]
    pub const fn net(&self) -> i64 {
        signed(self.grown()).saturating_sub(signed(self.shrunk()))
    }

    /// Adds other changes to these.
    ///
    /// ```
    /// use hprof::model::RssChange;
    /// let mut sum = RssChange { grown_file: 3, ..RssChange::default() };
    /// sum.add(&RssChange { grown_file: 4, ..RssChange::default() });
    /// assert_eq!(sum.grown_file, 7);
    /// ```
    pub fn add(&mut self, other: &Self) {
        let sum = |to: &mut u64, more: u64| *to = to.saturating_add(more);
        sum(&mut self.grown_anonymous, other.grown_anonymous);
        sum(&mut self.shrunk_anonymous, other.shrunk_anonymous);
        sum(&mut self.grown_file, other.grown_file);
        sum(&mut self.shrunk_file, other.shrunk_file);
    }
}

pub(super) const fn signed(bytes: u64) -> i64 {
    if bytes > i64::MAX.cast_unsigned() {
        i64::MAX
    } else {
        bytes.cast_signed()
    }
}

/// The resident set at the ends of a line, by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineRss {
    /// What changed while it ran.
    pub change: RssChange,
    /// Largest resident set of the process at one of its ends; 0 if it was never looked at.
    pub max_bytes: u64,
    /// Newest resident set at one of its ends; of several contexts the largest.
    pub last_bytes: u64,
    /// Times its end was looked at.
    pub reads: u64,
    /// Part of the growth that rests on samples: the line ran when it was seen, but others of the same loop may have had a share in it.
    pub sampled_bytes: u64,
}

impl LineRss {
    /// How many numbers it is.
    pub(crate) const NUMBERS: usize = 8;

    /// The numbers, for files and other packed forms.
    pub(crate) const fn numbers(&self) -> [u64; Self::NUMBERS] {
        [
            self.change.grown_anonymous,
            self.change.shrunk_anonymous,
            self.change.grown_file,
            self.change.shrunk_file,
            self.max_bytes,
            self.last_bytes,
            self.reads,
            self.sampled_bytes,
        ]
    }

    /// From the numbers.
    pub(crate) const fn of_numbers(numbers: [u64; Self::NUMBERS]) -> Self {
        let [
            grown_anonymous,
            shrunk_anonymous,
            grown_file,
            shrunk_file,
            max_bytes,
            last_bytes,
            reads,
            sampled_bytes,
        ] = numbers;
        Self {
            change: RssChange {
                grown_anonymous,
                shrunk_anonymous,
                grown_file,
                shrunk_file,
            },
            max_bytes,
            last_bytes,
            reads,
            sampled_bytes,
        }
    }

    /// Adds the figures of the same line from another context, thread or process.
    ///
    /// ```
    /// use hprof::model::LineRss;
    /// let mut sum = LineRss { max_bytes: 5, ..LineRss::default() };
    /// sum.add(&LineRss { max_bytes: 7, reads: 1, ..LineRss::default() });
    /// assert_eq!((sum.max_bytes, sum.reads), (7, 1));
    /// ```
    pub fn add(&mut self, other: &Self) {
        self.change.add(&other.change);
        self.max_bytes = self.max_bytes.max(other.max_bytes);
        self.last_bytes = self.last_bytes.max(other.last_bytes);
        self.reads = self.reads.saturating_add(other.reads);
        self.sampled_bytes = self.sampled_bytes.saturating_add(other.sampled_bytes);
    }
}

/// Where the readings of the resident set came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RssSource {
    /// `/proc/self/statm`.
    Procfs,
    /// The crate `sysinfo`, which does not tell files from other memory.
    Sysinfo,
}

/// A reading of the resident set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RssLevel {
    /// Anonymous memory; everything where the source cannot tell.
    pub anonymous_bytes: u64,
    /// Resident parts of files and shared memory, those of the recorder left out.
    pub file_bytes: u64,
}

impl RssLevel {
    /// All of it.
    ///
    /// ```
    /// use hprof::model::RssLevel;
    /// assert_eq!(RssLevel { anonymous_bytes: 2, file_bytes: 3 }.bytes(), 5);
    /// ```
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.anonymous_bytes.saturating_add(self.file_bytes)
    }
}

/// The resident set of a process, where it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessRss {
    /// Source of the readings; `None` if there was none that worked.
    pub source: Option<RssSource>,
    /// When the recording started.
    pub start: RssLevel,
    /// The newest reading.
    pub end: RssLevel,
    /// Highest reading.
    pub peak_bytes: u64,
    /// Changes that no line is known to have made: there was no time to look.
    pub not_read: RssChange,
    /// Changes after the last marker.
    pub rest: RssChange,
    /// Percent of the threads' time that looks were allowed to take.
    pub budget_percent: u32,
    /// Readings taken.
    pub reads: u64,
    /// Looks of markers, those included in which the set was not read because no page had come.
    pub looks: u64,
    /// Time that the looks of all threads took.
    pub own_time: Nanos,
    /// By how many bytes the source moves; `None` if that could not be found out.
    pub resolution_bytes: Option<u64>,
    /// Memory of the machine, or what the process may use of it; `None` if not known.
    pub total_ram: Option<u64>,
}
