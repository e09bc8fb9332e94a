//! `hprof show`: print the tables of saved profiles or raw files.

use crate::args::{ProfileArgs, ShowArgs};
use crate::output::{self, Report};
use crate::settings::Whereabouts;
use crate::store::{self, Loaded};
use crate::tables;

/// `hprof show`.
pub(crate) fn show(args: &ShowArgs) -> anyhow::Result<u8> {
    let loaded = load(&args.profile)?;
    tables::write(Report::Stdout, &loaded.profile, &args.table)?;
    Ok(0)
}

/// Reads the profile that is meant, and says which it is if it was not named, and what is missing.
pub(super) fn load(args: &ProfileArgs) -> anyhow::Result<Loaded> {
    let mut files = args.files.clone();
    if files.is_empty() {
        let newest = store::newest(&Whereabouts::from(&args.folder))?;
        output::say(format_args!("showing {}", newest.display()));
        files.push(newest);
    }
    let loaded = store::load(&files)?;
    for skipped in &loaded.skipped {
        output::say(format_args!("left out: {skipped:#}"));
    }
    let processes = &loaded.profile.processes;
    if processes.iter().any(|process| process.losses.stripped) {
        output::say(
            "another tool has written this file: which times are exact, errors, source text and facts on the processes are lost",
        );
    }
    Ok(loaded)
}
