//! A profile as one HTML page: no request, no markup from a profile, readable without its script.
//!
//! Every figure is the text that the line table prints. The data stands in the page once, as JSON; the script builds the table of a function when it is
//! looked at.

mod data;
mod options;
mod over_time;
mod page;
mod place;
mod plain_table;
mod ranks;

use std::io::Write;

use hprof::model::Profile;

use crate::error::ReportError;

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
    let data = data::Data::new(profile, options);
    let page = page::page(profile, &data, options)?;
    out.write_all(page.into_string().as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests;
