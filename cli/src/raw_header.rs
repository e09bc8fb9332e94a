//! The few facts at the start of a raw file that matter before it is read: whose it is, and how much of it is used. And the one that is added to it from
//! outside: when its process ended.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::mem::offset_of;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use hprof::raw::layout::{CHUNK_BYTES, HEADER_BYTES, Header, MAGIC, STATE_FINISHED};
use hprof::regular_file;

use crate::system;

/// Start of a raw file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawHeader {
    /// Process that wrote it.
    pub(crate) pid: u32,
    /// When the system started that process, in its clock ticks; 0 if not known. Together with the number it stands for one process.
    pub(crate) process_started: u64,
    /// When it began to record, by `CLOCK_MONOTONIC`.
    pub(crate) start_mono_ns: u64,
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
            process_started: double(offset_of!(Header, process_started))?,
            start_mono_ns: double(offset_of!(Header, start_mono_ns))?,
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

/// The start of a file; `None` if it is no raw file, or cannot be read.
pub(crate) fn read(path: &Path) -> Option<RawHeader> {
    RawHeader::parse(&first_bytes(&mut regular_file::open(path).ok()??)?)
}

fn first_bytes(file: &mut File) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(HEADER_BYTES as u64)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

/// Notes in a raw file when its process, which did not tell, had ended.
pub(crate) fn note_end(path: &Path, ended_mono_ns: u64) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let at = offset_of!(Header, ended_mono_ns) as u64;
    file.write_all_at(&ended_mono_ns.to_ne_bytes(), at)
}

/// The process that still writes to a raw file, or is about to, if there is one. Neither the process id nor the path of the program tells: both may
/// be another program's by now, and the program may have been built anew.
pub(crate) fn writer(path: &Path) -> Option<Writer> {
    let mut file = regular_file::open(path).ok()??;
    let header = RawHeader::parse(&first_bytes(&mut file)?);
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
