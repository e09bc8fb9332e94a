//! `hprof suggest`: the functions worth an annotation, as the native stacks of a profile show.

use std::io::Write;
use std::path::Path;

use hprof_reports::write_suggestions;

use super::flamegraph::NATIVE_HINT;
use super::show::load;
use crate::args::SuggestArgs;
use crate::failure::Hint;
use crate::output::Report;
use crate::sources::Sources;

/// `hprof suggest`.
pub(crate) fn suggest(args: &SuggestArgs) -> anyhow::Result<u8> {
    let profile = load(&args.profile)?.profile;
    let sources = Sources::of(&profile);
    let find = |file: &str, line| sources.function(file, line);
    let report = Report::file_or_stdout(Path::new("-"))?;
    report.write(false, |_, out: &mut dyn Write| {
        write_suggestions(&profile, args.top, &find, out).hint(NATIVE_HINT)
    })?;
    Ok(0)
}
