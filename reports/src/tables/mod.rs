//! Tables for a terminal: one file each. They write what `view` gives them.

pub(crate) mod annotate;
pub(crate) mod changed_table;
pub(crate) mod duration_table;
pub(crate) mod footer;
pub(crate) mod function_table;
pub(crate) mod heap_table;
pub(crate) mod hot_table;
pub(crate) mod line_table;
mod marks;
pub(crate) mod memory_table;
pub(crate) mod moment_table;
pub(crate) mod native_table;
pub(crate) mod rank_table;
mod sure_time;
mod thin_table;
pub(crate) mod thread_table;
pub(crate) mod wait_table;
