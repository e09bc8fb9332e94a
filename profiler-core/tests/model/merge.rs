//! Several processes as one profile.

use std::mem::offset_of;

use crate::raw_file::{RawFile, outside};
use hprof::model::{End, Nanos, Node, Process, Profile, Run, merge, successors};
use hprof::raw::layout::{Header, NodeRecord, STATE_FINISHED, STATE_RUNNING};
use hprof::site::WhyNot;

fn process(pid: u32, rank: u32, lines: &[u32]) -> Profile {
    let mut file = RawFile::new();
    file.function(1, "f", 10, lines);
    file.u32(offset_of!(Header, pid), pid);
    file.u32(offset_of!(Header, rank_plus_1), rank + 1);
    file.read()
}

/// Two builds of one function: all lines of both are shown.
#[test]
fn functions_that_are_the_same_become_one() {
    let merged = merge(vec![process(1, 0, &[11, 12]), process(2, 1, &[12, 14])]);
    let lines: Vec<_> = merged.functions[0]
        .lines
        .iter()
        .map(|line| line.line)
        .collect();
    assert_eq!((merged.functions.len(), lines), (1, vec![11, 12, 14]));
    assert_eq!(merged.functions[0].end_line, 14);
}

/// `g` is the only function of one process and the second of the other.
#[test]
fn nodes_keep_their_functions() {
    let with_node = |pid, names: &[(&str, u32)]| {
        let mut file = RawFile::new();
        file.u32(offset_of!(Header, pid), pid);
        let thread = file.thread(0, "");
        for (id, (name, line)) in (1..).zip(names) {
            file.function(id, name, *line, &[line + 1]);
            let node = file.node(0, id, 1, outside(thread));
            file.add(node + offset_of!(NodeRecord, calls), u64::from(*line));
        }
        file.read()
    };
    let merged = merge(vec![
        with_node(1, &[("g", 20)]),
        with_node(2, &[("g", 20), ("a", 5)]),
    ]);
    let names = |process: &Process| -> Vec<(String, u64)> {
        let name = |node: &Node| {
            let function = &merged.functions[node.function.0 as usize];
            (function.name.clone(), node.calls)
        };
        process.threads[0].nodes.iter().map(name).collect()
    };
    let expected = [("g".to_owned(), 20), ("a".to_owned(), 5)];
    assert_eq!(names(&merged.processes[0]), expected[..1]);
    assert_eq!(names(&merged.processes[1]), expected);
}

#[test]
fn processes_come_in_the_order_of_their_ranks() {
    let ranks = [3, 0, 2].map(|rank| process(10 - rank, rank, &[11]));
    let merged = merge(ranks.to_vec());
    let order: Vec<_> = merged
        .processes
        .iter()
        .map(|process| (process.rank, process.pid))
        .collect();
    assert_eq!(order, [(Some(0), 10), (Some(2), 8), (Some(3), 7)]);
}

#[test]
fn of_the_runs_stays_what_they_agree_on() {
    let run = |command: &str, start, end| Profile {
        run: Run {
            command: vec![command.to_owned()],
            start_unix_ns: Some(start),
            wall: Some(Nanos(5)),
            end: Some(End::Code(end)),
            ..Run::default()
        },
        ..Profile::default()
    };
    let merged = merge(vec![run("a", 7, 0), Profile::default(), run("a", 3, 1)]).run;
    let expected = Run {
        command: vec!["a".to_owned()],
        start_unix_ns: Some(3),
        wall: Some(Nanos(5)),
        ..Run::default()
    };
    assert_eq!(merged, expected);
    assert_eq!(
        merge(vec![run("a", 1, 0), run("b", 1, 0)]).run.command,
        Vec::<String>::new()
    );
}

#[test]
fn functions_left_alone_in_several_processes_are_listed_once() {
    let profile = |lines: &[u32]| {
        let mut file = RawFile::new();
        for line in lines {
            file.not_measured(WhyNot::Constant, &format!("f{line}"), *line);
        }
        file.read()
    };
    let merged = merge(vec![profile(&[7, 3]), profile(&[3, 5])]);
    let names = merged.not_measured.iter().map(|function| &*function.name);
    assert_eq!(names.collect::<Vec<_>>(), ["f3", "f5", "f7"]);
}

/// A fork that becomes another program, whose process id is another process's later on.
#[test]
fn an_unfinished_process_with_a_later_one_of_its_id_became_that() {
    let process = |pid, start, finished| {
        let mut file = RawFile::new();
        file.u32(offset_of!(Header, pid), pid);
        file.u64(offset_of!(Header, start_unix_ns), start);
        let state = if finished {
            STATE_FINISHED
        } else {
            STATE_RUNNING
        };
        file.u32(offset_of!(Header, state), state);
        file.read()
    };
    let merged = merge(vec![
        process(7, 30, true),
        process(7, 10, false),
        process(8, 20, false),
        process(7, 40, false),
    ]);
    assert_eq!(successors(&merged.processes), [Some(2), None, None, None]);
}

/// The system gives the numbers of processes out again. `exec` keeps the time that a process was started at; a new process has its own.
#[test]
fn a_process_id_that_is_used_again_is_no_successor() {
    let process = |start, started| {
        let mut file = RawFile::new();
        file.u32(offset_of!(Header, pid), 7);
        file.u64(offset_of!(Header, start_unix_ns), start);
        file.u64(offset_of!(Header, process_started), started);
        file.u32(offset_of!(Header, state), STATE_RUNNING);
        file.read()
    };
    let merged = |times: [u64; 2]| merge(vec![process(10, times[0]), process(20, times[1])]);
    for (times, expected) in [([5, 5], Some(1)), ([5, 6], None), ([0, 6], Some(1))] {
        assert_eq!(successors(&merged(times).processes), [expected, None]);
    }
}
