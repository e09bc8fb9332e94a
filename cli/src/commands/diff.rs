//! `hprof diff`: what changed between two profiles.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use hprof_reports::{DiffError, DiffFormat, DiffOptions, Side, write_diff};

use crate::args::{DiffArgs, DiffForm};
use crate::failure;
use crate::in_turn::{self, Ended, InTurn};
use crate::output;
use crate::report::Report;
use crate::store::{self, Loaded};
use crate::tables;

/// `hprof diff`.
pub(crate) fn diff(args: &DiffArgs) -> anyhow::Result<u8> {
    tables::check_budget(args.budget, args.format == DiffForm::Md)?;
    let (names, runs) = match sides(args)? {
        Ended::Done(InTurn { names, runs }) => (names, runs),
        Ended::Early(code) => return Ok(code),
    };
    let report = Report::file_or_stdout(&args.output)?;
    let mut options = DiffOptions::default();
    options.format = match args.format {
        DiffForm::Text => DiffFormat::Text,
        DiffForm::Md => DiffFormat::Markdown,
        DiffForm::Json => DiffFormat::Json,
    };
    options.budget = args.budget;
    options.unit = tables::unit(args.unit);
    options.in_turn = args.base.base.is_some();
    report.write(args.rich, |style, out: &mut dyn Write| {
        let mut options = options.clone();
        options.style = style;
        let [older, newer] = [0, 1].map(|side| Side {
            name: &names[side],
            runs: &runs[side],
        });
        write_diff(older, newer, &options, out).map_err(refused)?;
        Ok(())
    })?;
    Ok(0)
}

/// Reads both profiles, or records both programs.
fn sides(args: &DiffArgs) -> anyhow::Result<Ended> {
    if let Some(revision) = &args.base.base {
        if args.older.is_some() {
            return Err(in_turn::refuse("a profile"));
        }
        return in_turn::record(revision, &args.base, &args.folder);
    }
    let paths = args.older.as_ref().zip(args.newer.as_ref());
    let (older, newer) =
        paths.context("diff compares two profiles, or --base with what is here")?;
    let profiles = [older, newer].map(|path| Ok::<_, anyhow::Error>(vec![load(path)?.profile]));
    let [older_runs, newer_runs] = profiles;
    Ok(Ended::Done(InTurn {
        names: [older, newer].map(|path| path.to_string_lossy().into_owned()),
        runs: [older_runs?, newer_runs?],
    }))
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
