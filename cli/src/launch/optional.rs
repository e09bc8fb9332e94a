//! Which feature switches hprof's library on where it is an optional dependency: of a package meant, or of one of the workspace that
//! it depends on.

use std::collections::BTreeSet;

use cargo_metadata::{Dependency, DependencyKind, Package};

/// Name of the package that users depend on.
pub(super) const RUNTIME: &str = "hprof-core";
/// A dependency on hprof's library that a feature switches on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OptionalLibrary {
    /// The package that depends on it, if that is none of the packages meant.
    pub(crate) package: Option<String>,
    /// What `-F` takes.
    pub(crate) feature: String,
}

/// Looks at the packages meant, then at the members of the workspace that they depend on.
pub(super) fn find(meant: &[&Package], members: &[&Package]) -> Option<OptionalLibrary> {
    for package in meant {
        if let Some(feature) = switches(package).into_iter().next() {
            return Some(OptionalLibrary {
                package: None,
                feature,
            });
        }
    }
    for package in meant {
        for dependency in built(package) {
            let is_it = |member: &&&Package| {
                member.name.as_str() == dependency.name && dependency.path.is_some()
            };
            let Some(member) = members.iter().find(is_it) else {
                continue;
            };
            let switches = switches(member);
            let Some(first) = switches.first() else {
                continue;
            };
            let name = local_name(dependency);
            let through = |part: &str| {
                let parts = part
                    .split_once("?/")
                    .filter(|_| !dependency.optional)
                    .or(part.split_once('/'));
                parts.is_some_and(|(by, feature)| by == name && switches.contains(feature))
            };
            // A feature of the package itself that leads there is what its author means to be used.
            let own = enabling(package, &through).into_iter().next();
            return Some(OptionalLibrary {
                package: Some(member.name.to_string()),
                feature: own.unwrap_or_else(|| format!("{name}/{first}")),
            });
        }
    }
    None
}

/// The dependencies that programs are built with.
fn built(package: &Package) -> impl Iterator<Item = &Dependency> {
    let dependencies = package.dependencies.iter();
    dependencies.filter(|dependency| dependency.kind == DependencyKind::Normal)
}

fn local_name(dependency: &Dependency) -> &str {
    dependency.rename.as_ref().unwrap_or(&dependency.name)
}

/// The features of a package that switch on its optional dependency on hprof's library.
fn switches(package: &Package) -> BTreeSet<String> {
    let library = built(package).find(|dependency| dependency.name == RUNTIME);
    let Some(library) = library.filter(|library| library.optional) else {
        return BTreeSet::new();
    };
    let name = local_name(library);
    let direct = |part: &str| {
        part.strip_prefix("dep:") == Some(name)
            || part
                .split_once('/')
                .is_some_and(|(by, _)| by == name && !by.ends_with('?'))
    };
    enabling(package, &direct)
}

/// The features that have such a part, or one that has; never `default`, which is on already unless the user left it off.
fn enabling(package: &Package, direct: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    loop {
        let before = found.len();
        for (feature, parts) in &package.features {
            let mut parts = parts.iter();
            if parts.any(|part| direct(part) || found.contains(part)) {
                found.insert(feature.clone());
            }
        }
        if found.len() == before {
            break;
        }
    }
    found.remove("default");
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn package(name: &str, dependencies: &Value, features: &Value) -> Package {
        let package = json!({
            "name": name, "version": "0.1.0", "id": name, "dependencies": dependencies,
            "targets": [], "features": features, "manifest_path": "/p/Cargo.toml",
        });
        serde_json::from_value(package).unwrap()
    }

    fn dependency(name: &str, rename: Option<&str>, optional: bool) -> Value {
        json!({
            "name": name, "req": "*", "kind": null, "rename": rename, "optional": optional,
            "uses_default_features": true, "features": [], "target": null, "path": "/x",
        })
    }

    fn feature(package: &Package) -> Option<String> {
        Some(find(&[package], &[package])?.feature)
    }

    #[test]
    fn the_feature_is_named_in_all_the_ways_that_switch_it_on() {
        let library = json!([dependency(RUNTIME, Some("hprof"), true)]);
        for (features, expected) in [
            (json!({"prof": ["dep:hprof"]}), Some("prof")),
            (json!({"hprof": ["dep:hprof"]}), Some("hprof")),
            (json!({"x": ["hprof/native"]}), Some("x")),
            (
                json!({"weak": ["hprof?/native"], "z": ["dep:hprof"]}),
                Some("z"),
            ),
            (
                json!({"default": ["y"], "y": ["z"], "z": ["dep:hprof"]}),
                Some("y"),
            ),
            (json!({"other": []}), None),
        ] {
            let package = package("a", &library, &features);
            assert_eq!(feature(&package).as_deref(), expected, "{features}");
        }
        let always = json!([dependency(RUNTIME, None, false)]);
        assert_eq!(feature(&package("a", &always, &json!({}))), None);
    }

    #[test]
    fn a_member_that_has_it_is_reached_through_the_package() {
        let library = json!([dependency(RUNTIME, None, true)]);
        let member = package("core-lib", &library, &json!({"prof": ["dep:hprof-core"]}));
        let uses = json!([dependency("core-lib", Some("core"), false)]);
        let plain = package("a", &uses, &json!({}));
        let found = find(&[&plain], &[&plain, &member]).unwrap();
        assert_eq!(found.package.as_deref(), Some("core-lib"));
        assert_eq!(found.feature, "core/prof");
        let leading = package("a", &uses, &json!({"mine": ["core/prof"]}));
        let found = find(&[&leading], &[&leading, &member]).unwrap();
        assert_eq!(found.feature, "mine");
    }
}
