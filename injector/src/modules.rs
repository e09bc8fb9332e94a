//! The files of a crate: from its root, by the modules and included files that each file names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::references::Reference;
use crate::source::{Edition, Source};

/// No source file is read further.
const LONGEST: u64 = 64 << 20;

/// The files of a crate that can be instrumented.
#[derive(Debug, Default)]
pub struct Crate {
    /// The root first.
    pub files: Vec<SourceFile>,
    /// Files that are no Rust of today, as far as the parser knows it.
    pub unreadable: Vec<PathBuf>,
}

/// A file, read and parsed.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it is, as its crate names it.
    pub path: PathBuf,
    /// Path of its module, beginning with the name of the crate.
    pub module: String,
    /// What it says.
    pub text: String,
    /// What was found in it.
    pub source: Source,
}

impl Crate {
    /// Reads the crate called `name` from its root on.
    #[must_use]
    pub fn read(name: &str, root: &Path, edition: Edition) -> Self {
        let mut reader = Reader {
            edition,
            found: Self::default(),
            seen: BTreeSet::new(),
            embedded: BTreeSet::new(),
        };
        reader.file(root, name.to_owned(), true);
        let Reader {
            mut found,
            embedded,
            ..
        } = reader;
        // The program would see the attributes.
        found
            .files
            .retain(|file| !embedded.contains(&real(&file.path)));
        found
    }
}

struct Reader {
    edition: Edition,
    found: Crate,
    seen: BTreeSet<PathBuf>,
    embedded: BTreeSet<PathBuf>,
}

impl Reader {
    /// Reads a file and all that it names. The modules of a file that `owns_folder` are in its own folder, those of another in one of its name.
    fn file(&mut self, path: &Path, module: String, owns_folder: bool) {
        if !self.seen.insert(real(path)) {
            return;
        }
        let is_small =
            fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.len() <= LONGEST);
        let text = if is_small {
            fs::read_to_string(path).ok()
        } else {
            None
        };
        let source = text
            .as_deref()
            .and_then(|text| Source::parse(text, self.edition));
        let (Some(text), Some(source)) = (text, source) else {
            self.found.unreadable.push(path.to_owned());
            return;
        };
        let references = source.references.clone();
        self.found.files.push(SourceFile {
            path: path.to_owned(),
            module: module.clone(),
            text,
            source,
        });
        let folder = path.parent().unwrap_or(Path::new(""));
        let inside = if owns_folder {
            folder.to_owned()
        } else {
            path.with_extension("")
        };
        for reference in references {
            self.follow(reference, folder, &inside, &module);
        }
    }

    fn follow(&mut self, reference: Reference, folder: &Path, inside: &Path, module: &str) {
        match reference {
            Reference::Module {
                name,
                inline,
                paths,
            } => {
                let mut around = if inline.is_empty() {
                    folder.to_owned()
                } else {
                    inside.to_owned()
                };
                let mut below = inside.to_owned();
                let mut full = module.to_owned();
                for one in &inline {
                    full = format!("{full}::{}", one.name);
                    let part = one
                        .path
                        .as_deref()
                        .unwrap_or(one.name.trim_start_matches("r#"));
                    around.push(part);
                    below.push(part);
                }
                full = format!("{full}::{name}");
                for path in paths {
                    self.existing(&around.join(path), &full, true);
                }
                let name = name.trim_start_matches("r#");
                self.existing(&below.join(format!("{name}.rs")), &full, false);
                self.existing(&below.join(name).join("mod.rs"), &full, true);
            }
            Reference::Included { path, around } => {
                let full = std::iter::once(module.to_owned()).chain(around);
                let full: Vec<String> = full.collect();
                self.included(&folder.join(path), &full.join("::"));
            }
            Reference::Embedded(path) => {
                self.embedded.insert(real(&folder.join(path)));
            }
        }
    }

    fn existing(&mut self, path: &Path, module: &str, owns_folder: bool) {
        if path.is_file() {
            self.file(path, module.to_owned(), owns_folder);
        }
    }

    /// An included file can be an expression, or data: then it is none of ours.
    fn included(&mut self, path: &Path, module: &str) {
        let unreadable = self.found.unreadable.len();
        self.existing(path, module, true);
        self.found.unreadable.truncate(unreadable);
    }
}

/// The file itself, whatever links lead there.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
