//! What a recording is worth after the process ended in every way it can: this test binary runs itself as the program.
//!
//! Each scenario is a test of its own that does nothing unless [`SCENARIO`] names it; the tests start it in a child process
//! with `HPROF_DIR` set, and read the raw files it leaves.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::exit, reason = "ends are what is tried")]
#![cfg(target_os = "linux")]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, fs, hint, io, process, thread};

use hprof::model::{FunctionCost, Process, Profile, Scope, function_costs};
use hprof::profile;
use hprof::raw::ReadError;

const SCENARIO: &str = "HPROF_TEST_SCENARIO";

/// Two lines of `step` a turn.
const TURNS: u64 = 1_000;

#[profile(always)]
fn steps(turns: u64) -> u64 {
    let mut sum = 0;
    for turn in 0..turns {
        sum += step(turn);
    }
    sum
}

#[profile(always)]
fn step(turn: u64) -> u64 {
    let next = hint::black_box(turn + 1);
    next ^ 1
}

#[profile(always)]
fn spin(flag: &AtomicBool) {
    flag.store(true, Ordering::SeqCst);
    loop {
        hint::spin_loop();
        step(0);
    }
}

/// Starts a scenario, named with the module of its `scenarios` if that is not this file.
fn command(scenario: &str, folder: &Path) -> Command {
    let mut path: Vec<&str> = scenario.split("::").collect();
    path.insert(path.len() - 1, "scenarios");
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args([
            "--exact",
            &path.join("::"),
            "--nocapture",
            "--test-threads=1",
        ])
        .env(SCENARIO, path[path.len() - 1])
        .env("HPROF_DIR", folder)
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::null());
    command
}

fn wanted(name: &str) -> bool {
    env::var(SCENARIO).is_ok_and(|scenario| scenario == name)
}

/// Scenarios with their names at hand.
macro_rules! scenarios {
    ($($name:ident $body:block)*) => {
        $(#[test]
        fn $name() {
            if $crate::wanted(stringify!($name)) $body
        })*
    };
}

fn wait_for(child: libc::pid_t) {
    let mut status = 0;
    // SAFETY: `status` is a valid place; the child is ours.
    #[expect(unsafe_code, reason = "waits for a forked child")]
    unsafe {
        libc::waitpid(child, &raw mut status, 0);
    }
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

/// Says aloud, past the test harness, that something could not be tried.
fn skipped(what: &str) {
    let line = format!("SKIPPED: {what}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}

#[path = "process_life/callers.rs"]
mod callers;
#[path = "process_life/ends.rs"]
mod ends;
#[path = "process_life/space.rs"]
mod space;
#[path = "process_life/stack.rs"]
mod stack;
#[path = "process_life/thin.rs"]
mod thin;

/// What a child left.
struct Remains {
    status: ExitStatus,
    profiles: Vec<Profile>,
}

impl Remains {
    fn of(scenario: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::in_folder(scenario, folder.path(), &[])
    }

    fn in_folder(scenario: &str, folder: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = command(scenario, folder);
        let status = command.envs(variables.iter().copied()).status().unwrap();
        Self {
            status,
            profiles: Self::read(folder),
        }
    }

    /// All raw files of a folder.
    fn read(folder: &Path) -> Vec<Profile> {
        Self::try_read(folder).unwrap()
    }

    /// As [`Remains::read`], while processes may be making their files.
    fn try_read(folder: &Path) -> Result<Vec<Profile>, ReadError> {
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "hpraw")
        });
        files.sort();
        files.iter().map(|path| hprof::raw::read(path)).collect()
    }

    fn only(&self) -> &Profile {
        assert_eq!(self.profiles.len(), 1, "one process, one file");
        &self.profiles[0]
    }
}

fn process_of(profile: &Profile) -> &Process {
    assert_eq!(profile.processes.len(), 1);
    &profile.processes[0]
}

fn cost(profile: &Profile, name: &str) -> FunctionCost {
    let costs = function_costs(profile, Scope::All);
    let named = |cost: &&FunctionCost| profile.functions[cost.function.0 as usize].name == name;
    costs
        .iter()
        .find(named)
        .unwrap_or_else(|| panic!("{name} was not recorded"))
        .clone()
}

/// Calls of `step`, with the hits of both its lines checked against them.
fn steps_recorded(profile: &Profile) -> u64 {
    let cost = cost(profile, "step");
    let hits: Vec<u64> = cost
        .lines
        .iter()
        .map(|line| line.own.hits)
        .filter(|hits| *hits > 0)
        .collect();
    assert!(
        hits.iter().all(|hits| hits.abs_diff(cost.calls) <= 1),
        "{hits:?} of {} calls",
        cost.calls
    );
    cost.calls
}

mod scenarios {
    //! What the child does.

    use super::*;

    struct CallsWhenDropped;

    impl Drop for CallsWhenDropped {
        fn drop(&mut self) {
            steps(10);
        }
    }

    thread_local! {
        static LATE: CallsWhenDropped = const { CallsWhenDropped };
    }

    extern "C" fn on_signal(_signal: libc::c_int) {
        step(7);
    }

    scenarios! {
        returns { steps(TURNS); }
        exits_in_a_thread {
            steps(TURNS);
            thread::spawn(|| { steps(TURNS); process::exit(3) }).join().unwrap();
        }
        leaves_at_once { steps(TURNS); leave(4) }
        aborts { steps(TURNS); process::abort() }
        panics { steps(TURNS); panic!("as the scenario says") }
        panics_in_a_thread {
            let caught = thread::spawn(|| { steps(TURNS); panic!("as the scenario says") }).join();
            assert!(caught.is_err());
            steps(TURNS);
        }
        killed_while_it_spins {
            let running = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| spin(&running));
                while !running.load(Ordering::SeqCst) { thread::yield_now(); }
                thread::sleep(Duration::from_millis(30));
                let me = process::id().cast_signed();
                // SAFETY: our own process.
                #[expect(unsafe_code, reason = "kills itself")]
                unsafe { libc::kill(me, libc::SIGKILL) };
            });
        }
        threads_alive_at_exit {
            let running = [const { AtomicBool::new(false) }; 3];
            thread::scope(|scope| {
                for flag in &running {
                    scope.spawn(|| spin(flag));
                }
                while !running.iter().all(|flag| flag.load(Ordering::SeqCst)) { thread::yield_now(); }
                process::exit(0)
            });
        }
        many_short_threads {
            for _ in 0..200 {
                thread::scope(|scope| {
                    for _ in 0..8 { scope.spawn(|| steps(10)); }
                });
            }
        }
        calls_in_thread_local_destructors {
            for _ in 0..20 {
                thread::spawn(|| { LATE.with(|_| steps(10)); }).join().unwrap();
            }
        }
        calls_in_a_signal_handler {
            // SAFETY: the handler only runs profiled code, which is what is tried.
            #[expect(unsafe_code, reason = "installs a signal handler")]
            unsafe {
                libc::signal(libc::SIGUSR1, on_signal as *const () as libc::sighandler_t);
            }
            for _ in 0..1_000 {
                steps(3);
                // SAFETY: our own thread.
                #[expect(unsafe_code, reason = "raises a signal")]
                unsafe { libc::raise(libc::SIGUSR1) };
            }
        }
        forks {
            steps(TURNS);
            for code in 0..5 {
                match fork() {
                    0 => { steps(TURNS + 1); process::exit(code) }
                    child => wait_for(child),
                }
            }
            steps(TURNS);
        }
        forks_inside_a_frame {
            #[profile(always)]
            fn outer() {
                let child = fork();
                steps(TURNS);
                if child == 0 { leave(0) }
                wait_for(child);
            }
            outer();
        }
        forks_twice {
            steps(TURNS);
            match fork() {
                0 => match fork() {
                    0 => { steps(TURNS); leave(0) }
                    child => { wait_for(child); leave(0) }
                },
                child => wait_for(child),
            }
        }
        forks_with_threads {
            let running = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| spin(&running));
                while !running.load(Ordering::SeqCst) { thread::yield_now(); }
                for _ in 0..20 {
                    match fork() {
                        0 => { steps(TURNS); leave(0) }
                        child => wait_for(child),
                    }
                }
                process::exit(0)
            });
        }
        starts_another_program {
            steps(TURNS);
            assert!(Command::new("true").status().unwrap().success());
            steps(TURNS);
        }
        recurses_through_many_contexts {
            #[profile(always)]
            fn even(n: u32) -> bool {
                n == 0 || odd(n - 1)
            }
            #[profile(always)]
            fn odd(n: u32) -> bool {
                n != 0 && even(n - 1)
            }
            assert!(even(1_000));
        }
    }
}

#[test]
fn end_in_order_is_told_from_any_other() {
    for (scenario, code, finished, calls) in [
        ("returns", Some(0), true, TURNS),
        ("exits_in_a_thread", Some(3), true, 2 * TURNS),
        ("leaves_at_once", Some(4), false, TURNS),
        ("aborts", None, false, TURNS),
        ("panics", Some(101), true, TURNS),
        ("panics_in_a_thread", Some(0), true, 2 * TURNS),
        ("starts_another_program", Some(0), true, 2 * TURNS),
    ] {
        let remains = Remains::of(scenario);
        assert_eq!(remains.status.code(), code, "{scenario}");
        assert_eq!(process_of(remains.only()).finished, finished, "{scenario}");
        assert_eq!(steps_recorded(remains.only()), calls, "{scenario}");
    }
}

#[test]
fn killed_process_leaves_everything_and_its_running_line() {
    let remains = Remains::of("killed_while_it_spins");
    assert_eq!(remains.status.signal(), Some(libc::SIGKILL));
    let profile = remains.only();
    assert!(!process_of(profile).finished);
    assert!(steps_recorded(profile) > 0);
    let running = process_of(profile)
        .threads
        .iter()
        .find_map(|thread| thread.running)
        .unwrap();
    let name = &profile.functions[running.function.0 as usize].name;
    assert!(["spin", "step"].contains(&name.as_str()), "ran {name}");
}

#[test]
fn threads_that_are_alive_at_the_end_are_recorded() {
    let remains = Remains::of("threads_alive_at_exit");
    assert_eq!(remains.status.code(), Some(0));
    assert_eq!(process_of(remains.only()).threads.len(), 3);
    assert!(cost(remains.only(), "spin").calls == 3);
}

#[test]
fn many_short_threads_are_folded_and_none_is_lost() {
    let remains = Remains::of("many_short_threads");
    let process = process_of(remains.only());
    assert_eq!(steps_recorded(remains.only()), 200 * 8 * 10);
    assert!(process.losses.threads_folded);
    assert!(
        process.threads.len() < 100,
        "{} records",
        process.threads.len()
    );
    assert_eq!(
        process
            .threads
            .iter()
            .map(|thread| thread.uses)
            .sum::<u64>(),
        1_600
    );
    assert_eq!(process.losses.lost_calls, 0);
}

#[test]
fn calls_from_thread_local_destructors_count() {
    let remains = Remains::of("calls_in_thread_local_destructors");
    assert_eq!(remains.status.code(), Some(0));
    assert_eq!(steps_recorded(remains.only()), 20 * 20);
}

#[test]
fn calls_from_a_signal_handler_count() {
    let remains = Remains::of("calls_in_a_signal_handler");
    assert_eq!(remains.status.code(), Some(0));
    assert_eq!(steps_recorded(remains.only()), 1_000 * 4);
}

#[test]
fn forked_children_have_their_own_file_and_count_from_zero() {
    let remains = Remains::of("forks");
    assert_eq!(remains.profiles.len(), 6);
    let mut calls: Vec<u64> = remains.profiles.iter().map(steps_recorded).collect();
    calls.sort_unstable();
    assert_eq!(calls, [1001, 1001, 1001, 1001, 1001, 2000]);
    let parents: Vec<u32> = remains
        .profiles
        .iter()
        .map(|profile| process_of(profile).parent_pid)
        .collect();
    let pids: Vec<u32> = remains
        .profiles
        .iter()
        .map(|profile| process_of(profile).pid)
        .collect();
    assert_eq!(
        parents
            .iter()
            .filter(|parent| pids.contains(parent))
            .count(),
        5
    );
}

/// The frame of `outer` is open in both processes: its lines go on in both, its call was the parent's.
#[test]
fn frames_open_at_a_fork_go_on_in_the_child() {
    let remains = Remains::of("forks_inside_a_frame");
    assert_eq!(remains.profiles.len(), 2);
    let calls: u64 = remains
        .profiles
        .iter()
        .map(|profile| cost(profile, "outer").calls)
        .sum();
    assert_eq!(calls, 1);
    assert!(
        remains
            .profiles
            .iter()
            .all(|profile| steps_recorded(profile) == TURNS)
    );
}

#[test]
fn grandchildren_have_files_too() {
    let remains = Remains::of("forks_twice");
    let calls: Vec<u64> = remains
        .profiles
        .iter()
        .map(|profile| {
            let called = function_costs(profile, Scope::All)
                .iter()
                .any(|cost| cost.calls > 0);
            if called { steps_recorded(profile) } else { 0 }
        })
        .collect();
    assert_eq!(calls.iter().sum::<u64>(), 2 * TURNS);
    assert_eq!(calls.len(), 3);
}

#[test]
fn children_of_a_program_with_threads_have_one_thread() {
    let remains = Remains::of("forks_with_threads");
    assert_eq!(remains.status.code(), Some(0));
    assert_eq!(remains.profiles.len(), 21);
    let children = remains
        .profiles
        .iter()
        .filter(|profile| !process_of(profile).finished);
    let mut count = 0;
    for child in children {
        count += 1;
        assert_eq!(steps_recorded(child), TURNS);
        assert_eq!(process_of(child).threads.len(), 1);
    }
    assert_eq!(count, 20);
}

#[test]
fn mutual_recursion_is_bounded_and_counted() {
    let remains = Remains::of("recurses_through_many_contexts");
    let profile = remains.only();
    assert_eq!(
        cost(profile, "even").calls + cost(profile, "odd").calls,
        1_001
    );
    assert_eq!(cost(profile, "even").primitive_calls, 1);
    assert!(process_of(profile).threads[0].nodes.len() < 20);
}

/// Each new thread took room of its own until there was none: then all calls were lost, at the price of a search each.
#[test]
fn threads_that_ended_leave_their_room_to_later_ones() {
    let folder = tempfile::tempdir().unwrap();
    let remains = Remains::in_folder(
        "many_short_threads",
        folder.path(),
        &[("HPROF_SPACE", "1M")],
    );
    assert_eq!(remains.status.code(), Some(0));
    assert_eq!(process_of(remains.only()).losses.lost_calls, 0);
    assert_eq!(cost(remains.only(), "step").calls, 200 * 8 * 10);
}

#[test]
fn folder_that_is_not_there_leaves_the_program_alone() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "scenarios::returns"])
        .env(SCENARIO, "returns")
        .env("HPROF_DIR", folder.path().join("missing"))
        .output()
        .unwrap();
    assert!(status.status.success());
    assert!(
        status.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
}
