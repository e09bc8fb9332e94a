//! The sources of the recorder's crates, which the command carries, in a workspace of their own.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use toml::{Table, Value};

use crate::failure;

/// Names and texts of all files, as the build script found them.
const FILES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/carried.rs"));
/// The crates, by their folders.
const CRATES: [&str; 2] = ["profiler-core", "profiler-macros"];
/// What the recorder depends on. The readers are for hprof itself.
const DEPENDENCIES: [&str; 3] = ["hprof-macros", "libc", "sysinfo"];
/// Its features.
const FEATURES: [&str; 2] = ["default", "runtime"];
/// What samples stacks, and its feature.
const SAMPLER: &str = "pprof";
const NATIVE: &str = "native";

/// How the folders with the sources begin.
const PREFIX: &str = "sources-";
/// No build takes that long: nobody works with sources that were unpacked before.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Unpacks the sources below `folder`, where they are not there as they should be. Returns the manifest of the recorder.
/// With `native` it samples stacks, too.
pub(super) fn unpack(folder: &Path, native: bool) -> anyhow::Result<PathBuf> {
    let files = files(native)?;
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    let place = folder.join(format!("{PREFIX}{:016x}", hasher.finish()));
    if !is_there(&place, &files) {
        write(folder, &place, &files)
            .map_err(failure::without_path)
            .with_context(|| {
                format!(
                    "cannot unpack the recorder's sources below {}",
                    folder.display()
                )
            })?;
    }
    remove_older(folder, PREFIX, &place);
    Ok(place.join(CRATES[0]).join("Cargo.toml"))
}

/// Removes what others have left in folders whose names begin so, as far as that is possible: one of them may be at work, and makes it again the next time.
pub(super) fn remove_older(folder: &Path, prefix: &str, kept: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_unpacked = entry.file_name().to_string_lossy().starts_with(prefix);
        let is_old = |time: SystemTime| time.elapsed().is_ok_and(|age| age > OLD);
        let changed = entry.metadata().and_then(|facts| facts.modified());
        if is_unpacked && entry.path() != kept && changed.is_ok_and(is_old) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether every file is there with its text. The list of exact versions is cargo's to shorten.
fn is_there(place: &Path, files: &[(&str, String)]) -> bool {
    files.iter().all(|(name, text)| {
        let found = fs::read_to_string(place.join(name));
        found.is_ok_and(|found| found == *text || *name == "Cargo.lock")
    })
}

/// Writes the files beside their place first, so that another hprof never sees a part of them.
fn write(folder: &Path, place: &Path, files: &[(&str, String)]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let new = tempfile::tempdir_in(folder)?;
    for (name, text) in files {
        let path = new.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(new.path()))?;
        fs::write(path, text)?;
    }
    // Another hprof may have done the same meanwhile.
    if place.exists() && !is_there(place, files) {
        fs::remove_dir_all(place)?;
    }
    match fs::rename(new.path(), place) {
        Err(_) if is_there(place, files) => Ok(()),
        renamed => renamed,
    }
}

/// The files as they are unpacked.
fn files(native: bool) -> anyhow::Result<Vec<(&'static str, String)>> {
    let file = |(name, text): &(&'static str, &str)| {
        let text = match *name {
            "Cargo.toml" => workspace(text)?,
            name if name.ends_with("Cargo.toml") => package(text, native)?,
            _ => (*text).to_owned(),
        };
        Ok((*name, text))
    };
    FILES.iter().map(file).collect()
}

/// The manifest of the workspace, with those two members alone.
fn workspace(text: &str) -> anyhow::Result<String> {
    let mut manifest: Table = text.parse()?;
    if let Some(workspace) = manifest.get_mut("workspace").and_then(Value::as_table_mut) {
        workspace.insert("members".into(), Value::from(CRATES.to_vec()));
    }
    manifest.remove("profile");
    Ok(manifest.to_string())
}

/// The manifest of a crate without what only its tests and hprof itself need: cargo would look for all of it.
fn package(text: &str, native: bool) -> anyhow::Result<String> {
    let mut manifest: Table = text.parse()?;
    for key in ["dev-dependencies", "bench", "example", "test", "target"] {
        manifest.remove(key);
    }
    if manifest.contains_key("features") {
        if let Some(dependencies) = table(&mut manifest, "dependencies") {
            dependencies
                .retain(|name, _| DEPENDENCIES.contains(&name) || (native && name == SAMPLER));
        }
        for (name, parts) in table(&mut manifest, "features").into_iter().flatten() {
            // The compiler knows of the others, though they are never on.
            let is_on = FEATURES.contains(&name.as_str()) || (native && name == NATIVE);
            if !is_on {
                *parts = Value::Array(Vec::new());
            } else if native && name == "default" {
                *parts = Value::from(vec![NATIVE]);
            }
        }
    }
    Ok(manifest.to_string())
}

fn table<'a>(manifest: &'a mut Table, key: &str) -> Option<&'a mut Table> {
    manifest.get_mut(key).and_then(Value::as_table_mut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_unpacked_again() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = unpack(folder.path(), false).unwrap();
        let source = manifest.with_file_name("src").join("lib.rs");
        let text = fs::read_to_string(&source).unwrap();
        assert!(text.contains("pub mod"), "{text}");
        fs::write(&source, "other").unwrap();
        assert_eq!(unpack(folder.path(), false).unwrap(), manifest);
        assert_eq!(fs::read_to_string(&source).unwrap(), text);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn sources_of_other_versions_go_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let old = [("sources-1", 25), ("sources-2", 1), ("others", 25)];
        for (name, hours) in old {
            let place = folder.path().join(name);
            fs::create_dir(&place).unwrap();
            let time = SystemTime::now() - Duration::from_secs(hours * 60 * 60);
            fs::File::open(place).unwrap().set_modified(time).unwrap();
        }
        unpack(folder.path(), false).unwrap();
        let left = old.map(|(name, _)| folder.path().join(name).exists());
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn cargo_has_nothing_to_look_for_but_what_the_recorder_needs() {
        let text = FILES
            .iter()
            .find(|(name, _)| *name == "profiler-core/Cargo.toml")
            .unwrap()
            .1;
        let manifest: Table = package(text, false).unwrap().parse().unwrap();
        let names: Vec<_> = manifest["dependencies"]
            .as_table()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(names, DEPENDENCIES.to_vec());
        assert!(!manifest.contains_key("target") && !manifest.contains_key("dev-dependencies"));
        let native: Table = package(text, true).unwrap().parse().unwrap();
        assert!(native["dependencies"].get(SAMPLER).is_some());
        assert_eq!(native["features"]["default"], Value::from(vec![NATIVE]));
        assert!(
            !manifest["dependencies"]
                .as_table()
                .unwrap()
                .contains_key(SAMPLER)
        );
    }
}
