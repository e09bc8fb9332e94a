//! CPU time of the lines of a thread, from what its markers read: of its long intervals it is known, of the short ones between them only
//! what all of them had together.
//!
//! ```text
//! CPU clock   read                     read              read
//!              │ short  short  short    │ long ........... │
//!              └ the rest of the thread's CPU time,        └ known
//!                at most their length
//! ```
//!
//! A short interval is taken as spent in full, unless that is more than is left: then all short ones get the same share of their length.
//! No line gets more than it took, and together they get what the thread had.

use super::gap_cell::{Share, apportion};

/// What is known of a cell. All times in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuCell {
    /// Time of its exact intervals, of the long ones among them, and the CPU time of those.
    pub(crate) exact: [u64; 3],
    /// The same of the gaps that began at the cell.
    pub(crate) gaps: [u64; 3],
}

/// CPU time of the exact intervals of each cell, and of the gaps that began there, for a thread that spent `total` ticks.
pub(crate) fn settle(cells: &[CpuCell], total: u64) -> Vec<(u64, u64)> {
    let parts: Vec<[u64; 3]> = cells
        .iter()
        .flat_map(|cell| [cell.exact, cell.gaps])
        .map(|[time, long, cpu]| {
            let long = long.min(time);
            [time, long, cpu.min(long)]
        })
        .collect();
    let short: Vec<u64> = parts.iter().map(|[time, long, _]| time - long).collect();
    let known: Vec<u64> = parts.iter().map(|[_, _, cpu]| *cpu).collect();
    let waited: Vec<u64> = parts.iter().map(|[_, long, cpu]| long - cpu).collect();
    // First what is known, then the short intervals, then what seemed to be waiting: where the clocks do not quite agree.
    let mut left = u128::from(total);
    let mut given = vec![0_u64; parts.len()];
    for room in [&known, &short, &waited] {
        let all: u128 = room.iter().copied().map(u128::from).sum();
        let amount = left.min(all);
        left -= amount;
        for (sum, part) in given.iter_mut().zip(apportion(amount, room)) {
            *sum += u64::try_from(part).unwrap_or(u64::MAX);
        }
    }
    given
        .chunks_exact(2)
        .map(|pair| (pair[0], pair[1]))
        .collect()
}

/// CPU time that samples gave to a line beyond its time goes to lines that have room for it.
pub(crate) fn level(shares: &mut [Share]) {
    let mut excess: u128 = 0;
    let mut room = Vec::with_capacity(shares.len());
    for share in shares.iter_mut() {
        let time = share.sampled.saturating_add(share.prior);
        excess = excess.saturating_add(share.cpu.saturating_sub(time));
        share.cpu = share.cpu.min(time);
        room.push(u64::try_from(time - share.cpu).unwrap_or(u64::MAX));
    }
    if excess == 0 {
        return;
    }
    let all: u128 = room.iter().copied().map(u128::from).sum();
    for (share, more) in shares.iter_mut().zip(apportion(excess.min(all), &room)) {
        share.cpu += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(time: u64, long: u64, cpu: u64) -> CpuCell {
        CpuCell {
            exact: [time, long, cpu],
            gaps: [0; 3],
        }
    }

    fn given(cells: &[CpuCell], total: u64) -> Vec<u64> {
        let settled = settle(cells, total);
        settled.iter().map(|(exact, gaps)| exact + gaps).collect()
    }

    #[test]
    fn long_intervals_keep_what_was_read_and_short_ones_share_the_rest() {
        let cells = [exact(1000, 1000, 700), exact(100, 0, 0), exact(300, 0, 0)];
        assert_eq!(given(&cells, 1100), [700, 100, 300]);
        assert_eq!(given(&cells, 900), [700, 50, 150]);
        // The clocks do not quite agree.
        assert_eq!(given(&cells, 1110), [710, 100, 300]);
        assert_eq!(given(&cells, 630), [630, 0, 0]);
    }

    #[test]
    fn no_line_gets_more_than_it_took() {
        let cells = [exact(10, 50, 90), exact(5, 0, 0)];
        assert_eq!(given(&cells, u64::MAX), [10, 5]);
        let mut shares = [(100, 130), (50, 10), (0, 5)].map(|(sampled, cpu)| Share {
            sampled,
            cpu,
            ..Share::default()
        });
        level(&mut shares);
        assert_eq!(shares.map(|share| share.cpu), [100, 45, 0]);
    }
}
