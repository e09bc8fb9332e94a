//! What the samples measure: the columns of their values, in the order of the file.

/// Number of columns.
pub(super) const COLUMNS: usize = 14;

/// Kind and unit of each column.
pub(super) const SAMPLE_TYPES: [(&str, &str); COLUMNS] = [
    ("hits", "count"),
    ("time", "nanoseconds"),
    ("cpu", "nanoseconds"),
    ("await", "nanoseconds"),
    ("calls", "count"),
    ("primitive_calls", "count"),
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("free_objects", "count"),
    ("free_space", "bytes"),
    // Blocks that were not freed at the end, and when the heap was at its peak.
    ("live_space", "bytes"),
    ("peak_space", "bytes"),
    // Growth and shrinkage of the resident set, apart as everywhere; 0 in all samples where it was not recorded.
    ("rss_growth", "bytes"),
    ("rss_shrink", "bytes"),
];

/// The column that other tools show first.
pub(super) const DEFAULT: &str = SAMPLE_TYPES[TIME].0;

/// Column of the time of a line, exact and sampled.
pub(super) const TIME: usize = 1;
/// Column of the CPU time.
pub(super) const CPU: usize = 2;
/// Column of the calls of a function, on a sample at its first line.
pub(super) const CALLS: usize = 4;
/// Column of its primitive calls, likewise.
pub(super) const PRIMITIVE_CALLS: usize = 5;

/// Labels of each sample, with what they hold.
pub(super) mod label {
    /// Name and thread id, `main:4711`.
    pub(in super::super) const THREAD: &str = "thread";
    /// Host, process id and start in nanoseconds since the Unix epoch, `node3:4711:1767225599000000000`.
    pub(in super::super) const PROCESS: &str = "process";
    /// Rank in a parallel job, `r0007`: text, because pprof drops the number 0 and takes digits for a range.
    pub(in super::super) const RANK: &str = "rank";
}

/// One value for each column.
pub(super) type Values = [u64; COLUMNS];
