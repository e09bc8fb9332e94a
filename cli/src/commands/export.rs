//! `hprof export`: a profile in a format of other programs.

use std::io::Write;

use anyhow::anyhow;
use hprof::model::Scope;
use hprof_reports::export::{self, ExportOptions};

use super::show::{load, names};
use crate::args::ExportArgs;
use crate::failure;
use crate::report::Report;
use crate::tables;

/// `hprof export`.
pub(crate) fn export(args: &ExportArgs) -> anyhow::Result<u8> {
    tables::check_budget(args.budget, args.format == "md")?;
    let profile = load(&args.profile)?.profile;
    let Some(format) = export::by_name(&args.format) else {
        return Err(failure::with_hint(
            anyhow!("this hprof was built without the format {}", args.format),
            "cargo install --path cli --features parquet",
        ));
    };
    if format.name == export::PARQUET && args.output.as_path() == "-" {
        return Err(failure::with_hint(
            anyhow!("{} is no text", format.name),
            "name a file with -o",
        ));
    }
    let mut options = ExportOptions::default();
    options.metric = args.metric;
    options.lines = args.lines;
    options.budget = args.budget;
    options.profiles = names(&args.profile.files);
    options.top = args.top;
    options.min_percent = args.min_percent;
    let report = Report::file_or_stdout(&args.output)?;
    report.write(false, |_, out: &mut dyn Write| {
        Ok(format.with(&options).export(&profile, Scope::All, out)?)
    })?;
    Ok(0)
}
