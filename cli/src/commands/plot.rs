//! `hprof plot`: memory and CPU over time.

use std::io::Write;
use std::path::PathBuf;

use hprof_reports::{ReportError, write_plot};

use super::show::load;
use crate::args::{PlotArgs, ProfileArgs};
use crate::failure;
use crate::output;
use crate::report::Report;

/// `hprof plot`.
pub(crate) fn plot(args: &PlotArgs) -> anyhow::Result<u8> {
    let mut profiles = Vec::new();
    if args.profile.files.len() > 1 {
        // Each file is a curve of its own.
        for file in &args.profile.files {
            let one = ProfileArgs {
                files: vec![file.clone()],
                ..args.profile.clone()
            };
            profiles.push((name_of(file), load(&one)?.profile));
        }
    } else {
        let profile = load(&args.profile)?.profile;
        let program = profile.run.command.first().map(PathBuf::from);
        let named = args.profile.files.first().or(program.as_ref());
        profiles.push((
            named.map_or_else(|| "hprof".to_owned(), |path| name_of(path)),
            profile,
        ));
    }
    let profiles: Vec<_> = profiles
        .iter()
        .map(|(name, profile)| (name.clone(), profile))
        .collect();
    let report = Report::file_or_stdout(&args.output)?;
    let is_file = matches!(report, Report::File(_));
    report.write(false, |_, out: &mut dyn Write| {
        write_plot(&profiles, args.title.as_deref(), out).map_err(with_remedy)
    })?;
    if is_file {
        output::say(format_args!("written to {}", args.output.display()));
    }
    Ok(0)
}

/// The last part of a path, without what it ends with.
fn name_of(path: &std::path::Path) -> String {
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    name.strip_suffix(".pb.gz").unwrap_or(&name).to_owned()
}

fn with_remedy(error: ReportError) -> anyhow::Error {
    match error {
        ReportError::NotObserved => failure::with_hint(
            error.into(),
            "hprof run and hprof exec look at the program while it runs, where there is a /proc; a run of less than some milliseconds ends before that",
        ),
        _ => error.into(),
    }
}
