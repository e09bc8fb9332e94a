//! Profiles of any content: odd names, extreme figures, all that may be missing.

use hprof::model::{
    BUCKETS, ClockMode, ClockSource, Durations, End, Function, FunctionId, Heap, Histogram,
    Instrumentation, Line, LineCost, LineLive, LineLooks, LineRss, LiveCount, LiveHeap, Longest,
    Losses, Nanos, Native, NativeFrame, NativeStack, Node, NotMeasured, Observed, OpenFunction,
    OwnCost, Place, Process, ProcessRss, Profile, Reading, RssChange, RssLevel, RssSource, Run,
    ThinCalls, Thread, Timed, WaitCause,
};
use hprof::site::{LineKind, WhyNot};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = String> {
    const ODD: [&str; 10] = [
        "",
        "main",
        "a;b;c",
        "fill::<[u8; 8]>",
        "\"quoted\" 'and' \\escaped\\",
        "grün::日本::🦀",
        "two\nlines\r\n",
        "\0",
        "::",
        " a b\t",
    ];
    prop_oneof![
        proptest::sample::select(&ODD[..]).prop_map(str::to_owned),
        any::<String>()
    ]
}

fn number() -> impl Strategy<Value = u64> {
    const EDGES: [u64; 6] = [0, 1, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];
    prop_oneof![
        4 => 0..1000_u64,
        1 => any::<u64>(),
        1 => proptest::sample::select(&EDGES[..]),
    ]
}

fn nanos() -> impl Strategy<Value = Nanos> {
    number().prop_map(Nanos)
}

fn variance() -> impl Strategy<Value = u128> {
    prop_oneof![
        Just(0),
        (0..1000_u128),
        any::<u128>(),
        Just(u128::MAX),
        Just(1 << 64)
    ]
}

pub(crate) fn cost() -> impl Strategy<Value = LineCost> {
    let times = (nanos(), nanos(), number(), variance(), variance());
    let marks = (
        any::<bool>(),
        any::<bool>(),
        option::of(nanos()),
        nanos(),
        nanos(),
        number(),
    );
    let memory = (
        (number(), number(), number(), number()),
        option::of(line_rss().boxed()),
        live().boxed(),
    );
    (number(), times, marks, memory).prop_map(|(hits, times, marks, memory)| LineCost {
        hits,
        exact: times.0,
        sampled: times.1,
        samples: times.2,
        variance: times.3,
        settled: times.4,
        prior: marks.0,
        below_resolution: marks.1,
        recording: marks.4,
        trips: marks.5,
        cpu: marks.2,
        awaited: marks.3,
        allocs: memory.0.0,
        alloc_bytes: memory.0.1,
        frees: memory.0.2,
        free_bytes: memory.0.3,
        live: memory.2,
        rss: memory.1,
    })
}

fn live() -> impl Strategy<Value = LineLive> {
    [number(), number(), number(), number()].prop_map(|live| LineLive {
        live_bytes: live[0],
        peak_bytes: live[1],
        live_variance: live[2],
        peak_variance: live[3],
    })
}

fn live_heap() -> impl Strategy<Value = LiveHeap> {
    let count = prop_oneof![
        Just(LiveCount::Exact),
        (1..u64::MAX).prop_map(|gap| LiveCount::Sampled { gap })
    ];
    let numbers = [number(), number(), number(), number()];
    (count, live(), numbers).prop_map(|(count, elsewhere, numbers)| LiveHeap {
        count,
        live_bytes: numbers[0],
        peak_bytes: numbers[1],
        elsewhere,
        lost_blocks: numbers[2],
        lost_bytes: numbers[3],
    })
}

fn heap() -> impl Strategy<Value = Heap> {
    let numbers = (any::<i64>(), any::<i64>(), any::<u64>());
    (numbers, option::of(live_heap().boxed())).prop_map(|(numbers, lines)| Heap {
        live_bytes: numbers.0,
        peak_bytes: numbers.1,
        bound_bytes: numbers.2,
        lines,
    })
}

fn rss_change() -> impl Strategy<Value = RssChange> {
    [number(), number(), number(), number()].prop_map(|change| RssChange {
        grown_anonymous: change[0],
        shrunk_anonymous: change[1],
        grown_file: change[2],
        shrunk_file: change[3],
    })
}

fn line_rss() -> impl Strategy<Value = LineRss> {
    let numbers = [number(), number(), number(), number()];
    (rss_change(), numbers).prop_map(|(change, numbers)| LineRss {
        change,
        max_bytes: numbers[0],
        last_bytes: numbers[1],
        reads: numbers[2],
        sampled_bytes: numbers[3],
    })
}

fn native() -> impl Strategy<Value = Native> {
    let frame = (text(), text(), any::<u32>(), any::<bool>());
    let frame = frame.prop_map(|(function, file, line, inlined)| NativeFrame {
        function,
        file,
        line,
        inlined,
    });
    let stack = (text(), vec(any::<u32>(), 0..4), number());
    let facts = (any::<u32>(), number(), number());
    (facts, vec(frame, 1..4), vec(stack, 0..4)).prop_map(|(facts, frames, stacks)| {
        let known = |number: u32| number % u32::try_from(frames.len()).unwrap();
        let stack = |(thread, numbers, samples): (String, Vec<u32>, u64)| NativeStack {
            thread,
            frames: numbers.into_iter().map(known).collect(),
            samples,
        };
        Native {
            asked_hz: facts.0,
            cpu_ns: facts.1,
            signals: facts.2,
            stacks: stacks.into_iter().map(stack).collect(),
            frames,
        }
    })
}

fn process_rss() -> impl Strategy<Value = ProcessRss> {
    const SOURCES: [Option<RssSource>; 3] =
        [None, Some(RssSource::Procfs), Some(RssSource::Sysinfo)];
    let level = || {
        (number(), number()).prop_map(|(anonymous_bytes, file_bytes)| RssLevel {
            anonymous_bytes,
            file_bytes,
        })
    };
    let known = (
        proptest::sample::select(&SOURCES[..]),
        option::of(number()),
        option::of(number()),
    );
    let counts = (number(), any::<u32>(), number(), number(), nanos());
    let changes = (rss_change(), rss_change());
    (known, level(), level(), counts, changes).prop_map(|(known, start, end, counts, changes)| {
        ProcessRss {
            source: known.0,
            start,
            end,
            peak_bytes: counts.0,
            not_read: changes.0,
            rest: changes.1,
            budget_percent: counts.1,
            reads: counts.2,
            looks: counts.3,
            own_time: counts.4,
            resolution_bytes: known.1,
            total_ram: known.2,
        }
    })
}

fn line_number() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..30_u32, 1 => any::<u32>()]
}

fn function() -> impl Strategy<Value = Function> {
    let line = (0..6_u32, any::<u32>(), text());
    let lines = btree_map(line_number(), line, 0..5).prop_map(|lines| {
        let line = |(line, (kind, group, label))| Line {
            line,
            kind: LineKind::from_raw(kind).unwrap(),
            group,
            label,
        };
        lines.into_iter().map(line).collect()
    });
    let place = (
        line_number(),
        any::<u32>(),
        any::<u32>(),
        any::<Option<u32>>(),
    );
    let texts = (text(), text(), text(), text());
    (texts, place, vec(text(), 0..4), lines).prop_map(|(texts, place, source, lines)| Function {
        module: texts.0,
        name: texts.1,
        file: texts.2,
        package: texts.3,
        line: place.0,
        column: place.1,
        end_line: place.2,
        source,
        lines,
        max_allocs: place.3,
    })
}

/// Of a profile with so many functions.
fn thread(functions: usize) -> impl Strategy<Value = Thread> {
    // Without functions there are no nodes: what is drawn for them does not matter.
    let last = (functions as u32).saturating_sub(1);
    let function = move || (0..=last).prop_map(FunctionId);
    let node = (
        option::weighted(0.8, (any::<prop::sample::Index>(), line_number())),
        function(),
        number(),
        number(),
        btree_map(line_number(), cost(), 0..4),
    );
    let most_nodes = if functions == 0 { 0 } else { 8 };
    let nodes = vec(node, 0..=most_nodes).prop_map(|nodes| {
        let node = |(index, (parent, function, calls, primitive_calls, lines)): (usize, _)| {
            let parent: Option<(prop::sample::Index, u32)> = parent;
            Node {
                parent: parent
                    .filter(|_| index > 0)
                    .map(|(parent, line)| (parent.index(index) as u32, line)),
                function,
                calls,
                primitive_calls,
                lines: std::collections::BTreeMap::into_iter(lines).collect(),
            }
        };
        nodes.into_iter().enumerate().map(node).collect::<Vec<_>>()
    });
    let running = option::of((function(), any::<u32>()));
    let running = running.prop_map(move |running| {
        let place = |(function, line)| Place { function, line };
        running.filter(|_| functions > 0).map(place)
    });
    let facts = (
        (any::<u32>(), text()),
        number(),
        nanos(),
        option::of(nanos()),
        option::of(nanos()),
    );
    (facts, running, cost(), nodes).prop_map(|(facts, running, outside, nodes)| Thread {
        tid: facts.0.0,
        name: facts.0.1,
        uses: facts.1,
        wall: facts.2,
        cpu: facts.3,
        running,
        running_since: facts.4,
        outside,
        nodes,
    })
}

fn own_cost() -> impl Strategy<Value = OwnCost> {
    let numbers = (
        number(),
        number(),
        number(),
        nanos(),
        number(),
        option::of(nanos()),
        number(),
        (number(), number(), number(), number()),
    );
    numbers.prop_map(|numbers| OwnCost {
        timed_markers: numbers.0,
        markers: numbers.1,
        calls: numbers.2,
        in_program: numbers.3,
        timed_marker_ps: numbers.4,
        sampler: numbers.5,
        sampler_ticks: numbers.6,
        missed_calls: numbers.7.0,
        marker_ps: numbers.7.1,
        call_ps: numbers.7.2,
        thin_ps: numbers.7.3,
    })
}

fn losses() -> impl Strategy<Value = Losses> {
    let all = (
        any::<bool>(),
        number(),
        any::<bool>(),
        number(),
        any::<bool>(),
    );
    all.prop_map(|all| Losses {
        flat: all.0,
        lost_calls: all.1,
        threads_folded: all.2,
        damaged: all.3,
        lost_forks: all.4,
        unknown_records: all.1 / 2,
    })
}

fn clock() -> impl Strategy<Value = (ClockSource, ClockMode)> {
    const MODES: [ClockMode; 5] = [
        ClockMode::Auto,
        ClockMode::Exact,
        ClockMode::Fenced,
        ClockMode::Sampled,
        ClockMode::Calls,
    ];
    const SOURCES: [ClockSource; 2] = [ClockSource::Tsc, ClockSource::Monotonic];
    (
        proptest::sample::select(&SOURCES[..]),
        proptest::sample::select(&MODES[..]),
    )
}

fn process(functions: usize) -> impl Strategy<Value = Process> {
    let names = (text(), any::<u32>(), any::<u32>(), number(), text());
    let ranks = (option::of(any::<u32>()), option::of(any::<u32>()));
    let end = (
        nanos(),
        option::of(nanos()),
        (any::<bool>(), any::<bool>(), option::of(any::<u64>())),
        any::<bool>(),
        any::<char>(),
    );
    let heap = option::of(heap().boxed());
    let rss = option::of(process_rss().boxed());
    let heap = (
        heap,
        rss,
        option::of(native().boxed()),
        option::of(observed(functions).boxed()),
    );
    let facts = (names, ranks, clock(), end, own_cost(), losses(), heap);
    (
        facts.boxed(),
        vec(thread(functions).boxed(), 0..3),
        thin(functions).boxed(),
        durations(functions).boxed(),
    )
        .prop_map(|(facts, threads, thin, durations)| {
            let (names, ranks, clock, end, own_cost, losses, heap) = facts;
            Process {
                host: names.0,
                pid: names.1,
                parent_pid: names.2,
                start_unix_ns: names.3,
                exe: names.4,
                rank: ranks.0,
                ranks: ranks.1,
                clock_source: clock.0,
                clock_mode: clock.1,
                wall: end.0,
                cpu: end.1,
                process_started: end.2.2,
                finished: end.2.0,
                goes_on: end.2.1,
                debug_assertions: end.3,
                opt_level: end.4,
                own_cost,
                losses,
                heap: heap.0,
                rss: heap.1,
                native: heap.2,
                observed: heap.3,
                threads,
                thin,
                durations,
            }
        })
}

fn longest() -> impl Strategy<Value = Longest> {
    let longest = (nanos(), nanos(), any::<u64>(), any::<u32>());
    longest.prop_map(|(time, at, start_unix_ns, tid)| Longest {
        time,
        at,
        start_unix_ns,
        tid,
    })
}

/// Ascending by function and what was timed.
fn durations(functions: usize) -> impl Strategy<Value = Vec<Durations>> {
    let timed = prop_oneof![
        Just(Timed::Calls),
        Just(Timed::Polls),
        Just(Timed::Futures),
        Just(Timed::Busy),
        any::<u32>().prop_map(Timed::Line)
    ];
    let times = vec((nanos(), 1..u64::MAX), 0..4);
    let ids = u32::try_from(functions).unwrap_or(0).max(1);
    let function = (0..ids).prop_map(FunctionId);
    let of = (
        function,
        timed,
        (option::of(0..u64::MAX), number()),
        times,
        longest(),
    );
    let one = of.prop_map(|(function, timed, (all, cancelled), times, longest)| {
        let mut histogram = Histogram::default();
        for (time, count) in times {
            histogram.add(time, count, longest);
        }
        Durations {
            function,
            timed,
            all,
            cancelled,
            histogram,
        }
    });
    let key = |of: &Durations| (of.function, of.timed);
    vec(one, 0..if functions == 0 { 1 } else { 4 }).prop_map(move |mut all| {
        all.sort_by_key(key);
        all.dedup_by_key(|of| key(of));
        all
    })
}

fn readings() -> impl Strategy<Value = Vec<Reading>> {
    let reading = (
        nanos(),
        number(),
        nanos(),
        any::<u32>(),
        option::of(0..u64::MAX),
    );
    vec(reading, 0..3).prop_map(|readings| {
        let all = readings.into_iter();
        let mut readings: Vec<Reading> = all
            .map(|(at, rss_bytes, cpu, threads, live_bytes)| Reading {
                at,
                rss_bytes,
                cpu,
                threads,
                live_bytes,
            })
            .collect();
        readings.sort_by_key(|reading| (reading.at, reading.cpu));
        // CPU time does not go back.
        let mut most = Nanos(0);
        for reading in &mut readings {
            most = most.max(reading.cpu);
            reading.cpu = most;
        }
        readings
    })
}

fn line_looks(place: impl Strategy<Value = Place>) -> impl Strategy<Value = LineLooks> {
    let waits = any::<[u64; WaitCause::ALL.len()]>();
    (place, number(), waits, any::<[u32; 32]>()).prop_map(|(place, working, waits, half)| {
        let mut buckets = [0; BUCKETS];
        buckets[32..].copy_from_slice(&half);
        LineLooks {
            place,
            working,
            waits,
            buckets,
        }
    })
}

fn observed(functions: usize) -> impl Strategy<Value = Observed> {
    // A profile without functions has no places.
    let most = if functions == 0 { 0 } else { 2 };
    let function = (0..u32::try_from(functions).unwrap_or(0).max(1)).prop_map(FunctionId);
    let place = (function.clone(), any::<u32>())
        .prop_map(|(function, line)| Place { function, line })
        .boxed();
    let open = (function, nanos(), nanos()).prop_map(|(function, first, last)| OpenFunction {
        function,
        first,
        last,
    });
    let lines = vec(line_looks(place.clone()), 0..=most);
    let parts = (readings(), lines, vec(open, 0..=most), vec(place, 0..=most));
    let facts = (nanos(), number(), any::<bool>(), nanos());
    (facts, parts).prop_map(|(facts, (readings, lines, functions, at_peak))| Observed {
        cost: facts.0,
        looks: facts.1,
        knows_causes: facts.2,
        bucket: facts.3,
        readings,
        lines,
        functions,
        at_peak,
    })
}

fn thin(functions: usize) -> impl Strategy<Value = Vec<ThinCalls>> {
    let ids = u32::try_from(functions).unwrap_or(0).max(1);
    btree_map(0..ids, 1_u64.., 0..=functions).prop_map(|calls| {
        let calls = calls.into_iter().map(|(id, calls)| ThinCalls {
            function: FunctionId(id),
            calls,
        });
        calls.collect()
    })
}

fn run() -> impl Strategy<Value = Run> {
    let end = prop_oneof![
        any::<i32>().prop_map(End::Code),
        any::<i32>().prop_map(End::Signal)
    ];
    let times = (
        option::of(number()),
        option::of(nanos()),
        option::of(nanos()),
    );
    let texts = (vec(text(), 0..4), option::of(text()), option::of(text()));
    let lists = (vec(text(), 0..3), vec(text(), 0..3));
    let instrumentation =
        (text(), text(), lists).prop_map(|(version, switch, lists)| Instrumentation {
            version,
            switch,
            thin: lists.0,
            left_out: lists.1,
        });
    let all = (texts, times, option::of(end), option::of(instrumentation));
    all.prop_map(|(texts, times, end, instrumentation)| Run {
        command: texts.0,
        cargo_profile: texts.1,
        start_unix_ns: times.0,
        wall: times.1,
        cpu: times.2,
        end,
        source_root: texts.2,
        instrumentation,
        newer_layout: None,
    })
}

fn not_measured() -> impl Strategy<Value = NotMeasured> {
    let why = prop_oneof![Just(WhyNot::Constant), Just(WhyNot::Naked)];
    (text(), any::<u32>(), text(), text(), why).prop_map(|(file, line, module, name, why)| {
        NotMeasured {
            file,
            line,
            module,
            name,
            why,
        }
    })
}

/// Any profile that makes sense.
pub(crate) fn profile() -> impl Strategy<Value = Profile> {
    (0..5_usize).prop_flat_map(|functions| {
        let processes = vec(process(functions), 0..3);
        let not_measured = btree_set(not_measured(), 0..4);
        let parts = (run(), vec(function(), functions), not_measured, processes);
        parts.prop_map(|(run, functions, not_measured, processes)| Profile {
            run,
            functions,
            not_measured: not_measured.into_iter().collect(),
            processes,
        })
    })
}
