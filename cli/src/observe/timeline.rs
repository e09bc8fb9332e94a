//! Readings of a process over its run: of a long run every second one is dropped, as often as it takes.

use hprof::model::Reading;
use hprof::raw::observed::MOST_READINGS;

/// Readings, ascending by time.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    readings: Vec<Reading>,
    /// The next reading comes no earlier than so long after the last, nanoseconds.
    distance: u64,
}

impl Timeline {
    /// Adds a reading, if it is time for one, or if the resident set was never as large.
    pub(super) fn add(&mut self, reading: Reading) {
        if let Some(last) = self.readings.last_mut()
            && reading.at.0.saturating_sub(last.at.0) < self.distance
        {
            // What is dropped must not be a peak.
            if reading.rss_bytes > last.rss_bytes {
                *last = reading;
            }
            return;
        }
        if self.readings.len() == MOST_READINGS {
            self.halve();
        }
        self.readings.push(reading);
    }

    /// Of each two neighbours the one with the larger resident set stays, so that peaks do.
    fn halve(&mut self) {
        let pairs = self.readings.chunks(2);
        let larger =
            |pair: &[Reading]| pair.iter().copied().max_by_key(|reading| reading.rss_bytes);
        self.readings = pairs.filter_map(larger).collect();
        let (first, last) = (self.readings.first(), self.readings.last());
        let span = first
            .zip(last)
            .map_or(0, |(first, last)| last.at.0.saturating_sub(first.at.0));
        self.distance = span / self.readings.len().max(1) as u64;
    }

    /// All that are left.
    pub(super) fn into_readings(self) -> Vec<Reading> {
        self.readings
    }
}

#[cfg(test)]
mod tests {
    use hprof::model::Nanos;

    use super::*;

    /// ```text
    /// a reading each millisecond; the resident set is 1, and 9 for one reading in the middle
    /// 1 ms      1 reading
    /// 1 s       1,000
    /// 10 min    600,000, of which no more than 4,096 are left
    /// ```
    #[test]
    fn long_runs_keep_few_readings_and_their_peak() {
        for (ms, fewest) in [(1_u64, 1), (1000, 1000), (600_000, 2000)] {
            let mut timeline = Timeline::default();
            for at in 0..ms {
                timeline.add(Reading {
                    at: Nanos(at * 1_000_000),
                    rss_bytes: if at == ms / 2 { 9 } else { 1 },
                    ..Reading::default()
                });
            }
            let readings = timeline.into_readings();
            assert!(
                (fewest..=MOST_READINGS).contains(&readings.len()),
                "{ms}: {}",
                readings.len()
            );
            assert!(readings.is_sorted_by(|a, b| a.at < b.at));
            let peak = readings.iter().find(|reading| reading.rss_bytes == 9);
            assert_eq!(peak.unwrap().at, Nanos(ms / 2 * 1_000_000));
        }
    }
}
