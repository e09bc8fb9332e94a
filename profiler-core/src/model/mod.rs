//! The data a run leaves, and the arithmetic on it: no I/O, no clock, integers only.

mod by_process;
mod call_tree;
mod context;
mod cost_sum;
pub(crate) mod cpu;
mod durations;
pub(crate) mod gap_cell;
pub(crate) mod gaps;
mod images;
mod line_cost;
mod line_map;
mod live;
mod merge;
mod node_lines;
mod observed;
mod own_cost;
mod place;
mod profile;
mod resident;
mod rss_account;
mod settle;
mod tree_walk;
mod unify;
mod units;

pub use crate::raw::native::{Native, NativeFrame, NativeStack};
pub use by_process::{durations, function_durations, of_function, thin_calls};
pub use call_tree::{FunctionCost, LineTotal, Scope, function_costs};
pub use context::call_tree;
pub(crate) use durations::sum as sum_of_durations;
pub use durations::{Durations, Histogram, Longest, Timed};
pub use images::successors;
pub(crate) use line_cost::each_figure;
pub use line_cost::{FIGURES, Figure, FigureUnit, LineCost};
pub use live::{LineLive, LiveCount, LiveHeap};
pub use merge::merge;
pub use node_lines::{NodeLines, NodeLinesIter};
pub(crate) use node_lines::{halves, whole};
pub use observed::{BUCKETS, LineLooks, Observed, OpenFunction, Reading, WaitCause};
pub use own_cost::{RecordedFunction, SHORT_CALL, recorded_functions};
pub use place::{FunctionId, Place};
pub use profile::{
    ClockMode, ClockSource, End, Function, Heap, Instrumentation, Line, Losses, Node, NotMeasured,
    OwnCost, Process, Profile, Run, ThinCalls, Thread,
};
pub use resident::{LineRss, ProcessRss, RssChange, RssLevel, RssSource};
pub use rss_account::{RssAccount, rss_account};
pub(crate) use unify::unify;
pub use units::Nanos;
