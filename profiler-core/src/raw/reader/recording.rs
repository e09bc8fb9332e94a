//! A raw file in parts, before it becomes a profile.

use core::mem::offset_of;

use super::bytes::Bytes;
use super::header::HeaderFacts;
use super::heap::HeapEntries;
use super::own_cost::Prices;
use super::records::{PairsAt, Records};
use super::sites::SiteTable;
use crate::raw::layout::Header;

/// Everything found in a file, before it becomes a profile.
pub(super) struct Recording<'a> {
    pub(super) bytes: Bytes<'a>,
    pub(super) header: HeaderFacts,
    pub(super) records: &'a Records,
    pub(super) sites: &'a SiteTable,
    pub(super) heap: HeapEntries,
    /// Whether CPU times of lines are known: markers read them, or a sampler saw them.
    pub(super) knows_cpu: bool,
    /// Ticks at the end of the recording, or at the newest sign of life.
    pub(super) end_ticks: u64,
    /// A timed line whose mean interval is shorter than this is below the resolution of the clock; picoseconds.
    pub(super) shortest_interval_ps: u64,
    pub(super) prices: Prices,
}

impl Recording<'_> {
    /// Start of the process, nanoseconds since the Unix epoch.
    pub(super) fn start_unix_ns(&self) -> u64 {
        self.bytes.u64(offset_of!(Header, start_unix_ns))
    }
}

/// The records that name a thread as theirs.
#[derive(Clone, Debug, Default)]
pub(super) struct ThreadParts {
    /// Indices in [`Records::nodes`], ascending.
    pub(super) nodes: Vec<usize>,
    pub(super) pairs: Vec<PairsAt>,
}
