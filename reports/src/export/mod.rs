//! Profiles for other programs: one trait, one format a file.

mod collapsed;
mod csv;
mod format;
mod json;

pub use collapsed::Collapsed;
pub use csv::Csv;
pub use format::Export;
pub use json::Json;

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
