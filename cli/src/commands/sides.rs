//! The two sides of a comparison: how one is read, and what is said where they cannot be compared.

use std::path::{Path, PathBuf};

use hprof_reports::DiffError;

use crate::failure;
use crate::output;
use crate::store::{self, Loaded};

/// Reads one side, and says what of it could not be read.
pub(super) fn load(path: &Path) -> anyhow::Result<Loaded> {
    let loaded = store::load(&[PathBuf::from(path)])?;
    for skipped in &loaded.skipped {
        output::say(format_args!("left out: {skipped:#}"));
    }
    Ok(loaded)
}

/// What to do where two profiles cannot be compared.
pub(super) fn refused(error: DiffError) -> anyhow::Error {
    match error {
        DiffError::Write(error) => error.into(),
        DiffError::Incomparable(why) => failure::with_hint(
            why.into(),
            "compare two runs of the same program: hprof show prints what is in a profile",
        ),
    }
}
