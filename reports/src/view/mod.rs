//! What a report shows: the only place that sorts, filters and computes percentages. Renderers write what they get.

mod alloc_limit;
mod annotated;
mod budget;
mod changed;
mod columns;
mod compare;
mod durations;
mod edges;
mod file;
mod function;
mod function_name;
mod group;
mod heap;
mod heap_path;
mod hottest;
mod line;
mod memory;
mod moved;
mod native;
mod native_stacks;
mod over_time;
mod rank;
mod record;
mod record_columns;
mod run;
pub(crate) mod stacks;
mod suggested;
pub(crate) mod sums;
mod sure;
mod thin;
mod thread;
mod timeline;
pub(crate) mod visible;
mod waits;

pub(crate) use alloc_limit::{AllocLimit, AllocLine, alloc_limits};
pub use budget::{Budget, BudgetFigure, BudgetPlace, Limit, Per};
pub(crate) use budget::{BudgetRow, judge};
pub use changed::ChangedFile;
pub(crate) use changed::ChangedView;
pub(crate) use columns::{Asked, GIVES_WAY, LINE_COLUMNS, LineColumn, Value};
pub(crate) use compare::{
    Comparison, Exact, FunctionChange, LineChange, Outcome, Pair, Sides, Tendency, TimeChange,
    TimeVerdict, TimeWord, named_as_in,
};
pub use compare::{Incomparable, Judging, MOST_RUNS, Policy};
pub(crate) use durations::{DurationRow, DurationView, LongestRow, polls_above};
pub(crate) use edges::{Edge, edges};
pub(crate) use file::{FileRow, FileView};
pub use function::FunctionSort;
pub(crate) use function::{FunctionRow, FunctionTableView};
pub use group::Grouping;
pub(crate) use group::{GroupRow, GroupView};
pub(crate) use heap::{HeapRow, HeapView, whole_bytes};
pub use heap_path::HeapMoment;
pub(crate) use heap_path::{HeapPath, HeapPaths};
pub(crate) use hottest::{HotLine, HottestView};
pub(crate) use line::{
    Common, FEW, Figures, FunctionView, LineChoice, LineView, Mark, hits as line_hits, knows_prices,
};
pub(crate) use memory::{MemoryRow, MemoryView, ProcessMemory, process_memory};
pub use native::{FindFunction, FunctionAt};
pub(crate) use native::{NativeView, NotListed};
pub(crate) use native_stacks::{NativeStacks, Whose, native_stacks, shortened};
pub(crate) use over_time::OverTime;
pub(crate) use rank::{MAX_PARTS, RankFunction, RankRow, RankView, Spread};
pub(crate) use record::{Record, records, thin_record};
pub(crate) use record_columns::{Held, RECORD_COLUMNS, RecordColumn, RecordValue};
pub(crate) use run::{OwnCostView, RunView, ShortCalls, clock_mode, clock_source};
pub(crate) use suggested::{heavy, pattern};
pub(crate) use sure::Sure;
pub(crate) use thin::{ThinRow, ThinView, thin_rows};
pub(crate) use thread::{ThreadRow, ThreadView, shown_processes};
pub(crate) use timeline::{PlotView, TimelineView};
pub(crate) use waits::{ENOUGH_LOOKS, WaitRow, WaitView};
