//! Whether the times of runs that were recorded in turn differ: few, chosen hypotheses on three levels, each with a test of its own.

use super::change::TimeChange;
use super::statistics::{ALPHA, least_p, mann_whitney, median, rejected, shift, superiority};
use super::time_word::{TimeVerdict, TimeWord};

/// One side is slower only if so many of all pairs of runs say so.
const LEAST_SUPERIORITY: f64 = 0.9;
/// A change is none below so much of the time itself, and of the run.
const LEAST_OF_ITSELF: f64 = 0.03;
const LEAST_OF_RUN: f64 = 0.003;
/// Functions and lines with less of the run are no hypotheses.
const LEAST_SHARE: f64 = 0.01;

/// A time in each run of one side, nanoseconds, with its variance.
pub(super) type Times = Vec<(f64, f64)>;

/// The times of a function or line, of both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    pub(super) older: Times,
    pub(super) newer: Times,
}

impl Series {
    fn values(times: &Times) -> Vec<f64> {
        times.iter().map(|time| time.0).collect()
    }

    /// Medians, and one standard deviation of the difference of two single runs as far as the recording knows it.
    pub(super) fn medians(&self) -> TimeChange {
        let middle = |times: &Times| median(&Self::values(times));
        let variance = |times: &Times| {
            times.iter().map(|time| time.1).sum::<f64>() / times.len().max(1) as f64
        };
        TimeChange {
            older: nanos(middle(&self.older)),
            newer: nanos(middle(&self.newer)),
            error: (variance(&self.older) + variance(&self.newer)).sqrt(),
        }
    }

    /// Whether it is long enough, on one side, in a run that takes so long there.
    pub(super) fn is_hypothesis(&self, run: TimeChange) -> bool {
        let own = self.medians();
        let reaches = |own: hprof::model::Nanos, run: hprof::model::Nanos| {
            own.0 > 0 && own.0 as f64 >= LEAST_SHARE * run.0 as f64
        };
        reaches(own.older, run.older) || reaches(own.newer, run.newer)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time that was a whole number of nanoseconds, or the mean of two"
)]
fn nanos(value: f64) -> hprof::model::Nanos {
    hprof::model::Nanos(value.round() as u64)
}

/// Judges all hypotheses of a level together.
pub(super) fn judge(level: &[&Series], run: TimeChange) -> Vec<TimeVerdict> {
    let sets = level
        .iter()
        .map(|series| (Series::values(&series.older), Series::values(&series.newer)));
    let sets: Vec<(Vec<f64>, Vec<f64>)> = sets.collect();
    let p: Vec<f64> = sets
        .iter()
        .map(|(older, newer)| mann_whitney(older, newer))
        .collect();
    let moved = rejected(&p);
    let whole = run.older.max(run.newer).0 as f64;
    let one = |at: usize| {
        let (older, newer) = &sets[at];
        let (change, interval) = shift(older, newer);
        let runs = older.len().min(newer.len());
        let medians = level[at].medians();
        let own = medians.older.max(medians.newer).0 as f64;
        let floor = (LEAST_OF_ITSELF * own)
            .max(medians.error)
            .max(LEAST_OF_RUN * whole);
        let wins = superiority(older, newer);
        let word = if least_p(runs) * level.len() as f64 > ALPHA {
            TimeWord::TooFewRuns {
                runs,
                times: level.len(),
            }
        } else if moved[at] && medians.change() > floor && wins >= LEAST_SUPERIORITY {
            TimeWord::Slower
        } else if moved[at] && -medians.change() > floor && 1.0 - wins >= LEAST_SUPERIORITY {
            TimeWord::Faster
        } else {
            let (low, high) = interval.unwrap_or((change, change));
            let unseen = floor.max(low.abs()).max(high.abs());
            TimeWord::SameWithin(100.0 * unseen / own.max(1.0))
        };
        TimeVerdict {
            word,
            change,
            interval,
            p: p[at],
            superiority: wins,
            floor,
        }
    };
    (0..level.len()).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(older: &[f64], newer: &[f64], error: f64) -> Series {
        let times = |values: &[f64]| {
            let times = values.iter().map(|value| (*value, error * error / 2.0));
            times.collect()
        };
        Series {
            older: times(older),
            newer: times(newer),
        }
    }

    const BEFORE: [f64; 7] = [1000.0, 1010.0, 990.0, 1005.0, 995.0, 1002.0, 998.0];

    fn times(factor: f64) -> Vec<f64> {
        BEFORE.iter().map(|time| time * factor).collect()
    }

    fn word(newer: &[f64], error: f64, run: f64) -> TimeWord {
        let whole = series(&[run; 7], &[run; 7], 0.0).medians();
        judge(&[&series(&BEFORE, newer, error)], whole)[0].word
    }

    #[test]
    fn a_change_is_named_if_it_is_above_all_limits() {
        assert_eq!(word(&times(1.5), 0.0, 1000.0), TimeWord::Slower);
        assert_eq!(word(&times(0.7), 0.0, 1000.0), TimeWord::Faster);
        let same = |word: TimeWord| matches!(word, TimeWord::SameWithin(_));
        // 2.5 % of itself, though all runs say so.
        assert!(same(word(&times(1.025), 0.0, 1000.0)));
        // Less than the error that is printed beside it.
        assert!(same(word(&times(1.5), 600.0, 1000.0)));
        // Less than 0.3 % of the run.
        assert!(same(word(&times(1.5), 0.0, 200_000.0)));
        // Two of seven runs say the opposite.
        let mut mixed = times(1.5);
        mixed[0] = 500.0;
        mixed[1] = 500.0;
        assert!(same(word(&mixed, 0.0, 1000.0)));
    }

    #[test]
    fn what_could_not_have_been_seen_is_told() {
        let TimeWord::SameWithin(percent) = word(&BEFORE, 0.0, 1000.0) else {
            panic!("not the same")
        };
        assert!((percent - 3.0).abs() < 1e-9, "{percent}");
        let noisy = [600.0, 1400.0, 1000.0, 800.0, 1200.0, 1300.0, 700.0];
        let TimeWord::SameWithin(percent) = word(&noisy, 0.0, 1000.0) else {
            panic!("not the same")
        };
        assert!(percent > 20.0, "{percent}");
        let words = [3.0, 120.4].map(|percent| TimeWord::SameWithin(percent).to_string());
        assert_eq!(words, ["same within 3.0 %", "same within 120 %"]);
    }

    #[test]
    fn too_few_runs_judge_nothing() {
        let run = series(&[1.0; 3], &[1.0; 3], 0.0);
        let few = judge(
            &[&series(&[1.0, 2.0, 3.0], &[7.0, 8.0, 9.0], 0.0)],
            run.medians(),
        );
        assert_eq!(few[0].word, TimeWord::TooFewRuns { runs: 3, times: 1 });
        let four = series(&[1.0, 2.0, 3.0, 4.0], &[7.0, 8.0, 9.0, 9.5], 0.0);
        assert_eq!(judge(&[&four], run.medians())[0].word, TimeWord::Slower);
        let two = judge(&[&four, &four], run.medians());
        assert_eq!(
            two[0].word.to_string(),
            "not judged: 4 runs of each cannot tell 2 times apart"
        );
    }
}
