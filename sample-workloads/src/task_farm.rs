//! Uneven tasks on worker threads: dealt out beforehand (direct view) or taken when free (balanced view).
//!
//! Task `k` of `tasks` takes `unit * (k + 1)` rounds. In the direct view each worker gets an unbroken run of tasks, so
//! the last one has by far the most work; in the balanced view the next free worker takes the next task. The results
//! are the same. [`scatter_gather`] sends each worker its part of an array and joins the parts again.
//!
//! Hits over all workers, with `rounds = unit * tasks * (tasks + 1) / 2`: [`work`] is called `tasks` times, its `for`
//! header has `rounds + tasks` hits, each line of its body `rounds`.

use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;
use std::thread;

use crate::share::part;

/// The tasks a worker has done, and their results.
pub type Done = Vec<(usize, u64)>;

/// One task: a random number after `unit * (task + 1)` rounds of xorshift.
///
/// Each round needs the one before, so the optimiser can neither leave rounds out nor do several at once.
#[hprof::profile]
pub fn work(task: usize, unit: usize) -> u64 {
    let mut bits = task as u64 + 1;
    for _ in 0..unit * (task + 1) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
    }
    bits
}

/// Runs the tasks in the direct view and returns what each of `workers` (at least 1) did.
#[hprof::profile]
pub fn direct(tasks: usize, unit: usize, workers: usize) -> Vec<Done> {
    thread::scope(|scope| {
        let engines: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || direct_engine(part(tasks, worker, workers), unit)))
            .collect();
        engines
            .into_iter()
            .map(|engine| engine.join().expect("the tasks do not panic"))
            .collect()
    })
}

#[hprof::profile]
fn direct_engine(mine: Range<usize>, unit: usize) -> Done {
    let mut done = Vec::new();
    for task in mine {
        done.push((task, work(task, unit)));
    }
    done
}

/// Runs the tasks in the balanced view and returns what each of `workers` (at least 1) did.
#[hprof::profile]
pub fn balanced(tasks: usize, unit: usize, workers: usize) -> Vec<Done> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let engines: Vec<_> = (0..workers)
            .map(|_| scope.spawn(|| balanced_engine(&next, tasks, unit)))
            .collect();
        engines
            .into_iter()
            .map(|engine| engine.join().expect("the tasks do not panic"))
            .collect()
    })
}

#[hprof::profile]
fn balanced_engine(next: &AtomicUsize, tasks: usize, unit: usize) -> Done {
    let mut done = Vec::new();
    loop {
        // Largest task first: the small ones at the end even out what is left.
        let taken = next.fetch_add(1, Relaxed);
        if taken >= tasks {
            break;
        }
        let task = tasks - 1 - taken;
        done.push((task, work(task, unit)));
    }
    done
}

/// The results of all tasks in the order of the tasks, whoever did them.
pub fn in_order(done: &[Done]) -> Vec<u64> {
    let mut all = done.concat();
    all.sort_unstable();
    all.into_iter().map(|(_, result)| result).collect()
}

/// The rounds of each worker, for tasks of `unit`.
pub fn rounds(done: &[Done], unit: usize) -> Vec<usize> {
    done.iter()
        .map(|tasks| tasks.iter().map(|(task, _)| unit * (task + 1)).sum())
        .collect()
}

/// The largest of the workers' shares over their mean: 1 when all did the same, the number of workers when one did
/// all. 1 for no work at all.
///
/// ```
/// assert_eq!(sample_workloads::task_farm::imbalance(&[1, 3, 5, 7]), 1.75);
/// ```
pub fn imbalance(shares: &[usize]) -> f64 {
    let (largest, sum) = (shares.iter().max(), shares.iter().sum::<usize>());
    largest
        .filter(|_| sum > 0)
        .map_or(1.0, |&largest| (largest * shares.len()) as f64 / sum as f64)
}

/// Sends each of `workers` (at least 1) threads its part of `values`, and returns the parts as the threads held them;
/// joined they are `values` again.
///
/// ```
/// let held = sample_workloads::task_farm::scatter_gather(&[0, 1, 2, 3], 2);
/// assert_eq!(held, [[0, 1], [2, 3]]);
/// assert_eq!(held.concat(), [0, 1, 2, 3]);
/// ```
#[hprof::profile]
pub fn scatter_gather(values: &[u64], workers: usize) -> Vec<Vec<u64>> {
    thread::scope(|scope| {
        let mut engines = Vec::new();
        for worker in 0..workers {
            let (scatter, receive) = mpsc::channel();
            engines.push(scope.spawn(move || receive.recv().unwrap_or_default()));
            let mine = values[part(values.len(), worker, workers)].to_vec();
            scatter.send(mine).expect("the engine waits for its part");
        }
        engines
            .into_iter()
            .map(|engine| engine.join().expect("the engines do not panic"))
            .collect()
    })
}
