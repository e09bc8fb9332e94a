//! Signals: they reach the program, and the report still comes.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::fixture::Fixture;

/// Starts a command in a process group of its own, as a shell does, and waits until its program is ready.
fn start(mut command: Command) -> Child {
    command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
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
    let script = "trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done";
    let child = start(plain.hprof(["exec", "--", "sh", "-c", script]));
    send("INT", -id(&child));
    assert_eq!(end(child).0, Some(9));
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
