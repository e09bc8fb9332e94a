//! Finds out whether a build failed because the program has a `#[global_allocator]` of its own, which leaves no room for ours.
//!
//! Cargo writes its messages straight to the terminal, so they cannot be read on the way. The failed build is asked again for its
//! messages, and only if some package has an allocator at all.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::cargo::Cargo;
use super::package::package_folders;
use crate::settings::Build;

/// Exit code of cargo for a failed build.
const BUILD_FAILED: u8 = 101;

/// What is known of the allocator of one selection of targets. It is remembered from run to run, for a build that fails first
/// takes its time.
#[derive(Debug)]
pub(crate) struct OwnAllocator {
    /// One line for each selection that has one.
    notes: PathBuf,
    selection: String,
}

impl OwnAllocator {
    /// For what is to be built, whose profiles are saved in `runs`.
    pub(crate) fn of(build: &Build, runs: &Path) -> Self {
        let selection = format!(
            "{} {:?} {:?}",
            build.subcommand, build.selection, build.lookup
        );
        Self {
            notes: runs.join(".own-allocator"),
            selection: selection.replace('\n', " "),
        }
    }

    /// Whether it was found to have one, and may still have it.
    pub(crate) fn is_remembered(&self, cargo: &Cargo<'_>) -> bool {
        let notes = fs::read_to_string(&self.notes).unwrap_or_default();
        notes.lines().any(|line| line == self.selection)
            && some_package_names_one(cargo).unwrap_or(false)
    }

    /// Remembers that it has one. If that fails it is found out again, so nobody needs to know.
    pub(crate) fn remember(&self) {
        let mut notes = fs::read_to_string(&self.notes).unwrap_or_default();
        notes.push_str(&self.selection);
        notes.push('\n');
        let folder = self.notes.parent().unwrap_or(Path::new("."));
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&self.notes, notes));
        if let Err(error) = written {
            tracing::debug!(%error, "cannot remember the allocator");
        }
    }

    /// Whether the build that gave this exit code failed for the sake of two allocators.
    pub(crate) fn is_the_cause(
        &self,
        cargo: &Cargo<'_>,
        switch: &str,
        code: u8,
    ) -> anyhow::Result<bool> {
        if code != BUILD_FAILED || !some_package_names_one(cargo)? {
            return Ok(false);
        }
        Ok(tells_conflict(&cargo.messages(switch)?))
    }
}

fn some_package_names_one(cargo: &Cargo<'_>) -> anyhow::Result<bool> {
    let folders = package_folders(cargo.lookup())?;
    Ok(folders.iter().any(|folder| names_allocator(folder, 0)))
}

/// Whether a Rust file in the folder has the attribute.
fn names_allocator(folder: &Path, depth: u32) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                let name = entry.file_name();
                let skipped =
                    name == "target" || name == "tests" || name.to_string_lossy().starts_with('.');
                depth < 16 && !skipped && names_allocator(&path, depth + 1)
            }
            Ok(kind)
                if kind.is_file()
                    && path.extension().is_some_and(|extension| extension == "rs") =>
            {
                fs::read_to_string(path).is_ok_and(|text| text.contains("global_allocator"))
            }
            _ => false,
        }
    })
}

/// Whether cargo's JSON messages hold rustc's error on a second allocator beside ours.
fn tells_conflict(messages: &str) -> bool {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .any(|message| {
            let text = message
                .pointer("/message/message")
                .and_then(Value::as_str)
                .unwrap_or_default();
            text.contains("global_allocator")
                && text.contains("conflicts with global allocator")
                && text.contains("hprof")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_error_on_our_allocator_counts() {
        let message = |text: &str| {
            format!(r#"{{"reason":"compiler-message","message":{{"message":"{text}"}}}}"#)
        };
        let ours =
            "the `#[global_allocator]` in this crate conflicts with global allocator in: hprof";
        assert!(tells_conflict(&format!("not json\n{}", message(ours))));
        assert!(!tells_conflict(&message(
            "the `#[global_allocator]` in this crate conflicts with global allocator in: other"
        )));
        assert!(!tells_conflict(&message(
            "cannot find value `hprof` in this scope"
        )));
    }
}
