//! The mapped raw file: creates it, hands out its chunks, and nothing else.
//!
//! The whole capacity is mapped at once and never moves; the file is sparse. A chunk's pages are made present before the chunk is
//! used, so that a full disk shows as "no room" here and never as a signal in the program.

use core::cell::Cell;
use core::sync::atomic::Ordering::{Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicUsize};
use std::ffi::CString;
use std::io;
use std::path::Path;

use super::chunks;
use super::layout::{
    BYTE_ORDER_MARK, CHUNK_BYTES, ChunkHead, HEADER_BYTES, Header, MAGIC, NOTE_EXTENSION,
    RECORD_ALIGN, VERSION,
};

const _: () = assert!(size_of::<Header>() <= HEADER_BYTES);

/// Requests that are refused unasked after one that found the disk full.
const ASK_AGAIN: u32 = 256;

/// How many of those are left.
static FULL: AtomicU32 = AtomicU32::new(0);
/// Bytes of the file whose pages were made present.
static POPULATED: AtomicUsize = AtomicUsize::new(0);

/// Bytes of the file that are resident: they are not the program's.
pub(crate) fn populated_bytes() -> usize {
    POPULATED.load(Relaxed)
}

/// A raw file that is mapped for good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawFile {
    base: *mut u8,
}

// SAFETY: the mapping is shared memory of atomic words, valid for the rest of the process.
unsafe impl Send for RawFile {}
// SAFETY: as above.
unsafe impl Sync for RawFile {}

/// A span of chunks: where its records begin, and its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) first: *mut u8,
    pub(crate) end: *mut u8,
    pub(crate) bytes: usize,
}

/// Bytes of a record of this size with its padding.
pub(crate) const fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(RECORD_ALIGN)
}

/// Closes a file descriptor when dropped.
struct Descriptor(libc::c_int);

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: the descriptor was opened by the one who made this value, and is closed once.
        unsafe { libc::close(self.0) };
    }
}

impl RawFile {
    /// Creates the file, which must not exist, and maps it. Where it fails nothing is left behind.
    ///
    /// Returns with it how many of its bytes may be used.
    pub(crate) fn create(path: &Path, capacity: usize) -> io::Result<(Self, usize)> {
        let file = NewFile::open(path, capacity)?;
        let this = file.map(capacity, None)?;
        let usable = match populate(this.base, HEADER_BYTES) {
            Ok(()) => Ok(capacity),
            Err(error) if is_unsupported(&error) => reserve(&file.descriptor, capacity),
            Err(error) => Err(error),
        };
        match usable {
            Ok(usable) => {
                POPULATED.store(HEADER_BYTES, Relaxed);
                file.keep();
                Ok((this, usable))
            }
            Err(error) => {
                // SAFETY: mapped above, and known to nobody else.
                unsafe { libc::munmap(this.base.cast(), capacity) };
                Err(error)
            }
        }
    }

    /// In a forked child: creates a file with the first `used` bytes of this one, and maps it in this one's stead. Its state is 0 until
    /// the child has made it its own. Where it fails this one stays as it was.
    pub(crate) fn replace_by_copy(
        self,
        path: &Path,
        capacity: usize,
        used: usize,
    ) -> io::Result<()> {
        let file = NewFile::open(path, capacity)?;
        let usable = usize::try_from(self.header().capacity.load(Relaxed)).unwrap_or(capacity);
        if usable < capacity {
            reserve(&file.descriptor, usable)?;
        }
        // The bytes are written, not stored: a full disk is an error here, and would be a signal there.
        let state = core::mem::offset_of!(Header, state);
        let rest = state + size_of::<u32>();
        file.write_at(self.base, state, 0)?;
        file.write_at(self.base.wrapping_add(rest), used - rest, rest)?;
        file.map(capacity, Some(self.base))?;
        // The pages are there; here they only become this process' own.
        let present = populate(self.base, used).is_ok();
        POPULATED.store(if present { used } else { 0 }, Relaxed);
        file.keep();
        Ok(())
    }

    /// The file mapped at `base`.
    pub(crate) const fn at(base: *mut u8) -> Self {
        Self { base }
    }

    /// Address of offset 0.
    pub(crate) const fn base(self) -> *mut u8 {
        self.base
    }

    /// The header.
    pub(crate) fn header(self) -> &'static Header {
        // SAFETY: the mapping starts with a header, is aligned to a page, and is never unmapped.
        unsafe { &*self.base.cast::<Header>() }
    }

    /// Fills in the words of the header that describe the layout.
    pub(crate) fn describe(self, capacity: usize) {
        let header = self.header();
        header.version.store(VERSION, Relaxed);
        header.byte_order.store(BYTE_ORDER_MARK, Relaxed);
        header
            .header_bytes
            .store(u32::try_from(HEADER_BYTES).unwrap_or(0), Relaxed);
        header
            .chunk_bytes
            .store(u32::try_from(CHUNK_BYTES).unwrap_or(0), Relaxed);
        header
            .base
            .store(self.base.expose_provenance() as u64, Relaxed);
        header.capacity.store(capacity as u64, Relaxed);
        header.magic.store(MAGIC, Release);
    }

    /// Where a chunk begins.
    fn chunk(self, number: usize) -> *mut u8 {
        self.base.wrapping_add(HEADER_BYTES + number * CHUNK_BYTES)
    }

    /// Takes chunks for records of `bytes` in all, if no more than `limit` bytes of the file are used then.
    ///
    /// `owner_plus_1` is the number of the owning thread record plus 1, or 0.
    pub(crate) fn take(self, bytes: usize, owner_plus_1: u32, limit: usize) -> Option<Span> {
        let header = self.header();
        let span = (size_of::<ChunkHead>() + bytes).div_ceil(CHUNK_BYTES);
        let capacity = usize::try_from(header.capacity.load(Relaxed))
            .ok()?
            .min(limit);
        let room = (capacity.checked_sub(HEADER_BYTES)? / CHUNK_BYTES) as u64;
        let (first, present) = chunks::hand_out(&header.chunks, span as u64, room, |first| {
            let start = self.chunk(usize::try_from(first).ok()?);
            make_present(start, span * CHUNK_BYTES)
        })?;
        let first = usize::try_from(first).ok()?;
        POPULATED.fetch_add(present, Relaxed);
        let start = self.chunk(first);
        // SAFETY: the chunk lies in the mapping, its pages are present, and no one else has it.
        let head = unsafe { &*start.cast::<ChunkHead>() };
        head.owner_plus_1.store(owner_plus_1, Relaxed);
        // A reader that sees the span sees the owner.
        head.span.store(u32::try_from(span).ok()?, Release);
        Some(Span {
            first: start.wrapping_add(size_of::<ChunkHead>()),
            end: start.wrapping_add(span * CHUNK_BYTES),
            bytes: span * CHUNK_BYTES,
        })
    }
}

/// A file that is deleted again unless it is kept.
struct NewFile {
    path: CString,
    descriptor: Descriptor,
    kept: Cell<bool>,
}

impl NewFile {
    /// Opens a file that did not exist, for this user alone, and gives it its length.
    fn open(path: &Path, capacity: usize) -> io::Result<Self> {
        use std::os::unix::ffi::OsStrExt;

        // A file longer than the limit would end the program with a signal.
        if capacity > size_limit() {
            return Err(io::Error::from_raw_os_error(libc::EFBIG));
        }
        let length = libc::off_t::try_from(capacity).map_err(io::Error::other)?;
        let path = CString::new(path.as_os_str().as_bytes())?;
        let flags =
            libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC | libc::O_NOFOLLOW;
        // SAFETY: the path is terminated, and the mode is given as the flags ask.
        let number = unsafe { libc::open(path.as_ptr(), flags, 0o600) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        let file = Self {
            path,
            descriptor: Descriptor(number),
            kept: Cell::new(false),
        };
        // SAFETY: the descriptor is open for writing.
        if unsafe { libc::ftruncate(number, length) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(file)
    }

    /// Maps it: at `place`, if given, in the stead of what is mapped there.
    fn map(&self, capacity: usize, place: Option<*mut u8>) -> io::Result<RawFile> {
        let fixed = if place.is_some() { libc::MAP_FIXED } else { 0 };
        // SAFETY: a new mapping; with `place` it takes the stead of the parent's one of the same size, of which this is a copy.
        let base = unsafe {
            libc::mmap(
                place.map_or(core::ptr::null_mut(), <*mut u8>::cast),
                capacity,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | fixed,
                self.descriptor.0,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(RawFile { base: base.cast() })
    }

    /// Writes bytes of memory, which other threads may be changing, at an offset.
    fn write_at(&self, from: *const u8, bytes: usize, offset: usize) -> io::Result<()> {
        let mut done = 0;
        while done < bytes {
            let at = libc::off_t::try_from(offset + done).map_err(io::Error::other)?;
            // SAFETY: the memory is mapped; the system reads it.
            let written = unsafe {
                libc::pwrite(
                    self.descriptor.0,
                    from.wrapping_add(done).cast(),
                    bytes - done,
                    at,
                )
            };
            match usize::try_from(written) {
                Ok(0) => return Err(io::Error::from_raw_os_error(libc::ENOSPC)),
                Ok(written) => done += written,
                Err(_) => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    fn keep(&self) {
        self.kept.set(true);
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept.get() {
            // SAFETY: the path is terminated.
            unsafe { libc::unlink(self.path.as_ptr()) };
        }
    }
}

/// Leaves a note in place of a file that could not be made: a link that points to the number of the error. It needs neither a free
/// descriptor nor, on most file systems, free space.
pub(crate) fn note_failure(path: &Path, error: &io::Error) {
    use std::os::unix::ffi::OsStrExt;

    let target = CString::new(error.raw_os_error().unwrap_or(0).to_string());
    let path = CString::new(path.with_extension(NOTE_EXTENSION).as_os_str().as_bytes());
    if let (Ok(target), Ok(path)) = (target, path) {
        // SAFETY: both are terminated.
        unsafe { libc::symlink(target.as_ptr(), path.as_ptr()) };
    }
}

/// The longest file that this process may write.
pub(crate) fn size_limit() -> usize {
    limit(libc::RLIMIT_FSIZE)
}

/// The bytes of addresses that this process may have.
pub(crate) fn address_limit() -> usize {
    limit(libc::RLIMIT_AS)
}

fn limit(
    #[cfg(target_env = "gnu")] of: libc::__rlimit_resource_t,
    #[cfg(not(target_env = "gnu"))] of: libc::c_int,
) -> usize {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place for the answer.
    let known = unsafe { libc::getrlimit(of, &raw mut limit) } == 0;
    if known {
        usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX)
    } else {
        usize::MAX
    }
}

/// Makes pages present, as far as the system can, and returns how many bytes; `None` if there is no room for them. A disk that was
/// full is asked again only now and then.
fn make_present(start: *mut u8, bytes: usize) -> Option<usize> {
    let wait = FULL.load(Relaxed);
    if wait > 0 {
        FULL.store(wait - 1, Relaxed);
        return None;
    }
    match populate(start, bytes) {
        Ok(()) => Some(bytes),
        Err(error) if is_unsupported(&error) => Some(0),
        Err(_) => {
            FULL.store(ASK_AGAIN, Relaxed);
            None
        }
    }
}

/// The system cannot make single pages present: Linux before 5.14.
fn is_unsupported(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINVAL)
}

/// Reserves the space at once, less of it, where single pages cannot be. Returns how much.
#[cfg(target_os = "linux")]
fn reserve(file: &Descriptor, capacity: usize) -> io::Result<usize> {
    let bytes = capacity.min(16 << 20);
    let length = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for writing.
    match unsafe { libc::posix_fallocate(file.0, 0, length) } {
        0 => Ok(bytes),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_file: &Descriptor, capacity: usize) -> io::Result<usize> {
    Ok(capacity)
}

/// Makes pages present for writing; fails where there is no room for them.
#[cfg(target_os = "linux")]
fn populate(start: *mut u8, bytes: usize) -> io::Result<()> {
    // SAFETY: the range lies in our mapping; its content stays.
    if unsafe { libc::madvise(start.cast(), bytes, libc::MADV_POPULATE_WRITE) } == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    // What touching the page would be a signal for.
    Err(match error.raw_os_error() {
        Some(libc::EFAULT) => io::Error::from_raw_os_error(libc::ENOSPC),
        _ => error,
    })
}

#[cfg(not(target_os = "linux"))]
fn populate(_start: *mut u8, _bytes: usize) -> io::Result<()> {
    Ok(())
}
