//! What the reader makes of the words of a file: kills, gaps, losses, the recorder's own cost.

use std::mem::{offset_of, size_of};

use crate::raw_file::{Playback, RawFile, START, address, cell, outside, statements};
use hprof::model::{
    ClockMode, ClockSource, FunctionId, Heap, LineCost, Losses, Nanos, Node, NotMeasured, Place,
    Profile, Scope, ThinCalls, Thread, function_costs,
};
use hprof::raw::layout::*;
use hprof::site::{LineKind, SiteKind, WhyNot};

fn thread(profile: &Profile) -> &Thread {
    &profile.processes[0].threads[0]
}

/// Cost of a line of a node, which must have one.
fn line(node: &Node, number: u32) -> LineCost {
    node.lines
        .iter()
        .find(|(line, _)| *line == number)
        .unwrap()
        .1
}

/// Exact and sampled time of the lines of the first node.
fn times(profile: &Profile) -> Vec<(u32, u64, u64)> {
    let lines = thread(profile).nodes[0].lines.iter();
    lines
        .map(|(line, cost)| (line, cost.exact.0, cost.sampled.0))
        .collect()
}

/// A function `f` on lines 10.., with one node in thread 0 that was called once. The thread is the file's first.
fn one_node(lines: &[u32]) -> (RawFile, usize, usize) {
    let mut file = RawFile::new();
    file.function(1, "f", 10, lines);
    let thread = file.thread(0, "");
    let node = file.node(0, 1, lines.len(), outside(thread));
    file.add(node + offset_of!(NodeRecord, calls), 1);
    (file, thread, node)
}

#[test]
fn calls_of_thin_functions_are_summed_over_the_threads() {
    let (mut file, ..) = one_node(&[11]);
    file.function(2, "small", 30, &[]);
    file.function(3, "smaller", 40, &[]);
    // Never called, called once, seven times; known from a parent and not called.
    file.thin(&[(1, 0), (0, 3), (-6, 2), (1, 1)]);
    file.thin(&[(1, 0), (1, 3), (-9, 2), (1, 0)]);
    // More left than there was, a site that is none, and more cells than there is room for.
    file.thin(&[(2, 2), (-5, 77)]);
    let long = file.thin(&[(-5, 2)]);
    file.u32(long + offset_of!(ThinRecord, capacity), u32::MAX);
    let profile = file.try_read().unwrap();
    let calls = |thin: &ThinCalls| {
        let function = &profile.functions[thin.function.0 as usize];
        (function.name.as_str(), thin.calls)
    };
    let thin = &profile.processes[0].thin;
    let calls: Vec<_> = thin.iter().map(calls).collect();
    assert_eq!(calls, [("small", 17), ("smaller", 1)]);
    assert_eq!(profile.processes[0].losses.damaged, 3);
}

#[test]
fn functions_left_alone_are_told_with_the_reason() {
    let (mut file, ..) = one_node(&[11]);
    file.not_measured(WhyNot::Naked, "g", 20);
    file.not_measured(WhyNot::Constant, "S::new", 3);
    let odd = file.not_measured(WhyNot::Constant, "of no known kind", 4);
    file.u32(odd + offset_of!(NotMeasuredRecord, why), 77);
    let long = file.not_measured(WhyNot::Constant, "too long", 5);
    file.u32(long + offset_of!(NotMeasuredRecord, file_len), u32::MAX);
    let profile = file.try_read().unwrap();
    let function = |name: &str, line, why| NotMeasured {
        file: "src/main.rs".to_owned(),
        line,
        module: "app".to_owned(),
        name: name.to_owned(),
        why,
    };
    let expected = [
        function("S::new", 3, WhyNot::Constant),
        function("g", 20, WhyNot::Naked),
    ];
    assert_eq!(profile.not_measured, expected);
    assert_eq!(profile.processes[0].losses.damaged, 2);
    assert_eq!(profile.functions.len(), 1);
}

/// ```text
///   0      10              25 †
///   ├─f 11─┬─f 12 ... still running
/// ```
#[test]
fn a_kill_loses_nothing_of_the_running_line() {
    let mut file = RawFile::new();
    file.function(1, "f", 10, &[11, 12]);
    let mut run = Playback::new(&mut file, 0, 0);
    run.site(1, 2);
    run.enter(1);
    run.line(0, 0);
    run.line(10, 1);
    file.killed(25);
    let profile = file.read();
    let process = &profile.processes[0];
    assert!(!process.finished);
    assert_eq!(process.wall, Nanos(25));
    assert_eq!(times(&profile), [(11, 10, 0), (12, 15, 0)]);
    let function = FunctionId(0);
    assert_eq!(thread(&profile).running, Some(Place { function, line: 12 }));
}

/// Without a sampler nobody writes the header again; the newest marker is then the last sign of life.
#[test]
fn a_kill_without_a_sampler_ends_at_the_newest_marker() {
    let mut file = RawFile::new();
    file.function(1, "f", 10, &[11, 12]);
    for (index, last) in [(0, 10), (1, 40)] {
        let mut run = Playback::new(&mut file, index, 0);
        run.site(1, 2);
        run.enter(1);
        run.line(0, 0);
        run.line(last, 1);
    }
    file.killed(0);
    let profile = file.read();
    assert_eq!(profile.processes[0].wall, Nanos(40));
    assert_eq!(times(&profile), [(11, 10, 0), (12, 30, 0)]);
}

/// Whoever waited for the process has noted when it ended, by the system's clock: 2 ticks a nanosecond. A note of a moment before the newest sign of life
/// says nothing.
#[test]
fn a_kill_that_was_seen_ends_when_it_was() {
    let end = |pair: [u64; 3], ended_mono_ns: u64| {
        let mut file = RawFile::new();
        file.function(1, "f", 10, &[11, 12]);
        let mut run = Playback::new(&mut file, 0, 0);
        run.site(1, 2);
        run.enter(1);
        run.line(0, 0);
        run.line(10, 1);
        let [ticks, mono_ns, sequence] = pair;
        file.killed(ticks);
        file.u64(offset_of!(Header, ticks_per_second), 2_000_000_000);
        file.u64(offset_of!(Header, start_mono_ns), 1_000);
        file.u64(offset_of!(Header, last_mono_ns), mono_ns);
        file.u64(offset_of!(Header, last_seq), sequence);
        file.u64(offset_of!(Header, ended_mono_ns), ended_mono_ns);
        let profile = file.read();
        let line = line(&thread(&profile).nodes[0], 12).exact;
        (profile.processes[0].wall, line)
    };
    assert_eq!(end([0, 1_000, 2], 1_500), (Nanos(500), Nanos(495)));
    // From the newest pair, if that is whole.
    assert_eq!(end([100, 1_060, 2], 1_500), (Nanos(490), Nanos(485)));
    assert_eq!(end([100, 1_060, 3], 1_500), (Nanos(500), Nanos(495)));
    assert_eq!(end([100, 1_050, 2], 1_020), (Nanos(50), Nanos(45)));
    assert_eq!(end([100, 1_050, 2], 0), (Nanos(50), Nanos(45)));
}

/// A thread that ended before the others has its last interval closed by its own end, and runs nowhere.
#[test]
fn an_ended_thread_ends_at_its_end() {
    let mut file = RawFile::new();
    file.function(1, "f", 10, &[11]);
    let mut run = Playback::new(&mut file, 0, 0);
    run.site(1, 1);
    run.enter(1);
    run.line(0, 0);
    run.leave(20);
    run.end(30);
    file.killed(500);
    let profile = file.read();
    let thread = thread(&profile);
    assert_eq!((thread.wall, thread.running), (Nanos(30), None));
    assert_eq!(thread.outside.exact, Nanos(10));
}

/// ```text
///            exact 5 │ gap of line 12, 1000 ticks │ exact 7
/// samples of           12: 3 (weight 300), 13: 1 (weight 100)
/// ```
#[test]
fn a_gap_is_split_by_weight() {
    let (mut file, thread_at, node) = one_node(&[11, 12, 13]);
    file.u32(offset_of!(Header, clock_mode), MODE_AUTO);
    file.flag(FLAG_SAMPLER);
    file.u64(cell(node, 0) + offset_of!(Cell, time), 12);
    file.u64(cell(node, 0) + offset_of!(Cell, state), 1);
    file.u64(cell(node, 1) + offset_of!(Cell, gap_time), 1000);
    for slot in 0..3 {
        file.u64(cell(node, slot) + offset_of!(Cell, hits), 10);
    }
    let gap = cell(node, 1);
    file.pairs(
        0,
        &[
            (cell(node, 1), gap, 3, 300 << 20, (30_000 << 20), 40),
            (cell(node, 2), gap, 1, 100 << 20, (10_000 << 20), 2),
        ],
    );
    // Line 11 spent 7 of its 12 ticks, the gap the rest of the thread's 427.
    for (field, ticks) in [
        (offset_of!(Cell, long_time), 12),
        (offset_of!(Cell, long_cpu), 7),
    ] {
        file.u64(cell(node, 0) + field, ticks);
    }
    file.u64(thread_at + offset_of!(ThreadRecord, start_cpu_ns), 1000);
    file.u64(thread_at + offset_of!(ThreadRecord, last_cpu_ns), 1427);
    file.u64(thread_at + offset_of!(ThreadRecord, gap), 0);
    let profile = file.read();
    assert_eq!(times(&profile), [(11, 12, 0), (12, 0, 750), (13, 0, 250)]);
    let node = &thread(&profile).nodes[0];
    let (twelve, thirteen) = (line(node, 12), line(node, 13));
    assert_eq!((twelve.samples, thirteen.samples), (3, 1));
    // 1000^2 x 3/4 x 1/4 x 40,000 / 400^2, rounded down bit by bit.
    assert!((46_870..=46_875).contains(&twelve.variance), "{twelve:?}");
    assert_eq!(twelve.variance, thirteen.variance);
    assert_eq!(twelve.settled, twelve.variance);
    let cpu: Vec<_> = node.lines.iter().map(|(_, cost)| cost.cpu).collect();
    assert_eq!(cpu, [Some(Nanos(7)), Some(Nanos(400)), Some(Nanos(20))]);
    assert_eq!(thread(&profile).outside.cpu, Some(Nanos(0)));
}

/// No sample fell into the gap, but while they were timed a hit of line 12 took 30 ticks and one of line 13 took 10.
#[test]
fn a_gap_without_samples_goes_by_the_prior() {
    let (mut file, _, node) = one_node(&[11, 12, 13, 14]);
    file.u32(offset_of!(Header, clock_mode), MODE_AUTO);
    for (slot, intervals, ticks, hits) in [(1, 64, 64 * 30, 100), (2, 8, 8 * 10, 100)] {
        let cell = cell(node, slot);
        file.u64(cell + offset_of!(Cell, left), intervals);
        file.probes(cell, [ticks / 4; PROBES]);
        file.u64(cell + offset_of!(Cell, hits), hits);
    }
    // Line 14 is timed: its window is not that of a demotion.
    let timed = cell(node, 3);
    file.u64(timed + offset_of!(Cell, state), 1);
    file.u64(timed + offset_of!(Cell, left), 5);
    file.probes(timed, [1_000_000; PROBES]);
    file.u64(timed + offset_of!(Cell, hits), 59);
    file.u64(cell(node, 2) + offset_of!(Cell, gap_time), 4000);
    let profile = file.read();
    assert_eq!(times(&profile), [(12, 0, 3000), (13, 0, 1000), (14, 0, 0)]);
    let marks: Vec<_> = thread(&profile).nodes[0]
        .lines
        .iter()
        .map(|(_, cost)| (cost.prior, cost.variance == cost.settled))
        .collect();
    assert_eq!(marks, [(true, true), (true, true), (false, true)]);
    let error = |line_number| {
        let variance = line(&thread(&profile).nodes[0], line_number).variance;
        variance.isqrt()
    };
    // Of 4000 ticks. Each hit may have taken half as much or more: 0.75 x 0.25 x sqrt(0.5^2 + 0.5^2), and 4 ticks that a reading may be
    // wrong by are much of 10.
    assert!((530..700).contains(&error(12)), "{}", error(12));
    assert_eq!(error(12), error(13));
}

/// The same with markers of 5 ticks: they are part of the gap, and none of the prior. What is left without them is split by the prior.
#[test]
fn markers_have_their_part_of_a_gap_before_it_is_split() {
    let (mut file, _, node) = one_node(&[11, 12, 13]);
    file.u32(offset_of!(Header, clock_mode), MODE_AUTO);
    file.u64(offset_of!(Header, cost_marker_ps), 5_000);
    for (slot, intervals, ticks) in [(1, 64, 64 * 30), (2, 8, 8 * 10)] {
        let cell = cell(node, slot);
        file.u64(cell + offset_of!(Cell, left), intervals);
        file.probes(cell, [ticks / 4; PROBES]);
        file.u64(cell + offset_of!(Cell, hits), 100);
    }
    file.u64(cell(node, 2) + offset_of!(Cell, gap_time), 5_000);
    let profile = file.read();
    assert_eq!(times(&profile), [(12, 0, 3_500), (13, 0, 1_500)]);
    let node = &thread(&profile).nodes[0];
    let net = [12, 13].map(|number| line(node, number).net());
    assert_eq!(net, [Nanos(3_000), Nanos(1_000)]);
}

/// ```text
/// line 12, quarters of its last window    80  80  4,000,080  80     the thread had lost the processor
/// line 13                                 80  80         80  80
/// ```
/// One disturbance does not decide, but the error tells that it may have been the truth.
#[test]
fn one_disturbed_quarter_does_not_decide() {
    let (mut file, _, node) = one_node(&[11, 12, 13]);
    file.u32(offset_of!(Header, clock_mode), MODE_AUTO);
    for (slot, parts) in [(1, [80, 80, 4_000_080, 80]), (2, [80; PROBES])] {
        let cell = cell(node, slot);
        file.u64(cell + offset_of!(Cell, left), 32);
        file.probes(cell, parts);
        file.u64(cell + offset_of!(Cell, hits), 1000);
    }
    file.u64(cell(node, 1) + offset_of!(Cell, gap_time), 20_000);
    let profile = file.read();
    assert_eq!(times(&profile), [(12, 0, 10_000), (13, 0, 10_000)]);
    let twelve = line(&thread(&profile).nodes[0], 12);
    assert_eq!(twelve.variance.isqrt(), 10_000);
}

/// The prior gives line 12 nine tenths; ten samples of the same gap all fell on line 13. By chance the sum of the squares of the differences, 0.9² + 0.9²,
/// would be a tenth of 0.9 x 0.1 + 0.1 x 0.9: it is 90 times that, so the prior keeps `40² / (90 x 10² + 40²)` of the time, 15 %, with an error nearly as large.
#[test]
fn samples_against_the_prior_are_part_of_its_error() {
    let (mut file, _, node) = one_node(&[11, 12, 13]);
    file.u32(offset_of!(Header, clock_mode), MODE_AUTO);
    for (slot, ticks) in [(1, 9_000), (2, 1_000)] {
        let cell = cell(node, slot);
        file.u64(cell + offset_of!(Cell, left), 32);
        file.probes(cell, [ticks; PROBES]);
        file.u64(cell + offset_of!(Cell, hits), 1000);
    }
    let gap = cell(node, 1);
    file.u64(gap + offset_of!(Cell, gap_time), 1_000_000);
    file.pairs(0, &[(cell(node, 2), gap, 10, 1_000_000, 0, 1)]);
    let profile = file.read();
    let node = &thread(&profile).nodes[0];
    let twelve = line(node, 12);
    assert!(twelve.prior && (135_000..136_000).contains(&twelve.sampled.0));
    let error = twelve.variance.isqrt();
    assert!((90_000..136_000).contains(&error), "{error}");
    assert_eq!(line(node, 13).settled, line(node, 13).variance);
}

#[test]
fn a_gap_of_which_nothing_is_known_stays_where_it_began() {
    let (mut file, _, node) = one_node(&[11, 12]);
    file.u64(cell(node, 1) + offset_of!(Cell, gap_time), 900);
    file.u64(cell(node, 1) + offset_of!(Cell, hits), 1);
    let profile = file.read();
    assert_eq!(times(&profile), [(12, 0, 900)]);
    assert!(!line(&thread(&profile).nodes[0], 12).prior);
}

/// ```text
///   0       10 demoted      40 †
///   ├─exact─┬─gap of 12 ... still running, in line 13
/// ```
#[test]
fn the_gap_that_runs_at_the_end_is_counted() {
    for open in [0, 1] {
        let (mut file, thread_at, node) = one_node(&[11, 12, 13]);
        file.u64(cell(node, 0) + offset_of!(Cell, time), 10);
        file.u64(thread_at + offset_of!(ThreadRecord, open), open);
        file.u64(thread_at + offset_of!(ThreadRecord, t0), START + 10);
        let word = |file: &mut RawFile, field: usize, slot| {
            file.u64(thread_at + field, address(cell(node, slot)));
        };
        word(&mut file, offset_of!(ThreadRecord, gap), 1);
        word(&mut file, offset_of!(ThreadRecord, cell), 2);
        file.killed(40);
        let profile = file.read();
        assert_eq!(times(&profile), [(11, 10, 0), (12, 0, 30)]);
        let function = FunctionId(0);
        assert_eq!(thread(&profile).running, Some(Place { function, line: 13 }));
    }
}

/// What found no room in the pair table is spread as what did; if nothing did it stays where the gap began.
#[test]
fn samples_of_unknown_cells_are_spread() {
    let (mut file, thread_at, node) = one_node(&[11, 12]);
    file.flag(FLAG_SAMPLER);
    for slot in 0..2 {
        file.u64(cell(node, slot) + offset_of!(Cell, gap_time), 100);
    }
    file.u64(thread_at + offset_of!(ThreadRecord, last_cpu_ns), 160);
    let (first, second) = (cell(node, 0), cell(node, 1));
    file.pairs(
        0,
        &[
            (first, first, 1, 30, 0, 10),
            (second, first, 1, 10, 0, 30),
            (1, first, 5, 500, 0, 40),
            (1, second, 5, 500, 0, 5),
        ],
    );
    let profile = file.read();
    assert_eq!(times(&profile), [(11, 0, 75), (12, 0, 125)]);
    let node = &thread(&profile).nodes[0];
    // 80 ticks of each gap were spent: 20 and 60 of the first, and 80. No line spends more than it takes.
    assert_eq!(line(node, 12).cpu, Some(Nanos(125)));
    assert_eq!(line(node, 11).cpu, Some(Nanos(20 + 15)));
}

/// The fenced clock subtracts the cost of its markers: a line that does nothing may come out below zero.
#[test]
fn no_time_is_negative() {
    let (mut file, _, node) = one_node(&[11, 12]);
    file.u64(
        cell(node, 0) + offset_of!(Cell, time),
        (-5_i64).cast_unsigned(),
    );
    file.u64(cell(node, 0) + offset_of!(Cell, hits), 1);
    file.u64(cell(node, 1) + offset_of!(Cell, time), 5);
    assert_eq!(times(&file.read()), [(11, 0, 0), (12, 5, 0)]);
}

/// A marker costs 10 ns here: what takes less than two of them at a time was not measured by it.
#[test]
fn short_intervals_are_below_the_resolution() {
    let mark = |mode, ticks: u64| {
        let (mut file, _, node) = one_node(&[11]);
        file.u32(offset_of!(Header, clock_mode), mode);
        file.u64(offset_of!(Header, cost_timed_ps), 10_000);
        file.u64(cell(node, 0) + offset_of!(Cell, state), 1);
        file.u64(cell(node, 0) + offset_of!(Cell, hits), 100);
        file.u64(cell(node, 0) + offset_of!(Cell, time), ticks);
        line(&thread(&file.read()).nodes[0], 11).below_resolution
    };
    assert!(mark(MODE_EXACT, 1999));
    assert!(!mark(MODE_EXACT, 2000));
    assert!(!mark(MODE_FENCED, 1999));
}

/// 100 loops of 999 turns, of which 30 are left in the last, and a line that calls a function 300 times: what counts is how often the
/// clock was read.
#[test]
fn intervals_are_whole_loops_and_returns_too() {
    let (mut file, thread_at, _) = one_node(&[11]);
    let slots = [
        (21, LineKind::GroupHeader, 0, ""),
        (22, LineKind::GroupBody, 0, ""),
        (23, LineKind::Statement, 2, ""),
        (21, LineKind::GroupBody, 0, ""),
    ];
    file.site(2, SiteKind::Function, "g", 20, &slots);
    let node = file.node(0, 2, 4, outside(thread_at));
    for (slot, hits) in [(0, 100), (1, 99_900), (2, 100), (3, 99_870)] {
        file.u64(cell(node, slot) + offset_of!(Cell, hits), hits);
    }
    // In their last timed windows: 8 loops took 800 ticks, 8 intervals of line 23 took 80.
    for (slot, ticks) in [(0, 800), (2, 80)] {
        file.u64(cell(node, slot) + offset_of!(Cell, left), 8);
        file.probes(cell(node, slot), [ticks / 4; PROBES]);
    }
    let callee = file.node(0, 1, 1, cell(node, 2));
    file.u64(callee + offset_of!(NodeRecord, calls), 300);
    // Expected: 100 loops of 100 ticks, 400 intervals of 10.
    file.u64(cell(node, 0) + offset_of!(Cell, gap_time), 700);
    let profile = file.read();
    let nodes = &thread(&profile).nodes;
    let node = nodes.iter().find(|node| node.function.0 == 1).unwrap();
    assert_eq!(line(node, 21).sampled, Nanos(500));
    assert_eq!(line(node, 21).hits, 99_970);
    assert_eq!(line(node, 23).sampled, Nanos(200));
}

/// Two readings 20 ms apart say 2.5 ticks a nanosecond, the estimate said 2. Readings 1 ms apart say less than the estimate.
#[test]
fn the_longer_baseline_sets_the_rate() {
    let exact = |last_ns: u64, sequence: u64| {
        let (mut file, _, node) = one_node(&[11]);
        file.u64(offset_of!(Header, ticks_per_second), 2_000_000_000);
        file.u64(offset_of!(Header, start_mono_ns), 1_000);
        file.u64(offset_of!(Header, last_mono_ns), 1_000 + last_ns);
        file.u64(offset_of!(Header, last_ticks), START + last_ns * 5 / 2);
        file.u64(offset_of!(Header, last_seq), sequence);
        file.u64(cell(node, 0) + offset_of!(Cell, time), 10_000);
        line(&thread(&file.read()).nodes[0], 11).exact
    };
    assert_eq!(exact(20_000_000, 2), Nanos(4_000));
    assert_eq!(exact(20_000_000, 3), Nanos(5_000));
    assert_eq!(exact(1_000_000, 2), Nanos(5_000));
}

/// Hits of a grouped loop are counted in registers: exact, but no marker ran.
#[test]
fn own_cost_counts_markers_that_ran() {
    let mut file = RawFile::new();
    let slots = [
        (11, LineKind::Statement, 0, ""),
        (12, LineKind::GroupHeader, 1, ""),
        (13, LineKind::GroupBody, 1, "inner"),
        (12, LineKind::GroupBody, 1, ""),
    ];
    file.site(1, SiteKind::Function, "f", 10, &slots);
    let thread_at = file.thread(0, "");
    let node = file.node(0, 1, 4, outside(thread_at));
    file.u64(node + offset_of!(NodeRecord, calls), 20);
    file.u64(node + offset_of!(NodeRecord, recursive_calls), 5);
    file.u64(cell(node, 0) + offset_of!(Cell, hits), 100);
    file.u64(cell(node, 1) + offset_of!(Cell, hits), 7);
    file.u64(cell(node, 2) + offset_of!(Cell, hits), 1_000_000);
    file.u64(cell(node, 3) + offset_of!(Cell, hits), 1_000_000);
    file.u64(thread_at + offset_of!(ThreadRecord, reads), 60);
    file.u64(offset_of!(Header, cost_timed_ps), 10_000);
    file.u64(offset_of!(Header, cost_marker_ps), 250);
    file.u64(offset_of!(Header, cost_call_ps), 2_000);
    file.u64(node + offset_of!(NodeRecord, missed_calls), 3);
    file.u64(offset_of!(Header, cost_miss_ps), 9_000);
    file.u64(offset_of!(Header, sampler_cpu_ns), 77);
    let profile = file.read();
    let own = profile.processes[0].own_cost;
    assert_eq!((own.timed_markers, own.markers, own.calls), (60, 107, 25));
    assert_eq!(own.missed_calls, 3);
    assert_eq!(own.in_program, Nanos(60 * 10 + 47 / 4 + 25 * 2 + 3 * 9));
    assert_eq!(own.sampler, None);
    let lines = &profile.functions[0].lines;
    assert_eq!((lines[2].group, lines[2].label.as_str()), (12, "inner"));
    let node = &thread(&profile).nodes[0];
    assert_eq!((node.calls, node.primitive_calls), (25, 20));
    assert_eq!(line(node, 13).hits, 1_000_000);
    assert_eq!(line(node, 12).hits, 1_000_007);
}

/// ```text
/// 0         100            160                200        300    350
/// ├─ f 11 ───┬─ f 12 ───────┬─ entering g ─────┬─ g 21 ───┬─ f 12 ┤
/// ```
/// A reading takes 10 ns, 9 more than a marker without; entering takes 30 where the node is known.
#[test]
fn what_recording_took_stands_on_the_line_whose_time_it_was() {
    let read = |prices: [u64; 2], mode| {
        let mut file = RawFile::new();
        file.function(1, "f", 10, &[11, 12]);
        file.function(2, "g", 20, &[21]);
        file.u32(offset_of!(Header, clock_mode), mode);
        file.u64(offset_of!(Header, cost_timed_ps), 10_000);
        file.u64(offset_of!(Header, cost_marker_ps), 1_000);
        file.u64(offset_of!(Header, cost_call_ps), prices[0]);
        file.u64(offset_of!(Header, cost_miss_ps), prices[1]);
        let mut run = Playback::new(&mut file, 0, 0);
        run.site(1, 2);
        run.site(2, 1);
        run.enter(1);
        run.line(0, 0);
        run.line(100, 1);
        run.enter(2);
        run.line(200, 0);
        run.leave(300);
        run.leave(350);
        run.end(350);
        let (thread_at, cells) = (run.thread, run.cells());
        // The return to line 12 read the clock too.
        file.u64(thread_at + offset_of!(ThreadRecord, reads), 4);
        for cell in &cells[1..] {
            file.u64(cell + offset_of!(Cell, state), 1);
        }
        let g = cells[3] - size_of::<NodeRecord>();
        file.u64(g + offset_of!(NodeRecord, missed_calls), 1);
        file.finished(350);
        file.read()
    };
    let figures = |profile: &Profile| {
        let mut figures = Vec::new();
        for cost in function_costs(profile, Scope::All) {
            assert_eq!(cost.net() + cost.total_recording, cost.total);
            for line in &cost.lines {
                figures.push((line.line, line.own.net().0, line.own.recording.0));
                assert_eq!(line.own.net() + line.own.recording, line.own.time());
                assert_eq!(line.net() + line.total_recording, line.total);
            }
            figures.push((0, cost.net().0, cost.total_recording.0));
        }
        figures
    };
    let (f, g) = ([(11, 90, 10), (12, 101, 49)], [(21, 90, 10), (0, 90, 10)]);
    let known = [f[0], f[1], (0, 281, 69), g[0], g[1]];
    assert_eq!(figures(&read([30_000, 0], MODE_EXACT)), known);
    // The node of g was looked up.
    let looked_up = [f[0], (12, 81, 69), (0, 261, 89), g[0], g[1]];
    assert_eq!(figures(&read([30_000, 20_000], MODE_EXACT)), looked_up);
    // More than there is cannot be taken off: it is part of the own cost of the process alone.
    let dear = read([3_000_000, 0], MODE_EXACT);
    let clamped = [f[0], (12, 0, 150), (0, 180, 170), g[0], g[1]];
    assert_eq!(figures(&dear), clamped);
    assert_eq!(dear.processes[0].own_cost.in_program, Nanos(6_040));
    // Between fences the readings are none of the times.
    let fenced = [(11, 100, 0), (12, 120, 30), (0, 320, 30), (21, 100, 0)];
    assert_eq!(figures(&read([30_000, 0], MODE_FENCED))[..4], fenced);
}

/// A function that calls itself does so from lines that nobody knows: the line that called it first was not charged for that.
#[test]
fn recursive_entries_are_not_charged_to_the_first_caller() {
    let (mut file, _, node) = one_node(&[11]);
    file.function(2, "g", 20, &[21]);
    let g = file.node(0, 2, 1, cell(node, 0));
    file.u64(g + offset_of!(NodeRecord, calls), 2);
    file.u64(g + offset_of!(NodeRecord, recursive_calls), 50);
    file.u64(cell(node, 0) + offset_of!(Cell, time), 1_000);
    file.u64(offset_of!(Header, cost_call_ps), 3_000);
    let profile = file.read();
    let eleven = line(&thread(&profile).nodes[0], 11);
    assert_eq!((eleven.recording, eleven.net()), (Nanos(6), Nanos(994)));
}

/// Every function has a node for calls without context, mostly unused: it shows only if it was.
#[test]
fn calls_without_context_are_roots() {
    let (mut file, _, _) = one_node(&[11]);
    file.function(2, "g", 20, &[21]);
    file.node(0, 1, 1, 0);
    let flat = file.node(0, 2, 1, 0);
    file.u32(flat + offset_of!(NodeRecord, flat), 1);
    file.u64(flat + offset_of!(NodeRecord, calls), 4);
    file.flag(FLAG_FLAT);
    file.u64(offset_of!(Header, lost_calls), 3);
    let profile = file.read();
    let nodes = &thread(&profile).nodes;
    assert_eq!(nodes.len(), 2);
    assert_eq!((nodes[1].parent, nodes[1].calls), (None, 4));
    let losses = Losses {
        flat: true,
        lost_calls: 3,
        ..Losses::default()
    };
    assert_eq!(profile.processes[0].losses, losses);
}

#[test]
fn the_facts_of_the_process() {
    let (mut file, thread_at, _) = one_node(&[11]);
    for (text, at, length) in [
        (
            "node7",
            offset_of!(Header, host),
            offset_of!(Header, host_len),
        ),
        (
            "/bin/a\u{df}",
            offset_of!(Header, exe),
            offset_of!(Header, exe_len),
        ),
    ] {
        file.bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        file.u32(length, text.len() as u32);
    }
    file.u32(offset_of!(Header, rank_plus_1), 1);
    file.u32(offset_of!(Header, ranks), 8);
    file.u32(offset_of!(Header, clock_mode), MODE_FENCED);
    file.u32(offset_of!(Header, clock_source), SOURCE_MONOTONIC);
    file.u64(offset_of!(Header, start_cpu_ns), 100);
    file.u64(offset_of!(Header, last_cpu_ns), 130);
    file.u64(thread_at + offset_of!(ThreadRecord, start_cpu_ns), 40);
    file.u64(thread_at + offset_of!(ThreadRecord, last_cpu_ns), 45);
    file.u64(offset_of!(Header, live_bytes), (-3_i64).cast_unsigned());
    file.u64(offset_of!(Header, peak_bytes), 90);
    file.flag(FLAG_ALLOC | FLAG_DEBUG_ASSERTIONS | FLAG_THREADS_FOLDED);
    let profile = file.read();
    let process = &profile.processes[0];
    assert_eq!(
        (process.host.as_str(), process.exe.as_str()),
        ("node7", "/bin/a\u{df}")
    );
    assert_eq!((process.rank, process.ranks), (Some(0), Some(8)));
    assert_eq!(process.clock_mode, ClockMode::Fenced);
    assert_eq!(process.clock_source, ClockSource::Monotonic);
    assert_eq!(
        (process.cpu, process.threads[0].cpu),
        (Some(Nanos(30)), Some(Nanos(5)))
    );
    assert!(process.debug_assertions && process.losses.threads_folded && process.finished);
    assert_eq!((process.pid, process.opt_level), (42, '3'));
    let heap = Heap {
        live_bytes: -3,
        peak_bytes: 90,
        bound_bytes: 64 << 10,
        lines: None,
    };
    assert_eq!(process.heap, Some(heap));
}

#[test]
fn the_facts_of_a_function() {
    let (file, _, _) = one_node(&[11]);
    let profile = file.read();
    let function = &profile.functions[0];
    assert_eq!(
        (function.module.as_str(), function.name.as_str()),
        ("app", "f")
    );
    assert_eq!(
        (function.file.as_str(), function.package.as_str()),
        ("src/main.rs", "/app")
    );
    assert_eq!(
        (function.line, function.column, function.end_line),
        (10, 1, 11)
    );
    assert_eq!(function.source, ["fn f() {", "}"]);
}

/// A forked child starts with a copy of its parent's records and zeros in them: threads it does not have do not show.
#[test]
fn threads_that_a_fork_left_behind_do_not_show() {
    let (mut file, _, _) = one_node(&[11]);
    let gone = file.thread(1, "gone");
    file.u32(gone + offset_of!(ThreadRecord, state), 2);
    file.u64(gone + offset_of!(ThreadRecord, end_ticks), START);
    file.u64(gone + offset_of!(ThreadRecord, uses), 0);
    file.node(1, 1, 1, outside(gone));
    assert_eq!(file.read().processes[0].threads.len(), 1);
}

/// Chunks may be begun out of turn, and their records refer to later ones.
#[test]
fn a_parent_may_stand_in_a_later_chunk() {
    let mut file = RawFile::new();
    file.function(1, "f", 10, &[11]);
    let thread_at = file.thread(0, "");
    let child = file.node(0, 1, 1, 0);
    // Handed out, not begun.
    file.new_span(1);
    let not_begun = file.bytes.len() - CHUNK_BYTES;
    file.u32(not_begun + offset_of!(ChunkHead, span), 0);
    // A span of two, the second chunk without a head.
    file.new_span(2);
    let parent = file.node(0, 1, 1, outside(thread_at));
    file.u64(
        child + offset_of!(NodeRecord, caller),
        address(cell(parent, 0)),
    );
    for node in [child, parent] {
        file.add(node + offset_of!(NodeRecord, calls), 1);
    }
    let parents: Vec<_> = thread(&file.read())
        .nodes
        .iter()
        .map(|node| node.parent)
        .collect();
    assert_eq!(parents, [None, Some((0, 11))]);
}

/// A record without its kind word is still being written: it and what follows is not read, and no damage.
#[test]
fn records_under_way_are_not_read() {
    let (mut file, _, _) = one_node(&[11]);
    let begun = file.node(0, 1, 1, 0);
    file.u32(begun + offset_of!(RecordHead, kind), 0);
    file.u64(begun + offset_of!(NodeRecord, calls), 9);
    assert_eq!(thread(&file.read()).nodes.len(), 1);
}

/// Two statements on one line, and a line that a closure shares with its function, are one line each.
#[test]
fn slots_on_one_line_are_one_line() {
    let mut file = RawFile::new();
    let mut slots = statements(&[11, 11]);
    slots[1].3 = "second";
    file.site(1, SiteKind::Function, "f", 10, &slots);
    let thread_at = file.thread(0, "");
    let node = file.node(0, 1, 2, outside(thread_at));
    for slot in 0..2 {
        file.u64(cell(node, slot) + offset_of!(Cell, hits), 5);
        file.u64(cell(node, slot) + offset_of!(Cell, time), 7);
        file.u64(cell(node, slot) + offset_of!(Cell, alloc_bytes), 1);
    }
    let profile = file.read();
    assert_eq!(profile.functions[0].lines.len(), 1);
    assert_eq!(profile.functions[0].lines[0].label, "second");
    let line = line(&thread(&profile).nodes[0], 11);
    assert_eq!(
        (line.hits, line.exact, line.alloc_bytes),
        (10, Nanos(14), 2)
    );
}

/// The thread record is there, its first frame is about to be entered: no reading of the clock yet.
#[test]
fn a_thread_that_has_not_begun_has_no_time() {
    let (mut file, thread_at, _) = one_node(&[11]);
    file.u64(thread_at + offset_of!(ThreadRecord, t0), 0);
    file.u64(
        thread_at + offset_of!(ThreadRecord, open),
        address(outside(thread_at)),
    );
    file.killed(50);
    assert_eq!(thread(&file.read()).outside.exact, Nanos(0));
}

/// A forked child keeps the nodes of the frames that were open, with zeros: they show as the context of what it does, and the frame
/// it runs in does too.
#[test]
fn open_frames_of_a_fork_are_kept_as_context() {
    let mut file = RawFile::new();
    file.function(1, "f", 10, &[11]);
    let thread_at = file.thread(0, "");
    let root = file.node(0, 1, 1, outside(thread_at));
    let child = file.node(0, 1, 1, cell(root, 0));
    let leaf = file.node(0, 1, 1, cell(child, 0));
    file.u64(
        thread_at + offset_of!(ThreadRecord, cell),
        address(cell(child, 0)),
    );
    file.killed(0);
    assert_eq!(thread(&file.read()).nodes.len(), 2);
    assert!(thread(&file.read()).running.is_some());
    file.add(leaf + offset_of!(NodeRecord, calls), 1);
    file.finished(0);
    file.u32(offset_of!(Header, state), STATE_FINISHED);
    let profile = file.read();
    let parents: Vec<_> = (thread(&profile).nodes.iter())
        .map(|node| node.parent)
        .collect();
    assert_eq!(parents, [None, Some((0, 11)), Some((1, 11))]);
    assert_eq!(thread(&profile).running, None);
}

/// ```text
///   0        10                         1000 †
///   ├─ 11 ───┤ 12 ... and nobody read the CPU clock again
/// ```
/// What a line spent that was running when its process was killed is not known, unless somebody read the clock meanwhile.
#[test]
fn cpu_time_that_nobody_read_is_blank() {
    for (read, expected) in [(7, None), (607, Some(Nanos(600)))] {
        let (mut file, thread_at, node) = one_node(&[11, 12]);
        file.u32(offset_of!(Header, clock_mode), MODE_AUTO);
        file.u64(cell(node, 0) + offset_of!(Cell, time), 10);
        for (field, value) in [
            (offset_of!(ThreadRecord, open), address(cell(node, 1))),
            (offset_of!(ThreadRecord, cell), address(cell(node, 1))),
            (offset_of!(ThreadRecord, t0), START + 10),
            (offset_of!(ThreadRecord, long), 100),
            (offset_of!(ThreadRecord, cpu_ticks), START + 10),
            (offset_of!(ThreadRecord, cpu_ns), 7),
            (offset_of!(ThreadRecord, last_cpu_ns), read),
        ] {
            file.u64(thread_at + field, value);
        }
        file.killed(1000);
        let profile = file.read();
        assert_eq!(times(&profile), [(11, 10, 0), (12, 990, 0)]);
        let node = &thread(&profile).nodes[0];
        assert_eq!(line(node, 11).cpu, Some(Nanos(7)));
        assert_eq!(line(node, 12).cpu, expected);
    }
}
