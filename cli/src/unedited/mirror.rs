//! A tree of links to the folders of a program, in which instrumented copies stand in the places of some files.
//!
//! ```text
//! /home/u/work/app/src/main.rs   is instrumented, in a workspace at /home/u/work/app
//! MIRROR/app/src/main.rs         the copy; app and app/src are folders, and MIRROR stands for /home/u/work
//! MIRROR/app/data -> /home/u/work/app/data, MIRROR/other -> /home/u/work/other     links for everything beside them
//! ```
//!
//! The compiler works in the mirror of its folder, so it gets the same relative paths as ever and finds the same files, one level above the workspace too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::command_line::normal;

/// A folder with more entries than this has links only for what is on the way to a copy.
const MOST_LINKS: usize = 10_000;

/// A mirror. It is deleted at the end.
#[derive(Debug)]
pub(super) struct Mirror {
    /// Where it is.
    folder: PathBuf,
    /// What it stands for.
    original: PathBuf,
}

impl Mirror {
    /// Makes a mirror in `folder`, with these texts in place of files. `working` is the folder that the compiler was started in.
    pub(super) fn make(
        folder: &Path,
        working: &Path,
        texts: &BTreeMap<PathBuf, String>,
    ) -> io::Result<Self> {
        let texts: BTreeMap<PathBuf, &String> = texts
            .iter()
            .map(|(path, text)| (normal(&working.join(path)), text))
            .collect();
        let mut original = working.parent().unwrap_or(working).to_owned();
        while !texts.keys().all(|path| path.starts_with(&original)) {
            original.pop();
        }
        remove(folder)?;
        let mirror = Self {
            folder: folder.to_owned(),
            original,
        };
        let mut folders = BTreeSet::from([mirror.original.clone(), working.to_owned()]);
        for path in texts.keys().map(PathBuf::as_path).chain([working]) {
            let above = path.ancestors().skip(1);
            folders.extend(
                above
                    .take_while(|above| above.starts_with(&mirror.original))
                    .map(Path::to_owned),
            );
        }
        // Folders come before what is in them.
        for original in &folders {
            mirror.fill(original, &folders, &texts)?;
        }
        for (path, text) in &texts {
            fs::write(mirror.place(path), text)?;
        }
        Ok(mirror)
    }

    /// Makes one folder, with links to all that is not mirrored itself.
    fn fill(
        &self,
        original: &Path,
        folders: &BTreeSet<PathBuf>,
        texts: &BTreeMap<PathBuf, &String>,
    ) -> io::Result<()> {
        let place = self.place(original);
        fs::create_dir_all(&place)?;
        // Folders above the program may be closed to us: what is in them is not missed by most programs.
        let entries = fs::read_dir(original).into_iter().flatten();
        let entries: Vec<_> = entries.flatten().take(MOST_LINKS + 1).collect();
        if entries.len() > MOST_LINKS {
            return Ok(());
        }
        for entry in entries {
            let path = entry.path();
            if !folders.contains(&path) && !texts.contains_key(&path) {
                symlink(&path, place.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    /// Where the mirror has what is at `path`.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        match path.strip_prefix(&self.original) {
            Ok(inside) => self.folder.join(inside),
            Err(_) => path.to_owned(),
        }
    }

    /// The option that has the compiler name the originals.
    pub(super) fn remap_option(&self) -> std::ffi::OsString {
        let mut option = std::ffi::OsString::from("--remap-path-prefix=");
        option.push(&self.folder);
        option.push("=");
        option.push(&self.original);
        option
    }

    /// A text of the compiler with the originals in the places of copies.
    pub(super) fn without(&self, text: &str) -> String {
        let (from, to) = (
            self.folder.to_string_lossy(),
            self.original.to_string_lossy(),
        );
        text.replace(&*from, to.trim_end_matches('/'))
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        // The next one in its place empties it first.
        let _ = remove(&self.folder);
    }
}

/// Deletes a mirror; what its links lead to stays.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_stand_among_links() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["w/app/src/deep", "w/app/data", "w/beside", "other/shared"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for name in [
            "w/app/src/main.rs",
            "w/app/src/deep/a.rs",
            "w/app/data/x",
            "w/beside/y",
            "other/shared/b.rs",
        ] {
            fs::write(at(name), name).unwrap();
        }
        let texts = BTreeMap::from([
            (PathBuf::from("src/main.rs"), "copy".to_owned()),
            (
                PathBuf::from("src/../../../other/shared/b.rs"),
                "copy".to_owned(),
            ),
        ]);
        let mirror = Mirror::make(&at("t/mirror"), &at("w/app"), &texts).unwrap();
        let read = |name: &str| fs::read_to_string(mirror.place(&at(name))).unwrap();
        assert_eq!(read("w/app/src/main.rs"), "copy");
        assert_eq!(read("other/shared/b.rs"), "copy");
        assert_eq!(read("w/app/src/deep/a.rs"), "w/app/src/deep/a.rs");
        assert_eq!(read("w/app/data/x"), "w/app/data/x");
        assert_eq!(read("w/beside/y"), "w/beside/y");
        let from_copy = mirror.place(&at("w/app")).join("src/../../beside/y");
        assert_eq!(fs::read_to_string(from_copy).unwrap(), "w/beside/y");
        let named = format!("{}:", mirror.place(&at("w/app/src/main.rs")).display());
        assert_eq!(
            mirror.without(&named),
            format!("{}:", at("w/app/src/main.rs").display())
        );
        drop(mirror);
        assert!(!at("t/mirror").exists() && at("w/app/data/x").exists());
        assert_eq!(
            fs::read_to_string(at("w/app/src/main.rs")).unwrap(),
            "w/app/src/main.rs"
        );
    }
}
