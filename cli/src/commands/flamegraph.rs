//! `hprof flamegraph`: a picture of where time, hits or allocations go.

use std::io::Write;

use hprof_reports::{FlamegraphOptions, Metric, write_flamegraph, write_native_flamegraph};

use super::show::load;
use crate::args::{self, FlamegraphArgs};
use crate::failure::Hint;
use crate::output::{self, Report};

/// Where native stacks come from.
pub(super) const NATIVE_HINT: &str = "native stacks are recorded by hprof run --native";

/// `hprof flamegraph`.
pub(crate) fn flamegraph(args: &FlamegraphArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    let mut options = FlamegraphOptions::default();
    options.metric = match args.metric {
        args::Metric::Time => Metric::Time,
        args::Metric::Hits => Metric::Hits,
        args::Metric::Cpu => Metric::Cpu,
        args::Metric::AllocBytes => Metric::AllocBytes,
        args::Metric::Allocs => Metric::Allocs,
        args::Metric::LiveBytes => Metric::LiveBytes,
        args::Metric::PeakBytes => Metric::PeakBytes,
    };
    options.lines = args.lines;
    options.title.clone_from(&args.title);
    let report = Report::file_or_stdout(&args.output)?;
    let file = matches!(report, Report::File(_));
    report.write(false, |_, out: &mut dyn Write| {
        if args.native {
            return write_native_flamegraph(&profile, args.title.as_deref(), out).hint(NATIVE_HINT);
        }
        write_flamegraph(&profile, &options, out)
            .hint("--metric chooses other values, such as hits")
    })?;
    if file {
        output::say(format_args!("written to {}", args.output.display()));
    }
    Ok(0)
}
