//! `hprof recover`: save what was recorded by runs whose hprof was killed before it could.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use hprof::raw::{native, observed};

use crate::args::FolderArgs;
use crate::failure::CODE;
use crate::launch::{self, Claim, Orphan};
use crate::output;
use crate::settings::PackageQuery;
use crate::store::{self, Destination, Recorded};

/// `hprof recover`. One folder that cannot be recovered keeps nobody from the others.
pub(crate) fn recover(args: &FolderArgs) -> anyhow::Result<u8> {
    let runs = launch::runs_folder(&PackageQuery::from(args))?;
    let mut code = 0;
    let mut found = false;
    for folder in launch::folders_of(&runs) {
        match launch::claim(&folder) {
            Claim::Others => {}
            Claim::Alive(survivors) => {
                found = true;
                output::say(format_args!(
                    "left alone: {survivors} still {} in {}",
                    if survivors.is_one() {
                        "records"
                    } else {
                        "record"
                    },
                    folder.display()
                ));
            }
            Claim::Orphan(orphan) => match recover_one(orphan, &runs) {
                Ok(was_used) => found |= was_used,
                Err(error) => {
                    found = true;
                    output::error(&error.context(format!("cannot recover {}", folder.display())));
                    code = CODE;
                }
            },
        }
    }
    if !found {
        output::say("nothing to recover");
    }
    Ok(code)
}

/// Saves what is there, and deletes nothing else. Returns whether anybody will miss the folder.
fn recover_one(orphan: Orphan, runs: &Path) -> anyhow::Result<bool> {
    let folder = orphan.folder();
    let recorded = Recorded::read([folder])?;
    for missing in recorded.missing() {
        output::say(format_args!("left out: {missing:#}"));
    }
    let unreadable = recorded.unreadable.len();
    if recorded.files() == 0 && orphan.is_for_other_machines() {
        orphan.delete()?;
        return Ok(false);
    }
    if recorded.is_empty() {
        output::say(format_args!(
            "deleted {}: nothing was recorded",
            folder.display()
        ));
    } else if !recorded.parts.is_empty() {
        let files = save(recorded, folder, runs)?;
        if unreadable > 0 {
            // The next time only the others are left.
            delete(&files)?;
        }
    }
    if unreadable > 0 {
        anyhow::bail!("what cannot be read stays there: delete the folder if nobody can use it");
    }
    orphan.delete()?;
    Ok(true)
}

/// Saves the parts that could be read; returns their files.
fn save(recorded: Recorded, folder: &Path, runs: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let facts = launch::RunFacts::new(&launch::launches(folder)?, Vec::new());
    let program = facts.program();
    let (files, mut profile) = recorded.into_profile();
    profile.run = facts.into_run();
    let destination = Destination::beside_others(runs)?;
    let saved = store::save(&profile, &program, &destination)?;
    output::say(format_args!("recovered {}", saved.path.display()));
    Ok(files)
}

/// Deletes raw files and what lies beside them.
fn delete(files: &[PathBuf]) -> anyhow::Result<()> {
    for file in files {
        fs::remove_file(file).with_context(|| format!("cannot delete {}", file.display()))?;
        // Most have none.
        for extension in [native::EXTENSION, observed::EXTENSION] {
            let _ = fs::remove_file(file.with_extension(extension));
        }
    }
    Ok(())
}
