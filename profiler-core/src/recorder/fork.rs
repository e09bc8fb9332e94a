//! Forks: a child gets a file of its own, with its parent's structure at the same addresses and all counters at 0.

use core::cell::Cell as StdCell;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicU8, AtomicU64};

use super::current::{self, current};
use super::identity::{describe_identity, path_stem, path_with_stem};
use super::protocol::published;
use super::space::{SHARED_END, SHARED_FREE, SHARED_OWNER, SharedLock};
use super::state::{CAPACITY, file, header, source, store_pair};
use super::{begin, cells, cpu, durations, os, resident, sampler, thin_array, thread};
use crate::memory::heap;
use crate::raw::layout::{
    CHUNK_BYTES, ChunkHead, DurationsRecord, FLAG_FORK_LOST, HEADER_BYTES, HeapEntry, HeapRecord,
    KIND_DURATIONS, KIND_HEAP, KIND_NODE, KIND_PAIRS, KIND_THIN, KIND_TIMED_CALL, NodeRecord,
    PairsRecord, RECORD_ALIGN, RecordHead, STATE_RUNNING, ThinCell, ThinRecord, TimedCallRecord,
    cell_offset,
};
use crate::raw::writer::{self, RawFile};

/// What a forked child must know of the moment of the fork. The parent goes on changing its file at once, before the child has a copy, so this lies
/// in private memory.
#[derive(Clone, Copy)]
struct AtFork {
    /// Whether the fork is counted, so that nobody starts a recording meanwhile.
    counted: bool,
    /// Whether there is a recording.
    recorded: bool,
    /// Whether this thread took the lock on shared records for the fork.
    locked: bool,
    /// Chunks handed out.
    chunks: u64,
    /// The record of the thread that forks.
    thread: thread::Words,
}

thread_local! {
    /// No destructor, and the child has it too.
    static AT_FORK: StdCell<AtFork> = const {
        StdCell::new(AtFork {
            counted: false,
            recorded: false,
            locked: false,
            chunks: 0,
            thread: [0; thread::WORDS],
        })
    };
}

/// Whether the handlers of forks are registered.
static WATCHES_FORKS: AtomicU64 = AtomicU64::new(0);

/// Registers the handlers of forks, if they are not yet.
pub(super) fn watch_forks() {
    if WATCHES_FORKS.swap(1, AcqRel) != 0 {
        return;
    }
    // SAFETY: the functions have the right form and live as long as the process.
    unsafe {
        libc::pthread_atfork(
            Some(before_fork),
            Some(after_fork_in_parent),
            Some(after_fork),
        )
    };
}

/// Before a fork: no recording is half begun in the child and no site half registered, and what it needs is noted.
extern "C" fn before_fork() {
    let (counted, recorded) = begin::before_fork();
    let mut at_fork = AtFork {
        counted,
        recorded,
        ..AT_FORK.get()
    };
    at_fork.locked = false;
    let header = header().filter(|_| recorded);
    if header.is_some() {
        let lock = SharedLock::take();
        at_fork.locked = lock.is_some();
        // Let go after the fork.
        let _lock = core::mem::ManuallyDrop::new(lock);
    }
    // Under all locks under which others take chunks: none of them is part of the child without the chunk it has taken.
    at_fork.chunks = heap::before_fork(|| header.map_or(0, |header| header.chunks.load(Acquire)));
    at_fork.thread = thread::words(current());
    AT_FORK.set(at_fork);
}

extern "C" fn after_fork_in_parent() {
    heap::after_fork_in_parent();
    let at_fork = AT_FORK.get();
    if at_fork.locked {
        SHARED_OWNER.store(0, Release);
    }
    if at_fork.counted {
        begin::after_counted_fork();
    }
}

/// In a forked child: a file of its own, with the parent's structure at the same addresses and all counters at 0.
extern "C" fn after_fork() {
    SHARED_OWNER.store(0, Relaxed);
    sampler::forget();
    #[cfg(feature = "native")]
    super::native::forget();
    let recorded = begin::begin_child(AT_FORK.get().recorded);
    let Some(parent) = file().filter(|_| recorded) else {
        heap::after_fork_without_file();
        return;
    };
    // A handler that enters a body must not find the mapping half exchanged.
    let before = os::block_signals();
    make_own_file(parent);
    os::restore_signals(&before);
}

/// See [`after_fork`].
fn make_own_file(parent: RawFile) {
    let capacity = CAPACITY.load(Relaxed);
    let at_fork = AT_FORK.get();
    let used = used_bytes(at_fork.chunks).min(capacity);
    // What is allocated for that is on no line: the running one is the parent's yet.
    let made = current::as_nobody(|| {
        let path = path_with_stem(&path_stem(), source().ticks());
        let made = parent.replace_by_copy(&path, capacity, used);
        if let Err(error) = &made {
            // Still the parent's header.
            parent.header().flags.fetch_or(FLAG_FORK_LOST, Relaxed);
            writer::note_failure(&path, error);
            // Private pages in the place of the parent's file: the program runs on, its markers count for nobody.
            make_private(parent, capacity, used);
        }
        made.is_ok()
    });
    // From here on nobody else changes the bytes.
    forget_what_came_later(parent, &at_fork, used);
    if made {
        begin_child(parent, used);
    } else {
        heap::give_up_in_child();
    }
}

/// The parent, and its other threads, went on while the file was copied: what they added is no part of the child.
fn forget_what_came_later(file: RawFile, at_fork: &AtFork, used: usize) {
    file.header().chunks.store(at_fork.chunks, Relaxed);
    let end = file.base().wrapping_add(used).addr();
    let me = thread::restore(&at_fork.thread, end);
    thin_array::restore(end);
    let free = |word: &AtomicU64| usize::try_from(word.load(Relaxed)).unwrap_or(0);
    let shared = (SHARED_FREE.load(Relaxed), SHARED_END.load(Relaxed));
    for (from, to) in [shared, (free(&me.free), free(&me.free_end))] {
        if file.base().addr() < from && from < to && to <= end {
            let place = core::ptr::with_exposed_provenance_mut::<u8>(from);
            // SAFETY: the free part of a chunk in use, which belongs to this thread, as the child has no other.
            unsafe { core::ptr::write_bytes(place, 0, to - from) };
        }
    }
}

/// The child's own facts and counters.
fn begin_child(parent: RawFile, used: usize) {
    let header = parent.header();
    describe_identity(header);
    let pair = source().pair();
    header.start_ticks.store(pair.0, Relaxed);
    header.start_mono_ns.store(pair.1, Relaxed);
    header.last_seq.store(0, Relaxed);
    store_pair(header, pair);
    for counter in [
        &header.sampler_cpu_ns,
        &header.sampler_ticks,
        &header.lost_calls,
    ] {
        counter.store(0, Relaxed);
    }
    header.flags.fetch_and(!FLAG_FORK_LOST, Relaxed);
    zero_counters(parent, used);
    thread::restart_after_fork();
    cpu::restart_after_fork();
    heap::restart_after_fork();
    resident::restart_after_fork(header);
    header.state.store(STATE_RUNNING, Release);
}

/// Bytes of the file with so many chunks.
fn used_bytes(chunks: u64) -> usize {
    let chunks = usize::try_from(chunks).unwrap_or(0);
    HEADER_BYTES.saturating_add(chunks.saturating_mul(CHUNK_BYTES))
}

/// Puts private pages with the same content in the place of the parent's file, piece by piece: there may be no room for a copy of it.
fn make_private(parent: RawFile, capacity: usize, used: usize) {
    static PIECE: [AtomicU8; CHUNK_BYTES] = [const { AtomicU8::new(0) }; CHUNK_BYTES];
    let piece = PIECE.as_ptr().cast::<u8>().cast_mut();
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    let mut at = 0;
    while at < capacity {
        let place = parent.base().wrapping_add(at);
        let filled = used.saturating_sub(at).min(CHUNK_BYTES);
        let length = if filled == 0 {
            capacity - at
        } else {
            CHUNK_BYTES.min(capacity - at)
        };
        // SAFETY: the used part of the file can be read, and the child has one thread, which has the piece for itself.
        unsafe { core::ptr::copy_nonoverlapping(place, piece, filled) };
        // SAFETY: takes the stead of a part of our own mapping.
        let made = unsafe { libc::mmap(place.cast(), length, protection, flags, -1, 0) };
        if made != libc::MAP_FAILED {
            // SAFETY: the new pages have room for it.
            unsafe { core::ptr::copy_nonoverlapping(piece, place, filled) };
        }
        at += length;
    }
}

/// Sets the counters of all nodes and tables to 0.
fn zero_counters(file: RawFile, used: usize) {
    let mut chunk = HEADER_BYTES;
    while chunk < used {
        // SAFETY: within the used part, where every chunk starts with a head.
        let head = unsafe { &*file.base().wrapping_add(chunk).cast::<ChunkHead>() };
        let end = chunk + head.span.load(Acquire).max(1) as usize * CHUNK_BYTES;
        let mut at = chunk + size_of::<ChunkHead>();
        while at + size_of::<RecordHead>() <= end.min(used) {
            let place = file.base().wrapping_add(at);
            // SAFETY: within the chunk, whose records follow each other.
            let record = unsafe { &*place.cast::<RecordHead>() };
            let bytes = record.bytes.load(Relaxed) as usize;
            // A record of another thread may have been copied while it was made.
            if bytes == 0 || !bytes.is_multiple_of(RECORD_ALIGN) || at + bytes > end.min(used) {
                break;
            }
            let Some(kind) = published(&record.kind) else {
                break;
            };
            match kind {
                KIND_NODE => {
                    // SAFETY: the kind says what the record is.
                    let node = unsafe { &*place.cast::<NodeRecord>() };
                    let lines = node.lines.load(Relaxed) as usize;
                    if cell_offset(lines) <= bytes {
                        zero_node(node);
                    }
                }
                KIND_PAIRS => {
                    // The sampler of the child makes tables of its own.
                    // SAFETY: the kind says what the record is.
                    let pairs = unsafe { &*place.cast::<PairsRecord>() };
                    pairs.capacity.store(0, Relaxed);
                }
                KIND_HEAP => {
                    // SAFETY: the kind says what the record is.
                    let heap = unsafe { &*place.cast::<HeapRecord>() };
                    let entries = heap.capacity.load(Relaxed) as usize;
                    if size_of::<HeapRecord>() + entries * size_of::<HeapEntry>() <= bytes {
                        zero_entries(place, entries);
                    }
                }
                KIND_DURATIONS if bytes >= size_of::<DurationsRecord>() => {
                    // SAFETY: the kind says what the record is.
                    durations::zero(unsafe { &*place.cast::<DurationsRecord>() });
                }
                KIND_TIMED_CALL if bytes >= size_of::<TimedCallRecord>() => {
                    // SAFETY: the kind says what the record is.
                    durations::forget_open_call(unsafe { &*place.cast::<TimedCallRecord>() });
                }
                KIND_THIN => {
                    // SAFETY: the kind says what the record is.
                    let thin = unsafe { &*place.cast::<ThinRecord>() };
                    let cells = thin.capacity.load(Relaxed) as usize;
                    if size_of::<ThinRecord>() + cells * size_of::<ThinCell>() <= bytes {
                        let first = place.wrapping_add(size_of::<ThinRecord>());
                        thin_array::reset(first.cast(), cells);
                    }
                }
                _ => {}
            }
            at += bytes;
        }
        chunk = end;
    }
}

/// Sets the entries of a record of the heap to 0.
fn zero_entries(record: *mut u8, entries: usize) {
    let first = record
        .wrapping_add(size_of::<HeapRecord>())
        .cast::<HeapEntry>();
    for index in 0..entries {
        // SAFETY: the record has that many entries behind its head.
        heap::zero(unsafe { &*first.wrapping_add(index) });
    }
}

/// Sets the counters of a node to 0.
fn zero_node(node: &NodeRecord) {
    node.calls.store(0, Relaxed);
    node.recursive_calls.store(0, Relaxed);
    for counter in [
        &node.missed_calls,
        &node.timed_calls,
        &node.polls,
        &node.cancelled,
    ] {
        counter.store(0, Relaxed);
    }
    for index in 0..node.lines.load(Relaxed) as usize {
        thread::zero(cells::cell(node, index));
    }
}
