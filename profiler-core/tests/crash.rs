//! Two thousand kills at random moments: every file that is left can be read, its hits are in the order of the program, and the line each thread
//! was in is the right one; and until then the program made headway. Heavy: `make crash` runs it, with optimised programs.
//!
//! The programs call straight-line functions without end: from threads, forked processes, loops, counted loops, async functions and closures on
//! rayon. Wherever a kill falls, the lines before the running one have been hit once more than those behind it:
//!
//! ```text
//!   n n n n | n-1 n-1      running: the last line that has n hits, or the one before it between the two stores of a marker
//! ```
//!
//! Of a loop that ran to its end `n` times the header has `n` hits more than a line of its body, and one more between its own marker and that of
//! the body. Hits of a counted loop that runs are not in the file yet: those that are there come from whole loops.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::print_stdout, reason = "prints what it counted")]
#![cfg(target_os = "linux")]

use std::alloc::System;
use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::pin::pin;
use std::process::{self, Command};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, hint, thread};

use hprof::model::{FunctionId, Node, Process, Profile, Thread, merge};
use hprof::profile;
use hprof::raw::ReadError;
use rayon::prelude::*;

#[global_allocator]
static ALLOCATOR: hprof::Alloc<System> = hprof::Alloc::new(System);

const PROGRAM: &str = "HPROF_TEST_PROGRAM";
/// Lines of `straight`, its closing brace included.
const LINES: usize = 7;
/// Kills of each program.
const KILLS: [(&str, u32); 7] = [
    ("single", 450),
    ("threads", 400),
    ("tree", 400),
    ("loops", 60),
    ("counted", 60),
    ("async", 60),
    ("rayon", 60),
];
/// Other ways to record, and kills of each program in them.
const WAYS: [(&str, &str, u32); 2] = [("HPROF_MEMORY", "1", 40), ("HPROF_ALLOC_EXACT", "1", 40)];
/// Turns of a loop.
const TURNS: u64 = 8;
/// Turns of a counted loop.
const COUNTED: u64 = 1_000;
/// Processor time for each hit, on average over all kills of a program, the start of the process included. A marker takes a tenth of that.
const SLOW_NS: u64 = 100;
/// Longest life of a program.
const LONGEST_MS: u64 = 40;

#[profile(always)]
fn straight(seed: u64) -> u64 {
    let one = hint::black_box(seed + 1);
    let two = hint::black_box(one * 3);
    let three = hint::black_box(two ^ one);
    let four = hint::black_box(three >> 1);
    let five = hint::black_box(four + two);
    five ^ seed
}

#[profile(always)]
fn outer(turn: u64) -> u64 {
    let left = straight(turn);
    let right = straight(turn + left);
    left ^ right
}

#[profile(always)]
fn without_end() {
    let mut sum = 0_u64;
    loop {
        sum = sum.wrapping_add(outer(sum & 0xff));
        sum = sum.wrapping_add(on_the_heap(sum));
    }
}

/// A block that comes and goes.
fn on_the_heap(word: u64) -> u64 {
    hint::black_box(vec![word; 16])[7]
}

#[profile(always)]
fn looping(turns: u64) -> u64 {
    let mut sum = on_the_heap(turns);
    for turn in 0..turns {
        sum ^= outer(turn);
    }
    sum
}

#[profile(always)]
fn counted(turns: u64) -> u64 {
    let mut sum = on_the_heap(turns);
    for turn in 0..turns {
        sum = (sum << 3) ^ (sum >> 5) ^ turn;
    }
    sum
}

#[profile(always)]
async fn walking(turns: u64) -> u64 {
    let mut sum = on_the_heap(turns);
    for turn in 0..turns {
        sum ^= outer(turn) ^ give_way().await;
    }
    sum
}

/// Ready when it is polled again.
async fn give_way() -> u64 {
    let mut polls = 0;
    poll_fn(|_| {
        polls += 1;
        if polls > 1 {
            Poll::Ready(polls)
        } else {
            Poll::Pending
        }
    })
    .await
}

/// Polls a future until it is ready.
fn wait_for(future: impl Future<Output = u64>) -> u64 {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(sum) = future.as_mut().poll(&mut context) {
            return sum;
        }
    }
}

#[profile(always)]
fn in_parallel(items: u64) -> u64 {
    let sums = (0..items).into_par_iter().map(|item| {
        let sum = on_the_heap(item);
        sum ^ outer(item)
    });
    sums.reduce(|| 0, |one, other| one ^ other)
}

/// Forks again and again, up to `depth` levels of two, and goes on in all processes.
#[profile(always)]
fn tree(depth: u32) {
    for level in 0..depth {
        outer(u64::from(level));
        // SAFETY: parent and child do the same: they call profiled functions until they are killed.
        #[expect(unsafe_code, reason = "forks")]
        let _child = unsafe { libc::fork() };
    }
    without_end();
}

#[profile(always)]
fn again_and_again(work: impl Fn() -> u64) {
    loop {
        hint::black_box(work());
    }
}

/// The programs, in a process that was started for one of them; nothing otherwise.
#[test]
fn program() {
    match env::var(PROGRAM).as_deref() {
        Ok("single") => without_end(),
        Ok("threads") => thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(without_end);
            }
        }),
        Ok("tree") => tree(3),
        Ok("loops") => again_and_again(|| looping(TURNS)),
        Ok("counted") => again_and_again(|| counted(COUNTED)),
        Ok("async") => again_and_again(|| wait_for(walking(TURNS))),
        Ok("rayon") => again_and_again(|| in_parallel(64)),
        _ => {}
    }
}

/// What was found after the kills of a program.
#[derive(Debug, Default)]
struct Counts {
    kills: u32,
    files: u32,
    /// Files of processes that were killed before their recording began.
    not_begun: u32,
    unreadable: u32,
    threads: u32,
    /// Threads whose kill came before their first marker.
    before_first_marker: u32,
    order_violations: u32,
    wrong_lines: u32,
    /// Threads that stood between the two stores of a marker.
    between_stores: u32,
    hits: u64,
    /// Hits of the processes that were started, not of their children, and the processor time they took.
    headway: u64,
    cpu_ns: u64,
}

/// A process that was killed.
#[derive(Clone, Copy, Debug)]
struct Killed {
    pid: u32,
    cpu_ns: u64,
}

#[test]
#[ignore = "heavy: make crash"]
fn nothing_is_lost_in_two_thousand_kills() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut random = u64::try_from(now.as_nanos()).unwrap_or(7) | 1;
    println!("seed {random}");
    let mut kills_with_records = 0;
    for (name, kills) in KILLS {
        kills_with_records += kill_often(name, None, kills, &mut random);
    }
    println!("{kills_with_records} kills came after the first marker");
    assert!(kills_with_records >= 1_000);
    for (variable, value, kills) in WAYS {
        for (name, _) in KILLS {
            kill_often(name, Some((variable, value)), kills, &mut random);
        }
    }
}

/// Kills a program so many times, and judges what it leaves; returns how many kills came after the first marker.
fn kill_often(name: &str, way: Option<(&str, &str)>, kills: u32, random: &mut u64) -> u32 {
    let mut counts = Counts::default();
    let mut with_records = 0;
    for _ in 0..kills {
        let folder = tempfile::tempdir_in(memory()).unwrap();
        let killed = kill_once(name, way, folder.path(), random);
        counts.kills += 1;
        let before = counts.hits;
        look(folder.path(), killed, &mut counts);
        with_records += u32::from(counts.hits > before);
    }
    let slow = counts.cpu_ns / counts.headway.max(1);
    println!("{name} {way:?}: {counts:?}, {slow} ns of processor time a hit");
    assert_eq!(counts.unreadable, 0, "{name} {way:?}");
    assert_eq!(counts.order_violations, 0, "{name} {way:?}");
    assert_eq!(counts.wrong_lines, 0, "{name} {way:?}");
    assert!(slow <= SLOW_NS, "{name} {way:?}: {slow} ns a hit");
    with_records
}

/// Where records go when there is room in memory.
fn memory() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        Path::new("/tmp")
    }
}

/// Starts a program in a group of its own, and kills the group.
fn kill_once(name: &str, way: Option<(&str, &str)>, folder: &Path, random: &mut u64) -> Killed {
    // Xorshift.
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    let life = Duration::from_micros(*random % (LONGEST_MS * 1000));
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "program", "--nocapture", "--test-threads=1"])
        .env(PROGRAM, name)
        .env("HPROF_DIR", folder)
        .envs(way)
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    thread::sleep(life);
    let group = child.id().cast_signed();
    // SAFETY: takes two numbers; the group is that of our child.
    #[expect(unsafe_code, reason = "kills the group")]
    unsafe {
        libc::kill(-group, libc::SIGKILL)
    };
    let before = cpu_of_children();
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    let cpu_ns = cpu_of_children() - before;
    wait_for_group(group);
    Killed {
        pid: child.id(),
        cpu_ns,
    }
}

/// Processor time of all children so far that were waited for.
fn cpu_of_children() -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: a valid place for the answer.
    #[expect(unsafe_code, reason = "the standard library does not tell")]
    unsafe {
        libc::getrusage(libc::RUSAGE_CHILDREN, usage.as_mut_ptr())
    };
    // SAFETY: all zeroes is a value of this plain structure.
    #[expect(unsafe_code, reason = "as above")]
    let usage = unsafe { usage.assume_init() };
    let nanos = |time: libc::timeval| {
        u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_usec * 1_000).unwrap()
    };
    nanos(usage.ru_utime) + nanos(usage.ru_stime)
}

/// Waits until nobody of a killed group writes any more: on a busy machine a kill takes its time. What nobody collects stays as a zombie.
fn wait_for_group(group: i32) {
    let started = Instant::now();
    while fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name before may hold anything.
        let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let state = fields.next().unwrap_or_default();
        fields.nth(1) == Some(&group.to_string()) && !["Z", "X"].contains(&state)
    }) {
        assert!(started.elapsed() < Duration::from_secs(20), "not killed");
        thread::sleep(Duration::from_millis(1));
    }
}

fn look(folder: &Path, killed: Killed, counts: &mut Counts) {
    let mut profiles = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        counts.files += 1;
        match hprof::raw::read(&entry.unwrap().path()) {
            Ok(profile) => profiles.push(profile),
            Err(ReadError::NotBegun { .. } | ReadError::Empty { .. }) => counts.not_begun += 1,
            Err(error) => {
                println!("{error}");
                counts.unreadable += 1;
            }
        }
    }
    for profile in &profiles {
        let process = &profile.processes[0];
        counts.unreadable += u32::from(process.losses.damaged > 0);
        for thread in &process.threads {
            judge(profile, process, thread, counts);
            judge_loops(profile, process, thread, counts);
        }
    }
    let total = |profile: &Profile| -> u64 {
        let threads = profile
            .processes
            .iter()
            .flat_map(|process| &process.threads);
        let lines = threads
            .flat_map(|thread| &thread.nodes)
            .flat_map(|node| &node.lines);
        lines.map(|(_, cost)| cost.hits).sum()
    };
    let hits: u64 = profiles.iter().map(total).sum();
    let started = profiles
        .iter()
        .filter(|profile| profile.processes[0].pid == killed.pid);
    counts.headway += started.map(total).sum::<u64>();
    counts.cpu_ns += killed.cpu_ns;
    assert_eq!(total(&merge(profiles)), hits, "merging keeps every hit");
    counts.hits += hits;
}

/// Hits of the lines of a node, in order; lines without any are 0.
fn hits_of(profile: &Profile, node: &Node) -> Vec<u64> {
    let function = &profile.functions[node.function.0 as usize];
    let hits = |line: u32| {
        let found = node.lines.iter().find(|(number, _)| *number == line);
        found.map_or(0, |(_, cost)| cost.hits)
    };
    function.lines.iter().map(|line| hits(line.line)).collect()
}

fn id_of(profile: &Profile, name: &str) -> Option<FunctionId> {
    let index = profile
        .functions
        .iter()
        .position(|function| function.name == name)?;
    u32::try_from(index).ok().map(FunctionId)
}

fn has_hits(thread: &Thread) -> bool {
    let mut lines = thread.nodes.iter().flat_map(|node| &node.lines);
    lines.any(|(_, cost)| cost.hits > 0)
}

/// Holds the hits of loops against the program: the line before, the header, the body, the line behind.
fn judge_loops(profile: &Profile, process: &Process, thread: &Thread, counts: &mut Counts) {
    let named = |node: &Node, name| Some(node.function) == id_of(profile, name);
    for node in &thread.nodes {
        let counts_only = named(node, "counted");
        if !counts_only && !named(node, "looping") && !named(node, "walking") {
            continue;
        }
        let hits = hits_of(profile, node);
        let [before, header, body, behind, ..] = hits[..] else {
            panic!("{hits:?}");
        };
        let open = before.wrapping_sub(behind);
        let right = if counts_only {
            // Those of the whole loops, or of one more whose last line was not reached.
            body.is_multiple_of(COUNTED) && (behind..=before).contains(&(body / COUNTED))
        } else {
            let ahead = header.wrapping_sub(body);
            (behind..=before).contains(&ahead) && body <= before * TURNS && body >= behind * TURNS
        };
        if open > 1 || !right {
            println!("process {}: hits of a loop {hits:?}", process.pid);
            counts.order_violations += 1;
        }
    }
}

/// Holds the hits of a thread and its running line against the program.
fn judge(profile: &Profile, process: &Process, thread: &Thread, counts: &mut Counts) {
    counts.threads += 1;
    let Some(running) = thread.running else {
        // Only before the first marker is there no line, and in threads that wait for work.
        let waits = id_of(profile, "in_parallel").is_some();
        counts.wrong_lines += u32::from(has_hits(thread) && !waits);
        counts.before_first_marker += 1;
        return;
    };
    let (straight, outer) = (id_of(profile, "straight"), id_of(profile, "outer"));
    let mut half_done = 0;
    for node in &thread.nodes {
        let id = Some(node.function);
        if id != straight && id != outer {
            continue;
        }
        let hits = hits_of(profile, node);
        assert!(id == outer || hits.len() == LINES, "{hits:?}");
        let first = hits[0];
        let done = hits.iter().filter(|hits| **hits == first).count();
        let in_order = hits.windows(2).all(|pair| pair[0] >= pair[1]);
        let close = hits.iter().all(|hits| first - hits.min(&first) <= 1);
        if !in_order || !close {
            println!("process {}: hits {hits:?}", process.pid);
            counts.order_violations += 1;
            continue;
        }
        if done == hits.len() {
            continue;
        }
        // The thread is in this call: in this function, or below it.
        half_done += 1;
        let lines = &profile.functions[node.function.0 as usize].lines;
        if running.function == node.function {
            let last = lines[done - 1].line;
            let before = done.checked_sub(2).map(|index| lines[index].line);
            let right = running.line == last;
            let between = !right && Some(running.line) == before;
            counts.between_stores += u32::from(between);
            if !right && !between {
                println!(
                    "process {}: hits {hits:?}, line {}",
                    process.pid, running.line
                );
                counts.wrong_lines += 1;
            }
        }
    }
    // Not more than the two functions that can be open; where both are complete the thread is at the end of one, or outside of them.
    counts.wrong_lines += u32::from(half_done > 2);
    let in_one = [straight, outer].contains(&Some(running.function));
    if half_done == 0 && in_one {
        let lines = &profile.functions[running.function.0 as usize].lines;
        let at_end = lines
            .iter()
            .rev()
            .take(2)
            .any(|line| line.line == running.line);
        counts.wrong_lines += u32::from(!at_end);
    }
}
