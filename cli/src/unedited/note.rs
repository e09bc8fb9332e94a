//! What became of a crate, noted beside what was made of it: cargo does not call the compiler again for a crate that is up to date.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hprof::regular_file;
use serde::{Deserialize, Serialize};

/// What the name of a note ends in.
const SUFFIX: &str = ".hprof.json";
/// No note is longer.
const LONGEST: u64 = 64 << 20;

/// One crate as it was compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Its name.
    pub(super) name: String,
    /// Functions with a body that were found.
    pub(super) found: usize,
    /// Those that got the attribute.
    pub(super) instrumented: usize,
    /// Those that cannot be measured.
    pub(super) constant: usize,
    /// Those that their author annotated.
    pub(super) annotated: usize,
    /// Those among the tokens of macros, which are not found.
    pub(super) in_macros: usize,
    /// Those that did not compile with the attribute, and why.
    pub(super) refused: Vec<Refused>,
    /// Why nothing of it is instrumented, if it was compiled plain.
    pub(super) plain: Option<String>,
    /// Files that could not be parsed.
    pub(super) unreadable: Vec<PathBuf>,
    /// The crates it is linked to, and the programs that it starts.
    pub(super) parts: Vec<PathBuf>,
}

/// A function that did not compile with the attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    /// Its path.
    pub(super) function: String,
    /// The message of the compiler.
    pub(super) error: String,
}

impl Note {
    /// Where the note on a crate is.
    fn path(folder: &Path, stem: &OsStr) -> PathBuf {
        let mut name = stem.to_owned();
        name.push(SUFFIX);
        folder.join(name)
    }

    /// Writes it.
    pub(super) fn write(&self, folder: &Path, stem: &OsStr) -> io::Result<()> {
        fs::write(Self::path(folder, stem), serde_json::to_vec(self)?)
    }

    /// The note on a crate that others are linked to, or on a program; `None` if it was not compiled by us.
    pub(super) fn read(made: &Path) -> Option<Self> {
        let path = of_library(made).or_else(|| of_program(made))?;
        let bytes = regular_file::read(&path, LONGEST).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// `libname-hash.rlib` is made beside the note `name-hash`.
fn of_library(made: &Path) -> Option<PathBuf> {
    let stem = made.file_stem()?.to_str()?.strip_prefix("lib")?;
    let path = Note::path(made.parent()?, stem.as_ref());
    (made.extension().is_some() && path.exists()).then_some(path)
}

/// Cargo gives a program its name by a second link to the file that the compiler made, in the same folder or in `deps`.
fn of_program(made: &Path) -> Option<PathBuf> {
    let identity = |path: &Path| {
        fs::metadata(path)
            .ok()
            .map(|facts| (facts.dev(), facts.ino()))
    };
    let wanted = identity(made)?;
    let folder = made.parent()?;
    let folders = [folder.to_owned(), folder.join("deps")];
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten();
    entries.flatten().map(|entry| entry.path()).find(|path| {
        let name = path.file_name().and_then(OsStr::to_str);
        let stem = name.and_then(|name| name.strip_suffix(SUFFIX));
        stem.is_some_and(|stem| identity(&path.with_file_name(stem)) == Some(wanted))
    })
}

/// The programs that cargo tells an integration test of.
pub(super) fn programs_of_tests(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = PathBuf> {
    environment
        .filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_BIN_EXE_"))
        .map(|(_, path)| path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_found_by_what_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let deps = folder.path().join("deps");
        fs::create_dir(&deps).unwrap();
        let note = |name: &str| Note {
            name: name.into(),
            ..Note::default()
        };
        note("a").write(&deps, "a-01".as_ref()).unwrap();
        note("b").write(&deps, "b-02".as_ref()).unwrap();
        fs::write(deps.join("b-02"), "").unwrap();
        fs::write(deps.join("other"), "").unwrap();
        fs::hard_link(deps.join("b-02"), folder.path().join("b")).unwrap();
        let name = |path: PathBuf| Note::read(&path).map(|note| note.name);
        assert_eq!(name(deps.join("liba-01.rlib")).as_deref(), Some("a"));
        assert_eq!(name(deps.join("liba-01.rmeta")).as_deref(), Some("a"));
        assert_eq!(name(folder.path().join("b")).as_deref(), Some("b"));
        assert_eq!(name(deps.join("b-02")).as_deref(), Some("b"));
        assert_eq!(name(deps.join("other")), None);
        assert_eq!(name(deps.join("libc-03.rlib")), None);
    }
}
