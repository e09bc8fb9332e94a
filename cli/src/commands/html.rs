//! `hprof html`: a profile as one page for a browser.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};
use hprof_reports::{DiffOptions, HtmlOptions};

use super::page;
use super::show::load;
use super::sides;
use crate::args::HtmlArgs;
use crate::failure;
use crate::report::Report;
use crate::tables;

/// `hprof html`.
pub(crate) fn html(args: &HtmlArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    let mut options = HtmlOptions::default();
    options.source = !args.no_source;
    options.title.clone_from(&args.title);
    options.unit = tables::unit(args.unit);
    let report = Report::file_or_stdout(&args.output)?;
    if let Some(newer) = &args.diff {
        let files = args.profile.files.iter().map(|file| file.to_string_lossy());
        let older = files.collect::<Vec<_>>().join(", ");
        let names = [older, newer.to_string_lossy().into_owned()];
        let runs = [vec![profile], vec![sides::load(newer)?.profile]];
        let mut compared = DiffOptions::default();
        compared.unit = options.unit;
        page::write_compared((&names, &runs), &options, &compared, report)?;
    } else {
        page::write(&profile, &options, report)?;
    }
    if args.open {
        open(&args.output)?;
    }
    Ok(0)
}

/// Shows a file in the browser of the desktop.
fn open(page: &Path) -> anyhow::Result<()> {
    if page == "-" {
        return Err(failure::with_hint(
            anyhow!("--open needs a file"),
            "name it with -o page.html",
        ));
    }
    let program = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let mut command = Command::new(program);
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null());
    command
        .spawn()
        .with_context(|| format!("cannot start {program} for {}", page.display()))?;
    Ok(())
}
