//! Signals: they reach the program, and the report still comes.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::fixture::{Fixture, printed};

/// Starts a command in a process group of its own, as a shell does, and waits until its program is ready.
fn start(mut command: Command) -> Child {
    command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = BufReader::new(child.stdout.as_mut().unwrap());
    assert!(stdout.lines().any(|line| line.unwrap().ends_with("ready")));
    child
}

/// Sends a signal to a process, or to a group if the number is negative.
fn send(signal: &str, target: i64) {
    let script = format!("kill -s {signal} -- {target}");
    assert!(
        Command::new("sh")
            .args(["-c", &script])
            .status()
            .unwrap()
            .success()
    );
}

fn id(child: &Child) -> i64 {
    i64::from(child.id())
}

/// Exit code and standard error.
fn end(mut child: Child) -> (Option<i32>, String) {
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    (child.wait().unwrap().code(), stderr)
}

#[test]
fn ctrl_c_ends_the_program_and_the_table_comes() {
    let annotated = Fixture::shared("annotated");
    let child = start(annotated.hprof(["run", "--", "wait"]));
    send("INT", -id(&child));
    let (code, stderr) = end(child);
    assert_eq!(code, Some(128 + 2), "{stderr}");
    assert!(stderr.contains("thread::sleep"), "{stderr}");
    assert!(stderr.contains("hprof: saved to "), "{stderr}");
}

#[test]
fn a_program_that_handles_ctrl_c_ends_as_it_likes() {
    let plain = Fixture::shared("plain");
    let script = "trap 'exit 9' INT; echo ready; for i in $(seq 300); do sleep 0.1; done";
    let child = start(plain.hprof(["exec", "--", "sh", "-c", script]));
    send("INT", -id(&child));
    assert_eq!(end(child).0, Some(9));
}

/// As the stop button of an editor does it.
#[test]
fn an_interrupt_of_hprof_alone_reaches_the_program_and_the_table_comes() {
    let annotated = Fixture::shared("annotated");
    for (signal, number) in [("INT", 2), ("QUIT", 3)] {
        let child = start(annotated.hprof(["run", "--", "wait"]));
        send(signal, id(&child));
        let (code, stderr) = end(child);
        assert_eq!(code, Some(128 + number), "{stderr}");
        assert!(stderr.contains("thread::sleep"), "{stderr}");
        assert!(stderr.contains("hprof: saved to "), "{stderr}");
    }
}

/// One that handles it gets it once.
#[test]
fn a_program_that_counts_interrupts_gets_one() {
    let plain = Fixture::shared("plain");
    let script = "n=0; trap 'n=$((n + 1))' INT; echo ready; for i in $(seq 15); do sleep 0.1; done; exit $((40 + n))";
    let child = start(plain.hprof(["exec", "--", "sh", "-c", script]));
    send("INT", id(&child));
    assert_eq!(end(child).0, Some(41));
}

/// A `kill` of the whole group reaches the program by itself, and hprof does not send it once more; through the launcher neither.
#[test]
fn a_program_that_counts_signals_of_its_group_gets_each_once() {
    let plain = Fixture::shared("plain");
    let script = "n=0; trap 'n=$((n + 1))' INT QUIT TERM HUP; echo ready; for i in $(seq 15); do sleep 0.1; done; exit $((40 + n))";
    let in_order = r#"{"environment":[],"switch_before":null,"runs":"/"}"#;
    std::fs::write(plain.path("order.json"), in_order).unwrap();
    let order = plain.path("order.json");
    let through_the_launcher = [
        "__launch",
        order.to_str().unwrap(),
        "x",
        "--",
        "sh",
        "-c",
        script,
    ];
    for words in [
        &["exec", "--", "sh", "-c", script][..],
        &through_the_launcher,
    ] {
        for signal in ["INT", "QUIT", "TERM", "HUP"] {
            let child = start(plain.hprof(words));
            send(signal, -id(&child));
            let (code, stderr) = end(child);
            assert_eq!(code, Some(41), "{signal}: {stderr}");
        }
    }
}

/// A program in another group has only what is handed on.
#[test]
fn a_program_that_left_the_group_gets_its_signals() {
    let plain = Fixture::shared("plain");
    let script = "trap 'exit 41' INT; echo ready; for i in $(seq 100); do sleep 0.1; done";
    let child = start(plain.hprof(["exec", "--", "setsid", "sh", "-c", script]));
    send("INT", -id(&child));
    assert_eq!(end(child).0, Some(41));
}

#[test]
fn a_kill_of_hprof_is_handed_on() {
    let plain = Fixture::shared("plain");
    let child = start(plain.hprof(["run", "wait"]));
    send("TERM", id(&child));
    let (code, stderr) = end(child);
    assert_eq!(code, Some(128 + 15), "{stderr}");
    assert!(stderr.contains("nothing was recorded"), "{stderr}");
}

#[test]
fn a_run_whose_hprof_was_killed_is_recovered() {
    let annotated = Fixture::shared("annotated");
    let runs = annotated.path("target/hprof-runs");
    let command = |args: &[&str]| {
        let mut command = annotated.hprof(args);
        command.env_remove("HPROF_OUT");
        command
    };
    // `exec` saves below the folder that CARGO_TARGET_DIR names, where nothing is built now.
    printed(&mut annotated.hprof(["run", "--report", "none", "nothing"])).code(0);
    let mut exec = command(&["exec", "--"]);
    exec.arg(annotated.target().join("hprof/annotated"))
        .arg("wait");
    exec.env("CARGO_TARGET_DIR", annotated.path("target"));
    let mut child = start(exec);
    let mut recover = command(&["recover"]);
    recover.env("CARGO_TARGET_DIR", annotated.path("target"));
    printed(&mut recover).code(0).says("nothing to recover");
    send("KILL", -id(&child));
    child.wait().unwrap();
    printed(&mut recover).code(0).says("hprof: recovered ");
    printed(&mut recover).code(0).says("nothing to recover");
    let mut show = command(&["show"]);
    let show = printed(show.env("CARGO_TARGET_DIR", annotated.path("target"))).code(0);
    assert!(show.stdout.contains("thread::sleep"), "{show:#?}");
    assert!(
        show.stdout.contains("src/main.rs:27"),
        "the running line is named: {show:#?}"
    );
    assert_eq!(std::fs::read_dir(runs).unwrap().count(), 1);
}

#[test]
fn a_kill_reaches_the_programs_of_cargo_test() {
    let plain = Fixture::shared("plain");
    let mut command = plain.hprof(["test", "--", "--nocapture", "--quiet"]);
    command.env("WAIT", "yes");
    let child = start(command);
    send("TERM", id(&child));
    let (code, stderr) = end(child);
    assert_eq!(code, Some(128 + 15), "{stderr}");
    assert!(stderr.contains("nothing was recorded"), "{stderr}");
}

/// It waits for somebody to read the report, and only SIGKILL could end it.
#[test]
fn a_kill_ends_hprof_when_the_program_is_over() {
    let annotated = Fixture::shared("annotated");
    let pipe = annotated.path("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let mut command = annotated.hprof(["run", "--report"]);
    let mut child = command
        .args([pipe.to_str().unwrap(), "10"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.as_mut().unwrap());
    assert!(
        stderr
            .lines()
            .any(|line| line.unwrap().contains("waiting for a reader of"))
    );
    // The first one may belong to the end of the program.
    send("TERM", id(&child));
    thread::sleep(Duration::from_millis(2500));
    assert!(child.try_wait().unwrap().is_none());
    send("TERM", id(&child));
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert!(annotated.profile().exists(), "it was saved before");
}
