//! `hprof suggest`: the functions worth an annotation, as the native stacks of a profile show, or those worth to be measured alone.

use std::io::Write;
use std::path::Path;

use hprof_reports::write_suggestions;

use super::flamegraph::with_remedy;
use super::show::load;
use crate::args::SuggestArgs;
use crate::report::Report;
use crate::sources::Sources;

/// `hprof suggest`.
pub(crate) fn suggest(args: &SuggestArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    let sources = Sources::of(&profile);
    let find = |file: &str, line| sources.function(file, line);
    let report = Report::file_or_stdout(Path::new("-"))?;
    report.write(false, |_, out: &mut dyn Write| {
        write_suggestions(&profile, args.top, &find, out).map_err(with_remedy)
    })?;
    Ok(0)
}
