//! Which errors cancel: the split of a gap is uncertain, its length is not.
//!
//! Where a frame holds all lines that share a gap, its total time has no error from that gap: what one line got too much another
//! got too little. So the variance of the shares is noted as settled at the innermost such frame.
//!
//! ```text
//! f ─ line 2 ─ g ─ line 7   share with variance v  ┐ settled at f: v on line 2, w on line 3
//!   └ line 3 ─ h ─ line 9   share with variance w  ┘ (the totals of lines 2 and 3 keep their errors, that of f has none)
//! ```

use super::gap_cell::GapCell;

/// Steps up the tree that are taken for each share. In a deeper tree some variances stay unsettled: the errors shown are then too
/// large, never too small.
const STEPS_PER_SHARE: usize = 200;
/// Steps up the tree for a whole thread.
const MOST_STEPS: usize = 50_000_000;

/// What the prior gave to a cell more than samples of the same time did, or less; ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doubt {
    error: i128,
}

impl Doubt {
    pub(crate) fn between(expected: u128, seen: u128) -> Self {
        let ticks = |number: u128| i128::try_from(number).unwrap_or(i128::MAX);
        Self {
            error: ticks(expected).saturating_sub(ticks(seen)),
        }
    }
}

/// The variance of a doubt, and the part of it that the total of the frame does not have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doubted {
    pub(crate) variance: u128,
    pub(crate) settled: u128,
}

/// The way from any cell up to the root.
pub(crate) struct Settler<'a> {
    callers: &'a [Option<usize>],
    cells: &'a [GapCell],
    depths: Vec<u32>,
    steps: usize,
}

impl<'a> Settler<'a> {
    /// As for the split of gaps, which gives out `shares` shares.
    pub(crate) fn new(callers: &'a [Option<usize>], cells: &'a [GapCell], shares: usize) -> Self {
        let mut depths: Vec<u32> = Vec::with_capacity(callers.len());
        for caller in callers {
            let parent = caller.and_then(|cell| cells[cell].node);
            depths.push(parent.map_or(0, |parent| depths[parent] + 1));
        }
        Self {
            callers,
            cells,
            depths,
            steps: shares.saturating_mul(STEPS_PER_SHARE).min(MOST_STEPS),
        }
    }

    /// The cells of the innermost frame that holds all `cells`, one for each: the line that it is, or was called from. `None` if there
    /// is no such frame.
    pub(crate) fn settle(&mut self, cells: &[usize]) -> Option<Vec<usize>> {
        let (first, others) = cells.split_first()?;
        let mut frame = self.cells[*first].node?;
        for cell in others {
            frame = self.common(frame, self.cells[*cell].node?)?;
        }
        cells
            .iter()
            .map(|cell| self.line_in(frame, *cell))
            .collect()
    }

    /// The variances of doubts, whose sum over a frame and all below is known: the lines of a frame have more only among themselves.
    pub(crate) fn doubts(&self, doubts: &[Doubt]) -> Vec<Doubted> {
        let square = |error: i128| error.unsigned_abs().saturating_mul(error.unsigned_abs());
        let mut result: Vec<Doubted> = doubts
            .iter()
            .map(|doubt| Doubted {
                variance: square(doubt.error),
                settled: 0,
            })
            .collect();
        // Of each line with all it called.
        let mut errors: Vec<i128> = doubts.iter().map(|doubt| doubt.error).collect();
        let mut variances: Vec<u128> = result.iter().map(|doubted| doubted.variance).collect();
        let mut end = self.cells.len();
        for (node, caller) in self.callers.iter().enumerate().rev() {
            // The cells of a node follow those of the node before.
            let start = self.cells[..end].partition_point(|cell| cell.node < Some(node));
            let all = variances[start..end]
                .iter()
                .copied()
                .fold(0, u128::saturating_add);
            let error = errors[start..end]
                .iter()
                .copied()
                .fold(0, i128::saturating_add);
            let excess = all.saturating_sub(square(error));
            let mut left = all;
            for (line, variance) in (start..end).zip(&variances[start..end]) {
                let settled = part_of(*variance, excess, all).min(left);
                result[line].settled = settled;
                left -= settled;
            }
            if let Some(caller) = *caller {
                errors[caller] = errors[caller].saturating_add(error);
                variances[caller] = variances[caller].saturating_add(left);
            }
            end = start;
        }
        result
    }

    fn common(&mut self, mut a: usize, mut b: usize) -> Option<usize> {
        while a != b {
            if self.depths[a] >= self.depths[b] {
                a = self.cells[self.up(a)?].node?;
            } else {
                b = self.cells[self.up(b)?].node?;
            }
        }
        Some(a)
    }

    fn line_in(&mut self, frame: usize, mut cell: usize) -> Option<usize> {
        loop {
            match self.cells[cell].node? {
                node if node == frame => return Some(cell),
                node => cell = self.up(node)?,
            }
        }
    }

    /// The calling cell of a node.
    fn up(&mut self, node: usize) -> Option<usize> {
        self.steps = self.steps.checked_sub(1)?;
        self.callers[node]
    }
}

/// `number x part / all`, rounded down, for a part that is not larger than all.
fn part_of(number: u128, part: u128, all: u128) -> u128 {
    let shift = (u128::BITS - all.leading_zeros()).saturating_sub(63);
    let (part, all) = (part >> shift, (all >> shift).max(1));
    // 2^32 to one.
    let ratio = (part << 32) / all;
    let low = u128::from(u32::MAX);
    (number >> 32).saturating_mul(ratio) + (((number & low) * ratio) >> 32)
}
