//! Forks at any moment of the start of a recording: this test binary runs itself as a program whose threads enter their first annotated functions
//! while another one forks. Every call of parent and child is recorded, none is slow, and no record is damaged.
//!
//! A few dozen forks in `make test`; a thousand for each way to record in `make crash`.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::print_stdout, reason = "prints what it counted")]
#![expect(clippy::exit, reason = "one of the ends that are tried")]
#![cfg(target_os = "linux")]

use std::alloc::System;
use std::io::Write;
use std::process::{self, Command};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, hint, io, thread};

use hprof::model::{Profile, Scope, function_costs};
use hprof::profile;

#[global_allocator]
static ALLOCATOR: hprof::Alloc<System> = hprof::Alloc::new(System);

/// Microseconds until the fork, in a process that was started as the program.
const DELAY: &str = "HPROF_TEST_DELAY";
/// Set in a process that is to make a child without handlers.
const WITHOUT_HANDLERS: &str = "HPROF_TEST_WITHOUT_HANDLERS";
/// Exit code where there is no way to make one.
const NO_SUCH_FORK: i32 = 77;
/// Calls of each thread that calls anything.
const CALLS: u64 = 4_000;
/// Processor time that a call may take on average, the start of the recording included.
const SLOW_NS: u64 = 10_000;
/// How long a fork, or the calls of a thread, may last on a busy machine. One that waited in vain, for a second, would lose calls.
const LONGEST: Duration = Duration::from_secs(10);
/// Forks come at moments up to this one.
const LATEST_US: u64 = 5_000;
/// Exit code of a process whose calls were slow.
const SLOW: i32 = 3;

/// Ways to record.
const WAYS: [&[(&str, &str)]; 4] = [
    &[],
    &[("HPROF_MEMORY", "1")],
    &[("HPROF_ALLOC_EXACT", "1")],
    &[("HPROF_SPACE", "1M")],
];

#[profile(always)]
fn step(turn: u64) -> u64 {
    let block = hint::black_box(vec![turn; 16]);
    block[3] ^ 1
}

/// Calls, and whether they were fast enough.
fn calls_are_fast() -> bool {
    let (started, before) = (Instant::now(), cpu_ns());
    let mut sum = 0;
    for turn in 0..CALLS {
        sum += step(turn);
    }
    hint::black_box(sum);
    let (cpu, wall) = (cpu_ns() - before, started.elapsed());
    let fast = cpu / CALLS <= SLOW_NS && wall < LONGEST;
    if !fast {
        println!("{CALLS} calls took {cpu} ns of processor time, {wall:?} in all");
    }
    fast
}

/// Processor time of this thread.
fn cpu_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid place for the answer.
    #[expect(unsafe_code, reason = "reads a clock")]
    unsafe {
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time)
    };
    u64::try_from(time.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap()
}

#[expect(unsafe_code, reason = "forks")]
fn fork() -> libc::pid_t {
    // SAFETY: the child only runs the code after this and leaves by `_exit` or `exit`.
    unsafe { libc::fork() }
}

#[expect(unsafe_code, reason = "leaves without any handler")]
fn leave(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// The exit code of a child.
#[expect(unsafe_code, reason = "waits for a forked child")]
fn code_of(child: libc::pid_t) -> i32 {
    let mut status = 0;
    // SAFETY: `status` is a valid place; the child is ours.
    let ended = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(ended, child);
    if libc::WIFEXITED(status) {
        libc::WEXITSTATUS(status)
    } else {
        -1
    }
}

/// Forks, and calls in both processes. `forked` tells the others that the child is there.
fn forks_and_calls(delay: Duration, forked: &AtomicBool) -> bool {
    let started = Instant::now();
    while started.elapsed() < delay {
        hint::spin_loop();
    }
    let started = Instant::now();
    let child = fork();
    if child == 0 {
        let fast = calls_are_fast();
        let in_a_thread = thread::spawn(calls_are_fast).join().unwrap_or(false);
        let code = if fast && in_a_thread { 0 } else { SLOW };
        if delay.as_micros().is_multiple_of(2) {
            process::exit(code);
        }
        leave(code);
    }
    let fork_was_fast = started.elapsed() < LONGEST;
    forked.store(true, Ordering::Release);
    let calls_were_fast = calls_are_fast();
    let code = code_of(child);
    if code != 0 {
        println!("the child ended with {code}");
    }
    code == 0 && fork_was_fast && calls_were_fast
}

/// The program, in a process that was started for it; nothing otherwise.
#[test]
fn program() {
    let Ok(delay) = env::var(DELAY) else { return };
    let delay = Duration::from_micros(delay.parse().unwrap());
    // The standard library takes a lock as a thread begins and as it ends. The child starts a thread, so nobody may have it during the fork.
    let (arrived, forked) = (AtomicUsize::new(0), AtomicBool::new(false));
    let go = AtomicBool::new(false);
    let wait = || {
        arrived.fetch_add(1, Ordering::AcqRel);
        while !go.load(Ordering::Acquire) {
            hint::spin_loop();
        }
    };
    let fast = thread::scope(|scope| {
        let threads = [
            scope.spawn(|| {
                wait();
                forks_and_calls(delay, &forked)
            }),
            scope.spawn(|| {
                wait();
                let fast = calls_are_fast();
                while !forked.load(Ordering::Acquire) {
                    thread::yield_now();
                }
                fast
            }),
        ];
        while arrived.load(Ordering::Acquire) < threads.len() {
            thread::yield_now();
        }
        go.store(true, Ordering::Release);
        let here = calls_are_fast();
        threads
            .into_iter()
            .fold(here, |fast, thread| thread.join().unwrap() && fast)
    });
    process::exit(if fast { 0 } else { SLOW })
}

/// A child that the C library makes without running any handler, by a thread that has entered no annotated function. Nothing if there is no
/// such function in the library.
fn forks_without_handlers() -> Option<i32> {
    // SAFETY: looks up a name, which is terminated.
    #[expect(unsafe_code, reason = "looks up a function")]
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_Fork".as_ptr()) };
    if found.is_null() {
        return None;
    }
    // SAFETY: the function of that name has this form.
    #[expect(unsafe_code, reason = "names the function's form")]
    let fork =
        unsafe { std::mem::transmute::<*mut libc::c_void, extern "C" fn() -> libc::pid_t>(found) };
    let child = fork();
    if child == 0 {
        // A block would be one of the C library's, whose locks nobody looks after here.
        let mut sum = 0;
        for turn in 0..CALLS {
            sum += step_without_a_block(turn);
        }
        leave(i32::from(hint::black_box(sum) == 0))
    }
    Some(code_of(child))
}

#[profile(always)]
fn step_without_a_block(turn: u64) -> u64 {
    hint::black_box(turn) + 1
}

/// The program whose child is made without handlers.
#[test]
fn program_without_handlers() {
    if env::var_os(WITHOUT_HANDLERS).is_none() {
        return;
    }
    step_without_a_block(0);
    let code = thread::spawn(forks_without_handlers).join().unwrap();
    step_without_a_block(1);
    process::exit(code.unwrap_or(NO_SUCH_FORK))
}

/// It counted into its parent's file, where no thread of that process did.
#[test]
fn child_of_a_fork_without_handlers_is_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "program_without_handlers", "--test-threads=1"])
        .env(WITHOUT_HANDLERS, "1")
        .env("HPROF_DIR", folder.path())
        .output()
        .unwrap()
        .status;
    if status.code() == Some(NO_SUCH_FORK) {
        // Past the test harness.
        let line = b"SKIPPED: the C library has no _Fork\n";
        io::stderr().write_all(line).unwrap();
        return;
    }
    assert_eq!(status.code(), Some(0));
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1);
    let profile = hprof::raw::read(&files[0].as_ref().unwrap().path()).unwrap();
    assert_eq!(calls_of(&profile, "step_without_a_block"), Some(2));
    let losses = profile.processes[0].losses;
    assert!(losses.lost_forks, "{losses:?}");
    assert_eq!((losses.damaged, losses.lost_calls), (0, 0));
}

/// Calls of a function, if its lines have as many hits.
fn calls_of(profile: &Profile, name: &str) -> Option<u64> {
    let costs = function_costs(profile, Scope::All);
    let cost = costs
        .iter()
        .find(|cost| profile.functions[cost.function.0 as usize].name == name)?;
    let exact = cost
        .lines
        .iter()
        .all(|line| [0, cost.calls].contains(&line.own.hits));
    exact.then_some(cost.calls)
}

/// Runs the program once; returns what is wrong with it.
fn complaint(delay: u64, way: &[(&str, &str)]) -> Option<String> {
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "program", "--nocapture", "--test-threads=1"])
        .env(DELAY, delay.to_string())
        .env("HPROF_DIR", folder.path())
        .envs(way.iter().copied())
        .output()
        .unwrap();
    let mut found = Vec::new();
    let mut damage = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        match hprof::raw::read(&entry.unwrap().path()) {
            Ok(profile) => {
                let losses = profile.processes[0].losses;
                damage += losses.damaged + losses.lost_calls + u64::from(losses.lost_forks);
                found.push(calls_of(&profile, "step").unwrap_or(0));
            }
            Err(error) => return Some(error.to_string()),
        }
    }
    found.sort_unstable();
    if output.status.code() != Some(0) {
        let said = String::from_utf8_lossy(&output.stdout);
        return Some(format!("{}: {said}", output.status));
    }
    let right = found == [2 * CALLS, 3 * CALLS] && damage == 0;
    (!right).then(|| format!("calls {found:?}, lost or damaged {damage}"))
}

/// Forks at random moments beside busy loops.
fn forks_at_random_moments(times: u32, way: &[(&str, &str)], busy: usize) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut random = u64::try_from(now.as_nanos()).unwrap_or(7) | 1;
    let done = AtomicBool::new(false);
    let complaints = thread::scope(|scope| {
        for _ in 0..busy {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
            });
        }
        let mut complaints = Vec::new();
        for _ in 0..times {
            // Xorshift.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let delay = random % LATEST_US;
            complaints.extend(complaint(delay, way).map(|what| (delay, what)));
        }
        done.store(true, Ordering::Relaxed);
        complaints
    });
    println!("{way:?}: {times} forks, {} complaints", complaints.len());
    assert!(complaints.is_empty(), "{way:?}: {complaints:?}");
}

#[test]
fn forks_while_the_recording_starts() {
    for way in WAYS {
        forks_at_random_moments(15, way, 2);
    }
}

#[test]
#[ignore = "heavy: make crash"]
fn a_thousand_forks_while_the_recording_starts() {
    for way in WAYS {
        forks_at_random_moments(1_000, way, 4);
    }
}
