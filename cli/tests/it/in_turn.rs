//! `hprof diff --base` and `hprof check --base` on a repository of git: a revision and what is in the working tree, built and run in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::fixture::{Fixture, Printed, printed};

/// A program in a repository.
pub(crate) struct Repository {
    project: Fixture,
    /// Cargo's profile, and the argument of the program.
    how: [&'static str; 2],
}

const MAIN: &str = "\
use hprof::profile;

#[profile]
fn main() {
    let turns = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut sum = busy(turns);
    sum += brief(turns);
    std::fs::write(\"result.txt\", sum.to_string()).unwrap();
}

#[profile]
fn busy(turns: u64) -> u64 {
    let mut sum = 0;
    for turn in 0..9 * turns {
        let value = work(turn, 2);
        sum += value;
    }
    sum
}

#[profile]
fn brief(turns: u64) -> u64 {
    let mut sum = 0;
    for turn in 0..turns {
        let value = work(turn, FACTOR);
        sum += value;
    }
    sum
}

const FACTOR: u64 = 2;

#[inline(never)]
fn work(turn: u64, factor: u64) -> u64 {
    (0..factor * 10_000).fold(turn, |sum, step| std::hint::black_box(sum ^ step))
}
";

impl Repository {
    pub(crate) fn new(how: [&'static str; 2]) -> Self {
        let project = Fixture::own("annotated");
        project.write("src/main.rs", MAIN);
        project.write(".gitignore", "target\nCargo.lock\nresult.txt\n");
        let repository = Self { project, how };
        repository.git(&["init", "--quiet"]);
        repository.commit("first");
        repository
    }

    fn git(&self, args: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(self.project.project()).args(args);
        git.envs(["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "a")));
        git.envs(["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "a@b")));
        printed(&mut git).code(0);
    }

    fn commit(&self, tag: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", tag]);
        self.git(&["tag", tag]);
    }

    /// Programs of this test are built in one folder, which stays.
    fn command(&self, words: &[&str]) -> Command {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let target = folder.join(format!("in turn {}", self.how[0]));
        let mut command = self.project.hprof(words);
        command.env("CARGO_TARGET_DIR", target);
        command.args(["--profile", self.how[0], "--", self.how[1]]);
        command
    }

    pub(crate) fn hprof(&self, words: &[&str]) -> Printed {
        let told = printed(&mut self.command(words));
        self.is_as_it_was();
        told
    }

    fn worktree(&self) -> PathBuf {
        self.project.path(".hprof-base-it's a folder")
    }

    /// No worktree is left, neither on the disk nor in git.
    #[track_caller]
    fn is_as_it_was(&self) {
        assert!(!self.worktree().exists());
        let known = self.project.project().join(".git/worktrees");
        assert!(!known.exists() || fs::read_dir(known).unwrap().next().is_none());
    }

    pub(crate) fn edit(&self, from: &str, to: &str) {
        assert!(MAIN.contains(from));
        self.project.write("src/main.rs", &MAIN.replace(from, to));
    }
}

/// One test, for one program after the other is built in the same folder.
#[test]
fn a_revision_and_the_working_tree_are_run_in_turn() {
    let repository = Repository::new(["dev", "20"]);
    let quick = ["diff", "--base", "first", "--quick"];
    let same = repository.hprof(&quick).code(0);
    assert!(same.stdout.contains("no change: "), "{same:#?}");
    assert!(same.stdout.contains("time not judged: each side ran once"));
    let result = repository.project.project().join("result.txt");
    assert!(result.exists(), "both run in the folder of the user");

    repository.edit("0..turns {", "0..2 * turns {");
    let more = repository.hprof(&["diff", "--base", "first", "--runs", "2", "--format", "json"]);
    let more: serde_json::Value = serde_json::from_str(&more.code(0).stdout).unwrap();
    assert_eq!(more["verdict"]["added"], 1, "{more:#}");
    let judged = repository.hprof(&["check", "--base", "first", "--quick", "--no-hprof-config"]);
    assert!(judged.stdout.contains("20 "), "{judged:#?}");

    // A helper that is not measured takes longer: the lines that call it do as often as before.
    repository.edit("FACTOR: u64 = 2", "FACTOR: u64 = 40");
    let policy = repository.project.path("policy.toml");
    fs::write(&policy, "[check]\ntime = \"judged\"\n").unwrap();
    let policy = policy.to_str().unwrap();
    let check = [
        "check",
        "--base",
        "first",
        "--runs",
        "5",
        "--hprof-config",
        policy,
    ];
    let slower = repository.hprof(&[&check[..], &["--format", "github"]].concat());
    let row = "::warning file=src/main.rs,line=25::slower: ";
    assert!(slower.stdout.contains(row), "{slower:#?}");
    slower.code(1);
    repository.commit("slower");
    let check = [
        "check",
        "--base",
        "slower",
        "--runs",
        "5",
        "--hprof-config",
        policy,
    ];
    let kept = repository.hprof(&check).code(0);
    assert!(kept.stdout.contains("passed: "), "{kept:#?}");

    killed(&repository);
    unusable(&repository);
}

/// What cannot be a base is named, with a hint.
fn unusable(repository: &Repository) {
    let diff = |base: &str| repository.hprof(&["diff", "--base", base, "--quick"]);
    diff("nowhere")
        .code(2)
        .says("git knows no revision \"nowhere\"")
        .says("hint: ");
    repository.edit("let mut sum = 0;", "let mut sum = ;");
    repository.commit("broken");
    repository.edit("#[profile]\n", "");
    repository.project.write(
        "src/main.rs",
        &MAIN
            .replace("#[profile]\n", "")
            .replace("use hprof::profile;\n", ""),
    );
    repository.commit("plain");
    repository.edit("FACTOR: u64 = 2", "FACTOR: u64 = 3");
    diff("broken")
        .code(2)
        .says("broken (")
        .says("does not build");
    diff("plain")
        .code(2)
        .says("nothing was recorded: the program entered no function with #[profile]")
        .says("hint: both revisions need #[profile]");
    repository.git(&["rm", "--quiet", "--cached", "Cargo.toml"]);
    repository.git(&["commit", "--quiet", "-m", "empty"]);
    repository.git(&["tag", "empty"]);
    diff("empty")
        .code(2)
        .says("empty has no Cargo.toml")
        .says("hint: ");
    fs::create_dir(repository.worktree()).unwrap();
    printed(&mut repository.command(&["diff", "--base", "first", "--quick"]))
        .code(2)
        .says("is in the way")
        .says("hint: ");
    fs::remove_dir(repository.worktree()).unwrap();
}

/// A signal for hprof alone, and what a killed hprof has left.
fn killed(repository: &Repository) {
    for signal in [libc::SIGINT, libc::SIGKILL] {
        let mut command = repository.command(&["diff", "--base", "first", "--runs", "30"]);
        let mut running = command
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while !repository.worktree().join("Cargo.lock").exists() {
            assert!(started.elapsed() < Duration::from_secs(60));
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(300));
        let pid = running.id().to_string();
        let mut kill = Command::new("kill");
        printed(kill.arg(format!("-{signal}")).arg(pid)).code(0);
        let ended = running.wait().unwrap();
        if signal == libc::SIGINT {
            assert_eq!(ended.code(), Some(128 + signal));
            repository.is_as_it_was();
        } else {
            assert!(repository.worktree().exists());
        }
    }
    let diff = ["diff", "--base", "first", "--quick"];
    repository.hprof(&diff).code(0);
}

#[test]
fn a_base_needs_a_repository() {
    let project = Fixture::own("annotated");
    printed(&mut project.hprof(["diff", "--base", "HEAD", "--quick"]))
        .code(2)
        .says("git: fatal: not a git repository")
        .says("hint: --base builds a revision that git knows");
    printed(&mut project.hprof(["diff", "--quick", "a", "b"]))
        .code(2)
        .says("--base <REV>");
    printed(&mut project.hprof(["check", "--base", "HEAD", "x.pb.gz"]))
        .code(2)
        .says("a profile has no meaning with --base");
    printed(&mut project.hprof(["check", "--base", "HEAD", "--baseline", "x.pb.gz"]))
        .code(2)
        .says("--baseline has no meaning with --base");
    printed(&mut project.hprof(["diff", "--base", "HEAD", "a", "b"]))
        .code(2)
        .says("a profile has no meaning with --base");
}
