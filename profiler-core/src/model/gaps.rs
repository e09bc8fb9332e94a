//! Splits the gaps between clock readings among the lines that ran in them.
//!
//! A gap begins when control comes to a line whose marker does not read the clock, and ends at the next marker that does. Its
//! length is exact; which lines it went to is known from samples, and from what a hit of each line took while it was still
//! timed (the prior).
//!
//! ```text
//! clock read   │                                       │
//! ─────exact A─┤ B   C   B   C   B   C   B   C   B   C ├─exact D───
//!              └────────────── gap of B ───────────────┘
//! samples             ▲           ▲        ▲
//! ```
//!
//! Each gap cell `g` with `n` samples gives `c n² / (c n² + 40²)` of its time to the lines sampled in its gaps, by weight, and the rest to
//! the lines of its node and below that have a prior, by expected time: where samples are few the prior is better, and where they are many it
//! soon has no say. `c` is 1 as long as the samples are no further from the prior than chance makes them, and grows with what they say against it. Without samples the prior gets all, without a prior the samples do, and without both the time stays on `g`. All numbers
//! are whole and every split gives out exactly what goes in.
//!
//! The error of a share by the prior is that of the expected times, and where samples were seen in the same gaps, what they say against it.

use super::cpu;
use super::gap_cell::{GapCell, MAX_TICKS, Share, Sighting, apportion};
use super::settle::{Doubt, Settler};

/// With so many samples prior and samples count the same. Tried on the programs of the benchmark `accuracy`.
const PRIOR_SAMPLES: u128 = 40;
/// Fewer samples than that say little against the prior.
const FEW_SAMPLES: u128 = 4;
/// Expected times are scaled to this many bits, so that products with any sum of gaps fit into 128.
const PRIOR_BITS: u32 = 40;
/// Square of a relative error beyond which nothing is known: 256 times as much or as little. 2^16 to one.
const MAX_DOUBT: u64 = 1 << 32;
/// Splits the gaps of one thread. `callers` has, for each node, the cell it was called from (a cell of a node before it, or 0), or
/// `None` where that is not known. Sightings may come in any order.
pub(crate) fn split(
    callers: &[Option<usize>],
    cells: &[GapCell],
    sightings: &mut [Sighting],
) -> Vec<Share> {
    let mut shares = vec![Share::default(); cells.len()];
    let tree = PriorTree::new(callers, cells);
    let mut pools = tree.empty_pools();
    // What the prior says where there are samples too, and what they say of the same time.
    let mut told = tree.empty_pools();
    let mut seen_instead = vec![0_u128; cells.len()];
    sightings.sort_by_key(|s| {
        let Sighting { gap, seen, .. } = *s;
        (gap, seen, s.weight, s.samples, s.weight_squared, s.cpu)
    });
    let mut settler = Settler::new(callers, cells, sightings.len());
    let mut rest: &[Sighting] = sightings;
    for (index, cell) in cells.iter().enumerate() {
        let (seen, later) = rest.split_at(rest.partition_point(|sighting| sighting.gap <= index));
        rest = later;
        let gap = u128::from(cell.gap.min(MAX_TICKS));
        let cpu = u128::from(cell.cpu).min(gap);
        let samples: u128 = seen.iter().map(|s| u128::from(s.samples)).sum();
        // More samples than that are more than enough, and the products must fit.
        let samples = samples.min(1 << 20);
        let has_prior = tree.expected(cell.node) > 0;
        let has_samples = seen.iter().any(|s| s.weight > 0);
        let by_prior = match (has_samples, has_prior) {
            (_, false) => 0,
            (false, true) => gap,
            (true, true) => {
                let told = samples.pow(2) * tree.contradiction(cell.node, seen, cells, samples);
                let prior = PRIOR_SAMPLES.pow(2) << 16;
                gap * prior / (told + prior)
            }
        };
        let cpu_by_prior = (cpu * by_prior).checked_div(gap).unwrap_or(0);
        let pool = &mut pools[PriorTree::pool(cell.node)];
        pool.time += by_prior;
        pool.cpu += cpu_by_prior;
        if has_samples && by_prior > 0 {
            let contested = by_prior * samples / (samples + FEW_SAMPLES);
            if see_instead(contested, seen, &mut seen_instead) {
                told[PriorTree::pool(cell.node)].time += contested;
            }
        }
        let by_samples = Part {
            time: gap - by_prior,
            cpu: cpu - cpu_by_prior,
        };
        split_by_samples(index, by_samples, seen, &mut settler, &mut shares);
    }
    tree.give_out(pools, callers, cells, &mut shares);
    let mut expected = vec![Share::default(); cells.len()];
    tree.give_out(told, callers, cells, &mut expected);
    let doubts: Vec<Doubt> = expected
        .iter()
        .zip(seen_instead)
        .map(|(expected, seen)| Doubt::between(expected.prior, seen))
        .collect();
    for (share, doubt) in shares.iter_mut().zip(settler.doubts(&doubts)) {
        share.variance = share.variance.saturating_add(doubt.variance);
        share.settled = share.settled.saturating_add(doubt.settled);
    }
    cpu::level(&mut shares);
    shares
}

/// Time of gaps, and the CPU time in it.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    time: u128,
    cpu: u128,
}

/// Adds to `instead` what samples say of `time`; returns whether they name any line.
fn see_instead(time: u128, seen: &[Sighting], instead: &mut [u128]) -> bool {
    let known: Vec<(usize, u64)> = seen
        .iter()
        .filter_map(|sighting| Some((sighting.seen?, sighting.weight)))
        .collect();
    let weights: Vec<u64> = known.iter().map(|(_, weight)| *weight).collect();
    if weights.iter().all(|weight| *weight == 0) {
        return false;
    }
    for ((cell, _), part) in known.iter().zip(apportion(time, &weights)) {
        instead[*cell] += part;
    }
    true
}

/// Shares `time` of the gaps of cell `gap` by the weights of its samples. The weight of cells that found no room in the table is
/// taken to be spread as that of the others.
fn split_by_samples(
    gap: usize,
    Part { time, cpu }: Part,
    seen: &[Sighting],
    settler: &mut Settler<'_>,
    shares: &mut [Share],
) {
    let known: Vec<(usize, &Sighting)> = seen
        .iter()
        .filter_map(|sighting| Some((sighting.seen?, sighting)))
        .collect();
    for (cell, sighting) in &known {
        let samples = &mut shares[*cell].samples;
        *samples = samples.saturating_add(sighting.samples);
    }
    let weights: Vec<u64> = known.iter().map(|(_, sighting)| sighting.weight).collect();
    let all: u128 = weights.iter().copied().map(u128::from).sum();
    if all == 0 {
        shares[gap].sampled += time;
        shares[gap].cpu += cpu;
        return;
    }
    // Samples that saw no CPU time say nothing of where it went.
    let mut charges: Vec<u64> = known.iter().map(|(_, sighting)| sighting.cpu).collect();
    if charges.iter().all(|charge| *charge == 0) {
        charges.clone_from(&weights);
    }
    for ((cell, _), part) in known.iter().zip(apportion(cpu, &charges)) {
        shares[*cell].cpu += part;
    }
    let spread = Spread::new(&known, all);
    let mut uncertain = Vec::new();
    for ((cell, sighting), part) in known.iter().zip(apportion(time, &weights)) {
        let share = &mut shares[*cell];
        share.sampled += part;
        let variance = spread.variance(time, sighting.weight);
        share.variance = share.variance.saturating_add(variance);
        if variance > 0 {
            uncertain.push((*cell, variance));
        }
    }
    let cells: Vec<usize> = uncertain.iter().map(|(cell, _)| *cell).collect();
    let lines = settler.settle(&cells).unwrap_or_default();
    for (line, (_, variance)) in lines.iter().zip(&uncertain) {
        let settled = &mut shares[*line].settled;
        *settled = settled.saturating_add(*variance);
    }
}

/// How much the shares of one gap would vary from run to run: a share `p` of time `t` has the variance
/// `t^2 x p (1 - p) x sum(w^2) / sum(w)^2`, that of drawing each sample on its own.
struct Spread {
    /// Right shift of the weights that leaves 32 bits of their sum.
    shift: u32,
    all: u128,
    /// `sum(w^2) / sum(w)^2` in units of 2^-32; at least 1 / number of samples.
    concentration: u128,
}

impl Spread {
    fn new(known: &[(usize, &Sighting)], all: u128) -> Self {
        let samples: u128 = known.iter().map(|(_, s)| u128::from(s.samples)).sum();
        let squares: u128 = known
            .iter()
            .map(|(_, s)| u128::from(s.weight_squared))
            .sum();
        let shift = bits(all).saturating_sub(32);
        let scaled = all >> shift;
        // Squares come in units of 2^20 ticks: 20 bits up, 32 for the unit, twice the shift down.
        let squares = if 2 * shift > 52 {
            Some(squares >> (2 * shift - 52))
        } else {
            let up = 52 - 2 * shift;
            (bits(squares) + up < 128).then_some(squares << up)
        };
        let most = 1 << 32;
        let least = most / samples.max(1);
        let concentration = squares.map_or(most, |squares| squares / (scaled * scaled));
        Self {
            shift,
            all: scaled,
            concentration: concentration.clamp(least, most),
        }
    }

    fn variance(&self, time: u128, weight: u64) -> u128 {
        let weight = (u128::from(weight) >> self.shift).min(self.all);
        let p_q = ((weight * (self.all - weight)) << 32) / (self.all * self.all);
        scale_32(scale_32(time.saturating_mul(time), p_q), self.concentration)
    }
}

/// `number x factor / 2^32` for factors up to 2^32.
fn scale_32(number: u128, factor: u128) -> u128 {
    let low = u128::from(u32::MAX);
    (number >> 32).saturating_mul(factor) + (((number & low) * factor) >> 32)
}

fn bits(number: u128) -> u32 {
    u128::BITS - number.leading_zeros()
}

/// Time that is given to a node for its lines and those below.
#[derive(Clone, Copy, Debug, Default)]
struct Pool {
    time: u128,
    cpu: u128,
    /// Variance of `time`, square ticks.
    variance: u128,
}

/// Expected times over the call tree, summed so that a gap reaches the cells below its node in one pass from the root.
struct PriorTree {
    /// Where each node hangs: pool of its caller.
    parents: Vec<usize>,
    /// Expected times of the cells, scaled.
    own: Vec<u64>,
    /// Sum of `own` over each node and below; entry 0 is the whole thread.
    below: Vec<u64>,
    /// Sum of the squares of `own` over each node and below.
    squares: Vec<u128>,
    /// Square of the relative error of `below`, 2^16 to one.
    doubts: Vec<u64>,
    /// Cells with an expected time, and nodes (as pools) with one, by the pool they get their part from.
    takers: Vec<Vec<Taker>>,
}

/// Who takes part in the time given to a node.
#[derive(Clone, Copy)]
enum Taker {
    Cell(usize),
    Pool(usize),
}

impl PriorTree {
    fn new(callers: &[Option<usize>], cells: &[GapCell]) -> Self {
        // A caller that is not known, and the one outside of all frames, are the whole thread.
        let parent = |caller: &Option<usize>| caller.map_or(0, |cell| Self::pool(cells[cell].node));
        let parents: Vec<usize> = callers.iter().map(parent).collect();
        // No cell is expected to take more than 2^100 ticks, no thread has 2^27 cells.
        let prior = |cell: &GapCell| cell.prior.min(1 << 100);
        let all: u128 = cells.iter().map(prior).sum();
        let shift = bits(all).saturating_sub(PRIOR_BITS);
        let scaled = |cell| u64::try_from(prior(cell) >> shift).unwrap_or(u64::MAX);
        let own: Vec<u64> = cells.iter().map(scaled).collect();
        let mut below = vec![0; callers.len() + 1];
        let mut squares = vec![0; callers.len() + 1];
        for (cell, own) in cells.iter().zip(&own) {
            below[Self::pool(cell.node)] += own;
            squares[Self::pool(cell.node)] += u128::from(*own) * u128::from(*own);
        }
        let mut takers = vec![Vec::new(); below.len()];
        for (index, cell) in cells.iter().enumerate() {
            if own[index] > 0 {
                takers[Self::pool(cell.node)].push(Taker::Cell(index));
            }
        }
        let mut doubts = vec![0; below.len()];
        for (node, &parent) in parents.iter().enumerate().rev() {
            let pool = Self::pool(Some(node));
            let weights = Weights::new(&takers[pool], &own, &below, cells, &doubts);
            doubts[pool] = weights.doubt();
            if below[pool] > 0 {
                below[parent] += below[pool];
                squares[parent] += squares[pool];
                takers[parent].push(Taker::Pool(pool));
            }
        }
        Self {
            parents,
            own,
            below,
            squares,
            doubts,
            takers,
        }
    }

    /// How much further the shares of `n` samples of a gap are from what the prior says of it than they would be by chance: `n` times the sum of the squares
    /// of the differences, over the sum of `p (1 - p)` that chance would make of it in the mean. 2^16 to one; at least one.
    fn contradiction(
        &self,
        node: Option<usize>,
        seen: &[Sighting],
        cells: &[GapCell],
        samples: u128,
    ) -> u128 {
        /// Shares are so many to one, their squares as many squared.
        const ONE: u128 = 1 << 20;
        const MOST: u128 = 1 << 40;
        let pool = Self::pool(node);
        let all_below = u128::from(self.below[pool]);
        let weight: u128 = seen.iter().map(|s| u128::from(s.weight)).sum();
        if all_below == 0 || weight == 0 {
            return 1 << 16;
        }
        // No sum of `own` is above 2^40.
        let prior_squares = (self.squares[pool] << 40) / (all_below * all_below);
        let mut distance = prior_squares;
        for sighting in seen {
            let share = u128::from(sighting.weight) * ONE / weight;
            let expected = sighting
                .seen
                .filter(|cell| self.is_below(Self::pool(cells[*cell].node), pool))
                .map_or(0, |cell| u128::from(self.own[cell]) * ONE / all_below);
            // (s - p)^2 instead of the p^2 that is in the sum.
            distance = (distance + share * share).saturating_sub(2 * share * expected);
        }
        let by_chance = MOST
            .saturating_sub(prior_squares)
            .max(MOST / samples.max(1));
        (((samples * distance) << 16) / by_chance).clamp(1 << 16, MOST)
    }

    /// Whether `pool` hangs below `top`, or is it.
    fn is_below(&self, mut pool: usize, top: usize) -> bool {
        // Parents have smaller numbers.
        while pool > top {
            pool = self.parents[pool - 1];
        }
        pool == top
    }

    fn pool(node: Option<usize>) -> usize {
        node.map_or(0, |node| node + 1)
    }

    fn empty_pools(&self) -> Vec<Pool> {
        vec![Pool::default(); self.parents.len() + 1]
    }

    fn expected(&self, node: Option<usize>) -> u64 {
        self.below[Self::pool(node)]
    }

    /// Each node gives what its own gaps and its caller gave it to its cells and the nodes below.
    ///
    /// What one of them gets too much another gets too little, so that error is none of the node's total.
    fn give_out(
        &self,
        mut pools: Vec<Pool>,
        callers: &[Option<usize>],
        cells: &[GapCell],
        shares: &mut [Share],
    ) {
        for number in 0..pools.len() {
            let pool = core::mem::take(&mut pools[number]);
            if pool.time == 0 && pool.variance == 0 {
                continue;
            }
            let takers = &self.takers[number];
            let weights = Weights::new(takers, &self.own, &self.below, cells, &self.doubts);
            let times = apportion(pool.time, &weights.weights);
            let cpu = apportion(pool.cpu, &weights.weights);
            let square = pool.time.saturating_mul(pool.time);
            let mut left = pool.variance;
            for (index, taker) in takers.iter().enumerate() {
                let own = scale_32(square, weights.error(index));
                let inherited = if index + 1 == takers.len() {
                    left
                } else {
                    scale_32(pool.variance, weights.parts[index])
                };
                left = left.saturating_sub(inherited);
                let variance = own.saturating_add(inherited);
                let line = match *taker {
                    Taker::Cell(cell) => {
                        let share = &mut shares[cell];
                        share.prior += times[index];
                        share.cpu += cpu[index];
                        share.variance = share.variance.saturating_add(variance);
                        Some(cell)
                    }
                    Taker::Pool(below) => {
                        let pool = &mut pools[below];
                        pool.time += times[index];
                        pool.cpu += cpu[index];
                        pool.variance = pool.variance.saturating_add(variance);
                        callers[below - 1]
                    }
                };
                // Outside of all frames there is nothing whose total it could be.
                if let Some(line) = line.filter(|_| number > 0) {
                    let settled = &mut shares[line].settled;
                    *settled = settled.saturating_add(own);
                }
            }
        }
    }
}

/// How a pool is shared, and how sure that is.
struct Weights {
    weights: Vec<u64>,
    /// Parts of the whole, 2^32 to one.
    parts: Vec<u128>,
    /// Squares of the relative errors of the weights, 2^16 to one.
    doubts: Vec<u64>,
    /// Sum of the squares of parts times doubts, 2^32 to one.
    all: u128,
}

impl Weights {
    fn new(
        takers: &[Taker],
        own: &[u64],
        below: &[u64],
        cells: &[GapCell],
        pool_doubts: &[u64],
    ) -> Self {
        let (weights, doubts): (Vec<u64>, Vec<u64>) = takers
            .iter()
            .map(|taker| match *taker {
                Taker::Cell(cell) => (own[cell], cells[cell].doubt.min(MAX_DOUBT)),
                Taker::Pool(pool) => (below[pool], pool_doubts[pool]),
            })
            .unzip();
        let sum: u128 = weights.iter().copied().map(u128::from).sum::<u128>().max(1);
        let part = |weight: &u64| (u128::from(*weight) << 32) / sum;
        let parts: Vec<u128> = weights.iter().map(part).collect();
        let all = parts
            .iter()
            .zip(&doubts)
            .map(|(part, doubt)| Self::square(*part, *doubt))
            .sum();
        Self {
            weights,
            parts,
            doubts,
            all,
        }
    }

    /// `part^2 x doubt`, 2^32 to one.
    fn square(part: u128, doubt: u64) -> u128 {
        (((part * part) >> 32) * u128::from(doubt)) >> 16
    }

    /// Square of the relative error of the sum, 2^16 to one.
    fn doubt(&self) -> u64 {
        u64::try_from(self.all >> 16)
            .unwrap_or(u64::MAX)
            .min(MAX_DOUBT)
    }

    /// Square of the error of a part, for errors of the weights that have nothing to do with each other: what is too large here makes this part
    /// larger, elsewhere smaller. At most as if all went to the one, or the other. 2^32 to one.
    fn error(&self, index: usize) -> u128 {
        let part = self.parts[index];
        let rest = (1 << 32) - part.min(1 << 32);
        let own = (((rest * rest) >> 32) * u128::from(self.doubts[index])) >> 16;
        let others = self.all - Self::square(part, self.doubts[index]).min(self.all);
        let square = ((part * part) >> 32).saturating_mul(own + others) >> 32;
        let most = part.max(rest);
        square.min((most * most) >> 32)
    }
}

#[cfg(test)]
mod tests;
