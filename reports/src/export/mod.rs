//! Profiles for other programs: one trait, one format a file.

mod collapsed;
mod csv;
mod json;

use std::io::Write;

use hprof::model::{Profile, Scope};

use crate::error::ReportError;

pub use collapsed::Collapsed;
pub use csv::Csv;
pub use json::Json;

/// A format that other programs read.
pub trait Export {
    /// Writes a part of the profile.
    ///
    /// # Errors
    /// [`ReportError::Write`], and what the format cannot hold.
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError>;
}

/// The names that [`by_name`] knows.
pub const NAMES: &[&str] = &["json", "csv", "collapsed"];

/// The format of that name, as its defaults are.
///
/// ```
/// use hprof_reports::export::{NAMES, by_name};
/// assert!(NAMES.iter().all(|name| by_name(name).is_some()));
/// assert!(by_name("docx").is_none());
/// ```
#[must_use]
pub fn by_name(name: &str) -> Option<Box<dyn Export>> {
    match name {
        "json" => Some(Box::new(Json)),
        "csv" => Some(Box::new(Csv)),
        "collapsed" => Some(Box::new(Collapsed::default())),
        _ => None,
    }
}
