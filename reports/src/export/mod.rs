//! Profiles for other programs: one trait, one format a file, and the list of them.

mod callgrind;
mod collapsed;
mod csv;
mod format;
mod json;
mod lcov;
mod markdown;
mod options;
#[cfg(feature = "parquet")]
mod parquet;
mod short;
mod speedscope;

use std::fmt;

pub use callgrind::Callgrind;
pub use collapsed::Collapsed;
pub use csv::Csv;
pub use format::Export;
pub use json::Json;
pub use lcov::Lcov;
pub use markdown::Markdown;
pub use options::ExportOptions;
#[cfg(feature = "parquet")]
pub use parquet::Parquet;
pub use short::Short;
pub use speedscope::Speedscope;

/// A format of [`FORMATS`].
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, and who reads it.
    pub about: &'static str,
    make: fn(&ExportOptions) -> Box<dyn Export>,
}

impl fmt::Debug for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Format")
            .field("name", &self.name)
            .finish()
    }
}

impl Format {
    /// The format, ready to write.
    #[must_use]
    pub fn with(&self, options: &ExportOptions) -> Box<dyn Export> {
        (self.make)(options)
    }
}

/// All formats.
///
/// ```
/// use hprof::model::{Profile, Scope};
/// use hprof_reports::export::{ExportOptions, FORMATS};
/// for format in FORMATS {
///     let mut out = Vec::new();
///     format.with(&ExportOptions::default()).export(&Profile::default(), Scope::All, &mut out)?;
/// }
/// # Ok::<(), hprof_reports::ReportError>(())
/// ```
pub const FORMATS: &[Format] = &[
    Format {
        name: "json",
        about: "everything there is, for programs",
        make: |options| {
            Box::new(Json {
                top: options.top,
                min_percent: options.min_percent,
            })
        },
    },
    Format {
        name: "csv",
        about: "a row for each line, for spreadsheets",
        make: |_| Box::new(Csv),
    },
    Format {
        name: "md",
        about: "Markdown: the hottest lines with the code around them",
        make: |options| {
            Box::new(Markdown {
                budget: options.budget,
                lines: None,
                profiles: options.profiles.clone(),
            })
        },
    },
    Format {
        name: "short",
        about: "path:line:column: text, for quickfix lists of editors",
        make: |_| Box::new(Short),
    },
    Format {
        name: "collapsed",
        about: "a line for each stack, for flamegraph tools",
        make: |options| {
            Box::new(Collapsed {
                metric: options.metric,
                lines: options.lines,
            })
        },
    },
    Format {
        name: "speedscope",
        about: "stacks for www.speedscope.app",
        make: |options| {
            Box::new(Speedscope {
                metric: options.metric,
                lines: options.lines,
            })
        },
    },
    Format {
        name: "callgrind",
        about: "for KCachegrind, QCachegrind and callgrind_annotate",
        make: |_| Box::new(Callgrind),
    },
    Format {
        name: "lcov",
        about: "hits of lines, for genhtml and editors that show coverage",
        make: |_| Box::new(Lcov),
    },
    #[cfg(feature = "parquet")]
    Format {
        name: PARQUET,
        about: "a row for each line of each rank, for DuckDB and Spark",
        make: |_| Box::new(Parquet),
    },
];

/// Name of the one format that is no text. It is there if hprof was built with it.
pub const PARQUET: &str = "parquet";

/// The format of that name.
///
/// ```
/// use hprof_reports::export::by_name;
/// assert!(by_name("csv").is_some() && by_name("docx").is_none());
/// ```
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
