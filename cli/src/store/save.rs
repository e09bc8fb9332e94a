//! Writes a profile: under a temporary name first, so that a half-written one never has the name of a whole one.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use hprof::raw::layout::HEADER_BYTES;
use hprof::raw::native;

use super::destination::Destination;
use super::facts::RunFacts;
use super::load::raw_files;
use crate::raw_header::RawHeader;

/// Saves the raw files of a folder and what is known of the run; returns where.
pub(crate) fn save(
    records: &Path,
    facts: &RunFacts,
    program: &str,
    destination: &Destination,
) -> anyhow::Result<PathBuf> {
    let unfinished = tempfile::Builder::new()
        .prefix(".saving-")
        .permissions(Permissions::from_mode(0o755))
        .tempdir_in(destination.folder())
        .context("cannot make a folder for the profile")?;
    for path in raw_files(records)? {
        let Some(name) = path.file_name() else {
            continue;
        };
        copy_used_part(&path, &unfinished.path().join(name))
            .with_context(|| format!("cannot copy {}", path.display()))?;
        copy_stacks(&path, &unfinished.path().join(name))
            .with_context(|| format!("cannot copy the native stacks of {}", path.display()))?;
    }
    facts
        .write(unfinished.path())
        .context("cannot write the facts on the run")?;
    let saved = destination.place(unfinished.path(), program)?;
    // It has its name now: nothing is left to clean up.
    let _ = unfinished.keep();
    Ok(saved)
}

/// Copies a raw file as far as it was used: the rest is room that was never written and takes none in the copy either.
fn copy_used_part(from: &Path, to: &Path) -> io::Result<()> {
    let mut file = File::open(from)?;
    let bytes = file.metadata()?.len();
    let mut header = Vec::new();
    (&mut file)
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut header)?;
    let used = RawHeader::parse(&header)
        .map_or(bytes, |header| header.used)
        .min(bytes);
    let rest = used.saturating_sub(header.len() as u64);
    let mut copy = File::create_new(to)?;
    io::copy(&mut header.as_slice().chain(file.take(rest)), &mut copy)?;
    copy.set_len(bytes)
}

/// Copies the file of native stacks beside a raw file, if there is one.
fn copy_stacks(from: &Path, to: &Path) -> io::Result<()> {
    let [from, to] = [from, to].map(|raw| raw.with_extension(native::EXTENSION));
    match fs::copy(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Bytes a folder takes on its disk.
pub(super) fn bytes_on_disk(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        bytes += entry?.metadata()?.blocks() * 512;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use hprof::raw::layout::{CHUNK_BYTES, Header, MAGIC};

    use super::*;

    #[test]
    fn only_the_used_part_takes_room() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        let mut bytes = vec![0; HEADER_BYTES + 4 * CHUNK_BYTES];
        bytes[offset_of!(Header, magic)..][..8].copy_from_slice(&MAGIC.to_ne_bytes());
        bytes[offset_of!(Header, chunks)] = 1;
        bytes[HEADER_BYTES + CHUNK_BYTES - 1] = 7;
        fs::write(&from, &bytes).unwrap();
        let file = File::options().write(true).open(&from).unwrap();
        file.set_len(64 << 20).unwrap();
        copy_used_part(&from, &to).unwrap();
        let copy = fs::read(&to).unwrap();
        assert_eq!(copy.len(), 64 << 20);
        assert!(copy[..bytes.len()] == bytes);
        assert!(bytes_on_disk(folder.path()).unwrap() < 1 << 20);
    }

    #[test]
    fn a_foreign_or_short_file_is_copied_whole() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["", "text", &"long ".repeat(2000)] {
            let (from, to) = (folder.path().join("a"), folder.path().join("b"));
            fs::write(&from, content).unwrap();
            copy_used_part(&from, &to).unwrap();
            assert_eq!(fs::read_to_string(&to).unwrap(), content);
            fs::remove_file(&to).unwrap();
        }
    }
}
