//! The few facts at the start of a raw file that matter before it is read: whose it is, and how much of it is used.

use std::io::{self, Read};
use std::mem::offset_of;
use std::path::{Path, PathBuf};

use hprof::raw::layout::{CHUNK_BYTES, HEADER_BYTES, Header, MAGIC, STATE_RUNNING};
use hprof::regular_file;

/// Start of a raw file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawHeader {
    /// Process that wrote it.
    pub(crate) pid: u32,
    /// Whether that has not come to its end, as far as the file knows.
    pub(crate) running: bool,
    /// Its program.
    pub(crate) exe: PathBuf,
    /// Bytes from the start of the file that are used.
    pub(crate) used: u64,
}

impl RawHeader {
    /// Reads it; `None` if the file is no raw file.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let Some(file) = regular_file::open(path)? else {
            return Ok(None);
        };
        file.take(HEADER_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(Self::parse(&bytes))
    }

    /// Understands the first bytes of a file.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let double = |offset: usize| {
            Some(u64::from_ne_bytes(
                bytes.get(offset..offset + 8)?.try_into().ok()?,
            ))
        };
        let word = |offset: usize| {
            Some(u32::from_ne_bytes(
                bytes.get(offset..offset + 4)?.try_into().ok()?,
            ))
        };
        if bytes.len() < HEADER_BYTES || double(offset_of!(Header, magic))? != MAGIC {
            return None;
        }
        let length = usize::try_from(word(offset_of!(Header, exe_len))?).ok()?;
        let start = offset_of!(Header, exe);
        let exe = bytes.get(start..start.checked_add(length)?)?;
        let chunks = double(offset_of!(Header, chunks))?;
        Some(Self {
            pid: word(offset_of!(Header, pid))?,
            running: word(offset_of!(Header, state))? == STATE_RUNNING,
            exe: String::from_utf8_lossy(exe).into_owned().into(),
            used: chunks
                .checked_mul(CHUNK_BYTES as u64)?
                .checked_add(HEADER_BYTES as u64)?,
        })
    }

    /// Whether its process still writes to it. The process id may be another program's by now.
    pub(crate) fn is_written(&self) -> bool {
        let program = std::fs::read_link(format!("/proc/{}/exe", self.pid));
        self.running && program.is_ok_and(|program| program == self.exe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_raw_files_have_one() {
        assert_eq!(RawHeader::parse(b""), None);
        assert_eq!(RawHeader::parse(&[1; HEADER_BYTES]), None);
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[offset_of!(Header, magic)..][..8].copy_from_slice(&MAGIC.to_ne_bytes());
        bytes[offset_of!(Header, chunks)] = 2;
        let header = RawHeader::parse(&bytes).unwrap();
        assert_eq!(header.used, (HEADER_BYTES + 2 * CHUNK_BYTES) as u64);
        assert!(!header.is_written());
        bytes[offset_of!(Header, chunks)..][..8].fill(0xff);
        assert_eq!(RawHeader::parse(&bytes), None);
    }
}
