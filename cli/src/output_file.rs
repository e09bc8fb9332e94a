//! The one place that writes files a user named, or will look for: reports, pictures, exports and profiles.
//!
//! A regular file is written beside its place under a temporary name, and takes its name when it is whole. What is no regular file (a device,
//! a pipe, or an open file of ours such as `/dev/stdout`) is written into and stays what it is. Links are followed and stay, too. Names that
//! hprof chooses itself are never taken from another file, also if many runs end at once.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tempfile::NamedTempFile;

use crate::failure;
use crate::output;
use crate::system;

/// Links followed before a path counts as a circle; the system's own number.
const MOST_LINKS: usize = 40;
/// Time that another program may keep a folder locked: hprof needs it for a moment only.
const LONGEST_LOCK: Duration = Duration::from_secs(5);
/// Anybody may read and write, as far as the umask lets them.
const MODE: u32 = 0o666;

/// What a path names, all links followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A regular file, or nothing yet: the path, free of links.
    File(PathBuf),
    /// Something that is written into: a device, a pipe, or a file that another process has open.
    Stream(PathBuf),
    /// A file that this process has open.
    Open(RawFd),
}

/// A file as it was at a moment: another one, or other content, differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

/// A file that will be written.
#[derive(Debug)]
pub(crate) struct OutputFile(PathBuf);

impl OutputFile {
    /// Makes sure that the file can be written, but leaves everything as it is.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        check(&Target::of(path)?)?;
        Ok(Self(std::path::absolute(path)?))
    }

    /// Writes it; `write` makes the content. A regular file keeps its old content if that fails.
    pub(crate) fn write(
        self,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let name = || format!("cannot write to {}", self.0.display());
        let target = Target::of(&self.0).with_context(name)?;
        if let Some(stream) = target.open().with_context(name)? {
            let mut out = BufWriter::new(stream);
            write(&mut out)?;
            return out.flush().with_context(name);
        }
        let Target::File(path) = target else {
            return Ok(());
        };
        let mut file = temporary(parent(&path), ".hprof-").with_context(name)?;
        let mut out = BufWriter::new(&mut file);
        write(&mut out)?;
        out.flush().with_context(name)?;
        drop(out);
        file.persist(&path)
            .map_err(|error| error.error)
            .with_context(name)?;
        Ok(())
    }
}

impl Target {
    /// Finds out what a path names. A folder is an error, and so is a disk: nobody means to overwrite its first bytes.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        if names_folder(path) && !path.is_dir() {
            return Err(io::Error::other("a name that ends in / is one of a folder"));
        }
        let mut path = std::path::absolute(path)?;
        for _ in 0..MOST_LINKS {
            let Some(name) = path.file_name() else {
                return Err(folder());
            };
            let place = fs::canonicalize(parent(&path))?.join(name);
            if let Some(number) = own_descriptor(&place) {
                return Ok(Self::Open(number));
            }
            let facts = match fs::symlink_metadata(&place) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self::File(place));
                }
                facts => facts?.file_type(),
            };
            if facts.is_symlink() && !place.starts_with("/proc") {
                path = parent(&place).join(fs::read_link(&place)?);
            } else if facts.is_symlink() {
                // A file that another process has open, whatever the name says that the link shows.
                return Ok(Self::Stream(place));
            } else if facts.is_dir() {
                return Err(folder());
            } else if facts.is_block_device() {
                return Err(io::Error::other("a disk is there"));
            } else if facts.is_file() {
                return Ok(Self::File(place));
            } else {
                return Ok(Self::Stream(place));
            }
        }
        Err(io::Error::from_raw_os_error(libc::ELOOP))
    }

    /// Opens what is written into; nothing for a regular file.
    pub(crate) fn open(&self) -> io::Result<Option<File>> {
        match self {
            Self::File(_) => Ok(None),
            Self::Open(number) => system::duplicate(*number).map(Some),
            Self::Stream(path) => open_stream(path).map(Some),
        }
    }
}

fn folder() -> io::Error {
    io::Error::other("a folder is there")
}

/// Whether a path can only be that of a folder, whatever is there.
pub(crate) fn names_folder(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    bytes.ends_with(b"/") || bytes.ends_with(b"/.")
}

/// The number of the file that this process has open and the path stands for.
fn own_descriptor(place: &Path) -> Option<RawFd> {
    let number = place.file_name()?.to_str()?.parse().ok()?;
    let folder = place.parent()?;
    let is_ours = || {
        let own = fs::canonicalize("/proc/self").ok();
        own.is_some_and(|own| folder.starts_with(&own) && folder.ends_with("fd"))
    };
    (folder == Path::new("/dev/fd") || is_ours()).then_some(number)
}

/// Opens a device or a pipe, and neither makes nor shortens a file.
fn open_stream(path: &Path) -> io::Result<File> {
    let open = |flags| {
        let mut options = OpenOptions::new();
        // An open file of another process may be a regular one, which goes on where it ends.
        options.append(true).custom_flags(libc::O_NOCTTY | flags);
        options.open(path)
    };
    let is_pipe = fs::metadata(path)?.file_type().is_fifo();
    if is_pipe {
        match open(libc::O_NONBLOCK) {
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => {
                output::say(format_args!("waiting for a reader of {}", path.display()));
            }
            Err(error) => return Err(error),
            // There is a reader, so the next one does not wait.
            Ok(_probe) => return open(0),
        }
    }
    open(0)
}

/// Makes sure that something can be written; nothing is opened, for the reader of a pipe would take that for the end.
pub(crate) fn check(target: &Target) -> io::Result<()> {
    match target {
        Target::Open(number) => system::duplicate(*number).map(drop),
        Target::Stream(path) => system::may_write(path),
        Target::File(path) => temporary(parent(path), ".hprof-").map(drop),
    }
}

/// A file under a temporary name, which is deleted unless it is given another one. It has to be in the folder of its later name.
pub(crate) fn temporary(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder)
        .map_err(failure::without_path)
}

/// Gives a whole file the first of the names that is free, and returns that.
pub(crate) fn add(
    mut file: NamedTempFile,
    names: impl Iterator<Item = PathBuf>,
) -> io::Result<PathBuf> {
    for path in names {
        match file.persist_noclobber(&path) {
            Ok(_) => return Ok(path),
            Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => {
                file = refused.file;
            }
            // Some file systems know neither hard links nor a rename that replaces nothing: the name is taken by an empty file first.
            Err(refused) => match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(_) => {
                    refused.file.persist(&path).map_err(|error| error.error)?;
                    return Ok(path);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => file = refused.file,
                Err(_) => return Err(refused.error),
            },
        }
    }
    Err(io::Error::other("no name is free"))
}

/// Gives a whole file a name that a user chose, in the place of the file that was there before, if that is still the same: else somebody
/// else took the name meanwhile, and this one gets a number. Returns the name.
pub(crate) fn replace(
    file: NamedTempFile,
    path: &Path,
    before: Option<Identity>,
) -> io::Result<PathBuf> {
    if before.is_some() {
        // Between the look and the rename no other hprof may do the same.
        let _lock = lock(parent(path))?;
        if Identity::of(path) == before {
            file.persist(path).map_err(|error| error.error)?;
            return Ok(path.to_owned());
        }
    }
    add(file, numbered(path))
}

/// Locks a folder, for which other programs may be waited a while; nothing where folders cannot be locked.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let file = File::open(folder)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LONGEST_LOCK => {
                thread::sleep(LONGEST_LOCK / 100);
            }
            Err(TryLockError::WouldBlock) => {
                let folder = folder.display();
                return Err(io::Error::other(format!(
                    "another program has locked the folder {folder}"
                )));
            }
            Err(TryLockError::Error(_)) => return Ok(None),
        }
    }
}

/// The path itself, and then the same with numbers before the first extension.
pub(crate) fn numbered(path: &Path) -> impl Iterator<Item = PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A dot at the start begins no extension.
    let dot = name
        .char_indices()
        .skip(1)
        .find(|(_, letter)| *letter == '.');
    let at = dot.map_or(name.len(), |(at, _)| at);
    let (stem, extension) = (name[..at].to_owned(), name[at..].to_owned());
    let names = (2..).map(move |number| format!("{stem}-{number}{extension}"));
    std::iter::once(path.to_owned()).chain(names.map(|name| path.with_file_name(name)))
}

impl Identity {
    /// That of the regular file of this path, if there is one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let facts = fs::symlink_metadata(path).ok()?;
        facts.is_file().then(|| Self {
            device: facts.dev(),
            inode: facts.ino(),
            bytes: facts.len(),
            changed: (facts.mtime(), facts.mtime_nsec()),
        })
    }
}

/// The folder of a path.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

#[cfg(test)]
mod tests;
