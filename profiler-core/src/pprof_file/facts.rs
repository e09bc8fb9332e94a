//! Run, functions and processes: the model's facts as messages of the extension, and back.

use super::durations;
use super::error::Damage;
use super::extension::{
    FLAG_DEBUG_ASSERTIONS, FLAG_FINISHED, FLAG_FLAT, FLAG_GOES_ON, FLAG_LOST_FORKS,
    FLAG_THREADS_FOLDED, FunctionFacts, HeapFacts, InstrumentationFacts, LiveFacts,
    NotMeasuredFacts, OwnCostFacts, ProcessFacts, RssFacts, RunFacts,
};
use super::observed;
use super::tables::{Strings, Tables};
use crate::model::{
    ClockMode, ClockSource, End, Function, FunctionId, Heap, Instrumentation, Line, LineLive,
    LiveCount, LiveHeap, Losses, Nanos, Native, NotMeasured, OwnCost, Process, ProcessRss,
    RssChange, RssLevel, RssSource, Run, ThinCalls,
};
use crate::raw::native;
use crate::site::{LineKind, WhyNot};

/// In the order of their numbers in the file.
const CLOCK_SOURCES: [ClockSource; 2] = [ClockSource::Tsc, ClockSource::Monotonic];
/// In the order of their numbers in the file.
const CLOCK_MODES: [ClockMode; 5] = [
    ClockMode::Auto,
    ClockMode::Exact,
    ClockMode::Fenced,
    ClockMode::Sampled,
    ClockMode::Calls,
];

fn number_of<T: PartialEq>(all: &[T], wanted: &T) -> u32 {
    (0..)
        .zip(all)
        .find_map(|(number, value)| (value == wanted).then_some(number))
        .unwrap_or(u32::MAX)
}

fn numbered<T: Copy>(all: &[T], part: &'static str, number: u32) -> Result<T, Damage> {
    let value = usize::try_from(number)
        .ok()
        .and_then(|number| all.get(number));
    value
        .copied()
        .ok_or_else(|| Damage::new(part, format!("one below {}", all.len()), number))
}

pub(super) fn run_facts(run: &Run) -> RunFacts {
    let (code, signal) = match run.end {
        Some(End::Code(code)) => (Some(code), None),
        Some(End::Signal(signal)) => (None, Some(signal)),
        None => (None, None),
    };
    RunFacts {
        command: run.command.clone(),
        cargo_profile: run.cargo_profile.clone(),
        start_unix_ns: run.start_unix_ns,
        wall_ns: run.wall.map(|time| time.0),
        cpu_ns: run.cpu.map(|time| time.0),
        code,
        signal,
        source_root: run.source_root.clone(),
        instrumentation: run.instrumentation.as_ref().map(|facts| {
            let Instrumentation {
                version,
                switch,
                thin,
                left_out,
            } = facts.clone();
            InstrumentationFacts {
                version,
                switch,
                thin,
                left_out,
            }
        }),
    }
}

pub(super) fn run(facts: RunFacts) -> Result<Run, Damage> {
    let end = match (facts.code, facts.signal) {
        (Some(code), None) => Some(End::Code(code)),
        (None, Some(signal)) => Some(End::Signal(signal)),
        (None, None) => None,
        (Some(_), Some(_)) => {
            return Err(Damage::new("end of the run", "a code or a signal", "both"));
        }
    };
    Ok(Run {
        newer_layout: None,
        command: facts.command,
        cargo_profile: facts.cargo_profile,
        start_unix_ns: facts.start_unix_ns,
        wall: facts.wall_ns.map(Nanos),
        cpu: facts.cpu_ns.map(Nanos),
        end,
        source_root: facts.source_root,
        instrumentation: facts.instrumentation.map(|facts| Instrumentation {
            version: facts.version,
            switch: facts.switch,
            thin: facts.thin,
            left_out: facts.left_out,
        }),
    })
}

pub(super) fn function_facts(function: &Function, tables: &mut Tables) -> FunctionFacts {
    let mut last = 0;
    let mut step = |line: &Line| {
        // The lines are ascending.
        let step = line.line.saturating_sub(last);
        last = line.line;
        step
    };
    let lines = &function.lines;
    FunctionFacts {
        module: tables.string(&function.module),
        name: tables.string(&function.name),
        file: tables.string(&function.file),
        package: tables.string(&function.package),
        line: function.line,
        column: function.column,
        end_line: function.end_line,
        source: function.source.clone(),
        line_step: lines.iter().map(&mut step).collect(),
        line_kind: lines.iter().map(|line| line.kind as u32).collect(),
        line_group: lines
            .iter()
            .map(|line| i64::from(line.group) - i64::from(line.line))
            .collect(),
        line_label: lines
            .iter()
            .map(|line| tables.string(&line.label))
            .collect(),
        max_allocs: function.max_allocs,
    }
}

pub(super) fn function(facts: FunctionFacts, strings: &Strings<'_>) -> Result<Function, Damage> {
    strings.spend_on::<Function>(1)?;
    strings.spend_on::<Line>(facts.line_step.len())?;
    strings.spend_on::<String>(facts.source.len())?;
    let lines = function_lines(&facts, strings)?;
    Ok(Function {
        module: strings.copy(facts.module)?,
        name: strings.copy(facts.name)?,
        file: strings.copy(facts.file)?,
        package: strings.copy(facts.package)?,
        line: facts.line,
        column: facts.column,
        end_line: facts.end_line,
        source: facts.source,
        lines,
        max_allocs: facts.max_allocs,
    })
}

fn function_lines(facts: &FunctionFacts, strings: &Strings<'_>) -> Result<Vec<Line>, Damage> {
    let count = facts.line_step.len();
    for column in [
        facts.line_kind.len(),
        facts.line_group.len(),
        facts.line_label.len(),
    ] {
        if column != count {
            return Err(Damage::new("length of a column of lines", count, column));
        }
    }
    let no_line = |found: i64| Damage::new("line number", "one of 32 bits", found);
    let mut number = 0_u32;
    let mut lines = Vec::with_capacity(count);
    let columns = facts.line_step.iter().zip(&facts.line_kind);
    let columns = columns.zip(facts.line_group.iter().zip(&facts.line_label));
    for ((step, kind), (group, label)) in columns {
        let next = number.checked_add(*step);
        number = next.ok_or_else(|| no_line(i64::from(number) + i64::from(*step)))?;
        let group = i64::from(number).saturating_add(*group);
        lines.push(Line {
            line: number,
            kind: LineKind::from_raw(*kind)
                .ok_or_else(|| Damage::new("kind of line", "one below 6", kind))?,
            group: u32::try_from(group).map_err(|_| no_line(group))?,
            label: strings.copy(*label)?,
        });
    }
    Ok(lines)
}

pub(super) fn not_measured_facts(function: &NotMeasured, tables: &mut Tables) -> NotMeasuredFacts {
    NotMeasuredFacts {
        file: tables.string(&function.file),
        line: function.line,
        module: tables.string(&function.module),
        name: tables.string(&function.name),
        why: function.why as u32,
    }
}

pub(super) fn not_measured(
    facts: NotMeasuredFacts,
    strings: &Strings<'_>,
) -> Result<NotMeasured, Damage> {
    strings.spend_on::<NotMeasured>(1)?;
    let why = WhyNot::from_raw(facts.why);
    Ok(NotMeasured {
        file: strings.copy(facts.file)?,
        line: facts.line,
        module: strings.copy(facts.module)?,
        name: strings.copy(facts.name)?,
        why: why.ok_or_else(|| Damage::new("reason not to measure", "1 or 2", facts.why))?,
    })
}

/// Everything but the threads.
pub(super) fn process_facts(process: &Process, tables: &mut Tables) -> ProcessFacts {
    let cost = &process.own_cost;
    let flags = [
        (FLAG_FINISHED, process.finished),
        (FLAG_DEBUG_ASSERTIONS, process.debug_assertions),
        (FLAG_FLAT, process.losses.flat),
        (FLAG_THREADS_FOLDED, process.losses.threads_folded),
        (FLAG_LOST_FORKS, process.losses.lost_forks),
        (FLAG_GOES_ON, process.goes_on),
    ];
    ProcessFacts {
        host: tables.string(&process.host),
        pid: process.pid,
        parent_pid: process.parent_pid,
        start_unix_ns: process.start_unix_ns,
        exe: tables.string(&process.exe),
        rank: process.rank,
        ranks: process.ranks,
        clock_source: number_of(&CLOCK_SOURCES, &process.clock_source),
        clock_mode: number_of(&CLOCK_MODES, &process.clock_mode),
        wall_ns: process.wall.0,
        cpu_ns: process.cpu.map(|time| time.0),
        flags: flags.iter().map(|(flag, set)| flag * u32::from(*set)).sum(),
        opt_level: process.opt_level.into(),
        own_cost: OwnCostFacts {
            timed_markers: cost.timed_markers,
            markers: cost.markers,
            calls: cost.calls,
            in_program_ns: cost.in_program.0,
            timed_marker_ps: cost.timed_marker_ps,
            sampler_ns: cost.sampler.map(|time| time.0),
            sampler_ticks: cost.sampler_ticks,
            missed_calls: cost.missed_calls,
            marker_ps: cost.marker_ps,
            call_ps: cost.call_ps,
            thin_ps: cost.thin_ps,
        },
        lost_calls: process.losses.lost_calls,
        damaged: process.losses.damaged,
        unknown_records: Some(process.losses.unknown_records).filter(|count| *count > 0),
        heap: process.heap.map(|heap| HeapFacts {
            live_bytes: heap.live_bytes,
            peak_bytes: heap.peak_bytes,
            lines: heap.lines.as_ref().map(live_facts),
            bound_bytes: heap.bound_bytes,
        }),
        rss: process.rss.as_ref().map(rss_facts),
        native: process.native.as_ref().map(native::text),
        observed: process.observed.as_ref().map(observed::facts),
        durations: durations::facts(&process.durations),
        process_started: process.process_started,
        thin_function: thin_steps(&process.thin),
        thin_calls: process.thin.iter().map(|thin| thin.calls).collect(),
        threads: Vec::new(),
    }
}

fn rss_facts(rss: &ProcessRss) -> RssFacts {
    let level = |level: &RssLevel| [level.anonymous_bytes, level.file_bytes];
    let change = |change: &RssChange| {
        [
            change.grown_anonymous,
            change.shrunk_anonymous,
            change.grown_file,
            change.shrunk_file,
        ]
    };
    RssFacts {
        source: match rss.source {
            None => 0,
            Some(RssSource::Procfs) => 1,
            Some(RssSource::Sysinfo) => 2,
        },
        levels: [level(&rss.start), level(&rss.end)].concat(),
        changes: [change(&rss.not_read), change(&rss.rest)].concat(),
        peak_bytes: rss.peak_bytes,
        budget_percent: rss.budget_percent,
        reads: rss.reads,
        looks: rss.looks,
        own_ns: rss.own_time.0,
        resolution_bytes: rss.resolution_bytes,
        total_ram: rss.total_ram,
    }
}

fn rss(facts: &RssFacts) -> Result<ProcessRss, Damage> {
    let count =
        |expected: usize, found: usize| Damage::new("numbers of the resident set", expected, found);
    let levels = <[u64; 4]>::try_from(facts.levels.as_slice());
    let [start_anonymous, start_file, end_anonymous, end_file] =
        levels.map_err(|_| count(4, facts.levels.len()))?;
    let changes: &[u64; 8] =
        (facts.changes.as_slice().try_into()).map_err(|_| count(8, facts.changes.len()))?;
    let change = |at: usize| RssChange {
        grown_anonymous: changes[at],
        shrunk_anonymous: changes[at + 1],
        grown_file: changes[at + 2],
        shrunk_file: changes[at + 3],
    };
    let level = |anonymous_bytes, file_bytes| RssLevel {
        anonymous_bytes,
        file_bytes,
    };
    Ok(ProcessRss {
        source: match facts.source {
            0 => None,
            1 => Some(RssSource::Procfs),
            2 => Some(RssSource::Sysinfo),
            other => {
                return Err(Damage::new(
                    "source of the resident set",
                    "one below 3",
                    other,
                ));
            }
        },
        start: level(start_anonymous, start_file),
        end: level(end_anonymous, end_file),
        peak_bytes: facts.peak_bytes,
        not_read: change(0),
        rest: change(4),
        budget_percent: facts.budget_percent,
        reads: facts.reads,
        looks: facts.looks,
        own_time: Nanos(facts.own_ns),
        resolution_bytes: facts.resolution_bytes,
        total_ram: facts.total_ram,
    })
}

fn live_facts(live: &LiveHeap) -> LiveFacts {
    let elsewhere = &live.elsewhere;
    LiveFacts {
        gap: match live.count {
            LiveCount::Exact => 0,
            LiveCount::Sampled { gap } => gap,
        },
        live_bytes: live.live_bytes,
        peak_bytes: live.peak_bytes,
        elsewhere: vec![
            elsewhere.live_bytes,
            elsewhere.peak_bytes,
            elsewhere.live_variance,
            elsewhere.peak_variance,
        ],
        lost_blocks: live.lost_blocks,
        lost_bytes: live.lost_bytes,
    }
}

fn heap(facts: &HeapFacts) -> Result<Heap, Damage> {
    let live = |facts: &LiveFacts| {
        let elsewhere = <[u64; 4]>::try_from(facts.elsewhere.as_slice());
        let [live_bytes, peak_bytes, live_variance, peak_variance] = elsewhere
            .map_err(|_| Damage::new("numbers of live blocks", 4, facts.elsewhere.len()))?;
        Ok(LiveHeap {
            count: match facts.gap {
                0 => LiveCount::Exact,
                gap => LiveCount::Sampled { gap },
            },
            live_bytes: facts.live_bytes,
            peak_bytes: facts.peak_bytes,
            elsewhere: LineLive {
                live_bytes,
                peak_bytes,
                live_variance,
                peak_variance,
            },
            lost_blocks: facts.lost_blocks,
            lost_bytes: facts.lost_bytes,
        })
    };
    Ok(Heap {
        live_bytes: facts.live_bytes,
        peak_bytes: facts.peak_bytes,
        bound_bytes: facts.bound_bytes,
        lines: facts.lines.as_ref().map(live).transpose()?,
    })
}

fn stacks(text: &str) -> Result<Native, Damage> {
    native::parse(text).ok_or_else(|| Damage::new("native stacks", "a whole text", text.len()))
}

/// How far each thin function is above the one before; below 0 for the first.
fn thin_steps(thin: &[ThinCalls]) -> Vec<u32> {
    let before = [0]
        .into_iter()
        .chain(thin.iter().map(|thin| thin.function.0));
    let pairs = thin.iter().zip(before);
    pairs
        .map(|(thin, before)| thin.function.0.saturating_sub(before))
        .collect()
}

fn thin(facts: &ProcessFacts, strings: &Strings<'_>) -> Result<Vec<ThinCalls>, Damage> {
    let (functions, calls) = (facts.thin_function.len(), facts.thin_calls.len());
    if functions != calls {
        return Err(Damage::new("calls of thin functions", functions, calls));
    }
    strings.spend_on::<ThinCalls>(functions)?;
    let mut function = 0_u32;
    let thin = |(step, calls): (&u32, &u64)| {
        function = function.saturating_add(*step);
        ThinCalls {
            function: FunctionId(function),
            calls: *calls,
        }
    };
    Ok(facts
        .thin_function
        .iter()
        .zip(&facts.thin_calls)
        .map(thin)
        .collect())
}

/// A process without its threads.
pub(super) fn process(facts: &ProcessFacts, strings: &Strings<'_>) -> Result<Process, Damage> {
    let flag = |flag: u32| facts.flags & flag != 0;
    let cost = &facts.own_cost;
    Ok(Process {
        host: strings.copy(facts.host)?,
        pid: facts.pid,
        parent_pid: facts.parent_pid,
        start_unix_ns: facts.start_unix_ns,
        exe: strings.copy(facts.exe)?,
        rank: facts.rank,
        ranks: facts.ranks,
        clock_source: numbered(&CLOCK_SOURCES, "source of the clock", facts.clock_source)?,
        clock_mode: numbered(&CLOCK_MODES, "mode of the clock", facts.clock_mode)?,
        wall: Nanos(facts.wall_ns),
        cpu: facts.cpu_ns.map(Nanos),
        process_started: facts.process_started,
        finished: flag(FLAG_FINISHED),
        goes_on: flag(FLAG_GOES_ON),
        debug_assertions: flag(FLAG_DEBUG_ASSERTIONS),
        opt_level: char::from_u32(facts.opt_level)
            .ok_or_else(|| Damage::new("optimisation level", "a letter", facts.opt_level))?,
        own_cost: OwnCost {
            timed_markers: cost.timed_markers,
            markers: cost.markers,
            calls: cost.calls,
            in_program: Nanos(cost.in_program_ns),
            timed_marker_ps: cost.timed_marker_ps,
            sampler: cost.sampler_ns.map(Nanos),
            sampler_ticks: cost.sampler_ticks,
            missed_calls: cost.missed_calls,
            marker_ps: cost.marker_ps,
            call_ps: cost.call_ps,
            thin_ps: cost.thin_ps,
        },
        losses: Losses {
            flat: flag(FLAG_FLAT),
            lost_calls: facts.lost_calls,
            threads_folded: flag(FLAG_THREADS_FOLDED),
            damaged: facts.damaged,
            unknown_records: facts.unknown_records.unwrap_or(0),
            lost_forks: flag(FLAG_LOST_FORKS),
        },
        heap: facts.heap.as_ref().map(heap).transpose()?,
        rss: facts.rss.as_ref().map(rss).transpose()?,
        threads: Vec::new(),
        thin: thin(facts, strings)?,
        native: facts.native.as_deref().map(stacks).transpose()?,
        durations: facts
            .durations
            .as_ref()
            .map(durations::durations)
            .transpose()?
            .unwrap_or_default(),
        observed: facts
            .observed
            .as_ref()
            .map(observed::observed)
            .transpose()?,
    })
}
