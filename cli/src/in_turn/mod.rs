//! A program and a revision of it before, run in turn: what `hprof diff --base` and `hprof check --base` compare.
//!
//! `repository` is where the program is in its repository, `worktree` the place where the revision is built, `program` one of the two programs and how it is
//! run, and `interrupt` what comes between: whatever happens, the worktree goes.

mod interrupt;
mod program;
mod repository;
mod worktree;

use std::fs;

use anyhow::{Context, anyhow};
use hprof::model::Profile;

use crate::args::{BaseArgs, FolderArgs};
use crate::config_file::ConfigFile;
use crate::failure;
use crate::launch::{self, Lookup, Package};
use crate::output;
use crate::settings::{PackageQuery, base_options};
use crate::store;
use interrupt::Interrupts;
use program::Program;
use repository::Repository;
use worktree::Worktree;

/// Folder in the target folder for all that is made for this.
const FOLDER: &str = "hprof-base";

/// What both programs recorded.
#[derive(Debug)]
pub(crate) struct InTurn {
    /// Name of each side: the revision, and the working tree.
    pub(crate) names: [String; 2],
    /// The runs of each.
    pub(crate) runs: [Vec<Profile>; 2],
}

/// What came of running both.
#[derive(Debug)]
pub(crate) enum Ended {
    /// All runs are over.
    Done(InTurn),
    /// A signal, or cargo, which has said why: the exit code.
    Early(u8),
}

/// Builds the revision and the working tree, and runs both in turn: A B B A A B ...
pub(crate) fn record(
    revision: &str,
    args: &BaseArgs,
    folder: &FolderArgs,
    config: &ConfigFile,
) -> anyhow::Result<Ended> {
    let interrupts = Interrupts::start()?;
    let package = match launch::find_package(&PackageQuery::from(folder))? {
        Lookup::Found(package) => package,
        Lookup::Refused { message, code } => {
            output::pass_on(&message);
            output::say("cargo found no package to build, so nothing was run");
            return Ok(Ended::Early(code));
        }
    };
    let recorded = record_in(&package, revision, args, (folder, config), &interrupts);
    match (interrupts.code(), recorded) {
        (Some(code), _) => {
            output::say("stopped, and the worktree of the base is removed");
            Ok(Ended::Early(code))
        }
        (None, recorded) => Ok(Ended::Done(recorded?)),
    }
}

fn record_in(
    package: &Package,
    revision: &str,
    args: &BaseArgs,
    (folder, config): (&FolderArgs, &ConfigFile),
    interrupts: &Interrupts,
) -> anyhow::Result<InTurn> {
    let repository = Repository::of(folder.manifest_path.as_deref())?;
    let commit = repository.commit(revision)?;
    let own = package.target_folder.join(FOLDER);
    store::check_runs_folder(&own)?;
    fs::create_dir_all(&own).with_context(|| format!("cannot write to {}", own.display()))?;
    let worktree = Worktree::new(&repository, &commit, &own)?;
    interrupts.check()?;
    let manifest = worktree.prepare(&repository, &package.root, revision)?;
    interrupts.check()?;
    let records = tempfile::tempdir_in(&own)
        .map_err(failure::without_path)
        .with_context(|| format!("cannot write to {}", own.display()))?;
    let short = commit.get(..10).unwrap_or(&commit);
    let names = [format!("{revision} ({short})"), "working tree".to_owned()];
    let options = base_options(args, config.path.as_deref());
    // Folders of their own, with names of the same length: an ordinary build of the program is another one, and what a program is called moves its stack.
    let program = |name: &str, manifest, target| {
        Program::new(name, manifest, &own.join(target), &options, &args.args)
    };
    let programs = [
        program(&names[0], Some(manifest.as_path()), "a"),
        program(&names[1], folder.manifest_path.as_deref(), "b"),
    ];
    let pairs = if args.quick { 1 } else { args.runs };
    let mut runs = [Vec::new(), Vec::new()];
    for (program, runs) in programs.iter().zip(&mut runs) {
        output::say(format_args!("building and running {}", program.name()));
        let first = program.build_and_run(records.path(), interrupts)?;
        // Whatever comes right after a compiler is not as fast as what follows.
        runs.extend(Some(first).filter(|_| pairs == 1));
    }
    for pair in 0..if pairs == 1 { 0 } else { pairs } {
        let order = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            runs[side].push(programs[side].run_again(records.path(), interrupts)?);
        }
        output::say(format_args!("pair {} of {pairs} is done", pair + 1));
    }
    for (side, program) in programs.iter().enumerate() {
        program.say_how_it_ended(&runs[side]);
    }
    drop(worktree);
    Ok(InTurn { names, runs })
}

/// An option that has no meaning beside `--base`.
pub(crate) fn refuse(option: &str) -> anyhow::Error {
    failure::with_hint(
        anyhow!("{option} has no meaning with --base, which runs both programs"),
        "leave one of them out; arguments of the program stand behind --",
    )
}
