//! Checked reader of raw files: bytes of any content in, a one-process profile or an error out.

use std::path::{Path, PathBuf};

use crate::model::Profile;

/// Why a raw file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Reads one raw file into a profile of one process; `Profile::run` is left empty.
///
/// # Errors
/// When the file cannot be read, is no raw file, or is damaged at a place that leaves nothing to show.
pub fn read(path: &Path) -> Result<Profile, ReadError> {
    let _ = path;
    todo!()
}

/// Reads the bytes of a raw file; `path` is only for messages.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: &[u8], path: &Path) -> Result<Profile, ReadError> {
    let _ = (bytes, path);
    todo!()
}
