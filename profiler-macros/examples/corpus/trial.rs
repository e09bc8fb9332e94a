//! Builds the tests of a copy and runs them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use hprof::model::{Scope, function_costs};
use hprof::site::LineKind;
use serde_json::Value;

use crate::Result;
use crate::list::Entry;

/// What came of a copy.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    /// Compile errors as the compiler prints them.
    pub(crate) errors: BTreeSet<String>,
    /// Warnings, each as place and message.
    pub(crate) warnings: BTreeSet<String>,
    /// Names and results of the tests, sorted.
    pub(crate) tests: Vec<String>,
    /// Whether cargo ended well.
    pub(crate) passed: bool,
    /// Seconds that the test binaries took by their own account.
    pub(crate) seconds: f64,
    /// Hits that were recorded.
    pub(crate) hits: Hits,
}

/// Hits of all lines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hits {
    pub(crate) all: u64,
    /// Of closing braces that do not end their function.
    pub(crate) braces: u64,
    /// Of those among them on which nothing was ever freed: most had something to drop by their types, but it had been moved away.
    pub(crate) idle_braces: u64,
}

impl Hits {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self {
            all: self.all + other.all,
            braces: self.braces + other.braces,
            idle_braces: self.idle_braces + other.idle_braces,
        }
    }
}

/// Builds and tests the copy in `package`. `profiled`: with the build switch, and recorded.
pub(crate) fn run(folder: &Path, entry: &Entry, package: &Path, profiled: bool) -> Result<Trial> {
    let mut trial = Trial::default();
    let built = cargo("test", folder, entry, package, profiled)
        .args(["--no-run", "--message-format=json"])
        .stderr(Stdio::null())
        .output()?;
    trial.read_messages(&built.stdout, package)?;
    if !built.status.success() {
        if trial.errors.is_empty() {
            trial
                .errors
                .insert(cargo_error(folder, entry, package, profiled)?);
        }
        return Ok(trial);
    }
    let records = folder.join("records");
    fs::remove_dir_all(&records).or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    fs::create_dir(&records)?;
    let mut tests = cargo("test", folder, entry, package, profiled);
    if profiled {
        tests.env("HPROF_DIR", &records);
    }
    let ran = tests.arg("--no-fail-fast").stderr(Stdio::null()).output()?;
    trial.passed = ran.status.success();
    trial.read_results(&String::from_utf8_lossy(&ran.stdout));
    trial.hits = hits(&records)?;
    Ok(trial)
}

/// What clippy says of the copy in `package`, pedantic lints included; nothing is run.
pub(crate) fn lint(folder: &Path, entry: &Entry, package: &Path, profiled: bool) -> Result<Trial> {
    let mut trial = Trial::default();
    let checked = cargo("clippy", folder, entry, package, profiled)
        .args(["--message-format=json", "--"])
        .args(["-W", "clippy::pedantic", "--cap-lints", "warn"])
        .stderr(Stdio::null())
        .output()?;
    trial.read_messages(&checked.stdout, package)?;
    trial.passed = checked.status.success();
    Ok(trial)
}

fn cargo(command: &str, folder: &Path, entry: &Entry, package: &Path, profiled: bool) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .arg(command)
        .args(entry.targets)
        .args(["--features", entry.features])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        // Tests on random values take a few of them: two debug builds of the same code are compared, not proven.
        .env("QUICKCHECK_TESTS", "10")
        .env("PROPTEST_CASES", "16")
        .env_remove("HPROF")
        .env_remove("HPROF_DIR");
    if profiled {
        cargo.env("HPROF", entry.switch);
    }
    cargo
}

/// What cargo says if it is not the compiler that fails.
fn cargo_error(folder: &Path, entry: &Entry, package: &Path, profiled: bool) -> Result<String> {
    let again = cargo("test", folder, entry, package, profiled)
        .args(["--no-run", "--quiet"])
        .output()?;
    Ok(String::from_utf8_lossy(&again.stderr).into_owned())
}

/// Hits of all lines in the raw files of a folder.
fn hits(records: &Path) -> Result<Hits> {
    let mut hits = Hits::default();
    for file in fs::read_dir(records)? {
        let profile = hprof::raw::read(&file?.path())?;
        for cost in function_costs(&profile, Scope::All) {
            let function = &profile.functions[cost.function.0 as usize];
            for line in &cost.lines {
                let is_brace = function
                    .lines
                    .iter()
                    .any(|row| row.line == line.line && row.kind == LineKind::Brace);
                hits.all += line.own.hits;
                if is_brace && line.line != function.end_line {
                    hits.braces += line.own.hits;
                    hits.idle_braces += if line.own.frees == 0 {
                        line.own.hits
                    } else {
                        0
                    };
                }
            }
        }
    }
    Ok(hits)
}

impl Trial {
    fn read_messages(&mut self, output: &[u8], package: &Path) -> Result<()> {
        for message in String::from_utf8_lossy(output).lines() {
            self.read_message(&serde_json::from_str(message)?, package);
        }
        Ok(())
    }

    /// Takes a message of the compiler about the copy itself.
    fn read_message(&mut self, message: &Value, package: &Path) {
        let about = message["manifest_path"].as_str().map(Path::new);
        if message["reason"] != "compiler-message" || about != Some(&package.join("Cargo.toml")) {
            return;
        }
        let message = &message["message"];
        // Counts of the others, not about any place.
        let Some(span) = message["spans"].get(0) else {
            return;
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let text = format!(
            "{}:{} ({}): {}",
            text(&span["file_name"]),
            span["line_start"],
            text(&message["code"]["code"]),
            text(&message["message"])
        );
        match message["level"].as_str() {
            Some("warning") => self.warnings.insert(text),
            Some("error") => self
                .errors
                .insert(message["rendered"].as_str().unwrap_or(&text).to_owned()),
            _ => false,
        };
    }

    /// Takes the lines `test NAME ... RESULT` and the times of the summaries.
    fn read_results(&mut self, output: &str) {
        for line in output.lines() {
            if let Some((name, result)) = line
                .strip_prefix("test ")
                .and_then(|line| line.split_once(" ... "))
            {
                self.tests.push(format!("{name} {result}"));
            }
            if let Some((_, seconds)) = line.split_once("finished in ") {
                self.seconds += seconds.trim_end_matches('s').parse().unwrap_or(0.0);
            }
        }
        self.tests.sort_unstable();
    }
}
