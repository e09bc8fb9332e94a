//! What must hold for every program: times add up, however it calls, recurses and is split among threads and processes.

use std::collections::BTreeMap;
use std::mem::offset_of;

use crate::raw_file::{Playback, RawFile, statements};
use hprof::model::{
    FunctionCost, LineCost, Nanos, Node, Profile, Scope, call_tree, function_costs, merge,
};
use hprof::raw::layout::*;
use hprof::site::SiteKind;
use proptest::prelude::*;
use proptest::sample::Index;

/// What a thread does next, and how long after the last.
#[derive(Clone, Debug)]
enum Action {
    Enter(u32),
    Line(Index),
    Leave,
}

/// A thread: its actions, the gaps of some cells with their last timed windows, and samples.
#[derive(Clone, Debug)]
struct Script {
    actions: Vec<(u64, Action)>,
    gaps: Vec<(Index, u64, u64)>,
    pairs: Vec<(Index, Index, u64, u64)>,
}

/// Number of line slots of each site; site 4 is a closure of the function of site 1.
const SLOTS: [(u32, usize); 4] = [(1, 3), (2, 2), (3, 1), (4, 2)];

fn script() -> impl Strategy<Value = Script> {
    let action = prop_oneof![
        (1..5_u32).prop_map(Action::Enter),
        any::<Index>().prop_map(Action::Line),
        Just(Action::Leave),
    ];
    (
        prop::collection::vec((0..100_u64, action), 0..60),
        prop::collection::vec((any::<Index>(), 0..10_000_u64, 0..1000_u64), 0..4),
        prop::collection::vec(
            (any::<Index>(), any::<Index>(), 1..20_u64, 0..5000_u64),
            0..6,
        ),
    )
        .prop_map(|(actions, gaps, pairs)| Script {
            actions,
            gaps,
            pairs,
        })
}

/// Time of the thread outside of gaps, and in gaps.
type Truth = (u64, u64);

fn play(file: &mut RawFile, index: u32, script: &Script) -> Truth {
    let mut run = Playback::new(file, index, 0);
    for (site, slots) in SLOTS {
        run.site(site, slots);
    }
    let mut now = 0;
    let mut frames: Vec<usize> = Vec::new();
    for (pause, action) in &script.actions {
        now += pause;
        match action {
            Action::Enter(site) => {
                run.enter(*site);
                frames.push(SLOTS[*site as usize - 1].1);
            }
            Action::Line(slot) => {
                if let Some(slots) = frames.last() {
                    run.line(now, slot.index(*slots));
                }
            }
            Action::Leave => {
                if frames.pop().is_some() {
                    run.leave(now);
                }
            }
        }
    }
    run.end(now);
    let cells = run.cells();
    let mut in_gaps = BTreeMap::new();
    for (cell, gap, window) in &script.gaps {
        let cell = *cell.get(&cells);
        file.u64(cell + offset_of!(Cell, gap_time), *gap);
        file.u64(cell + offset_of!(Cell, left), 8);
        file.u64(cell + offset_of!(Cell, window_time), *window);
        in_gaps.insert(cell, *gap);
    }
    let pairs = script.pairs.iter().map(|(seen, gap, samples, weight)| {
        let (seen, gap) = (*seen.get(&cells), *gap.get(&cells));
        (seen, gap, *samples, *weight, 0, samples * 7)
    });
    file.pairs(index, &pairs.collect::<Vec<_>>());
    (now, in_gaps.values().sum())
}

fn process(pid: u32, scripts: &[Script]) -> (Profile, Vec<Truth>) {
    process_at(pid, scripts, [0; 4])
}

/// With these prices of a marker that reads the clock, of one that does not, of a call, and of one that is looked up.
fn process_at(pid: u32, scripts: &[Script], prices: [u64; 4]) -> (Profile, Vec<Truth>) {
    let mut file = RawFile::new();
    for (field, price) in [
        offset_of!(Header, cost_timed_ps),
        offset_of!(Header, cost_marker_ps),
        offset_of!(Header, cost_call_ps),
        offset_of!(Header, cost_miss_ps),
    ]
    .into_iter()
    .zip(prices)
    {
        file.u64(field, price);
    }
    file.flag(FLAG_SAMPLER);
    file.u32(offset_of!(Header, pid), pid);
    file.function(1, "f", 10, &[11, 12, 13]);
    // Sites get their numbers in the order of first entry.
    if pid.is_multiple_of(2) {
        file.function(2, "g", 20, &[21, 22]);
        file.function(3, "h", 30, &[31]);
    } else {
        file.function(3, "h", 30, &[31]);
        file.function(2, "g", 20, &[21, 22]);
    }
    file.site(4, SiteKind::Closure, "f", 10, &statements(&[12, 14]));
    let truths = (0..)
        .zip(scripts)
        .map(|(index, script)| play(&mut file, index, script));
    let truths = truths.collect();
    file.finished(1_000_000);
    (file.read(), truths)
}

fn time(nodes: &[Node], part: fn(&LineCost) -> Nanos) -> u64 {
    let lines = nodes.iter().flat_map(|node| &node.lines);
    lines.map(|(_, cost)| part(&cost).0).sum()
}

fn self_times(costs: &[FunctionCost]) -> u64 {
    costs.iter().map(|cost| cost.self_time.0).sum()
}

/// Calls, primitive calls, self and total time of a function; number, hits and total of its lines.
type Figures = (u64, u64, Nanos, Nanos, Vec<(u32, u64, Nanos)>);

/// Figures of each function by its name, without its number.
fn by_name(profile: &Profile) -> BTreeMap<String, Figures> {
    let costs = function_costs(profile, Scope::All);
    let figures = |cost: FunctionCost| {
        let lines = cost
            .lines
            .iter()
            .map(|line| (line.line, line.own.hits, line.total));
        let lines = lines.collect();
        let name = profile.functions[cost.function.0 as usize].name.clone();
        (
            name,
            (
                cost.calls,
                cost.primitive_calls,
                cost.self_time,
                cost.total,
                lines,
            ),
        )
    };
    costs.into_iter().map(figures).collect()
}

proptest! {
    #[test]
    fn every_tick_of_a_thread_stands_on_one_line(scripts in prop::collection::vec(script(), 1..4)) {
        let (profile, truths) = process(1, &scripts);
        for (thread, (exact, in_gaps)) in profile.processes[0].threads.iter().zip(truths) {
            prop_assert_eq!(time(&thread.nodes, |cost| cost.exact) + thread.outside.exact.0, exact);
            prop_assert_eq!(time(&thread.nodes, |cost| cost.sampled) + thread.outside.sampled.0, in_gaps);
        }
    }

    #[test]
    fn totals_are_sums_of_lines(scripts in prop::collection::vec(script(), 1..4)) {
        let (profile, _) = process(1, &scripts);
        let threads = &profile.processes[0].threads;
        let all: u64 = threads.iter().map(|thread| time(&thread.nodes, LineCost::time)).sum();
        let costs = function_costs(&profile, Scope::All);
        prop_assert_eq!(self_times(&costs), all);
        for cost in &costs {
            prop_assert_eq!(cost.lines.iter().map(|line| line.total).sum::<Nanos>(), cost.total);
            prop_assert!(cost.self_time <= cost.total && cost.total.0 <= all);
            prop_assert!(cost.primitive_calls <= cost.calls);
            for line in &cost.lines {
                prop_assert!(line.own.time() <= line.total);
            }
        }
        let tree = call_tree(&profile, Scope::All);
        prop_assert_eq!(time(&tree, LineCost::time), all);
        for (index, node) in tree.iter().enumerate() {
            prop_assert!(node.parent.is_none_or(|(parent, _)| (parent as usize) < index));
        }
    }

    #[test]
    fn time_is_that_of_the_program_and_that_of_recording_it(
        scripts in prop::collection::vec(script(), 1..4),
        prices in [0..60_000_u64, 0..60_000_u64, 0..60_000_u64, 0..60_000_u64],
    ) {
        // Whoever reads the clock does all that a marker does.
        let [reading, marker, call, miss] = prices;
        let (profile, _) = process_at(1, &scripts, [marker + reading, marker, call, miss]);
        let nodes = profile.processes[0].threads.iter().flat_map(|thread| &thread.nodes);
        let nodes: Vec<Node> = nodes.cloned().collect();
        let recording = time(&nodes, |cost| cost.recording);
        prop_assert_eq!(time(&nodes, LineCost::net) + recording, time(&nodes, LineCost::time));
        prop_assert!(recording <= profile.processes[0].own_cost.in_program.0);
        let costs = function_costs(&profile, Scope::All);
        let own = |of: fn(&LineCost) -> Nanos| -> u64 {
            costs.iter().flat_map(|cost| &cost.lines).map(|line| of(&line.own).0).sum()
        };
        prop_assert_eq!(own(|cost| cost.recording), recording);
        for cost in &costs {
            prop_assert_eq!(cost.net() + cost.total_recording, cost.total);
            prop_assert!(cost.net_self_time() <= cost.self_time);
            let lines: Nanos = cost.lines.iter().map(|line| line.total_recording).sum();
            prop_assert_eq!(lines, cost.total_recording);
            for line in &cost.lines {
                prop_assert!(line.own.recording <= line.own.time() && line.total_recording <= line.total);
                prop_assert_eq!(line.net() + line.total_recording, line.total);
            }
        }
        // Without prices nothing is taken off.
        let free = function_costs(&process(1, &scripts).0, Scope::All);
        prop_assert!(free.iter().all(|cost| cost.total_recording == Nanos::ZERO && cost.net() == cost.total));
    }

    #[test]
    fn scopes_add_up(scripts in prop::collection::vec(script(), 1..4)) {
        let (profile, _) = process(1, &scripts);
        let of = |scope| {
            let costs = function_costs(&profile, scope);
            let totals: u64 = costs.iter().map(|cost| cost.total.0).sum();
            let calls: u64 = costs.iter().map(|cost| cost.calls).sum();
            (self_times(&costs), totals, calls)
        };
        let threads = (0..scripts.len()).map(|thread| of(Scope::Thread(0, thread)));
        let sum = threads.fold((0, 0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1, sum.2 + part.2));
        prop_assert_eq!(sum, of(Scope::All));
        prop_assert_eq!(of(Scope::Process(0)), of(Scope::All));
    }

    #[test]
    fn the_order_of_merging_makes_no_difference(
        scripts in prop::collection::vec(prop::collection::vec(script(), 1..3), 3),
    ) {
        let profiles: Vec<Profile> = (1..).zip(&scripts).map(|(pid, scripts)| process(pid, scripts).0).collect();
        let [a, b, c] = [0, 1, 2].map(|index| profiles[index].clone());
        let merged = merge(profiles);
        prop_assert_eq!(&merge(vec![c.clone(), a.clone(), b.clone()]), &merged);
        prop_assert_eq!(&merge(vec![merge(vec![b.clone(), c.clone()]), a.clone()]), &merged);
        prop_assert_eq!(&merge(vec![a.clone()]), &a);
        // And what was read alone is found again.
        for (index, alone) in [&a, &b, &c].into_iter().enumerate() {
            let mut part = merged.clone();
            part.processes = vec![merged.processes[index].clone()];
            prop_assert_eq!(by_name(&part), by_name(alone));
        }
        let hits = |profile: &Profile| -> u64 {
            let costs = function_costs(profile, Scope::All);
            costs.iter().flat_map(|cost| &cost.lines).map(|line| line.own.hits).sum()
        };
        prop_assert_eq!(hits(&merged), hits(&a) + hits(&b) + hits(&c));
        let sum: u64 = (0..3).map(|index| self_times(&function_costs(&merged, Scope::Process(index)))).sum();
        prop_assert_eq!(self_times(&function_costs(&merged, Scope::All)), sum);
    }
}
