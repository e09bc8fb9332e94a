//! Writes a profile: under a temporary name first, so that a half-written one never has the name of a whole one.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anyhow::Context;
use hprof::model::Profile;
use hprof::pprof_file;

use super::destination::Destination;

/// Saves a profile, named after its program; returns where.
pub(crate) fn save(
    profile: &Profile,
    program: &str,
    destination: &Destination,
) -> anyhow::Result<PathBuf> {
    let mut unfinished = tempfile::Builder::new()
        .prefix(".saving-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(destination.folder())
        .context("cannot make a file for the profile")?;
    pprof_file::write(profile, unfinished.as_file_mut())?;
    let saved = destination.place(unfinished.path(), program)?;
    // It has its name now: nothing is left to clean up.
    let _ = unfinished.into_temp_path().keep();
    Ok(saved)
}
