//! What recording took of the time of each cell: counts of the cell times the prices that were measured as the recording started.
//!
//! ```text
//! marker of A      marker of B     entry of g, called from B      marker in g          back to B
//!      │ A ─────────────│ B ───────────▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│ g's line ──────────────────│ B ───
//!                                  an entry is charged to the line that calls
//! ```

use core::mem::offset_of;

use super::bytes::Bytes;
use crate::model::Nanos;
use crate::raw::layout::Header;

/// What one event costs, in picoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prices {
    timed_marker: u64,
    marker: u64,
    call: u64,
    miss: u64,
}

impl Prices {
    /// `fenced`: the clock has taken the price of each marker off the times already.
    pub(super) fn read(bytes: Bytes<'_>, fenced: bool) -> Self {
        let of_marker = |field: usize| if fenced { 0 } else { bytes.u64(field) };
        Self {
            timed_marker: of_marker(offset_of!(Header, cost_timed_ps)),
            marker: of_marker(offset_of!(Header, cost_marker_ps)),
            call: bytes.u64(offset_of!(Header, cost_call_ps)),
            miss: bytes.u64(offset_of!(Header, cost_miss_ps)),
        }
    }
}

impl Prices {
    /// Nanoseconds that so many markers take which do not read the clock.
    pub(super) fn markers(&self, count: u64) -> u64 {
        let nanos = u128::from(count) * u128::from(self.marker) / 1000;
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

/// What happened on a cell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CellEvents {
    /// Markers that ran.
    pub(super) markers: u64,
    /// Intervals that began here if the line is timed, each by reading the clock; else 0.
    pub(super) readings: u64,
    /// Frames entered from here.
    pub(super) calls: u64,
    /// Those of them whose node was looked up.
    pub(super) missed_calls: u64,
}

impl CellEvents {
    fn picoseconds(&self, prices: &Prices, readings: u64) -> u128 {
        let cost = |count: u64, price: u64| u128::from(count) * u128::from(price);
        // A reading is more than a marker that reads nothing.
        let reading = prices.timed_marker.saturating_sub(prices.marker);
        cost(self.markers, prices.marker)
            .saturating_add(cost(readings, reading))
            .saturating_add(cost(self.calls, prices.call))
            .saturating_add(cost(self.missed_calls, prices.miss))
    }
}

/// What recording took on each cell of a thread that read the clock so often in all. Where the cells tell of more readings than there were, for
/// nothing had to be read when a call returned, each has its share.
pub(super) fn costs(cells: &[CellEvents], prices: &Prices, clock_readings: u64) -> Vec<Nanos> {
    let told: u128 = cells.iter().map(|cell| u128::from(cell.readings)).sum();
    let there = u128::from(clock_readings).min(told);
    let cost = |cell: &CellEvents| {
        let readings = u128::from(cell.readings) * there;
        let readings = readings.checked_div(told).unwrap_or_default();
        let readings = u64::try_from(readings).unwrap_or(u64::MAX);
        let nanos = cell.picoseconds(prices, readings) / 1000;
        Nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    };
    cells.iter().map(cost).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: Prices = Prices {
        timed_marker: 20_000,
        marker: 500,
        call: 1_500,
        miss: 30_000,
    };

    #[test]
    fn each_event_has_its_price() {
        let hot = CellEvents {
            markers: 100,
            ..CellEvents::default()
        };
        let timed = CellEvents {
            markers: 10,
            readings: 10,
            ..CellEvents::default()
        };
        let calling = CellEvents {
            calls: 40,
            missed_calls: 2,
            ..CellEvents::default()
        };
        let costs = costs(&[hot, timed, calling], &PRICES, 10);
        assert_eq!(costs, [Nanos(50), Nanos(200), Nanos(120)]);
    }

    #[test]
    fn readings_that_did_not_happen_cost_nothing() {
        let cell = |readings| CellEvents {
            readings,
            ..CellEvents::default()
        };
        let cells = [cell(30), cell(10), cell(0)];
        let readings = |all| costs(&cells, &PRICES, all);
        assert_eq!(readings(20), [Nanos(292), Nanos(97), Nanos(0)]);
        assert_eq!(readings(40), [Nanos(585), Nanos(195), Nanos(0)]);
        assert_eq!(readings(1_000), readings(40));
        assert_eq!(costs(&[cell(0)], &PRICES, 9), [Nanos(0)]);
    }

    #[test]
    fn numbers_of_a_hostile_file_end_at_the_largest() {
        let cell = CellEvents {
            markers: u64::MAX,
            readings: u64::MAX,
            calls: u64::MAX,
            missed_calls: u64::MAX,
        };
        let dear = Prices {
            timed_marker: u64::MAX,
            marker: u64::MAX,
            call: u64::MAX,
            miss: u64::MAX,
        };
        assert_eq!(costs(&[cell], &dear, u64::MAX), [Nanos(u64::MAX)]);
    }
}

/// What a thread adds to the recorder's own cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Events {
    pub(super) timed_markers: u64,
    pub(super) markers: u64,
    pub(super) calls: u64,
    /// Calls that the table of all nodes was asked for.
    pub(super) missed_calls: u64,
    /// Times that markers read the CPU clock.
    pub(super) cpu_reads: u64,
    /// Ticks that looks at the memory took.
    pub(super) look_ticks: u64,
}
