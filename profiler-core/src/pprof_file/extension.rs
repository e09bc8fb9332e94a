//! What pprof has no place for: the messages of the extension, layout 1.
//!
//! Parts that can be many (functions, processes, threads) are kept packed as bytes, so that they are unpacked one at a time, and have
//! fields that are always written: a reader knows from the length of a file how many there can be.

use prost::Message;

use super::durations::DurationsFacts;
use super::error::Damage;
use super::observed::ObservedFacts;

/// Version of the layout that this hprof writes, and the newest it reads.
pub(super) const LAYOUT: u64 = 2;

/// The extension as a whole.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Extension {
    /// Version of the hprof that wrote it, for people.
    #[prost(string, tag = "1")]
    pub(super) writer: String,
    #[prost(message, optional, tag = "2")]
    pub(super) run: Option<RunFacts>,
    /// Each a [`FunctionFacts`].
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub(super) functions: Vec<Vec<u8>>,
    /// Each a [`ProcessFacts`].
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub(super) processes: Vec<Vec<u8>>,
    /// Each a [`NotMeasuredFacts`].
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub(super) not_measured: Vec<Vec<u8>>,
}

/// [`NotMeasured`](crate::model::NotMeasured). Texts are indices into the string table.
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct NotMeasuredFacts {
    #[prost(uint32, required, tag = "1")]
    pub(super) file: u32,
    #[prost(uint32, required, tag = "2")]
    pub(super) line: u32,
    #[prost(uint32, required, tag = "3")]
    pub(super) module: u32,
    #[prost(uint32, required, tag = "4")]
    pub(super) name: u32,
    /// As numbered in raw files.
    #[prost(uint32, required, tag = "5")]
    pub(super) why: u32,
}

/// [`Run`](crate::model::Run).
#[derive(Clone, PartialEq, Message)]
pub(super) struct RunFacts {
    #[prost(string, repeated, tag = "1")]
    pub(super) command: Vec<String>,
    #[prost(string, optional, tag = "2")]
    pub(super) cargo_profile: Option<String>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) start_unix_ns: Option<u64>,
    #[prost(uint64, optional, tag = "4")]
    pub(super) wall_ns: Option<u64>,
    #[prost(uint64, optional, tag = "5")]
    pub(super) cpu_ns: Option<u64>,
    /// At most one of code and signal.
    #[prost(sint32, optional, tag = "6")]
    pub(super) code: Option<i32>,
    #[prost(sint32, optional, tag = "7")]
    pub(super) signal: Option<i32>,
    #[prost(string, optional, tag = "8")]
    pub(super) source_root: Option<String>,
    #[prost(message, optional, tag = "9")]
    pub(super) instrumentation: Option<InstrumentationFacts>,
}

/// [`Instrumentation`](crate::model::Instrumentation).
#[derive(Clone, PartialEq, Message)]
pub(super) struct InstrumentationFacts {
    #[prost(string, required, tag = "1")]
    pub(super) version: String,
    #[prost(string, required, tag = "2")]
    pub(super) switch: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) thin: Vec<String>,
    #[prost(string, repeated, tag = "4")]
    pub(super) left_out: Vec<String>,
}

/// [`Function`](crate::model::Function). Texts are indices into the string table, but for the source, whose lines seldom repeat.
#[derive(Clone, PartialEq, Message)]
pub(super) struct FunctionFacts {
    #[prost(uint32, required, tag = "1")]
    pub(super) module: u32,
    #[prost(uint32, required, tag = "2")]
    pub(super) name: u32,
    #[prost(uint32, required, tag = "3")]
    pub(super) file: u32,
    #[prost(uint32, required, tag = "4")]
    pub(super) package: u32,
    #[prost(uint32, required, tag = "5")]
    pub(super) line: u32,
    #[prost(uint32, required, tag = "6")]
    pub(super) column: u32,
    #[prost(uint32, required, tag = "7")]
    pub(super) end_line: u32,
    #[prost(string, repeated, tag = "8")]
    pub(super) source: Vec<String>,
    /// Of each line, how far it is below the one before; below 0 for the first.
    #[prost(uint32, repeated, tag = "9")]
    pub(super) line_step: Vec<u32>,
    /// As numbered in raw files.
    #[prost(uint32, repeated, tag = "10")]
    pub(super) line_kind: Vec<u32>,
    /// How far its group is below the line: negative above it.
    #[prost(sint64, repeated, tag = "11")]
    pub(super) line_group: Vec<i64>,
    #[prost(uint32, repeated, tag = "12")]
    pub(super) line_label: Vec<u32>,
    #[prost(uint32, optional, tag = "13")]
    pub(super) max_allocs: Option<u32>,
}

/// [`Process`](crate::model::Process).
#[derive(Clone, PartialEq, Message)]
pub(super) struct ProcessFacts {
    #[prost(uint32, required, tag = "1")]
    pub(super) host: u32,
    #[prost(uint32, required, tag = "2")]
    pub(super) pid: u32,
    #[prost(uint32, required, tag = "3")]
    pub(super) parent_pid: u32,
    #[prost(uint64, required, tag = "4")]
    pub(super) start_unix_ns: u64,
    #[prost(uint32, required, tag = "5")]
    pub(super) exe: u32,
    #[prost(uint32, optional, tag = "6")]
    pub(super) rank: Option<u32>,
    #[prost(uint32, optional, tag = "7")]
    pub(super) ranks: Option<u32>,
    #[prost(uint32, required, tag = "8")]
    pub(super) clock_source: u32,
    #[prost(uint32, required, tag = "9")]
    pub(super) clock_mode: u32,
    #[prost(uint64, required, tag = "10")]
    pub(super) wall_ns: u64,
    #[prost(uint64, optional, tag = "11")]
    pub(super) cpu_ns: Option<u64>,
    /// Sum of the `FLAG_*` numbers.
    #[prost(uint32, required, tag = "12")]
    pub(super) flags: u32,
    /// A Unicode scalar value.
    #[prost(uint32, required, tag = "13")]
    pub(super) opt_level: u32,
    #[prost(message, required, tag = "14")]
    pub(super) own_cost: OwnCostFacts,
    #[prost(uint64, required, tag = "15")]
    pub(super) lost_calls: u64,
    #[prost(uint64, required, tag = "16")]
    pub(super) damaged: u64,
    #[prost(message, optional, tag = "17")]
    pub(super) heap: Option<HeapFacts>,
    #[prost(message, optional, tag = "19")]
    pub(super) rss: Option<RssFacts>,
    /// The text of [`crate::raw::native`].
    #[prost(string, optional, tag = "20")]
    pub(super) native: Option<String>,
    #[prost(message, optional, tag = "24")]
    pub(super) observed: Option<ObservedFacts>,
    #[prost(uint64, optional, tag = "26")]
    pub(super) unknown_records: Option<u64>,
    #[prost(message, optional, tag = "25")]
    pub(super) durations: Option<DurationsFacts>,
    #[prost(uint64, optional, tag = "21")]
    pub(super) process_started: Option<u64>,
    /// Of each thin function, how far its number is above the one before.
    #[prost(uint32, repeated, tag = "22")]
    pub(super) thin_function: Vec<u32>,
    /// Its calls.
    #[prost(uint64, repeated, tag = "23")]
    pub(super) thin_calls: Vec<u64>,
    /// Each a [`ThreadFacts`].
    #[prost(bytes = "vec", repeated, tag = "18")]
    pub(super) threads: Vec<Vec<u8>>,
}

/// The process ended in order.
pub(super) const FLAG_FINISHED: u32 = 1;
/// It was built with debug assertions.
pub(super) const FLAG_DEBUG_ASSERTIONS: u32 = 2;
/// Some calls lost their context.
pub(super) const FLAG_FLAT: u32 = 4;
/// Threads were recorded together.
pub(super) const FLAG_THREADS_FOLDED: u32 = 8;
/// A forked child is missing.
pub(super) const FLAG_LOST_FORKS: u32 = 16;
/// [`ProcessFacts::flags`]: it went on after this was read.
pub(super) const FLAG_GOES_ON: u32 = 32;

/// [`OwnCost`](crate::model::OwnCost).
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct OwnCostFacts {
    #[prost(uint64, tag = "1")]
    pub(super) timed_markers: u64,
    #[prost(uint64, tag = "2")]
    pub(super) markers: u64,
    #[prost(uint64, tag = "3")]
    pub(super) calls: u64,
    #[prost(uint64, tag = "4")]
    pub(super) in_program_ns: u64,
    #[prost(uint64, tag = "5")]
    pub(super) timed_marker_ps: u64,
    #[prost(uint64, optional, tag = "6")]
    pub(super) sampler_ns: Option<u64>,
    #[prost(uint64, tag = "7")]
    pub(super) sampler_ticks: u64,
    #[prost(uint64, tag = "8")]
    pub(super) missed_calls: u64,
    #[prost(uint64, tag = "9")]
    pub(super) marker_ps: u64,
    #[prost(uint64, tag = "10")]
    pub(super) call_ps: u64,
    #[prost(uint64, tag = "11")]
    pub(super) thin_ps: u64,
}

/// [`Heap`](crate::model::Heap).
#[derive(Clone, PartialEq, Message)]
pub(super) struct HeapFacts {
    #[prost(sint64, tag = "1")]
    pub(super) live_bytes: i64,
    #[prost(sint64, tag = "2")]
    pub(super) peak_bytes: i64,
    #[prost(message, optional, tag = "3")]
    pub(super) lines: Option<LiveFacts>,
    /// 0 if both are exact.
    #[prost(uint64, tag = "4")]
    pub(super) bound_bytes: u64,
}

/// [`LiveHeap`](crate::model::LiveHeap).
#[derive(Clone, PartialEq, Message)]
pub(super) struct LiveFacts {
    /// 0 if every block was counted.
    #[prost(uint64, tag = "1")]
    pub(super) gap: u64,
    #[prost(uint64, tag = "2")]
    pub(super) live_bytes: u64,
    #[prost(uint64, tag = "3")]
    pub(super) peak_bytes: u64,
    /// Elsewhere: live bytes, those at the peak, and the variances of both.
    #[prost(uint64, repeated, tag = "4")]
    pub(super) elsewhere: Vec<u64>,
    #[prost(uint64, tag = "5")]
    pub(super) lost_blocks: u64,
    #[prost(uint64, tag = "6")]
    pub(super) lost_bytes: u64,
}

/// [`ProcessRss`](crate::model::ProcessRss).
#[derive(Clone, PartialEq, Message)]
pub(super) struct RssFacts {
    /// 1 `/proc/self/statm`, 2 `sysinfo`; 0 if no source worked.
    #[prost(uint32, tag = "1")]
    pub(super) source: u32,
    /// At the start, then at the end: anonymous memory and files.
    #[prost(uint64, repeated, tag = "2")]
    pub(super) levels: Vec<u64>,
    /// Not read, then rest: anonymous growth and shrinkage, growth and shrinkage of files.
    #[prost(uint64, repeated, tag = "3")]
    pub(super) changes: Vec<u64>,
    #[prost(uint64, tag = "4")]
    pub(super) peak_bytes: u64,
    #[prost(uint32, tag = "5")]
    pub(super) budget_percent: u32,
    #[prost(uint64, tag = "6")]
    pub(super) reads: u64,
    #[prost(uint64, tag = "7")]
    pub(super) looks: u64,
    #[prost(uint64, tag = "8")]
    pub(super) own_ns: u64,
    #[prost(uint64, optional, tag = "9")]
    pub(super) resolution_bytes: Option<u64>,
    #[prost(uint64, optional, tag = "10")]
    pub(super) total_ram: Option<u64>,
}

/// [`Thread`](crate::model::Thread): facts, and the call tree as columns. The samples of its lines stand in the file in the order of
/// the tree; see [`thread`](super::thread).
#[derive(Clone, PartialEq, Message)]
pub(super) struct ThreadFacts {
    #[prost(uint32, required, tag = "1")]
    pub(super) tid: u32,
    #[prost(uint32, required, tag = "2")]
    pub(super) name: u32,
    #[prost(uint64, required, tag = "3")]
    pub(super) uses: u64,
    #[prost(uint64, required, tag = "4")]
    pub(super) wall_ns: u64,
    #[prost(uint64, optional, tag = "5")]
    pub(super) cpu_ns: Option<u64>,
    #[prost(message, optional, tag = "6")]
    pub(super) running: Option<PlaceFacts>,
    /// Costs outside of all functions; see [`cost`](super::cost).
    #[prost(uint32, required, tag = "7")]
    pub(super) outside_flags: u32,
    /// Of each node, how far its parent stands before it; 0 at a root.
    #[prost(uint32, repeated, tag = "8")]
    pub(super) node_parent: Vec<u32>,
    /// Calling line of each node that has a parent.
    #[prost(uint32, repeated, tag = "9")]
    pub(super) node_caller: Vec<u32>,
    #[prost(uint32, repeated, tag = "10")]
    pub(super) node_function: Vec<u32>,
    /// Of each node, four times its number of lines, plus 1 if a sample for its calls alone stands before them, plus 2 if its calls
    /// stand in `extra`.
    #[prost(uint64, repeated, tag = "11")]
    pub(super) node_rows: Vec<u64>,
    /// One for each line of each node; see [`cost`](super::cost).
    #[prost(uint32, repeated, tag = "12")]
    pub(super) row_flags: Vec<u32>,
    /// What the flags say is there: of the costs outside first, then of each node and its lines.
    #[prost(uint64, repeated, tag = "13")]
    pub(super) extra: Vec<u64>,
    #[prost(uint64, optional, tag = "14")]
    pub(super) running_since_ns: Option<u64>,
}

/// [`Place`](crate::model::Place).
#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct PlaceFacts {
    #[prost(uint32, tag = "1")]
    pub(super) function: u32,
    #[prost(uint32, tag = "2")]
    pub(super) line: u32,
}

/// Unpacks a part that has fields which are always written: one that is shorter than those is refused, so that a small file cannot
/// make many parts.
pub(super) fn unpack<M: Message + Default>(part: &'static str, bytes: &[u8]) -> Result<M, Damage> {
    let shortest = M::default().encoded_len();
    if bytes.len() < shortest {
        let found = format!("{} bytes", bytes.len());
        return Err(Damage::new(
            part,
            format!("at least {shortest} bytes"),
            found,
        ));
    }
    M::decode(bytes).map_err(|error| Damage::new(part, "a message", error))
}
