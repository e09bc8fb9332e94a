//! How a file that a later run reads is written.

use std::io::{self, Write};
use std::path::Path;

use crate::output_file;

/// Writes a file under a temporary name and renames it.
pub(super) fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = output_file::parent(path);
    std::fs::create_dir_all(folder)?;
    let mut file = output_file::temporary(folder, ".fit-")?;
    file.write_all(text)?;
    file.persist(path)?;
    Ok(())
}
