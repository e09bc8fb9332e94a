//! The cells of one thread as plain numbers, with what was still open when the recording ended.

use core::mem::{offset_of, size_of};

use super::bytes::Bytes;
use crate::model::cpu::CpuCell;
use crate::model::gap_cell::{GapCell, MAX_TICKS};
use crate::model::{LineCost, LineRss, RssChange};
use crate::raw::layout::{
    CELL_PROBED, CELL_TIMED, CELL_WAS_LONG, Cell, MEMORY_UNIT, MemoryWords, PROBES,
};

/// `Cell::state`: the marker reads the clock, bare or between fences.
const STATES_TIMED: [u64; 3] = [CELL_TIMED, CELL_PROBED, CELL_WAS_LONG];

/// What a cell counted. Times in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CellCounts {
    /// What is counted, and needs no more than to be read: hits, allocations, live blocks, the resident set.
    pub(super) counted: LineCost,
    /// Intervals that began at the cell's markers, timed or not; set once the tree is known.
    pub(super) intervals: u64,
    /// Never negative: the fenced clock subtracts the cost of its markers, which may be more than a line took.
    pub(super) time: u64,
    pub(super) gap_time: u64,
    pub(super) awaited: u64,
    pub(super) timed: bool,
    /// Long exact intervals: their time, and the CPU time in it.
    pub(super) long: (u64, u64),
    /// The same of long gaps.
    pub(super) long_gaps: (u64, u64),
    /// Intervals of the window between fences, before the line was demoted, and the time of each quarter of them.
    pub(super) probes: (u64, [u64; PROBES]),
}

impl CellCounts {
    pub(super) fn read(bytes: Bytes<'_>, at: usize) -> Self {
        let word = |field: usize| bytes.u64(at + field);
        let ticks = |field: usize| bytes.i64(at + field).max(0).unsigned_abs().min(MAX_TICKS);
        Self {
            intervals: word(offset_of!(Cell, hits)),
            time: ticks(offset_of!(Cell, time)),
            gap_time: word(offset_of!(Cell, gap_time)).min(MAX_TICKS),
            awaited: word(offset_of!(Cell, await_time)).min(MAX_TICKS),
            timed: STATES_TIMED.contains(&word(offset_of!(Cell, state))),
            long: (
                word(offset_of!(Cell, long_time)),
                word(offset_of!(Cell, long_cpu)),
            ),
            long_gaps: (
                word(offset_of!(Cell, long_gap_time)),
                word(offset_of!(Cell, long_gap_cpu)),
            ),
            probes: (
                word(offset_of!(Cell, left)),
                core::array::from_fn(|part| {
                    ticks(offset_of!(Cell, probes) + part * size_of::<u64>())
                }),
            ),
            counted: LineCost {
                hits: word(offset_of!(Cell, hits)),
                allocs: word(offset_of!(Cell, allocs)),
                alloc_bytes: word(offset_of!(Cell, alloc_bytes)),
                frees: word(offset_of!(Cell, frees)),
                free_bytes: word(offset_of!(Cell, free_bytes)),
                ..LineCost::default()
            },
        }
    }

    /// Adds what the memory words at `words` say, if the cell at `at` has them there. Returns whether it has them elsewhere, which makes no sense.
    pub(super) fn read_memory(&mut self, bytes: Bytes<'_>, at: usize, words: usize) -> bool {
        let distance = usize::from(bytes.u16(at + offset_of!(Cell, memory))) * MEMORY_UNIT;
        let is_there = at + distance == words;
        if is_there {
            self.counted.rss = Some(line_rss(bytes, words));
        }
        distance != 0 && !is_there
    }

    /// Whether anything was counted. State and window alone say nothing of the program.
    pub(super) fn is_empty(&self) -> bool {
        let counted = Self {
            intervals: 0,
            timed: false,
            probes: (0, [0; PROBES]),
            counted: LineCost {
                rss: self.counted.rss.filter(|rss| *rss != LineRss::default()),
                ..self.counted
            },
            ..*self
        };
        counted == Self::default()
    }

    /// What is known of the cell's gaps; `cpu` ticks of them were spent, and `markers` ticks are expected for its markers: the window between
    /// fences took what the marker took off each interval, but in a gap it is there.
    pub(super) fn for_split(&self, node: Option<usize>, cpu: u64, markers: u64) -> GapCell {
        let (mut prior, doubt) = self.prior();
        if prior > 0 {
            prior += u128::from(markers);
        }
        GapCell {
            node,
            gap: self.gap_time,
            cpu,
            prior,
            doubt,
        }
    }

    /// What is known of the cell's CPU time.
    pub(super) fn for_cpu(&self) -> CpuCell {
        CpuCell {
            exact: [self.time, self.long.0, self.long.1],
            gaps: [self.gap_time, self.long_gaps.0, self.long_gaps.1],
        }
    }

    /// Adds an interval, or else a gap, of which only `cpu` is known; none of it if it was not long enough for that.
    pub(super) fn add_running(&mut self, is_interval: bool, ticks: u64, cpu: Option<u64>) {
        let (time, long) = if is_interval {
            (&mut self.time, &mut self.long)
        } else {
            (&mut self.gap_time, &mut self.long_gaps)
        };
        *time = time.saturating_add(ticks).min(MAX_TICKS);
        if let Some(cpu) = cpu {
            long.0 = long.0.saturating_add(ticks);
            long.1 = long.1.saturating_add(cpu);
        }
    }

    /// Ticks that the sampled line is expected to have taken, and the square of the relative error of that, 2^16 to one: the median of what
    /// it took in the quarters of its last window but the first, which warms up. So one disturbance does not decide.
    fn prior(&self) -> (u128, u64) {
        /// Nobody knows whether a line goes on as it began: half as much, or more.
        const AT_LEAST: u128 = 1 << 14;
        /// What the readings themselves may be wrong by, ticks an interval.
        const READING: u128 = 4;
        /// Beyond that all is possible.
        const MOST: u128 = 1 << 32;
        let (intervals, parts) = self.probes;
        let part_intervals = u128::from(intervals / PROBES as u64);
        if self.timed || part_intervals == 0 {
            return (0, 0);
        }
        let mut parts: [u64; PROBES - 1] = core::array::from_fn(|part| parts[part + 1]);
        parts.sort_unstable();
        // A line takes some time, though the fences may have taken more than was expected.
        let median = u128::from(parts[parts.len() / 2]).max(part_intervals);
        let prior = median * u128::from(self.intervals) / part_intervals;
        // The mean may be the truth after all: a line that seldom takes long.
        let sum: u128 = parts.iter().copied().map(u128::from).sum();
        let skew = sum.abs_diff(median * parts.len() as u128);
        let square = |error: u128, of: u128| {
            let ratio = (error << 8) / of;
            ratio.saturating_mul(ratio).min(MOST)
        };
        let doubt = AT_LEAST
            + square(skew, median * parts.len() as u128)
            + square(READING * part_intervals, median);
        (prior, u64::try_from(doubt.min(MOST)).unwrap_or(u64::MAX))
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
