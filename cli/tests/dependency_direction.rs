//! The direction in which the crates may depend on each other, what the recorder may link, and the compiler that each crate asks for.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId};

fn metadata() -> Metadata {
    MetadataCommand::new()
        .no_deps()
        .exec()
        .expect("cargo knows this workspace")
}

/// Names of the normal dependencies of a package that pass `wanted`.
fn direct(
    package: &Package,
    wanted: impl Fn(&cargo_metadata::Dependency) -> bool,
) -> BTreeSet<String> {
    let normal = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal
        .filter(|dependency| wanted(dependency))
        .map(|dependency| dependency.name.clone())
        .collect()
}

#[test]
fn data_goes_one_way() {
    let allowed = BTreeMap::from([
        (
            "hprof-cli",
            vec!["hprof-core", "hprof-injector", "hprof-reports"],
        ),
        ("hprof-core", vec!["hprof-macros"]),
        ("hprof-injector", vec![]),
        ("hprof-macros", vec![]),
        ("hprof-reports", vec!["hprof-core"]),
        ("sample-workloads", vec!["hprof-core"]),
        ("xtask", vec![]),
    ]);
    let packages = metadata().packages;
    let names: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    assert_eq!(
        names,
        allowed.keys().copied().collect(),
        "the packages of the workspace"
    );
    for package in &packages {
        let found = direct(package, |dependency| {
            allowed.contains_key(dependency.name.as_str())
        });
        let allowed: BTreeSet<String> = allowed[package.name.as_str()]
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            found.is_subset(&allowed),
            "{} depends on {found:?}",
            package.name
        );
    }
}

#[test]
fn nothing_for_people_below_the_reports() {
    const FOR_PEOPLE: [&str; 7] = [
        "clap",
        "inferno",
        "serde_json",
        "anstream",
        "anstyle",
        "indicatif",
        "unicode-width",
    ];
    for package in metadata().packages {
        if ["hprof-macros", "hprof-core"].contains(&package.name.as_str()) {
            let found = direct(&package, |dependency| {
                FOR_PEOPLE.contains(&dependency.name.as_str())
            });
            assert!(found.is_empty(), "{} depends on {found:?}", package.name);
        }
    }
}

/// Every crate that a profiled program links beside its own is a cost to the user.
#[test]
fn a_profiled_program_links_next_to_nothing() {
    let metadata = metadata();
    let core = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "hprof-core");
    let core = core.expect("hprof-core is in the workspace");
    let always = direct(core, |dependency| !dependency.optional);
    assert!(
        always.is_empty(),
        "{always:?} is linked without any feature"
    );
    let runtime: BTreeSet<&str> = core.features["runtime"]
        .iter()
        .map(String::as_str)
        .collect();
    assert_eq!(
        runtime,
        BTreeSet::from(["dep:hprof-macros", "dep:libc", "dep:sysinfo"])
    );
    assert_eq!(core.features["default"], ["runtime"]);
    for optional in ["native", "tracing"] {
        assert!(core.features.contains_key(optional), "{optional}");
    }
}

/// A user's program is built by the user's compiler, so nothing that a library of ours pulls in may need a newer one than the library says.
#[test]
fn no_dependency_needs_a_newer_compiler_than_its_crate_says() {
    let metadata = MetadataCommand::new()
        .other_options([
            "--filter-platform".into(),
            "x86_64-unknown-linux-gnu".into(),
        ])
        .exec()
        .expect("cargo knows this workspace");
    let said = |id: &PackageId| metadata[id].rust_version.clone();
    let nodes = &metadata.resolve.as_ref().expect("a resolved graph").nodes;
    let nodes: BTreeMap<&PackageId, &Node> = nodes.iter().map(|node| (&node.id, node)).collect();
    for member in metadata.workspace_packages() {
        let name = member.name.as_str();
        let promised = said(&member.id).expect("every crate says what it needs");
        let expected = if name == "hprof-cli" {
            "1.91.0"
        } else {
            "1.88.0"
        };
        assert_eq!(promised.to_string(), expected, "{name}");
        let mut seen = BTreeSet::new();
        let mut left = vec![&member.id];
        while let Some(id) = left.pop() {
            if !seen.insert(id) {
                continue;
            }
            if let Some(needed) = said(id) {
                let package = &metadata[id];
                assert!(
                    needed <= promised,
                    "{name} says Rust {promised}, but {} {} needs {needed}",
                    package.name,
                    package.version
                );
            }
            let used = nodes[id].deps.iter().filter(|dependency| {
                dependency
                    .dep_kinds
                    .iter()
                    .any(|kind| kind.kind != DependencyKind::Development)
            });
            left.extend(used.map(|dependency| &dependency.pkg));
        }
        assert!(seen.len() > 1, "{name} has dependencies");
    }
}
