//! One cargo command that builds the program and starts our launcher in its place.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, bail};
use cargo_platform::Cfg;
use toml::{Table, Value};

use super::cargo_command::{CARGO_HINT, bare_cargo, output};
use super::cargo_config::{CargoConfig, has_profile_key};
use super::launches::launches;
use super::package::Package;
use super::process::{self, exit_code};
use super::records::Records;
use super::spec::LAUNCHER_ARGUMENT;
use crate::failure::Hint;
use crate::output;
use crate::settings::Build;

/// Cargo, ready to build and run one selection of targets.
#[derive(Debug)]
pub(crate) struct Cargo<'a> {
    pub(super) build: &'a Build,
    /// Our cargo profile, as `--config` options.
    profile: Vec<String>,
    /// Targets whose runner is replaced, each with the user's own.
    pub(crate) runners: BTreeMap<String, Vec<String>>,
    /// Feature to build with, beside those that the user asks for.
    pub(crate) feature: Option<String>,
    /// Variables for the build, such as those that hand the macro its lists.
    pub(crate) variables: Vec<(String, OsString)>,
    /// What the crates of the workspace are compiled with.
    pub(crate) additions: Additions,
    /// Whether the target is the machine that compiles because nobody named one.
    is_default_target: bool,
    /// What the user has cargo call in place of the compiler.
    pub(crate) wrappers: Vec<OsString>,
    /// The user's options for the compiler of documentation tests.
    pub(crate) rustdoc_flags: Vec<String>,
    /// The user's configuration without the places of packages, the strongest first, if it says that they come from elsewhere than cargo's registry.
    pub(super) without_sources: Option<Vec<Table>>,
}

/// What cargo is told beside what its user says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Additions {
    /// Variables.
    pub(crate) environment: Vec<(String, OsString)>,
    /// Whether the target has to be named, so that code of build scripts can be told from that of the program.
    pub(crate) names_target: bool,
}

/// Finds out what cargo has to be told.
pub(crate) fn cargo<'a>(build: &'a Build, package: &Package) -> anyhow::Result<Cargo<'a>> {
    let config = CargoConfig::read(&env::current_dir()?, &build.config)?;
    if let Some(trouble) = config.trouble() {
        output::say(format_args!(
            "a runner or target in cargo's configuration is not seen: {trouble}"
        ));
    }
    let mut runners = BTreeMap::new();
    let is_default_target = Cell::new(false);
    let default_target = || {
        is_default_target.set(true);
        host()
    };
    for triple in config.targets(&build.target, default_target)? {
        let runner = config.runner(&triple, || cfgs(&triple))?;
        runners.insert(triple, runner);
    }
    Ok(Cargo {
        build,
        profile: profile_options(build, package, &config),
        runners,
        feature: None,
        variables: Vec::new(),
        additions: Additions::default(),
        is_default_target: is_default_target.get() && build.target.is_empty(),
        wrappers: config.wrappers(),
        rustdoc_flags: config.rustdoc_flags(),
        without_sources: config.without_sources(),
    })
}

/// Options for the compiler by which no function or loop starts in the middle of a cache line. Otherwise a longer text in one function moves the code of all that follow, and a
/// loop of a few instructions that comes to lie across two lines can take twice as long: of two builds of the same sources, in folders with names
/// of different length.
const ALIGNED: [&str; 4] = [
    "-C",
    "llvm-args=-align-all-functions=6",
    "-C",
    "llvm-args=-align-loops=64",
];
/// Likewise, for jumps of processors with Intel's erratum SKX102.
const EVEN_JUMPS: [&str; 2] = ["-C", "llvm-args=-x86-branches-within-32B-boundaries"];
/// Variable with the options of the compiler, and what stands between them.
const RUST_FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";
const BETWEEN_FLAGS: &str = "\x1f";

impl Cargo<'_> {
    /// Has functions and loops start at the same places of cache lines whatever stands before them, so that two programs can be compared by time.
    pub(crate) fn align_code(&mut self) -> anyhow::Result<()> {
        let config = CargoConfig::read(&env::current_dir()?, &self.build.config)?;
        let triple = self.runners.keys().next();
        let mut flags = triple.map_or_else(Vec::new, |triple| config.rustflags(triple));
        flags.extend(ALIGNED.map(str::to_owned));
        if triple.is_some_and(|triple| triple.starts_with("x86_64")) {
            flags.extend(EVEN_JUMPS.map(str::to_owned));
        }
        self.variables
            .push((RUST_FLAGS.into(), flags.join(BETWEEN_FLAGS).into()));
        Ok(())
    }

    /// Builds and runs, and returns cargo's exit code; that of the program if cargo has given its place to it.
    pub(crate) fn run(&self, switch: &str, records: &Records) -> anyhow::Result<u8> {
        let hprof = env::current_exe().context("cannot find hprof's own program file")?;
        let mut command = self.command(self.build.subcommand, switch);
        for triple in self.runners.keys() {
            let runner = [
                hprof.to_string_lossy().into_owned(),
                LAUNCHER_ARGUMENT.into(),
                records.spec().to_string_lossy().into_owned(),
                triple.clone(),
                "--".into(),
            ];
            command.arg("--config").arg(format!(
                "target.{}.runner={}",
                key(triple),
                Value::from(runner.to_vec())
            ));
        }
        command
            .args(&self.build.filter)
            .arg("--")
            .args(&self.build.args);
        let folder = records.folder().to_owned();
        // `cargo test` stays between hprof and the launchers and would not hand a signal on.
        let launchers = move || running_launchers(&folder);
        let running = process::start(&mut command, launchers)
            .context("cannot start cargo")
            .hint(CARGO_HINT)?;
        Ok(exit_code(running.wait()?.0.end()))
    }

    /// Builds only, for cargo's messages in JSON on the standard output.
    pub(super) fn messages(&self, switch: &str) -> anyhow::Result<String> {
        // Documentation tests are built when they run: of those only the library is built before.
        let doc = self.build.selection.iter().any(|option| option == "--doc");
        let mut command = match self.build.subcommand {
            "run" => self.command("build", switch),
            _ if doc => self.command("build", switch),
            harness => self.command(harness, switch),
        };
        if self.build.subcommand != "run" && !doc {
            command.arg("--no-run");
        }
        command.arg("--message-format=json");
        Ok(String::from_utf8_lossy(&output(&mut command)?.stdout).into_owned())
    }

    /// Options of `cargo metadata` for the same package.
    pub(super) fn lookup(&self) -> &[OsString] {
        &self.build.lookup
    }

    /// Name of our cargo profile, which is that of its folder too.
    pub(super) fn profile_name(&self) -> &str {
        &self.build.profile.name
    }

    /// The targets that are built for, where that is this machine because nobody named one: cargo need not look at others then.
    pub(crate) fn default_targets(&self) -> Vec<&str> {
        let targets = self.runners.keys().filter(|_| self.is_default_target);
        targets.map(String::as_str).collect()
    }

    /// The targets that are built for.
    pub(super) fn targets(&self) -> impl Iterator<Item = &String> {
        self.runners.keys()
    }

    fn command(&self, subcommand: &str, switch: &str) -> Command {
        let mut command = self.start_of_command(subcommand, switch);
        let doc = |option: &&OsString| *option == "--doc";
        let selection = self.build.selection.iter();
        command.args(selection.filter(|option| subcommand == "test" || !doc(option)));
        command.args(&self.build.options);
        if let Some(feature) = &self.feature {
            command.arg(format!("--features={feature}"));
        }
        self.name_profile(&mut command);
        command
    }

    pub(super) fn start_of_command(&self, subcommand: &str, switch: &str) -> Command {
        let mut command = bare_cargo();
        command.env(hprof::env::SWITCH, switch).arg(subcommand);
        let added = self.additions.environment.iter().chain(&self.variables);
        command.envs(added.map(|(name, value)| (name, value)));
        if self.additions.names_target && self.is_default_target {
            command.args(
                self.runners
                    .keys()
                    .map(|triple| format!("--target={triple}")),
            );
        }
        command
    }

    pub(super) fn name_profile(&self, command: &mut Command) {
        command.arg(format!("--profile={}", self.build.profile.name));
        for option in &self.profile {
            command.arg("--config").arg(option);
        }
    }
}

/// A name as a part of a key: quoted where it must be.
fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.bytes().all(bare) {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

fn running_launchers(folder: &Path) -> Vec<libc::pid_t> {
    let launches = launches(folder).unwrap_or_default();
    launches
        .iter()
        .filter(|launch| launch.ended.is_none())
        .map(|launch| launch.launcher)
        .collect()
}

/// Our cargo profile. Keys the user set for it stay: the command line would win over them.
fn profile_options(build: &Build, package: &Package, config: &CargoConfig) -> Vec<String> {
    let name = &build.profile.name;
    let manifest = fs::read_to_string(package.root.join("Cargo.toml")).unwrap_or_default();
    // A manifest that cannot be understood is cargo's to complain about.
    let manifest: Table = manifest.parse().unwrap_or_default();
    let keys = [
        ("inherits", build.profile.base.as_str()),
        ("debug", "line-tables-only"),
        ("strip", "none"),
    ];
    keys.into_iter()
        .filter(|(key, _)| {
            !has_profile_key(&manifest, name, key) && !config.has_profile_key(name, key)
        })
        .map(|(key, value)| format!("profile.{name}.{key}={}", Value::from(value)))
        .collect()
}

/// The target that programs are built for by default.
fn host() -> anyhow::Result<String> {
    let output = output(bare_cargo().arg("-vV"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("cargo does not tell its host")
}

fn cfgs(triple: &str) -> anyhow::Result<Vec<Cfg>> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print=cfg", "--target", triple])
        .output()
        .context("cannot start rustc")?;
    if !output.status.success() {
        bail!("rustc does not know the target {triple}");
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| Cfg::from_str(line).with_context(|| format!("rustc has the cfg {line}")))
        .collect()
}
