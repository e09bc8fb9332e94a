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

#[cfg(feature = "mpi")]
use mpi::collective::Root;
#[cfg(feature = "mpi")]
use mpi::datatype::PartitionMut;
#[cfg(feature = "mpi")]
use mpi::topology::{Communicator, SimpleCommunicator};
#[cfg(feature = "mpi")]
use mpi::traits::{CommunicatorCollectives, Destination, Source};

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

/// What a rank without a task asks rank 0 for, and the answer when there is none left.
#[cfg(feature = "mpi")]
const NO_TASK: u64 = u64::MAX;

/// Runs the tasks in the direct view on the ranks of an MPI job; rank 0 gets what each of them did.
#[cfg(feature = "mpi")]
#[hprof::profile]
pub fn direct_ranks(world: &SimpleCommunicator, tasks: usize, unit: usize) -> Option<Vec<Done>> {
    let (rank, size) = place(world);
    let done = direct_engine(part(tasks, rank, size), unit);
    gather_done(world, &done)
}

/// Runs the tasks in the balanced view on the ranks of an MPI job; rank 0 gets what each of them did. Rank 0 hands the tasks out, and works on one itself
/// whenever nobody asks for one.
#[cfg(feature = "mpi")]
#[hprof::profile]
pub fn balanced_ranks(world: &SimpleCommunicator, tasks: usize, unit: usize) -> Option<Vec<Done>> {
    let (rank, size) = place(world);
    let done = if rank == 0 {
        hand_out(world, tasks, unit, size - 1)
    } else {
        ask_for_tasks(world, unit)
    };
    gather_done(world, &done)
}

#[cfg(feature = "mpi")]
#[hprof::profile]
fn hand_out(world: &SimpleCommunicator, tasks: usize, unit: usize, mut others: usize) -> Done {
    let mut done = Vec::new();
    // To the others the largest task first, as on threads.
    let mut left = (0..tasks).rev();
    while others > 0 || left.len() > 0 {
        while let Some(status) = world.any_process().immediate_probe() {
            let engine = world.process_at_rank(status.source_rank());
            engine.receive::<u64>();
            let task = left.next().map_or(NO_TASK, |task| task as u64);
            engine.send(&task);
            others -= usize::from(task == NO_TASK);
        }
        // The smallest: nobody is to wait long for an answer.
        if let Some(task) = left.next_back() {
            done.push((task, work(task, unit)));
        }
    }
    done
}

#[cfg(feature = "mpi")]
#[hprof::profile]
fn ask_for_tasks(world: &SimpleCommunicator, unit: usize) -> Done {
    let first = world.process_at_rank(0);
    let mut done = Vec::new();
    first.send(&NO_TASK);
    loop {
        let (task, _) = first.receive::<u64>();
        if task == NO_TASK {
            return done;
        }
        // The next one comes while this one is worked on.
        first.send(&NO_TASK);
        let task = task as usize;
        done.push((task, work(task, unit)));
    }
}

/// Sends each rank its part of `values`, and gathers the parts as the ranks held them; only rank 0 gets them.
#[cfg(feature = "mpi")]
#[hprof::profile]
pub fn scatter_gather_ranks(world: &SimpleCommunicator, values: &[u64]) -> Option<Vec<Vec<u64>>> {
    let (rank, size) = place(world);
    let root = world.process_at_rank(0);
    let counts: Vec<i32> = (0..size)
        .map(|rank| count(part(values.len(), rank, size).len()))
        .collect();
    let starts: Vec<i32> = (0..size)
        .map(|rank| count(part(values.len(), rank, size).start))
        .collect();
    let mut mine = vec![0_u64; part(values.len(), rank, size).len()];
    if rank == 0 {
        let parts = mpi::datatype::Partition::new(values, &counts[..], &starts[..]);
        root.scatter_varcount_into_root(&parts, &mut mine[..]);
    } else {
        root.scatter_varcount_into(&mut mine[..]);
    }
    gather(world, &mine)
}

#[cfg(feature = "mpi")]
fn gather_done(world: &SimpleCommunicator, done: &Done) -> Option<Vec<Done>> {
    let words: Vec<u64> = done
        .iter()
        .flat_map(|(task, result)| [*task as u64, *result])
        .collect();
    let all = gather(world, &words)?;
    let pairs = |words: Vec<u64>| {
        let pairs = words.chunks_exact(2);
        pairs.map(|pair| (pair[0] as usize, pair[1])).collect()
    };
    Some(all.into_iter().map(pairs).collect())
}

/// The words of each rank, in rank 0.
#[cfg(feature = "mpi")]
fn gather(world: &SimpleCommunicator, mine: &[u64]) -> Option<Vec<Vec<u64>>> {
    let root = world.process_at_rank(0);
    let mut counts = vec![0; place(world).1];
    world.all_gather_into(&count(mine.len()), &mut counts[..]);
    if world.rank() != 0 {
        root.gather_varcount_into(mine);
        return None;
    }
    let mut next = 0;
    let start = |count: &i32| {
        next += count;
        next - count
    };
    let starts: Vec<i32> = counts.iter().map(start).collect();
    let mut all = vec![0_u64; next.unsigned_abs() as usize];
    root.gather_varcount_into_root(
        mine,
        &mut PartitionMut::new(&mut all[..], &counts[..], &starts[..]),
    );
    let mut all = all.into_iter();
    let counts = counts.iter().map(|count| count.unsigned_abs() as usize);
    Some(
        counts
            .map(|count| all.by_ref().take(count).collect())
            .collect(),
    )
}

/// MPI counts in 32 bits.
#[cfg(feature = "mpi")]
fn count(length: usize) -> i32 {
    i32::try_from(length).expect("the parts are short")
}

/// Rank and number of ranks.
#[cfg(feature = "mpi")]
fn place(world: &SimpleCommunicator) -> (usize, usize) {
    (
        world.rank().unsigned_abs() as usize,
        world.size().unsigned_abs() as usize,
    )
}
