//! Starting programs: nothing they read, print or return is touched.

use std::io::Write;
use std::process::Stdio;

use crate::fixture::{Fixture, Printed, hprof, printed};

#[test]
fn arguments_and_output_are_the_programs_own() {
    let plain = Fixture::shared("plain");
    let mut command = plain.hprof(["run", "--", "args", "--clock", "it's", "a b", "", "--"]);
    printed(&mut command)
        .code(0)
        .stdout("--clock\nit's\na b\n\n--\n");
}

#[test]
fn exit_code_is_the_programs_own() {
    let plain = Fixture::shared("plain");
    printed(&mut plain.hprof(["run", "code", "7"])).code(7);
    printed(&mut plain.hprof(["run", "kill"])).code(128 + 9);
    // The panic of a program is no failed build.
    printed(&mut plain.hprof(["run", "no such word"]))
        .code(101)
        .says("nothing was recorded");
}

#[test]
fn input_reaches_the_program() {
    let plain = Fixture::shared("plain");
    let mut command = plain.hprof(["run", "cat"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo").unwrap();
    Printed::from(child.wait_with_output().unwrap())
        .code(0)
        .stdout("one\ntwo");
}

#[test]
fn only_the_program_is_told_to_record() {
    let plain = Fixture::shared("plain");
    let show = |command: &mut std::process::Command| printed(command).code(0).stdout;
    let defaults = show(&mut plain.hprof(["run", "environment"]));
    assert!(
        defaults.starts_with("HPROF=Err(NotPresent)\nHPROF_DIR=Ok(\"/"),
        "{defaults}"
    );
    assert!(
        defaults.contains("HPROF_CLOCK=Err(NotPresent)"),
        "{defaults}"
    );
    let asked = show(
        plain
            .hprof(["run", "--clock", "exact", "--space", "9M", "environment"])
            .env("HPROF", "own"),
    );
    assert!(asked.contains("HPROF=Ok(\"xxx\")"), "{asked}");
    assert!(
        asked.contains("HPROF_CLOCK=Ok(\"xxxxx\")\nHPROF_SPACE=Ok(\"xx\")"),
        "{asked}"
    );
}

#[test]
fn a_runner_of_the_user_is_used() {
    let plain = Fixture::own("plain");
    plain.write(
        ".cargo/config.toml",
        "[target.'cfg(unix)']\nrunner = ['/usr/bin/env', 'WRAPPED=a b']\n",
    );
    let shown = printed(&mut plain.hprof(["run", "environment"]))
        .code(0)
        .stdout;
    assert!(shown.contains("WRAPPED=Ok(\"x x\")"), "{shown}");
}

#[test]
fn a_profile_section_of_the_user_wins() {
    let plain = Fixture::own("plain");
    let manifest = std::fs::read_to_string(plain.project().join("Cargo.toml")).unwrap();
    plain.write(
        "Cargo.toml",
        &format!("{manifest}\n[profile.hprof]\ninherits = 'dev'\n"),
    );
    printed(&mut plain.hprof(["run", "args"]))
        .code(0)
        .says("`hprof` profile [unoptimized");
}

#[test]
fn exec_runs_anything() {
    let plain = Fixture::shared("plain");
    printed(&mut plain.hprof(["exec", "--", "sh", "-c", "echo out; exit 4"]))
        .code(4)
        .stdout("out\n")
        .says("nothing was recorded");
    printed(&mut plain.hprof(["exec", "no-such-command"]))
        .code(2)
        .says("hprof: cannot start no-such-command");
}

#[test]
fn cargo_subcommand_is_the_same_program() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-hprof"));
    let help = printed(command.args(["hprof", "run", "--help"]))
        .code(0)
        .stdout;
    assert!(help.contains("hprof run --bin diffusion"), "{help}");
}

#[test]
fn a_debug_build_has_a_folder_of_its_own() {
    let plain = Fixture::shared("plain");
    let run = printed(&mut plain.hprof(["run", "--dev", "args"])).code(0);
    run.says("`hprof-dev` profile [unoptimized");
    assert!(plain.target().join("hprof-dev/plain").exists());
}

#[test]
fn log_is_silent_unless_asked_for() {
    let plain = Fixture::own("plain");
    let quiet = printed(&mut plain.hprof(["list"])).code(0);
    assert_eq!(quiet.stderr.lines().count(), 1, "{quiet:#?}");
    let mut list = plain.hprof(["list"]);
    printed(list.env("HPROF_LOG", "debug"))
        .code(0)
        .says("DEBUG");
}

#[test]
fn every_command_explains_itself() {
    let commands = "run test bench exec show flamegraph annotate export merge list clean recover doctor completions man";
    for command in commands.split(' ') {
        let help = printed(&mut hprof([command, "--help"])).code(0).stdout;
        assert!(
            help.contains(&format!("  hprof {command}")),
            "no example in {help}"
        );
    }
    let page = printed(&mut hprof(["man", "run"])).code(0).stdout;
    assert!(
        page.contains(".TH hprof-run 1") && page.contains("split"),
        "{page}"
    );
    printed(&mut hprof(["man", "none"]))
        .code(2)
        .says("there is no command 'none'");
    let script = printed(&mut hprof(["completions", "bash"])).code(0).stdout;
    assert!(script.contains("--split-loops"), "{script}");
}

#[test]
fn doctor_looks_at_the_machine() {
    let plain = Fixture::own("plain");
    let findings = printed(&mut plain.hprof(["doctor"])).code(0).stdout;
    for subject in [
        "system",
        "cargo",
        "rustc",
        "clock",
        "recording",
        "profiles",
        "sampling",
    ] {
        assert!(findings.contains(subject), "no {subject} in {findings}");
    }
}
