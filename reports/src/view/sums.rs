//! Sums of counts and bytes. A damaged profile may hold any number, so a sum stops at the largest there is; times do so by themselves.

/// The sum of all.
pub(crate) fn sum(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}

/// Adds more.
pub(crate) fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
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
