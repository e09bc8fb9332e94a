//! Processes that each negate one element of a shared array: no two touch the same, so no lock is needed.
//!
//! The array 0, 1, ... 9 becomes -0, -1, ... -9. Hits of `negate`: each line once a process.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::processes::{SharedWords, in_children};

/// Makes the array `0.0, 1.0, ...`, lets each of `count` processes negate its element and returns the array.
///
/// ```
/// assert_eq!(sample_workloads::shared_array::negated(3)?, [-0.0, -1.0, -2.0]);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The system's error if memory or processes cannot be made.
#[hprof::profile]
pub fn negated(count: usize) -> io::Result<Vec<f64>> {
    let array = SharedWords::zeroed(count)?;
    for (i, element) in array.iter().enumerate() {
        element.store((i as f64).to_bits(), Relaxed);
    }
    in_children(count, |i| negate(&array[i]))?;
    Ok(array
        .iter()
        .map(|element| f64::from_bits(element.load(Relaxed)))
        .collect())
}

/// Negates a float that is stored by its bits.
#[hprof::profile]
fn negate(element: &AtomicU64) {
    let value = f64::from_bits(element.load(Relaxed));
    element.store((-value).to_bits(), Relaxed);
}
