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
mod durations;
mod error;
mod header;
mod heap;
mod not_measured;
mod observed;
mod own_cost;
mod peek;
mod process;
mod recording;
mod records;
mod samples;
mod sites;
mod thin;
mod thread;
mod tree;

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::Path;

use self::bytes::Bytes;
pub use self::error::ReadError;
pub use self::peek::{RawStart, peek};
use self::records::Records;
use crate::model::{Process, Profile};
use crate::raw::layout::{CHUNK_BYTES, HEADER_BYTES};
use crate::raw::native;
use crate::raw::observed::{self as observed_file, ObservedFile};
use crate::regular_file;

/// Times a file is read again because it seems damaged while its process may still be writing.
const RETRIES: u32 = 2;
/// No file of stacks is read further than this: eight hours at 10,000 samples a second make half of it.
const MAX_NATIVE_BYTES: u64 = 64 << 20;
/// Zeroes that any file may have where it says that it holds something. Chunks that are handed out before they are used are such.
const MOST_ZEROES: u64 = 64 << 20;
/// Above that, how often as many as there are other bytes.
const MOST_ZEROES_RATIO: u64 = 8;

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

/// Reads the stacks that lie beside the raw file, if there are any. A file that makes no sense, or that somebody else may have put
/// there, is left out and counted.
fn attach_native(process: &mut Process, raw: &Path) {
    if let Some(text) = text_beside(raw, native::EXTENSION) {
        process.native = text.and_then(|text| native::parse(&text));
        process.losses.damaged += u64::from(process.native.is_none());
    }
}

/// The text of a file that lies beside the raw file; `None` if there is none, and nothing in it if it cannot be read, or somebody else may have put it there.
fn text_beside(raw: &Path, extension: &str) -> Option<Option<String>> {
    match regular_file::open_beside(&raw.with_extension(extension), raw) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) | Ok(None) => Some(None),
        Ok(Some(file)) => Some(whole_text(file)),
    }
}

fn whole_text(file: File) -> Option<String> {
    let mut text = Vec::new();
    // All of it is text, so it ends at the first zero: a file may be long and yet hold nothing.
    let mut file = io::BufReader::new(file.take(MAX_NATIVE_BYTES));
    file.read_until(0, &mut text).ok()?;
    String::from_utf8(text).ok()
}

fn read_once(path: &Path) -> Result<Profile, ReadError> {
    let observed = text_beside(path, observed_file::EXTENSION);
    let observed = observed.map(|text| text.and_then(|text| ObservedFile::parse(&text)));
    let mut profile = read_with(
        &used_part(path)?,
        path,
        observed.as_ref().and_then(Option::as_ref),
    )?;
    for process in &mut profile.processes {
        process.losses.damaged += u64::from(matches!(observed, Some(None)));
    }
    Ok(profile)
}

/// Header and chunks handed out; the rest of the file is a hole. Reading a pipe might never end, and what is said to be handed out may
/// be a hole too.
fn used_part(path: &Path) -> Result<Vec<u8>, ReadError> {
    let io_error = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let file = regular_file::open(path).map_err(io_error)?;
    let mut file = file.ok_or_else(|| ReadError::NotAFile {
        path: path.to_owned(),
    })?;
    let mut bytes = Vec::new();
    read_header(&mut file, &mut bytes).map_err(io_error)?;
    // A file that is not ours goes no further than its header.
    if !header::is_raw(Bytes(&bytes)) {
        return Ok(bytes);
    }
    let used = header::used_bytes(Bytes(&bytes)).unwrap_or(u64::MAX);
    let mut left = file.take(used - HEADER_BYTES as u64);
    let (mut zeroes, mut others) = (0_u64, 0_u64);
    loop {
        let before = bytes.len();
        let mut chunk = left.by_ref().take(CHUNK_BYTES as u64);
        let read = chunk.read_to_end(&mut bytes).map_err(io_error)? as u64;
        if read == 0 {
            return Ok(bytes);
        }
        let is_hole = bytes.iter().skip(before).all(|byte| *byte == 0);
        *(if is_hole { &mut zeroes } else { &mut others }) += read;
        if zeroes > MOST_ZEROES.max(others.saturating_mul(MOST_ZEROES_RATIO)) {
            return Err(ReadError::Hollow {
                path: path.to_owned(),
                used,
                found: zeroes,
            });
        }
    }
}

fn read_header(file: &mut File, bytes: &mut Vec<u8>) -> io::Result<()> {
    for _ in 0..=RETRIES {
        bytes.clear();
        file.seek(SeekFrom::Start(0))?;
        file.take(HEADER_BYTES as u64).read_to_end(bytes)?;
        if header::newest_pair_is_whole(Bytes(bytes)) {
            break;
        }
    }
    Ok(())
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
    read_with(bytes, path, None)
}

fn read_with(
    bytes: &[u8],
    path: &Path,
    observed: Option<&ObservedFile>,
) -> Result<Profile, ReadError> {
    let bytes = Bytes(bytes);
    let header = header::check(bytes, path)?;
    let records = Records::find(bytes, header.base, header.chunks);
    Ok(process::profile(bytes, header, records, observed))
}

/// Offsets of the records of threads in the bytes of a raw file, as far as they are there.
pub(super) fn thread_records(bytes: &[u8]) -> Vec<u64> {
    let bytes = Bytes(bytes);
    let Ok(header) = header::check(bytes, Path::new("")) else {
        return Vec::new();
    };
    let records = Records::find(bytes, header.base, header.chunks);
    records.threads.iter().map(|at| *at as u64).collect()
}
