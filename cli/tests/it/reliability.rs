//! Faults that must do no harm: one script for each, in `tests/reliability`. Those that need root and mounts of their own are ignored here
//! and run by `make reliability`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::fixture::{Fixture, hprof, printed};

/// Code of a script that cannot try its fault here.
const NOT_HERE: i32 = 77;

fn script(name: &str, shell: &[&str], variables: &[(&str, &str)]) {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none", "nothing"])).code(0);
    let folder = tempfile::tempdir().unwrap();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reliability");
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg(scripts.join(name).with_extension("sh"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .env("HPROF", hprof::<&str>([]).get_program())
        .env("PROGRAM", annotated.target().join("hprof/annotated"))
        .envs(variables.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NOT_HERE) {
        let line = format!("NOT TESTED: {name}: {text}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    assert!(output.status.success(), "{name}: {text}");
}

/// As this user, in what is there.
fn as_user(name: &str) {
    script(name, &["sh"], &[]);
}

#[test]
fn outputs_go_into_what_is_no_regular_file() {
    as_user("special_files");
}

#[test]
fn runs_that_end_at_once_keep_their_profiles() {
    script("same_second", &["sh"], &[("RUNS_WANTED", "40")]);
}

#[test]
#[ignore = "make reliability: half a minute"]
fn three_hundred_runs_that_end_at_once_keep_their_profiles() {
    as_user("same_second");
}

/// As root, with mounts of its own.
fn as_root(name: &str) {
    let shell = ["unshare", "--mount", "--propagation", "private", "sh"];
    script(name, &shell, &[]);
}

#[test]
#[ignore = "make reliability: needs root"]
fn root_outputs_into_devices() {
    as_root("devices");
}

#[test]
fn twenty_orphans_are_recovered_once() {
    as_user("orphans");
}

#[test]
fn a_program_that_was_built_anew_goes_on() {
    as_user("rebuilt");
}

#[test]
fn a_program_that_was_left_behind_goes_on() {
    as_user("launcher_killed");
}

#[test]
fn daemons_go_on_and_are_recovered() {
    as_user("daemons");
}

#[test]
#[ignore = "make reliability: needs root"]
fn root_memory_that_is_full() {
    as_root("memory_full");
}

#[test]
#[ignore = "make reliability: needs root"]
fn root_a_full_disk_while_an_unedited_program_is_built() {
    as_root("unedited_disk");
}

#[test]
#[ignore = "make reliability: needs root"]
fn root_a_program_that_gives_up_root() {
    as_root("gave_up_root");
}

#[test]
#[ignore = "make reliability: needs root"]
fn root_a_control_group_with_little_memory() {
    let annotated = Fixture::shared("annotated");
    let run = ["run", "--report", "none", "--example", "threads", "--", "2"];
    printed(&mut annotated.hprof(run)).code(0);
    as_root("group_limit");
}
