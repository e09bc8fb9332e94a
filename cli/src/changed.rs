//! Which lines changed since a revision, as git tells: of the working tree, with what is not committed and files that are new.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use hprof::model::Profile;
use hprof::regular_file;
use hprof_reports::ChangedFile;

use crate::failure::Hint;
use crate::git::{self, git, text};

/// No source file is longer.
const LONGEST: u64 = 16 << 20;

/// Changed lines of the Rust files of a repository.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Its working tree.
    root: PathBuf,
    /// All its Rust files, by path from there.
    all: BTreeSet<String>,
    /// Those that changed.
    files: BTreeMap<String, Vec<RangeInclusive<u32>>>,
}

impl Changes {
    /// Asks git in the current folder.
    pub(crate) fn since(revision: &str) -> anyhow::Result<Self> {
        let root = git(&["rev-parse", "--show-toplevel"])
            .hint("--changed asks git: stand in the working tree of the program's repository")?;
        let root = PathBuf::from(root.trim_end_matches('\n'));
        let commit = git::commit(None, revision)?;
        let mut diff = vec!["-C", text(&root)?, "-c", "core.quotePath=false", "diff"];
        diff.extend(["-U0", "--no-color", "--no-ext-diff", "--no-textconv"]);
        diff.extend(["--src-prefix=a/", "--dst-prefix=b/", &commit, "--"]);
        let mut files = changed_lines(&git(&diff)?);
        let listed = |which| {
            let here = ["-C", text(&root)?, "ls-files", which];
            let paths = git(&[&here[..], &["--exclude-standard", "-z"]].concat())?;
            let paths = paths.split_terminator('\0').filter(|path| is_rust(path));
            Ok::<_, anyhow::Error>(paths.map(str::to_owned).collect::<BTreeSet<String>>())
        };
        let mut all = listed("--cached")?;
        let new = listed("--others")?;
        files.retain(|path, _| is_rust(path));
        files.extend(new.iter().map(|path| (path.clone(), vec![1..=u32::MAX])));
        all.extend(new);
        let mut changes = Self { root, all, files };
        changes.end_at_last_lines();
        Ok(changes)
    }

    /// How many lines changed.
    pub(crate) fn lines(&self) -> u64 {
        let ranges = self.files.values().flatten();
        ranges
            .map(|lines| u64::from(lines.end() - lines.start()) + 1)
            .sum()
    }

    /// The files of a profile that have changed lines; an error if it has none of this repository at all.
    pub(crate) fn of(&self, profile: &Profile) -> anyhow::Result<Vec<ChangedFile>> {
        let names: BTreeSet<&str> = (profile.functions.iter())
            .map(|function| function.file.as_str())
            .collect();
        let places: Vec<(&str, String)> = names
            .into_iter()
            .filter_map(|name| Some((name, self.path_of(name, profile)?)))
            .collect();
        if places.is_empty() {
            let root = self.root.display();
            return Err(anyhow!(
                "no source file of the profile is in the repository {root}"
            ))
            .hint("stand in the repository of the program that was profiled");
        }
        let changed = places.into_iter().filter_map(|(name, path)| {
            Some(ChangedFile {
                name: name.to_owned(),
                lines: self.files.get(&path)?.clone(),
                text: self.text(&path)?,
            })
        });
        Ok(changed.collect())
    }

    fn text(&self, path: &str) -> Option<String> {
        regular_file::read_text(&self.root.join(path), LONGEST).ok()
    }

    /// Files that are changed as a whole have no more lines than they have.
    fn end_at_last_lines(&mut self) {
        let root = self.root.clone();
        self.files.retain(|path, lines| {
            if lines.as_slice() != [1..=u32::MAX] {
                return true;
            }
            let text = regular_file::read_text(&root.join(path), LONGEST).unwrap_or_default();
            let last = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
            *lines = vec![1..=last];
            last > 0
        });
    }

    /// Where the file is in the repository that the compiler was told under this name. Where the profile's own folder is not on this
    /// machine, it is the only one whose path ends alike.
    fn path_of(&self, name: &str, profile: &Profile) -> Option<String> {
        let packages = (profile.functions.iter())
            .filter(|function| function.file == name)
            .flat_map(|function| Path::new(&function.package).ancestors());
        let root = profile.run.source_root.as_deref().map(Path::new);
        let own = root
            .into_iter()
            .chain(packages)
            .filter(|root| root.is_absolute())
            .find_map(|root| fs::canonicalize(root.join(name)).ok());
        if let Some(own) = &own
            && let Ok(path) = own.strip_prefix(&self.root)
        {
            return path.to_str().map(str::to_owned);
        }
        // Another copy of the repository than the one that was built.
        if self.all.contains(name) {
            return Some(name.to_owned());
        }
        if own.is_some() {
            return None;
        }
        let mut alike = (self.all.iter())
            .filter(|path| Path::new(path).ends_with(name) || Path::new(name).ends_with(path));
        let only = alike.next();
        only.filter(|_| alike.next().is_none()).cloned()
    }
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|end| end == "rs")
}

/// For each file of a patch without context which lines of it, as they are now, are others.
fn changed_lines(patch: &str) -> BTreeMap<String, Vec<RangeInclusive<u32>>> {
    let mut files: BTreeMap<String, Vec<RangeInclusive<u32>>> = BTreeMap::new();
    let mut file = None;
    // Lines of a hunk may look like anything, so they are counted.
    let mut inside = 0u64;
    for line in patch.split('\n') {
        if inside > 0 {
            inside -= u64::from(line.starts_with(['+', '-']));
        } else if let Some(path) = line.strip_prefix("+++ ") {
            file = unquoted(path.trim_end_matches('\t'))
                .strip_prefix("b/")
                .map(str::to_owned);
        } else if let Some((before, now)) = hunk(line) {
            inside = u64::from(before.1) + u64::from(now.1);
            if let (Some(file), 1..) = (&file, now.1) {
                let lines = now.0..=now.0.saturating_add(now.1 - 1);
                files.entry(file.clone()).or_default().push(lines);
            }
        }
    }
    files
}

/// First line and number of lines on both sides of `@@ -1,2 +3 @@`.
fn hunk(line: &str) -> Option<((u32, u32), (u32, u32))> {
    let mut words = line.strip_prefix("@@ -")?.split(' ');
    let range = |word: &str| {
        let (first, lines) = word.split_once(',').unwrap_or((word, "1"));
        Some((first.parse().ok()?, lines.parse().ok()?))
    };
    let before = range(words.next()?)?;
    Some((before, range(words.next()?.strip_prefix('+')?)?))
}

/// A path as git writes it: in quotes if there is a quote, a backslash or a control character in it.
fn unquoted(path: &str) -> String {
    let Some(inner) = path
        .strip_prefix('"')
        .and_then(|path| path.strip_suffix('"'))
    else {
        return path.to_owned();
    };
    let mut plain = String::new();
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('t') => plain.push('\t'),
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            character => plain.push(character),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_patch_are_those_of_the_new_side() {
        let patch = "diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -3 +3,2 @@ fn a() {\n-x\n+y\n++++ b/z.rs\n\
                     @@ -9,2 +10,0 @@\n-x\n--- a/b.rs\n@@ -20,0 +20 @@\n+@@ -1 +1 @@\n\
                     diff --git a/b c.rs b/b c.rs\n--- a/b c.rs\t\n+++ b/b c.rs\t\n@@ -0,0 +1 @@\n+x\n\\ No newline at end of file\n\
                     --- a/q.rs\n+++ \"b/q\\\"\\\\.rs\"\n@@ -5 +5 @@\n-\n+\n\
                     --- a/gone.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
        let files = changed_lines(patch);
        let files: Vec<(&str, &[RangeInclusive<u32>])> = files
            .iter()
            .map(|(path, lines)| (path.as_str(), lines.as_slice()))
            .collect();
        assert_eq!(
            files,
            [
                ("a.rs", &[3..=4, 20..=20][..]),
                ("b c.rs", &[1..=1]),
                ("q\"\\.rs", &[5..=5]),
            ]
        );
    }
}
