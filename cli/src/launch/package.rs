//! The package the user means: where its target folder is, and the targets of its workspace.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Output;

use anyhow::Context;
use cargo_metadata::{Edition, Metadata, MetadataCommand};

use super::cargo_command::{bare_cargo, output};
pub(crate) use super::optional::OptionalLibrary;
use super::optional::{self, RUNTIME};
use crate::settings::PackageQuery;

/// Name of the folder that profiles are saved in.
pub(super) const RUNS: &str = "hprof-runs";

/// The packages of hprof that are part of a program.
pub(super) const OURS: [&str; 2] = [RUNTIME, "hprof-macros"];

/// The workspace of the package.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    /// Where relative source paths start.
    pub(crate) root: PathBuf,
    /// The target folder.
    pub(crate) target_folder: PathBuf,
    /// The folder of what is made on the way, where that is another one.
    pub(crate) build_folder: PathBuf,
    /// How to switch hprof's library on, where it is an optional dependency.
    pub(crate) optional: Option<OptionalLibrary>,
    /// What the manifests call hprof's library, if any of the packages meant depends on it by itself.
    pub(crate) library: Option<String>,
    /// What the members of the workspace are made of.
    pub(crate) targets: Vec<Target>,
}

/// What is compiled at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Name of the crate.
    pub(crate) crate_name: String,
    /// Its root.
    pub(crate) root: PathBuf,
    /// Whether it is of the edition of 2015.
    pub(crate) is_first_edition: bool,
}

impl Target {
    pub(super) fn of(target: &cargo_metadata::Target) -> Self {
        Self {
            crate_name: target.name.replace('-', "_"),
            root: target.src_path.clone().into_std_path_buf(),
            is_first_edition: target.edition == Edition::E2015,
        }
    }
}

impl Package {
    /// Where its profiles are saved. Not `target/hprof`: `cargo clean --profile hprof` empties that.
    pub(crate) fn runs_folder(&self) -> PathBuf {
        self.target_folder.join(RUNS)
    }
}

/// What came of looking for a package.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// It is there.
    Found(Package),
    /// Cargo's own message and exit code.
    Refused {
        /// What cargo said.
        message: Vec<u8>,
        /// Its exit code.
        code: u8,
    },
}

/// Asks cargo for the package.
pub(crate) fn find_package(query: &PackageQuery) -> anyhow::Result<Lookup> {
    let output = metadata(&query.lookup, true)?;
    if !output.status.success() {
        let code = output
            .status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(101);
        return Ok(Lookup::Refused {
            message: output.stderr,
            code,
        });
    }
    let metadata = parse(&output)?;
    let meant = meant(&metadata, query)?;
    let targets = targets(&metadata);
    let library = library(&meant);
    let optional = optional::find(&meant, &metadata.workspace_packages());
    let build_folder = metadata.build_directory.clone();
    let target_folder = match &query.target_dir {
        Some(folder) => std::path::absolute(folder)?,
        None => metadata.target_directory.into_std_path_buf(),
    };
    Ok(Lookup::Found(Package {
        library,
        optional,
        targets,
        build_folder: match (build_folder, &query.target_dir) {
            (Some(folder), None) => folder.into_std_path_buf(),
            _ => target_folder.clone(),
        },
        root: metadata.workspace_root.into_std_path_buf(),
        target_folder,
    }))
}

/// All targets of the workspace that become part of a program: no build scripts and no macros.
fn targets(metadata: &Metadata) -> Vec<Target> {
    let mut members = metadata.workspace_packages();
    // The recorder cannot record itself.
    members.retain(|member| !OURS.contains(&member.name.as_str()));
    let targets = members.iter().flat_map(|package| &package.targets);
    let targets = targets.filter(|target| of_programs(target));
    targets.map(Target::of).collect()
}

/// Whether it becomes part of a program.
pub(super) fn of_programs(target: &cargo_metadata::Target) -> bool {
    !target.is_custom_build() && !target.is_proc_macro()
}

/// The packages meant.
fn meant<'a>(
    metadata: &'a Metadata,
    query: &PackageQuery,
) -> anyhow::Result<Vec<&'a cargo_metadata::Package>> {
    let members = metadata.workspace_packages();
    let is_named = |package: &&&cargo_metadata::Package| {
        let mut names = query.packages.iter();
        names.any(|specification| name_in(specification) == package.name.as_str())
    };
    let named: Vec<_> = members.iter().filter(is_named).copied().collect();
    let around = match &query.manifest_path {
        Some(path) => std::path::absolute(path)?,
        None => std::env::current_dir()?.join("Cargo.toml"),
    };
    let folder = |package: &&cargo_metadata::Package| {
        let folder = package.manifest_path.parent()?;
        around.starts_with(folder).then_some(folder.as_str().len())
    };
    // As cargo does: the packages named, else the one around, else all.
    if !named.is_empty() {
        return Ok(named);
    }
    let mut around: Vec<_> = members.clone();
    around.retain(|package| folder(package).is_some());
    match around.into_iter().max_by_key(folder) {
        Some(package) => Ok(vec![package]),
        None => Ok(members),
    }
}

/// The name that the packages meant have given to their dependency on hprof's library.
fn library(meant: &[&cargo_metadata::Package]) -> Option<String> {
    let mut uses = meant.iter().flat_map(|package| &package.dependencies);
    let found = uses.find(|dependency| dependency.name == RUNTIME)?;
    let name = found.rename.as_ref();
    Some(name.unwrap_or(&found.name).clone())
}

/// The package that `-p` names: `name`, `name@1.0` or `path+file:///folder#name@1.0`.
fn name_in(specification: &str) -> &str {
    let after = specification.rsplit(['#', '/']).next();
    let name = after.and_then(|text| text.split('@').next());
    name.unwrap_or(specification)
}

pub(super) fn parse(output: &Output) -> anyhow::Result<Metadata> {
    let text = str::from_utf8(&output.stdout).context("cargo metadata is not text")?;
    MetadataCommand::parse(text).context("cannot understand cargo metadata")
}

/// Asks cargo, with the packages of dependencies or without.
pub(super) fn metadata(lookup: &[OsString], no_deps: bool) -> anyhow::Result<Output> {
    let mut command = bare_cargo();
    command
        .args(["metadata", "--format-version=1"])
        .args(lookup);
    // It may ask the compiler, for which the stand-ins of others are not needed.
    command
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "");
    if no_deps {
        command.arg("--no-deps");
    }
    tracing::debug!(?command, "asking");
    output(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_of_packages_name_them() {
        for text in [
            "a-b",
            "a-b@1.2.3",
            "path+file:///x/y#a-b@1.2.3",
            "path+file:///x/a-b",
        ] {
            assert_eq!(name_in(text), "a-b");
        }
    }
}
