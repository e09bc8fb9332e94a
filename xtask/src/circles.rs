//! `circles`: the files of a crate that import each other in a circle. It prints each circle with the imports that make it one.
//!
//! An import is a path to something that another file of the crate defines: in a `use`, in code or in the tokens of a macro. What is re-exported counts
//! for the file that defines it. Tests may import whatever they like. Methods are not followed: their type was imported from somewhere.

mod components;
mod names;
mod source;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use source::Source;

/// What one file imports from another: the names, with the lines where they stand.
type Names = BTreeMap<String, usize>;

/// Whether none of the crates has a circle. `crates` are folders of the workspace; without any, all of them.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
pub(super) fn run(workspace: &Path, crates: &[String]) -> Result<bool, String> {
    let all = crates_of(workspace).map_err(|error| format!("{}: {error}", workspace.display()))?;
    let chosen = if crates.is_empty() { &all[..] } else { crates };
    let mut clean = true;
    for name in chosen {
        if !all.contains(name) {
            return Err(format!("no crate in {name}; there are {}", all.join(", ")));
        }
        let found = circles_of(&workspace.join(name).join("src"))?;
        clean &= found.is_empty();
        for circle in found {
            println!("{name}: a circle of {circle}");
        }
    }
    Ok(clean)
}

/// The folders of the workspace that are crates.
fn crates_of(workspace: &Path) -> io::Result<Vec<String>> {
    let mut crates = Vec::new();
    for entry in fs::read_dir(workspace)? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() && entry.path().join("src").exists() {
            crates.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    crates.sort();
    Ok(crates)
}

/// Each circle between the files of a folder `src`, in words.
fn circles_of(src: &Path) -> Result<Vec<String>, String> {
    let source = Source::read(src)?;
    let mut imports: Vec<BTreeMap<usize, Names>> = vec![BTreeMap::new(); source.files.len()];
    for (id, module) in source.modules.iter().enumerate() {
        for mention in &module.mentions {
            let found = if mention.is_glob {
                names::file_of_glob(&source, id, &mention.path)
            } else {
                names::file_of(&source, id, &mention.path)
            };
            if let Some(file) = found.filter(|file| *file != module.file) {
                let names = imports[module.file].entry(file).or_default();
                names.entry(mention.path.join("::")).or_insert(mention.line);
            }
        }
    }
    let edges: Vec<BTreeSet<usize>> = imports
        .iter()
        .map(|of_file| of_file.keys().copied().collect())
        .collect();
    let circles = components::circles(&edges);
    Ok(circles
        .iter()
        .map(|circle| in_words(&source, &imports, circle))
        .collect())
}

fn in_words(source: &Source, imports: &[BTreeMap<usize, Names>], circle: &[usize]) -> String {
    let mut lines = vec![format!("{} files", circle.len())];
    for file in circle {
        for (other, names) in &imports[*file] {
            if circle.contains(other) {
                let names: Vec<String> = names
                    .iter()
                    .map(|(name, line)| format!("{name} (line {line})"))
                    .collect();
                lines.push(format!(
                    "  {} -> {}: {}",
                    source.files[*file].display(),
                    source.files[*other].display(),
                    names.join(", ")
                ));
            }
        }
    }
    lines.join("\n")
}
