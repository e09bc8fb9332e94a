//! The few facts at the start of a raw file that matter before it is read: whose it is, and how much of it is used.

use std::io::Read;
use std::mem::offset_of;
use std::path::{Path, PathBuf};

use hprof::raw::layout::{CHUNK_BYTES, HEADER_BYTES, Header, MAGIC, STATE_FINISHED};
use hprof::regular_file;

use crate::system;

/// Start of a raw file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawHeader {
    /// Process that wrote it.
    pub(crate) pid: u32,
    /// Whether that has come to its end in order.
    pub(crate) finished: bool,
    /// Its program.
    pub(crate) exe: PathBuf,
    /// Bytes from the start of the file that are used.
    pub(crate) used: u64,
}

impl RawHeader {
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
            finished: word(offset_of!(Header, state))? == STATE_FINISHED,
            exe: String::from_utf8_lossy(exe).into_owned().into(),
            used: chunks
                .checked_mul(CHUNK_BYTES as u64)?
                .checked_add(HEADER_BYTES as u64)?,
        })
    }
}

/// A process that has a raw file to write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writer {
    /// As the file says; not known before the recording has begun. In a container it may be another one than here.
    pub(crate) pid: Option<u32>,
}

/// The process that still writes to a raw file, or is about to, if there is one. Neither the process id nor the path of the program tells: both may
/// be another program's by now, and the program may have been built anew.
pub(crate) fn writer(path: &Path) -> Option<Writer> {
    let mut file = regular_file::open(path).ok()??;
    let mut bytes = Vec::new();
    (&mut file)
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut bytes)
        .ok()?;
    let header = RawHeader::parse(&bytes);
    if header.as_ref().is_some_and(|header| header.finished) {
        return None;
    }
    let pid = header.map(|header| header.pid).filter(|pid| *pid != 0);
    let written = system::is_open_for_writing(&file).unwrap_or_else(|| {
        let pid = pid.and_then(|pid| libc::pid_t::try_from(pid).ok());
        pid.is_some_and(system::exists)
    });
    written.then_some(Writer { pid })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    /// As a process that is killed leaves it, whatever its number and its program are.
    #[test]
    fn a_file_is_written_as_long_as_somebody_has_it_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.hpraw");
        let open = File::create(&path).unwrap();
        assert_eq!(writer(&path), Some(Writer { pid: None }));
        drop(open);
        // A child that another test is starting has all our files open until it is another program.
        let gone = || {
            std::thread::sleep(std::time::Duration::from_millis(10));
            writer(&path).is_none()
        };
        assert!((0..500).any(|_| gone()));
    }

    #[test]
    fn only_raw_files_have_one() {
        assert_eq!(RawHeader::parse(b""), None);
        assert_eq!(RawHeader::parse(&[1; HEADER_BYTES]), None);
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[offset_of!(Header, magic)..][..8].copy_from_slice(&MAGIC.to_ne_bytes());
        bytes[offset_of!(Header, chunks)] = 2;
        let header = RawHeader::parse(&bytes).unwrap();
        assert_eq!(header.used, (HEADER_BYTES + 2 * CHUNK_BYTES) as u64);
        bytes[offset_of!(Header, chunks)..][..8].fill(0xff);
        assert_eq!(RawHeader::parse(&bytes), None);
    }
}
