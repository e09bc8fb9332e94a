//! Ten times the sum of 0..5,000,000: one after the other, in threads, in processes.
//!
//! In Python the threads of this program are slower than one after the other, as only one of them may run at a time;
//! here they share the cores. The sum is 12,499,997,500,000.
//!
//! Hits of [`my_summer`] over all threads and processes: `for` header `runs * (stop + 1)`, its body `runs * stop`.

use std::hint::black_box;
use std::sync::atomic::Ordering::Relaxed;
use std::{io, thread};

use crate::processes::{SharedWords, in_children};

/// The sum of `start..stop`.
///
/// `black_box` keeps the loop: the optimiser knows the formula for such sums.
#[hprof::profile]
pub fn my_summer(start: u64, stop: u64) -> u64 {
    let mut tot = 0;
    for i in start..stop {
        tot += black_box(i);
    }
    tot
}

/// `runs` sums of `0..stop`, one after the other.
#[hprof::profile]
pub fn serial(runs: usize, stop: u64) -> Vec<u64> {
    (0..runs).map(|_| my_summer(0, stop)).collect()
}

/// `runs` sums of `0..stop`, each in a thread of its own.
#[hprof::profile]
pub fn threads(runs: usize, stop: u64) -> Vec<u64> {
    thread::scope(|scope| {
        let running: Vec<_> = (0..runs)
            .map(|_| scope.spawn(move || my_summer(0, stop)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().expect("a sum does not panic"))
            .collect()
    })
}

/// `runs` sums of `0..stop`, each in a process of its own.
///
/// # Errors
/// The system's error if a process cannot be made or fails.
#[hprof::profile]
pub fn processes(runs: usize, stop: u64) -> io::Result<Vec<u64>> {
    let sums = SharedWords::zeroed(runs)?;
    in_children(runs, |run| sums[run].store(my_summer(0, stop), Relaxed))?;
    Ok(sums.iter().map(|sum| sum.load(Relaxed)).collect())
}
