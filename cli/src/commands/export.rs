//! `hprof export`: a profile in a format of other programs.

use std::io::Write;

use anyhow::Context;
use hprof::model::Scope;
use hprof_reports::export::{self, ExportOptions};

use super::show::load;
use crate::args::ExportArgs;
use crate::report::Report;

/// `hprof export`.
pub(crate) fn export(args: &ExportArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    let format = export::by_name(&args.format)
        .with_context(|| format!("there is no format '{}'", args.format))?;
    let mut options = ExportOptions::default();
    options.metric = args.metric;
    options.lines = args.lines;
    options.budget = args.budget;
    options.top = args.top;
    options.min_percent = args.min_percent;
    let report = Report::file_or_stdout(&args.output)?;
    report.write(false, |_, out: &mut dyn Write| {
        Ok(format.with(&options).export(&profile, Scope::All, out)?)
    })?;
    Ok(0)
}
