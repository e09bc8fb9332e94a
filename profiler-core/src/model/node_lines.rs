//! The costs of the lines of a node, packed: most figures of most lines are 0, and a job of many ranks has millions of lines.
//!
//! ```text
//! line 12: 3 hits, 900 ns by the clock     12 · HITS|EXACT · 3 · 900
//! line 14: 1 hit                            2 · HITS · 1          its number is 2 above the one before
//! ```
//!
//! All numbers are in groups of 7 bits, the lowest first. A line takes about 20 bytes so, of the 250 that [`LineCost`] has.

use core::fmt;

use prost::encoding::{decode_varint, encode_varint};

use super::line_cost::{FIGURES, LineCost, each_figure};
use super::live::LineLive;
use super::resident::LineRss;

/// Figures that are numbers of their own.
const KEPT: usize = {
    let (mut at, mut kept) = (0, 0);
    while at < FIGURES.len() {
        kept += FIGURES[at].is_kept() as usize;
        at += 1;
    }
    kept
};
/// All that a line may have: the figures, flags, two variances of two halves, those of live bytes, and the resident set.
const NUMBERS: usize = KEPT + 1 + 4 + 2 + LineRss::NUMBERS;
const _: () = assert!(NUMBERS <= u64::BITS as usize);

/// `cpu` is known.
const CPU: u64 = 1;
/// `rss` is known.
const RSS: u64 = 1 << 1;
const PRIOR: u64 = 1 << 2;
const BELOW_RESOLUTION: u64 = 1 << 3;

/// The costs of lines by line number, in the order they were added.
///
/// ```
/// use hprof::model::{LineCost, NodeLines};
/// let mut lines = NodeLines::default();
/// lines.push(12, &LineCost { hits: 3, ..LineCost::default() });
/// let hits: Vec<_> = lines.iter().map(|(line, cost)| (line, cost.hits)).collect();
/// assert_eq!(hits, [(12, 3)]);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct NodeLines {
    packed: Vec<u8>,
    count: usize,
    last: u32,
}

impl NodeLines {
    /// Adds a line at the end.
    pub fn push(&mut self, line: u32, cost: &LineCost) {
        let numbers = numbers(cost);
        let present = (0..).zip(&numbers).filter(|(_, number)| **number != 0);
        let mask = present.fold(0_u64, |mask, (at, _)| mask | 1 << at);
        encode_varint(line.wrapping_sub(self.last).into(), &mut self.packed);
        encode_varint(mask, &mut self.packed);
        for number in numbers.into_iter().filter(|number| *number != 0) {
            encode_varint(number, &mut self.packed);
        }
        self.last = line;
        self.count += 1;
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that they take.
    pub(crate) const fn bytes(&self) -> usize {
        self.packed.len()
    }

    /// Gives back room that was meant for more lines.
    pub(crate) fn shrink(&mut self) {
        self.packed.shrink_to_fit();
    }

    /// The lines one after the other.
    #[must_use]
    pub fn iter(&self) -> NodeLinesIter<'_> {
        NodeLinesIter {
            packed: &self.packed,
            left: self.count,
            line: 0,
        }
    }

    /// Changes lines, or their numbers, in place.
    ///
    /// ```
    /// use hprof::model::{LineCost, NodeLines};
    /// let mut lines: NodeLines = [(12, LineCost::default())].into_iter().collect();
    /// lines.change(|line, cost| cost.hits = u64::from(*line));
    /// assert_eq!(lines.iter().next().unwrap().1.hits, 12);
    /// ```
    pub fn change(&mut self, mut change: impl FnMut(&mut u32, &mut LineCost)) {
        let changed = self.iter().map(|(mut line, mut cost)| {
            change(&mut line, &mut cost);
            (line, cost)
        });
        *self = changed.collect();
    }
}

impl FromIterator<(u32, LineCost)> for NodeLines {
    fn from_iter<T: IntoIterator<Item = (u32, LineCost)>>(lines: T) -> Self {
        let mut packed = Self::default();
        for (line, cost) in lines {
            packed.push(line, &cost);
        }
        packed.shrink();
        packed
    }
}

impl<'a> IntoIterator for &'a NodeLines {
    type Item = (u32, LineCost);
    type IntoIter = NodeLinesIter<'a>;

    fn into_iter(self) -> NodeLinesIter<'a> {
        self.iter()
    }
}

impl fmt::Debug for NodeLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Lines and costs of a [`NodeLines`].
#[derive(Clone, Debug)]
pub struct NodeLinesIter<'a> {
    packed: &'a [u8],
    left: usize,
    line: u32,
}

impl NodeLinesIter<'_> {
    /// What stands next: [`NodeLines::push`] wrote it.
    fn number(&mut self) -> u64 {
        decode_varint(&mut self.packed).unwrap_or_default()
    }
}

impl Iterator for NodeLinesIter<'_> {
    type Item = (u32, LineCost);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let more = u32::try_from(self.number()).unwrap_or_default();
        self.line = self.line.wrapping_add(more);
        let mut numbers = [0; NUMBERS];
        let mut mask = self.number();
        while mask != 0 {
            if let Some(number) = numbers.get_mut(mask.trailing_zeros() as usize) {
                *number = self.number();
            }
            mask &= mask - 1;
        }
        Some((self.line, cost(&numbers)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for NodeLinesIter<'_> {}

/// Everything that is known of a line. The figures come first: few of the others are there, and the mask is the shorter.
fn numbers(cost: &LineCost) -> [u64; NUMBERS] {
    let mut numbers = [0; NUMBERS];
    let (figures, rest) = numbers.split_at_mut(KEPT);
    let mut at = 0;
    each_figure(|figure| {
        if figure.is_kept() {
            figures[at] = figure.of(cost);
            at += 1;
        }
    });
    let flag = |flag: u64, is_set: bool| if is_set { flag } else { 0 };
    rest[0] = flag(CPU, cost.cpu.is_some())
        | flag(RSS, cost.rss.is_some())
        | flag(PRIOR, cost.prior)
        | flag(BELOW_RESOLUTION, cost.below_resolution);
    [rest[1], rest[2]] = halves(cost.variance);
    [rest[3], rest[4]] = halves(cost.settled);
    [rest[5], rest[6]] = [cost.live.live_variance, cost.live.peak_variance];
    if let Some(rss) = &cost.rss {
        rest[7..].copy_from_slice(&rss.numbers());
    }
    numbers
}

fn cost(numbers: &[u64; NUMBERS]) -> LineCost {
    let (figures, rest) = numbers.split_at(KEPT);
    let mut cost = LineCost::default();
    let mut at = 0;
    each_figure(|figure| {
        if figure.is_kept() {
            figure.put(&mut cost, figures[at]);
            at += 1;
        }
    });
    let is_set = |flag: u64| rest[0] & flag != 0;
    let mut rss = [0; LineRss::NUMBERS];
    rss.copy_from_slice(&rest[7..]);
    LineCost {
        cpu: cost.cpu.filter(|_| is_set(CPU)),
        rss: is_set(RSS).then(|| LineRss::of_numbers(rss)),
        prior: is_set(PRIOR),
        below_resolution: is_set(BELOW_RESOLUTION),
        variance: whole([rest[1], rest[2]]),
        settled: whole([rest[3], rest[4]]),
        live: LineLive {
            live_variance: rest[5],
            peak_variance: rest[6],
            ..cost.live
        },
        ..cost
    }
}

/// The lower 64 bits of a number, and the upper ones.
pub(crate) fn halves(number: u128) -> [u64; 2] {
    let low = u64::try_from(number & u128::from(u64::MAX)).unwrap_or(u64::MAX);
    let high = u64::try_from(number >> 64).unwrap_or(u64::MAX);
    [low, high]
}

/// The number of these halves.
pub(crate) fn whole([low, high]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}
