//! `hprof show`: print the tables of saved profiles or raw files.

use std::io::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use hprof::model::{Profile, Scope};
use hprof_reports::export::{Export, Markdown};
use hprof_reports::{HeapMoment, write_changed_table};

use crate::args::{FolderArgs, ProfileArgs, Ranks, ShowArgs, ShowForm, TableArgs, Top};
use crate::changed::Changes;
use crate::failure;
use crate::launch;
use crate::output;
use crate::report::Report;
use crate::settings::PackageQuery;
use crate::store::{self, Loaded};
use crate::tables;

/// `hprof show`.
pub(crate) fn show(args: &ShowArgs) -> anyhow::Result<u8> {
    let mut table = args.table.clone();
    let mut files = args.profile.files.clone();
    if let Some(Ranks::NoList(file)) = &table.ranks {
        files.insert(0, file.into());
        table.ranks = Some(Ranks::All);
    }
    let is_markdown = args.format == ShowForm::Md;
    tables::check_budget(args.budget, is_markdown)?;
    if is_markdown {
        check_markdown(args)?;
    }
    let loaded = load_files(files.clone(), &args.profile.folder)?;
    match &args.changed {
        _ if is_markdown => show_markdown(&loaded.profile, &files, args)?,
        Some(revision) => show_changed(&loaded.profile, revision, &table)?,
        None if args.leaks => {
            let top = table.top.and_then(Top::limit);
            tables::write_moment(&loaded.profile, HeapMoment::End, top, table.rich)?;
        }
        None if args.percentiles => {
            let top = table.top.and_then(Top::limit);
            tables::write_durations(&loaded.profile, top, &table)?;
        }
        None if args.waits => {
            let top = table.top.and_then(Top::limit);
            tables::write_waits(&loaded.profile, top, &table)?;
        }
        None => tables::write(Report::Stdout, &loaded.profile, &table)?,
    }
    Ok(0)
}

/// Refuses tables that are none of hot lines.
fn check_markdown(args: &ShowArgs) -> anyhow::Result<()> {
    let table = &args.table;
    let others = [
        (args.waits, "--waits"),
        (args.leaks, "--leaks"),
        (table.by_function, "--by-function"),
        (table.threads, "--threads"),
        (table.ranks.is_some(), "--ranks"),
        (table.by.is_some(), "--by"),
    ];
    match others.iter().find(|(is_given, _)| *is_given) {
        Some((_, option)) => Err(failure::with_hint(
            anyhow!("--format md has no table of {option}"),
            "it shows the hottest lines, --hot N of them, or those of --changed REV: leave one of them out",
        )),
        None => Ok(()),
    }
}

/// The hottest lines, or those that changed, with the code around them.
fn show_markdown(profile: &Profile, files: &[PathBuf], args: &ShowArgs) -> anyhow::Result<()> {
    let format = Markdown {
        budget: args.budget,
        lines: args.table.hot,
        profiles: names(files),
    };
    let changes = match &args.changed {
        Some(revision) => Some((revision, Changes::since(revision)?)),
        None => None,
    };
    Report::Stdout.write(false, |_, out: &mut dyn Write| {
        match &changes {
            Some((revision, changes)) => {
                let files = changes.of(profile)?;
                let changed = (revision.as_str(), changes.lines());
                format.write_changed(profile, changed, &files, out)?;
            }
            None => format.export(profile, Scope::All, out)?,
        }
        Ok(())
    })
}

/// How profiles are named in a command that shows them again.
pub(super) fn names(files: &[PathBuf]) -> Vec<String> {
    let names = files.iter().map(|file| file.to_string_lossy().into_owned());
    names.collect()
}

/// What the lines carry that changed since a revision.
fn show_changed(profile: &Profile, revision: &str, table: &TableArgs) -> anyhow::Result<()> {
    let changes = Changes::since(revision)?;
    let files = changes.of(profile)?;
    Report::Stdout.write(table.rich, |style, out: &mut dyn Write| {
        let options = tables::hot(table, style);
        write_changed_table(profile, (revision, changes.lines()), &files, &options, out)?;
        Ok(())
    })
}

/// Reads the profile that is meant, and says which it is if it was not named, and what is missing.
pub(super) fn load(args: &ProfileArgs) -> anyhow::Result<Loaded> {
    load_files(args.files.clone(), &args.folder)
}

fn load_files(mut files: Vec<PathBuf>, folder: &FolderArgs) -> anyhow::Result<Loaded> {
    if files.is_empty() {
        let newest = launch::newest(&PackageQuery::from(folder))?;
        output::say(format_args!("showing {}", newest.display()));
        files.push(newest);
    }
    let loaded = store::load(&files)?;
    for skipped in &loaded.skipped {
        output::say(format_args!("left out: {skipped:#}"));
    }
    Ok(loaded)
}
