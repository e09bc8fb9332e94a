//! A profile as one HTML page: no request, no markup from a profile, readable without its script.
//!
//! Every figure is the text that the line table prints. The data stands in the page once, as JSON; the script builds the table of a function when it is
//! looked at.

mod changes;
mod data;
mod first_screen;
mod looks;
mod memory;
mod options;
mod over_time;
mod page;
mod place;
mod plain_table;
mod ranks;

use std::io::{self, Write};

use hprof::model::Profile;

use crate::diff::{DiffError, DiffOptions, Side, compare};
use crate::error::ReportError;
use changes::Compared;

pub use options::HtmlOptions;

/// Writes the page.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{HtmlOptions, write_html};
/// let mut out = Vec::new();
/// write_html(&hprof::model::Profile::default(), &HtmlOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"<!DOCTYPE html>"));
/// # Ok::<(), hprof_reports::ReportError>(())
/// ```
pub fn write_html(
    profile: &Profile,
    options: &HtmlOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    Ok(write(profile, None, options, out)?)
}

/// Writes the page of the newer of two profiles, with what changed since the older one.
///
/// # Errors
/// [`DiffError::Incomparable`] if there is nothing to compare, and those of the writer.
///
/// ```
/// use hprof_reports::{DiffError, DiffOptions, HtmlOptions, Side, write_html_diff};
/// let profile = hprof::model::Profile::default();
/// let side = Side { name: "empty.pb.gz", runs: &[profile] };
/// let (html, diff) = (HtmlOptions::default(), DiffOptions::default());
/// let error = write_html_diff(side, side, &html, &diff, &mut Vec::new()).unwrap_err();
/// assert!(matches!(error, DiffError::Incomparable(_)));
/// ```
pub fn write_html_diff(
    older: Side<'_>,
    newer: Side<'_>,
    options: &HtmlOptions,
    diff: &DiffOptions,
    out: &mut dyn Write,
) -> Result<(), DiffError> {
    let compared = Compared {
        comparison: compare(older, newer, diff)?,
        names: [older.name, newer.name],
    };
    if let Some(profile) = newer.runs.first() {
        write(profile, Some(&compared), options, out)?;
    }
    Ok(())
}

fn write(
    profile: &Profile,
    compared: Option<&Compared<'_>>,
    options: &HtmlOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let data = data::Data::new(profile, compared, options);
    let page = page::page(profile, &data, compared, options)?;
    out.write_all(page.into_string().as_bytes())
}

#[cfg(test)]
mod tests;
