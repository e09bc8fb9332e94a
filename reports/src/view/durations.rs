//! How long single calls, polls and hits took: percentiles, and the longest with its moment, its thread and the line on which it was spent.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use hprof::model::{
    Durations, Function, FunctionCost, FunctionId, Longest, Nanos, Profile, Scope, Timed,
    durations, function_durations, of_function,
};

/// Hits of a line and intervals between its markers may differ by one part in so many: each interval is a hit then.
const PART: u64 = 20;

/// A line most of whose hits were not timed is told of if one took so long.
const WORTH_A_ROW: Nanos = Nanos(100_000);

/// How long the calls of a function, its polls or the hits of a line took.
#[derive(Debug)]
pub(crate) struct DurationRow<'a> {
    pub(crate) id: FunctionId,
    pub(crate) function: &'a Function,
    pub(crate) timed: Timed,
    /// The source of a line; empty for calls and polls.
    pub(crate) text: &'a str,
    /// How many were timed.
    pub(crate) count: u64,
    /// How many there were.
    pub(crate) all: u64,
    /// Futures that were dropped before they were ready; of polls alone.
    pub(crate) cancelled: u64,
    /// Half, nine in ten and 99 in 100 took no longer; `None` where not nearly all were timed.
    pub(crate) percentiles: Option<Percentiles>,
    /// The longest that was timed; `None` if none was.
    pub(crate) longest: Option<LongestRow<'a>>,
}

/// Durations that so many percent do not exceed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percentiles {
    pub(crate) p50: Nanos,
    pub(crate) p90: Nanos,
    pub(crate) p99: Nanos,
}

/// The longest call, poll or hit.
#[derive(Debug)]
pub(crate) struct LongestRow<'a> {
    pub(crate) time: Nanos,
    /// When it ended, from the start of the recording.
    pub(crate) at: Nanos,
    pub(crate) tid: u32,
    /// Name of its thread.
    pub(crate) thread: &'a str,
    pub(crate) rank: Option<u32>,
    /// The line of the same function that took most of it by itself.
    pub(crate) line: Option<u32>,
}

/// Durations of a profile.
#[derive(Debug)]
pub(crate) struct DurationView<'a> {
    /// Functions, those with the longest calls or polls first.
    pub(crate) functions: Vec<DurationRow<'a>>,
    /// Lines, those with the longest hits first.
    pub(crate) lines: Vec<DurationRow<'a>>,
    /// Called functions without durations: their calls are too short to be timed.
    pub(crate) untimed: usize,
}

impl<'a> DurationView<'a> {
    /// `costs` are those of the same scope.
    pub(crate) fn new(profile: &'a Profile, scope: Scope, costs: &[FunctionCost]) -> Self {
        let all = durations(profile, scope);
        let hits = hits(costs);
        let rows = all.iter().filter_map(|of| row(profile, &all, &hits, of));
        let (mut lines, mut functions): (Vec<_>, Vec<_>) =
            rows.partition(|row| matches!(row.timed, Timed::Line(_)));
        for rows in [&mut functions, &mut lines] {
            rows.sort_by_key(|row| Reverse(row.longest.as_ref().map(|longest| longest.time)));
        }
        let timed: BTreeSet<FunctionId> = functions.iter().map(|row| row.id).collect();
        let called = costs.iter().filter(|cost| cost.calls > 0);
        let untimed = called
            .filter(|cost| !timed.contains(&cost.function))
            .count();
        Self {
            functions,
            lines,
            untimed,
        }
    }
}

/// Percentiles of each line that has them.
pub(crate) fn of_lines(profile: &Profile, cost: &FunctionCost) -> BTreeMap<u32, LineDurations> {
    let all = function_durations(profile, Scope::All, cost.function);
    let hits = hits(std::slice::from_ref(cost));
    let rows = all.iter().filter_map(|of| {
        let Timed::Line(line) = of.timed else {
            return None;
        };
        let row = row(profile, &[], &hits, of)?;
        let line_durations = LineDurations {
            percentiles: row.percentiles?,
            max: row.longest?.time,
        };
        Some((line, line_durations))
    });
    rows.collect()
}

/// How long the hits of a line took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LineDurations {
    pub(crate) percentiles: Percentiles,
    pub(crate) max: Nanos,
}

/// The async functions of whose polls one took at least `limit`, those with the longest first.
pub(crate) fn polls_above(profile: &Profile, limit: Nanos) -> Vec<DurationRow<'_>> {
    let is_long = |of: &Durations| of.timed == Timed::Polls && of.histogram.longest().time >= limit;
    let mut of_processes = profile
        .processes
        .iter()
        .flat_map(|process| &process.durations);
    // Most programs have none, and this is asked for each report.
    if !of_processes.any(is_long) {
        return Vec::new();
    }
    let all = durations(profile, Scope::All);
    let long = all.iter().filter(|of| is_long(of));
    let mut rows: Vec<_> = long
        .filter_map(|of| row(profile, &all, &BTreeMap::new(), of))
        .collect();
    rows.sort_by_key(|row| Reverse(row.longest.as_ref().map(|longest| longest.time)));
    rows
}

fn hits(costs: &[FunctionCost]) -> BTreeMap<(FunctionId, u32), u64> {
    let lines = costs.iter().flat_map(|cost| {
        let hits = |line: &hprof::model::LineTotal| ((cost.function, line.line), line.own.hits);
        cost.lines.iter().map(hits)
    });
    lines.collect()
}

/// `None` for a line whose intervals are no hits, as calls of measured functions, or branches, interrupt it.
fn row<'a>(
    profile: &'a Profile,
    all: &[Durations],
    hits: &BTreeMap<(FunctionId, u32), u64>,
    of: &Durations,
) -> Option<DurationRow<'a>> {
    let function = profile.functions.get(of.function.0 as usize)?;
    let count = of.histogram.count();
    let (number, text) = match of.timed {
        Timed::Line(line) => {
            let hits = hits.get(&(of.function, line)).copied().unwrap_or(0);
            let at = line.checked_sub(function.line).map(|at| at as usize);
            let text = at.and_then(|at| function.source.get(at));
            if count > hits.saturating_add(hits / PART) {
                return None;
            }
            (hits, text.map_or("", |text| text.trim()))
        }
        _ => (of.all.unwrap_or(count), ""),
    };
    let is_told = count >= number - number / PART;
    let is_line = matches!(of.timed, Timed::Line(_));
    if is_line && !is_told && of.histogram.longest().time < WORTH_A_ROW {
        return None;
    }
    let percentile = |per_mille| of.histogram.percentile(per_mille);
    let percentiles = || {
        Some(Percentiles {
            p50: percentile(500)?,
            p90: percentile(900)?,
            p99: percentile(990)?,
        })
    };
    Some(DurationRow {
        id: of.function,
        function,
        timed: of.timed,
        text,
        count,
        all: number.max(count),
        cancelled: of.cancelled,
        percentiles: is_told.then(percentiles).flatten(),
        longest: (count > 0).then(|| longest(profile, all, of)),
    })
}

fn longest<'a>(profile: &'a Profile, all: &[Durations], of: &Durations) -> LongestRow<'a> {
    let longest = of.histogram.longest();
    let mut processes = profile.processes.iter();
    let process = processes.find(|process| process.start_unix_ns == longest.start_unix_ns);
    let thread = process.and_then(|process| {
        let mut threads = process.threads.iter();
        threads.find(|thread| thread.tid == longest.tid)
    });
    LongestRow {
        time: longest.time,
        at: longest.at,
        tid: longest.tid,
        thread: thread.map_or("", |thread| &thread.name),
        rank: process.and_then(|process| process.rank),
        line: main_line(all, of.function, of.timed, &longest),
    }
}

/// The line of the function whose own longest interval lies in a call or poll, and is most of it.
fn main_line(
    all: &[Durations],
    function: FunctionId,
    timed: Timed,
    whole: &Longest,
) -> Option<u32> {
    if matches!(timed, Timed::Line(_)) {
        return None;
    }
    let began = whole.at.saturating_sub(whole.time);
    let is_in = |part: &Longest| {
        (part.start_unix_ns, part.tid) == (whole.start_unix_ns, whole.tid)
            && (began..=whole.at).contains(&part.at)
            && part.time.0 >= whole.time.0 / 2
    };
    of_function(all, function)
        .iter()
        .find_map(|of| match of.timed {
            Timed::Line(line) if is_in(&of.histogram.longest()) => Some(line),
            _ => None,
        })
}
