//! The costs of one line: values of a sample, flags that say what else there is, and that as further numbers.
//!
//! ```text
//! line 12: 3 hits, 900 ns, of these 200 sampled (5 samples, variance 64 ns²)
//! values  hits 3 · time 900 · cpu 0 · …      what every tool shows
//! flags   SAMPLED | VARIANCE
//! extra   200, 5, 64
//! ```

use super::error::Damage;
use super::sample_type::{COLUMNS, TIME, Values};
use crate::model::{FIGURES, Figure, LineCost, LineRss, Nanos, each_figure, halves, whole};

/// `prior` is true.
const PRIOR: u32 = 1;
/// `below_resolution` is true.
const BELOW_RESOLUTION: u32 = 1 << 1;
/// `cpu` is known.
const CPU_KNOWN: u32 = 1 << 2;
/// `sampled` and `samples` follow.
const SAMPLED: u32 = 1 << 3;
/// The lower 64 bits of `variance` follow.
const VARIANCE: u32 = 1 << 4;
/// The upper 64 bits of it follow.
const VARIANCE_HIGH: u32 = 1 << 5;
/// The lower 64 bits of `settled` follow.
const SETTLED: u32 = 1 << 6;
/// The upper 64 bits of it follow.
const SETTLED_HIGH: u32 = 1 << 7;
/// The numbers that stand in the values follow once more, for there is no sample or they are too large for it: the exact time, and the other
/// figures that have a column and are kept, in their order.
const WHOLE: u32 = 1 << 8;
/// The numbers of `rss` follow.
const RSS: u32 = 1 << 9;
/// The variances of `live` follow.
const LIVE_VARIANCE: u32 = 1 << 10;
/// `recording` follows.
const RECORDING: u32 = 1 << 11;
const ALL: u32 = (1 << 12) - 1;

/// The largest value of a sample.
const LARGEST: u64 = i64::MAX.cast_unsigned();

/// The figures that stand in the values of a sample and follow from no others.
fn kept_in_columns() -> impl Iterator<Item = &'static Figure> {
    FIGURES
        .iter()
        .filter(|figure| figure.column.is_some() && figure.is_kept())
}

/// Values of the sample, in the units of its columns. A number with no room in a sample is cut to the largest.
pub(super) fn values(cost: &LineCost) -> Values {
    let mut values = [0; COLUMNS];
    let mut column = 0;
    each_figure(|figure| {
        if figure.column.is_some() {
            values[column] = figure.of(cost).min(LARGEST);
            column += 1;
        }
    });
    values
}

/// Puts what a sample has no place for at the end of `extra`; the result says what that is. With `whole` all numbers are put there.
pub(super) fn pack(cost: &LineCost, whole: bool, extra: &mut Vec<u64>) -> u32 {
    let mut flags = 0;
    let mut part = |flag: u32, present: bool, numbers: &[u64]| {
        if present {
            flags |= flag;
            extra.extend_from_slice(numbers);
        }
    };
    part(PRIOR, cost.prior, &[]);
    part(BELOW_RESOLUTION, cost.below_resolution, &[]);
    part(CPU_KNOWN, cost.cpu.is_some(), &[]);
    let sampled = [cost.sampled.0, cost.samples];
    part(SAMPLED, sampled != [0, 0], &sampled);
    let [low, high] = halves(cost.variance);
    part(VARIANCE, low > 0, &[low]);
    part(VARIANCE_HIGH, high > 0, &[high]);
    let [low, high] = halves(cost.settled);
    part(SETTLED, low > 0, &[low]);
    part(SETTLED_HIGH, high > 0, &[high]);
    // A sum that does not fit is at the limit too.
    let mut cut = false;
    each_figure(|figure| cut |= figure.column.is_some() && figure.of(cost) > LARGEST);
    if whole || cut {
        flags |= WHOLE;
        extra.push(cost.exact.0);
        extra.extend(kept_in_columns().map(|figure| figure.of(cost)));
    }
    let mut part = |flag: u32, present: bool, numbers: &[u64]| {
        if present {
            flags |= flag;
            extra.extend_from_slice(numbers);
        }
    };
    part(
        RSS,
        cost.rss.is_some(),
        &cost.rss.unwrap_or_default().numbers(),
    );
    let variances = [cost.live.live_variance, cost.live.peak_variance];
    part(LIVE_VARIANCE, variances != [0, 0], &variances);
    part(RECORDING, cost.recording > Nanos::ZERO, &[cost.recording.0]);
    flags
}

/// The costs again: of the values of a sample, and what follows in `extra`.
pub(super) fn unpack(
    values: &Values,
    flags: u32,
    extra: &mut Column<'_, u64>,
) -> Result<LineCost, Damage> {
    if flags & !ALL != 0 {
        let expected = format!("at most {ALL}");
        return Err(Damage::new("flags of a line", expected, flags));
    }
    let has = |flag: u32| flags & flag != 0;
    let mut part = |flag: u32| if has(flag) { extra.next() } else { Ok(0) };
    let [sampled, samples] = [part(SAMPLED)?, part(SAMPLED)?];
    let variance = whole([part(VARIANCE)?, part(VARIANCE_HIGH)?]);
    let settled = whole([part(SETTLED)?, part(SETTLED_HIGH)?]);
    let mut cost = if has(WHOLE) {
        let exact = Nanos(extra.next()?);
        let mut cost = LineCost {
            exact,
            ..LineCost::default()
        };
        for figure in kept_in_columns() {
            figure.put(&mut cost, extra.next()?);
        }
        cost
    } else {
        of_values(values, sampled)?
    };
    let cpu = cost.cpu.unwrap_or_default();
    if !has(CPU_KNOWN) && cpu != Nanos::ZERO {
        return Err(Damage::new("CPU time that is not known", 0, cpu.0));
    }
    cost.cpu = has(CPU_KNOWN).then_some(cpu);
    let read = has(RSS).then(|| extra.next_array()).transpose()?;
    let variances = has(LIVE_VARIANCE).then(|| extra.next_array()).transpose()?;
    [cost.live.live_variance, cost.live.peak_variance] = variances.unwrap_or_default();
    let recording = if has(RECORDING) { extra.next()? } else { 0 };
    Ok(LineCost {
        sampled: Nanos(sampled),
        samples,
        variance,
        settled,
        prior: has(PRIOR),
        below_resolution: has(BELOW_RESOLUTION),
        recording: Nanos(recording),
        rss: read.map(LineRss::of_numbers),
        ..cost
    })
}

/// What the values say, with the exact time for the time.
fn of_values(values: &Values, sampled: u64) -> Result<LineCost, Damage> {
    let mut cost = LineCost::default();
    let mut column = 0;
    each_figure(|figure| {
        if figure.column.is_some() {
            figure.put(&mut cost, values[column]);
            column += 1;
        }
    });
    let time = values[TIME];
    let exact = time.checked_sub(sampled).ok_or_else(|| {
        let expected = format!("at most {time}");
        Damage::new("sampled time of a line", expected, sampled)
    })?;
    cost.exact = Nanos(exact);
    Ok(cost)
}

/// Numbers of the extension that are read one after the other.
#[derive(Debug)]
pub(super) struct Column<'a, T> {
    name: &'static str,
    rest: &'a [T],
}

impl<'a, T: Copy> Column<'a, T> {
    pub(super) fn new(name: &'static str, numbers: &'a [T]) -> Self {
        Self {
            name,
            rest: numbers,
        }
    }

    pub(super) fn next(&mut self) -> Result<T, Damage> {
        let [number] = self.next_array()?;
        Ok(number)
    }

    fn next_array<const N: usize>(&mut self) -> Result<[T; N], Damage> {
        let parts = self.rest.split_first_chunk();
        let (numbers, rest) =
            parts.ok_or_else(|| Damage::new(self.name, "more numbers", "too few"))?;
        self.rest = rest;
        Ok(*numbers)
    }

    /// To be called when everything is read.
    pub(super) fn finish(&self) -> Result<(), Damage> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(Damage::new(self.name, "an end", format!("{left} more"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LineLive;

    fn again(cost: &LineCost, whole: bool) -> (LineCost, usize) {
        let mut extra = Vec::new();
        let flags = pack(cost, whole, &mut extra);
        let mut column = Column::new("extra", &extra);
        let values = if whole {
            Values::default()
        } else {
            values(cost)
        };
        let read = unpack(&values, flags, &mut column).unwrap();
        column.finish().unwrap();
        (read, extra.len())
    }

    #[test]
    fn common_costs_take_no_further_numbers() {
        let cost = LineCost {
            hits: 7,
            exact: Nanos(900),
            cpu: Some(Nanos(800)),
            below_resolution: true,
            ..LineCost::default()
        };
        assert_eq!(again(&cost, false), (cost, 0));
        assert_eq!(again(&cost, true), (cost, 11));
    }

    #[test]
    fn numbers_without_room_in_a_sample_come_back() {
        let cost = LineCost {
            hits: u64::MAX,
            exact: Nanos(u64::MAX),
            sampled: Nanos(u64::MAX),
            samples: 1,
            variance: u128::MAX,
            settled: 1 << 64,
            prior: true,
            below_resolution: true,
            recording: Nanos(u64::MAX),
            cpu: None,
            awaited: Nanos(1 << 63),
            trips: 9,
            allocs: 1,
            alloc_bytes: u64::MAX,
            frees: u64::MAX - 1,
            free_bytes: u64::MAX - 2,
            live: LineLive {
                live_bytes: u64::MAX,
                peak_bytes: u64::MAX - 1,
                live_variance: u64::MAX - 2,
                peak_variance: 1,
            },
            rss: Some(LineRss::of_numbers([u64::MAX, 1, 2, 3, 4, 5, 6, 7])),
        };
        assert_eq!(again(&cost, false), (cost, 27));
        assert_eq!(values(&cost)[1], LARGEST);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let read = |flags, extra: &[u64]| {
            unpack(&Values::default(), flags, &mut Column::new("extra", extra))
        };
        assert!(read(SAMPLED, &[1, 1]).is_err());
        assert!(read(SAMPLED, &[0]).is_err());
        assert!(read(ALL + 1, &[]).is_err());
        assert_eq!(read(0, &[]), Ok(LineCost::default()));
    }
}
