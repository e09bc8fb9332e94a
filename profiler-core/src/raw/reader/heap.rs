//! Noted blocks: what is live by line, and what was when the heap was at its peak.

use core::mem::offset_of;
use std::collections::HashMap;

use super::bytes::Bytes;
use super::records::{Owner, Records};
use crate::model::{LineLive, LiveCount, LiveHeap};
use crate::raw::layout::{HEAP_FROM_RECORDING, HEAP_FROM_START, Header, HeapEntry, HeapWords};

/// What the entries of one process say.
#[derive(Debug, Default)]
pub(super) struct HeapEntries {
    by_cell: HashMap<Owner, LineLive>,
    /// `None` if no block was noted.
    pub(super) process: Option<LiveHeap>,
}

impl HeapEntries {
    /// Reads all entries. Those of a cell that is not there count for no line.
    pub(super) fn read(bytes: Bytes<'_>, records: &Records, damaged: &mut u64) -> Self {
        let at = offset_of!(Header, heap);
        let word = |field: usize| bytes.u64(at + field);
        let gap = word(offset_of!(HeapWords, gap));
        // What was allocated before the recording is not known in one of the modes.
        let count = match (word(offset_of!(HeapWords, mode)), gap) {
            (0, _) => return Self::default(),
            (HEAP_FROM_START, 0) => LiveCount::Exact,
            (HEAP_FROM_START | HEAP_FROM_RECORDING, gap) => LiveCount::Sampled { gap: gap.max(1) },
            _ => {
                *damaged += 1;
                return Self::default();
            }
        };
        let live = word(offset_of!(HeapWords, live));
        let peak = word(offset_of!(HeapWords, peak));
        let at_peak_now = if gap == 0 {
            live > peak
        } else {
            let counted = bytes.i64(at + offset_of!(HeapWords, peak_count));
            bytes.i64(offset_of!(Header, peak_bytes)) > counted
        };
        let moment = Moment {
            at_peak_now,
            epoch: word(offset_of!(HeapWords, epoch)),
        };
        let mut elsewhere = moment.live(bytes, at + offset_of!(HeapWords, elsewhere));
        let mut by_cell: HashMap<Owner, LineLive> = HashMap::new();
        for entry in &records.heap_entries {
            let live = moment.live(bytes, *entry);
            let cell = bytes.u64(entry + offset_of!(HeapEntry, cell));
            match records.cell(cell) {
                Some(owner) => by_cell.entry(owner).or_default().add(&live),
                None => {
                    *damaged += 1;
                    elsewhere.add(&live);
                }
            }
        }
        let process = LiveHeap {
            count,
            live_bytes: live,
            peak_bytes: if at_peak_now { live } else { peak },
            elsewhere,
            lost_blocks: word(offset_of!(HeapWords, lost_blocks)),
            lost_bytes: word(offset_of!(HeapWords, lost_bytes)),
        };
        Self {
            by_cell,
            process: Some(process),
        }
    }

    /// What a cell has.
    pub(super) fn of(&self, owner: Owner) -> LineLive {
        self.by_cell.get(&owner).copied().unwrap_or_default()
    }
}

/// What is needed to tell which of its numbers an entry had at the peak.
struct Moment {
    at_peak_now: bool,
    epoch: u64,
}

impl Moment {
    fn live(&self, bytes: Bytes<'_>, entry: usize) -> LineLive {
        let word = |field: usize| bytes.u64(entry + field);
        let live = (
            word(offset_of!(HeapEntry, live)),
            word(offset_of!(HeapEntry, live_variance)),
        );
        let changed = word(offset_of!(HeapEntry, epoch)) == self.epoch;
        let peak = if changed && !self.at_peak_now {
            (
                word(offset_of!(HeapEntry, peak)),
                word(offset_of!(HeapEntry, peak_variance)),
            )
        } else {
            live
        };
        LineLive {
            live_bytes: live.0,
            peak_bytes: peak.0,
            live_variance: live.1,
            peak_variance: peak.1,
        }
    }
}
