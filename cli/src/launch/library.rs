//! hprof's library, built by itself: as the program uses it, or from sources that the command carries.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use tempfile::TempDir;
use toml::Table;

use super::cargo::Cargo;
use super::cargo_command::{CARGO_HINT, output};
use super::optional::RUNTIME;
use super::process::{self, exit_code};
use crate::failure::Hint;

/// How hprof's library is built by itself.
#[derive(Clone, Debug)]
pub(crate) enum LibraryBuild {
    /// As the program uses it.
    OfProgram,
    /// From sources of our own, for programs that do not use it.
    Carried {
        /// Its manifest.
        manifest: PathBuf,
        /// Where it is built.
        target_folder: PathBuf,
        /// What compiles it.
        wrapper: PathBuf,
    },
}

impl Cargo<'_> {
    /// Builds hprof's library, for cargo's messages in JSON; else its exit code, if it has told why.
    pub(crate) fn library(
        &self,
        switch: &str,
        how: &LibraryBuild,
    ) -> anyhow::Result<Result<String, u8>> {
        let mut command = self.start_of_command("build", switch);
        // Lives as long as cargo works there.
        let mut _elsewhere = None;
        match how {
            LibraryBuild::OfProgram => {
                let options = self.build.options.iter();
                command.args(options.filter(|option| !self.build.features.contains(option)));
                command.arg(format!("--package={RUNTIME}"));
                self.name_profile(&mut command);
            }
            LibraryBuild::Carried {
                manifest,
                target_folder,
                wrapper,
            } => {
                _elsewhere = self.add_sources(&mut command)?;
                command.arg("--manifest-path").arg(manifest);
                command.arg("--target-dir").arg(target_folder);
                command
                    .env("RUSTC_WRAPPER", wrapper)
                    .env("RUSTC_WORKSPACE_WRAPPER", "");
                let base = if self.build.profile.base == "dev" {
                    "dev"
                } else {
                    "release"
                };
                command.arg(format!("--profile={base}"));
                // It is linked to programs with link-time optimisation and without: it has machine code, and bitcode too.
                command
                    .arg("--config")
                    .arg(format!("profile.{base}.lto=false"));
            }
        }
        command.arg("--message-format=json-render-diagnostics");
        let mut messages = tempfile::tempfile().context("cannot make a temporary file")?;
        command.stdout(messages.try_clone()?);
        // A signal ends cargo, and then there is something to tidy up.
        let running = process::start(&mut command, Vec::new)
            .context("cannot start cargo")
            .hint(CARGO_HINT)?;
        match exit_code(running.wait()?.0.end()) {
            0 => {}
            code => return Ok(Err(code)),
        }
        messages.rewind()?;
        let mut bytes = Vec::new();
        messages.read_to_end(&mut bytes)?;
        Ok(Ok(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The options for packages of others. What the recorder depends on is not among the packages that a program keeps beside its sources: where its
    /// configuration names such a place, cargo works in a folder from which it does not find that, and gets the rest of the configuration.
    fn add_sources(&self, command: &mut Command) -> anyhow::Result<Option<TempDir>> {
        let Some(tables) = &self.without_sources else {
            command.args(&self.build.of_any_package);
            return Ok(None);
        };
        let folder = tempfile::tempdir().context("cannot make a folder for cargo to work in")?;
        // Cargo takes the last one first.
        for (number, table) in tables.iter().rev().enumerate() {
            let path = folder.path().join(format!("{number}.toml"));
            fs::write(&path, table.to_string())
                .with_context(|| format!("cannot write {}", path.display()))?;
            command.arg("--config").arg(path);
        }
        let options = self.build.of_any_package.iter();
        command.args(options.filter(|option| !names_sources(option)));
        command.current_dir(folder.path());
        // The compiler that is chosen for the folder of the program.
        if let Some(toolchain) = toolchain() {
            command.env("RUSTUP_TOOLCHAIN", toolchain);
        }
        Ok(Some(folder))
    }
}

/// Whether it is a `--config` that tells where packages are.
fn names_sources(option: &OsString) -> bool {
    let text = option.to_string_lossy();
    let Some(value) = text.strip_prefix("--config=") else {
        return false;
    };
    let text = match fs::read_to_string(Path::new(value)) {
        Ok(text) => text,
        Err(_) => value.to_owned(),
    };
    text.parse::<Table>()
        .is_ok_and(|table| table.contains_key("source"))
}

/// The folder of the compiler.
fn toolchain() -> Option<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = output(Command::new(rustc).arg("--print=sysroot")).ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|_| output.status.success())
}
