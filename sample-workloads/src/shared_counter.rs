//! Processes that add to one shared number: without care, under a lock, and by an atomic operation.
//!
//! Each process pauses, reads the number, holds on to it for a while and writes back one more; 10 processes of 50
//! increments give 500 with the lock or the atomic operation. Without care, increments that fall into another's read
//! and write are lost: at most 500. With a hold of 0 this is the course's program, which loses one now and then.
//!
//! Hits over all children: `for` header `processes * (increments + 1)`, each line of its body
//! `processes * increments`. The time of `lock.lock()` is waiting: wall time without CPU time.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::sleep;
use std::time::Duration;

use crate::processes::{SharedLock, SharedWords, in_children};

/// Counts without care and returns the final number, at most `processes * increments`.
///
/// # Errors
/// The system's error if memory or processes cannot be made.
pub fn race(
    processes: usize,
    increments: usize,
    pause: Duration,
    hold: Duration,
) -> io::Result<u64> {
    let value = SharedWords::zeroed(1)?;
    in_children(processes, |_| add_race(&value[0], increments, pause, hold))?;
    Ok(value[0].load(Relaxed))
}

/// Counts under a lock and returns the final number, `processes * increments`.
///
/// # Errors
/// The system's error if memory, lock or processes cannot be made.
pub fn locked(
    processes: usize,
    increments: usize,
    pause: Duration,
    hold: Duration,
) -> io::Result<u64> {
    let (value, lock) = (SharedWords::zeroed(1)?, SharedLock::new()?);
    in_children(processes, |_| {
        add_locked(&value[0], &lock, increments, pause, hold)
    })?;
    Ok(value[0].load(Relaxed))
}

/// Counts by atomic additions, which nothing can come between, and returns the final number,
/// `processes * increments`.
///
/// # Errors
/// The system's error if memory or processes cannot be made.
pub fn atomic(processes: usize, increments: usize, pause: Duration) -> io::Result<u64> {
    let value = SharedWords::zeroed(1)?;
    in_children(processes, |_| add_atomic(&value[0], increments, pause))?;
    Ok(value[0].load(Relaxed))
}

#[hprof::profile]
fn add_race(value: &AtomicU64, increments: usize, pause: Duration, hold: Duration) {
    for _ in 0..increments {
        sleep(pause);
        let old = value.load(Relaxed);
        sleep(hold);
        value.store(old + 1, Relaxed);
    }
}

#[hprof::profile]
fn add_locked(
    value: &AtomicU64,
    lock: &SharedLock,
    increments: usize,
    pause: Duration,
    hold: Duration,
) {
    for _ in 0..increments {
        sleep(pause);
        let guard = lock.lock();
        let old = value.load(Relaxed);
        sleep(hold);
        value.store(old + 1, Relaxed);
        drop(guard);
    }
}

#[hprof::profile]
fn add_atomic(value: &AtomicU64, increments: usize, pause: Duration) {
    for _ in 0..increments {
        sleep(pause);
        value.fetch_add(1, Relaxed);
    }
}
