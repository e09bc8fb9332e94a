//! Every byte of the raw file.
//!
//! The recorder maps one file per process and writes nothing else. The same structures describe it to the writer
//! (as mapped memory) and to the reader (as offsets into bytes it does not trust). All numbers are in the byte order
//! of the machine; the header carries a mark to tell.
//!
//! ```text
//! offset 0            Header, 4 KiB
//! offset 4096         chunk 0    ┐ chunks of 32 KiB, handed out in order by `Header::chunks`.
//! offset 4096 + 32K   chunk 1    ┘ A chunk belongs to one writer, or is the tail of a longer span.
//! ```
//!
//! A chunk (or a span of several) starts with a [`ChunkHead`] and holds records back to back, each starting with a
//! [`RecordHead`] at a multiple of 128 bytes. The kind word of a record is stored last, with Release: a record whose kind is not 0 is
//! complete, and the first record whose kind is 0 ends the chunk. A chunk whose head is still 0 was handed out but not yet begun: the
//! reader skips that one chunk. Pointers in the file are addresses in the recording process; `Header::base` is the
//! address of offset 0.
//!
//! | kind | record | after the structure |
//! |---|---|---|
//! | 1 | [`SiteRecord`] | `lines` × [`LineRecord`], then the strings |
//! | 2 | [`ThreadRecord`] | with [`FLAG_MEMORY`]: 1 × [`MemoryWords`], for `outside` |
//! | 3 | [`NodeRecord`] | `lines` × [`Cell`]; with [`FLAG_MEMORY`]: `lines` × [`MemoryWords`] |
//! | 4 | [`PairsRecord`] | `capacity` × [`Pair`] |
//! | 5 | [`HeapRecord`] | `capacity` × [`HeapEntry`] |
//! | 6 | [`NotMeasuredRecord`] | the strings |
//! | 7 | [`ThinRecord`] | `capacity` × [`ThinCell`] |
//! | 8 | [`DurationsRecord`] | |
//! | 9 | [`TimedCallRecord`] | |
//!
//! Counters are single words written by one thread (the memory words by several, with atomic additions) and may be read at any moment;
//! structure never changes once published.

use core::ops::Deref;
use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64};

/// First eight bytes of a raw file.
pub const MAGIC: u64 = u64::from_le_bytes(*b"hprofraw");
/// Version of the layout on this page.
pub const VERSION: u32 = 3;
/// Reads differently in a file of the other byte order.
pub const BYTE_ORDER_MARK: u32 = 0x0102_0304;
/// Bytes before the first chunk.
pub const HEADER_BYTES: usize = 4096;
/// Bytes of one chunk.
pub const CHUNK_BYTES: usize = 32 * 1024;
/// Every record starts at a multiple of this.
pub const RECORD_ALIGN: usize = 128;
/// No site has more line slots than this.
pub const MAX_LINES: usize = 4096;
/// File name extension of raw files.
pub const EXTENSION: &str = "hpraw";
/// File name extension of the note of a process that could not make its raw file: a symbolic link to the number of the error.
pub const NOTE_EXTENSION: &str = "hplost";

/// `Header::state`: the process is running, or ended without telling.
pub const STATE_RUNNING: u32 = 1;
/// `Header::state`: the process came to its end in order.
pub const STATE_FINISHED: u32 = 2;

/// `Header::clock_mode`, as asked by `HPROF_CLOCK`.
pub const MODE_AUTO: u32 = 0;
/// Every marker reads the clock.
pub const MODE_EXACT: u32 = 1;
/// Every marker reads the clock between fences.
pub const MODE_FENCED: u32 = 2;
/// No marker reads the clock.
pub const MODE_SAMPLED: u32 = 3;

/// `Header::clock_source`: time stamp counter of x86-64.
pub const SOURCE_TSC: u32 = 1;
/// `Header::clock_source`: `clock_gettime(CLOCK_MONOTONIC)`, one tick is one nanosecond.
pub const SOURCE_MONOTONIC: u32 = 2;

/// `Header::flags`: the program was built with debug assertions.
pub const FLAG_DEBUG_ASSERTIONS: u64 = 1;
/// `Header::flags`: a space limit was met and calls went to flat nodes: their context is lost.
pub const FLAG_FLAT: u64 = 1 << 1;
/// `Header::flags`: not even a flat node could be made for some calls: their hits are lost.
pub const FLAG_LOST: u64 = 1 << 2;
/// `Header::flags`: a sampler thread ran.
pub const FLAG_SAMPLER: u64 = 1 << 3;
/// `Header::flags`: only calls are measured (`HPROF=calls`).
pub const FLAG_CALLS: u64 = 1 << 4;
/// `Header::flags`: the counting allocator is installed.
pub const FLAG_ALLOC: u64 = 1 << 5;
/// `Header::flags`: a thread block is shared by several threads, one after the other.
pub const FLAG_THREADS_FOLDED: u64 = 1 << 6;
/// `Header::flags`: cells have memory words, and the resident set is read (`HPROF_MEMORY`).
pub const FLAG_MEMORY: u64 = 1 << 7;
/// `Header::flags`: a forked child could not make a file of its own and is not recorded.
pub const FLAG_FORK_LOST: u64 = 1 << 8;

/// `Header::rss_source`: `/proc/self/statm`.
pub const RSS_PROCFS: u32 = 1;
/// `Header::rss_source`: the crate `sysinfo`, which does not tell files from other memory.
pub const RSS_SYSINFO: u32 = 2;

/// `HeapWords::mode`: blocks are noted from the start of the recording on.
pub const HEAP_FROM_RECORDING: u64 = 1;
/// `HeapWords::mode`: blocks are noted from the start of the process on.
pub const HEAP_FROM_START: u64 = 2;

/// `Cell::state`: the line does not read the clock.
pub const CELL_SAMPLED: u64 = 0;
/// `Cell::state`: the line reads the clock.
pub const CELL_TIMED: u64 = 1;
/// `Cell::state`: the next marker of the line begins a window and times it.
pub const CELL_PROMOTED: u64 = 2;
/// `Cell::state`: the line reads the clock between fences, in its last window before it is sampled. Without them the processor reads the
/// clock while the work of the line before is still under way, and all short lines look alike.
pub const CELL_PROBED: u64 = 3;
/// `Cell::state`: the line reads the clock, and at its next marker the CPU clock of the thread too: its last interval was long.
pub const CELL_WAS_LONG: u64 = 4;

/// `Cell::state`: no line, but the way back from a call whose duration is measured: the cell of a [`TimedCallRecord`].
pub const CELL_ENDS_CALL: u64 = 5;

/// `ThreadRecord::state`: it was made, and no thread has begun to write to it.
pub const THREAD_UNUSED: u32 = 0;
/// `ThreadRecord::state`: a thread writes to it.
pub const THREAD_ALIVE: u32 = 1;
/// `ThreadRecord::state`: its thread has ended; another may take it over.
pub const THREAD_ENDED: u32 = 2;

/// `ThreadRecord::open`: no interval is open, but the next marker shall read the clock. No cell has this address.
pub const OPEN_WANTED: usize = 1;
/// `Pair::cell`: all cells that found no room in the table. No cell has this address.
pub const OTHER_CELLS: usize = 1;

/// Bytes of `Header::host`.
pub const HOST_BYTES: usize = 256;
/// Bytes of `Header::exe`.
pub const EXE_BYTES: usize = 2048;
/// Bytes of `ThreadRecord::name`.
pub const NAME_BYTES: usize = 64;

/// By so many bytes `Header::live_bytes` and `Header::peak_bytes` may be off for each thread, in both directions: what it has not passed on.
pub const OWED_BY_A_THREAD: u64 = 64 * 1024;

/// The address of a structure that the recorder made, in memory that it never unmaps; null if there is none.
#[derive(Debug)]
#[repr(transparent)]
pub struct Mapped<T>(AtomicPtr<T>);

impl<T> Mapped<T> {
    /// That of such a structure, or null.
    #[must_use]
    pub const fn new(address: *mut T) -> Self {
        Self(AtomicPtr::new(address))
    }
}

impl<T> Deref for Mapped<T> {
    type Target = AtomicPtr<T>;

    #[inline(always)]
    fn deref(&self) -> &AtomicPtr<T> {
        &self.0
    }
}

/// The first 4 KiB of the file.
#[derive(Debug)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: AtomicU64,
    /// [`VERSION`].
    pub version: AtomicU32,
    /// [`BYTE_ORDER_MARK`].
    pub byte_order: AtomicU32,
    /// [`HEADER_BYTES`].
    pub header_bytes: AtomicU32,
    /// [`CHUNK_BYTES`].
    pub chunk_bytes: AtomicU32,
    /// [`STATE_RUNNING`] or [`STATE_FINISHED`]; 0 while the header is being written.
    pub state: AtomicU32,
    /// One of the `MODE_` numbers.
    pub clock_mode: AtomicU32,
    /// One of the `SOURCE_` numbers.
    pub clock_source: AtomicU32,
    /// Process id.
    pub pid: AtomicU32,
    /// Process id of the parent.
    pub parent_pid: AtomicU32,
    /// Optimisation level of the program, as its ASCII digit.
    pub opt_level: AtomicU32,
    /// Address of offset 0 in the recording process.
    pub base: AtomicU64,
    /// Bytes of the file.
    pub capacity: AtomicU64,
    /// Chunks handed out so far.
    pub chunks: AtomicU64,
    /// `FLAG_` bits.
    pub flags: AtomicU64,
    /// Start of the recording, nanoseconds since the Unix epoch.
    pub start_unix_ns: AtomicU64,
    /// First pair of readings of the tick clock and of `CLOCK_MONOTONIC`.
    pub start_ticks: AtomicU64,
    /// See `start_ticks`.
    pub start_mono_ns: AtomicU64,
    /// Newest pair; the even/odd counter `last_seq` is odd while the two are being written.
    pub last_ticks: AtomicU64,
    /// See `last_ticks`.
    pub last_mono_ns: AtomicU64,
    /// See `last_ticks`.
    pub last_seq: AtomicU64,
    /// Ticks per second, estimated while starting: for runs too short for the pairs, or that never wrote a second one.
    pub ticks_per_second: AtomicU64,
    /// Cost of a marker that reads the clock, in picoseconds, measured while starting.
    pub cost_timed_ps: AtomicU64,
    /// Cost of a marker that does not, in picoseconds.
    pub cost_marker_ps: AtomicU64,
    /// Cost of entering and leaving a frame beside its markers, in picoseconds.
    pub cost_call_ps: AtomicU64,
    /// CPU time of the sampler thread, nanoseconds.
    pub sampler_cpu_ns: AtomicU64,
    /// Looks the sampler took at the threads.
    pub sampler_ticks: AtomicU64,
    /// CPU time of the process when recording started, nanoseconds.
    pub start_cpu_ns: AtomicU64,
    /// CPU time of the process at the newest pair, nanoseconds.
    pub last_cpu_ns: AtomicU64,
    /// Calls that found no room at all (see [`FLAG_LOST`]).
    pub lost_calls: AtomicU64,
    /// Bytes allocated and not freed, over all threads; batched.
    pub live_bytes: AtomicI64,
    /// Highest value of `live_bytes`.
    pub peak_bytes: AtomicI64,
    /// Rank of the process in a parallel job plus 1; 0 if it has none.
    pub rank_plus_1: AtomicU32,
    /// Number of ranks in the job; 0 if not known.
    pub ranks: AtomicU32,
    /// Length of `host`.
    pub host_len: AtomicU32,
    /// Length of `exe`.
    pub exe_len: AtomicU32,
    /// Host name, UTF-8, not terminated.
    pub host: [AtomicU8; HOST_BYTES],
    /// Path of the executable, UTF-8 (lossy), not terminated.
    pub exe: [AtomicU8; EXE_BYTES],
    /// One of the `RSS_` numbers; 0 if the resident set could not be read.
    pub rss_source: AtomicU32,
    /// Bytes of a page.
    pub rss_page_bytes: AtomicU32,
    /// Pages by which the source moves at least, as tried when the recording started; 0 if that could not be found out.
    pub rss_resolution: AtomicU32,
    /// Percent of the threads' time that readings may take.
    pub rss_budget: AtomicU32,
    /// Resident set when the recording started, in pages less those of this file: anonymous ones in the lower 32 bits, those of files and
    /// shared memory in the upper ones.
    pub rss_start: AtomicU64,
    /// The newest reading, in the same form. What lies between the two is in the memory words of the cells, in `rss_not_read` and in
    /// `rss_rest`: a reader of the resident set swaps this word and charges the difference.
    pub rss_now: AtomicU64,
    /// Highest reading, pages.
    pub rss_peak: AtomicU64,
    /// Readings taken, by markers and by the sampler.
    pub rss_reads: AtomicU64,
    /// Times that a marker looked whether a reading was needed, those included in which it was.
    pub rss_checks: AtomicU64,
    /// Memory of this machine, or what the control group may use of it; bytes, 0 if not known.
    pub total_ram: AtomicU64,
    /// Most threads that counted allocations at the same time: each owes `live_bytes` up to [`OWED_BY_A_THREAD`].
    pub alloc_threads: AtomicU64,
    /// When the system started the process, in its clock ticks since it started itself; 0 if that is not known. A process keeps it when it becomes
    /// another program, and one that gets the number of an older process does not.
    pub process_started: AtomicU64,
    /// `CLOCK_MONOTONIC` when the process had ended without telling, noted afterwards by whoever waited for it; 0 if nobody did.
    pub ended_mono_ns: AtomicU64,
    /// Changes that no line is known to have made.
    pub rss_not_read: MemoryWords,
    /// Changes between the last marker and the end of the process.
    pub rss_rest: MemoryWords,
    /// Live blocks as far as they are noted.
    pub heap: HeapWords,
    /// Cost of reading the CPU clock of a thread in a marker, in picoseconds.
    pub cost_cpu_ps: AtomicU64,
    /// Cost of counting a call of a thin function, in picoseconds.
    pub cost_thin_ps: AtomicU64,
    /// What an entry takes more that neither the cache of the thread nor the calling line knew, in picoseconds.
    pub cost_miss_ps: AtomicU64,
}

/// Sums over the blocks that are noted: allocated, and not freed yet.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct HeapWords {
    /// One of the `HEAP_` numbers; 0 if no block is noted.
    pub mode: AtomicU64,
    /// Largest mean of the bytes allocated from one block noted to the next; 0 as long as all are.
    pub gap: AtomicU64,
    /// Bytes that the noted blocks stand for.
    pub live: AtomicU64,
    /// What `live` was when the heap was at its peak. With `gap` 0 the peak is now if `live` is larger; else it is now if
    /// `Header::peak_bytes` is larger than `peak_count`.
    pub peak: AtomicU64,
    /// Number of times that the heap left a new peak.
    pub epoch: AtomicU64,
    /// Blocks that found no room.
    pub lost_blocks: AtomicU64,
    /// Bytes of those.
    pub lost_bytes: AtomicU64,
    /// `Header::peak_bytes` at the newest peak, once `gap` is not 0.
    pub peak_count: AtomicI64,
    /// Blocks allocated on no line that is recorded.
    pub elsewhere: HeapEntry,
}

/// The noted blocks that were allocated on one line in one calling context.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct HeapEntry {
    /// Address of the cell; 0 if the entry is free.
    pub cell: AtomicPtr<Cell>,
    /// Bytes that its blocks stand for.
    pub live: AtomicU64,
    /// The same when the heap was at its peak, if `epoch` is that of [`HeapWords`]; else `live` has not changed since.
    pub peak: AtomicU64,
    /// `HeapWords::epoch` when `live` changed last.
    pub epoch: AtomicU64,
    /// Variance of `live`, square bytes.
    pub live_variance: AtomicU64,
    /// Variance of `peak`, likewise.
    pub peak_variance: AtomicU64,
    /// How the newest thinning out came to its choice; for the recorder alone.
    pub draw: AtomicU64,
}

/// How the resident set changed while a line ran, in bytes. Growth and shrinkage are kept apart: each is a sum.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct MemoryWords {
    /// Growth of anonymous memory.
    pub grown_anonymous: AtomicU64,
    /// Shrinkage of anonymous memory.
    pub shrunk_anonymous: AtomicU64,
    /// Growth of the resident parts of files and shared memory.
    pub grown_file: AtomicU64,
    /// Shrinkage of those.
    pub shrunk_file: AtomicU64,
    /// Largest resident set at the end of the line.
    pub max: AtomicU64,
    /// Newest resident set at the end of the line.
    pub last: AtomicU64,
    /// Times the line's end was looked at.
    pub reads: AtomicU64,
    /// The part of the two growths that rests on samples: the line ran when it was seen, but others may have had a share in it.
    pub sampled: AtomicU64,
}

/// Start of a chunk or span of chunks.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct ChunkHead {
    /// Number of chunks in the span; 0 until the owner begins it (stored with Release).
    pub span: AtomicU32,
    /// Number of the owning thread record plus 1; 0 if owned by the process.
    pub owner_plus_1: AtomicU32,
}

/// Start of every record.
#[derive(Debug)]
#[repr(C)]
pub struct RecordHead {
    /// One of the `KIND_` numbers; 0 until the record is complete.
    pub kind: AtomicU32,
    /// Bytes of the record with this head, a multiple of [`RECORD_ALIGN`].
    pub bytes: AtomicU32,
}

/// A [`SiteRecord`].
pub const KIND_SITE: u32 = 1;
/// A [`ThreadRecord`].
pub const KIND_THREAD: u32 = 2;
/// A [`NodeRecord`].
pub const KIND_NODE: u32 = 3;
/// A [`PairsRecord`].
pub const KIND_PAIRS: u32 = 4;
/// A [`HeapRecord`].
pub const KIND_HEAP: u32 = 5;
/// A [`NotMeasuredRecord`].
pub const KIND_NOT_MEASURED: u32 = 6;
/// A [`ThinRecord`].
pub const KIND_THIN: u32 = 7;
/// A [`DurationsRecord`].
pub const KIND_DURATIONS: u32 = 8;
/// A [`TimedCallRecord`].
pub const KIND_TIMED_CALL: u32 = 9;

/// A site that was entered. The strings follow the lines in the order module, name, file, package, source, labels.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct SiteRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// Number of the site, from 1 in order of first entry.
    pub id: AtomicU32,
    /// [`SiteKind`](crate::site::SiteKind).
    pub kind: AtomicU32,
    /// First line of the function.
    pub line: AtomicU32,
    /// Column of the attribute.
    pub column: AtomicU32,
    /// Last line of the function.
    pub end_line: AtomicU32,
    /// Number of [`LineRecord`]s.
    pub lines: AtomicU32,
    /// Bytes of the module path.
    pub module_len: AtomicU32,
    /// Bytes of the name.
    pub name_len: AtomicU32,
    /// Bytes of the file name.
    pub file_len: AtomicU32,
    /// Bytes of the package folder.
    pub package_len: AtomicU32,
    /// Bytes of the source text.
    pub source_len: AtomicU32,
    /// Bytes of all labels together.
    pub labels_len: AtomicU32,
    /// One more than the allocations that a call may make at most; 0 if nobody says.
    pub max_allocs: AtomicU32,
}

/// An annotated function that is left as it is, whether it ever runs or not. The strings follow in the order module, name, file.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct NotMeasuredRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// [`WhyNot`](crate::site::WhyNot).
    pub why: AtomicU32,
    /// First line of the function.
    pub line: AtomicU32,
    /// Bytes of the module path.
    pub module_len: AtomicU32,
    /// Bytes of the name.
    pub name_len: AtomicU32,
    /// Bytes of the file name.
    pub file_len: AtomicU32,
}

/// One line slot of a site.
#[derive(Debug)]
#[repr(C)]
pub struct LineRecord {
    /// Line number.
    pub line: AtomicU32,
    /// [`LineKind`](crate::site::LineKind).
    pub kind: AtomicU32,
    /// Slot of the group's header, or its own.
    pub group: AtomicU32,
    /// Bytes of the label; the labels of a site follow each other in the order of the slots.
    pub label_len: AtomicU32,
}

/// The words of one thread. The first line is what markers touch.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct ThreadRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// Address of the cell whose line runs now.
    pub cell: AtomicPtr<Cell>,
    /// Address of the cell whose interval is open; 0 if none, or [`OPEN_WANTED`].
    pub open: AtomicPtr<Cell>,
    /// Ticks when the open interval, or the gap, began.
    pub t0: AtomicU64,
    /// Exact time of the thread so far; while an interval is open less its start, hence negative.
    pub exact: AtomicI64,
    /// Clock readings of the thread's markers.
    pub reads: AtomicU64,
    /// Address of the cell where the running gap began.
    pub gap: Mapped<Cell>,
    /// Address of the node of the innermost poll of an async body.
    pub top: Mapped<NodeRecord>,

    /// Number of this record, from 0.
    pub index: AtomicU32,
    /// Thread id of the operating system.
    pub tid: AtomicU32,
    /// One of the `THREAD_` numbers.
    pub state: AtomicU32,
    /// Length of `name`.
    pub name_len: AtomicU32,
    /// Ticks at the first frame of the thread.
    pub start_ticks: AtomicU64,
    /// Ticks at the end of the thread; 0 while it lives.
    pub end_ticks: AtomicU64,
    /// CPU time of the thread at its first frame, nanoseconds.
    pub start_cpu_ns: AtomicU64,
    /// CPU time at the newest reading, nanoseconds; 0 if never read.
    pub last_cpu_ns: AtomicU64,
    /// Threads that have used this record, one after the other.
    pub uses: AtomicU64,
    /// How the stub reads the clock; for the recorder alone, as are the words up to `faults`, but for `own_ticks`.
    pub reading: AtomicU64,
    /// Ticks subtracted from each interval: the cost of the reading itself, between fences.
    pub correction: AtomicU64,
    /// Ticks of an interval or gap from which on its end also reads the CPU clock of the thread.
    pub long: AtomicU64,
    /// Ticks from which on the next marker that reads the clock also reads the CPU clock, however short its interval is.
    pub cpu_due: AtomicU64,
    /// Mean distance of timed markers, in ticks, below which a line is demoted.
    pub threshold: AtomicU64,
    /// Slots that remember the node of the last call of a site.
    pub cache: AtomicPtr<CallCache>,
    /// Table of all nodes of the thread, and its slots less one.
    pub nodes: AtomicPtr<CacheSlot>,
    /// See `nodes`.
    pub nodes_mask: AtomicU64,
    /// Entries in `nodes`.
    pub nodes_used: AtomicU64,
    /// Address of the free part of the thread's newest chunk, and of its end.
    pub free: AtomicU64,
    /// See `free`.
    pub free_end: AtomicU64,
    /// Bytes of all chunks of the thread.
    pub budget: AtomicU64,
    /// With memory words: raw ticks from which on the next marker that reads the clock also looks at the memory.
    pub next_read: AtomicU64,
    /// Ticks of CPU time whose budget for readings is used.
    pub read_until: AtomicU64,
    /// Ticks that readings of the memory took. The clock of this thread stands still meanwhile: all its other times are raw ticks
    /// less this.
    pub own_ticks: AtomicU64,
    /// The cell of the line that asked for a reading; 0 if none did.
    pub asker: Mapped<Cell>,
    /// Ticks at the last look at the memory.
    pub looked: AtomicU64,
    /// Page faults of the thread up to then.
    pub faults: AtomicU64,
    /// Name of the thread, UTF-8 (lossy).
    pub name: [AtomicU8; NAME_BYTES],
    /// Ticks that fences add to an interval in the window before a line is demoted; for the recorder alone.
    pub probe_cost: AtomicU64,
    /// CPU time of the thread when a marker read it last, nanoseconds.
    pub cpu_ns: AtomicU64,
    /// Ticks at that moment.
    pub cpu_ticks: AtomicU64,
    /// `own_ticks` at that moment: CPU time of the recorder, not of a line.
    pub cpu_own: AtomicU64,
    /// Times that markers read the CPU clock.
    pub cpu_reads: AtomicU64,
    /// The signals that the thread blocked when it began, as a bit set; for the recorder alone, as are the next two words.
    pub blocked: AtomicU64,
    /// CPU time of the thread when it was first seen to block others since it was last seen to block these, nanoseconds.
    pub blocked_since: AtomicU64,
    /// CPU time of the thread when it was last seen to block others.
    pub blocked_last: AtomicU64,
    /// The cell of the time in which no profiled frame is open.
    pub outside: Cell,
}

/// Remembers one call to each site, by the number of the site.
#[derive(Debug)]
#[repr(C)]
pub struct CallCache {
    /// Address of the calling cell; 0 if no call is remembered.
    pub callers: [AtomicU64; SITES],
    /// Address of the node, plus 8 if the call is recursive.
    pub nodes: [AtomicU64; SITES],
}

/// Numbers of sites are less than this.
pub const SITES: usize = 1 << 16;

/// Remembers which node a site has when called from a certain line.
#[derive(Debug)]
#[repr(C)]
pub struct CacheSlot {
    /// Address of the calling cell, with the number of the site in the upper 16 bits; 0 if the slot is free.
    pub key: AtomicU64,
    /// Address of the node, plus 8 if the call is recursive.
    pub node: AtomicU64,
}

/// A node of the calling-context tree of one thread: a site entered from a certain line of a certain parent.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct NodeRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// Number of the site.
    pub site: AtomicU32,
    /// Number of cells that follow.
    pub lines: AtomicU32,
    /// Number of the thread record.
    pub thread: AtomicU32,
    /// 1 for a flat node, which stands for all contexts.
    pub flat: AtomicU32,
    /// Address of the cell of the calling line: a cell of the parent node, or the thread's `outside`. 0 for a flat node.
    pub caller: Mapped<Cell>,
    /// Entries from outside the node.
    pub calls: AtomicU64,
    /// Entries while the same node was open already (recursion).
    pub recursive_calls: AtomicU64,
    /// Address of the parent node; 0 at the root and for a flat node.
    pub parent: Mapped<NodeRecord>,
    /// What tells the site from all others in the process; for the recorder alone.
    pub place: AtomicPtr<AtomicU32>,
    /// Entries that neither the cache of the thread nor the calling line knew, so that the table of all nodes was asked.
    pub missed_calls: AtomicU64,
    /// Where calls of the node are measured; 0 if they are not, for a call further up on the path has the same site. For the recorder alone.
    pub timed_call: Mapped<TimedCallRecord>,
    /// Calls of the node whose duration was measured: two clock readings each.
    pub timed_calls: AtomicU64,
    /// Polls, if the site is that of an async body: the first one of a future is a call as well.
    pub polls: AtomicU64,
    /// Futures of an async body whose last poll was on this node and which were dropped before they were ready.
    pub cancelled: AtomicU64,
}

/// Offset of the cell of line slot `slot` from its node: a node is followed by its cells.
#[must_use]
pub const fn cell_offset(slot: usize) -> usize {
    size_of::<NodeRecord>() + slot * size_of::<Cell>()
}

/// What one line costs in one calling context. All times in ticks.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Cell {
    /// Times control came to the line.
    pub hits: AtomicU64,
    /// Time of its exact intervals.
    pub time: AtomicI64,
    /// One of the `CELL_` numbers.
    pub state: AtomicU64,
    /// While timed: readings left in the window. While sampled: intervals in `probes`, 0 if the line was never timed.
    pub left: AtomicU64,
    /// Ticks when the window began.
    pub window_ticks: AtomicU64,
    /// The lower half of `ThreadRecord::reads` when the window began.
    pub window_reads: AtomicU32,
    /// The [`DurationsRecord`] of the line: its distance from the beginning of the file in units of 64 bytes; 0 if there is none.
    pub durations: AtomicU32,
    /// Time of the gaps that began at this cell: shared by the cells sampled in them.
    pub gap_time: AtomicU64,
    /// `time` when the window began.
    pub window_time: AtomicI64,
    /// Allocations made while the line ran.
    pub allocs: AtomicU64,
    /// Bytes of those.
    pub alloc_bytes: AtomicU64,
    /// Blocks freed while the line ran.
    pub frees: AtomicU64,
    /// Bytes of those.
    pub free_bytes: AtomicU64,
    /// Time the line spent waiting between polls.
    pub await_time: AtomicU64,
    /// Distance from the cell to its [`MemoryWords`] in units of 64 bytes, 0 if there are none.
    pub memory: AtomicU16,
    /// What was called from the line: the number of the site, 0 if there is none. For the recorder alone, as is the next word.
    pub callee_site: AtomicU16,
    /// Where that call goes: the distance to the node from 2 GiB before the cell in units of 8 bytes, one more if the call is recursive.
    pub callee: AtomicU32,
    /// Address of the node, 0 for `outside`.
    pub node: Mapped<NodeRecord>,
    /// Intervals in a window: readings left, when it begins. Between fences: intervals left in all parts of that window, and in the upper half its
    /// parts so far that did not look hot.
    pub window: AtomicU64,
    /// Time of the exact intervals that were long enough for the CPU clock to be read at their ends.
    pub long_time: AtomicU64,
    /// CPU time of those, in ticks.
    pub long_cpu: AtomicU64,
    /// As `long_time`, of the gaps that began at this cell.
    pub long_gap_time: AtomicU64,
    /// As `long_cpu`, of the gaps that began at this cell.
    pub long_gap_cpu: AtomicU64,
    /// What the line took in each quarter of the window between fences, less the fences: what it is expected to take while it is
    /// sampled (the prior). Time in which the thread had lost the processor is left out.
    pub probes: [AtomicI64; PROBES],
}

/// Unit of [`Cell::durations`].
pub const DURATIONS_UNIT: usize = 64;

/// Unit of [`Cell::memory`].
pub const MEMORY_UNIT: usize = 64;

/// Quarters of the window between fences.
pub const PROBES: usize = 4;

/// What the sampler saw of one thread; written by the sampler alone.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct PairsRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// Number of the thread record.
    pub thread: AtomicU32,
    /// Entries that follow; an entry whose `cell` is 0 is free.
    pub capacity: AtomicU32,
    /// Looks at the thread.
    pub looks: AtomicU64,
}

/// Samples of `cell` in gaps that began at `gap`.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Pair {
    /// Address of the cell seen, or [`OTHER_CELLS`].
    pub cell: AtomicPtr<Cell>,
    /// Address of the cell where the gap began.
    pub gap: AtomicPtr<Cell>,
    /// Samples.
    pub samples: AtomicU64,
    /// Sum of their weights: ticks not explained by exact intervals since the sample before.
    pub weight: AtomicU64,
    /// Sum of the squares of the weights, in units of 2^20 ticks squared.
    pub weight_squared: AtomicU64,
    /// CPU time of the thread that was charged to the cell because it was seen while the thread held a processor, nanoseconds.
    pub cpu_ns: AtomicU64,
}

/// Entries of lines that allocated blocks which were noted.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct HeapRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// Entries that follow, the first of them in use.
    pub capacity: AtomicU32,
}

/// The calls of all thin functions, as one thread counts them, or as those threads do together that have no array of their own.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct ThinRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// Cells that follow: one for each thin function of the program.
    pub capacity: AtomicU32,
}

/// Thin functions in the section of them that are no user's: those by which the recorder finds out what a call costs.
pub const THIN_TRIED: usize = 4;

/// Calls of one thin function.
#[derive(Debug)]
#[repr(C, align(16))]
pub struct ThinCell {
    /// 1 less the number of calls: each takes 1 off, and the first sees that it does not come below 0.
    pub left: AtomicI64,
    /// Number of the site; 0 until the first call.
    pub site: AtomicU32,
    /// Always 0.
    pub unused: AtomicU32,
}

/// How long the exact intervals of a line took, or the calls of a function, on one thread: a histogram whose buckets are as wide as a sixteenth of
/// the power of two below, so that a value is known to 3.2 %.
///
/// ```text
/// ticks   0   4   8  ...  60 │ 64  68  72 ... 124 │ 128 136 144 ... 248 │ 256 ...
/// bucket  0   1   2  ...  15 │ 16  17  18 ...  31 │  32  33  34 ...  47 │  48 ...
/// ```
#[derive(Debug)]
#[repr(C, align(128))]
pub struct DurationsRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// Number of the site.
    pub site: AtomicU32,
    /// The line slot, or one of the `DURATIONS_OF_` numbers.
    pub slot: AtomicU32,
    /// Number of the thread record.
    pub thread: AtomicU32,
    /// Always 0.
    pub unused: AtomicU32,
    /// The longest, in ticks.
    pub max: AtomicI64,
    /// When it ended, in ticks of the thread's own clock.
    pub max_at: AtomicU64,
    /// How many there are in each bucket.
    pub counts: [AtomicU32; DURATION_BUCKETS],
}

/// `DurationsRecord::slot`: those of calls of the function, from entry to return, or of the polls of an async body. Calls that are made while one of the
/// same function is open count as part of that.
pub const DURATIONS_OF_CALLS: u32 = u32::MAX;
/// `DurationsRecord::slot`: those of futures of an async body, from the first poll to the one that made them ready.
pub const DURATIONS_OF_FUTURES: u32 = u32::MAX - 2;
/// `DurationsRecord::slot`: those of all polls of such a future together.
pub const DURATIONS_OF_BUSY: u32 = u32::MAX - 3;
/// `DurationsRecord::slot`: those of lines for which there was no room.
pub const DURATIONS_LOST: u32 = u32::MAX - 1;

/// Buckets of a histogram. The last one holds all that is longer, too.
pub const DURATION_BUCKETS: usize = 36 << 4;

/// The bucket of so many ticks.
#[must_use]
pub const fn duration_bucket(ticks: u64) -> usize {
    let exponent = 63 - (ticks | 1).leading_zeros();
    let shift = if exponent < 6 { 2 } else { exponent - 4 };
    #[expect(clippy::cast_possible_truncation, reason = "less than 32")]
    let within = (ticks >> shift) as usize;
    let bucket = ((shift as usize - 2) << 4) + within;
    if bucket < DURATION_BUCKETS {
        bucket
    } else {
        DURATION_BUCKETS - 1
    }
}

/// The fewest ticks that belong to a bucket.
#[must_use]
pub const fn duration_bucket_start(bucket: usize) -> u64 {
    if bucket < 16 {
        return bucket as u64 * 4;
    }
    let shift = (bucket >> 4) + 1;
    ((bucket & 15) as u64 + 16) << shift
}

/// First calls of a function whose durations are kept, until it is known whether measuring them pays.
pub const FIRST_CALLS: usize = 8;

/// The open call of a function whose durations are measured, on one thread, and what it takes to decide about that; for the recorder alone.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct TimedCallRecord {
    /// Kind and length.
    pub head: RecordHead,
    /// Number of the site.
    pub site: AtomicU32,
    /// Number of the thread record.
    pub thread: AtomicU32,
    /// When the open call began, in ticks of the thread's own clock; 0 if none is open.
    pub entry: AtomicU64,
    /// The line that made it.
    pub caller: Mapped<Cell>,
    /// The histogram; 0 as long as calls are too short for one.
    pub durations: Mapped<DurationsRecord>,
    /// Calls measured.
    pub measured: AtomicU64,
    /// Their time, ticks.
    pub time: AtomicU64,
    /// Takes the place of the calling line in the frame: its state is [`CELL_ENDS_CALL`].
    pub back: Cell,
    /// Durations of the first calls, ticks.
    pub first: [AtomicU64; FIRST_CALLS],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_begins_where_the_one_before_ends_and_is_narrow() {
        for bucket in 0..DURATION_BUCKETS - 1 {
            let start = duration_bucket_start(bucket);
            let end = duration_bucket_start(bucket + 1);
            assert!(start < end);
            assert_eq!(duration_bucket(start), bucket);
            assert_eq!(duration_bucket(end - 1), bucket);
            // 16 buckets for each power of two.
            assert!(bucket < 16 || (end - start) * 16 <= start);
        }
        assert_eq!(duration_bucket(u64::MAX), DURATION_BUCKETS - 1);
    }
}
