//! What the split of gaps starts from and what it gives out, and the division without a remainder that all its steps use.

/// Times beyond this many ticks are cut (4 years at 1 GHz and more): no program that ran gets there.
pub(crate) const MAX_TICKS: u64 = 1 << 57;

/// A cell of the thread whose gaps are split. Cell 0 is the one outside of all frames.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct GapCell {
    /// Node that holds the cell; a parent has a smaller number. `None` for cell 0 alone.
    pub(crate) node: Option<usize>,
    /// Ticks of the gaps that began here.
    pub(crate) gap: u64,
    /// CPU time of those, in ticks.
    pub(crate) cpu: u64,
    /// Ticks it is expected to have taken, from its timed hits; 0 if it has no prior.
    pub(crate) prior: u128,
    /// Square of the relative error of that, 2^16 to one.
    pub(crate) doubt: u64,
}

/// What samples say of one cell in the gaps of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    /// Cell where the gaps began.
    pub(crate) gap: usize,
    /// Cell seen; `None` for those that found no room in the table.
    pub(crate) seen: Option<usize>,
    pub(crate) samples: u64,
    /// Sum of the weights, ticks.
    pub(crate) weight: u64,
    /// Sum of the squares of the weights, in units of 2^20 square ticks.
    pub(crate) weight_squared: u64,
    /// CPU time charged, in any unit.
    pub(crate) cpu: u64,
}

/// What a cell gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// Ticks by samples, or because nothing else is known.
    pub(crate) sampled: u128,
    /// Ticks by the prior.
    pub(crate) prior: u128,
    /// CPU time, in ticks.
    pub(crate) cpu: u128,
    pub(crate) samples: u64,
    /// Variance of the time, square ticks.
    pub(crate) variance: u128,
    /// Variance of shares here and below that cancels in the total of the frame; see `settle`.
    pub(crate) settled: u128,
}

/// Splits `total` in proportion to the weights so that the parts add up to it: by largest remainder, the earlier part first where
/// two are equal. No weight may be above `total`'s room in 128 bits; at least one must be above 0.
pub(crate) fn apportion(total: u128, weights: &[u64]) -> Vec<u128> {
    let all: u128 = weights.iter().copied().map(u128::from).sum::<u128>().max(1);
    let product = |weight: &u64| total.saturating_mul(u128::from(*weight));
    let mut parts: Vec<u128> = weights.iter().map(|weight| product(weight) / all).collect();
    let given: u128 = parts.iter().sum();
    let mut left = total.saturating_sub(given);
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&index| core::cmp::Reverse(product(&weights[index]) % all));
    for index in order {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    parts
}
