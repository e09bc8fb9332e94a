//! Divides a range of work among workers.

use std::ops::Range;

/// The part of `0..total` that falls to `worker` of `workers`: parts differ by one at most and leave nothing out.
///
/// `workers` must be at least 1 and `worker` below it.
///
/// ```
/// use sample_workloads::share::part;
///
/// assert_eq!(part(10, 0, 3), 0..3);
/// assert_eq!(part(10, 1, 3), 3..6);
/// assert_eq!(part(10, 2, 3), 6..10);
/// ```
pub const fn part(total: usize, worker: usize, workers: usize) -> Range<usize> {
    // In two terms, so that no product exceeds `total` or `workers` squared.
    let (whole, rest) = (total / workers, total % workers);
    (whole * worker + rest * worker / workers)
        ..(whole * (worker + 1) + rest * (worker + 1) / workers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_up_and_differ_by_one_at_most() {
        for total in [0, 1, 7, 16, 1000] {
            for workers in 1..9 {
                let parts: Vec<_> = (0..workers)
                    .map(|worker| part(total, worker, workers))
                    .collect();
                assert_eq!((parts[0].start, parts[workers - 1].end), (0, total));
                assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
                let longest = parts.iter().map(ExactSizeIterator::len).max().unwrap();
                let shortest = parts.iter().map(ExactSizeIterator::len).min().unwrap();
                assert!(
                    longest - shortest <= 1,
                    "{total} among {workers}: {shortest}..{longest}"
                );
            }
        }
    }
}
