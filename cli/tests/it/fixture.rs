//! Throw-away copies of the projects in `fixtures`.
//!
//! Most tests share one copy of a project and its target folder, which stay from one run of the tests to the next: hprof's own
//! library is then built once. A test that changes a project, or how it is built, takes a copy of its own, for a program that is
//! built anew is missing for a moment.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use tempfile::TempDir;

/// A project in a folder whose path needs quotes.
#[derive(Debug)]
pub(crate) struct Fixture {
    project: PathBuf,
    target: PathBuf,
    /// For what a test leaves behind.
    scratch: TempDir,
}

/// What a command printed, as text.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Fixture {
    /// The copy for all tests.
    pub(crate) fn shared(name: &str) -> Self {
        Self::shared_with(name, &[])
    }

    /// The same with other words in its manifest.
    pub(crate) fn shared_with(name: &str, words: &[(&str, &str)]) -> Self {
        static COPYING: Mutex<()> = Mutex::new(());
        let _alone = COPYING.lock().unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let project = folder.join("it's shared").join(name);
        copy_project(name, &project, words);
        Self {
            project,
            target: shared_target(),
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    /// A copy for one test, to be changed at will.
    pub(crate) fn own(name: &str) -> Self {
        Self::own_with(name, &[])
    }

    /// The same with other words in its manifest.
    pub(crate) fn own_with(name: &str, words: &[(&str, &str)]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let project = scratch.path().join("it's a folder");
        copy_project(name, &project, words);
        Self {
            target: project.join("target"),
            project,
            scratch,
        }
    }

    /// A copy for one test, built where hprof's library is built already.
    pub(crate) fn own_built_with_others(name: &str) -> Self {
        Self {
            target: shared_target(),
            ..Self::own(name)
        }
    }

    /// A package that a test writes, built where hprof's library is built already. The manifest is `text` behind the name.
    pub(crate) fn written(name: &str, text: &str, files: &[(&str, &str)]) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let fixture = Self {
            project: scratch.path().join("it's a folder"),
            target: shared_target(),
            scratch,
        };
        let head = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
        fixture.write("Cargo.toml", &format!("{head}{text}"));
        for (name, text) in files {
            fixture.write(name, text);
        }
        fixture
    }

    /// Where the project is.
    pub(crate) fn project(&self) -> &Path {
        &self.project
    }

    /// Where it is built.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// A path of this test alone.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Where profiles of this test go.
    pub(crate) fn profile(&self) -> PathBuf {
        self.path("profile")
    }

    /// `hprof ARGS` in the project.
    pub(crate) fn hprof<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = hprof(args);
        command
            .current_dir(&self.project)
            .env("CARGO_TARGET_DIR", &self.target);
        command.env("HPROF_OUT", self.profile());
        command
    }

    /// Writes a file of the project, which must be a test's own.
    pub(crate) fn write(&self, name: &str, text: &str) {
        assert!(
            self.project.starts_with(self.scratch.path()),
            "the project is shared"
        );
        let path = self.project.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
}

fn shared_target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("target")
}

/// `hprof` without anything of the environment that would change what it does.
pub(crate) fn hprof<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hprof"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("HPROF") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end.
pub(crate) fn printed(command: &mut Command) -> Printed {
    Printed::from(command.output().unwrap())
}

impl From<Output> for Printed {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Printed {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts what the standard output is.
    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Self {
        assert_eq!(self.stdout, expected, "{self:#?}");
        self
    }

    /// Asserts that the standard error has this in one of its lines.
    #[track_caller]
    pub(crate) fn says(self, part: &str) -> Self {
        assert!(
            self.stderr.lines().any(|line| line.contains(part)),
            "no {part:?} in {self:#?}"
        );
        self
    }

    /// The lines of hprof itself.
    pub(crate) fn messages(&self) -> Vec<&str> {
        self.stderr
            .lines()
            .filter(|line| line.starts_with("hprof: "))
            .collect()
    }
}

fn copy_project(name: &str, project: &Path, words: &[(&str, &str)]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    copy(&root.join("cli/tests/fixtures").join(name), project);
    let manifest = fs::read_to_string(project.join("Cargo.toml.in")).unwrap();
    let core = root.join("profiler-core");
    let mut manifest = manifest.replace("@CORE@", core.to_str().unwrap());
    for (word, other) in words {
        manifest = manifest.replace(word, other);
    }
    write_if_other(&project.join("Cargo.toml"), manifest.as_bytes());
    if !project.join("Cargo.lock").exists() {
        // The versions that are there already: no network is needed.
        fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            write_if_other(&target, &fs::read(entry.path()).unwrap());
        }
    }
}

/// Leaves a file that is right as it is: cargo would build it again.
pub(crate) fn write_if_other(path: &Path, content: &[u8]) {
    if fs::read(path).ok().as_deref() != Some(content) {
        fs::write(path, content).unwrap();
    }
}
