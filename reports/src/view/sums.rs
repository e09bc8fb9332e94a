//! Sums of counts and bytes, and shares. A damaged profile may hold any number, so a sum stops at the largest there is; times do so by themselves.

use hprof::model::Nanos;

/// The sum of all.
pub(crate) fn sum(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}

/// Adds more.
pub(crate) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// The part in percent; `None` of nothing.
pub(crate) fn percent(part: Nanos, whole: Nanos) -> Option<f64> {
    (whole > Nanos::ZERO).then(|| 100.0 * part.0 as f64 / whole.0 as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stop_at_the_largest_number() {
        assert_eq!(sum([1, 2, 3]), 6);
        assert_eq!(sum([u64::MAX, 1]), u64::MAX);
        let mut all = u64::MAX - 1;
        add(&mut all, 5);
        assert_eq!(all, u64::MAX);
    }
}
