//! The pair tables of one thread: what the sampler saw of it.

use core::mem::{offset_of, size_of};
use std::collections::BTreeMap;

use super::bytes::Bytes;
use super::records::PairsAt;
use crate::model::gaps::{Sighting, apportion};
use crate::raw::layout::{Pair, PairsRecord};

/// `Pair::cell` of the cells that found no room in the table.
const OTHER: u64 = 1;

/// Samples of one thread by the numbers of its cells.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) sightings: Vec<Sighting>,
    /// CPU nanoseconds of each cell.
    pub(super) cpu: Vec<u64>,
}

impl Samples {
    /// Reads the tables of one thread with `cells` cells; `number` finds the cell at an address.
    pub(super) fn read(
        bytes: Bytes<'_>,
        tables: &[PairsAt],
        cells: usize,
        number: impl Fn(u64) -> Option<usize>,
        damaged: &mut u64,
    ) -> Self {
        let mut samples = Self {
            sightings: Vec::new(),
            cpu: vec![0; cells],
        };
        // CPU time of known cells and of the others, by where the gap began.
        let mut charges: BTreeMap<Option<usize>, Charges> = BTreeMap::new();
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
                if (seen_cell.is_none() && seen != OTHER) || (gap_cell.is_none() && gap != 0) {
                    *damaged += 1;
                    continue;
                }
                let cpu = word(offset_of!(Pair, cpu_ns));
                charges.entry(gap_cell).or_default().add(seen_cell, cpu);
                if let Some(gap) = gap_cell {
                    samples.sightings.push(Sighting {
                        gap,
                        seen: seen_cell,
                        samples: word(offset_of!(Pair, samples)),
                        weight: word(offset_of!(Pair, weight)),
                        weight_squared: word(offset_of!(Pair, weight_squared)),
                    });
                }
            }
        }
        for (gap, charges) in charges {
            charges.give_out(gap.unwrap_or(0), &mut samples.cpu);
        }
        samples
    }
}

/// CPU time charged in the gaps of one cell.
#[derive(Debug, Default)]
struct Charges {
    known: Vec<(usize, u64)>,
    others: u64,
}

impl Charges {
    fn add(&mut self, cell: Option<usize>, cpu: u64) {
        match cell {
            Some(cell) => self.known.push((cell, cpu)),
            None => self.others = self.others.saturating_add(cpu),
        }
    }

    /// What was charged to cells without room is taken to be spread as the rest is; if there is no rest it stays at `gap`.
    fn give_out(self, gap: usize, cpu: &mut [u64]) {
        let mut give = |cell: usize, more: u64| cpu[cell] = cpu[cell].saturating_add(more);
        let weights: Vec<u64> = self.known.iter().map(|(_, cpu)| *cpu).collect();
        if weights.iter().all(|weight| *weight == 0) {
            give(gap, self.others);
            return;
        }
        for ((cell, own), more) in self
            .known
            .iter()
            .zip(apportion(self.others.into(), &weights))
        {
            give(*cell, *own);
            give(*cell, u64::try_from(more).unwrap_or(u64::MAX));
        }
    }
}
