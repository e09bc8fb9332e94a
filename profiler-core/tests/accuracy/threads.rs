//! Programs of several threads.

use std::hint::black_box;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hprof::profile;

use super::hot::hot;
use super::runs::{Recorded, timed};
use super::steps::work;

/// Ten bursts of a hot function on one thread, with long pauses between them. The stop-watch runs in the bursts.
pub(crate) fn pool(turns: u64) -> Duration {
    const BURSTS: usize = 10;
    let (wake, work): (Sender<u64>, Receiver<u64>) = channel();
    let worker = thread::spawn(move || {
        black_box(hot(0));
        let mut elapsed = Duration::ZERO;
        for turns in work {
            elapsed += timed(|| 0.0, || hot(turns));
        }
        elapsed
    });
    for _ in 0..BURSTS {
        thread::sleep(Duration::from_millis(100));
        wake.send(turns).expect("the worker listens");
    }
    drop(wake);
    worker.join().expect("the worker does not panic")
}

/// A line that sleeps, one that works, one that waits for a lock.
#[profile(always)]
fn waits_on_line(steps: u64, holder: &Sender<()>, lock: &Mutex<()>) {
    thread::sleep(Duration::from_millis(60));
    black_box(work(black_box(1.0), steps));
    holder.send(()).expect("the holder listens");
    drop(lock.lock());
}

/// The lock is held by another thread, which gives it back 60 ms after it was asked to.
pub(crate) fn waits(steps: u64) -> Duration {
    let lock = Arc::new(Mutex::new(()));
    let (holder, asked) = channel();
    let (held, is_held) = channel();
    let other = Arc::clone(&lock);
    let thread = thread::spawn(move || {
        let guard = other.lock();
        held.send(()).expect("the main thread listens");
        asked.recv().expect("the main thread asks");
        thread::sleep(Duration::from_millis(60));
        drop(guard);
    });
    is_held.recv().expect("the holder answers");
    let began = Instant::now();
    waits_on_line(steps, &holder, &lock);
    let elapsed = began.elapsed();
    thread.join().expect("the holder does not panic");
    elapsed
}

/// The hot loop in many threads at once. The stop-watches of all threads are added up.
pub(crate) fn crowd(threads: usize, turns: u64) -> Duration {
    let mut elapsed = Duration::ZERO;
    thread::scope(|scope| {
        let crowd: Vec<_> = (0..threads)
            .map(|_| scope.spawn(move || timed(|| hot(0), || hot(turns))))
            .collect();
        for thread in crowd {
            elapsed += thread.join().expect("no thread panics");
        }
    });
    count_turns(turns);
    elapsed
}

/// Leaves the number of turns in the profile, as hits.
#[profile(always)]
fn count_turns(turns: u64) {
    for _ in 0..turns {
        black_box(());
    }
}

/// The number of turns that each thread of [`crowd`] made.
pub(crate) fn turns(recorded: &Recorded) -> u64 {
    recorded.function("count_turns").lines[1].own.hits
}
