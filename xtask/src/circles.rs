//! `circles`: the files of a crate that import each other in a circle. It prints each circle with the imports that make it one; and imports from one
//! room into another that it must not know, as `directions` has it.
//!
//! An import is a path to something that another file of the crate defines: in a `use`, in code or in the tokens of a macro. What is re-exported counts
//! for the file that defines it. Tests may import whatever they like. Methods are not followed: their type was imported from somewhere.

mod components;
mod directions;
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

/// Whether none of the crates has a circle, or knows what it must not. `crates` are folders of the workspace; without any, all of them.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
pub(super) fn run(workspace: &Path, crates: &[String]) -> Result<bool, String> {
    let all = crates_of(workspace).map_err(|error| format!("{}: {error}", workspace.display()))?;
    let chosen = if crates.is_empty() { &all[..] } else { crates };
    let mut clean = true;
    for name in chosen {
        if !all.contains(name) {
            return Err(format!("no crate in {name}; there are {}", all.join(", ")));
        }
        let src = workspace.join(name).join("src");
        if let Some(room) = directions::missing(name, &src) {
            return Err(format!("{name} has no {room}, which a rule names"));
        }
        let imports = Imports::read(&src)?;
        let circles = imports.circles();
        let forbidden = imports.forbidden(name);
        clean &= circles.is_empty() && forbidden.is_empty();
        for circle in circles {
            println!("{name}: a circle of {circle}");
        }
        for import in forbidden {
            println!("{name}: a room that must not be known: {import}");
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

/// What the files of a folder `src` import from each other.
struct Imports {
    source: Source,
    /// By the places of the files.
    of_files: Vec<BTreeMap<usize, Names>>,
}

impl Imports {
    fn read(src: &Path) -> Result<Self, String> {
        let source = Source::read(src)?;
        let mut of_files: Vec<BTreeMap<usize, Names>> = vec![BTreeMap::new(); source.files.len()];
        for (id, module) in source.modules.iter().enumerate() {
            for mention in &module.mentions {
                let found = if mention.is_glob {
                    names::file_of_glob(&source, id, &mention.path)
                } else {
                    names::file_of(&source, id, &mention.path)
                };
                if let Some(file) = found.filter(|file| *file != module.file) {
                    let names = of_files[module.file].entry(file).or_default();
                    let name = mention.path.join("::");
                    names.entry(name).or_insert(mention.line);
                }
            }
        }
        Ok(Self { source, of_files })
    }

    /// Each circle, in words.
    fn circles(&self) -> Vec<String> {
        let imported = |of_file: &BTreeMap<usize, Names>| of_file.keys().copied().collect();
        let edges: Vec<BTreeSet<usize>> = self.of_files.iter().map(imported).collect();
        let circles = components::circles(&edges);
        let in_words = |circle: &Vec<usize>| {
            let within = |(from, to): &(usize, usize)| circle.contains(from) && circle.contains(to);
            let imports = self.pairs().filter(within);
            let lines = imports.map(|(from, to)| format!("  {}", self.import(from, to)));
            let lines: Vec<String> = lines.collect();
            format!("{} files\n{}", circle.len(), lines.join("\n"))
        };
        circles.iter().map(in_words).collect()
    }

    /// Each import into a room that must not be known, in words.
    fn forbidden(&self, folder: &str) -> Vec<String> {
        let files = &self.source.files;
        let is_forbidden = |(from, to): &(usize, usize)| {
            directions::is_forbidden(folder, &files[*from], &files[*to])
        };
        let forbidden = self.pairs().filter(is_forbidden);
        forbidden.map(|(from, to)| self.import(from, to)).collect()
    }

    /// Each file with each that it imports from.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let files = self.of_files.iter().enumerate();
        files.flat_map(|(from, imports)| imports.keys().map(move |to| (from, *to)))
    }

    /// What a file imports from another.
    fn import(&self, from: usize, to: usize) -> String {
        let names: Vec<String> = self.of_files[from][&to]
            .iter()
            .map(|(name, line)| format!("{name} (line {line})"))
            .collect();
        let [from, to] = [from, to].map(|file| self.source.files[file].display());
        format!("{from} -> {to}: {}", names.join(", "))
    }
}
