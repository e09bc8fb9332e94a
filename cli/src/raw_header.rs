//! What is done with the start of a raw file before it is read: who still writes to it, and the note of when its process ended, which is added from outside.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::mem::offset_of;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use hprof::raw::layout::{HEADER_BYTES, Header};
use hprof::raw::{self, RawStart};
use hprof::regular_file;

use crate::system;

/// A process that has a raw file to write to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writer {
    /// As the file says; not known before the recording has begun. In a container it may be another one than here.
    pub(crate) pid: Option<u32>,
}

/// The start of a file; `None` if it is no raw file, or cannot be read.
pub(crate) fn read(path: &Path) -> Option<RawStart> {
    raw::peek(&first_bytes(&mut regular_file::open(path).ok()??)?)
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
    let header = raw::peek(&first_bytes(&mut file)?);
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
}
