//! Finds out whether a build failed because the program has a `#[global_allocator]` of its own, which leaves no room for ours.
//!
//! Cargo writes its messages straight to the terminal, so they cannot be read on the way. A build that failed is asked again for its
//! messages, whatever the reason may be: the allocator can stand in a test, in a file that `#[path]` names, in a dependency or in what
//! a macro makes.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cargo::Cargo;
use super::graph::our_folders;
use super::package::Package;
use crate::output_file;
use crate::settings::Build;
use hprof::regular_file;

/// Exit code of cargo for a failed build.
const BUILD_FAILED: u8 = 101;
/// No note and no source file is read further.
const LONGEST: u64 = 16 << 20;
/// File of the notes, and how the name of an unfinished one begins.
const NOTES: &str = ".own-allocator";
/// What stands in a file with such an allocator, or with the macro that makes one.
const ATTRIBUTE: &str = "global_allocator";

/// What is known of the allocator of one selection of targets. It is remembered from run to run, for a build that fails first
/// takes its time.
#[derive(Debug)]
pub(crate) struct OwnAllocator {
    /// One line for each selection that has one.
    notes: PathBuf,
    selection: String,
}

/// A line of the notes.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    selection: String,
    /// Source files that name the attribute: as long as one of them does, the note holds.
    files: BTreeSet<PathBuf>,
}

impl OwnAllocator {
    /// For what is to be built, whose profiles are saved in `runs`.
    pub(crate) fn of(build: &Build, runs: &Path) -> Self {
        // Packages may share a target folder, where the notes are.
        let selection = format!(
            "{} {:?} {:?} {:?}",
            build.subcommand,
            build.selection,
            build.lookup,
            std::env::current_dir().unwrap_or_default()
        );
        Self {
            notes: runs.join(NOTES),
            selection,
        }
    }

    /// Whether it was found to have one, and still has it.
    pub(crate) fn is_remembered(&self) -> bool {
        let mut notes = self.notes().into_iter();
        let note = notes.find(|note| note.selection == self.selection);
        note.is_some_and(|note| note.files.iter().any(|file| names_allocator(file)))
    }

    /// Remembers that it has one, now that it is built. If that fails it is found out again, so nobody needs to know.
    pub(crate) fn remember(&self, cargo: &Cargo<'_>, package: &Package) {
        if let Err(error) = self.try_to_remember(cargo, package) {
            tracing::debug!(%error, "cannot remember the allocator");
        }
    }

    fn try_to_remember(&self, cargo: &Cargo<'_>, package: &Package) -> anyhow::Result<()> {
        let files = files_with_allocators(cargo, package)?;
        let mut notes = self.notes();
        notes.retain(|note| note.selection != self.selection);
        notes.push(Note {
            selection: self.selection.clone(),
            files,
        });
        self.write(&notes)
    }

    fn write(&self, notes: &[Note]) -> anyhow::Result<()> {
        let lines = notes.iter().map(serde_json::to_string);
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        // Whoever reads the notes meanwhile finds the old ones whole.
        let folder = output_file::parent(&self.notes);
        fs::create_dir_all(folder)?;
        let mut file = output_file::temporary(folder, NOTES)?;
        file.write_all(lines.join("\n").as_bytes())?;
        file.persist(&self.notes)?;
        Ok(())
    }

    fn notes(&self) -> Vec<Note> {
        let text = regular_file::read_text(&self.notes, LONGEST).unwrap_or_default();
        let notes = text.lines().map(serde_json::from_str);
        notes.filter_map(Result::ok).collect()
    }

    /// Whether the build that gave this exit code failed for the sake of two allocators.
    pub(crate) fn is_the_cause(
        cargo: &Cargo<'_>,
        package: &Package,
        switch: &str,
        code: u8,
    ) -> anyhow::Result<bool> {
        if code != BUILD_FAILED {
            return Ok(false);
        }
        Ok(match verdict(&cargo.messages(switch)?) {
            Verdict::Conflict => true,
            Verdict::OtherError => false,
            // Documentation tests are built by nobody who tells why that fails.
            Verdict::NoError => !files_with_allocators(cargo, package)?.is_empty(),
        })
    }
}

/// Source files of the program, of what it depends on too, that name the attribute.
fn files_with_allocators(
    cargo: &Cargo<'_>,
    package: &Package,
) -> anyhow::Result<BTreeSet<PathBuf>> {
    let ours = our_folders(cargo.lookup(), &cargo.default_targets())?;
    let is_ours = |file: &PathBuf| ours.iter().any(|folder| file.starts_with(folder));
    let mut files = compiled_files(cargo, package);
    files.retain(|file| !is_ours(file) && names_allocator(file));
    Ok(files)
}

fn names_allocator(file: &Path) -> bool {
    regular_file::read_text(file, LONGEST).is_ok_and(|text| text.contains(ATTRIBUTE))
}

/// The source files of everything that was compiled with our cargo profile, as the compiler noted them.
fn compiled_files(cargo: &Cargo<'_>, package: &Package) -> BTreeSet<PathBuf> {
    let build = &package.build_folder;
    let profile = Path::new(cargo.profile_name()).join("deps");
    let of_targets = cargo.targets().map(|target| build.join(target));
    let folders = std::iter::once(build.clone()).chain(of_targets);
    let mut files = BTreeSet::new();
    for folder in folders {
        let entries = fs::read_dir(folder.join(&profile)).into_iter().flatten();
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "d") {
                let text = regular_file::read_text(&path, LONGEST).unwrap_or_default();
                files.extend(noted_files(&text).map(|file| package.root.join(file)));
            }
        }
    }
    files
}

/// The files that a note of the compiler names on lines of their own, in the format of `make`.
fn noted_files(text: &str) -> impl Iterator<Item = PathBuf> {
    let names = text.lines().filter_map(|line| line.strip_suffix(':'));
    names.map(|name| name.replace("\\ ", " ").into())
}

/// What cargo's messages say of a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// There is a second allocator beside ours.
    Conflict,
    /// Something else is wrong.
    OtherError,
    NoError,
}

/// Reads the errors of rustc among cargo's JSON messages.
fn verdict(messages: &str) -> Verdict {
    let mut verdict = Verdict::NoError;
    let messages = messages.lines();
    for message in messages.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let part = |path: &str| message.pointer(path).and_then(Value::as_str);
        let text = part("/message/message").unwrap_or_default();
        if text.contains("global_allocator")
            && text.contains("conflicts with global allocator")
            && text.contains("hprof")
        {
            return Verdict::Conflict;
        }
        if part("/message/level") == Some("error") {
            verdict = Verdict::OtherError;
        }
    }
    verdict
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn files_are_read_from_the_notes_of_the_compiler() {
        let text = "/t/a.d: src/main.rs /x/my\\ file.rs\n\nsrc/main.rs:\n/x/my\\ file.rs:\n# env-dep:HPROF=lines\n";
        let files: Vec<PathBuf> = noted_files(text).collect();
        assert_eq!(
            files,
            [Path::new("src/main.rs"), Path::new("/x/my file.rs")]
        );
    }

    #[test]
    fn whoever_reads_the_notes_finds_them_whole() {
        let folder = tempfile::tempdir().unwrap();
        let own = OwnAllocator {
            notes: folder.path().join("runs").join(NOTES),
            selection: "run".into(),
        };
        let note = |selection: &str| Note {
            selection: selection.into(),
            files: BTreeSet::new(),
        };
        own.write(&[note("run")]).unwrap();
        let reader = fs::File::open(&own.notes).unwrap();
        let before = fs::read_to_string(&own.notes).unwrap();
        own.write(&[note("run"), note("test")]).unwrap();
        assert_eq!(io::read_to_string(reader).unwrap(), before);
        assert_eq!(own.notes().len(), 2);
        let entries = fs::read_dir(folder.path().join("runs")).unwrap();
        assert_eq!(entries.count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn only_the_error_on_our_allocator_counts() {
        let message = |text: &str| {
            format!(
                r#"{{"reason":"compiler-message","message":{{"message":"{text}","level":"error"}}}}"#
            )
        };
        let ours =
            "the `#[global_allocator]` in this crate conflicts with global allocator in: hprof";
        let all = format!("not json\n{}\n{}", message("other"), message(ours));
        assert_eq!(verdict(&all), Verdict::Conflict);
        for other in [
            "the `#[global_allocator]` in this crate conflicts with global allocator in: other",
            "cannot find value `hprof` in this scope",
        ] {
            assert_eq!(verdict(&message(other)), Verdict::OtherError);
        }
        let warning = message("unused").replace("error", "warning");
        assert_eq!(verdict(&warning), Verdict::NoError);
    }
}
