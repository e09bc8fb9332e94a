//! Area under the curve `0.7 x^3 - 2 x^2 + 4` from 0 to 3, by the left rule. The answer is 8.175.
//!
//! With `n` points the left rule is off by `-1.35 / n` (half a step times the difference of the end values).
//!
//! Hits of [`area_of_part`] over all workers: `for` header `n + workers`, each line of its body `n`, others `workers`.

use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::{io, thread};

#[cfg(feature = "mpi")]
use mpi::collective::{CommunicatorCollectives, SystemOperation};

use crate::processes::{SharedWords, in_children};
use crate::share::part;

/// The exact area.
pub const EXACT: f64 = 8.175;

/// The part of the area that belongs to the points `points` of `ntot`.
#[hprof::profile]
pub fn area_of_part(points: Range<usize>, ntot: usize) -> f64 {
    let dx = 3.0 / ntot as f64;
    let mut area = 0.0;
    for i in points {
        let x = i as f64 * dx;
        let y = 0.7 * x * x * x - 2.0 * x * x + 4.0;
        area += y * dx;
    }
    area
}

/// The area in one go. `ntot` must be at least 1.
///
/// ```
/// let area = sample_workloads::auc::serial(1_000_000);
/// assert!((area - 8.175).abs() < 2e-6);
/// ```
#[hprof::profile]
pub fn serial(ntot: usize) -> f64 {
    area_of_part(0..ntot, ntot)
}

/// The area in `workers` (at least 1) threads, each with its own part of the points.
#[hprof::profile]
pub fn threads(ntot: usize, workers: usize) -> f64 {
    thread::scope(|scope| {
        let running: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || area_of_part(part(ntot, worker, workers), ntot)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().expect("the workers do not panic"))
            .sum()
    })
}

/// The area in `workers` (at least 1) processes, which leave their parts in shared memory.
///
/// # Errors
/// The system's error if a process cannot be made or fails.
#[hprof::profile]
pub fn processes(ntot: usize, workers: usize) -> io::Result<f64> {
    let areas = SharedWords::zeroed(workers)?;
    in_children(workers, |worker| {
        let area = area_of_part(part(ntot, worker, workers), ntot);
        areas[worker].store(area.to_bits(), Relaxed);
    })?;
    Ok(areas
        .iter()
        .map(|area| f64::from_bits(area.load(Relaxed)))
        .sum())
}

/// The area by the ranks of an MPI job; all of them get it. The rank `slow` does its part three times, which changes nothing but its time.
#[cfg(feature = "mpi")]
#[hprof::profile]
pub fn ranks(world: &impl CommunicatorCollectives, ntot: usize, slow: Option<usize>) -> f64 {
    let rank = world.rank().unsigned_abs() as usize;
    let size = world.size().unsigned_abs() as usize;
    let mut times = if slow == Some(rank) { 3 } else { 1 };
    let mut mine = 0.0;
    while times > 0 {
        mine = area_of_part(part(ntot, rank, size), ntot);
        times -= 1;
    }
    let mut area = 0.0;
    world.all_reduce_into(&mine, &mut area, SystemOperation::sum());
    area
}
