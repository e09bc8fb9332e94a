//! The rows of the thread table.

use hprof::model::{FunctionId, Nanos, Place, Process, Profile, Thread};

use super::run::replaced;
use super::sums::percent;

/// The threads of a profile.
#[derive(Debug)]
pub(crate) struct ThreadView<'a> {
    pub(crate) rows: Vec<ThreadRow<'a>>,
    /// Time in instrumented functions: the least, the mean, and the most of a thread. A main thread that only waits for others is left out.
    pub(crate) spread: Option<(Nanos, Nanos, Nanos)>,
    /// The most, as a multiple of the mean: 1 is even.
    pub(crate) imbalance: Option<f64>,
}

/// What a thread did, or all threads of a process.
#[derive(Debug)]
pub(crate) struct ThreadRow<'a> {
    pub(crate) process: &'a Process,
    /// No row for the process stands above.
    pub(crate) alone: bool,
    /// The process became another program.
    pub(crate) replaced: bool,
    /// `None` for the sum of a process.
    pub(crate) thread: Option<&'a Thread>,
    pub(crate) wall: Nanos,
    pub(crate) cpu: Option<Nanos>,
    /// CPU time in percent of wall time.
    pub(crate) busy: Option<f64>,
    /// Time in instrumented functions.
    pub(crate) profiled: Nanos,
    /// As a share of that of all threads.
    pub(crate) share: Option<f64>,
    /// The line with the longest self time.
    pub(crate) hottest: Option<Place>,
}

impl<'a> ThreadView<'a> {
    pub(crate) fn new(profile: &'a Profile) -> Self {
        let replaced = replaced(profile);
        let processes: Vec<_> = profile
            .processes
            .iter()
            .zip(&replaced)
            .zip(shown_processes(profile))
            .filter_map(|(process, shown)| shown.then_some(process))
            .collect();
        let threads = || processes.iter().flat_map(|(process, _)| &process.threads);
        let all: Nanos = threads().map(profiled).sum();
        let working = processes.iter().flat_map(|(process, _)| working(process));
        let times: Vec<Nanos> = working.map(profiled).collect();
        let mut rows = Vec::new();
        for (process, replaced) in &processes {
            let alone = processes.len() == 1 && process.threads.len() == 1;
            if !alone {
                rows.push(ThreadRow {
                    replaced: **replaced,
                    ..of_process(process, all)
                });
            }
            rows.extend(process.threads.iter().map(|thread| ThreadRow {
                alone,
                ..of_thread(process, thread, all)
            }));
        }
        let mean = Nanos(times.iter().copied().sum::<Nanos>().0 / (times.len().max(1) as u64));
        let least = times.iter().min().copied();
        let most = times.iter().max().copied();
        let spread = least.zip(most).filter(|_| times.len() > 1);
        Self {
            rows,
            spread: spread.map(|(least, most)| (least, mean, most)),
            imbalance: spread
                .filter(|_| mean > Nanos::ZERO)
                .map(|(_, most)| most.0 as f64 / mean.0 as f64),
        }
    }
}

/// For each process whether there is anything to show of it: one that became another program right after its fork has nothing.
pub(crate) fn shown_processes(profile: &Profile) -> Vec<bool> {
    let is_empty = |process: &Process| {
        let mut threads = process.threads.iter();
        threads.all(|thread| profiled(thread) == Nanos::ZERO)
    };
    let processes = profile.processes.iter().zip(replaced(profile));
    processes
        .map(|(process, replaced)| !(replaced && is_empty(process)))
        .collect()
}

/// The threads of a process, without a main thread that waits for the others nearly all the time: such a one is no part of the work, so it does not make
/// that uneven.
fn working(process: &Process) -> impl Iterator<Item = &Thread> {
    /// Part of its time that a waiting thread works at most: one in so many.
    const WAITS: u64 = 10;
    let has_others = process.threads.len() > 1;
    process.threads.iter().filter(move |thread| {
        let is_main = thread.tid == process.pid;
        let works = thread
            .cpu
            .is_none_or(|cpu| cpu.0 >= profiled(thread).0 / WAITS);
        !(has_others && is_main) || works
    })
}

fn profiled(thread: &Thread) -> Nanos {
    let nodes = thread.nodes.iter().flat_map(|node| &node.lines);
    nodes.map(|(_, cost)| cost.time()).sum()
}

fn of_process(process: &Process, all: Nanos) -> ThreadRow<'_> {
    let profiled = process.threads.iter().map(profiled).sum();
    ThreadRow {
        process,
        alone: false,
        replaced: false,
        thread: None,
        wall: process.wall,
        cpu: process.cpu,
        busy: process.cpu.and_then(|cpu| percent(cpu, process.wall)),
        profiled,
        share: percent(profiled, all),
        hottest: None,
    }
}

fn of_thread<'a>(process: &'a Process, thread: &'a Thread, all: Nanos) -> ThreadRow<'a> {
    let profiled = profiled(thread);
    ThreadRow {
        process,
        alone: false,
        replaced: false,
        thread: Some(thread),
        wall: thread.wall,
        cpu: thread.cpu,
        busy: thread.cpu.and_then(|cpu| percent(cpu, thread.wall)),
        profiled,
        share: percent(profiled, all),
        hottest: hottest(thread),
    }
}

fn hottest(thread: &Thread) -> Option<Place> {
    let mut sums: std::collections::BTreeMap<(FunctionId, u32), Nanos> =
        std::collections::BTreeMap::new();
    for node in &thread.nodes {
        for (line, cost) in &node.lines {
            *sums.entry((node.function, line)).or_default() += cost.time();
        }
    }
    let longest = sums
        .into_iter()
        .filter(|(_, time)| *time > Nanos::ZERO)
        .max_by_key(|(_, time)| *time);
    longest.map(|((function, line), _)| Place { function, line })
}
