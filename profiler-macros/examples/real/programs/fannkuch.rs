//! Pancakes that are turned until the first is on top: swaps in a short array.

/// Pancakes of a turn.
const PANCAKES: usize = 8;

/// The next permutation, by turning the first ones around; `false` after the last.
fn next(order: &mut [usize], counts: &mut [usize]) -> bool {
    for last in 1..order.len() {
        order[..=last].rotate_left(1);
        counts[last] += 1;
        if counts[last] <= last {
            return true;
        }
        counts[last] = 0;
    }
    false
}

fn flips(order: &[usize], turned: &mut [usize]) -> u64 {
    turned.copy_from_slice(order);
    let mut flips = 0;
    loop {
        let top = turned[0];
        if top == 0 {
            return flips;
        }
        turned[..=top].reverse();
        flips += 1;
    }
}

/// Sum of the flips of all permutations, every other one subtracted, and the most flips of one.
pub(crate) fn fannkuch(pancakes: usize) -> (u64, u64) {
    let mut order: Vec<usize> = (0..pancakes).collect();
    let mut counts = vec![0; pancakes];
    let mut turned = order.clone();
    let (mut sum, mut most) = (0_u64, 0);
    let mut even = true;
    loop {
        let flips = flips(&order, &mut turned);
        most = most.max(flips);
        sum = if even {
            sum.wrapping_add(flips)
        } else {
            sum.wrapping_sub(flips)
        };
        if !next(&mut order, &mut counts) {
            return (sum, most);
        }
        even = !even;
    }
}

pub(crate) fn run(turns: u64) -> u64 {
    (0..turns).map(|_| fannkuch(PANCAKES).0).sum()
}
