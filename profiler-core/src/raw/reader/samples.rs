//! The pair tables of one thread: what the sampler saw of it.

use core::mem::{offset_of, size_of};

use super::bytes::Bytes;
use super::records::PairsAt;
use crate::model::gap_cell::Sighting;
use crate::raw::layout::{OTHER_CELLS, Pair, PairsRecord};

/// Samples of one thread by the numbers of its cells.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) sightings: Vec<Sighting>,
}

impl Samples {
    /// Reads the tables of one thread; `number` finds the cell at an address.
    pub(super) fn read(
        bytes: Bytes<'_>,
        tables: &[PairsAt],
        number: impl Fn(u64) -> Option<usize>,
        damaged: &mut u64,
    ) -> Self {
        let mut samples = Self::default();
        for table in tables {
            for entry in 0..table.capacity {
                let at = table.at + size_of::<PairsRecord>() + entry * size_of::<Pair>();
                let word = |field: usize| bytes.u64(at + field);
                let (seen, gap) = (word(offset_of!(Pair, cell)), word(offset_of!(Pair, gap)));
                if seen == 0 {
                    continue;
                }
                let seen_cell = number(seen);
                let gap_cell = number(gap);
                let Some(gap) =
                    gap_cell.filter(|_| seen_cell.is_some() || seen == OTHER_CELLS as u64)
                else {
                    *damaged += 1;
                    continue;
                };
                samples.sightings.push(Sighting {
                    gap,
                    seen: seen_cell,
                    samples: word(offset_of!(Pair, samples)),
                    weight: word(offset_of!(Pair, weight)),
                    weight_squared: word(offset_of!(Pair, weight_squared)),
                    cpu: word(offset_of!(Pair, cpu_ns)),
                });
            }
        }
        samples
    }
}
