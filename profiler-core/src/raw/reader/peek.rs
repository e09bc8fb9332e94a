//! The few facts at the start of a raw file that matter before it is read.

use core::mem::offset_of;
use std::path::PathBuf;

use super::bytes::Bytes;
use super::header;
use crate::raw::layout::{Header, STATE_FINISHED};

/// What the start of a raw file tells before the rest is read: whose it is, and how much of it is used.
///
/// ```
/// let start = hprof::raw::RawStart {
///     pid: 7,
///     process_started: 0,
///     start_mono_ns: 0,
///     finished: false,
///     exe: "/bin/true".into(),
///     used: 4096,
/// };
/// assert_eq!(start.exe.file_name().unwrap(), "true");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawStart {
    /// Process that wrote it.
    pub pid: u32,
    /// When the system started that process, in its clock ticks; 0 if not known. Together with the number it stands for one process.
    pub process_started: u64,
    /// When it began to record, by `CLOCK_MONOTONIC`.
    pub start_mono_ns: u64,
    /// Whether that has come to its end in order.
    pub finished: bool,
    /// Its program.
    pub exe: PathBuf,
    /// Bytes from the start of the file that are used.
    pub used: u64,
}

/// Understands the first bytes of a file, at least as many as the header has. `None` if it is no raw file, or its header makes no sense.
///
/// ```
/// assert_eq!(hprof::raw::peek(b"some text"), None);
/// ```
#[must_use]
pub fn peek(bytes: &[u8]) -> Option<RawStart> {
    let bytes = Bytes(bytes);
    if !header::is_raw(bytes) {
        return None;
    }
    let length = bytes.size(offset_of!(Header, exe_len));
    let start = offset_of!(Header, exe);
    let exe = bytes.0.get(start..start.checked_add(length)?)?;
    Some(RawStart {
        pid: bytes.u32(offset_of!(Header, pid)),
        process_started: bytes.u64(offset_of!(Header, process_started)),
        start_mono_ns: bytes.u64(offset_of!(Header, start_mono_ns)),
        finished: bytes.u32(offset_of!(Header, state)) == STATE_FINISHED,
        exe: String::from_utf8_lossy(exe).into_owned().into(),
        used: header::used_bytes(bytes)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::layout::{CHUNK_BYTES, HEADER_BYTES, MAGIC};

    #[test]
    fn only_raw_files_have_one() {
        assert_eq!(peek(b""), None);
        assert_eq!(peek(&[1; HEADER_BYTES]), None);
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[offset_of!(Header, magic)..][..8].copy_from_slice(&MAGIC.to_ne_bytes());
        bytes[offset_of!(Header, chunks)] = 2;
        let header = peek(&bytes).unwrap();
        assert_eq!(header.used, (HEADER_BYTES + 2 * CHUNK_BYTES) as u64);
        bytes[offset_of!(Header, chunks)..][..8].fill(0xff);
        assert_eq!(peek(&bytes), None);
    }
}
