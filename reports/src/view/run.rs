//! What the foot of a report says of the run: sums over its processes.

use super::timeline::Peak;
use crate::view::sums::sum;
use std::collections::{BTreeMap, BTreeSet};

use hprof::model::{
    End, Function, Nanos, NotMeasured, Place, Process, Profile, RecordedFunction, Run, Thread,
    recorded_functions, successors,
};
use hprof::site::WhyNot;

/// Facts on a run.
#[derive(Debug)]
pub(crate) struct RunView<'a> {
    pub(crate) run: &'a Run,
    /// Processes of the system: one that became another program counts once.
    pub(crate) processes: usize,
    /// How many times a process became another program.
    pub(crate) replaced: usize,
    pub(crate) threads: u64,
    /// The clocks used, in words.
    pub(crate) clocks: BTreeSet<(&'static str, &'static str)>,
    /// Optimisation levels.
    pub(crate) opt_levels: BTreeSet<char>,
    /// Not optimised.
    pub(crate) debug_build: bool,
    pub(crate) debug_assertions: bool,
    pub(crate) own_cost: OwnCostView<'a>,
    /// The process with the largest resident set that was seen, and when that was.
    pub(crate) peak: Option<(&'a Process, Peak<'a>)>,
    pub(crate) flat: bool,
    pub(crate) lost_calls: u64,
    pub(crate) threads_folded: bool,
    pub(crate) lost_forks: bool,
    /// Records and fields of raw files that were left out.
    pub(crate) damaged: u64,
    /// Records of raw files of unknown kinds.
    pub(crate) unknown_records: u64,
    /// Threads of processes that did not come to their end in order, and the processes.
    pub(crate) cut_short: Vec<(&'a Process, Vec<&'a Thread>)>,
    /// Processes that went on when this was read, with their threads.
    pub(crate) going_on: Vec<(&'a Process, Vec<&'a Thread>)>,
    /// Annotated functions that were left as they are.
    pub(crate) not_measured: BTreeMap<WhyNot, Vec<&'a NotMeasured>>,
    /// Processes that gave no sign of their end, in a run of several that ended well, by the place they were in last.
    pub(crate) silent: BTreeMap<Option<Place>, u64>,
}

/// What recording cost.
#[derive(Debug, Default)]
pub(crate) struct OwnCostView<'a> {
    pub(crate) in_program: Nanos,
    /// Of the CPU time of the program, or of the threads' time where that is not known.
    pub(crate) percent: Option<f64>,
    pub(crate) timed_markers: u64,
    /// Mean cost of one, nanoseconds.
    pub(crate) timed_marker: f64,
    pub(crate) sampler: Option<Nanos>,
    pub(crate) sampler_ticks: u64,
    /// What looking from outside took, and how many looks that were.
    pub(crate) observer: Option<(Nanos, u64)>,
    /// What makes most of it, if it is much.
    pub(crate) short: Option<ShortCalls<'a>>,
}

/// Functions whose calls are so short that entering them makes the cost of recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ShortCalls<'a> {
    /// Their names, the dearest first, and no more than [`MAX_NAMES`](Self::MAX_NAMES).
    pub(crate) names: Vec<&'a str>,
    /// How many there are.
    pub(crate) functions: usize,
    /// Their part of the cost inside the program.
    pub(crate) percent: f64,
}

impl<'a> ShortCalls<'a> {
    /// Names that are shown.
    const MAX_NAMES: usize = 4;
    /// Below this share of the program's time its cost needs no explanation.
    const LEAST_COST: f64 = 5.0;
    /// Functions with less than this share of the cost are not its cause.
    const LEAST_SHARE: f64 = 10.0;

    /// Those with which `cost` is explained, the first of all that make more than a hundredth of it.
    fn new(profile: &'a Profile, cost: &OwnCostView<'_>) -> Option<Self> {
        if cost
            .percent
            .is_none_or(|percent| percent < Self::LEAST_COST)
        {
            return None;
        }
        let share = |own| super::sums::percent(own, cost.in_program).unwrap_or_default();
        let mut short = recorded_functions(profile);
        short.retain(|function| function.is_short && share(function.own) >= 1.0);
        let percent = share(short.iter().map(|function| function.own).sum());
        let name = |short: &RecordedFunction| {
            let function = profile.functions.get(short.function.0 as usize)?;
            Some(function.name.as_str())
        };
        (percent >= Self::LEAST_SHARE).then(|| Self {
            names: short
                .iter()
                .filter_map(name)
                .take(Self::MAX_NAMES)
                .collect(),
            functions: short.len(),
            percent: percent.min(100.0),
        })
    }
}

impl<'a> RunView<'a> {
    pub(crate) fn new(profile: &'a Profile) -> Self {
        let processes = &profile.processes;
        let replaced = replaced(profile);
        let last = || {
            let images = processes.iter().zip(&replaced);
            images.filter_map(|(process, replaced)| (!replaced).then_some(process))
        };
        let going_on = || last().filter(|process| process.goes_on);
        let unfinished = || last().filter(|process| !process.finished && !process.goes_on);
        let ended_well = ended_well(profile);
        Self {
            run: &profile.run,
            processes: last().count(),
            replaced: replaced.iter().filter(|replaced| **replaced).count(),
            threads: sum(processes.iter().zip(&replaced).map(threads)),
            clocks: processes
                .iter()
                .map(|process| (clock_mode(process), clock_source(process)))
                .collect(),
            opt_levels: processes.iter().map(|process| process.opt_level).collect(),
            debug_build: processes.iter().any(|process| process.opt_level == '0'),
            debug_assertions: processes.iter().any(|process| process.debug_assertions),
            own_cost: own_cost(profile),
            peak: Peak::largest(profile),
            flat: processes.iter().any(|process| process.losses.flat),
            lost_calls: processes
                .iter()
                .map(|process| process.losses.lost_calls)
                .fold(0, u64::saturating_add),
            threads_folded: processes
                .iter()
                .any(|process| process.losses.threads_folded),
            lost_forks: processes.iter().any(|process| process.losses.lost_forks),
            unknown_records: sum(processes
                .iter()
                .map(|process| process.losses.unknown_records)),
            damaged: processes
                .iter()
                .map(|process| process.losses.damaged)
                .fold(0, u64::saturating_add),
            cut_short: unfinished().filter(|_| !ended_well).map(running).collect(),
            going_on: going_on().map(running).collect(),
            not_measured: not_measured(profile),
            silent: silent(unfinished().filter(|_| ended_well)),
        }
    }

    /// Processes that left without telling, wherever they were.
    pub(crate) fn silent_processes(&self) -> u64 {
        sum(self.silent.values().copied())
    }

    /// The signal that ended the program, by name.
    pub(crate) fn signal(&self) -> Option<String> {
        match self.run.end {
            Some(End::Signal(number)) => Some(signal_name(number)),
            _ => None,
        }
    }
}

impl RunView<'_> {
    /// The function in which a thread may have run out of stack: it calls itself, and the program died as such programs do.
    pub(crate) fn ran_too_deep<'p>(
        &self,
        profile: &'p Profile,
        thread: &Thread,
    ) -> Option<&'p Function> {
        /// Rust's own handler aborts; a fault in code of other languages is not told from any other.
        const OVERFLOWS: [i32; 2] = [6, 11];
        if !matches!(self.run.end, Some(End::Signal(number)) if OVERFLOWS.contains(&number)) {
            return None;
        }
        let running = thread.running?.function;
        // In a longer circle of calls the first of them may have nodes of their own. For each node whether it or one above it is of the function.
        let mut inside: Vec<bool> = Vec::with_capacity(thread.nodes.len());
        let mut recurses = false;
        for node in &thread.nodes {
            let above = node
                .parent
                .and_then(|(parent, _)| inside.get(parent as usize));
            let above = above == Some(&true);
            let here = node.function == running;
            recurses |= here && (node.calls > node.primitive_calls || above);
            inside.push(here || above);
        }
        let function = usize::try_from(running.0).ok()?;
        profile.functions.get(function).filter(|_| recurses)
    }
}

/// For each process whether it became another one.
pub(crate) fn replaced(profile: &Profile) -> Vec<bool> {
    let successors = successors(&profile.processes);
    successors.iter().map(Option::is_some).collect()
}

/// Threads of a process. The one that called `exec` goes on in the new program, where it is counted.
fn threads((process, replaced): (&Process, &bool)) -> u64 {
    let uses = process.threads.iter().map(|thread| thread.uses.max(1));
    sum(uses).saturating_sub(u64::from(*replaced))
}

/// Whether it is no wonder that a process of a run did not end in order: the run has several and ended well. Forked children mostly
/// leave by `_exit`, which tells nobody.
fn ended_well(profile: &Profile) -> bool {
    profile.processes.len() > 1 && profile.run.end == Some(End::Code(0))
}

fn not_measured(profile: &Profile) -> BTreeMap<WhyNot, Vec<&NotMeasured>> {
    let mut by_reason: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for function in &profile.not_measured {
        by_reason.entry(function.why).or_default().push(function);
    }
    by_reason
}

fn silent<'a>(unfinished: impl Iterator<Item = &'a Process>) -> BTreeMap<Option<Place>, u64> {
    let mut places = BTreeMap::new();
    for process in unfinished {
        let place = process.threads.iter().find_map(|thread| thread.running);
        *places.entry(place).or_default() += 1;
    }
    places
}

fn running(process: &Process) -> (&Process, Vec<&Thread>) {
    let threads = process
        .threads
        .iter()
        .filter(|thread| thread.running.is_some());
    (process, threads.collect())
}

/// The clock mode of a process, as the option names it.
pub(crate) fn clock_mode(process: &Process) -> &'static str {
    use hprof::model::ClockMode;
    match process.clock_mode {
        ClockMode::Auto => "auto",
        ClockMode::Exact => "exact",
        ClockMode::Fenced => "fenced",
        ClockMode::Sampled => "sampled",
        ClockMode::Calls => "calls",
    }
}

/// What the clock of a process reads.
pub(crate) fn clock_source(process: &Process) -> &'static str {
    use hprof::model::ClockSource;
    match process.clock_source {
        ClockSource::Tsc => "time stamp counter",
        ClockSource::Monotonic => "clock_gettime",
    }
}

fn own_cost(profile: &Profile) -> OwnCostView<'_> {
    let mut view = OwnCostView::default();
    let mut picoseconds = 0.0;
    for process in &profile.processes {
        let cost = &process.own_cost;
        view.in_program += cost.in_program;
        view.timed_markers = view.timed_markers.saturating_add(cost.timed_markers);
        picoseconds += cost.timed_markers as f64 * cost.timed_marker_ps as f64;
        view.sampler = [view.sampler, cost.sampler]
            .into_iter()
            .flatten()
            .reduce(|a, b| a + b);
        view.sampler_ticks = view.sampler_ticks.saturating_add(cost.sampler_ticks);
        if let Some(observed) = &process.observed {
            let (cost, looks) = view.observer.unwrap_or_default();
            // One observer looks at all processes, and each has what it took.
            view.observer = Some((
                cost.max(observed.cost),
                looks.saturating_add(observed.looks),
            ));
        }
    }
    if view.timed_markers > 0 {
        view.timed_marker = picoseconds / 1e3 / view.timed_markers as f64;
    }
    let measured: Option<Nanos> = profile
        .processes
        .iter()
        .map(|process| process.cpu)
        .sum::<Option<Nanos>>();
    let threads = profile
        .processes
        .iter()
        .flat_map(|process| &process.threads);
    let spent = measured
        .or(profile.run.cpu)
        .filter(|cpu| *cpu > Nanos::ZERO)
        .unwrap_or_else(|| threads.map(|thread| thread.wall).sum());
    view.percent = super::sums::percent(view.in_program, spent);
    view.short = ShortCalls::new(profile, &view);
    view
}

/// The name of a signal whose number is the same everywhere, or its number.
fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return format!("signal {number}"),
    };
    name.into()
}
