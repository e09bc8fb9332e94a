//! The packages that a program is put together from, as far as cargo tells before it builds: whether the recorder is one of them, and which
//! crates of others can be instrumented.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::bail;
use cargo_metadata::{Metadata, PackageId};

use super::optional::RUNTIME;
use super::package::{OURS, Target, metadata, of_programs, parse};

/// What a program depends on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// Whether the recorder is among it.
    pub(crate) uses_hprof: bool,
    /// Whether it can sample stacks then.
    pub(crate) has_native: bool,
    /// The libraries that are no members of the workspace.
    pub(crate) dependencies: Vec<Dependency>,
}

/// A library that is no member of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// Name of its package.
    pub(crate) package: String,
    /// What is compiled.
    pub(crate) target: Target,
    /// Whether the recorder that the program depends on is linked to it, too: then it cannot be linked to the recorder.
    pub(crate) is_of_recorder: bool,
}

/// Asks cargo for all packages. `targets` are those that are built for, if they are known: others are not looked at then.
pub(crate) fn graph(lookup: &[OsString], targets: &[&str]) -> anyhow::Result<Graph> {
    let metadata = all_packages(lookup, targets)?;
    let members: BTreeSet<&PackageId> = metadata.workspace_members.iter().collect();
    let of_recorder = below_recorder(&metadata);
    let others = metadata
        .packages
        .iter()
        .filter(|package| !members.contains(&package.id) && !OURS.contains(&package.name.as_str()));
    let libraries = others.flat_map(|package| {
        let targets = package.targets.iter().filter(|target| of_programs(target));
        let libraries = targets.filter(|target| {
            !(target.is_bin() || target.is_example() || target.is_test() || target.is_bench())
        });
        let is_of_recorder = of_recorder.contains(&package.id);
        libraries.map(move |target| Dependency {
            package: package.name.to_string(),
            target: Target::of(target),
            is_of_recorder,
        })
    });
    Ok(Graph {
        uses_hprof: has_recorder(&metadata),
        has_native: has_native(&metadata),
        dependencies: libraries.collect(),
    })
}

/// Whether hprof's library is among the packages of the workspace and their dependencies.
pub(crate) fn uses_hprof(lookup: &[OsString]) -> anyhow::Result<bool> {
    Ok(has_recorder(&all_packages(lookup, &[])?))
}

fn has_recorder(metadata: &Metadata) -> bool {
    let mut packages = metadata.packages.iter();
    packages.any(|package| *package.name == RUNTIME)
}

/// Whether the recorder is built with its feature `native`.
fn has_native(metadata: &Metadata) -> bool {
    let recorder = metadata.packages.iter();
    let mut recorder = recorder.filter(|package| *package.name == RUNTIME);
    let mut nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let id = recorder.next().map(|package| &package.id);
    let node = nodes.find(|node| Some(&node.id) == id);
    node.is_some_and(|node| node.features.iter().any(|feature| **feature == "native"))
}

/// The recorder's package and all that it depends on.
fn below_recorder(metadata: &Metadata) -> BTreeSet<&PackageId> {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let nodes: BTreeMap<_, _> = nodes.map(|node| (&node.id, node)).collect();
    let recorders = metadata.packages.iter();
    let mut waiting: Vec<&PackageId> = recorders
        .filter(|package| *package.name == RUNTIME)
        .map(|package| &package.id)
        .collect();
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if found.insert(id) {
            let node = nodes.get(id).into_iter();
            waiting.extend(node.flat_map(|node| &node.dependencies));
        }
    }
    found
}

/// The folders of hprof's own packages in the graph.
pub(super) fn our_folders(lookup: &[OsString], targets: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let metadata = all_packages(lookup, targets)?;
    let ours = metadata
        .packages
        .into_iter()
        .filter(|package| OURS.contains(&package.name.as_str()));
    Ok(ours
        .filter_map(|package| package.manifest_path.parent().map(|folder| folder.into()))
        .collect())
}

fn all_packages(lookup: &[OsString], targets: &[&str]) -> anyhow::Result<Metadata> {
    let platforms = targets
        .iter()
        .map(|target| format!("--filter-platform={target}").into());
    let lookup: Vec<OsString> = lookup.iter().cloned().chain(platforms).collect();
    let output = metadata(&lookup, false)?;
    if !output.status.success() {
        bail!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    parse(&output)
}
