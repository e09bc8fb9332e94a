//! `hprof flamegraph`: a picture of where time, hits or allocations go.

use std::io::Write;

use hprof::model::Profile;
use hprof_reports::{
    DiffPictureError, FlamegraphOptions, ReportError, Side, write_diff_flamegraph,
    write_flamegraph, write_native_flamegraph,
};

use super::show::{load, names};
use super::sides;
use crate::args::FlamegraphArgs;
use crate::failure;
use crate::output;
use crate::report::Report;

/// `hprof flamegraph`.
pub(crate) fn flamegraph(args: &FlamegraphArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    let mut options = FlamegraphOptions::default();
    options.metric = args.metric;
    options.lines = args.lines;
    options.title.clone_from(&args.title);
    let newer = args.diff.as_deref().map(sides::load).transpose()?;
    let report = Report::file_or_stdout(&args.output)?;
    let file = matches!(report, Report::File(_));
    report.write(false, |_, out: &mut dyn Write| {
        if let Some(newer) = &newer {
            return write_changes(args, [&profile, &newer.profile], &options, out);
        }
        if args.native {
            write_native_flamegraph(&profile, args.title.as_deref(), out)
        } else {
            write_flamegraph(&profile, &options, out)
        }
        .map_err(with_remedy)
    })?;
    if file {
        output::say(format_args!("written to {}", args.output.display()));
    }
    Ok(0)
}

/// The picture of what changed.
fn write_changes(
    args: &FlamegraphArgs,
    [older, newer]: [&Profile; 2],
    options: &FlamegraphOptions,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let files = names(&args.profile.files).join(" ");
    let name = args.diff.as_deref().map(|path| path.to_string_lossy());
    let name = name.unwrap_or_default();
    let [older, newer] = [(files.as_str(), older), (&name, newer)].map(|(name, profile)| Side {
        name,
        runs: std::slice::from_ref(profile),
    });
    write_diff_flamegraph(older, newer, options, out).map_err(|error| match error {
        DiffPictureError::Compare(error) => sides::refused(error),
        DiffPictureError::Draw(error) => with_remedy(error),
    })
}

/// The error of a report, with a hint if something helps against it.
pub(super) fn with_remedy(error: ReportError) -> anyhow::Error {
    let hint = match error {
        ReportError::NoNative => "native stacks are recorded by hprof run --native",
        ReportError::AllZero { .. } => "--metric chooses other values, such as hits",
        _ => return error.into(),
    };
    failure::with_hint(error.into(), hint)
}
