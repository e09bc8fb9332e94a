//! How a comparison is printed, and what is judged in it.

use crate::text::numbers::Unit;
use crate::text::style::Style;
use crate::view::Policy;

/// How a comparison is printed.
///
/// ```
/// assert_eq!(hprof_reports::DiffFormat::default(), hprof_reports::DiffFormat::Text);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DiffFormat {
    /// Tables for a terminal.
    #[default]
    Text,
    /// Markdown, such as for a comment on a pull request.
    Markdown,
    /// One JSON object for programs.
    Json,
}

/// What is printed of a comparison, and what is judged in it.
///
/// ```
/// let mut options = hprof_reports::DiffOptions::default();
/// options.format = hprof_reports::DiffFormat::Markdown;
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DiffOptions {
    /// The form.
    pub format: DiffFormat,
    /// What is judged.
    pub policy: Policy,
    /// Whether both sides ran in turn, on one machine: only then is time judged.
    pub in_turn: bool,
    /// Tokens, counted as four bytes each, that Markdown may take: [`LEAST_BUDGET`](crate::LEAST_BUDGET) at least. Without it a table of ten rows.
    pub budget: Option<usize>,
    /// Unit of all times.
    pub unit: Unit,
    /// What the stream can show.
    pub style: Style,
}
