//! Ends that nobody plans, and the ways in which one process becomes several or another.

use std::ffi::{c_int, c_void};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use hprof::model::{Profile, Scope, function_costs, merge};
use hprof::profile;

use crate::{
    Remains, SCENARIO, TURNS, command, cost, fork, leave, process_of, steps, steps_recorded,
    wait_for,
};

/// Exit code of a scenario that lacks a right.
const NO_RIGHT: i32 = 77;
/// Resident memory, in KiB, that the recorder may take for a few functions however many calls and threads there are, one after the other.
const RESIDENT_BOUND_KIB: u64 = 8 << 10;

#[profile(always)]
fn reads_nowhere() -> u64 {
    steps(TURNS);
    let nowhere = std::ptr::without_provenance::<u64>(std::hint::black_box(8));
    // SAFETY: none: the system is to end the program here.
    #[expect(unsafe_code, reason = "the fault is what is tried")]
    let word = unsafe { nowhere.read_volatile() };
    word + 1
}

#[expect(unconditional_recursion, reason = "what is tried")]
#[profile(always)]
fn dive(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    let below = dive(depth + 1);
    below + room[0]
}

/// The same program again, as another scenario.
fn become_scenario(name: &str) -> ! {
    let error = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("ends::scenarios::{name}"),
            "--test-threads=1",
        ])
        .env(SCENARIO, name)
        .exec();
    panic!("{error}")
}

/// A field of `/proc/self/status`, KiB.
fn status_kib(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Runs `work` after a first turn of it, and leaves how much the resident memory grew.
fn note_growth(work: impl Fn()) {
    let before = status_kib("VmRSS");
    work();
    let grown = status_kib("VmHWM").saturating_sub(before);
    let folder = env::var_os("HPROF_DIR").unwrap();
    fs::write(Path::new(&folder).join("grown"), grown.to_string()).unwrap();
}

/// The first thing of a child that shares our memory: what it calls is counted here. Then it is another program.
extern "C" fn steps_and_becomes_another(_argument: *mut c_void) -> c_int {
    steps(1);
    let arguments = [c"true".as_ptr(), std::ptr::null()];
    // SAFETY: a terminated list of terminated texts.
    #[expect(unsafe_code, reason = "becomes another program")]
    unsafe {
        libc::execvp(arguments[0], arguments.as_ptr())
    };
    leave(1)
}

/// A child that borrows this process until it is another program, as `vfork` makes it: no handler of a fork runs.
fn borrow_for_a_child() {
    let mut stack = vec![0_u128; 16 << 10];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let top = stack.as_mut_ptr_range().end.cast::<c_void>();
    // SAFETY: the child has the stack for itself, and this thread waits until it has left it.
    #[expect(unsafe_code, reason = "makes a child by hand")]
    let child = unsafe { libc::clone(steps_and_becomes_another, top, flags, std::ptr::null_mut()) };
    assert!(child > 0);
    wait_for(child);
}

fn one_step_in_threads(threads: u64) {
    for _ in 0..threads / 8 {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| steps(1));
            }
        });
    }
}

mod scenarios {
    //! What the child does.

    use super::*;

    scenarios! {
        faults { reads_nowhere(); }
        overflows_the_stack { dive(0); }
        leaves_a_daemon {
            steps(TURNS);
            match fork() {
                0 => {
                    if fork() != 0 { leave(0) }
                    thread::sleep(Duration::from_millis(100));
                    steps(TURNS + 5);
                    std::process::exit(0)
                }
                child => wait_for(child),
            }
        }
        becomes_another_program {
            steps(TURNS);
            panic!("{}", Command::new("true").exec());
        }
        becomes_itself { steps(TURNS); become_scenario("ends_as_another") }
        ends_as_another { steps(TURNS + 1); }
        forks_and_becomes_itself {
            steps(TURNS);
            match fork() {
                0 => { steps(TURNS + 2); become_scenario("ends_as_another") }
                child => wait_for(child),
            }
        }
        lends_itself_to_children {
            steps(TURNS);
            for _ in 0..3 { borrow_for_a_child(); }
            steps(TURNS);
        }
        lives_in_a_tree {
            for _ in 0..7 {
                if fork() == 0 {
                    for _ in 0..6 {
                        if fork() == 0 { steps(100); leave(0) }
                    }
                    steps(100);
                    for _ in 0..6 { wait_for(-1); }
                    leave(0)
                }
            }
            steps(100);
            for _ in 0..7 { wait_for(-1); }
        }
        becomes_nobody {
            steps(TURNS);
            // SAFETY: the process is ours.
            #[expect(unsafe_code, reason = "changes the user")]
            if unsafe { libc::setuid(65_534) } != 0 { leave(NO_RIGHT) }
            steps(TURNS);
            match fork() {
                0 => { steps(TURNS); leave(0) }
                child => wait_for(child),
            }
        }
        unshares {
            steps(TURNS);
            // SAFETY: the process is ours.
            #[expect(unsafe_code, reason = "leaves its namespaces")]
            if unsafe { libc::unshare(libc::CLONE_NEWPID | libc::CLONE_NEWNS) } != 0 { leave(NO_RIGHT) }
            match fork() {
                0 => { steps(TURNS); leave(0) }
                child => wait_for(child),
            }
            steps(TURNS);
        }
        ten_thousand_threads { one_step_in_threads(10_000) }
        hundred_thousand_threads {
            one_step_in_threads(1_000);
            note_growth(|| one_step_in_threads(100_000));
        }
        fifty_million_calls {
            steps(TURNS);
            note_growth(|| { steps(50_000_000); });
        }
    }
}

/// Whether the scenario ran. One that lacks a right says so.
fn had_the_right(remains: &Remains, scenario: &str) -> bool {
    let skipped = remains.status.code() == Some(NO_RIGHT);
    if skipped {
        crate::skipped(&format!("{scenario}: this user may not do that"));
    }
    !skipped
}

/// The source line a thread was in, from a profile of one process.
fn running_line(profile: &Profile) -> String {
    let place = process_of(profile).threads[0].running.unwrap();
    let function = &profile.functions[place.function.0 as usize];
    function.source[(place.line - function.line) as usize]
        .trim()
        .to_owned()
}

#[test]
fn a_fault_leaves_everything_and_its_line() {
    let remains = Remains::of("ends::faults");
    assert_eq!(remains.status.signal(), Some(libc::SIGSEGV));
    assert_eq!(steps_recorded(remains.only()), TURNS);
    assert!(!process_of(remains.only()).finished);
    assert_eq!(
        running_line(remains.only()),
        "let word = unsafe { nowhere.read_volatile() };"
    );
    let thread = &process_of(remains.only()).threads[0];
    let since = thread.running_since.unwrap();
    assert!(since <= process_of(remains.only()).wall, "{since:?}");
}

#[test]
fn a_stack_that_overflows_is_told_as_without_us() {
    let remains = Remains::of("ends::overflows_the_stack");
    assert_eq!(remains.status.signal(), Some(libc::SIGABRT));
    let dive = cost(remains.only(), "dive");
    assert!(dive.calls > 100 && dive.primitive_calls == 1, "{dive:?}");
    assert!(running_line(remains.only()).starts_with("let "));
}

#[test]
fn a_daemon_that_outlives_its_parent_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let started = Instant::now();
    let status = command("ends::leaves_a_daemon", folder.path())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let daemon = loop {
        let profiles = Remains::try_read(folder.path()).unwrap_or_default();
        let daemon = profiles.iter().find(|profile| {
            let process = process_of(profile);
            process.finished
                && !profiles
                    .iter()
                    .any(|other| process_of(other).parent_pid == process.pid)
        });
        if profiles.len() == 3
            && let Some(daemon) = daemon
        {
            break daemon.clone();
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "no daemon ended"
        );
        thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(steps_recorded(&daemon), TURNS + 5);
}

#[test]
fn a_program_that_becomes_another_leaves_its_file() {
    let remains = Remains::of("ends::becomes_another_program");
    assert_eq!(remains.status.code(), Some(0));
    assert_eq!(steps_recorded(remains.only()), TURNS);

    let remains = Remains::of("ends::becomes_itself");
    let calls: Vec<_> = remains.profiles.iter().map(steps_recorded).collect();
    let pids: Vec<_> = remains
        .profiles
        .iter()
        .map(|profile| process_of(profile).pid)
        .collect();
    assert_eq!(calls.iter().sum::<u64>(), 2 * TURNS + 1);
    assert!(pids.len() == 2 && pids[0] == pids[1]);

    let remains = Remains::of("ends::forks_and_becomes_itself");
    let mut calls: Vec<_> = remains.profiles.iter().map(steps_recorded).collect();
    calls.sort_unstable();
    assert_eq!(calls, [TURNS, TURNS + 1, TURNS + 2]);
}

/// There is one process as long as the child borrows its memory, and what was called in it counts once.
#[test]
fn a_child_that_borrows_the_process_leaves_it_whole() {
    let remains = Remains::of("ends::lends_itself_to_children");
    assert_eq!(remains.status.code(), Some(0));
    assert!(process_of(remains.only()).finished);
    assert_eq!(steps_recorded(remains.only()), 2 * TURNS + 3);
    assert!(!process_of(remains.only()).losses.lost_forks);
}

#[test]
fn fifty_processes_of_a_tree_add_up() {
    let remains = Remains::of("ends::lives_in_a_tree");
    assert_eq!(remains.status.code(), Some(0));
    assert_eq!(remains.profiles.len(), 50);
    assert!(
        remains
            .profiles
            .iter()
            .all(|profile| steps_recorded(profile) == 100)
    );
    let merged = merge(remains.profiles);
    let costs = function_costs(&merged, Scope::All);
    let step = costs
        .iter()
        .find(|cost| merged.functions[cost.function.0 as usize].name == "step");
    let hits: Vec<u64> = step
        .unwrap()
        .lines
        .iter()
        .map(|line| line.own.hits)
        .collect();
    assert_eq!(hits, [5_000; 3], "the closing brace counts too");
}

/// The process itself goes on; its child may not write where the file belongs, and the parent's says so.
#[test]
fn a_changed_user_costs_the_children_alone() {
    let remains = Remains::of("ends::becomes_nobody");
    if had_the_right(&remains, "becomes_nobody") {
        assert_eq!(remains.status.code(), Some(0));
        assert_eq!(steps_recorded(remains.only()), 2 * TURNS);
        assert!(process_of(remains.only()).losses.lost_forks);
    }
}

/// Nobody makes files with another's rights through `HPROF_DIR`.
#[test]
fn a_program_with_more_rights_than_its_user_records_nothing() {
    const NOBODY: u32 = 65_534;
    let scratch = tempfile::tempdir().unwrap();
    let (program, records) = (
        scratch.path().join("program"),
        scratch.path().join("records"),
    );
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    fs::create_dir(&records).unwrap();
    let set_mode =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    set_mode(scratch.path(), 0o755);
    set_mode(&records, 0o777);
    for (mode, files) in [(0o755, 1), (0o4755, 0)] {
        set_mode(&program, mode);
        let mut command = Command::new(&program);
        command.args(["--exact", "scenarios::returns"]);
        command.env(SCENARIO, "returns").env("HPROF_DIR", &records);
        let Ok(output) = command.current_dir("/").uid(NOBODY).output() else {
            crate::skipped("this user may not run programs as another");
            return;
        };
        assert!(output.status.success(), "{output:?}");
        let found = Remains::read(&records).len();
        assert_eq!(found, files, "{mode:o}");
        for entry in fs::read_dir(&records).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}

#[test]
fn a_child_in_other_namespaces_is_recorded() {
    let remains = Remains::of("ends::unshares");
    if had_the_right(&remains, "unshares") {
        let mut calls: Vec<_> = remains.profiles.iter().map(steps_recorded).collect();
        calls.sort_unstable();
        assert_eq!(calls, [TURNS, 2 * TURNS]);
    }
}

#[test]
fn ten_thousand_threads_are_counted() {
    let remains = Remains::of("ends::ten_thousand_threads");
    assert_eq!(steps_recorded(remains.only()), 10_000);
    assert_eq!(process_of(remains.only()).losses.lost_calls, 0);
}

#[test]
#[ignore = "heavy: make crash"]
fn memory_stays_under_its_bound() {
    for (scenario, calls) in [
        ("hundred_thousand_threads", 101_000),
        ("fifty_million_calls", 50_000_000 + TURNS),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let remains = Remains::in_folder(&format!("ends::{scenario}"), folder.path(), &[]);
        assert_eq!(steps_recorded(remains.only()), calls);
        assert_eq!(process_of(remains.only()).losses.lost_calls, 0);
        let grown = fs::read_to_string(folder.path().join("grown")).unwrap();
        println!(
            "{scenario}: resident memory grew by {grown} KiB (bound: {RESIDENT_BOUND_KIB} KiB)"
        );
        assert!(grown.parse::<u64>().unwrap() <= RESIDENT_BOUND_KIB);
    }
}
