//! Room in the raw file: records of threads, of the process and of the sampler; and private memory beside it.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU32, AtomicUsize};

use super::os::{self, thread_id};
use super::state::{self, CAPACITY, file, header};
use crate::raw::layout::{CHUNK_BYTES, ChunkHead, MemoryWords, RecordHead, ThreadRecord};
use crate::raw::writer::{self, Span, padded};

/// Bytes of calling contexts a thread may have.
const THREAD_LIMIT: usize = 4 << 20;

/// Thread id of the holder of the lock on shared records; 0 if it is free.
pub(super) static SHARED_OWNER: AtomicU32 = AtomicU32::new(0);
/// Free part of the newest chunk of shared records.
pub(super) static SHARED_FREE: AtomicUsize = AtomicUsize::new(0);
pub(super) static SHARED_END: AtomicUsize = AtomicUsize::new(0);

/// Zeroed memory that is not part of the file and is never given back.
pub(crate) fn private_memory(bytes: usize) -> Option<*mut u8> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping.
    let memory = unsafe { libc::mmap(core::ptr::null_mut(), bytes, protection, flags, -1, 0) };
    (memory != libc::MAP_FAILED).then_some(memory.cast())
}

/// Gives memory of [`private_memory`] back, all of it.
pub(super) fn return_private_memory(memory: *mut u8, bytes: usize) {
    // SAFETY: mapped with this length, and not used by anybody.
    unsafe { libc::munmap(memory.cast(), bytes) };
}

/// Bytes of [`lasting_memory`].
static LASTING: AtomicUsize = AtomicUsize::new(0);

/// Zeroed memory for a table that lasts: its pages are there at once, and readings of the resident set leave them out.
pub(crate) fn lasting_memory(bytes: usize) -> Option<*mut u8> {
    // The allocator asks for it, which programs do not expect to change the number.
    let errno = os::errno();
    let memory = private_memory(bytes)?;
    #[cfg(target_os = "linux")]
    // SAFETY: our own mapping. Where the system cannot do it the pages come one by one.
    unsafe {
        libc::madvise(memory.cast(), bytes, libc::MADV_POPULATE_WRITE)
    };
    os::set_errno(errno);
    LASTING.fetch_add(bytes, Relaxed);
    Some(memory)
}

/// Gives memory of [`lasting_memory`] back, all of it.
pub(crate) fn return_memory(memory: *mut u8, bytes: usize) {
    return_private_memory(memory, bytes);
    LASTING.fetch_sub(bytes, Relaxed);
}

/// The first chunk of a thread: its record, and what is left of the chunk.
pub(super) struct FirstSpan {
    pub(super) record: *mut u8,
    pub(super) free: usize,
    pub(super) end: usize,
    pub(super) bytes: usize,
    /// The memory words of `outside`, if there are any.
    pub(super) memory: Option<*const u8>,
}

/// Whether most of the file is yet unused.
pub(super) fn is_plenty() -> bool {
    let Some(header) = header() else {
        return false;
    };
    let used = header
        .chunks
        .load(Relaxed)
        .saturating_mul(CHUNK_BYTES as u64);
    used < CAPACITY.load(Relaxed) as u64 / 4
}

/// Takes the first chunk of thread record `index`, with the record in it.
pub(super) fn first_thread_record(index: u32) -> Option<FirstSpan> {
    let file = file()?;
    let words_at = size_of::<ThreadRecord>();
    let has_words = state::has_memory_words();
    let bytes = padded(
        words_at
            + if has_words {
                size_of::<MemoryWords>()
            } else {
                0
            },
    );
    let span = file.take(bytes, index + 1, usize::MAX)?;
    reserve_record(span.first, bytes)?;
    let free = span.first.wrapping_add(bytes).expose_provenance();
    Some(FirstSpan {
        record: span.first,
        free,
        end: span.end.addr(),
        bytes: span.bytes,
        memory: has_words.then(|| span.first.wrapping_add(words_at).cast_const()),
    })
}

/// Room for a record of a thread: a node, and whether it is a flat one, which may use what is left of the file.
pub(super) fn thread_record(thread: &ThreadRecord, bytes: usize, flat: bool) -> Option<*mut u8> {
    let bytes = padded(bytes);
    let mut free = usize::try_from(thread.free.load(Relaxed)).ok()?;
    if free.checked_add(bytes)? > usize::try_from(thread.free_end.load(Relaxed)).ok()? {
        let budget = usize::try_from(thread.budget.load(Relaxed)).ok()?;
        if !flat && budget + bytes > THREAD_LIMIT {
            return None;
        }
        // A quarter of the file is kept for flat nodes.
        let limit = if flat {
            usize::MAX
        } else {
            CAPACITY.load(Relaxed) / 4 * 3
        };
        let span = file()?.take(bytes, thread.index.load(Relaxed) + 1, limit)?;
        free = span.first.expose_provenance();
        thread.free_end.store(span.end.addr() as u64, Relaxed);
        thread.budget.store((budget + span.bytes) as u64, Relaxed);
    }
    thread.free.store((free + bytes) as u64, Relaxed);
    let record = core::ptr::with_exposed_provenance_mut::<u8>(free);
    reserve_record(record, bytes)?;
    Some(record)
}

/// The lock on shared records. Not taken again by its own holder: a signal handler may enter a body while it is held.
pub(super) struct SharedLock(());

impl SharedLock {
    /// Waits for the lock; `None` if this thread holds it, or nobody lets it go.
    pub(super) fn take() -> Option<Self> {
        let me = thread_id();
        for _ in 0..1_000_000 {
            match SHARED_OWNER.compare_exchange(0, me, Acquire, Relaxed) {
                Ok(_) => return Some(Self(())),
                Err(owner) if owner == me => return None,
                // SAFETY: no arguments.
                Err(_) => unsafe { libc::sched_yield() },
            };
        }
        None
    }
}

impl Drop for SharedLock {
    fn drop(&mut self) {
        SHARED_OWNER.store(0, Release);
    }
}

/// Room for a record of the process.
pub(super) fn shared_record(_lock: &SharedLock, bytes: usize) -> Option<*mut u8> {
    let bytes = padded(bytes);
    let mut free = SHARED_FREE.load(Relaxed);
    if free == 0 || free.checked_add(bytes)? > SHARED_END.load(Relaxed) {
        let span = file()?.take(bytes, 0, usize::MAX)?;
        free = span.first.expose_provenance();
        SHARED_END.store(span.end.addr(), Relaxed);
    }
    SHARED_FREE.store(free + bytes, Relaxed);
    let record = core::ptr::with_exposed_provenance_mut::<u8>(free);
    reserve_record(record, bytes)?;
    Some(record)
}

/// A chunk of its own for the sampler's table about one thread.
pub(super) fn pairs_record(bytes: usize) -> Option<*mut u8> {
    let bytes = padded(bytes);
    // As contexts: tables must not use up what flat nodes need.
    let Span { first, .. } = file()?.take(bytes, 0, CAPACITY.load(Relaxed) / 4 * 3)?;
    reserve_record(first, bytes)?;
    Some(first)
}

/// A chunk of its own for a record of entries of the heap, which is as long as the chunk allows.
pub(crate) fn heap_record() -> Option<*mut u8> {
    let bytes = CHUNK_BYTES - size_of::<ChunkHead>();
    // As contexts: they must not use up what flat nodes need.
    let errno = os::errno();
    let span = file()?.take(bytes, 0, CAPACITY.load(Relaxed) / 4 * 3);
    os::set_errno(errno);
    let Span { first, .. } = span?;
    reserve_record(first, bytes)?;
    Some(first)
}

/// Writes the length of a record, which its kind will follow.
fn reserve_record(record: *mut u8, bytes: usize) -> Option<()> {
    // SAFETY: the record has at least room for its head, and belongs to the caller.
    let head = unsafe { &*record.cast::<RecordHead>() };
    head.bytes.store(u32::try_from(bytes).ok()?, Relaxed);
    Some(())
}

/// Pages that are resident because of us: of the file, and others.
pub(super) fn own_pages() -> (u32, u32) {
    let page = header().map_or(0, |header| header.rss_page_bytes.load(Relaxed));
    let pages = |bytes: usize| u32::try_from(bytes / (page.max(1) as usize)).unwrap_or(u32::MAX);
    (
        pages(writer::populated_bytes()),
        pages(LASTING.load(Relaxed)),
    )
}
