//! Renderings of a profile: a model in, bytes out.
//!
//! Each function takes a [`Profile`](hprof::model::Profile), options and a writer. Nothing here reads the environment, a
//! terminal, a file or a clock: what the stream can show is said in [`Style`].

pub mod export;

mod annotate;
mod beside;
mod check;
mod diff;
mod emphasis;
mod error;
mod flamegraph;
mod footer;
mod function_table;
mod grid;
mod heap_table;
mod highlight;
mod line_table;
mod marks;
mod memory_table;
mod native_flamegraph;
mod native_table;
mod numbers;
mod rank_table;
mod screen;
mod source;
mod stacks;
mod style;
mod sums;
mod text;
mod thin_table;
mod thread_table;
mod view;
mod visible;

#[cfg(test)]
mod fixture;

pub use annotate::{AnnotateOptions, write_annotated};
pub use check::{Check, CheckFormat, write_check};
pub use diff::{DiffError, DiffFormat, DiffOptions, Side, write_diff};
pub use error::ReportError;
pub use flamegraph::{FlamegraphOptions, write_flamegraph};
pub use function_table::{FunctionTableOptions, write_function_table};
pub use line_table::{LineTableOptions, write_line_tables};
pub use memory_table::{MemoryTableOptions, write_memory_tables};
pub use native_flamegraph::write_native_flamegraph;
pub use native_table::{NativeTableOptions, write_native_table, write_suggestions};
pub use numbers::{Unit, counted, thousands};
pub use rank_table::{RankTableOptions, write_group_table, write_rank_tables};
pub use stacks::Metric;
pub use style::Style;
pub use text::clean;
pub use thread_table::{ThreadTableOptions, write_thread_table};
pub use view::{
    Budget, BudgetFigure, BudgetPlace, FindFunction, FunctionAt, FunctionSort, Grouping,
    Incomparable, Judging, Limit, Per, Policy,
};
