//! Throw-away copies of the projects in `fixtures`.
//!
//! All of them build into one target folder, which stays from one run of the tests to the next, so hprof's own library is built
//! once. Names of packages must differ for that.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A project in a folder of its own, whose path needs quotes.
#[derive(Debug)]
pub(crate) struct Fixture {
    _parent: TempDir,
    folder: PathBuf,
}

/// What a command printed, as text.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Fixture {
    /// Copies a project.
    pub(crate) fn new(name: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name);
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("it's a folder");
        copy(&source, &folder);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let manifest = fs::read_to_string(folder.join("Cargo.toml.in")).unwrap();
        let core = root.join("profiler-core");
        fs::write(
            folder.join("Cargo.toml"),
            manifest.replace("@CORE@", core.to_str().unwrap()),
        )
        .unwrap();
        // The versions that are there already: no network is needed.
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        Self {
            _parent: parent,
            folder,
        }
    }

    /// Where the project is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `hprof COMMAND`, with the target folder for all where it builds.
    pub(crate) fn hprof<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = hprof(args);
        command
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", target_folder());
        // Profiles of this test alone; cargo's folder is shared.
        command.env("HPROF_OUT", self.folder.join("profile"));
        command
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

/// The target folder of all projects.
pub(crate) fn target_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures")
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

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
