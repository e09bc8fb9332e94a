//! `unannotated`: published programs that do not know of hprof, built plainly and by `hprof run --all`: same output, no file changed, and what it costs.
//!
//! Each is unpacked into `target/unannotated`, into a git repository made for it. It is built and run plainly, measured in full twice, for the second
//! time must build nothing, and fitted. `programs` is the list.

mod programs;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

pub(super) use programs::PROGRAMS;
use programs::Program;

/// How often a program is run; the quickest counts.
const ROUNDS: usize = 5;
/// About the bytes of the file of text.
const TEXT: usize = 20_000_000;
/// Work for an interpreter.
const SCRIPT: &str = "\
fn fib(n) { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }
let sum = 0;
for at in 0..200000 { sum += at % 7; }
print(`${sum} ${fib(21)}`);
";

/// Whether all programs did the same with hprof as without. `names` chooses some of them, `--no-tests` leaves their own tests out.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
pub(super) fn run(workspace: &Path, hprof: &Path, names: &[String]) -> Result<bool, String> {
    let (options, names): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.starts_with('-'));
    if let Some(option) = options.iter().find(|option| **option != "--no-tests") {
        return Err(format!("there is no option {option}, only --no-tests"));
    }
    for name in &names {
        if !PROGRAMS.iter().any(|program| program.name == *name) {
            return Err(format!("`{name}` is not in the list"));
        }
    }
    let is_chosen =
        |program: &&Program| names.is_empty() || names.iter().any(|name| *name == program.name);
    let bench = Bench::new(workspace, hprof)?;
    println!(
        "| program | with | functions | from nothing to the first table | build again, fitted | run, full | run, fitted |\n|---|---|---|---|---|---|---|"
    );
    let mut is_faultless = true;
    let mut tell = |(row, faults): (String, Vec<String>)| {
        println!("{row}");
        // At once: who stops the run should not lose them.
        for fault in &faults {
            println!("FAULT: {fault}");
        }
        is_faultless &= faults.is_empty();
    };
    for program in PROGRAMS.iter().filter(is_chosen) {
        let trial = Trial::new(&bench, program)?;
        tell(trial.run()?);
        if program.has_tests && options.is_empty() {
            tell(trial.own_tests()?);
        }
    }
    Ok(is_faultless)
}

/// What all programs need.
pub(super) struct Bench {
    pub(super) folder: PathBuf,
    /// The packages as published, by name and version.
    packages: PathBuf,
    pub(super) hprof: PathBuf,
}

impl Bench {
    pub(super) fn new(workspace: &Path, hprof: &Path) -> Result<Self, String> {
        let named = |path: &Path| fs::canonicalize(path).map_err(|error| say(path, &error));
        let folder = named(workspace)?.join("target/unannotated");
        let bench = Self {
            packages: folder.join("packages"),
            folder,
            hprof: named(hprof)?,
        };
        bench.download()?;
        bench
            .write_inputs()
            .map_err(|error| say(&bench.folder, &error))?;
        Ok(bench)
    }

    /// Has cargo fetch the packages, as dependencies of a package that is never built.
    fn download(&self) -> Result<(), String> {
        let list = self.folder.join("list");
        let mut manifest = "[package]\nname = \"list\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n".to_owned();
        for (name, version) in PROGRAMS.iter().flat_map(packages) {
            let version = format!("\"={version}\"");
            manifest.extend([
                name,
                " = { version = ",
                &version,
                ", default-features = false }\n",
            ]);
        }
        let path = list.join("Cargo.toml");
        if self.packages.exists() && fs::read(&path).is_ok_and(|old| old == manifest.as_bytes()) {
            return Ok(());
        }
        let write = || {
            fs::create_dir_all(list.join("src"))?;
            fs::write(list.join("src/lib.rs"), "")?;
            fs::write(&path, manifest)
        };
        write().map_err(|error| say(&list, &error))?;
        let mut vendor = Command::new("cargo");
        vendor.args(["vendor", "--quiet", "--versioned-dirs"]);
        checked(vendor.arg(&self.packages).current_dir(&list))?;
        Ok(())
    }

    /// What the programs read.
    fn write_inputs(&self) -> io::Result<()> {
        let program = &PROGRAMS[0];
        let package = self.package(program.name, program.version);
        let text = fs::read_to_string(package.join("tests/regression.rs"))?;
        fs::write(self.folder.join("text"), text.repeat(TEXT / text.len()))?;
        fs::write(self.folder.join("script"), SCRIPT)
    }

    fn package(&self, name: &str, version: &str) -> PathBuf {
        self.packages.join(format!("{name}-{version}"))
    }

    pub(super) fn args(&self, program: &Program) -> Vec<OsString> {
        let arg = |arg: &&str| match *arg {
            "TEXT" => self.folder.join("text").into(),
            "SCRIPT" => self.folder.join("script").into(),
            "SOURCES" => self.package("rhai", "1.27.0").into(),
            arg => arg.into(),
        };
        program.args.iter().map(arg).collect()
    }
}

/// The packages that a program is put together from, its own first.
fn packages(program: &Program) -> impl Iterator<Item = (&'static str, &'static str)> {
    let own = (program.name, program.version);
    std::iter::once(own).chain(program.members.iter().copied())
}

/// One program, unpacked.
pub(super) struct Trial<'a> {
    pub(super) bench: &'a Bench,
    pub(super) program: &'a Program,
    pub(super) folder: PathBuf,
}

impl<'a> Trial<'a> {
    pub(super) fn new(bench: &'a Bench, program: &'a Program) -> Result<Self, String> {
        let folder = bench.folder.join(program.name);
        let trial = Self {
            bench,
            program,
            folder,
        };
        trial.unpack().map_err(|error| say(&trial.folder, &error))?;
        checked(&mut trial.cargo(&["fetch", "--quiet"]))?;
        for git in [
            &["init", "--quiet"][..],
            &["add", "--all", "--force"],
            &[
                "-c",
                "user.name=nobody",
                "-c",
                "user.email=nobody@localhost",
                "commit",
                "--quiet",
                "--message=as published",
            ],
        ] {
            checked(trial.command("git").args(git))?;
        }
        Ok(trial)
    }

    /// Puts the workspace together, with its target folder ignored by git.
    fn unpack(&self) -> io::Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        let program = self.program;
        copy(
            &self.bench.package(program.name, program.version),
            &self.folder,
        )?;
        let mut members = Vec::new();
        let mut patches = String::new();
        for (name, version) in program.members {
            let place = format!("members/{name}");
            copy(
                &self.bench.package(name, version),
                &self.folder.join(&place),
            )?;
            patches.extend([name, " = { path = \"", &place, "\" }\n"]);
            members.push(place);
        }
        let path = self.folder.join("Cargo.toml");
        let manifest = fs::read_to_string(&path)?;
        let text = format!(
            "{manifest}\n[workspace]\nmembers = {members:?}\n\n[patch.crates-io]\n{patches}\n{}",
            program.manifest
        );
        fs::write(&path, text)?;
        fs::write(self.folder.join(".gitignore"), "/target\n")
    }

    pub(super) fn command(&self, name: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(name);
        // Cargo tells this program, which it has started, of our own workspace.
        for variable in [
            "CARGO_TARGET_DIR",
            "CARGO_INCREMENTAL",
            "CARGO_MANIFEST_DIR",
            "HPROF_DIR",
        ] {
            command.env_remove(variable);
        }
        command.current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    pub(super) fn cargo(&self, args: &[&str]) -> Command {
        let mut command = self.command("cargo");
        command.args(args);
        command
    }

    /// `hprof run --all`, or `test`.
    pub(super) fn hprof(&self, what: &str, options: &[&str]) -> Command {
        let mut command = self.command(&self.bench.hprof);
        command.arg(what).args(options).args(self.program.build);
        command
    }

    fn run(&self) -> Result<(String, Vec<String>), String> {
        let program = self.program;
        let mut faults = Vec::new();
        let mut fault = |text: &str| faults.push(format!("{}: {text}", program.name));
        let args = self.bench.args(program);
        let began = Instant::now();
        checked(self.cargo(&["build", "--release"]).args(program.build))?;
        let plain_build = began.elapsed();
        let binary = self.folder.join("target/release").join(program.binary);
        let (plain, plain_run) = self.quickest(&binary, None, &args)?;
        let mut measure = |options: &[&str]| {
            let began = Instant::now();
            let output = output(self.hprof("run", options).arg("--").args(&args))?;
            if !self.is_same(&plain, &output) {
                let code = output.status.code();
                fault(&format!(
                    "another output, or exit code {code:?} in place of {:?}, with {options:?}: {}",
                    plain.status.code(),
                    last_lines(&output)
                ));
            }
            Ok::<_, String>((output, began.elapsed()))
        };
        let (first, full_build) = measure(&["--all", "--no-fit"])?;
        let instrumented = self.binary()?;
        let (recorded, full_run) = self.quickest(&instrumented, Some("full"), &args)?;
        let (second, _) = measure(&["--all", "--no-fit", "--report=none"])?;
        let (_, fitted_build) = measure(&["--all", "--report=none"])?;
        let (fitted, fitted_run) = self.quickest(&instrumented, Some("fitted"), &args)?;
        if String::from_utf8_lossy(&second.stderr).contains("Compiling") {
            fault("the second call built something");
        }
        if !self.is_same(&plain, &recorded) || !self.is_same(&plain, &fitted) {
            fault("another output of the program by itself");
        }
        let told = String::from_utf8_lossy(&first.stderr);
        faults.extend(self.complaints(&told)?);
        let functions = told
            .lines()
            .find_map(|line| line.strip_prefix("hprof: instrumented "));
        let row = format!(
            "| {} {} | {} | {} | {} ({:.0} s, plain {:.0} s) | {} | {} | {} |",
            program.name,
            program.version,
            program.has,
            functions.unwrap_or("none"),
            ratio(full_build, plain_build),
            full_build.as_secs_f64(),
            plain_build.as_secs_f64(),
            ratio(fitted_build, plain_build),
            ratio(full_run, plain_run),
            ratio(fitted_run, plain_run),
        );
        Ok((row, faults))
    }

    /// What is wrong with the report, and whether a file changed.
    fn complaints(&self, told: &str) -> Result<Vec<String>, String> {
        let mut faults = Vec::new();
        if !told.contains("Line Contents") {
            faults.push("no line table".to_owned());
        }
        let left_out = told.lines().filter(|line| line.contains("is not measured"));
        faults.extend(left_out.map(str::to_owned));
        let changed = checked(self.command("git").args(["status", "--porcelain"]))?;
        if !changed.stdout.is_empty() {
            let changed = String::from_utf8_lossy(&changed.stdout);
            faults.push(format!("changed: {changed}"));
        }
        let name = self.program.name;
        Ok(faults
            .into_iter()
            .map(|fault| format!("{name}: {fault}"))
            .collect())
    }

    /// Its own tests, plainly and measured: how many passed and failed.
    fn own_tests(&self) -> Result<(String, Vec<String>), String> {
        let plain = output(&mut self.cargo(&["test", "--workspace", "--no-fail-fast"]))?;
        let options = ["--all", "--report=none", "--workspace", "--no-fail-fast"];
        let measured = output(&mut self.hprof("test", &options))?;
        let (plainly, with) = (results(&plain), results(&measured));
        let mut faults = Vec::new();
        if plainly != with || plainly.0 == 0 || plain.status.code() != measured.status.code() {
            faults.push(format!(
                "{}: {plainly:?} tests passed and failed, with hprof {with:?}: {}",
                self.program.name,
                last_lines(&measured)
            ));
        }
        let row = format!(
            "{}: {} of its own tests pass and {} fail, with hprof {} and {}",
            self.program.name, plainly.0, plainly.1, with.0, with.1
        );
        Ok((row, faults))
    }

    /// The program that `hprof run --all` has built.
    fn binary(&self) -> Result<PathBuf, String> {
        let target = self.folder.join("target");
        let folders = fs::read_dir(&target).map_err(|error| say(&target, &error))?;
        folders
            .flatten()
            .map(|entry| entry.path().join("hprof").join(self.program.binary))
            .find(|path| path.is_file())
            .ok_or_else(|| {
                format!(
                    "no measured {} in {}",
                    self.program.binary,
                    target.display()
                )
            })
    }

    /// What it prints, and how long the quickest run took. With `records` it is measured into a folder of that name.
    fn quickest(
        &self,
        binary: &Path,
        records: Option<&str>,
        args: &[OsString],
    ) -> Result<(Output, Duration), String> {
        let mut best: Option<(Output, Duration)> = None;
        for _ in 0..ROUNDS {
            let mut command = self.command(binary);
            command.args(args);
            if let Some(name) = records {
                let folder = self.folder.join("target/records").join(name);
                let fresh = || {
                    if folder.exists() {
                        fs::remove_dir_all(&folder)?;
                    }
                    fs::create_dir_all(&folder)
                };
                fresh().map_err(|error| say(&folder, &error))?;
                command.env("HPROF_DIR", &folder);
            }
            let began = Instant::now();
            let output = output(&mut command)?;
            let took = began.elapsed();
            if best.as_ref().is_none_or(|(_, best)| took < *best) {
                best = Some((output, took));
            }
        }
        best.ok_or_else(|| "never run".to_owned())
    }

    fn is_same(&self, plain: &Output, other: &Output) -> bool {
        let text = |output: &Output| {
            let mut lines: Vec<Vec<u8>> = output
                .stdout
                .split(|byte| *byte == b'\n')
                .map(<[u8]>::to_vec)
                .collect();
            if self.program.is_unordered {
                lines.sort();
            }
            lines
        };
        plain.status.code() == other.status.code() && text(plain) == text(other)
    }
}

/// Tests that passed and failed, in all.
fn results(output: &Output) -> (usize, usize) {
    let text = String::from_utf8_lossy(&output.stdout);
    let count = |what: &str| {
        let results = text
            .lines()
            .filter(|line| line.starts_with("test result: "));
        let counts = results.filter_map(|line| {
            let (before, _) = line.split_once(what)?;
            before.rsplit(' ').next()?.parse::<usize>().ok()
        });
        counts.sum()
    };
    (count(" passed"), count(" failed"))
}

fn ratio(time: Duration, plain: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() / plain.as_secs_f64())
}

fn last_lines(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

pub(super) fn output(command: &mut Command) -> Result<Output, String> {
    let started = command.output();
    started.map_err(|error| format!("{command:?}: {error}"))
}

pub(super) fn checked(command: &mut Command) -> Result<Output, String> {
    let output = output(command)?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{command:?}: {}", last_lines(&output)))
}

fn say(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

/// Copies a package, without what cargo noted of its files.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &place)?;
        } else if entry.file_name() != ".cargo-checksum.json" {
            fs::copy(entry.path(), place)?;
        }
    }
    Ok(())
}
