//! How the page of a profile, or of two, is written.

use std::io::Write;
use std::path::Path;

use hprof::model::Profile;
use hprof_reports::{DiffOptions, HtmlOptions, Side, write_html, write_html_diff};

use super::sides::refused;
use crate::output;
use crate::report::Report;

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

/// Writes the page of the newer of two sides.
pub(super) fn write_compared(
    (names, runs): (&[String; 2], &[Vec<Profile>; 2]),
    options: &HtmlOptions,
    compared: &DiffOptions,
    report: Report,
) -> anyhow::Result<()> {
    if options.source {
        runs.iter().flatten().for_each(warn_of_foreign_sources);
    }
    let [older, newer] = [0, 1].map(|side| Side {
        name: &names[side],
        runs: &runs[side],
    });
    report.write(false, |_, out: &mut dyn Write| {
        write_html_diff(older, newer, options, compared, out).map_err(refused)
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
