//! Reads profiles: saved ones, single raw files, and folders of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use hprof::model::{Profile, Run, merge};
use hprof::raw::layout::EXTENSION;

use super::facts::RunFacts;
use crate::failure;
use crate::output;

/// A profile, and what could not be made part of it.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Everything that could be read, as one.
    pub(crate) profile: Profile,
    /// Raw files of a folder that could not be read, each with the reason.
    pub(crate) skipped: Vec<anyhow::Error>,
}

/// Reads all of these as one profile. A file that is named must be readable; of a folder at least one file must be.
pub(crate) fn load(paths: &[PathBuf]) -> anyhow::Result<Loaded> {
    let mut parts = Vec::new();
    let mut runs = Vec::new();
    let mut skipped = Vec::new();
    for path in paths {
        if path.is_dir() {
            runs.push(load_folder(path, &mut parts, &mut skipped)?);
        } else {
            parts.push(read(path)?);
        }
    }
    tracing::debug!(files = parts.len(), "read");
    let mut profile = merge(parts);
    // Facts on one run say nothing about several.
    if let [run] = runs.as_mut_slice() {
        profile.run = std::mem::take(run);
    }
    Ok(Loaded { profile, skipped })
}

/// Reads one profile's folder.
fn load_folder(
    folder: &Path,
    parts: &mut Vec<Profile>,
    skipped: &mut Vec<anyhow::Error>,
) -> anyhow::Result<Run> {
    let files = raw_files(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    if files.is_empty() {
        let error = anyhow!("no profile in {}", folder.display());
        return Err(failure::with_hint(
            error,
            format!("it has no file that ends with .{EXTENSION}"),
        ));
    }
    let before = (parts.len(), skipped.len());
    let progress = output::Progress::start("reading", files.len());
    for file in files {
        progress.step();
        match read(&file) {
            Ok(part) => parts.push(part),
            Err(error) => skipped.push(error),
        }
    }
    if parts.len() == before.0 && skipped.len() > before.1 {
        return Err(skipped.remove(before.1));
    }
    Ok(RunFacts::read(folder)?
        .map(RunFacts::into_run)
        .unwrap_or_default())
}

fn read(path: &Path) -> anyhow::Result<Profile> {
    hprof::raw::read(path).map_err(|error| {
        let hint = match &error {
            hprof::raw::ReadError::Io { source, .. }
                if source.kind() == io::ErrorKind::NotFound =>
            {
                "hprof list shows the saved profiles"
            }
            _ => "expected a profile saved by hprof run, or a raw file of the recorder",
        };
        failure::with_hint(anyhow::Error::new(error), hint)
    })
}

/// The raw files of a folder, by name.
pub(crate) fn raw_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == EXTENSION)
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
