//! The cells of one thread as plain numbers, with what was still open when the recording ended.

use core::mem::offset_of;

use super::bytes::Bytes;
use crate::model::gaps::{GapCell, MAX_TICKS};
use crate::model::{LineLive, LineRss, RssChange};
use crate::raw::layout::{Cell, MemoryWords};

/// `Cell::state`: the marker reads the clock, bare or between fences.
const STATES_TIMED: [u64; 2] = [1, 3];

/// What a cell counted. Times in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CellCounts {
    pub(super) hits: u64,
    /// Intervals that began at the cell's markers, timed or not; set once the tree is known.
    pub(super) intervals: u64,
    /// Never negative: the fenced clock subtracts the cost of its markers, which may be more than a line took.
    pub(super) time: u64,
    pub(super) gap_time: u64,
    pub(super) awaited: u64,
    pub(super) timed: bool,
    /// Intervals of the last window before the line was demoted, and their time.
    pub(super) window: (u64, u64),
    pub(super) allocs: u64,
    pub(super) alloc_bytes: u64,
    pub(super) frees: u64,
    pub(super) free_bytes: u64,
    /// Live blocks.
    pub(super) live: LineLive,
    /// The resident set, where the cell has memory words.
    pub(super) rss: Option<LineRss>,
}

impl CellCounts {
    pub(super) fn read(bytes: Bytes<'_>, at: usize) -> Self {
        let word = |field: usize| bytes.u64(at + field);
        let ticks = |field: usize| bytes.i64(at + field).max(0).unsigned_abs().min(MAX_TICKS);
        Self {
            hits: word(offset_of!(Cell, hits)),
            intervals: word(offset_of!(Cell, hits)),
            time: ticks(offset_of!(Cell, time)),
            gap_time: word(offset_of!(Cell, gap_time)).min(MAX_TICKS),
            awaited: word(offset_of!(Cell, await_time)).min(MAX_TICKS),
            timed: STATES_TIMED.contains(&word(offset_of!(Cell, state))),
            window: (
                word(offset_of!(Cell, left)),
                ticks(offset_of!(Cell, window_time)),
            ),
            allocs: word(offset_of!(Cell, allocs)),
            alloc_bytes: word(offset_of!(Cell, alloc_bytes)),
            frees: word(offset_of!(Cell, frees)),
            free_bytes: word(offset_of!(Cell, free_bytes)),
            live: LineLive::default(),
            rss: None,
        }
    }

    /// Adds what the memory words at `words` say, if the cell at `at` has them there; their address in the recording process is
    /// `address`. Returns whether it has them elsewhere, which makes no sense.
    pub(super) fn read_memory(
        &mut self,
        bytes: Bytes<'_>,
        at: usize,
        words: usize,
        address: u64,
    ) -> bool {
        let found = bytes.u64(at + offset_of!(Cell, memory));
        if found == address {
            self.rss = Some(line_rss(bytes, words));
        }
        found != 0 && found != address
    }

    /// Whether anything was counted. State and window alone say nothing of the program.
    pub(super) fn is_empty(&self) -> bool {
        let counted = Self {
            intervals: 0,
            timed: false,
            window: (0, 0),
            rss: self.rss.filter(|rss| *rss != LineRss::default()),
            ..*self
        };
        counted == Self::default()
    }

    pub(super) fn for_split(&self, node: Option<usize>) -> GapCell {
        let (timed, ticks) = self.window;
        let prior = if self.timed || timed == 0 {
            0
        } else {
            u128::from(ticks) * u128::from(self.intervals) / u128::from(timed)
        };
        GapCell {
            node,
            gap: self.gap_time,
            prior,
        }
    }
}

/// Memory words of a line.
fn line_rss(bytes: Bytes<'_>, at: usize) -> LineRss {
    let word = |field: usize| bytes.u64(at + field);
    LineRss {
        change: rss_change(bytes, at),
        max_bytes: word(offset_of!(MemoryWords, max)),
        last_bytes: word(offset_of!(MemoryWords, last)),
        reads: word(offset_of!(MemoryWords, reads)),
        sampled_bytes: word(offset_of!(MemoryWords, sampled)),
    }
}

/// The changes that memory words hold.
pub(super) fn rss_change(bytes: Bytes<'_>, at: usize) -> RssChange {
    let word = |field: usize| bytes.u64(at + field);
    RssChange {
        grown_anonymous: word(offset_of!(MemoryWords, grown_anonymous)),
        shrunk_anonymous: word(offset_of!(MemoryWords, shrunk_anonymous)),
        grown_file: word(offset_of!(MemoryWords, grown_file)),
        shrunk_file: word(offset_of!(MemoryWords, shrunk_file)),
    }
}
