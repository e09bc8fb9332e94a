//! What formats can be told.

use crate::view::stacks::Metric;

/// What formats can be told. Those that have no use for a part of it leave that alone.
///
/// ```
/// let mut options = hprof_reports::export::ExportOptions::default();
/// options.lines = true;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ExportOptions {
    /// The value of a stack.
    pub metric: Metric,
    /// A frame of a stack for each line instead of one for each function.
    pub lines: bool,
    /// Tokens of four bytes that Markdown may take.
    pub budget: Option<usize>,
    /// Files of the profile, for commands that Markdown names; none if it is the newest one.
    pub profiles: Vec<String>,
    /// So many functions, those with the longest total time, may JSON have.
    pub top: Option<usize>,
    /// Lines of JSON have such a share of their function's time at least, in percent.
    pub min_percent: Option<f64>,
}
