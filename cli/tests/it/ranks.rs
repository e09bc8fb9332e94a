//! Parallel jobs: `--launcher`, ranks on several machines, and what is said of those that are missing. Most tests start the ranks by scripts of their own,
//! which set the variables of Open MPI; the last ones by a real `mpirun`.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{Fixture, Printed, hprof, printed};
use crate::workloads;

/// Starts the ranks 0 to 2 of 4, each with an argument of its own: `launcher PROGRAM ..`.
const THREE_OF_FOUR: &str = r#"
for rank in 0 1 2; do
    OMPI_COMM_WORLD_RANK=$rank OMPI_COMM_WORLD_SIZE=4 "$@" $((10 + rank)) &
done
wait
"#;

/// Starts two ranks on each of two machines: each has memory of its own in the place of `/dev/shm`.
const TWO_MACHINES: &str = r#"
for machine in 0 1; do
    unshare --mount --propagation private sh -c '
        mount -t tmpfs tmpfs /dev/shm
        for rank in $0 $(($0 + 1)); do
            OMPI_COMM_WORLD_RANK=$rank OMPI_COMM_WORLD_SIZE=4 "$@" 10 &
        done
        wait
    ' $((2 * machine)) "$@" &
done
wait
"#;

struct Job {
    annotated: Fixture,
}

impl Job {
    fn new() -> Self {
        let annotated = Fixture::shared("annotated");
        printed(&mut annotated.hprof(["run", "--report", "none", "nothing"])).code(0);
        Self { annotated }
    }

    fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.annotated.path(name);
        fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn program(&self) -> PathBuf {
        self.annotated.target().join("hprof/annotated")
    }

    /// `hprof ARGS`, which records in a folder of this test.
    fn hprof<const N: usize>(&self, args: [&str; N]) -> Command {
        let mut hprof = self.annotated.hprof(args);
        hprof.env("CARGO_TARGET_DIR", self.target());
        hprof
    }

    fn target(&self) -> PathBuf {
        self.annotated.path("target")
    }

    /// `hprof exec --launcher SCRIPT -- PROGRAM ARGS`, without the tables.
    fn exec(&self, script: &Path, args: &[&str]) -> Printed {
        let mut exec = self.hprof(["exec", "--report", "none", "--launcher"]);
        exec.arg(script).arg("--").arg(self.program()).args(args);
        printed(&mut exec)
    }

    fn show(&self, args: &[&str]) -> String {
        let mut show = hprof(["show"]);
        show.args(args).arg(self.annotated.profile());
        printed(&mut show).code(0).stdout
    }
}

#[test]
fn ranks_are_counted_and_missing_ones_named() {
    let job = Job::new();
    let launcher = job.script("launch it", THREE_OF_FOUR);
    let quoted = format!("'{}'", launcher.display());
    job.exec(Path::new(&quoted), &[])
        .code(0)
        .says("hprof: 3 of 4 ranks wrote; rank 3 is missing");
    let table = job.show(&["--ranks"]);
    assert!(table.starts_with("3 ranks on 1 machine\n"), "{table}");
    // Each rank went through the loop so often as its argument says.
    let hits = table.lines().filter(|line| line.contains("for "));
    let hits: Vec<&str> = hits
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(hits, ["36"], "{table}");
    let one = job.show(&["--ranks", "2"]);
    assert!(one.starts_with("1 rank on 1 machine\n"), "{one}");
    let rows = job.show(&["--by", "rank"]);
    for rank in ["\nrank 0 ", "\nrank 1 ", "\nrank 2 "] {
        assert!(rows.contains(rank), "{rows}");
    }
    printed(hprof(["show", "--ranks", "7"]).arg(job.annotated.profile()))
        .code(2)
        .says("none of these ranks is in the profile, which has ranks from 0 to 2");
    printed(&mut job.annotated.hprof(["run", "--ranks", "x", "nothing"]))
        .code(2)
        .says("'x' is no list of ranks");
}

#[test]
fn a_rank_that_is_killed_keeps_what_it_recorded_and_is_named() {
    let job = Job::new();
    let killed = job.script(
        "kill",
        r#"
OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=2 "$@" 10
OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2 "$@" abort
true
"#,
    );
    let run = job
        .exec(&killed, &[])
        .code(0)
        .says("rank 1 was ended by signal 6: the figures are those until then");
    assert!(!run.stderr.contains("missing"), "{run:#?}");
    let rows = job.show(&["--by", "rank"]);
    assert!(rows.contains("\nrank 1 "), "{rows}");
}

#[test]
fn run_starts_what_it_built_as_ranks() {
    let job = Job::new();
    let launcher = job.script("launcher", THREE_OF_FOUR);
    let mut run = job.annotated.hprof(["run", "--launcher"]);
    run.arg(launcher);
    printed(&mut run)
        .code(0)
        .says("hprof: 3 of 4 ranks wrote; rank 3 is missing")
        .says("Recorded   3 processes");
}

#[test]
fn a_launcher_that_refuses_is_helped() {
    let job = Job::new();
    let mpirun = job.script("mpirun", "echo 'not as root' >&2; exit 1");
    job.exec(&mpirun, &[])
        .code(1)
        .says("not as root")
        .says("mpirun ended with exit code 1 and has started no rank")
        .says("--allow-run-as-root")
        .says("--oversubscribe");
    // A script of another name may fail for reasons of its own.
    let other = job.script("other", "exit 3");
    let run = job.exec(&other, &[]).code(3);
    assert!(!run.stderr.contains("oversubscribe"), "{run:#?}");
    let mut run = job.annotated.hprof(["run", "--launcher", "mpirun 'x"]);
    printed(&mut run)
        .code(2)
        .says("a quotation mark has no partner");
}

#[test]
fn ranks_on_other_machines_arrive() {
    if !can_mount() {
        let note = b"NOT TESTED: ranks on other machines: no mounts of our own\n";
        std::io::stderr().write_all(note).unwrap();
        return;
    }
    let job = Job::new();
    let launcher = job.script("machines", TWO_MACHINES);
    // Through the launcher of each rank.
    job.exec(&launcher, &[]).code(0);
    let with_launcher = job.show(&["--ranks"]);
    assert!(
        with_launcher.starts_with("4 ranks on 1 machine\n"),
        "{with_launcher}"
    );
    // On their own, by the shared folder.
    let mut exec = job.hprof(["exec", "--report", "none", "--"]);
    exec.arg(&launcher).arg(job.program());
    let run = printed(&mut exec).code(0);
    assert!(!run.stderr.contains("missing"), "{run:#?}");
    let without = job.show(&["--ranks"]);
    assert!(without.starts_with("4 ranks on 1 machine\n"), "{without}");
    // Nothing stays behind.
    let left = fs::read_dir(job.target().join("hprof-runs"))
        .unwrap()
        .flatten();
    let left: Vec<_> = left
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".recording-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_launcher_of_another_kind_of_mpi_is_told_of() {
    if !workloads::has_mpi() {
        let note = b"NOT TESTED: a launcher of another kind: no Open MPI\n";
        std::io::stderr().write_all(note).unwrap();
        return;
    }
    let job = Job::new();
    let mpich = job.script(
        "mpich",
        "for rank in 0 1; do PMI_RANK=$rank PMI_SIZE=2 \"$@\" 2>/dev/null & done; wait",
    );
    let mut exec = hprof(["exec", "--report", "none", "--launcher"]);
    exec.arg(mpich)
        .arg("--")
        .arg(workloads::programs().join("ring"));
    exec.args(["--rounds", "1"])
        .env("HPROF_OUT", job.annotated.profile());
    // What each of them takes for a job of one rank.
    exec.env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
    let run = printed(&mut exec);
    run.says(
        "the launcher says 2 ranks, but it is of MPICH and the program is linked with Open MPI",
    );
}

fn can_mount() -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--propagation", "private", "true"]);
    unshare.output().is_ok_and(|output| output.status.success())
}

/// The options that the machines of tests need: root, and fewer cores than ranks.
const MPIRUN: &str = "mpirun --allow-run-as-root --oversubscribe -n 4";

fn mpi(program: &str, args: &[&str], profile: &Path) -> Option<Printed> {
    if !workloads::has_mpi() {
        let note = format!(
            "NOT TESTED: {program} as MPI ranks: no Open MPI (openmpi-bin libopenmpi-dev libclang-dev)\n"
        );
        std::io::stderr().write_all(note.as_bytes()).unwrap();
        return None;
    }
    let mut exec = hprof(["exec", "--report", "none", "--launcher", MPIRUN, "--"]);
    exec.arg(workloads::programs().join(program)).args(args);
    exec.env("HPROF_OUT", profile);
    Some(printed(&mut exec).code(0))
}

fn show(args: &[&str], profile: &Path) -> String {
    printed(hprof(["show"]).args(args).arg(profile))
        .code(0)
        .stdout
}

#[test]
fn a_token_goes_around_a_ring_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("ring.pb.gz");
    let Some(run) = mpi("ring", &["--rounds", "50"], &profile) else {
        return;
    };
    assert_eq!(run.stdout, "The token is 300 after 50 rounds of 4 ranks\n");
    let functions = show(&["--by-function"], &profile);
    // Four ranks enter `ring` once, and `pass` fifty times.
    for (calls, name) in [("4", "(ring)"), ("200", "(pass)")] {
        let row = functions.lines().find(|line| line.ends_with(name));
        let first = row.and_then(|row| row.split_whitespace().next());
        assert_eq!(first, Some(calls), "{functions}");
    }
}

#[test]
fn the_area_is_shared_among_ranks_and_a_slow_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("auc.pb.gz");
    let args = ["--mode", "mpi", "--slow", "2", "400000"];
    let Some(run) = mpi("auc", &args, &profile) else {
        return;
    };
    assert_eq!(run.stdout, "The area is 8.174997\n");
    let table = show(&["--ranks"], &profile);
    let row = |text: &str| {
        let row = table.lines().find(|line| line.contains(text));
        let row = row.unwrap_or_else(|| panic!("no {text} in {table}"));
        row.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    // A hundred thousand points each, and in the slow rank three times.
    assert_eq!(row("for i in points")[1], "600006", "{table}");
    assert_eq!(row("mine = area_of_part")[1], "6", "{table}");
}

#[test]
fn engines_are_ranks_and_do_the_same_as_threads() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("farm.pb.gz");
    let farm = |view: &str| {
        let args = ["--mpi", "--view", view, "--tasks", "32", "--unit", "2000"];
        mpi("task_farm", &args, &profile).map(|run| run.stdout)
    };
    let Some(direct) = farm("direct") else {
        return;
    };
    let balanced = farm("balanced").unwrap();
    let mut threads = Command::new(workloads::programs().join("task_farm"));
    threads.args([
        "--view",
        "direct",
        "--workers",
        "4",
        "--tasks",
        "32",
        "--unit",
        "2000",
    ]);
    let threads = printed(&mut threads).code(0).stdout;
    assert_eq!(direct, threads);
    let but_rounds = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("rounds"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(but_rounds(&balanced), but_rounds(&threads));
}

/// The commands of docs/mpi.md that stand in blocks of shell, one a line.
fn documented() -> Vec<String> {
    let text = fs::read_to_string(workloads::root().join("docs/mpi.md")).unwrap();
    let blocks = text.split("\n```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("\n```").next().unwrap_or_default());
    blocks.flat_map(str::lines).map(str::to_owned).collect()
}

#[test]
fn the_commands_of_the_page_on_mpi_run() {
    if !workloads::has_mpi() {
        let note = b"NOT TESTED: the commands of docs/mpi.md: no Open MPI\n";
        std::io::stderr().write_all(note).unwrap();
        return;
    }
    // A copy of the workspace by links: the page builds below `target`. Always at the same place, which that build remembers.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mpi");
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(workloads::root()).unwrap().flatten() {
        let name = entry.file_name();
        let link = folder.join(&name);
        if name != "target" && name != ".git" && !link.exists() {
            std::os::unix::fs::symlink(entry.path(), link).unwrap();
        }
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_hprof")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let commands = documented();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &command.replace("mpirun -n 4", MPIRUN)])
            .current_dir(&folder)
            .env("PATH", &path)
            .env_remove("CARGO_TARGET_DIR");
        let output = Printed::from(shell.output().unwrap());
        assert_eq!(output.code, Some(0), "{command}: {output:#?}");
        if command.contains("--bin auc") {
            assert_eq!(output.stdout, "The area is 8.175000\n");
        } else if command.contains("/ring") {
            assert_eq!(
                output.stdout,
                "The token is 600 after 100 rounds of 4 ranks\n"
            );
        } else if command.contains("--ranks 0,2-3") {
            assert!(
                output.stdout.starts_with("3 ranks on 1 machine\n"),
                "{output:#?}"
            );
        }
    }
}
