//! `hprof annotate`: a whole source file with what its lines cost.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::Context;
use hprof::model::Profile;
use hprof::regular_file;
use hprof_reports::{AnnotateOptions, ReportError, write_annotated};

use super::show::load;
use crate::args::AnnotateArgs;
use crate::failure::Hint;
use crate::report::Report;
use crate::tables;

/// No source file is longer.
const LONGEST: u64 = 16 << 20;
/// Files that a hint names.
const NAMED: usize = 10;

/// `hprof annotate`.
pub(crate) fn annotate(args: &AnnotateArgs) -> anyhow::Result<u8> {
    let source = &args.source;
    let cannot_read = || format!("cannot read {}", source.display());
    let text = match regular_file::read_text(source, LONGEST) {
        Ok(text) => Some(text),
        // The profile has the text of its functions, if the file is one of theirs.
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            return Err(error)
                .with_context(cannot_read)
                .hint("hprof show has the text of the functions, as it was compiled");
        }
    };
    let profile = load(&args.profile)?.profile;
    let name = name_in_profile(&profile, source);
    Report::Stdout.write(args.rich, |style, out: &mut dyn Write| {
        let mut options = AnnotateOptions::default();
        options.unit = tables::unit(args.unit);
        options.style = style;
        let written = write_annotated(&profile, &name, text.as_deref(), &options, out);
        match written {
            Err(ReportError::NotInProfile { .. }) if text.is_none() => {
                let missing = std::io::Error::from(ErrorKind::NotFound);
                Err(missing)
                    .with_context(cannot_read)
                    .hint(files_of(&profile))
            }
            Err(error @ ReportError::NotInProfile { .. }) => Err(error).hint(files_of(&profile)),
            written => Ok(written?),
        }
    })?;
    Ok(0)
}

/// The name that the compiler knew a file by: from the root of the workspace on.
fn name_in_profile(profile: &Profile, source: &Path) -> String {
    let root = profile
        .run
        .source_root
        .as_ref()
        .and_then(|root| fs::canonicalize(root).ok());
    let full = fs::canonicalize(source)
        .or_else(|_| std::path::absolute(source))
        .ok();
    let from_root = full
        .zip(root)
        .and_then(|(full, root)| full.strip_prefix(root).ok().map(Path::to_owned));
    from_root
        .as_deref()
        .unwrap_or(source)
        .to_string_lossy()
        .into_owned()
}

fn files_of(profile: &Profile) -> String {
    let mut files: Vec<&str> = profile
        .functions
        .iter()
        .map(|function| function.file.as_str())
        .collect();
    files.sort_unstable();
    files.dedup();
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more files"),
    };
    files.truncate(NAMED);
    format!("the profile holds functions of {}{more}", files.join(", "))
}
