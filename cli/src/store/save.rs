//! Writes a profile: under a temporary name first, so that a half-written one never has the name of a whole one.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use hprof::model::Profile;
use hprof::pprof_file;

use super::destination::Destination;
use crate::output_file::{self, Target, parent};

/// A profile that was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Where.
    pub(crate) path: PathBuf,
    /// Whether it can be read there again: what a device or a pipe took is gone.
    pub(crate) is_file: bool,
}

/// Saves a profile, named after its program; returns where.
pub(crate) fn save(
    profile: &Profile,
    program: &str,
    destination: &Destination,
) -> anyhow::Result<Placed> {
    let folder = match destination {
        Destination::In(folder) => folder.clone(),
        Destination::At { path, .. } => {
            let target = Target::of(path)?;
            if let Some(mut stream) = target.open()? {
                pprof_file::write(profile, &mut stream)?;
                stream.flush()?;
                return Ok(Placed {
                    path: path.clone(),
                    is_file: false,
                });
            }
            match target {
                Target::File(place) => parent(&place).to_owned(),
                Target::Stream(_) | Target::Open(_) => parent(path).to_owned(),
            }
        }
    };
    let mut unfinished = output_file::temporary(&folder, ".saving-")
        .context("cannot make a file for the profile")?;
    pprof_file::write(profile, unfinished.as_file_mut())?;
    Ok(Placed {
        path: destination.place(unfinished, program)?,
        is_file: true,
    })
}
