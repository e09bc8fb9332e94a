//! Whether two small sets of measurements differ, and by how much: exact, and without an assumption about how they are distributed. Pure arithmetic.

/// Chance that an interval misses the change, and chance of an alarm without a change that all hypotheses of a level share.
pub(super) const ALPHA: f64 = 0.05;
/// No set has more values: numbers of ways to choose stay below 2^128.
pub(super) const MOST_VALUES: usize = 60;

/// The middle; of an even number of values the mean of the two in the middle. 0 of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// How likely it is, if both sets are from one source, that their ranks differ by as much as they do, in either direction: the Mann-Whitney test, for
/// which all ways are counted to split the values into two sets of these sizes. Equal values share their ranks.
pub(super) fn mann_whitney(older: &[f64], newer: &[f64]) -> f64 {
    let ranks = doubled_ranks(older, newer);
    let observed: usize = ranks[..older.len()].iter().sum();
    let ways = splits(&ranks, older.len());
    let total = count(&ways);
    if total == 0 {
        return 1.0;
    }
    let below = count(&ways[..=observed]);
    let above = count(&ways[observed..]);
    (2.0 * below.min(above) as f64 / total as f64).min(1.0)
}

/// The smallest value that the test can have for two sets of this size: all of one above all of the other.
pub(super) fn least_p(size: usize) -> f64 {
    let ranks: Vec<usize> = (1..=2 * size).collect();
    let total = count(&splits(&ranks, size));
    (2.0 / total.max(1) as f64).min(1.0)
}

/// Twice the rank of each value among all, so that the mean rank of equal ones is a whole number; those of the older set first.
fn doubled_ranks(older: &[f64], newer: &[f64]) -> Vec<usize> {
    let all = || older.iter().chain(newer);
    all()
        .map(|value| {
            let smaller = all().filter(|other| *other < value).count();
            let equal = all().filter(|other| *other == value).count();
            2 * smaller + equal + 1
        })
        .collect()
}

/// In how many ways so many of the ranks add up to each sum.
fn splits(ranks: &[usize], chosen: usize) -> Vec<u128> {
    let largest: usize = ranks.iter().sum();
    let mut ways = vec![vec![0_u128; largest + 1]; chosen + 1];
    ways[0][0] = 1;
    for rank in ranks {
        for size in (1..=chosen).rev() {
            for sum in (*rank..=largest).rev() {
                let without = ways[size - 1][sum - rank];
                ways[size][sum] = ways[size][sum].saturating_add(without);
            }
        }
    }
    ways.pop().unwrap_or_default()
}

fn count(ways: &[u128]) -> u128 {
    ways.iter()
        .fold(0, |sum, ways| u128::saturating_add(sum, *ways))
}

/// The probability that a value of the newer set is larger than one of the older, where equal ones count half.
pub(super) fn superiority(older: &[f64], newer: &[f64]) -> f64 {
    let pairs = older.len() * newer.len();
    if pairs == 0 {
        return 0.5;
    }
    let points = differences(older, newer).into_iter().map(|change| {
        if change > 0.0 {
            1.0
        } else if change < 0.0 {
            0.0
        } else {
            0.5
        }
    });
    points.sum::<f64>() / pairs as f64
}

/// The change from the older set to the newer, as the median of the differences of all pairs (Hodges and Lehmann), and an interval that misses the
/// true change no more often than [`ALPHA`]; there is none where the sets are too small for it.
pub(super) fn shift(older: &[f64], newer: &[f64]) -> (f64, Option<(f64, f64)>) {
    let mut changes = differences(older, newer);
    changes.sort_by(f64::total_cmp);
    let cut = cut(older.len(), newer.len());
    let interval = (cut > 0).then(|| (changes[cut - 1], changes[changes.len() - cut]));
    (median(&changes), interval)
}

/// Which of the differences, counted from either end, is the end of the interval; 0 if none may be.
fn cut(older: usize, newer: usize) -> usize {
    let ranks: Vec<usize> = (1..=older + newer).collect();
    let ways = splits(&ranks, older);
    let total = count(&ways) as f64;
    let least = older * (older + 1) / 2;
    let mut below = 0_u128;
    let mut cut = 0;
    for ways in ways.iter().skip(least) {
        below = below.saturating_add(*ways);
        if below as f64 > ALPHA / 2.0 * total {
            break;
        }
        cut += 1;
    }
    cut.min(older * newer / 2)
}

fn differences(older: &[f64], newer: &[f64]) -> Vec<f64> {
    let pairs = older.iter().flat_map(|a| newer.iter().map(move |b| b - a));
    pairs.collect()
}

/// Which of several hypotheses may be rejected so that no more than [`ALPHA`] of all such sets have a false one among them (Holm).
pub(super) fn rejected(p: &[f64]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut rejected = vec![false; p.len()];
    for (rank, at) in order.into_iter().enumerate() {
        if p[at] > ALPHA / (p.len() - rank) as f64 {
            break;
        }
        rejected[at] = true;
    }
    rejected
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    /// The values are those of `scipy.stats.mannwhitneyu(older, newer, alternative="two-sided", method=PermutationMethod(n_resamples=10**7))`, which
    /// tries all splits of sets as small as these, with `PermutationMethod` of `scipy.stats`, version 1.17.1; `superiority` is its statistic of
    /// `(newer, older)` by the number of pairs; the change is `numpy.median` of all differences, and the ends of the interval are the ninth of the 49
    /// from either side, as `qwilcox(0.025, 7, 7)` of R has it.
    #[test]
    fn known_values_are_met() {
        type Case<'a> = (&'a [f64], &'a [f64], f64, f64, f64);
        let seven: Vec<f64> = (1..=7).map(f64::from).collect();
        let higher: Vec<f64> = (8..=14).map(f64::from).collect();
        let cases: [Case<'_>; 7] = [
            (&seven, &higher, 0.000_582_750_582_750_582_8, 1.0, 7.0),
            (
                &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0],
                &[7.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0],
                0.001_165_501_165_501_165_5,
                0.979_591_836_734_693_9,
                7.0,
            ),
            (
                &[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0],
                &[6.0, 5.0, 3.0, 5.0, 8.0, 9.0, 7.0],
                0.068_181_818_181_818_18,
                0.795_918_367_346_938_9,
                3.0,
            ),
            (
                &[10.0, 10.0, 11.0, 12.0],
                &[11.0, 12.0, 12.0, 13.0],
                0.2,
                0.843_75,
                1.0,
            ),
            (&[5.0; 5], &[5.0; 5], 1.0, 0.5, 0.0),
            (
                &[101.0, 99.0, 100.0, 102.0, 98.0],
                &[103.0, 100.0, 104.0, 105.0, 102.0, 99.0],
                0.155_844_155_844_155_84,
                0.783_333_333_333_333_3,
                2.0,
            ),
            (
                &[2.5, 2.5, 7.0, 1.0],
                &[2.5, 9.0, 8.0, 8.0, 10.0],
                0.063_492_063_492_063_49,
                0.9,
                5.5,
            ),
        ];
        for (older, newer, p, wins, change) in cases {
            assert!(close(mann_whitney(older, newer), p), "{older:?} {newer:?}");
            assert!(close(superiority(older, newer), wins), "{older:?}");
            assert!(close(shift(older, newer).0, change), "{older:?}");
        }
        assert_eq!(shift(&seven, &higher).1, Some((4.0, 10.0)));
        assert_eq!(shift(cases[2].0, cases[2].1).1, Some((0.0, 6.0)));
        assert_eq!(shift(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]).1, None);
    }

    /// 2 of the 3432 splits of 14 values, and so 85 hypotheses at 5 %; three against three never.
    #[test]
    fn seven_runs_carry_85_hypotheses() {
        assert!(close(least_p(7), 2.0 / 3432.0));
        assert!(least_p(7) * 85.0 <= ALPHA && least_p(7) * 86.0 > ALPHA);
        assert!(least_p(3) > ALPHA && least_p(4) <= ALPHA);
    }

    /// By hand, of four hypotheses: 0.01 <= 0.05/4, 0.015 <= 0.05/3, 0.03 > 0.05/2, and the rest falls with it.
    #[test]
    fn the_first_hypothesis_that_stands_holds_the_others() {
        let p = [0.04, 0.01, 0.03, 0.015];
        assert_eq!(rejected(&p), [false, true, false, true]);
        assert_eq!(rejected(&[]), [false; 0]);
    }

    /// All splits, one after the other.
    fn enumerated(older: &[f64], newer: &[f64]) -> f64 {
        let ranks = doubled_ranks(older, newer);
        let observed: usize = ranks[..older.len()].iter().sum();
        let (mut below, mut above, mut all) = (0_u32, 0_u32, 0_u32);
        for choice in 0_u32..1 << ranks.len() {
            if choice.count_ones() as usize != older.len() {
                continue;
            }
            let chosen = (0..ranks.len()).filter(|at| choice >> at & 1 == 1);
            let sum: usize = chosen.map(|at| ranks[at]).sum();
            all += 1;
            below += u32::from(sum <= observed);
            above += u32::from(sum >= observed);
        }
        (2.0 * f64::from(below.min(above)) / f64::from(all)).min(1.0)
    }

    fn values(most: usize) -> impl Strategy<Value = Vec<f64>> {
        vec((0_i32..12).prop_map(f64::from), 1..most)
    }

    proptest! {
        #[test]
        fn counting_is_enumerating(older in values(7), newer in values(7)) {
            prop_assert!(close(mann_whitney(&older, &newer), enumerated(&older, &newer)));
        }

        #[test]
        fn exchanged_sets_have_the_opposite_change(older in values(9), newer in values(9)) {
            prop_assert!(close(mann_whitney(&older, &newer), mann_whitney(&newer, &older)));
            prop_assert!(close(superiority(&older, &newer), 1.0 - superiority(&newer, &older)));
            let ((there, around), (back, other)) = (shift(&older, &newer), shift(&newer, &older));
            prop_assert!(close(there, -back));
            prop_assert_eq!(around, other.map(|(low, high)| (0.0 - high, 0.0 - low)));
            prop_assert!(around.is_none_or(|(low, high)| low <= there && there <= high));
        }

        #[test]
        fn a_set_does_not_differ_from_itself(values in values(12)) {
            prop_assert!(close(mann_whitney(&values, &values), 1.0));
            prop_assert!(close(superiority(&values, &values), 0.5));
            prop_assert!(close(shift(&values, &values).0, 0.0));
        }

        #[test]
        fn only_the_order_counts(older in values(9), newer in values(9)) {
            let cubed = |values: &[f64]| values.iter().map(|value| value.powi(3)).collect::<Vec<_>>();
            prop_assert!(close(mann_whitney(&older, &newer), mann_whitney(&cubed(&older), &cubed(&newer))));
        }

        /// What is rejected is never more than without the correction, and never less than by dividing by the number of all (Bonferroni).
        #[test]
        fn holm_is_between_none_and_bonferroni(p in vec(0.0_f64..0.2, 0..20)) {
            for (p_of, rejected) in p.iter().zip(rejected(&p)) {
                prop_assert!(!rejected || *p_of <= ALPHA);
                prop_assert!(rejected || *p_of > ALPHA / p.len() as f64);
            }
        }
    }
}
