//! How long single calls of functions, polls of async bodies and hits of lines took: histograms, from which percentiles come.

use std::collections::BTreeMap;

use super::place::FunctionId;
use super::units::Nanos;

/// Parts of each power of two: so fine that putting together what was counted by clocks of different rates moves no value by more than 0.4 %.
const PARTS: u32 = 256;

/// What was timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timed {
    /// Calls of a function, from entry to return. One that is made while a call of the same function is open is part of that.
    Calls,
    /// Polls of an async function and of async blocks in it.
    Polls,
    /// Futures of an async function and of async blocks in it, from the first poll to the one that made them ready.
    Futures,
    /// The polls of such a future together.
    Busy,
    /// Own time of a line from one marker to the next, where a line's number is given.
    Line(u32),
}

/// The longest of all, and when that was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Longest {
    /// How long it took.
    pub time: Nanos,
    /// When it ended, from the start of the recording of its process.
    pub at: Nanos,
    /// Start of that process, nanoseconds since the Unix epoch.
    pub start_unix_ns: u64,
    /// The thread that it was on, by the operating system's number.
    pub tid: u32,
}

/// How many durations there were of each length. Lengths are kept to about 3 %; adding histograms loses nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Count by bucket, none of them 0.
    counts: BTreeMap<u32, u64>,
    longest: Longest,
}

impl Histogram {
    /// A percentile differs from the exact one by less than this, percent: half a bucket of the recorder, and one of this histogram.
    pub const ERROR_PERCENT: f64 = 3.5;

    /// The longest.
    #[must_use]
    pub const fn longest(&self) -> Longest {
        self.longest
    }

    /// How many there are.
    ///
    /// ```
    /// assert_eq!(hprof::model::Histogram::default().count(), 0);
    /// ```
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The shortest duration that `per_mille` of 1,000 do not exceed (the nearest rank); `None` if there are none.
    ///
    /// ```
    /// use hprof::model::{Histogram, Longest, Nanos};
    /// let mut histogram = Histogram::default();
    /// histogram.add(Nanos(1_000), 99, Longest { time: Nanos(1_010), ..Longest::default() });
    /// histogram.add(Nanos(50_000), 1, Longest { time: Nanos(50_123), ..Longest::default() });
    /// assert!((995..=1_010).contains(&histogram.percentile(990).unwrap().0));
    /// assert_eq!(histogram.percentile(1000), Some(Nanos(50_123)));
    /// ```
    #[must_use]
    pub fn percentile(&self, per_mille: u32) -> Option<Nanos> {
        let count = u128::from(self.count());
        let rank = (count * u128::from(per_mille)).div_ceil(1000).max(1);
        let mut before = 0_u128;
        for (bucket, in_bucket) in &self.counts {
            before += u128::from(*in_bucket);
            if before >= count && rank >= count {
                return Some(self.longest.time);
            }
            if before >= rank {
                return Some(middle(*bucket).min(self.longest.time));
            }
        }
        None
    }

    /// Adds `count` durations of about `time`, the longest of which is `longest`.
    pub fn add(&mut self, time: Nanos, count: u64, longest: Longest) {
        if count == 0 {
            return;
        }
        let sum = self.counts.entry(bucket(time)).or_default();
        *sum = sum.saturating_add(count);
        self.note_longest(longest);
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            let sum = self.counts.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
        if !other.counts.is_empty() {
            self.note_longest(other.longest);
        }
    }

    /// Of two that are equally long the earlier one, so that the order of adding makes no difference.
    fn note_longest(&mut self, other: Longest) {
        let key = |longest: &Longest| {
            let ended = longest.start_unix_ns.saturating_add(longest.at.0);
            (core::cmp::Reverse(longest.time), ended, longest.tid)
        };
        let is_first = self.longest == Longest::default();
        if is_first || key(&other) < key(&self.longest) {
            self.longest = other;
        }
    }

    /// Its buckets with their counts.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (u32, u64)> {
        self.counts.iter().map(|(bucket, count)| (*bucket, *count))
    }

    /// Of buckets with their counts; `None` if there is no such bucket, or one is empty.
    pub(crate) fn of_buckets(
        buckets: impl IntoIterator<Item = (u32, u64)>,
        longest: Longest,
    ) -> Option<Self> {
        let last = bucket(Nanos(u64::MAX));
        let mut counts = BTreeMap::new();
        for (bucket, count) in buckets {
            if bucket > last || count == 0 || counts.insert(bucket, count).is_some() {
                return None;
            }
        }
        Some(Self { counts, longest })
    }
}

/// The bucket of a duration: below 512 ns each nanosecond has one.
fn bucket(time: Nanos) -> u32 {
    let exponent = (time.0 | 1).ilog2();
    let shift = exponent.saturating_sub(PARTS.ilog2());
    let within = u32::try_from(time.0 >> shift).unwrap_or(0);
    shift * PARTS + within
}

/// The middle of a bucket.
fn middle(bucket: u32) -> Nanos {
    let shift = (bucket / PARTS).saturating_sub(1);
    let start = u64::from(bucket - shift * PARTS) << shift;
    Nanos(start + ((1_u64 << shift) >> 1))
}

/// The durations of one thing in one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    /// The function, or the one whose line it is.
    pub function: FunctionId,
    /// What of it was timed.
    pub timed: Timed,
    /// How many there were in all, whether they were timed or not; `None` for a line, whose hits tell.
    pub all: Option<u64>,
    /// Of polls: futures that were dropped before they were ready.
    pub cancelled: u64,
    /// Those that were timed.
    pub histogram: Histogram,
}

/// Puts those of the same thing together.
pub(crate) fn sum(parts: impl IntoIterator<Item = Durations>) -> Vec<Durations> {
    let mut sums = BTreeMap::<(FunctionId, Timed), Durations>::new();
    for part in parts {
        match sums.entry((part.function, part.timed)) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(part);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let sum = entry.get_mut();
                sum.histogram.merge(&part.histogram);
                sum.cancelled = sum.cancelled.saturating_add(part.cancelled);
                sum.all = sum
                    .all
                    .zip(part.all)
                    .map(|(sum, more)| sum.saturating_add(more));
            }
        }
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_narrow_and_its_middle_is_inside() {
        for time in (0..63)
            .flat_map(|bit| [1_u64 << bit, (1 << bit) + (1 << bit) / 3])
            .chain([u64::MAX])
        {
            let middle = middle(bucket(Nanos(time))).0;
            assert_eq!(bucket(Nanos(middle)), bucket(Nanos(time)), "{time}");
            assert!(middle.abs_diff(time) <= time / 256, "{time} {middle}");
        }
    }

    /// ```text
    /// 10 ns ×90   1 ms ×9   1 s ×1
    /// rank  1 ... 90 │ 91 ... 99 │ 100
    /// ```
    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut histogram = Histogram::default();
        let longest = |ns| Longest {
            time: Nanos(ns),
            ..Longest::default()
        };
        histogram.add(Nanos(10), 90, longest(10));
        histogram.add(Nanos(1_000_000), 9, longest(1_000_000));
        histogram.add(Nanos(1_000_000_000), 1, longest(1_000_000_000));
        let at = |per_mille| histogram.percentile(per_mille).unwrap_or_default().0;
        assert_eq!(at(500), 10);
        assert_eq!(at(900), 10);
        assert!(at(901).abs_diff(1_000_000) < 4_000);
        assert!(at(990).abs_diff(1_000_000) < 4_000);
        assert_eq!(at(991), 1_000_000_000);
        assert_eq!(Histogram::default().percentile(500), None);
    }
}
