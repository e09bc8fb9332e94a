//! Which profiles are meant where none is named: those of the package here, and the newest of them.

use std::path::PathBuf;

use anyhow::{Context, anyhow};

use super::package::{self, Lookup, RUNS};
use crate::failure;
use crate::settings::PackageQuery;
use crate::store::{check_runs_folder, saved_profiles, wanted_by_environment};

/// The folder that `hprof run` saves in by default: below the target folder of the package, or right here outside of one.
pub(crate) fn runs_folder(query: &PackageQuery) -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir()?;
    let in_package = !query.lookup.is_empty()
        || here
            .ancestors()
            .any(|folder| folder.join("Cargo.toml").is_file());
    if let Some(folder) = &query.target_dir {
        return Ok(std::path::absolute(folder)?.join(RUNS));
    }
    if !in_package {
        let folder = here.join(RUNS);
        check_runs_folder(&folder)?;
        return Ok(folder);
    }
    match package::find_package(query)? {
        Lookup::Found(package) => Ok(package.runs_folder()),
        Lookup::Refused { message, .. } => Err(anyhow!(
            "cargo says: {}",
            String::from_utf8_lossy(&message).trim()
        )),
    }
}

/// The folder that `hprof run` saves in: the one that hprof.toml names, or that of the runs.
pub(crate) fn profiles_folder(query: &PackageQuery) -> anyhow::Result<PathBuf> {
    match &query.output_folder {
        Some(folder) => Ok(folder.clone()),
        None => runs_folder(query),
    }
}

/// The profile that the last `hprof run` here saved.
pub(crate) fn newest(query: &PackageQuery) -> anyhow::Result<PathBuf> {
    if let Some(path) = wanted_by_environment().filter(|path| path.is_file()) {
        return Ok(path);
    }
    let folder = match wanted_by_environment().filter(|path| path.is_dir()) {
        Some(folder) => folder,
        None => profiles_folder(query)?,
    };
    let saved =
        saved_profiles(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    saved
        .into_iter()
        .next()
        .map(|newest| newest.path)
        .ok_or_else(|| {
            let error = anyhow!("no profile in {}", folder.display());
            failure::with_hint(error, "make one with `hprof run`, or name the file to show")
        })
}
