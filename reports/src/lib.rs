//! Renderings of a profile: a model in, bytes out.
//!
//! `view` decides what is shown: it has all sums, shares, orders and choices. `tables`, `pictures`, `export`, `diff`, `check` and `html` write that, and `text` lays it out.
//!
//! Each function takes a [`Profile`](hprof::model::Profile), options and a writer. Nothing here reads the environment, a
//! terminal, a file or a clock: what the stream can show is said in [`Style`].

pub mod export;

mod check;
mod diff;
mod error;
mod html;
mod limits;
mod pictures;
mod tables;
mod text;
mod view;

#[cfg(test)]
mod fixture;

pub use check::{Check, CheckFormat, write_check};
pub use diff::{DiffError, DiffFormat, DiffOptions, Side, write_diff};
pub use error::ReportError;
pub use html::{HtmlOptions, write_html, write_html_diff};
pub use limits::AllocVerdict;
pub use pictures::diff_flamegraph::{DiffPictureError, write_diff_flamegraph};
pub use pictures::flamegraph::{FlamegraphOptions, write_flamegraph};
pub use pictures::native_flamegraph::write_native_flamegraph;
pub use pictures::plot::write_plot;
pub use tables::annotate::{AnnotateOptions, write_annotated};
pub use tables::changed_table::write_changed_table;
pub use tables::duration_table::{DurationTableOptions, long_polls, write_duration_tables};
pub use tables::function_table::{FunctionTableOptions, write_function_table};
pub use tables::hot_table::{HotTableOptions, write_hot_table};
pub use tables::line_table::{LineTableOptions, write_line_tables};
pub use tables::memory_table::{MemoryTableOptions, write_memory_tables};
pub use tables::moment_table::{MomentTableOptions, write_moment_table};
pub use tables::native_table::{NativeTableOptions, write_native_table, write_suggestions};
pub use tables::rank_table::{RankTableOptions, write_group_table, write_rank_tables};
pub use tables::thread_table::{ThreadTableOptions, write_thread_table};
pub use tables::wait_table::{WaitTableOptions, write_wait_table};
pub use text::clean;
pub use text::numbers::{Unit, counted, thousands};
pub use text::page::LEAST_BUDGET;
pub use text::style::Style;
pub use view::stacks::Metric;
pub use view::{
    Budget, BudgetFigure, BudgetPlace, ChangedFile, FindFunction, FunctionAt, FunctionSort,
    Grouping, HeapMoment, Incomparable, Judging, Limit, MOST_RUNS, Per, Policy,
};
