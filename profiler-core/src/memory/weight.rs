//! What a noted block stands for.
//!
//! Every byte allocated is a mark with a probability of one in `gap`, by chance and not in steps, and a block with a mark in it is noted: a
//! block of `s` bytes with the probability `p = 1 - exp(-s / gap)`. It then stands for `s / p` bytes, which is right in the mean for every size.
//! Blocks much larger than the gap are noted for sure and stand for themselves.
//!
//! The *level* is the gap's logarithm: at level 0 every block is noted, at each level above one mark of two is left. A block that was noted
//! at a level is kept at a higher one with the quotient of the two probabilities, and then stands for as many bytes as if it had been
//! noted there. So blocks can be thinned out at any time.

use core::cell::Cell;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

/// The highest level, with a gap of 4 MiB.
pub(super) const MAX_LEVEL: u32 = 17;

/// Mean of the bytes allocated from one mark to the next; 0 where every block is noted.
pub(super) const fn gap(level: u32) -> u64 {
    if level == 0 { 0 } else { 32 << level }
}

/// What one block stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) bytes: u64,
    /// In square bytes, of a block that was noted.
    pub(super) variance: u64,
}

impl Weight {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "positive, and a size loses nothing that matters"
    )]
    pub(super) fn of(size: u64, level: u32) -> Self {
        let gap = gap(level) as f64;
        let parts = size.max(1) as f64 / gap;
        // Beyond that the block is noted for sure, as far as floating point numbers can tell.
        if level == 0 || parts > 40.0 {
            return Self {
                bytes: size,
                variance: 0,
            };
        }
        let bytes = size as f64 / -(-parts).exp_m1();
        Self {
            bytes: bytes.round() as u64,
            variance: (bytes * bytes * (-parts).exp()).round() as u64,
        }
    }
}

/// What the table keeps of a block, in one word: the number of the entry of its line, the level at which it was noted, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted(pub(super) u64);

impl Noted {
    const SIZE_BITS: u32 = 43;
    const LEVEL_BITS: u32 = 5;
    /// A block of 8 TiB or more counts as that.
    const LARGEST: u64 = (1 << Self::SIZE_BITS) - 1;

    pub(super) fn new(entry: u16, level: u32, size: u64) -> Self {
        let upper = u64::from(entry) << Self::LEVEL_BITS | u64::from(level.min(MAX_LEVEL));
        Self(upper << Self::SIZE_BITS | size.min(Self::LARGEST))
    }

    pub(super) fn size(self) -> u64 {
        self.0 & Self::LARGEST
    }

    pub(super) fn level(self) -> u32 {
        (self.0 >> Self::SIZE_BITS) as u32 & ((1 << Self::LEVEL_BITS) - 1)
    }

    /// 0 stands for no line.
    pub(super) fn entry(self) -> u16 {
        (self.0 >> (Self::SIZE_BITS + Self::LEVEL_BITS)) as u16
    }

    /// The same block of another line.
    pub(super) fn of_entry(self, entry: u16) -> Self {
        Self::new(entry, self.level(), self.size())
    }

    pub(super) fn weight(self) -> Weight {
        Weight::of(self.size(), self.level())
    }

    /// The same block at a higher level, and the chance that it is kept, in parts of 2^32.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a quotient between 0 and 1"
    )]
    pub(super) fn thinned(self, level: u32) -> (Self, u64) {
        let higher = Self::new(self.entry(), level.max(self.level()), self.size());
        let (before, after) = (self.weight().bytes, higher.weight().bytes);
        // A block stands for its size divided by the probability.
        let chance = before as f64 / after.max(1) as f64;
        (higher, (chance.min(1.0) * (1_u64 << 32) as f64) as u64)
    }
}

/// The next random number of a generator whose state is not 0 (xorshift).
pub(super) fn random(state: &Cell<u64>) -> u64 {
    let mut random = state.get();
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    state.set(random);
    random
}

/// The state that generator number `number` begins with: those that follow each other begin far apart (splitmix). Never 0.
pub(super) fn seed(number: u64) -> u64 {
    let mut seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (seed ^ (seed >> 31)) | 1
}

/// Bytes to the next mark: exponentially distributed. 0 where every block is noted.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "53 random bits, and a gap of less than 40 times the mean"
)]
pub(super) fn to_next_mark(state: &Cell<u64>, level: u32) -> i64 {
    let unit = ((random(state) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    (-unit.ln() * gap(level) as f64) as i64
}

/// Decides which blocks of a line are kept when all are thinned out.
///
/// Not each on its own: the chances of a line's blocks are added up from a random start, and whoever makes the sum pass a whole number is kept.
/// Each block has its chance, and what the line's blocks stand for together stays as it was but for one block.
#[derive(Debug)]
pub(super) struct Draw<'a> {
    /// Number of the thinning in the upper half: another one begins with another start. The sum's fraction in the lower half.
    pub(super) sum: &'a AtomicU64,
}

impl Draw<'_> {
    pub(super) fn keeps(&self, thinning: u32, chance: u64, state: &Cell<u64>) -> bool {
        const FRACTION: u64 = u32::MAX as u64;
        let word = self.sum.load(Relaxed);
        let before = if word >> 32 == u64::from(thinning) {
            word & FRACTION
        } else {
            random(state) >> 32
        };
        let sum = before + chance;
        self.sum
            .store(u64::from(thinning) << 32 | (sum & FRACTION), Relaxed);
        sum > FRACTION
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "sums of a test"
)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_block_is_one_word() {
        for (entry, level, size) in [
            (0, 0, 1),
            (1, MAX_LEVEL, 4096),
            (u16::MAX, 3, Noted::LARGEST),
        ] {
            let noted = Noted::new(entry, level, size);
            assert_eq!(
                (noted.entry(), noted.level(), noted.size()),
                (entry, level, size)
            );
            assert_eq!(noted.of_entry(7).entry(), 7);
        }
        assert_eq!(Noted::new(0, 0, u64::MAX).size(), Noted::LARGEST);
    }

    #[test]
    fn a_large_block_stands_for_itself_at_every_level() {
        for level in 0..=MAX_LEVEL {
            let size = 64 * gap(MAX_LEVEL) + 12_345;
            let weight = Weight::of(size, level);
            assert_eq!((weight.bytes, weight.variance), (size, 0));
            assert_eq!(Noted::new(1, 0, size).thinned(level).1, 1 << 32);
        }
    }

    /// What blocks of one size add up to, as noted at one level, and the variance that is claimed.
    fn noted(size: u64, blocks: u64, level: u32, state: &Cell<u64>) -> (f64, f64) {
        let weight = Weight::of(size, level);
        let (mut bytes, mut variance) = (0.0, 0.0);
        let mut until = to_next_mark(state, level);
        for _ in 0..blocks {
            until -= i64::try_from(size).unwrap();
            if until < 0 {
                bytes += weight.bytes as f64;
                variance += weight.variance as f64;
                until = to_next_mark(state, level);
            }
        }
        (bytes, variance.sqrt())
    }

    #[test]
    fn blocks_of_every_size_add_up_to_what_was_allocated() {
        let state = Cell::new(seed(1));
        for level in [1, 8, 11] {
            let gap = gap(level);
            for size in [48, 4_096, 100_000, gap, 3 * gap, 64 * gap] {
                let blocks = (2_000 * gap / size).max(2_000);
                let truth = (size * blocks) as f64;
                let (bytes, deviation) = noted(size, blocks, level, &state);
                let off = (bytes - truth).abs();
                // A byte of rounding for each block is no error of sampling.
                assert!(
                    off < 4.0 * deviation + blocks as f64,
                    "{size}: {bytes} of {truth}"
                );
                // Sampling costs no more than one gap for each gap allocated, and next to nothing for large blocks.
                assert!(
                    deviation < 1.1 * (truth * gap as f64).sqrt(),
                    "{size}: {deviation}"
                );
                if size > 32 * gap {
                    assert!(deviation < 0.001 * truth, "{size}: {deviation}");
                }
            }
        }
    }

    /// One run: blocks of three lines come and some go, and are thinned out now and then; the level may fall again in between. Returns what each line's
    /// blocks stand for in the end, and the claimed variance of that.
    fn run(number: u64) -> [(f64, f64); 3] {
        let state = Cell::new(seed(number));
        let sums = [const { AtomicU64::new(0) }; 3];
        let mut live: Vec<(u64, Noted)> = Vec::new();
        let mut level = 0;
        let mut until = 0;
        for block in 0..3_000_u64 {
            // Blocks of 16 bytes to 4 KiB; each line keeps a certain third of those it makes.
            let line = block % 3;
            let size = 16_i64 << (block % 9);
            let is_noted = level == 0 || {
                until -= size;
                until < 0
            };
            if is_noted {
                live.push((block, Noted::new(line as u16, level, size.cast_unsigned())));
                until = to_next_mark(&state, level);
            }
            if let Some(gone) = block.checked_sub(100)
                && (gone / 3) % 3 != 0
            {
                live.retain(|(block, _)| *block != gone);
            }
            let wanted = match block {
                700 => 3,
                1_200 => 8,
                1_900 => 6,
                2_400 => 9,
                _ => continue,
            };
            let thinning = block as u32;
            live.retain_mut(|(_, noted)| {
                let (higher, chance) = noted.thinned(wanted);
                let draw = Draw {
                    sum: &sums[usize::from(noted.entry())],
                };
                *noted = higher;
                chance == 1 << 32 || draw.keeps(thinning, chance, &state)
            });
            level = wanted;
            until = to_next_mark(&state, level);
        }
        let mut found = [(0.0, 0.0); 3];
        for (_, noted) in live {
            let weight = noted.weight();
            let (bytes, variance) = &mut found[usize::from(noted.entry())];
            *bytes += weight.bytes as f64;
            *variance += weight.variance as f64;
        }
        found
    }

    #[test]
    fn thinned_out_blocks_are_unbiased_over_a_thousand_runs() {
        const RUNS: u64 = 1_000;
        let mut truth = [0.0; 3];
        for block in 0..3_000_u64 {
            if (block / 3) % 3 == 0 || block + 100 >= 3_000 {
                truth[(block % 3) as usize] += (16 << (block % 9)) as f64;
            }
        }
        let runs: Vec<_> = (1..=RUNS).map(run).collect();
        for line in 0..3 {
            let count = RUNS as f64;
            let mean = runs.iter().map(|run| run[line].0).sum::<f64>() / count;
            let square = |run: &[(f64, f64); 3]| (run[line].0 - truth[line]).powi(2);
            let variance = runs.iter().map(square).sum::<f64>() / count;
            let claimed = runs.iter().map(|run| run[line].1).sum::<f64>() / count;
            let error = (variance / count).sqrt();
            let off = mean - truth[line];
            assert!(
                off.abs() < 4.0 * error,
                "line {line}: {mean} for {}, +-{error}",
                truth[line]
            );
            // The figure beside it is that of drawing each block on its own: an upper bound, and not much more than the truth.
            assert!(variance < 1.15 * claimed, "{variance}, {claimed} claimed");
            assert!(claimed < 3.0 * variance, "{variance}, {claimed} claimed");
        }
    }
}
