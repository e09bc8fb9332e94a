//! A program annotated only in part: the lines of [`median_of_text`] call parsing, sorting and copying that are not.
//!
//! What those functions cost belongs to the calling line; only the native stacks of `hprof run --native` tell more.
//!
//! Hits: each line of [`median_of_text`] once, but `for` header `copies + 1` and its body `copies`.

use std::num::ParseIntError;

use crate::random::Random;

/// The middle number of a text with one number a line, and the sum of all numbers over `copies` copies of them.
///
/// The middle of an empty text is `None`; of an even count it is the upper of the two.
///
/// ```
/// let (median, sum) = sample_workloads::half_annotated::median_of_text("30\n10\n20\n", 2)?;
/// assert_eq!((median, sum), (Some(20), 120));
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
///
/// # Errors
/// The first line that is no number from 0 to 4,294,967,295.
#[hprof::profile]
pub fn median_of_text(text: &str, copies: usize) -> Result<(Option<u32>, u64), ParseIntError> {
    let mut numbers = parse(text)?;
    sort(&mut numbers);
    let mut copy = vec![0; numbers.len()];
    let mut sum = 0;
    for _ in 0..copies {
        copy_into(&mut copy, &numbers);
        sum += total(&copy);
    }
    Ok((numbers.get(numbers.len() / 2).copied(), sum))
}

/// `count` random numbers, one a line.
#[hprof::profile]
pub fn random_text(count: usize, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for _ in 0..count {
        text += &(random.next_bits() >> 32).to_string();
        text.push('\n');
    }
    text
}

fn parse(text: &str) -> Result<Vec<u32>, ParseIntError> {
    text.lines().map(str::parse).collect()
}

fn sort(numbers: &mut [u32]) {
    numbers.sort_unstable();
}

/// `inline(never)`: as a function of a library would be, and so that the copy cannot be optimised away.
#[inline(never)]
fn copy_into(to: &mut [u32], from: &[u32]) {
    to.copy_from_slice(from);
}

fn total(numbers: &[u32]) -> u64 {
    numbers.iter().map(|&number| u64::from(number)).sum()
}
