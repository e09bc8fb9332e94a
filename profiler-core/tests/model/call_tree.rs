//! Self and total times from timelines played with a fake clock.

use crate::raw_file::{Playback, RawFile};
use hprof::model::{FunctionCost, Nanos, Profile, Scope, call_tree, function_costs};

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
