//! Ticks to nanoseconds, in whole numbers.

use crate::model::Nanos;

/// How long a tick is, as a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TickRate {
    /// Nanoseconds of ...
    nanos: u64,
    /// ... this many ticks; never 0.
    ticks: u64,
}

impl TickRate {
    /// `None` if no time passes or no tick.
    pub(super) fn new(nanos: u64, ticks: u64) -> Option<Self> {
        (nanos > 0 && ticks > 0).then_some(Self { nanos, ticks })
    }

    /// Rounded down; at most `u64::MAX`.
    pub(super) fn nanos(self, ticks: u128) -> Nanos {
        Nanos(u64::try_from(self.scale(ticks)).unwrap_or(u64::MAX))
    }

    /// Nanoseconds to ticks, rounded down; at most `u64::MAX`.
    pub(super) fn ticks(self, nanos: u64) -> u64 {
        let ticks = u128::from(nanos) * u128::from(self.ticks) / u128::from(self.nanos);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// Square ticks to square nanoseconds.
    pub(super) fn square_nanos(self, square_ticks: u128) -> u128 {
        self.scale(self.scale(square_ticks))
    }

    fn scale(self, number: u128) -> u128 {
        let (nanos, ticks) = (u128::from(self.nanos), u128::from(self.ticks));
        // In two parts, as the product of the whole may not fit.
        let whole = (number / ticks).saturating_mul(nanos);
        whole.saturating_add((number % ticks) * nanos / ticks)
    }
}

/// Converts a row of times so that the results add up to the converted sum: what one rounds down the next gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningTotal {
    rate: TickRate,
    ticks: u128,
}

impl RunningTotal {
    pub(super) fn new(rate: TickRate) -> Self {
        Self { rate, ticks: 0 }
    }

    pub(super) fn convert(&mut self, ticks: u128) -> Nanos {
        let before = self.rate.nanos(self.ticks);
        self.ticks = self.ticks.saturating_add(ticks);
        self.rate.nanos(self.ticks) - before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_converted_sum() {
        let mut total = RunningTotal::new(TickRate::new(2, 5).unwrap());
        let parts: Vec<_> = [1, 1, 1, 2, 0, 4]
            .map(|ticks| total.convert(ticks).0)
            .to_vec();
        assert_eq!(parts, [0, 0, 1, 1, 0, 1]);
        assert_eq!(parts.iter().sum::<u64>(), 9 * 2 / 5);
    }

    #[test]
    fn long_times_at_odd_rates_keep_every_nanosecond() {
        // 30 days at 2,595,998,317 ticks a second.
        let rate = TickRate::new(1_000_000_000, 2_595_998_317).unwrap();
        assert_eq!(
            rate.nanos(2_595_998_317 * 2_592_000),
            Nanos(2_592_000 * 1_000_000_000)
        );
        assert_eq!(rate.nanos(u128::MAX), Nanos(u64::MAX));
    }
}
