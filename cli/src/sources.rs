//! Which function a line of a source file belongs to: stacks do not tell it of closures, nor the type of a method that was inlined.
//!
//! A profile may come from anybody, and names any file: read are regular Rust files inside of the package or workspace alone, and of
//! those no more than people write.

mod scan;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use hprof::model::Profile;
use hprof::regular_file;
use hprof_reports::FunctionAt;

use self::scan::{Span, functions, innermost};

/// No source file is longer.
const LONGEST: u64 = 2 << 20;
/// Files that are looked for.
const MOST_FILES: usize = 4096;
/// Bytes of all files together.
const MOST: u64 = 32 << 20;

/// Source files, each read once.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The folder of the package or workspace; nothing is read without one.
    root: Option<PathBuf>,
    files: RefCell<HashMap<String, Vec<Span>>>,
    /// Bytes that may still be read.
    left: Cell<u64>,
}

impl Sources {
    /// The sources of the package or workspace that a profile is of.
    pub(crate) fn of(profile: &Profile) -> Self {
        let recorded = profile.run.source_root.as_deref().map(PathBuf::from);
        let here = || outermost_package(&env::current_dir().ok()?);
        let root = recorded.filter(|root| is_package(root)).or_else(here);
        Self {
            root: root.and_then(|root| fs::canonicalize(root).ok()),
            files: RefCell::default(),
            left: Cell::new(MOST),
        }
    }

    /// The innermost function around a line of a file; `None` if the file is not there, is not Rust, or has no function there.
    pub(crate) fn function(&self, file: &str, line: u32) -> Option<FunctionAt> {
        let mut files = self.files.borrow_mut();
        if !files.contains_key(file) && files.len() < MOST_FILES {
            let text = self.text(file).unwrap_or_default();
            files.insert(file.to_owned(), functions(&text));
        }
        let found = innermost(files.get(file)?, line)?;
        Some(FunctionAt {
            name: found.name.clone(),
            line: found.start,
        })
    }

    /// The text of a file, if it is one of ours.
    fn text(&self, file: &str) -> Option<String> {
        let root = self.root.as_ref()?;
        let path = root.join(file);
        if path.extension().is_none_or(|extension| extension != "rs") {
            return None;
        }
        // Where it really is: a link may lead outside.
        let path = fs::canonicalize(path).ok()?;
        if !path.starts_with(root) {
            return None;
        }
        let text = regular_file::read_text(&path, LONGEST.min(self.left.get())).ok()?;
        self.left.set(self.left.get() - text.len() as u64);
        Some(text)
    }
}

fn is_package(folder: &Path) -> bool {
    folder.is_absolute() && folder.join("Cargo.toml").is_file()
}

/// The outermost folder around with a manifest: that of the workspace, if there is one.
fn outermost_package(folder: &Path) -> Option<PathBuf> {
    let packages = folder.ancestors().filter(|folder| is_package(folder));
    packages.last().map(Path::to_owned)
}

#[cfg(test)]
mod tests;
