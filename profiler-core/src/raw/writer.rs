//! The mapped raw file: creates it, hands out its chunks, and nothing else.
//!
//! The whole capacity is mapped at once and never moves; the file is sparse. A chunk's pages are made present before the chunk is
//! used, so that a full disk shows as "no room" here and never as a signal in the program.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::ffi::CString;
use std::io;
use std::path::Path;

use super::layout::{
    BYTE_ORDER_MARK, CHUNK_BYTES, ChunkHead, HEADER_BYTES, Header, MAGIC, RECORD_ALIGN, VERSION,
};

const _: () = assert!(size_of::<Header>() <= HEADER_BYTES);

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
    /// Creates the file, which must not exist, and maps it: at `place`, if given, in the stead of what is mapped there.
    ///
    /// Returns with it how many of its bytes may be used.
    pub(crate) fn create(
        path: &Path,
        capacity: usize,
        place: Option<*mut u8>,
    ) -> io::Result<(Self, usize)> {
        let file = open_new(path)?;
        let length = libc::off_t::try_from(capacity).map_err(io::Error::other)?;
        // SAFETY: the descriptor is open for writing.
        if unsafe { libc::ftruncate(file.0, length) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let fixed = if place.is_some() { libc::MAP_FIXED } else { 0 };
        // SAFETY: a new mapping; with `place` it takes the stead of the parent's one of the same size, of which this is a copy.
        let base = unsafe {
            libc::mmap(
                place.map_or(core::ptr::null_mut(), <*mut u8>::cast),
                capacity,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | fixed,
                file.0,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let this = Self { base: base.cast() };
        POPULATED.store(0, Relaxed);
        match populate(this.base, HEADER_BYTES) {
            Ok(()) => {
                POPULATED.store(HEADER_BYTES, Relaxed);
                Ok((this, capacity))
            }
            Err(error) if is_unsupported(&error) => Ok((this, reserve(&file, capacity)?)),
            Err(error) => Err(error),
        }
    }

    /// The file mapped at `base`.
    pub(crate) const fn at(base: *mut u8) -> Self {
        Self { base }
    }

    /// Address of offset 0.
    pub(crate) const fn base(self) -> *mut u8 {
        self.base
    }

    /// Makes the first `bytes` present and copies them from `from`.
    pub(crate) fn fill(self, from: *const u8, bytes: usize) -> bool {
        match populate(self.base, bytes) {
            Ok(()) => POPULATED.store(bytes, Relaxed),
            Err(error) if is_unsupported(&error) => {}
            Err(_) => return false,
        }
        // SAFETY: both have that many bytes and do not overlap.
        unsafe { core::ptr::copy_nonoverlapping(from, self.base, bytes) };
        true
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
        let more = |used: u64| used.checked_add(span as u64).filter(|after| *after <= room);
        let first =
            usize::try_from(header.chunks.fetch_update(AcqRel, Acquire, more).ok()?).ok()?;
        let start = self.base.wrapping_add(HEADER_BYTES + first * CHUNK_BYTES);
        match populate(start, span * CHUNK_BYTES) {
            Ok(()) => {
                POPULATED.fetch_add(span * CHUNK_BYTES, Relaxed);
            }
            Err(error) if is_unsupported(&error) => {}
            Err(_) => return None,
        }
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

/// Opens a file that did not exist, for this user alone.
fn open_new(path: &Path) -> io::Result<Descriptor> {
    use std::os::unix::ffi::OsStrExt;

    let path = CString::new(path.as_os_str().as_bytes())?;
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    // SAFETY: the path is terminated, and the mode is given as the flags ask.
    let file = unsafe { libc::open(path.as_ptr(), flags, 0o600) };
    if file < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(Descriptor(file))
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
    Err(io::Error::last_os_error())
}

#[cfg(not(target_os = "linux"))]
fn populate(_start: *mut u8, _bytes: usize) -> io::Result<()> {
    Ok(())
}
