//! `hprof diff`: what changed between two profiles.

use std::io::Write;

use anyhow::Context;
use hprof_reports::{DiffFormat, DiffOptions, HtmlOptions, Side, write_diff};

use super::page;
use super::sides::{load, refused};
use crate::args::{DiffArgs, DiffForm};
use crate::config_file::ConfigFile;
use crate::in_turn::{self, Ended, InTurn};
use crate::report::Report;
use crate::tables;

/// `hprof diff`.
pub(crate) fn diff(args: &DiffArgs, config: &ConfigFile) -> anyhow::Result<u8> {
    tables::check_budget(args.budget, args.format == DiffForm::Md)?;
    let (names, runs) = match sides(args, config)? {
        Ended::Done(InTurn { names, runs }) => (names, runs),
        Ended::Early(code) => return Ok(code),
    };
    let report = Report::file_or_stdout(&args.output)?;
    let mut options = DiffOptions::default();
    options.unit = tables::unit(args.unit);
    options.in_turn = args.base.base.is_some();
    options.format = match args.format {
        DiffForm::Text => DiffFormat::Text,
        DiffForm::Md => DiffFormat::Markdown,
        DiffForm::Json => DiffFormat::Json,
        DiffForm::Html => {
            let mut page = HtmlOptions::default();
            page.unit = options.unit;
            page::write_compared((&names, &runs), &page, &options, report)?;
            return Ok(0);
        }
    };
    options.budget = args.budget;
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
fn sides(args: &DiffArgs, config: &ConfigFile) -> anyhow::Result<Ended> {
    if let Some(revision) = &args.base.base {
        if args.older.is_some() {
            return Err(in_turn::refuse("a profile"));
        }
        return in_turn::record(revision, &args.base, &args.folder, config);
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
