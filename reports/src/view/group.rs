//! The processes of a profile put together by rank, machine, process or thread: what each of these did as a whole.

use std::collections::BTreeMap;

use hprof::model::{FunctionId, Nanos, Place, Process, Profile, Thread};

use super::sums::percent;
use super::thread::shown_processes;

/// What is put together.
///
/// ```
/// assert_ne!(hprof_reports::Grouping::Rank, hprof_reports::Grouping::Host);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// The processes of each rank of a parallel job; those without one together.
    Rank,
    /// The processes of each machine.
    Host,
    /// The threads of each process.
    Process,
    /// Nothing: each thread by itself.
    Thread,
}

/// The groups of a profile, in the order of what they are grouped by.
#[derive(Debug)]
pub(crate) struct GroupView {
    pub(crate) rows: Vec<GroupRow>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GroupRow {
    pub(crate) name: String,
    /// Where it ran: the machine, unless that is the name; how many ranks, for a machine.
    pub(crate) whereabouts: String,
    pub(crate) processes: usize,
    pub(crate) threads: usize,
    /// Time from start to end: of the process that took longest, or of the thread.
    pub(crate) wall: Nanos,
    /// CPU time of all; `None` if that of one is not known.
    pub(crate) cpu: Option<Nanos>,
    /// Time in measured functions, summed over threads.
    pub(crate) profiled: Nanos,
    /// As a share of that of all groups.
    pub(crate) share: Option<f64>,
    /// The line with the longest self time.
    pub(crate) hottest: Option<Place>,
}

/// What groups are sorted by, and named after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Rank(u32),
    Host(String),
    /// By its index.
    Process(usize),
    /// By those of the process and its own.
    Thread(usize, usize),
    Unranked,
}

#[derive(Default)]
struct Group<'a> {
    processes: BTreeMap<usize, &'a Process>,
    threads: Vec<&'a Thread>,
}

impl GroupView {
    pub(crate) fn new(profile: &Profile, by: Grouping) -> Self {
        let mut groups: BTreeMap<Key, Group<'_>> = BTreeMap::new();
        for ((at, process), shown) in
            (profile.processes.iter().enumerate()).zip(shown_processes(profile))
        {
            if !shown {
                continue;
            }
            for (index, thread) in process.threads.iter().enumerate() {
                let key = match by {
                    Grouping::Rank => process.rank.map_or(Key::Unranked, Key::Rank),
                    Grouping::Host => Key::Host(process.host.clone()),
                    Grouping::Process => Key::Process(at),
                    Grouping::Thread => Key::Thread(at, index),
                };
                let group = groups.entry(key).or_default();
                group.processes.insert(at, process);
                group.threads.push(thread);
            }
        }
        let mut rows: Vec<GroupRow> = groups.iter().map(|(key, group)| group.row(key)).collect();
        let all: Nanos = rows.iter().map(|row| row.profiled).sum();
        for row in &mut rows {
            row.share = percent(row.profiled, all);
        }
        Self { rows }
    }
}

impl Group<'_> {
    fn row(&self, key: &Key) -> GroupRow {
        let first = self.processes.values().next();
        let host = first
            .map(|process| process.host.clone())
            .unwrap_or_default();
        let is_thread = matches!(key, Key::Thread(..));
        let (name, whereabouts) = match (key, first) {
            (Key::Rank(rank), _) => (format!("rank {rank}"), host),
            (Key::Host(host), _) => (host.clone(), self.ranks()),
            (Key::Process(_), Some(process)) => (with_rank(process), host),
            (Key::Thread(..), Some(process)) => {
                let thread = self.threads.first();
                let name = thread.map(|thread| format!("{} ({})", thread.name, thread.tid));
                (name.unwrap_or_default(), with_rank(process))
            }
            (Key::Unranked, _) | (_, None) => ("no rank".into(), host),
        };
        let sum = |times: &mut dyn Iterator<Item = Option<Nanos>>| times.sum::<Option<Nanos>>();
        let processes = || self.processes.values();
        let threads = || self.threads.iter();
        let (wall, cpu) = if is_thread {
            let wall = threads().map(|thread| thread.wall).max();
            (wall, sum(&mut threads().map(|thread| thread.cpu)))
        } else {
            let wall = processes().map(|process| process.wall).max();
            (wall, sum(&mut processes().map(|process| process.cpu)))
        };
        let mut lines: BTreeMap<(FunctionId, u32), Nanos> = BTreeMap::new();
        for node in threads().flat_map(|thread| &thread.nodes) {
            for (line, cost) in &node.lines {
                *lines.entry((node.function, line)).or_default() += cost.time();
            }
        }
        let hottest = lines.iter().filter(|(_, time)| **time > Nanos::ZERO);
        let hottest = hottest
            .max_by_key(|((function, line), time)| (**time, std::cmp::Reverse((*function, *line))));
        GroupRow {
            name,
            whereabouts,
            processes: self.processes.len(),
            threads: self.threads.len(),
            wall: wall.unwrap_or_default(),
            cpu,
            profiled: lines.values().copied().sum(),
            share: None,
            hottest: hottest.map(|(&(function, line), _)| Place { function, line }),
        }
    }

    /// How many ranks a machine had.
    fn ranks(&self) -> String {
        let mut ranks: Vec<_> = self.processes.values().filter_map(|one| one.rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        match ranks.len() {
            0 => String::new(),
            count => crate::text::numbers::counted(count as u64, "rank", "ranks"),
        }
    }
}

fn with_rank(process: &Process) -> String {
    let rank = process.rank.map(|rank| format!(", rank {rank}"));
    format!("process {}{}", process.pid, rank.unwrap_or_default())
}
