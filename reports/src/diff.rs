//! What changed between two profiles, as text, Markdown or JSON: three renderings of one comparison.

pub(crate) mod json;
pub(crate) mod markdown;
mod options;
pub(crate) mod table;

use std::io::{self, Write};

use hprof::model::Profile;

use crate::text::screen::Screen;
use crate::view::{Comparison, Incomparable, Sides};

pub use options::{DiffFormat, DiffOptions};

/// A profile, or those of several runs of one program, and what it is called: the name of its file.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The name.
    pub name: &'a str,
    /// The profiles: one, or several runs for times that are judged.
    pub runs: &'a [Profile],
}

/// Why no comparison was printed.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// The profiles have nothing in common, or nothing at all.
    #[error(transparent)]
    Incomparable(#[from] Incomparable),
    /// The stream.
    #[error(transparent)]
    Write(#[from] io::Error),
}

/// Writes what changed from the older profile to the newer one. Returns whether a line does more of what the policy judges.
///
/// # Errors
/// [`DiffError::Incomparable`] if there is nothing to compare, and those of the writer.
///
/// ```
/// use hprof_reports::{DiffError, DiffOptions, Side, write_diff};
/// let profile = hprof::model::Profile::default();
/// let side = Side { name: "empty.pb.gz", runs: &[profile] };
/// let error = write_diff(side, side, &DiffOptions::default(), &mut Vec::new()).unwrap_err();
/// assert!(matches!(error, DiffError::Incomparable(_)));
/// ```
pub fn write_diff(
    older: Side<'_>,
    newer: Side<'_>,
    options: &DiffOptions,
    out: &mut dyn Write,
) -> Result<bool, DiffError> {
    let comparison = compare(older, newer, options)?;
    let names = [older.name, newer.name];
    match options.format {
        DiffFormat::Text => {
            let out = &mut Screen::new(out, options.style);
            table::write(&comparison, names, options, out)?;
        }
        DiffFormat::Markdown => {
            let page = markdown::page(&comparison, names, options);
            out.write_all(page.as_bytes())?;
        }
        DiffFormat::Json => json::write(&comparison, names, out)?,
    }
    Ok(comparison.verdict.is_worse())
}

/// Compares.
pub(crate) fn compare<'a>(
    older: Side<'a>,
    newer: Side<'a>,
    options: &DiffOptions,
) -> Result<Comparison<'a>, Incomparable> {
    let sides = Sides {
        older: (older.name, older.runs),
        newer: (newer.name, newer.runs),
        in_turn: options.in_turn,
    };
    Comparison::new(sides, &options.policy)
}

#[cfg(test)]
mod tests;
