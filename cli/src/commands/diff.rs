//! `hprof diff`: what changed between two profiles.

use std::io::Write;
use std::path::{Path, PathBuf};

use hprof_reports::{DiffError, DiffFormat, DiffOptions, Side, write_diff};

use crate::args::{DiffArgs, DiffForm};
use crate::failure;
use crate::output;
use crate::report::Report;
use crate::store::{self, Loaded};
use crate::tables;

/// `hprof diff`.
pub(crate) fn diff(args: &DiffArgs) -> anyhow::Result<u8> {
    let (older, newer) = (load(&args.older)?, load(&args.newer)?);
    let names = [&args.older, &args.newer].map(|path| path.to_string_lossy());
    let report = Report::file_or_stdout(&args.output)?;
    let mut options = DiffOptions::default();
    options.format = match args.format {
        DiffForm::Text => DiffFormat::Text,
        DiffForm::Md => DiffFormat::Markdown,
        DiffForm::Json => DiffFormat::Json,
    };
    options.unit = tables::unit(args.unit);
    report.write(args.rich, |style, out: &mut dyn Write| {
        let mut options = options.clone();
        options.style = style;
        let older = Side {
            name: &names[0],
            profile: &older.profile,
        };
        let newer = Side {
            name: &names[1],
            profile: &newer.profile,
        };
        write_diff(older, newer, &options, out).map_err(refused)?;
        Ok(())
    })?;
    Ok(0)
}

/// Reads one side, and says what of it could not be read.
pub(super) fn load(path: &Path) -> anyhow::Result<Loaded> {
    let loaded = store::load(&[PathBuf::from(path)])?;
    for skipped in &loaded.skipped {
        output::say(format_args!("left out: {skipped:#}"));
    }
    Ok(loaded)
}

/// What to do where two profiles cannot be compared.
pub(super) fn refused(error: DiffError) -> anyhow::Error {
    match error {
        DiffError::Write(error) => error.into(),
        DiffError::Incomparable(why) => failure::with_hint(
            why.into(),
            "compare two runs of the same program: hprof show prints what is in a profile",
        ),
    }
}
