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

/// Processes that a process has started, and the programs they run.
fn children(pid: i64) -> Vec<(i64, String)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |task: std::path::PathBuf| std::fs::read_to_string(task.join("children"));
    let ids = tasks.filter_map(|task| of(task.unwrap().path()).ok());
    let ids: Vec<i64> = ids
        .flat_map(|ids| {
            ids.split_whitespace()
                .map(|id| id.parse().unwrap())
                .collect::<Vec<_>>()
        })
        .collect();
    let program = |id: &i64| std::fs::read_link(format!("/proc/{id}/exe")).unwrap();
    let named = ids.iter().map(|id| (*id, program(id)));
    named
        .map(|(id, program)| {
            (
                id,
                program.file_name().unwrap().to_str().unwrap().to_owned(),
            )
        })
        .collect()
}

/// `hprof run` has a launcher below it, which may be killed on its own: by whoever looks for what takes memory.
#[test]
fn a_run_whose_launcher_was_killed_tells_that_the_program_goes_on() {
    let annotated = Fixture::shared("annotated");
    let mut child = start(annotated.hprof(["run", "--", "wait"]));
    let launcher = children(id(&child)).into_iter().find_map(|(launcher, _)| {
        let below = children(launcher);
        let program = below
            .into_iter()
            .find(|(_, program)| program == "annotated");
        program.map(|(program, _)| (launcher, program))
    });
    let (launcher, program) = launcher.unwrap();
    send("KILL", launcher);
    // The program keeps the standard error open.
    let mut stderr = String::new();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    while !stderr.contains("look at it with: hprof show ") {
        assert!(lines.read_line(&mut stderr).unwrap() > 0, "{stderr}");
    }
    assert_eq!(child.wait().unwrap().code(), Some(128 + 9), "{stderr}");
    for part in [
        "thread::sleep",
        &format!("process {program} goes on: this is what it had recorded when it was read"),
        &format!(
            "the program has left process {program} (annotated), which goes on and records into /"
        ),
        "save all of it with: hprof recover",
    ] {
        assert!(stderr.contains(part), "no {part:?} in {stderr}");
    }
    let (_, folder) = stderr.rsplit_once("look at it with: hprof show ").unwrap();
    let mut recover = annotated.hprof(["recover"]);
    recover.env("HPROF_OUT", annotated.path("later.pb.gz"));
    printed(&mut recover).says(&format!(
        "left alone: process {program} (annotated) still records"
    ));
    send("TERM", program);
    while std::path::Path::new(&format!("/proc/{program}/exe")).exists() {
        thread::sleep(Duration::from_millis(5));
    }
    printed(&mut recover).says("hprof: recovered ");
    let later = hprof::pprof_file::read(&annotated.path("later.pb.gz")).unwrap();
    assert!(!later.processes[0].goes_on && !later.processes[0].finished);
    assert!(!std::path::Path::new(folder.trim()).exists());
}
