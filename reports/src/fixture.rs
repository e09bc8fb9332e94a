//! Profiles for the tests of all renderings: one fixed run of a diffusion solver, and small odd ones.

use hprof::model::{
    ClockMode, ClockSource, End, Function, FunctionCost, FunctionId, Heap, Line, LineCost,
    LineLive, LineTotal, LiveCount, LiveHeap, Losses, Nanos, Node, NotMeasured, OwnCost, Place,
    Process, Profile, Run, ThinCalls, Thread,
};
use hprof::site::{LineKind, WhyNot};

const MS: u64 = 1_000_000;

const SOLVER: &str = "\
#[profile]
fn main() {
    let field = Field::new(80); // 80 x 80
    let mut step = 0;
    while step < 500 {
        advance(&mut field);
        step += 1;
    }
    println!(\"total {}\", field.total());
}";

const ADVANCE: &str = "\
    #[profile]
    fn advance(field: &mut Field) {
        for row in 1..=field.rows {
            for j in 1..=field.columns {
                laplacian[row][j] = dens[row + 1][j] + dens[row - 1][j]
                    + dens[row][j + 1] + dens[row][j - 1] - 4.0 * dens[row][j];
            }
        }
\t\tfield.log(\"größe: 日本 {}\", b'\\n');
        helper::<[u8; 8]>();
    }";

/// A line without a label.
pub(crate) fn line(line: u32, kind: LineKind, group: u32) -> Line {
    Line {
        line,
        kind,
        group,
        label: String::new(),
    }
}

fn function(name: &str, first: u32, source: &str, lines: Vec<Line>) -> Function {
    let source: Vec<String> = source.lines().map(String::from).collect();
    Function {
        module: "diffusion::solver".into(),
        name: name.into(),
        file: "src/solver.rs".into(),
        package: "/home/user/diffusion".into(),
        line: first,
        column: 1,
        end_line: first + u32::try_from(source.len()).unwrap() - 1,
        source,
        lines,
        max_allocs: None,
    }
}

fn functions() -> Vec<Function> {
    use LineKind::{Brace, GroupBody, GroupHeader, LoopHeader, Statement};
    let mut main = vec![
        line(3, Statement, 3),
        line(4, Statement, 4),
        line(5, LoopHeader, 5),
        line(6, Statement, 6),
        line(7, Statement, 7),
        line(9, Statement, 9),
        line(10, Brace, 10),
    ];
    main[0].label = "set-up".into();
    let advance = vec![
        line(22, LoopHeader, 22),
        line(23, GroupHeader, 23),
        line(24, GroupBody, 23),
        line(28, Statement, 28),
        line(29, Statement, 29),
    ];
    let helper = vec![line(41, Statement, 41)];
    vec![
        function("main", 1, SOLVER, main),
        function("Field::advance", 20, ADVANCE, advance),
        function(
            "helper::<[u8; 8]>",
            40,
            "#[profile]\nfn helper<T>() { T::fill() }",
            helper,
        ),
    ]
}

fn exact(hits: u64, nanos: u64) -> LineCost {
    LineCost {
        hits,
        exact: Nanos(nanos),
        cpu: Some(Nanos(nanos)),
        ..LineCost::default()
    }
}

fn sampled(hits: u64, nanos: u64, samples: u64, deviation: u64) -> LineCost {
    LineCost {
        hits,
        sampled: Nanos(nanos),
        samples,
        variance: u128::from(deviation).pow(2),
        cpu: Some(Nanos(nanos)),
        ..LineCost::default()
    }
}

/// The own costs of the lines of the three functions, summed over the threads.
fn own_costs() -> [Vec<(u32, LineCost)>; 3] {
    let mut allocating = exact(1, 28 * MS);
    allocating.allocs = 82;
    allocating.alloc_bytes = 53_792;
    let mut log = exact(500, 90 * MS);
    log.cpu = Some(Nanos(3 * MS));
    log.awaited = Nanos(12 * MS);
    let mut dropping = exact(1, 40_100);
    dropping.frees = 82;
    dropping.free_bytes = 53_792;
    let mut quick = sampled(500, 1500, 0, 0);
    quick.prior = true;
    let mut tiny = exact(1, 8);
    tiny.below_resolution = true;
    let main = vec![
        (3, allocating),
        (4, tiny),
        (5, exact(501, 6200)),
        (6, exact(500, 31_000)),
        (7, quick),
        (9, exact(1, 24_900)),
        (10, dropping),
    ];
    let advance = vec![
        (22, sampled(40_500, 4_050_000, 5, 1_800_000)),
        (23, sampled(3_280_000, 1_100 * MS, 1093, 12 * MS)),
        (
            24,
            LineCost {
                hits: 3_240_000,
                ..LineCost::default()
            },
        ),
        (28, log),
        (29, exact(500, 41_000)),
    ];
    [main, advance, vec![(41, exact(500, 9_000))]]
}

/// The costs of all functions of [`diffusion`], worked out by hand.
pub(crate) fn diffusion_costs() -> Vec<FunctionCost> {
    let [main, advance, helper] = own_costs();
    let helper = cost(2, 500, &helper, &[]);
    let advance = cost(1, 500, &advance, &[(29, &helper)]);
    let main = cost(0, 1, &main, &[(6, &advance)]);
    vec![main, advance, helper]
}

/// The cost of a function whose lines have these own costs and call these others.
pub(crate) fn cost(
    function: u32,
    calls: u64,
    own: &[(u32, LineCost)],
    callees: &[(u32, &FunctionCost)],
) -> FunctionCost {
    let lines: Vec<LineTotal> = own
        .iter()
        .map(|(line, own)| {
            let below = callees
                .iter()
                .filter(|(at, _)| at == line)
                .map(|(_, callee)| *callee);
            LineTotal {
                line: *line,
                own: *own,
                total: own.time() + below.clone().map(|callee| callee.total).sum(),
                total_variance: own.variance
                    + below
                        .clone()
                        .map(|callee| callee.total_variance)
                        .sum::<u128>(),
                total_recording: own.recording
                    + below.clone().map(|callee| callee.total_recording).sum(),
                total_rss: None,
                total_cpu: own.cpu.map(|cpu| {
                    let lines = below.flat_map(|callee| &callee.lines);
                    cpu + lines.filter_map(|line| line.total_cpu).sum()
                }),
            }
        })
        .collect();
    FunctionCost {
        function: FunctionId(function),
        calls,
        primitive_calls: calls,
        self_time: own.iter().map(|(_, own)| own.time()).sum(),
        total: lines.iter().map(|line| line.total).sum(),
        total_variance: lines.iter().map(|line| line.total_variance).sum(),
        total_recording: lines.iter().map(|line| line.total_recording).sum(),
        lines,
    }
}

fn node(
    parent: Option<(u32, u32)>,
    function: u32,
    calls: u64,
    lines: Vec<(u32, LineCost)>,
) -> Node {
    Node {
        parent,
        function: FunctionId(function),
        calls,
        primitive_calls: calls,
        lines: lines.into_iter().collect(),
    }
}

/// A finished process with one thread that holds these nodes.
pub(crate) fn process(nodes: Vec<Node>) -> Process {
    Process {
        host: "node1".into(),
        pid: 4711,
        parent_pid: 4700,
        start_unix_ns: 1_700_000_000_000_000_000,
        exe: "/home/user/diffusion/target/hprof/diffusion".into(),
        rank: None,
        ranks: None,
        clock_source: ClockSource::Tsc,
        clock_mode: ClockMode::Auto,
        wall: Nanos(1_250 * MS),
        cpu: Some(Nanos(1_160 * MS)),
        process_started: Some(4_711_000),
        finished: true,
        goes_on: false,
        debug_assertions: false,
        opt_level: '3',
        own_cost: OwnCost {
            timed_markers: 48_123,
            markers: 3_322_000,
            calls: 1001,
            missed_calls: 3,
            in_program: Nanos(9_300_000),
            timed_marker_ps: 22_000,
            marker_ps: 400,
            call_ps: 1_600,
            thin_ps: 500,
            sampler: Some(Nanos(3 * MS)),
            sampler_ticks: 1_312,
        },
        losses: Losses::default(),
        heap: Some(Heap {
            live_bytes: 0,
            peak_bytes: 53_792,
            bound_bytes: 0,
            lines: None,
        }),
        rss: None,
        threads: vec![Thread {
            tid: 4711,
            name: "main".into(),
            uses: 1,
            wall: Nanos(1_240 * MS),
            cpu: Some(Nanos(1_150 * MS)),
            running: None,
            running_since: None,
            outside: LineCost::default(),
            nodes,
        }],
        thin: Vec::new(),
        durations: Vec::new(),
        native: None,
        observed: None,
    }
}

/// The fixed profile: one process, one thread, three functions.
pub(crate) fn diffusion() -> Profile {
    let [main, advance, helper] = own_costs();
    let nodes = vec![
        node(None, 0, 1, main),
        node(Some((0, 6)), 1, 500, advance),
        node(Some((1, 29)), 2, 500, helper),
    ];
    Profile {
        run: Run {
            newer_layout: None,
            command: vec!["diffusion".into(), "params.txt".into()],
            cargo_profile: Some("release".into()),
            start_unix_ns: Some(1_700_000_000_000_000_000),
            wall: Some(Nanos(1_260 * MS)),
            cpu: Some(Nanos(1_170 * MS)),
            end: Some(End::Code(0)),
            source_root: Some("/home/user/diffusion".into()),
            instrumentation: None,
        },
        functions: functions(),
        not_measured: Vec::new(),
        processes: vec![process(nodes)],
    }
}

/// The same run, killed in the middle of a counted loop.
pub(crate) fn killed() -> Profile {
    let mut profile = diffusion();
    profile.run.end = Some(End::Signal(9));
    profile.processes[0].finished = false;
    profile.processes[0].threads[0].running = Some(Place {
        function: FunctionId(1),
        line: 24,
    });
    profile
}

/// The same run, with functions that were left alone.
pub(crate) fn not_measured() -> Profile {
    let mut profile = diffusion();
    let function = |line, name: &str, why| NotMeasured {
        file: "src/grid.rs".into(),
        line,
        module: "diffusion::grid".into(),
        name: name.into(),
        why,
    };
    let constant = |line| function(line, &format!("Grid::constant_{line}"), WhyNot::Constant);
    profile.not_measured.extend((1..=9).map(constant));
    let naked = function(12, "enter\u{7}", WhyNot::Naked);
    profile.not_measured.push(naked);
    profile
}

/// The same run, with two thin functions.
pub(crate) fn thin() -> Profile {
    let mut profile = diffusion();
    for (name, number, calls) in [("Grid::len", 44, 1_000), ("Grid::at\u{7}", 48, 23_000_000)] {
        let id = u32::try_from(profile.functions.len()).unwrap();
        let row = line(number, LineKind::WholeBody, number);
        let source = "fn small(&self) -> f64 {\n    self.cells\n}";
        profile
            .functions
            .push(function(name, number, source, vec![row]));
        profile.processes[0].thin.push(ThinCalls {
            function: FunctionId(id),
            calls,
        });
    }
    profile
}

/// A profile of one function that costs this.
pub(crate) fn single(
    name: &str,
    source: &str,
    own: &[(u32, LineCost)],
) -> (Profile, Vec<FunctionCost>) {
    let lines = own
        .iter()
        .map(|(number, _)| line(*number, LineKind::Statement, *number))
        .collect();
    let profile = Profile {
        run: Run::default(),
        functions: vec![function(name, 1, source, lines)],
        not_measured: Vec::new(),
        processes: vec![process(vec![node(None, 0, 1, own.to_vec())])],
    };
    (profile, vec![cost(0, 1, own, &[])])
}

/// A profile of so many functions, each with one line that took time, with names and texts of all lengths.
pub(crate) fn of_functions(count: usize) -> Profile {
    let mut profile = diffusion();
    profile.functions.clear();
    let mut nodes = Vec::new();
    for number in 0..u32::try_from(count).unwrap() {
        let name = format!("part_{}::`run|{number}`", "x".repeat(number as usize % 61));
        let first = 1 + 10 * number;
        let source = format!(
            "fn run() {{\n    // {}\n    work(\"```\", {number});\n}}",
            "é".repeat(number as usize % 97)
        );
        let row = line(first + 2, LineKind::Statement, first + 2);
        profile
            .functions
            .push(function(&name, first, &source, vec![row]));
        let nanos = u64::from(1 + number.wrapping_mul(2_654_435_761) % 1_000_000);
        let parent = (number > 0).then_some((0, 3));
        let costs = vec![(first + 2, exact(u64::from(1000 + number), nanos))];
        nodes.push(node(parent, number, 1, costs));
    }
    profile.processes = vec![process(nodes)];
    profile
}

/// A heap all of whose blocks are counted.
pub(crate) fn exact_heap() -> Heap {
    let mut heap = sampled_heap();
    heap.bound_bytes = 0;
    if let Some(lines) = &mut heap.lines {
        lines.count = LiveCount::Exact;
        lines.elsewhere = LineLive::default();
    }
    heap
}

/// A heap with a sample of its blocks: 3 MiB live of 5 at the peak, less than one of them on no line.
pub(crate) fn sampled_heap() -> Heap {
    Heap {
        live_bytes: 4 << 20,
        peak_bytes: 6 << 20,
        bound_bytes: 128 << 10,
        lines: Some(LiveHeap {
            count: LiveCount::Sampled { gap: 512 << 10 },
            live_bytes: 7 << 19,
            peak_bytes: 11 << 19,
            elsewhere: LineLive {
                live_bytes: 1 << 19,
                peak_bytes: 1 << 19,
                live_variance: 1 << 38,
                peak_variance: 1 << 38,
            },
            lost_blocks: 0,
            lost_bytes: 0,
        }),
    }
}

mod tests {
    use hprof::model::{Scope, function_costs};

    use super::*;

    #[test]
    fn costs_worked_out_by_hand_are_those_of_the_model() {
        assert_eq!(function_costs(&diffusion(), Scope::All), diffusion_costs());
    }
}
