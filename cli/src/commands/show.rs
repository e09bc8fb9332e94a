//! `hprof show`: print the tables of saved profiles or raw files.

use std::io::Write;
use std::path::PathBuf;

use hprof::model::Profile;
use hprof_reports::{HeapMoment, write_changed_table};

use crate::args::{FolderArgs, ProfileArgs, Ranks, ShowArgs, TableArgs, Top};
use crate::changed::Changes;
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
    let loaded = load_files(files, &args.profile.folder)?;
    match &args.changed {
        Some(revision) => show_changed(&loaded.profile, revision, &table)?,
        None if args.leaks => {
            let top = table.top.and_then(Top::limit);
            tables::write_moment(&loaded.profile, HeapMoment::End, top, table.rich)?;
        }
        None if args.waits => {
            let top = table.top.and_then(Top::limit);
            tables::write_waits(&loaded.profile, top, &table)?;
        }
        None => tables::write(Report::Stdout, &loaded.profile, &table)?,
    }
    Ok(0)
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
