//! Opens files that others may have put where one is looked for: regular ones only, and never waiting for the other end of a pipe.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Opens a file for reading; `None` if it is a folder, a pipe, a device or anything else that is not a regular file.
///
/// # Errors
/// Those of the system.
///
/// ```
/// assert!(hprof::regular_file::open(std::path::Path::new("."))?.is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn open(path: &Path) -> io::Result<Option<File>> {
    // Asked before too: opening some devices does something to them.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    open_with(&[], path)
}

/// Opens a file that lies beside `first`, a file that is trusted already. Where others may write, such as in `/tmp`, it must be of the
/// same owner, and no link.
///
/// # Errors
/// Those of the system, and [`ErrorKind::PermissionDenied`] for a file that somebody else may have put there.
///
/// ```
/// use std::path::Path;
/// let missing = hprof::regular_file::open_beside(Path::new("none.native"), Path::new("none.hpraw"));
/// assert!(missing.is_err());
/// ```
pub fn open_beside(path: &Path, first: &Path) -> io::Result<Option<File>> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !is_shared(&std::fs::metadata(folder)?) {
        return open(path);
    }
    let facts = std::fs::symlink_metadata(path)?;
    if facts.is_file() && !same_owner(&facts, &std::fs::metadata(first)?) {
        let error = "it is another user's, in a folder that others may write to";
        return Err(io::Error::new(ErrorKind::PermissionDenied, error));
    }
    if !facts.is_file() {
        return Ok(None);
    }
    open_with(NO_LINK, path)
}

/// All of a regular file that has at most so many bytes.
///
/// # Errors
/// Those of the system; [`ErrorKind::InvalidInput`] for what is no regular file, [`ErrorKind::FileTooLarge`] for a longer one.
///
/// ```
/// assert!(hprof::regular_file::read(std::path::Path::new("/"), 9).is_err());
/// ```
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?.ok_or_else(|| {
        let error = "it is not a regular file";
        io::Error::new(ErrorKind::InvalidInput, error)
    })?;
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let error = format!("it is longer than {most} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, error));
    }
    Ok(bytes)
}

/// As [`read`], of a file that holds text.
///
/// # Errors
/// As [`read`], and [`ErrorKind::InvalidData`] for what is not UTF-8.
///
/// ```
/// assert!(hprof::regular_file::read_text(std::path::Path::new("/"), 9).is_err());
/// ```
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not text in UTF-8"))
}

/// Flags for the system, beside those for reading.
#[cfg(unix)]
type Flags = [libc::c_int];
#[cfg(unix)]
const NO_LINK: &Flags = &[libc::O_NOFOLLOW];

#[cfg(unix)]
fn open_with(flags: &Flags, path: &Path) -> io::Result<Option<File>> {
    use std::os::unix::fs::OpenOptionsExt;

    let waiting = libc::O_NONBLOCK | libc::O_NOCTTY;
    let flags = flags.iter().fold(waiting, |all, flag| all | flag);
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let is_regular = file.metadata()?.is_file();
    Ok(is_regular.then_some(file))
}

/// Whether others than the owner may write to a folder.
#[cfg(unix)]
fn is_shared(folder: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    const WRITABLE_BY_OTHERS: u32 = 0o022;
    folder.mode() & WRITABLE_BY_OTHERS != 0
}

#[cfg(unix)]
fn same_owner(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    one.uid() == other.uid()
}

#[cfg(not(unix))]
type Flags = [()];
#[cfg(not(unix))]
const NO_LINK: &Flags = &[];

#[cfg(not(unix))]
fn open_with(_: &Flags, path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().read(true).open(path)?;
    let is_regular = file.metadata()?.is_file();
    Ok(is_regular.then_some(file))
}

#[cfg(not(unix))]
fn is_shared(_: &Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn same_owner(_: &Metadata, _: &Metadata) -> bool {
    true
}
