//! Checked reader of raw files: bytes of any content in, a one-process profile or an error out.
//!
//! ```text
//! bytes ─ header ─▶ records ─▶ sites ─▶ thread (tree, cells, samples) ─▶ process
//! ```
//!
//! It trusts nothing: a length is checked before it is used, an address must be that of a cell, and what makes no sense is left out
//! and counted. The process may still be writing: counters are then a moment old, and records it has not completed are not there.

mod bytes;
mod cells;
mod clock;
mod error;
mod header;
mod heap;
mod not_measured;
mod process;
mod records;
mod samples;
mod sites;
mod thread;
mod tree;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use self::bytes::Bytes;
pub use self::error::ReadError;
use self::records::Records;
use crate::model::{Process, Profile};
use crate::raw::layout::HEADER_BYTES;
use crate::raw::native;

/// Times a file is read again because it seems damaged while its process may still be writing.
const RETRIES: u32 = 2;
/// No file of stacks is read further than this.
const MAX_NATIVE_BYTES: u64 = 256 << 20;

/// Reads one raw file, and the file of native stacks beside it, into a profile of one process; `Profile::run` is left empty. Only the part in use is read, and it may be read
/// while the process runs.
///
/// # Errors
/// When the file cannot be read, is no raw file, or its header makes no sense. Damage after the header is no error: what is
/// left is read, and [`Losses::damaged`](crate::model::Losses::damaged) counts what is not.
///
/// ```
/// use hprof::raw::{ReadError, read};
/// let error = read(std::path::Path::new(".")).unwrap_err();
/// assert!(matches!(error, ReadError::NotAFile { .. }));
/// ```
pub fn read(path: &Path) -> Result<Profile, ReadError> {
    let mut profile = read_once(path)?;
    for _ in 0..RETRIES {
        // A record may be newer than the one it refers to is in the bytes just read.
        let may_be_running = |process: &Process| !process.finished && process.losses.damaged > 0;
        if !profile.processes.iter().any(may_be_running) {
            break;
        }
        profile = read_once(path)?;
    }
    for process in &mut profile.processes {
        attach_native(process, path);
    }
    Ok(profile)
}

/// Reads the stacks that lie beside the raw file, if there are any. A file that makes no sense is left out and counted.
fn attach_native(process: &mut Process, raw: &Path) {
    let Ok(file) = File::open(raw.with_extension(native::EXTENSION)) else {
        return;
    };
    let mut text = String::new();
    let read = file.take(MAX_NATIVE_BYTES).read_to_string(&mut text);
    process.native = read.ok().and_then(|_| native::parse(&text));
    process.losses.damaged += u64::from(process.native.is_none());
}

fn read_once(path: &Path) -> Result<Profile, ReadError> {
    let bytes = used_part(path).map_err(|source| ReadError::Io {
        path: path.to_owned(),
        source,
    })?;
    match bytes {
        Some(bytes) => read_bytes(&bytes, path),
        None => Err(ReadError::NotAFile {
            path: path.to_owned(),
        }),
    }
}

/// Header and chunks handed out; the rest of the file is a hole. `None` if it is not a regular file: reading a pipe might never end.
fn used_part(path: &Path) -> io::Result<Option<Vec<u8>>> {
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    let header = HEADER_BYTES as u64;
    for _ in 0..=RETRIES {
        bytes.clear();
        file.seek(SeekFrom::Start(0))?;
        file.by_ref().take(header).read_to_end(&mut bytes)?;
        if header::newest_pair_is_whole(Bytes(&bytes)) {
            break;
        }
    }
    // A file that is not ours goes no further than its header.
    if header::is_raw(Bytes(&bytes)) {
        let used = header::used_bytes(Bytes(&bytes));
        file.take(used - header).read_to_end(&mut bytes)?;
    }
    Ok(Some(bytes))
}

/// Reads the bytes of a raw file; `path` is only for messages.
///
/// # Errors
/// As [`read`].
///
/// ```
/// use hprof::raw::{ReadError, read_bytes};
/// let error = read_bytes(b"", std::path::Path::new("x.hpraw")).unwrap_err();
/// assert_eq!(error.to_string(), "x.hpraw is empty");
/// ```
pub fn read_bytes(bytes: &[u8], path: &Path) -> Result<Profile, ReadError> {
    let bytes = Bytes(bytes);
    let header = header::check(bytes, path)?;
    let records = Records::find(bytes, header.base, header.chunks);
    Ok(process::profile(bytes, header, records))
}
