//! What a page shows.

use crate::text::numbers::Unit;

/// What a page shows.
///
/// ```
/// let mut options = hprof_reports::HtmlOptions::default();
/// options.source = false;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HtmlOptions {
    /// The text of the measured functions; without it there are line numbers alone.
    pub source: bool,
    /// The title; the name of the program without it.
    pub title: Option<String>,
    /// Unit of all times.
    pub unit: Unit,
}

impl Default for HtmlOptions {
    fn default() -> Self {
        Self {
            source: true,
            title: None,
            unit: Unit::Auto,
        }
    }
}
