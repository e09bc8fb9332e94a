//! Gaps are given out to the last tick, whatever the samples say.

use proptest::prelude::*;

use super::*;

fn cell(node: Option<usize>, gap: u64, prior: u128) -> GapCell {
    GapCell {
        node,
        gap,
        cpu: gap,
        prior,
        doubt: 1 << 14,
    }
}

fn seen(gap: usize, seen: usize, samples: u64, weight: u64) -> Sighting {
    Sighting {
        gap,
        seen: Some(seen),
        samples,
        weight,
        weight_squared: 0,
        cpu: 0,
    }
}

fn total(share: &Share) -> u128 {
    share.sampled + share.prior
}

#[test]
fn parts_are_as_near_to_their_share_as_whole_numbers_allow() {
    assert_eq!(apportion(10, &[1, 1, 1]), [4, 3, 3]);
    assert_eq!(apportion(10, &[1, 0, 2]), [3, 0, 7]);
    assert_eq!(apportion(0, &[5]), [0]);
}

/// Cell 1 is in the root node, cells 2 and 3 in a node called from it. Forty samples weigh as much as the prior, twelve `12^2 / 40^2` of it.
#[test]
fn the_prior_counts_as_forty_samples() {
    let callers = [Some(0), Some(1)];
    let cells = [
        cell(None, 0, 0),
        cell(Some(0), 1000, 0),
        cell(Some(1), 0, 30),
        cell(Some(1), 0, 10),
    ];
    let parts = |samples: u64| -> Vec<_> {
        // As the prior has it.
        let mut sightings = [seen(1, 2, samples / 4 * 3, 3), seen(1, 3, samples / 4, 1)];
        let shares = split(&callers, &cells, &mut sightings);
        shares
            .iter()
            .map(|share| (share.sampled, share.prior))
            .collect()
    };
    assert_eq!(parts(40), [(0, 0), (0, 0), (375, 375), (125, 125)]);
    assert_eq!(parts(12), [(0, 0), (0, 0), (62, 688), (21, 229)]);
    assert_eq!(parts(u64::MAX), [(0, 0), (0, 0), (750, 0), (250, 0)]);
}

/// The prior says half and half. Twenty samples that fell eleven and nine leave it its part of forty; twenty that all fell on one line are, by the squares
/// of the distances (0.5² + 0.5²), 20 times as far from it as chance makes them in the mean (0.5 x 0.5 + 0.5 x 0.5, over 20), and count so many times as much.
#[test]
fn samples_against_the_prior_outweigh_it() {
    let callers = [Some(0)];
    let cells = [
        cell(None, 0, 0),
        cell(Some(0), 1000, 500),
        cell(Some(0), 0, 500),
    ];
    let by_prior = |first, second| -> u128 {
        let mut sightings = vec![seen(1, 1, first, first * 77)];
        if second > 0 {
            sightings.push(seen(1, 2, second, second * 77));
        }
        let shares = split(&callers, &cells, &mut sightings);
        shares.iter().map(|share| share.prior).sum()
    };
    assert_eq!(by_prior(11, 9), 1000 * 1600 / (400 + 1600));
    assert_eq!(by_prior(20, 0), 1000 * 1600 / (20 * 400 + 1600));
}

/// A gap of an inner node goes to what is below that node, not to the priors above it; one outside of all frames goes anywhere.
#[test]
fn the_prior_reaches_down_only() {
    let callers = [Some(0), Some(1)];
    let cells = |outside, inner| {
        [
            cell(None, outside, 0),
            cell(Some(0), 0, 60),
            cell(Some(1), inner, 20),
        ]
    };
    let given = |cells: &[GapCell]| -> Vec<u128> {
        split(&callers, cells, &mut []).iter().map(total).collect()
    };
    assert_eq!(given(&cells(0, 800)), [0, 0, 800]);
    assert_eq!(given(&cells(800, 0)), [0, 600, 200]);
}

/// `t^2 p (1 - p) sum(w^2) / sum(w)^2`: 16 samples of one weight, half and half, in a gap of 1000: sd 125.
#[test]
fn the_variance_is_that_of_independent_samples() {
    let callers = [Some(0)];
    let cells = [
        cell(None, 0, 0),
        cell(Some(0), 1000, 0),
        cell(Some(0), 0, 0),
    ];
    for weight in [1, 1000, 3_000_000, 1 << 50] {
        let squares = (8 * u128::from(weight) * u128::from(weight)) >> 20;
        let sighting = |cell| Sighting {
            weight_squared: u64::try_from(squares).unwrap_or(u64::MAX),
            ..seen(1, cell, 8, 8 * weight)
        };
        let shares = split(&callers, &cells, &mut [sighting(1), sighting(2)]);
        let variance = shares[1].variance;
        // Squares as large as the last ones are cut to 64 bits; no sum of them is below 1 / n.
        assert!(
            (15_600..=15_625).contains(&variance),
            "{weight}: {variance}"
        );
        assert_eq!(shares[2].variance, variance);
        // Both cells are in one frame: its total has no error.
        assert_eq!(shares[1].settled, variance);
    }
}

/// The frame that holds both lines is node 0; the share of cell 3 stands on cell 2, from which node 1 was called.
#[test]
fn variances_settle_at_the_innermost_common_frame() {
    let callers = [Some(0), Some(2)];
    let cells = [
        cell(None, 0, 0),
        cell(Some(0), 1000, 0),
        cell(Some(0), 0, 0),
        cell(Some(1), 0, 0),
    ];
    let sightings = [seen(1, 1, 4, 400), seen(1, 3, 4, 400)];
    let shares = split(&callers, &cells, &mut sightings.clone());
    let settled: Vec<_> = shares.iter().map(|share| share.settled).collect();
    let variance = shares[1].variance;
    assert!(variance > 0);
    assert_eq!(settled, [0, variance, variance, 0]);
    // With a part outside of all frames there is no such frame.
    let with_outside = [sightings[0], sightings[1], seen(1, 0, 4, 400)];
    let shares = split(&callers, &cells, &mut with_outside.clone());
    assert!(shares.iter().all(|share| share.settled == 0));
}

/// A random tree: for each node the calling cell, one to three cells for each node.
fn threads() -> impl Strategy<Value = (Vec<Option<usize>>, Vec<GapCell>)> {
    let amount = || prop_oneof![Just(0), 0..100_u64, any::<u64>()];
    let prior = prop_oneof![Just(0), 0..1000_u128, any::<u128>()];
    let one = (1..4_usize, any::<prop::sample::Index>(), any::<bool>());
    let node = (one, prop::collection::vec((amount(), prior), 3));
    (amount(), prop::collection::vec(node, 0..12)).prop_map(|(outside, nodes)| {
        let mut cells = vec![cell(None, outside, 0)];
        let mut callers = Vec::new();
        for (number, ((lines, caller, known), amounts)) in nodes.into_iter().enumerate() {
            callers.push(known.then(|| caller.index(cells.len())));
            let of_node = |(gap, prior)| cell(Some(number), gap, prior);
            cells.extend(amounts.into_iter().take(lines).map(of_node));
        }
        (callers, cells)
    })
}

fn sightings()
-> impl Strategy<Value = Vec<(prop::sample::Index, Option<prop::sample::Index>, [u64; 3])>> {
    let amount = || prop_oneof![Just(0), 1..100_u64, 0..1_u64 << 40, any::<u64>()];
    let amounts = [amount().boxed(), amount().boxed(), amount().boxed()];
    prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            any::<Option<prop::sample::Index>>(),
            amounts,
        ),
        0..20,
    )
}

proptest! {
    #[test]
    fn every_gap_is_given_out_to_the_last_tick(
        (callers, cells) in threads(),
        sightings in sightings(),
    ) {
        let mut sightings: Vec<Sighting> = sightings
            .iter()
            .map(|(gap, seen, [samples, weight, weight_squared])| Sighting {
                gap: gap.index(cells.len()),
                seen: seen.map(|seen| seen.index(cells.len())),
                samples: *samples,
                weight: *weight,
                weight_squared: *weight_squared,
                cpu: *weight,
            })
            .collect();
        let shares = split(&callers, &cells, &mut sightings);
        let gaps: u128 = cells.iter().map(|cell| u128::from(cell.gap.min(MAX_TICKS))).sum();
        prop_assert_eq!(shares.iter().map(total).sum::<u128>(), gaps);
        // All of the gaps is CPU time here.
        prop_assert_eq!(shares.iter().map(|share| share.cpu).sum::<u128>(), gaps);
        // What is settled at the frames is variance of shares, each once.
        let sum = |part: fn(&Share) -> u128| shares.iter().map(part).fold(0, u128::saturating_add);
        prop_assert!(sum(|share| share.settled) <= sum(|share| share.variance));
        for share in &shares {
            prop_assert!(share.variance <= gaps.saturating_mul(gaps).saturating_mul(2));
            prop_assert!(share.cpu <= total(share));
        }
        // The order of the table does not matter.
        sightings.reverse();
        prop_assert_eq!(split(&callers, &cells, &mut sightings), shares);
    }
}
