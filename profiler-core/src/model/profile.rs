//! The profile: functions, processes, threads and the calling-context tree of each thread, as plain data.
//!
//! Every figure a report prints derives from the self values of [`LineCost`]; nothing here is rounded twice.

use super::durations::Durations;
use super::line_cost::LineCost;
use super::live::LiveHeap;
use super::node_lines::NodeLines;
use super::observed::Observed;
use super::place::{FunctionId, Place};
use super::resident::ProcessRss;
use super::units::Nanos;
use crate::raw::native::Native;
use crate::site::{LineKind, WhyNot};

/// Everything recorded by the processes of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What is known of the run as a whole.
    pub run: Run,
    /// The instrumented functions that were entered. Sites of closures and async blocks are part of the function that holds them.
    pub functions: Vec<Function>,
    /// The annotated functions that were left as they are, entered or not: ascending, each once.
    pub not_measured: Vec<NotMeasured>,
    /// One entry for each process that recorded.
    pub processes: Vec<Process>,
}

/// What the launcher knows of a run. All of it may be missing, when raw files are read on their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The cargo profile it was built with, such as `release`, as the user names it.
    pub cargo_profile: Option<String>,
    /// Start, nanoseconds since the Unix epoch.
    pub start_unix_ns: Option<u64>,
    /// Wall time from start to end of the program.
    pub wall: Option<Nanos>,
    /// CPU time of the program and the children it waited for, user and system.
    pub cpu: Option<Nanos>,
    /// How it ended.
    pub end: Option<End>,
    /// Folder that relative source paths start from.
    pub source_root: Option<String>,
    /// How it was instrumented; missing if hprof did not build the program.
    pub instrumentation: Option<Instrumentation>,
    /// Layout of the saved file this was read from, if that is newer than this hprof knows: what it added is missing.
    pub newer_layout: Option<u64>,
}

/// What has to be the same for a program to have the same hits, whatever its functions do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instrumentation {
    /// Version of hprof.
    pub version: String,
    /// What the switch `HPROF` was for the build, without what concerns the allocator.
    pub switch: String,
    /// Functions that `--fit` made thin, as `src/parse.rs: Parser::next`.
    pub thin: Vec<String>,
    /// Functions that `--fit` left out.
    pub left_out: Vec<String>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned this exit code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// An instrumented function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Module path, such as `diffusion::solver`.
    pub module: String,
    /// Name, with its type where known.
    pub name: String,
    /// Source file as the compiler was told it.
    pub file: String,
    /// Folder of the package when it was compiled; `file` is looked up from here or a parent of it if `source` is missing.
    pub package: String,
    /// Line of the attribute: the first line shown.
    pub line: u32,
    /// Column of the attribute.
    pub column: u32,
    /// Line of the closing brace.
    pub end_line: u32,
    /// Lines `line..=end_line` as they were compiled; empty if they could not be read.
    pub source: Vec<String>,
    /// The instrumented lines, ascending and each once, those of the closures and async blocks in it included.
    pub lines: Vec<Line>,
    /// How many allocations a call may make at most, with everything that it calls, if the source says so.
    pub max_allocs: Option<u32>,
}

/// An annotated function that is left as it is. The order is by file, then from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotMeasured {
    /// Source file as the compiler was told it.
    pub file: String,
    /// Line of the attribute, or the first line of the function where an `impl` or a module has it.
    pub line: u32,
    /// Module path.
    pub module: String,
    /// Name, with its type where known.
    pub name: String,
    /// Why it is not measured.
    pub why: WhyNot,
}

/// An instrumented line of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Line number in the file.
    pub line: u32,
    /// What stands there.
    pub kind: LineKind,
    /// For a line in the body of a counted loop: line number of the loop's header. Otherwise `line` itself.
    pub group: u32,
    /// Label given with `#[mark("label")]`, or empty.
    pub label: String,
}

/// Where the ticks of a process came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSource {
    /// The time stamp counter.
    Tsc,
    /// `clock_gettime(CLOCK_MONOTONIC)`.
    Monotonic,
}

/// Which lines read the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// Coarse lines do, hot lines are sampled.
    Auto,
    /// All of them.
    Exact,
    /// All of them, between fences.
    Fenced,
    /// None of them.
    Sampled,
    /// None; functions are timed as a whole.
    Calls,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// Process id of its parent.
    pub parent_pid: u32,
    /// Start, nanoseconds since the Unix epoch: together with host and pid it names the process for good.
    pub start_unix_ns: u64,
    /// Path of the executable.
    pub exe: String,
    /// Rank in a parallel job.
    pub rank: Option<u32>,
    /// Number of ranks in the job.
    pub ranks: Option<u32>,
    /// Source of the ticks.
    pub clock_source: ClockSource,
    /// Which lines read the clock.
    pub clock_mode: ClockMode,
    /// Time from the start of the recording to its end, or to the newest sign of life.
    pub wall: Nanos,
    /// CPU time of the process in that time, the sampler's included; `None` if it was never read again after the start.
    pub cpu: Option<Nanos>,
    /// When the system started it, in clock ticks since the machine started; `None` if not known. `exec` leaves it as it is.
    pub process_started: Option<u64>,
    /// Whether it came to its end in order. If not, it was killed or still runs.
    pub finished: bool,
    /// Whether it went on after this was read, so the figures are those of a moment.
    pub goes_on: bool,
    /// Built with debug assertions.
    pub debug_assertions: bool,
    /// Optimisation level, such as `3` or `s`.
    pub opt_level: char,
    /// What the recorder itself cost.
    pub own_cost: OwnCost,
    /// What could not be recorded.
    pub losses: Losses,
    /// Bytes allocated and not freed at the end, and the highest value; `None` without the counting allocator.
    pub heap: Option<Heap>,
    /// Its resident set; `None` if that was not read.
    pub rss: Option<ProcessRss>,
    /// Threads that entered an instrumented function, in the order they did.
    pub threads: Vec<Thread>,
    /// Calls of thin functions: ascending by function, each with at least one.
    pub thin: Vec<ThinCalls>,
    /// How long single calls, polls and hits took, ascending by function and what was timed.
    pub durations: Vec<Durations>,
    /// Sampled stacks of all code; `None` unless they were asked for.
    pub native: Option<Native>,
    /// What hprof's launcher saw of the process from outside; `None` if it could not look.
    pub observed: Option<Observed>,
}

/// Cost of recording, estimated from the cost of each kind of event, measured as the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnCost {
    /// Markers that read the clock.
    pub timed_markers: u64,
    /// All markers, those included. Hits of grouped loops are none: they are counted in registers.
    pub markers: u64,
    /// Frames entered.
    pub calls: u64,
    /// Those of them whose place in the calling-context tree had to be looked up in a table, which takes several times as long.
    pub missed_calls: u64,
    /// Estimated time of all of it inside the program.
    pub in_program: Nanos,
    /// Estimated cost of one marker that reads the clock, picoseconds.
    pub timed_marker_ps: u64,
    /// Of one that does not.
    pub marker_ps: u64,
    /// Of entering and leaving a frame, beside its markers.
    pub call_ps: u64,
    /// Of counting a call of a thin function.
    pub thin_ps: u64,
    /// CPU time of the sampler thread; `None` if there was none.
    pub sampler: Option<Nanos>,
    /// Looks the sampler took.
    pub sampler_ticks: u64,
}

/// What a process could not record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Space ran out: some calls were recorded without their context.
    pub flat: bool,
    /// Calls that were not recorded at all.
    pub lost_calls: u64,
    /// Threads were recorded together, for there were too many.
    pub threads_folded: bool,
    /// A forked child could not make a file of its own and is missing.
    pub lost_forks: bool,
    /// Records of the raw file of kinds that this hprof does not know.
    pub unknown_records: u64,
    /// Records and fields of the raw file that made no sense and were left out.
    pub damaged: u64,
}

/// Heap of a process as the counting allocator saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heap {
    /// Bytes not freed at the end.
    pub live_bytes: i64,
    /// Highest value of that.
    pub peak_bytes: i64,
    /// By how much each of the two may be off, in both directions; 0 if they are exact.
    pub bound_bytes: u64,
    /// Live blocks by line; `None` if none were noted.
    pub lines: Option<LiveHeap>,
}

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Thread id of the operating system.
    pub tid: u32,
    /// Its name; `main` for the first if it has none.
    pub name: String,
    /// Operating system threads recorded here, one after the other.
    pub uses: u64,
    /// Time from its first frame to its end.
    pub wall: Nanos,
    /// CPU time in that time; `None` if never read.
    pub cpu: Option<Nanos>,
    /// The function and line it was in when the recording ended; `None` outside of all instrumented functions, or if it had ended.
    pub running: Option<Place>,
    /// When that line began, from the start of the recording; `None` if that is not known, for the line was too hot to read the clock.
    pub running_since: Option<Nanos>,
    /// Time with no instrumented frame open.
    pub outside: LineCost,
    /// The calling-context tree: a parent stands before its children.
    pub nodes: Vec<Node>,
}

/// Calls of a thin function: one whose calls are counted and nothing else. Its time is part of that of the calling lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ThinCalls {
    /// The function.
    pub function: FunctionId,
    /// Calls in all threads. Exact.
    pub calls: u64,
}

/// A function as called from one line of one calling context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Index of the parent in [`Thread::nodes`] and the line number of the call in it; `None` at the root, or when the context was lost.
    pub parent: Option<(u32, u32)>,
    /// The function.
    pub function: FunctionId,
    /// Calls of the function in this context, recursive ones included. 0 for closures and async blocks, whose entry is no call.
    pub calls: u64,
    /// Calls that were not made while the same node was open.
    pub primitive_calls: u64,
    /// Costs of its lines, ascending by line number; only lines that have any.
    pub lines: NodeLines,
}
