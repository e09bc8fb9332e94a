//! A profile made by hand: two ranks, three threads, `solve` calling `step` and `fill`; and one of any size.

use hprof::model::{
    ClockMode, ClockSource, Durations, Function, FunctionId, Histogram, Line, LineCost, Longest,
    Losses, Nanos, Node, NotMeasured, OwnCost, Process, Profile, Run, ThinCalls, Thread, Timed,
};
use hprof::site::{LineKind, WhyNot};

/// Source that `-list` shows: the functions below are on lines 3.., 9.. and 15..
pub(crate) const SOURCE: &str = "\
use hprof::profile;

#[profile]
fn solve() {
    let mut grid = fill();
    step(&mut grid);
}

#[profile]
fn step(grid: &mut Grid) {
    let next = grid.next();
    *grid = next;
}

#[profile] fn fill() -> Grid { Grid::new() }
";
pub(crate) const SOURCE_FILE: &str = "src/grid.rs";
pub(crate) const SOLVE: FunctionId = FunctionId(0);
pub(crate) const STEP: FunctionId = FunctionId(1);
pub(crate) const FILL: FunctionId = FunctionId(2);

pub(crate) fn function(module: &str, name: &str, line: u32, lines: &[u32]) -> Function {
    let statement = |&line: &u32| Line {
        line,
        kind: LineKind::Statement,
        group: line,
        label: String::new(),
    };
    Function {
        module: module.to_owned(),
        name: name.to_owned(),
        file: SOURCE_FILE.to_owned(),
        package: "/home/me/diffusion".to_owned(),
        line,
        column: 1,
        end_line: lines.last().copied().unwrap_or(line),
        source: vec!["#[profile]".to_owned(); 3],
        lines: lines.iter().map(statement).collect(),
        max_allocs: None,
    }
}

pub(crate) fn cost(hits: u64, exact: u64, sampled: u64) -> LineCost {
    LineCost {
        hits,
        exact: Nanos(exact),
        sampled: Nanos(sampled),
        samples: sampled / 1_000,
        variance: u128::from(sampled) * 3,
        cpu: Some(Nanos(exact + sampled / 2)),
        allocs: hits / 2,
        alloc_bytes: hits * 40,
        ..LineCost::default()
    }
}

pub(crate) fn node(
    parent: Option<(u32, u32)>,
    function: FunctionId,
    calls: u64,
    lines: &[(u32, LineCost)],
) -> Node {
    Node {
        parent,
        function,
        calls,
        primitive_calls: calls,
        lines: lines.iter().copied().collect(),
    }
}

/// `scale` makes the figures of threads differ.
fn thread(tid: u32, name: &str, scale: u64) -> Thread {
    let nodes = vec![
        node(
            None,
            SOLVE,
            scale,
            &[
                (5, cost(scale, 1_234 * scale, 0)),
                (6, cost(scale, 0, 77_000 * scale)),
            ],
        ),
        node(
            Some((0, 5)),
            FILL,
            scale,
            &[(15, cost(scale, 987 * scale, 0))],
        ),
        node(
            Some((0, 6)),
            STEP,
            3 * scale,
            &[
                (11, cost(3 * scale, 5_000_111, 40_000)),
                (12, cost(3 * scale, 7, 1_000)),
            ],
        ),
        node(Some((2, 11)), FILL, 5, &[(15, cost(5, 1_000_000, 0))]),
    ];
    Thread {
        tid,
        name: name.to_owned(),
        uses: 1,
        wall: Nanos(10_000_000),
        cpu: Some(Nanos(9_000_000)),
        running: None,
        running_since: None,
        outside: cost(0, 4_711, 0),
        nodes,
    }
}

pub(crate) fn process(pid: u32, rank: Option<u32>, threads: Vec<Thread>) -> Process {
    Process {
        host: "node3".to_owned(),
        pid,
        parent_pid: 1,
        start_unix_ns: 1_767_225_599_000_000_000,
        exe: "/home/me/diffusion/target/hprof/diffusion".to_owned(),
        rank,
        ranks: rank.map(|_| 2),
        clock_source: ClockSource::Tsc,
        clock_mode: ClockMode::Exact,
        wall: Nanos(11_000_000),
        cpu: Some(Nanos(10_000_000)),
        process_started: Some(500),
        finished: true,
        goes_on: false,
        debug_assertions: false,
        opt_level: '3',
        own_cost: OwnCost::default(),
        losses: Losses::default(),
        heap: None,
        rss: None,
        thin: vec![ThinCalls {
            function: FunctionId(0),
            calls: 12,
        }],
        durations: vec![durations()],
        native: None,
        observed: None,
        threads,
    }
}

/// Calls of `solve`: eleven of a microsecond and one of a millisecond.
fn durations() -> Durations {
    let longest = |time| Longest {
        time,
        at: Nanos(7_000_000),
        start_unix_ns: 1_767_225_599_000_000_000,
        tid: 100,
    };
    let mut histogram = Histogram::default();
    histogram.add(Nanos(1_000), 11, longest(Nanos(1_001)));
    histogram.add(Nanos(1_000_000), 1, longest(Nanos(1_000_345)));
    Durations {
        function: SOLVE,
        timed: Timed::Calls,
        all: Some(12),
        cancelled: 0,
        histogram,
    }
}

pub(crate) fn diffusion() -> Profile {
    let functions = vec![
        function("diffusion", "solve", 3, &[5, 6]),
        function(
            "diffusion::grid",
            "Grid<[u8; 8], \"ü\">::step",
            9,
            &[11, 12],
        ),
        function("", "fill", 15, &[15]),
    ];
    let processes = vec![
        process(
            100,
            Some(0),
            vec![thread(100, "main", 1), thread(101, "worker", 20)],
        ),
        process(200, Some(1), vec![thread(200, "main", 300)]),
    ];
    Profile {
        run: Run {
            command: vec!["diffusion".to_owned(), "--steps=3".to_owned()],
            ..Run::default()
        },
        functions,
        not_measured: vec![NotMeasured {
            file: "src/grid.rs".to_owned(),
            line: 7,
            module: "diffusion::grid".to_owned(),
            name: "Grid::new".to_owned(),
            why: WhyNot::Constant,
        }],
        processes,
    }
}

/// So many functions with so many lines each, in one thread, six calls deep, with all kinds of figures.
pub(crate) fn large(functions: u32, lines: u32) -> Profile {
    let mut profile = Profile::default();
    let mut nodes: Vec<Node> = Vec::new();
    for index in 0..functions {
        let first = index * (lines + 10) + 1;
        let numbers: Vec<u32> = (first + 1..=first + lines).collect();
        profile.functions.push(Function {
            source: numbers
                .iter()
                .map(|line| format!("    let x{line} = f({line});"))
                .collect(),
            ..function(
                "large::module",
                &format!("function_{index}"),
                first,
                &numbers,
            )
        });
        let parent = (index % 6 > 0).then(|| {
            let caller = profile.functions[nodes[index as usize - 1].function.0 as usize].line;
            (index - 1, caller + 1 + index % lines.max(1))
        });
        let costs = numbers.iter().map(|&line| {
            // Figures without a pattern, as those of a run are.
            let odd = u64::from(line).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let sampled = if line % 3 == 0 { odd >> 44 } else { 0 };
            (line, cost(odd >> 50, odd >> 36, sampled))
        });
        let costs: Vec<_> = costs.collect();
        nodes.push(node(
            parent,
            FunctionId(index),
            u64::from(index) + 1,
            &costs,
        ));
    }
    let mut thread = thread(1, "main", 1);
    thread.nodes = nodes;
    profile.processes.push(process(1, None, vec![thread]));
    profile
}
