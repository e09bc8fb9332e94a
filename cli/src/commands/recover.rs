//! `hprof recover`: save what was recorded by runs whose hprof was killed before it could.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::args::FolderArgs;
use crate::launch;
use crate::output;
use crate::settings::Whereabouts;
use crate::store::{self, Destination, RunFacts};

/// `hprof recover`.
pub(crate) fn recover(args: &FolderArgs) -> anyhow::Result<u8> {
    let runs = store::runs_folder(&Whereabouts::from(args))?;
    let orphans = launch::orphans(&runs);
    if orphans.is_empty() {
        output::say("nothing to recover");
        return Ok(0);
    }
    for orphan in orphans {
        recover_one(&orphan, &runs)
            .with_context(|| format!("cannot recover {}", orphan.display()))?;
    }
    Ok(0)
}

fn recover_one(orphan: &Path, runs: &Path) -> anyhow::Result<()> {
    if store::raw_files(orphan)?.is_empty() {
        output::say(format_args!(
            "deleted {}: nothing was recorded",
            orphan.display()
        ));
    } else {
        let facts = RunFacts::new(&launch::launches(orphan)?, Vec::new());
        let program = facts
            .command
            .first()
            .map(String::as_str)
            .unwrap_or_default();
        let program = program.rsplit('/').next().unwrap_or_default().to_owned();
        let mut loaded = store::load(&[orphan.to_owned()])?;
        loaded.profile.run = facts.into_run();
        let destination = Destination::beside_others(runs)?;
        let saved = store::save(&loaded.profile, &program, &destination)?;
        for skipped in &loaded.skipped {
            output::say(format_args!("left out: {skipped:#}"));
        }
        output::say(format_args!("recovered {}", saved.path.display()));
    }
    fs::remove_dir_all(orphan)?;
    Ok(())
}
