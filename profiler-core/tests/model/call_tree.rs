//! Self and total times from timelines played with a fake clock.

use crate::raw_file::{Playback, RawFile, statements};
use hprof::model::{
    FunctionCost, FunctionId, LineCost, Nanos, Node, Profile, RecordedFunction, Scope, call_tree,
    function_costs, recorded_functions,
};
use hprof::site::SiteKind;

/// Sites of the timelines: function `f` is on lines 10.., `g` on 20.., `h` on 30..
const F: u32 = 1;
const G: u32 = 2;
const H: u32 = 3;

fn file() -> RawFile {
    let mut file = RawFile::new();
    file.function(F, "f", 10, &[11, 12, 13]);
    file.function(G, "g", 20, &[21, 22]);
    file.function(H, "h", 30, &[31]);
    file
}

fn play(file: &mut RawFile, index: u32, start: u64) -> Playback<'_> {
    let mut playback = Playback::new(file, index, start);
    playback.site(F, 3);
    playback.site(G, 2);
    playback.site(H, 1);
    playback
}

/// Of a function: calls, primitive calls, self, total; then of each line: number, hits, own, total.
type Summary = ((u64, u64, u64, u64), Vec<(u32, u64, u64, u64)>);

fn summary(cost: &FunctionCost) -> Summary {
    let lines = cost.lines.iter().map(|line| {
        let own = line.own.time();
        (line.line, line.own.hits, own.0, line.total.0)
    });
    let function = (
        cost.calls,
        cost.primitive_calls,
        cost.self_time.0,
        cost.total.0,
    );
    (function, lines.collect())
}

fn summaries(profile: &Profile, scope: Scope) -> Vec<(String, Summary)> {
    let named = |cost: &FunctionCost| {
        let function = &profile.functions[cost.function.0 as usize];
        (function.name.clone(), summary(cost))
    };
    function_costs(profile, scope).iter().map(named).collect()
}

fn of(
    name: &str,
    function: (u64, u64, u64, u64),
    lines: &[(u32, u64, u64, u64)],
) -> (String, Summary) {
    (name.to_owned(), (function, lines.to_vec()))
}

/// ```text
///   0   5        20   30      55   60  65
///   ├f─11─┬──12───────────────┬─13──┤
///         └── g ─21───┬──22───┘     └ outside
/// ```
#[test]
fn a_call_counts_on_the_calling_line() {
    let mut file = file();
    let mut run = play(&mut file, 0, 0);
    run.enter(F);
    run.line(0, 0);
    run.line(5, 1);
    run.enter(G);
    run.line(20, 0);
    run.line(30, 1);
    run.leave(50);
    run.line(55, 2);
    run.leave(60);
    file.finished(65);
    let profile = file.read();
    assert_eq!(
        summaries(&profile, Scope::All),
        [
            of(
                "f",
                (1, 1, 30, 60),
                &[(11, 1, 5, 5), (12, 1, 20, 50), (13, 1, 5, 5)]
            ),
            of("g", (1, 1, 30, 30), &[(21, 1, 10, 10), (22, 1, 20, 20)]),
        ]
    );
    assert_eq!(profile.processes[0].threads[0].outside.time(), Nanos(5));
    assert_eq!(profile.processes[0].threads[0].wall, Nanos(65));
    assert_eq!(profile.processes[0].threads[0].name, "main");
}

/// ```text
///   0    4    10   17    20   26   30
///   ├f─11─┬─f─11─┬─f─11──┐
///                └12─┤   ├─12─┤ ├12┤    one node: direct recursion folds
/// ```
#[test]
fn direct_recursion_counts_once() {
    let mut file = file();
    let mut run = play(&mut file, 0, 0);
    run.enter(F);
    run.line(0, 0);
    run.enter(F);
    run.line(4, 0);
    run.enter(F);
    run.line(10, 1);
    run.leave(17);
    run.leave(20);
    run.leave(30);
    file.finished(30);
    let profile = file.read();
    assert_eq!(profile.processes[0].threads[0].nodes.len(), 1);
    assert_eq!(
        summaries(&profile, Scope::All),
        [of(
            "f",
            (3, 1, 30, 30),
            &[(11, 2, 23, 23), (12, 1, 7, 7), (13, 0, 0, 0)]
        )]
    );
}

/// ```text
///   0  10     30     60   65   70  75
///   ├─f 11─┬─────────────────┬─12─┤
///   │      └─g 21──┬────────┐
///   │              └f 13──┤ (22 follows)
/// ```
#[test]
fn mutual_recursion_stands_on_the_lines_of_the_deeper_frame() {
    let mut file = file();
    let mut run = play(&mut file, 0, 0);
    run.enter(F);
    run.line(0, 0);
    run.enter(G);
    run.line(10, 0);
    run.enter(F);
    run.line(30, 2);
    run.leave(60);
    run.line(65, 1);
    run.leave(70);
    run.line(72, 1);
    run.leave(75);
    file.finished(75);
    assert_eq!(
        summaries(&file.read(), Scope::All),
        [
            // Line 11: 12 of its own, 30 in g's own lines; the inner f is on line 13.
            of(
                "f",
                (2, 1, 45, 75),
                &[(11, 1, 12, 42), (12, 1, 3, 3), (13, 1, 30, 30)]
            ),
            of("g", (1, 1, 30, 60), &[(21, 1, 25, 55), (22, 1, 5, 5)]),
        ]
    );
}

/// ```text
/// thread 0 │ 0 f11 ── 10 h31 ── 14 ├ 20 f12 ── 30 h31 ── 36 ├ 40
/// thread 1 │            50 h31 ──────────── 65 (ends)
/// ```
#[test]
fn contexts_and_threads_stay_apart_and_add_up() {
    let mut file = file();
    let mut run = play(&mut file, 0, 0);
    run.enter(F);
    run.line(0, 0);
    run.enter(H);
    run.line(10, 0);
    run.leave(14);
    run.line(20, 1);
    run.enter(H);
    run.line(30, 0);
    run.leave(36);
    run.leave(40);
    let mut run = play(&mut file, 1, 50);
    run.enter(H);
    run.line(50, 0);
    run.leave(65);
    run.end(65);
    file.finished(80);
    let profile = file.read();
    let threads = &profile.processes[0].threads;
    assert_eq!(threads[0].nodes.len(), 3);
    assert_eq!((threads[0].wall, threads[1].wall), (Nanos(80), Nanos(15)));
    assert_eq!(threads[1].name, "worker");
    let f_on_main = of(
        "f",
        (1, 1, 30, 40),
        &[(11, 1, 16, 20), (12, 1, 14, 20), (13, 0, 0, 0)],
    );
    assert_eq!(
        summaries(&profile, Scope::All),
        [
            f_on_main.clone(),
            of("h", (3, 3, 25, 25), &[(31, 3, 25, 25)])
        ]
    );
    assert_eq!(
        summaries(&profile, Scope::Thread(0, 0)),
        [f_on_main, of("h", (2, 2, 10, 10), &[(31, 2, 10, 10)])]
    );
    assert_eq!(
        summaries(&profile, Scope::Thread(0, 1)),
        [of("h", (1, 1, 15, 15), &[(31, 1, 15, 15)])]
    );
    assert_eq!(summaries(&profile, Scope::Process(1)), []);
}

/// Two workers do the same, a third another thing: the tree of all has each context once, in the order of the calling lines.
#[test]
fn one_tree_for_all_threads() {
    let mut file = file();
    for (index, second_line) in [(0, 1), (1, 1), (2, 0)] {
        let mut run = play(&mut file, index, 0);
        run.enter(F);
        run.line(0, second_line);
        run.enter(H);
        run.line(10, 0);
        run.leave(15);
        run.leave(20);
        run.end(20);
    }
    file.finished(20);
    let profile = file.read();
    let tree = call_tree(&profile, Scope::All);
    let shape: Vec<_> = tree
        .iter()
        .map(|node| {
            let lines = node.lines.iter().map(|(line, cost)| (line, cost.time().0));
            let lines: Vec<_> = lines.collect();
            (node.parent, node.function.0, node.calls, lines)
        })
        .collect();
    assert_eq!(
        shape,
        [
            (None, 0, 3, vec![(11, 15), (12, 30)]),
            (Some((0, 11)), 2, 1, vec![(31, 5)]),
            (Some((0, 12)), 2, 2, vec![(31, 10)]),
        ]
    );
}

/// A closure of `f` runs on line 12 of `f`, and once on a thread of its own: its lines are lines of `f`, its entries no calls.
#[test]
fn a_closure_is_part_of_its_function() {
    const CLOSURE: u32 = 9;
    let mut file = file();
    file.site(CLOSURE, SiteKind::Closure, "f", 10, &statements(&[12, 14]));
    let mut run = play(&mut file, 0, 0);
    run.site(CLOSURE, 2);
    run.enter(F);
    run.line(0, 1);
    run.enter(CLOSURE);
    run.line(5, 0);
    run.line(7, 1);
    run.leave(10);
    run.leave(20);
    let mut run = play(&mut file, 1, 0);
    run.site(CLOSURE, 2);
    run.enter(CLOSURE);
    run.line(0, 1);
    run.leave(50);
    run.end(50);
    file.finished(50);
    assert_eq!(
        summaries(&file.read(), Scope::All),
        [of(
            "f",
            (1, 1, 70, 70),
            &[
                (11, 0, 0, 0),
                (12, 2, 17, 17),
                (13, 0, 0, 0),
                (14, 2, 53, 53)
            ]
        )]
    );
}

/// 100,000 frames deep, `f` and `g` in turn: no stack overflow, and not 100,000 x 100,000 steps.
#[test]
fn a_very_deep_tree_is_walked_in_no_time() {
    let depth = 100_000;
    let cost = LineCost {
        hits: 1,
        exact: Nanos(1),
        ..LineCost::default()
    };
    let node = |index: u32| Node {
        parent: index
            .checked_sub(1)
            .map(|parent| (parent, 11 + 10 * (parent % 2))),
        function: FunctionId(index % 2),
        calls: 1,
        primitive_calls: 1,
        lines: [(11 + 10 * (index % 2), cost)].into_iter().collect(),
    };
    let mut file = file();
    play(&mut file, 0, 0);
    let mut profile = file.read();
    profile.processes[0].threads[0].nodes = (0..depth).map(node).collect();
    let costs = function_costs(&profile, Scope::All);
    let half = u64::from(depth) / 2;
    let figures: Vec<_> = costs
        .iter()
        .map(|cost| (cost.calls, cost.primitive_calls, cost.total.0))
        .collect();
    // g is entered from f, so it holds all but the outermost frame.
    assert_eq!(figures, [(half, 1, 2 * half), (half, 1, 2 * half - 1)]);
    assert_eq!(costs[0].lines[0].total, Nanos(2 * half));
    assert_eq!(call_tree(&profile, Scope::All).len(), 100_000);
}

/// `f` takes 19 ns a call and its line 11 is hit twice a call; `g` takes 20 ns a call, which is not short any more.
#[test]
fn functions_of_short_calls_are_those_that_entering_matters_for() {
    let node = |function: u32, calls, nanos: u64, hits| Node {
        parent: None,
        function: FunctionId(function),
        calls,
        primitive_calls: calls,
        lines: [(
            11 + 10 * function,
            LineCost {
                hits,
                exact: Nanos(nanos),
                ..LineCost::default()
            },
        )]
        .into_iter()
        .collect(),
    };
    let mut file = file();
    play(&mut file, 0, 0);
    let mut profile = file.read();
    let process = &mut profile.processes[0];
    process.own_cost.call_ps = 1_500;
    process.own_cost.marker_ps = 300;
    process.threads[0].nodes = vec![node(0, 1_000, 19_999, 2_000), node(1, 100, 2_000, 100)];
    let recorded = |function, calls, own, is_short| RecordedFunction {
        function: FunctionId(function),
        calls,
        own: Nanos(own),
        is_short,
    };
    // 1,000 calls of 1.5 ns, and 2,000 markers of 0.3 ns.
    let f = recorded(0, 1_000, 2_100, true);
    assert_eq!(
        recorded_functions(&profile),
        [f, recorded(1, 100, 180, false)]
    );
    let lines = &mut profile.processes[0].threads[0].nodes[1].lines;
    lines.change(|_, cost| cost.exact = Nanos(1_999));
    assert_eq!(
        recorded_functions(&profile),
        [f, recorded(1, 100, 180, true)]
    );
}

/// ```text
/// main ─ 11 ─ g ─ 21  variance 9, shared with ...   settled in g
///                 22  variance 9
///        12 ─ h ─ 31  variance 4, shared with ...   settled in f: line 12 keeps it
///        13           variance 4
/// ```
#[test]
fn errors_that_cancel_are_not_in_the_total() {
    let sampled = |variance, settled| LineCost {
        sampled: Nanos(100),
        variance,
        settled,
        ..LineCost::default()
    };
    let node = |parent, function, lines: &[(u32, LineCost)]| Node {
        parent,
        function: FunctionId(function),
        calls: 1,
        primitive_calls: 1,
        lines: lines.iter().copied().collect(),
    };
    let mut file = file();
    play(&mut file, 0, 0);
    let mut profile = file.read();
    profile.processes[0].threads[0].nodes = vec![
        node(None, 0, &[(12, sampled(0, 4)), (13, sampled(4, 4))]),
        node(
            Some((0, 11)),
            1,
            &[(21, sampled(9, 9)), (22, sampled(9, 9))],
        ),
        node(Some((0, 12)), 2, &[(31, sampled(4, 0))]),
    ];
    let costs = function_costs(&profile, Scope::All);
    let variances: Vec<_> = costs
        .iter()
        .map(|cost| {
            let lines: Vec<_> = cost.lines.iter().map(|line| line.total_variance).collect();
            (cost.total_variance, lines)
        })
        .collect();
    assert_eq!(
        variances,
        [(0, vec![0, 4, 4]), (0, vec![9, 9]), (4, vec![4])]
    );
}

/// A line in three contexts: 10 of its time rest on the prior, 12 on samples. Whatever comes first, the sum rests on samples.
#[test]
fn the_larger_part_of_a_sum_decides_on_the_mark() {
    let sampled = |time, prior| LineCost {
        sampled: Nanos(time),
        prior,
        ..LineCost::default()
    };
    let mut contexts = [sampled(10, true), sampled(6, false), sampled(6, false)];
    let mark = |contexts: &[LineCost]| {
        let mut file = file();
        play(&mut file, 0, 0);
        let mut profile = file.read();
        let node = |cost: &LineCost| Node {
            parent: None,
            function: FunctionId(0),
            calls: 1,
            primitive_calls: 1,
            lines: [(11, *cost)].into_iter().collect(),
        };
        profile.processes[0].threads[0].nodes = contexts.iter().map(node).collect();
        function_costs(&profile, Scope::All)[0].lines[0].own.prior
    };
    assert!(!mark(&contexts));
    contexts.reverse();
    assert!(!mark(&contexts));
    contexts[0] = sampled(3, false);
    assert!(mark(&contexts));
}
