//! Looks at the lines of one process, by cell, cause and part of the run, in bounded room.

use std::collections::HashMap;

use hprof::model::{BUCKETS, WaitCause};
use hprof::raw::CellLooks;
use hprof::raw::observed::MOST_LINES;

/// Length of a part of the run at first.
const FIRST_BUCKET_NS: u64 = 1_000_000;

/// All of a process.
#[derive(Debug)]
pub(super) struct Looks {
    start: u64,
    bucket: u64,
    cells: HashMap<u64, CellLooks>,
}

impl Looks {
    /// Of a process that began to record at this time of `CLOCK_MONOTONIC`, nanoseconds.
    pub(super) fn new(start: u64) -> Self {
        Self {
            start,
            bucket: FIRST_BUCKET_NS,
            cells: HashMap::new(),
        }
    }

    /// Adds a look; without a cause the thread was at work.
    pub(super) fn add(&mut self, now: u64, cell: u64, waits_for: Option<WaitCause>) {
        let since = now.saturating_sub(self.start);
        while since / self.bucket >= BUCKETS as u64 {
            self.double();
        }
        let has_room = self.cells.len() < MOST_LINES;
        let looks = match self.cells.get_mut(&cell) {
            Some(looks) => looks,
            None if has_room => self.cells.entry(cell).or_insert_with(|| CellLooks {
                cell,
                seen: (now, now),
                working: 0,
                waits: [0; WaitCause::ALL.len()],
                buckets: [0; BUCKETS],
            }),
            None => return,
        };
        looks.seen.1 = now;
        match waits_for.and_then(|cause| WaitCause::ALL.iter().position(|one| *one == cause)) {
            Some(cause) => looks.waits[cause] += 1,
            None => looks.working += 1,
        }
        let part = usize::try_from(since / self.bucket).unwrap_or(BUCKETS - 1);
        let looks = &mut looks.buckets[part.min(BUCKETS - 1)];
        *looks = looks.saturating_add(1);
    }

    /// Two parts of the run become one.
    fn double(&mut self) {
        self.bucket = self.bucket.saturating_mul(2);
        for looks in self.cells.values_mut() {
            let before = looks.buckets;
            looks.buckets = [0; BUCKETS];
            for (sum, pair) in looks.buckets.iter_mut().zip(before.chunks(2)) {
                *sum = pair.iter().fold(0, |sum, looks| sum.saturating_add(*looks));
            }
        }
    }

    /// Length of a part of the run, nanoseconds.
    pub(super) fn bucket_ns(&self) -> u64 {
        self.bucket
    }

    /// What was counted, by cell.
    pub(super) fn into_lines(self) -> Vec<CellLooks> {
        let mut lines: Vec<CellLooks> = self.cells.into_values().collect();
        lines.sort_by_key(|line| line.cell);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ```text
    /// ms        0 .. 64        one look each, then one after ten minutes
    /// ```
    #[test]
    fn long_runs_have_longer_parts_and_lose_no_look() {
        let mut looks = Looks::new(1000);
        for ms in 0..64_u64 {
            looks.add(1000 + ms * FIRST_BUCKET_NS, 7, None);
        }
        assert_eq!(looks.cells[&7].buckets, [1; BUCKETS]);
        looks.add(1000 + 600_000 * FIRST_BUCKET_NS, 7, Some(WaitCause::Lock));
        let bucket = looks.bucket_ns();
        assert!(
            bucket * 64 > 600_000 * FIRST_BUCKET_NS && bucket * 32 <= 600_000 * FIRST_BUCKET_NS
        );
        let line = looks.into_lines().remove(0);
        assert_eq!(line.buckets[0], 64);
        assert_eq!(line.buckets.iter().sum::<u32>(), 65);
        assert_eq!((line.working, line.waits[1]), (64, 1));
    }
}
