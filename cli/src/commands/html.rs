//! `hprof html`: a profile as one page for a browser.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, anyhow};
use hprof::model::Profile;
use hprof_reports::{HtmlOptions, write_html};

use super::show::load;
use crate::args::HtmlArgs;
use crate::failure;
use crate::output;
use crate::report::Report;
use crate::tables;

/// `hprof html`.
pub(crate) fn html(args: &HtmlArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    let mut options = HtmlOptions::default();
    options.source = !args.no_source;
    options.title.clone_from(&args.title);
    options.unit = tables::unit(args.unit);
    write(&profile, &options, Report::file_or_stdout(&args.output)?)?;
    if args.open {
        open(&args.output)?;
    }
    Ok(0)
}

/// Writes the page.
pub(super) fn write(
    profile: &Profile,
    options: &HtmlOptions,
    report: Report,
) -> anyhow::Result<()> {
    if options.source {
        warn_of_foreign_sources(profile);
    }
    report.write(false, |_, out: &mut dyn Write| {
        Ok(write_html(profile, options, out)?)
    })
}

/// A page that is handed on has the text of its functions: says if some of it is from outside of the workspace.
fn warn_of_foreign_sources(profile: &Profile) {
    let Some(root) = &profile.run.source_root else {
        return;
    };
    let mut foreign = profile.functions.iter().filter(|function| {
        let file = Path::new(&function.file);
        file.is_absolute() && !file.starts_with(root) && !function.source.is_empty()
    });
    if let Some(first) = foreign.next() {
        output::say(format_args!(
            "the page has source text from outside of {root}, such as {}",
            first.file
        ));
        output::say("hint: --no-source leaves figures and line numbers only");
    }
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
