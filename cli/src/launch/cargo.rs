//! One cargo command that builds the program and starts our launcher in its place.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, bail};
use cargo_platform::Cfg;
use toml::{Table, Value};

use super::cargo_config::{CargoConfig, has_profile_key};
use super::launcher::LAUNCHER_ARGUMENT;
use super::package::{CARGO_HINT, Package, output};
use super::process::{self, exit_code};
use super::records::{self, Records};
use crate::failure::Hint;
use crate::settings::Build;

/// Cargo, ready to build and run one selection of targets.
#[derive(Debug)]
pub(crate) struct Cargo<'a> {
    build: &'a Build,
    /// Our cargo profile, as `--config` options.
    profile: Vec<String>,
    /// Target whose runner is replaced.
    triple: String,
    /// The user's own runner.
    pub(crate) runner: Vec<String>,
    /// Feature to build with, beside those that the user asks for.
    pub(crate) feature: Option<String>,
}

/// Finds out what cargo has to be told.
pub(crate) fn cargo<'a>(build: &'a Build, package: &Package) -> anyhow::Result<Cargo<'a>> {
    let config = CargoConfig::read(&env::current_dir()?, &build.config)?;
    let triple = match build.target.clone().or_else(|| config.build_target()) {
        Some(triple) => triple,
        None => host()?,
    };
    let runner = config.runner(&triple, || cfgs(&triple))?;
    Ok(Cargo {
        build,
        profile: profile_options(build, package, &config),
        triple,
        runner,
        feature: None,
    })
}

impl Cargo<'_> {
    /// Builds and runs, and returns cargo's exit code; that of the program if cargo has given its place to it.
    pub(crate) fn run(&self, switch: &str, records: &Records) -> anyhow::Result<u8> {
        let hprof = env::current_exe().context("cannot find hprof's own program file")?;
        let runner = [
            hprof.to_string_lossy().into_owned(),
            LAUNCHER_ARGUMENT.into(),
            records.order().to_string_lossy().into_owned(),
            "--".into(),
        ];
        let mut command = self.command(self.build.subcommand, switch);
        command.arg("--config").arg(format!(
            "target.{}.runner={}",
            self.triple,
            Value::from(runner.to_vec())
        ));
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
        Ok(exit_code(running.wait()?.end))
    }

    /// Builds only, for cargo's messages in JSON on the standard output.
    pub(super) fn messages(&self, switch: &str) -> anyhow::Result<String> {
        let subcommand = if self.build.subcommand == "run" {
            "build"
        } else {
            self.build.subcommand
        };
        let mut command = self.command(subcommand, switch);
        if subcommand != "build" {
            command.arg("--no-run");
        }
        command.arg("--message-format=json");
        Ok(String::from_utf8_lossy(&output(&mut command)?.stdout).into_owned())
    }

    /// Options of `cargo metadata` for the same package.
    pub(super) fn lookup(&self) -> &[OsString] {
        &self.build.lookup
    }

    fn command(&self, subcommand: &str, switch: &str) -> Command {
        let mut command = bare_cargo();
        command.env(hprof::env::SWITCH, switch).arg(subcommand);
        command
            .args(&self.build.selection)
            .args(&self.build.options);
        if let Some(feature) = &self.feature {
            command.arg(format!("--features={feature}"));
        }
        command.arg(format!("--profile={}", self.build.profile.name));
        for option in &self.profile {
            command.arg("--config").arg(option);
        }
        command
    }
}

fn running_launchers(folder: &Path) -> Vec<libc::pid_t> {
    let launches = records::launches(folder).unwrap_or_default();
    launches
        .iter()
        .filter(|launch| launch.ended.is_none())
        .map(|launch| launch.launcher)
        .collect()
}

/// Cargo without what an outer cargo told hprof of hprof's own package, and without what would make a build script record.
pub(super) fn bare_cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let outer = ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_"]
            .iter()
            .any(|prefix| text.starts_with(prefix));
        if outer
            || matches!(
                &*text,
                "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR"
            )
        {
            command.env_remove(name);
        }
    }
    command.env_remove(hprof::env::DIR);
    command
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
