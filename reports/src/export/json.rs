//! JSON: the whole report as one object. Its form is `docs/export.schema.json`; a change that old readers cannot take raises
//! [`VERSION`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use hprof::model::{
    End, Function, FunctionCost, FunctionId, LiveCount, LiveHeap, Nanos, NotMeasured, Process,
    ProcessRss, Profile, Run, Scope, Thread, Timed, function_costs, recorded_functions,
};
use hprof::site::WhyNot;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::Export;
use crate::error::ReportError;
use crate::text;
use crate::view::{
    Common, DurationRow, DurationView, HotLine, HottestView, LineChoice, LineView, RECORD_COLUMNS,
    Record, RecordValue, ThinRow, clock_mode, clock_source, knows_prices, records, thin_rows,
};

/// Lines of the whole run that are listed by themselves.
const HOTTEST: usize = 20;
/// Version of the form.
const VERSION: u32 = 1;

/// One JSON object with the run, its processes and threads, and the costs of functions and lines. Times are whole nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Json {
    /// Only so many functions: those with the longest total time.
    pub top: Option<usize>,
    /// Only lines with such a share of their function's time, in percent.
    pub min_percent: Option<f64>,
}

impl Export for Json {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let thin = thin_rows(profile, scope);
        Ok(write_costs(
            profile,
            &function_costs(profile, scope),
            thin,
            (*self, scope),
            out,
        )?)
    }
}

/// The lines that are left of each function that is left, by the same rules as in tables; `None` if nothing is left out.
fn kept(
    profile: &Profile,
    costs: &[FunctionCost],
    (json, scope): (Json, Scope),
) -> Option<BTreeMap<FunctionId, BTreeSet<u32>>> {
    if json == Json::default() {
        return None;
    }
    let choice = LineChoice {
        ascending: false,
        skip_zero: false,
        min_percent: json.min_percent,
        top: json.top,
        brief: false,
    };
    let view = LineView::new(profile, &Common::of(profile, scope), costs, choice);
    let lines = view.functions.iter().filter_map(|one| {
        let mut all = (0..).zip(&profile.functions);
        let (index, _) = all.find(|(_, function)| std::ptr::eq(*function, one.function))?;
        Some((
            FunctionId(index),
            one.rows.iter().map(|row| row.line).collect(),
        ))
    });
    Some(lines.collect())
}

fn write_costs(
    profile: &Profile,
    costs: &[FunctionCost],
    thin: Vec<ThinRow<'_>>,
    choice: (Json, Scope),
    out: &mut dyn Write,
) -> io::Result<()> {
    let recorded = recorded_functions(profile);
    let recorded = recorded.into_iter().map(|cost| (cost.function, cost.own));
    let recorded: BTreeMap<FunctionId, Nanos> = recorded.collect();
    let kept = kept(profile, costs, choice);
    let mut left_out = LeftOutJson::default();
    let functions = costs
        .iter()
        .filter_map(|cost| function(profile, cost, &recorded))
        .filter_map(|function| left_out.keep(function, kept.as_ref()))
        .collect();
    let hottest = HottestView::new(profile, costs, HOTTEST);
    let timed = DurationView::new(profile, choice.1, costs);
    let report = Report {
        format: "hprof",
        version: VERSION,
        run: RunJson::from(&profile.run),
        processes: profile.processes.iter().map(ProcessJson::from).collect(),
        hottest: hottest.rows.iter().map(HotJson::from).collect(),
        durations: timed.functions.iter().map(DurationJson::from).collect(),
        functions,
        left_out,
        not_measured: profile
            .not_measured
            .iter()
            .map(NotMeasuredJson::from)
            .collect(),
        thin: thin.into_iter().map(ThinJson::from).collect(),
    };
    serde_json::to_writer_pretty(&mut Escaped(out), &report)?;
    writeln!(out)
}

/// Writes JSON with escapes for what could disturb a terminal and need not be escaped: such signs stand in strings alone.
struct Escaped<'a>(&'a mut dyn Write);

impl Write for Escaped<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let is_odd = |sign: char| text::is_unsafe(sign) && sign != '\n';
        match str::from_utf8(part) {
            Ok(text) if text.contains(is_odd) => {
                for sign in text.chars() {
                    if is_odd(sign) {
                        write!(self.0, "\\u{:04x}", u32::from(sign))?;
                    } else {
                        write!(self.0, "{sign}")?;
                    }
                }
            }
            _ => self.0.write_all(part)?,
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[derive(Serialize)]
struct Report<'a> {
    format: &'static str,
    version: u32,
    run: RunJson<'a>,
    processes: Vec<ProcessJson<'a>>,
    hottest: Vec<HotJson<'a>>,
    durations: Vec<DurationJson<'a>>,
    functions: Vec<FunctionJson<'a>>,
    left_out: LeftOutJson,
    not_measured: Vec<NotMeasuredJson<'a>>,
    thin: Vec<ThinJson<'a>>,
}

/// One of the lines of the whole run that took longest by themselves.
#[derive(Serialize)]
struct HotJson<'a> {
    /// Index of the function.
    function: u32,
    file: &'a str,
    line: u32,
    hits: u64,
    self_ns: u64,
    /// Of the time in measured functions.
    percent: Option<f64>,
    text: &'a str,
}

impl<'a> From<&HotLine<'a>> for HotJson<'a> {
    fn from(line: &HotLine<'a>) -> Self {
        Self {
            function: line.index,
            file: &line.function.file,
            line: line.line,
            hits: line.hits,
            self_ns: line.time.0,
            percent: line.percent,
            text: line.text,
        }
    }
}

/// How long the calls of a function took, or the polls of an async one.
#[derive(Serialize)]
struct DurationJson<'a> {
    /// Index of the function.
    function: u32,
    of: &'static str,
    /// How many there were, and how many were timed.
    count: u64,
    timed: u64,
    /// Futures that were dropped before they were ready.
    cancelled: Option<u64>,
    p50_ns: Option<u64>,
    p90_ns: Option<u64>,
    p99_ns: Option<u64>,
    max_ns: Option<u64>,
    max_at_ns: Option<u64>,
    max_thread: Option<&'a str>,
    max_line: Option<u32>,
}

impl<'a> From<&DurationRow<'a>> for DurationJson<'a> {
    fn from(row: &DurationRow<'a>) -> Self {
        let percentiles = row.percentiles;
        let longest = row.longest.as_ref();
        Self {
            function: row.id.0,
            of: match row.timed {
                Timed::Polls => "polls",
                Timed::Futures => "futures",
                Timed::Busy => "busy",
                Timed::Calls | Timed::Line(_) => "calls",
            },
            count: row.all,
            timed: row.count,
            cancelled: (row.timed == Timed::Polls).then_some(row.cancelled),
            p50_ns: percentiles.map(|of| of.p50.0),
            p90_ns: percentiles.map(|of| of.p90.0),
            p99_ns: percentiles.map(|of| of.p99.0),
            max_ns: longest.map(|longest| longest.time.0),
            max_at_ns: longest.map(|longest| longest.at.0),
            max_thread: longest.map(|longest| longest.thread),
            max_line: longest.and_then(|longest| longest.line),
        }
    }
}

/// What was not asked for.
#[derive(Default, Serialize)]
struct LeftOutJson {
    functions: usize,
    /// Of the functions that are there.
    lines: usize,
}

impl LeftOutJson {
    /// What is left of a function.
    fn keep<'a>(
        &mut self,
        mut function: FunctionJson<'a>,
        kept: Option<&BTreeMap<FunctionId, BTreeSet<u32>>>,
    ) -> Option<FunctionJson<'a>> {
        if let Some(kept) = kept {
            let Some(lines) = kept.get(&FunctionId(function.index)) else {
                self.functions += 1;
                return None;
            };
            let before = function.lines.len();
            function
                .lines
                .retain(|line| lines.contains(&line.0.line.line));
            self.lines += before - function.lines.len();
        }
        Some(function)
    }
}

#[derive(Serialize)]
struct ThinJson<'a> {
    index: u32,
    module: &'a str,
    name: &'a str,
    file: &'a str,
    line: u32,
    end_line: u32,
    calls: u64,
}

impl<'a> From<ThinRow<'a>> for ThinJson<'a> {
    fn from(row: ThinRow<'a>) -> Self {
        Self {
            index: row.index,
            module: &row.function.module,
            name: &row.function.name,
            file: &row.function.file,
            line: row.line(),
            end_line: row.function.end_line,
            calls: row.calls,
        }
    }
}

#[derive(Serialize)]
struct NotMeasuredJson<'a> {
    module: &'a str,
    name: &'a str,
    file: &'a str,
    line: u32,
    why: &'static str,
}

impl<'a> From<&'a NotMeasured> for NotMeasuredJson<'a> {
    fn from(function: &'a NotMeasured) -> Self {
        Self {
            module: &function.module,
            name: &function.name,
            file: &function.file,
            line: function.line,
            why: match function.why {
                WhyNot::Constant => "const",
                WhyNot::Naked => "naked",
                WhyNot::Hidden => "hidden",
                WhyNot::TooSmall => "too_small",
            },
        }
    }
}

#[derive(Serialize)]
struct RunJson<'a> {
    command: &'a [String],
    cargo_profile: Option<&'a str>,
    start_unix_ns: Option<u64>,
    wall_ns: Option<u64>,
    cpu_ns: Option<u64>,
    exit_code: Option<i32>,
    signal: Option<i32>,
}

impl<'a> From<&'a Run> for RunJson<'a> {
    fn from(run: &'a Run) -> Self {
        let (exit_code, signal) = match run.end {
            Some(End::Code(code)) => (Some(code), None),
            Some(End::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        Self {
            command: &run.command,
            cargo_profile: run.cargo_profile.as_deref(),
            start_unix_ns: run.start_unix_ns,
            wall_ns: run.wall.map(nanoseconds),
            cpu_ns: run.cpu.map(nanoseconds),
            exit_code,
            signal,
        }
    }
}

#[derive(Serialize)]
struct ProcessJson<'a> {
    host: &'a str,
    pid: u32,
    parent_pid: u32,
    rank: Option<u32>,
    ranks: Option<u32>,
    start_unix_ns: u64,
    exe: &'a str,
    clock: &'static str,
    clock_source: &'static str,
    opt_level: char,
    debug_assertions: bool,
    finished: bool,
    wall_ns: u64,
    cpu_ns: Option<u64>,
    own_cost_ns: u64,
    sampler_cpu_ns: Option<u64>,
    flat: bool,
    lost_calls: u64,
    threads_folded: bool,
    lost_forks: bool,
    unknown_records: u64,
    damaged: u64,
    live_bytes: Option<i64>,
    peak_bytes: Option<i64>,
    /// By how much each of the two may be off, in both directions; 0 if they are exact.
    bound_bytes: Option<u64>,
    noted: Option<NotedJson>,
    rss: Option<RssJson>,
    threads: Vec<ThreadJson<'a>>,
}

impl<'a> From<&'a Process> for ProcessJson<'a> {
    fn from(process: &'a Process) -> Self {
        Self {
            host: &process.host,
            pid: process.pid,
            parent_pid: process.parent_pid,
            rank: process.rank,
            ranks: process.ranks,
            start_unix_ns: process.start_unix_ns,
            exe: &process.exe,
            clock: clock_mode(process),
            clock_source: clock_source(process),
            opt_level: process.opt_level,
            debug_assertions: process.debug_assertions,
            finished: process.finished,
            wall_ns: process.wall.0,
            cpu_ns: process.cpu.map(nanoseconds),
            own_cost_ns: process.own_cost.in_program.0,
            sampler_cpu_ns: process.own_cost.sampler.map(nanoseconds),
            flat: process.losses.flat,
            lost_calls: process.losses.lost_calls,
            threads_folded: process.losses.threads_folded,
            lost_forks: process.losses.lost_forks,
            unknown_records: process.losses.unknown_records,
            damaged: process.losses.damaged,
            live_bytes: process.heap.map(|heap| heap.live_bytes),
            peak_bytes: process.heap.map(|heap| heap.peak_bytes),
            bound_bytes: process.heap.map(|heap| heap.bound_bytes),
            noted: process
                .heap
                .and_then(|heap| heap.lines)
                .map(NotedJson::from),
            rss: process.rss.map(RssJson::from),
            threads: process.threads.iter().map(ThreadJson::from).collect(),
        }
    }
}

/// What is known of live blocks by line.
#[derive(Serialize)]
struct NotedJson {
    /// 0 if every block was noted.
    gap_bytes: u64,
    live_bytes: u64,
    peak_bytes: u64,
    elsewhere_live_bytes: u64,
    elsewhere_peak_bytes: u64,
    lost_blocks: u64,
    lost_bytes: u64,
}

impl From<LiveHeap> for NotedJson {
    fn from(heap: LiveHeap) -> Self {
        Self {
            gap_bytes: match heap.count {
                LiveCount::Exact => 0,
                LiveCount::Sampled { gap } => gap,
            },
            live_bytes: heap.live_bytes,
            peak_bytes: heap.peak_bytes,
            elsewhere_live_bytes: heap.elsewhere.live_bytes,
            elsewhere_peak_bytes: heap.elsewhere.peak_bytes,
            lost_blocks: heap.lost_blocks,
            lost_bytes: heap.lost_bytes,
        }
    }
}

#[derive(Serialize)]
struct RssJson {
    start_bytes: u64,
    end_bytes: u64,
    peak_bytes: u64,
    not_read_grown_bytes: u64,
    not_read_shrunk_bytes: u64,
    total_ram_bytes: Option<u64>,
}

impl From<ProcessRss> for RssJson {
    fn from(rss: ProcessRss) -> Self {
        Self {
            start_bytes: rss.start.bytes(),
            end_bytes: rss.end.bytes(),
            peak_bytes: rss.peak_bytes,
            not_read_grown_bytes: rss.not_read.grown(),
            not_read_shrunk_bytes: rss.not_read.shrunk(),
            total_ram_bytes: rss.total_ram,
        }
    }
}

#[derive(Serialize)]
struct ThreadJson<'a> {
    tid: u32,
    name: &'a str,
    uses: u64,
    wall_ns: u64,
    cpu_ns: Option<u64>,
    /// Index of the function and line that the thread was in when the recording ended.
    running: Option<(u32, u32)>,
    /// When that line began, nanoseconds after the start of the recording.
    running_since_ns: Option<u64>,
}

impl<'a> From<&'a Thread> for ThreadJson<'a> {
    fn from(thread: &'a Thread) -> Self {
        Self {
            tid: thread.tid,
            name: &thread.name,
            uses: thread.uses,
            wall_ns: thread.wall.0,
            cpu_ns: thread.cpu.map(nanoseconds),
            running: thread.running.map(|place| (place.function.0, place.line)),
            running_since_ns: thread.running_since.map(nanoseconds),
        }
    }
}

#[derive(Serialize)]
struct FunctionJson<'a> {
    index: u32,
    module: &'a str,
    name: &'a str,
    file: &'a str,
    line: u32,
    end_line: u32,
    calls: u64,
    primitive_calls: u64,
    total_ns: u64,
    self_ns: u64,
    net_ns: Option<u64>,
    net_self_ns: Option<u64>,
    own_cost_ns: Option<u64>,
    lines: Vec<LineJson<'a>>,
}

fn function<'a>(
    profile: &'a Profile,
    cost: &FunctionCost,
    recorded: &BTreeMap<FunctionId, Nanos>,
) -> Option<FunctionJson<'a>> {
    let (function, records): (&Function, _) = records(profile, cost)?;
    let priced = knows_prices(profile);
    Some(FunctionJson {
        index: cost.function.0,
        module: &function.module,
        name: &function.name,
        file: &function.file,
        line: function.line,
        end_line: function.end_line,
        calls: cost.calls,
        primitive_calls: cost.primitive_calls,
        total_ns: cost.total.0,
        self_ns: cost.self_time.0,
        net_ns: priced.then_some(cost.net().0),
        net_self_ns: priced.then_some(cost.net_self_time().0),
        own_cost_ns: recorded
            .get(&cost.function)
            .filter(|_| priced)
            .map(|own| own.0),
        lines: records.into_iter().map(LineJson).collect(),
    })
}

/// A line: its place, all columns of records, and its text.
struct LineJson<'a>(Record<'a>);

impl Serialize for LineJson<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Self(record) = self;
        let mut map = out.serialize_map(None)?;
        map.serialize_entry("line", &record.line.line)?;
        map.serialize_entry("label", &record.line.label)?;
        for column in &RECORD_COLUMNS {
            match (column.value)(record) {
                RecordValue::Number(number) => map.serialize_entry(column.name, &number)?,
                RecordValue::Word(word) => map.serialize_entry(column.name, &word)?,
            }
        }
        map.serialize_entry("text", &record.text)?;
        map.end()
    }
}

const fn nanoseconds(time: Nanos) -> u64 {
    time.0
}

#[cfg(test)]
mod tests;
