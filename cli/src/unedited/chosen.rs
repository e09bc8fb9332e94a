//! Which crates are instrumented, and which of their functions: those of the workspace, and the dependencies that were asked for.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::anyhow;
use hprof_injector::{Crate, Edition};

use super::pattern::{Patterns, nearest};
use super::plan::patterns_variable;
use crate::failure;
use crate::launch::{Dependency, Graph, Package, Target};

/// Near names in a message.
const NAMED: usize = 3;

/// What is instrumented.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// Whether the program depends on the recorder's crate by itself.
    pub(super) uses_hprof: bool,
    /// Whether dependencies are among the targets.
    pub(super) has_dependencies: bool,
    targets: Vec<Target>,
    /// Other libraries, which may depend on those.
    others: Vec<Target>,
    patterns: Patterns,
}

impl Chosen {
    /// `dependencies` are their names; an empty list, or an empty name, stands for all of them.
    pub(crate) fn new(
        package: &Package,
        graph: Graph,
        patterns: Patterns,
        dependencies: Option<&[String]>,
    ) -> anyhow::Result<Self> {
        let mut chosen = Self {
            uses_hprof: graph.uses_hprof,
            has_dependencies: dependencies.is_some(),
            targets: package.targets.clone(),
            others: Vec::new(),
            patterns,
        };
        if let Some(typed) = dependencies {
            let names = typed.iter().flat_map(|text| text.split(','));
            let names: BTreeSet<&str> = names
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .collect();
            check_names(package, &graph, &names)?;
            let is_named = |dependency: &Dependency| {
                !dependency.is_of_recorder
                    && (names.is_empty() || names.iter().any(|name| is_called(dependency, name)))
            };
            let (named, others): (Vec<_>, Vec<_>) =
                graph.dependencies.iter().cloned().partition(is_named);
            let target = |dependency: Dependency| dependency.target;
            chosen.targets.extend(named.into_iter().map(target));
            chosen.others.extend(others.into_iter().map(target));
        }
        chosen.check_patterns(&graph)?;
        Ok(chosen)
    }

    /// The roots of the crates that are instrumented.
    pub(super) fn roots(&self) -> Vec<PathBuf> {
        roots(&self.targets)
    }

    /// The roots of the crates that may be linked to those.
    pub(super) fn other_roots(&self) -> Vec<PathBuf> {
        roots(&self.others)
    }

    /// A variable with the patterns of each crate.
    pub(super) fn variables(&self) -> Vec<(String, OsString)> {
        let targets = self.targets.iter();
        let crates: BTreeSet<String> = targets.map(|target| target.crate_name.clone()).collect();
        let variable = |name: &String| {
            let text = self.patterns.for_crate(name, &crates).text();
            (patterns_variable(name), text.into())
        };
        crates.iter().map(variable).collect()
    }

    /// A pattern that no function matches is a mistake.
    fn check_patterns(&self, graph: &Graph) -> anyhow::Result<()> {
        if self.patterns.is_empty() {
            return Ok(());
        }
        let paths: BTreeSet<String> = self.targets.iter().flat_map(paths).collect();
        let paths: Vec<String> = paths.into_iter().collect();
        let Some(pattern) = self.patterns.without_match(&paths) else {
            return Ok(());
        };
        let whole = if self.has_dependencies {
            "the workspace and of the dependencies chosen"
        } else {
            "the workspace"
        };
        let error = anyhow!("no function of {whole} matches {pattern}");
        let is_it = |dependency: &&Dependency| {
            let first = pattern.split_once("::").map(|(first, _)| first);
            first == Some(&*dependency.target.crate_name)
                && !self.targets.contains(&dependency.target)
        };
        if let Some(dependency) = graph.dependencies.iter().find(is_it) {
            let name = &dependency.package;
            let hint = format!("{name} is a dependency: add --dependencies={name}");
            return Err(failure::with_hint(error, hint));
        }
        let near = nearest(pattern, &paths, NAMED);
        Err(failure::with_hint(
            error,
            format!("near names: {}", near.join(", ")),
        ))
    }
}

fn roots(targets: &[Target]) -> Vec<PathBuf> {
    targets.iter().map(|target| target.root.clone()).collect()
}

/// Packages and crates can have different names, and cargo takes a dash for an underscore in some places.
fn is_called(dependency: &Dependency, name: &str) -> bool {
    dependency.package == name || dependency.target.crate_name == name.replace('-', "_")
}

/// The paths of all functions of a crate.
fn paths(target: &Target) -> Vec<String> {
    let edition = if target.is_first_edition {
        Edition::First
    } else {
        Edition::Later
    };
    let files = Crate::read(&target.crate_name, &target.root, edition).files;
    let functions = files.iter().flat_map(|file| {
        let functions = file.source.functions.iter();
        functions.map(|function| format!("{}::{}", file.module, function.path))
    });
    functions.collect()
}

/// A name that is none of a dependency is a mistake.
fn check_names(package: &Package, graph: &Graph, names: &BTreeSet<&str>) -> anyhow::Result<()> {
    for name in names {
        let mut called = graph.dependencies.iter();
        let called = called.find(|dependency| is_called(dependency, name));
        let (error, hint) = match called {
            Some(dependency) if !dependency.is_of_recorder => continue,
            Some(_) => (
                anyhow!("{name} cannot be measured: the recorder itself depends on it"),
                "leave it out; without a value, --dependencies means all that can be measured"
                    .into(),
            ),
            None => (
                anyhow!("the program has no dependency called {name}"),
                hint(package, graph, name),
            ),
        };
        return Err(failure::with_hint(error, hint));
    }
    Ok(())
}

fn hint(package: &Package, graph: &Graph, name: &str) -> String {
    let crate_name = name.replace('-', "_");
    let mut members = package.targets.iter();
    if members.any(|target| target.crate_name == crate_name) {
        return format!("{name} is of the workspace, all of which is measured");
    }
    let packages = graph.dependencies.iter();
    let packages: BTreeSet<_> = packages
        .map(|dependency| dependency.package.clone())
        .collect();
    let packages: Vec<String> = packages.into_iter().collect();
    match &*nearest(name, &packages, NAMED) {
        [] => "it has none but crates of the workspace, all of which are measured".into(),
        near => format!("near names: {}", near.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str) -> Target {
        Target {
            crate_name: name.into(),
            root: format!("/{name}/lib.rs").into(),
            is_first_edition: false,
        }
    }

    fn package() -> Package {
        Package {
            root: "/p".into(),
            target_folder: "/p/target".into(),
            build_folder: "/p/target".into(),
            optional: None,
            library: None,
            targets: vec![target("own")],
        }
    }

    fn graph() -> Graph {
        let dependency = |package: &str, name: &str, is_of_recorder| Dependency {
            package: package.into(),
            target: target(name),
            is_of_recorder,
        };
        Graph {
            uses_hprof: true,
            has_native: false,
            dependencies: vec![
                dependency("md-5", "md5", false),
                dependency("two-words", "two_words", false),
                dependency("libc", "libc", true),
            ],
        }
    }

    fn chosen(names: &str, patterns: &str) -> anyhow::Result<Chosen> {
        let patterns = Patterns::new([patterns]);
        Chosen::new(&package(), graph(), patterns, Some(&[names.to_owned()]))
    }

    #[test]
    fn dependencies_are_chosen_by_package_or_crate() {
        let roots = |names: &str| {
            let chosen = chosen(names, "").unwrap();
            let names = |roots: Vec<PathBuf>| {
                let names = roots.iter().map(|root| root.display().to_string());
                names.collect::<Vec<_>>().join(" ")
            };
            [names(chosen.roots()), names(chosen.other_roots())]
        };
        let all = "/own/lib.rs /md5/lib.rs /two_words/lib.rs";
        assert_eq!(roots(""), [all, "/libc/lib.rs"]);
        assert_eq!(roots("md-5, two_words"), [all, "/libc/lib.rs"]);
        let one = ["/own/lib.rs /two_words/lib.rs", "/md5/lib.rs /libc/lib.rs"];
        assert_eq!(roots("two-words"), one);
    }

    #[test]
    fn names_that_are_none_are_told_with_what_may_be_meant() {
        let told = |names: &str, patterns: &str| {
            let error = chosen(names, patterns).unwrap_err();
            let hint = failure::hint_of(&error).unwrap().to_owned();
            (error.to_string(), hint)
        };
        let (error, hint) = told("tow-words", "");
        assert_eq!(error, "the program has no dependency called tow-words");
        assert_eq!(hint, "near names: two-words, md-5, libc");
        let (error, _) = told("libc", "");
        assert_eq!(
            error,
            "libc cannot be measured: the recorder itself depends on it"
        );
        assert_eq!(
            told("own", "").1,
            "own is of the workspace, all of which is measured"
        );
        let (error, hint) = told("two-words", "md5::*");
        let whole = "no function of the workspace and of the dependencies chosen matches md5::*";
        assert_eq!(error, whole);
        assert_eq!(hint, "md-5 is a dependency: add --dependencies=md-5");
    }
}
