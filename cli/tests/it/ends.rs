//! What is told of programs that end badly, or in a way of their own.

use std::io::Write;
use std::process::Command;

use crate::fixture::{Fixture, Printed, printed};

fn run(end: &str) -> Printed {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--example", "ends", "--", end]))
}

#[test]
fn a_signal_is_named_and_each_thread_with_its_line_since_when() {
    for (signal, number) in [("KILL", 9), ("SEGV", 11), ("ABRT", 6)] {
        let run = run(signal).code(128 + number).says("hprof: saved to ");
        let run = run.says(&format!("was killed by SIG{signal}"));
        let run = run.says("thread main was in kill_itself at examples/ends.rs:");
        let sleeper = run
            .stderr
            .lines()
            .find(|line| line.contains("thread sleeper was in sleep"));
        let sleeper = sleeper.unwrap_or_else(|| panic!("{run:#?}"));
        assert!(sleeper.contains("examples/ends.rs:23, for "), "{sleeper}");
        assert!(
            sleeper.contains("after the start)  thread::sleep("),
            "{sleeper}"
        );
        assert!(!run.stderr.contains("calls itself"), "{run:#?}");
    }
}

/// Markers make frames larger, so a recursion that fits without them may not fit with them.
#[test]
fn a_recursion_that_runs_out_of_stack_is_told_what_to_try() {
    for (how, names, hint) in [
        (
            "alone",
            &["dive"][..],
            "`ulimit -s unlimited` gives it more",
        ),
        (
            "circle",
            &["first", "second"],
            "`ulimit -s unlimited` gives it more",
        ),
        ("thread", &["dive"], "RUST_MIN_STACK="),
    ] {
        let annotated = Fixture::shared("annotated");
        let run = annotated.hprof(["run", "--example", "overflow", "--", how]);
        let run = printed(&mut { run })
            .code(128 + 6)
            .says("was killed by SIGABRT");
        let line = run
            .stderr
            .lines()
            .find(|line| line.starts_with("Hint:  ") && line.contains("stack"));
        let line = line.unwrap_or_else(|| panic!("{run:#?}"));
        let named = names
            .iter()
            .any(|name| line.contains(&format!("{name} calls itself")));
        assert!(named && line.contains(hint), "{line}");
    }
}

#[test]
fn becoming_another_program_is_no_kill() {
    let run = run("exec").code(0).says("hprof: saved to ");
    let run = run.says("left without its exit handlers: by _exit, or as another program (exec)");
    assert!(!run.stderr.contains("killed by"), "{run:#?}");
}

/// Both have a recorder of their own; neither is lost when the library is unloaded, and nobody calls into it then.
#[test]
fn an_annotated_library_loaded_by_an_annotated_program() {
    let plugin = Fixture::shared("plugin");
    let run = printed(&mut plugin.hprof(["run"])).code(0).stdout("91\n");
    let hits = |source: &str| {
        let row = run
            .stderr
            .lines()
            .find(|line| line.trim_end().ends_with(source));
        let row = row.unwrap_or_else(|| panic!("no {source:?} in {run:#?}"));
        row.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(hits("let sum = add_up(turns);"), "2");
    assert_eq!(hits("2 * turn"), "15");
    let calls = |function: &str| {
        let mut rows = run.stderr.lines();
        let row = rows.find(|line| line.trim_end().ends_with(&format!("({function})")));
        let row = row.unwrap_or_else(|| panic!("no {function:?} in {run:#?}"));
        row.split_whitespace().next().unwrap().to_owned()
    };
    // Those of the library and that of the program have counters of their own.
    assert_eq!(["nothing", "same", "one"].map(calls), ["2", "15", "2"]);
}

/// The folder is made, the files cannot be.
#[test]
fn a_program_without_room_for_its_file_is_told_as_such() {
    let annotated = Fixture::shared("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    let program = annotated.target().join("hprof/annotated");
    let script = "ulimit -f 8; \"$0\" 4";
    let mut exec = annotated.hprof(["exec", "--", "sh", "-c", script]);
    let exec = printed(exec.arg(program)).code(0).stdout("3\n");
    exec.says("nothing was recorded: process annotated-")
        .says("File too large");
    // The folder itself, had it stayed.
    let folder = annotated.path("kept");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("27", folder.join("annotated-here-7-1.hplost")).unwrap();
    let show = printed(annotated.hprof(["show"]).arg(&folder))
        .code(2)
        .stdout("");
    let show = show.says(
        "process annotated-here-7-1 is not recorded: it could not make its file: File too large",
    );
    assert!(!show.stderr.contains("no file that ends with"), "{show:#?}");
}

/// A `/dev` of its own, in which there are only devices. Not tried where this user may not mount.
#[test]
fn without_dev_shm_a_run_is_recorded_on_disk() {
    const SCRIPT: &str = "
        mount -t tmpfs none /mnt || exit 77
        for device in null zero full random urandom; do
            touch /mnt/$device && mount --bind /dev/$device /mnt/$device || exit 77
        done
        mount --rbind /mnt /dev || exit 77
        test ! -e /dev/shm || exit 77
        \"$0\" doctor
        exec \"$0\" \"$@\"";
    let annotated = Fixture::shared("annotated");
    let run = annotated.hprof(["run", "--", "4"]);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", SCRIPT])
        .arg(run.get_program())
        .args(run.get_args())
        .envs(
            run.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(annotated.project());
    let run = command.output().map(Printed::from);
    let tried = |run: &Printed| run.code == Some(0) || run.stdout.contains("/dev/shm");
    let Some(run) = run.ok().filter(tried) else {
        let line = "NOT TESTED: /dev/shm missing: this user may not mount\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    };
    let run = run.code(0).says("hprof: saved to ");
    assert!(run.stdout.ends_with("3\n"), "{run:#?}");
    let found = run.stdout.lines().find(|line| line.contains("/dev/shm"));
    assert!(found.unwrap().contains("No such file"), "{run:#?}");
    assert!(run.stderr.contains("Hits"), "{run:#?}");
}
