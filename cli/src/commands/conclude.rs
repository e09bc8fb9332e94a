//! What follows when a program has ended: read what it recorded, save it, print it.

use std::path::{Path, PathBuf};

use hprof::model::Profile;
use hprof_reports::{AllocVerdict, HtmlOptions};

use super::page;
use crate::args::{SaveArgs, TableArgs};
use crate::failure::{self, CODE};
use crate::fit::Fit;
use crate::launch::{
    self, OptionalLibrary, RankNote, Records, RefusedLauncher, RunFacts, Survivors,
};
use crate::output;
use crate::ranks;
use crate::report::Report;
use crate::store::{self, Destination, Placed, Recorded};
use crate::system;
use crate::tables;

/// Exit code of tests that passed, where a limit of allocations is broken.
const BROKEN_LIMIT: u8 = 1;

/// Why nothing may have been recorded, as far as that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NothingRecorded {
    /// The package depends on hprof, but what it depends on is switched off.
    Optional(OptionalLibrary),
    /// The package does not even depend on hprof. The subcommand that was tried.
    Annotated(&'static str),
    /// None of the functions was entered that were instrumented without an edit.
    Chosen,
    /// No annotated function was entered.
    Entered,
    /// The command started no program that was built with the switch on.
    Instrumented,
    /// What should have started the ranks of a job did not. It has said why.
    Ranks(RefusedLauncher),
}

/// A run that is over.
pub(super) struct FinishedRun<'a> {
    pub(super) records: Records,
    pub(super) facts: RunFacts,
    /// What the profile is named after.
    pub(super) program: String,
    pub(super) destination: &'a Destination,
    pub(super) reports: Reports,
    pub(super) table: &'a TableArgs,
    /// Exit code of the program.
    pub(super) code: u8,
    /// Whether native stacks were asked for.
    pub(super) native: bool,
    /// Whether the program is tests, which fail where a limit of allocations is broken.
    pub(super) tests: bool,
    /// Where a run of a build by hprof is kept for `--fit`.
    pub(super) fit: Option<&'a Fit>,
    /// Asked if nothing was recorded, with what was noted of the ranks.
    pub(super) reason: &'a dyn Fn(&[RankNote]) -> NothingRecorded,
}

/// Where the tables go, and a page if one is wanted: opened before the program runs, so that a typing error costs no run.
#[derive(Debug)]
pub(super) struct Reports {
    tables: Report,
    page: Option<Report>,
}

impl Reports {
    pub(super) fn open(args: &SaveArgs) -> anyhow::Result<Self> {
        let page = args.html.as_deref();
        Ok(Self {
            tables: Report::open(&args.report)?,
            page: page.map(Report::file_or_stdout).transpose()?,
        })
    }

    /// Writes both; what fails keeps nobody from the other. Returns whether all went well.
    fn write(self, profile: &Profile, table: &TableArgs) -> bool {
        let page = self
            .page
            .map(|page| page::write(profile, &HtmlOptions::default(), page));
        let tables = tables::write(self.tables, profile, table);
        let mut went_well = true;
        for error in [Some(tables), page]
            .into_iter()
            .flatten()
            .filter_map(Result::err)
        {
            if !failure::is_broken_pipe(&error) {
                output::error(&error);
                went_well = false;
            }
        }
        went_well
    }
}

/// Where the profile is to go, found out before the program runs; `runs` is the folder of the package's runs.
pub(super) fn destination(args: &SaveArgs, runs: &Path) -> anyhow::Result<Destination> {
    let folder = args.output_folder.as_deref().unwrap_or(runs);
    Destination::new(args.output.as_deref(), folder)
}

/// Saves and prints what was recorded. The exit code is the program's; 2 if that is 0 and something failed here.
pub(super) fn conclude(finished: FinishedRun<'_>) -> anyhow::Result<u8> {
    launch::end_by_signals();
    let survivors = Survivors::after_a_moment(finished.records.folder());
    match Recorded::read(finished.records.folders()) {
        Ok(recorded) if recorded.is_empty() => {
            Ok(nothing_recorded(finished, &recorded, &survivors))
        }
        Ok(recorded) => Ok(save_and_print(finished, recorded, &survivors)),
        Err(error) => {
            finished.records.keep();
            Err(error.into())
        }
    }
}

fn save_and_print(finished: FinishedRun<'_>, recorded: Recorded, survivors: &Survivors) -> u8 {
    let failed = if finished.code == 0 {
        CODE
    } else {
        finished.code
    };
    let mut code = finished.code;
    for missing in recorded.missing() {
        output::say(format_args!("left out: {missing:#}"));
    }
    let mut unsaved = !recorded.unreadable.is_empty();
    let (files, mut profile) = recorded.into_profile();
    let ranks = finished.records.ranks();
    let mut records = Some(finished.records);
    let mut saved = None;
    if !files.is_empty() {
        profile.run = finished.facts.into_run();
        ranks::tell(&profile, &ranks);
        let mut processes = profile.processes.iter();
        if finished.native && processes.all(|process| process.native.is_none()) {
            let why = missing_stacks(&profile);
            output::say(format_args!("no native stacks: {why}"));
        }
        // Before the report, which may wait for its reader until somebody ends that: then nothing is to be recovered.
        if let Some(fit) = finished.fit {
            fit.keep(&finished.program, &profile);
        }
        let placed = store::save(&profile, &finished.program, finished.destination);
        unsaved |= placed.is_err();
        saved = Some(placed);
        records = records.filter(|_| unsaved || !survivors.is_empty());
        if !finished.reports.write(&profile, finished.table) {
            code = failed;
        }
        if say_limits(&profile) && code == 0 && finished.tests {
            code = BROKEN_LIMIT;
        }
    }
    match saved {
        Some(Ok(placed)) => say_saved(&placed),
        Some(Err(error)) => {
            output::error(&error.context("the profile could not be saved"));
        }
        None => {}
    }
    if unsaved {
        code = failed;
    }
    if let Some(records) = records.filter(|_| unsaved || !survivors.is_empty()) {
        let folders = records.keep();
        if unsaved {
            output::say(format_args!(
                "hint: what was recorded is still there: hprof show {}",
                all_quoted(&folders)
            ));
        }
        say_going_on(survivors, &folders);
    }
    code
}

/// Says what came of the limits of allocations; returns whether one is broken.
fn say_limits(profile: &Profile) -> bool {
    let limits = AllocVerdict::of(profile);
    for message in limits.iter().flat_map(|limits| &limits.messages) {
        output::say(message);
    }
    limits.is_some_and(|limits| limits.is_broken)
}

fn say_saved(placed: &Placed) {
    if !placed.is_file {
        output::say(format_args!("saved into {}", placed.path.display()));
        return;
    }
    let path = short(&placed.path);
    output::say(format_args!(
        "saved to {}; show it again with: hprof show {}",
        path.display(),
        quoted(&path)
    ));
}

/// Says which processes went on after the program had ended, where they record, and how that is read.
fn say_going_on(survivors: &Survivors, folders: &[PathBuf]) {
    if survivors.is_empty() {
        return;
    }
    let (goes, it) = if survivors.is_one() {
        ("goes on and records", "it has")
    } else {
        ("go on and record", "they have")
    };
    output::say(format_args!(
        "the program has left {survivors}, which {goes} into {}",
        folders
            .first()
            .map_or(Path::new(""), PathBuf::as_path)
            .display()
    ));
    output::say(format_args!(
        "hint: once {it} ended, save all of it with: hprof recover; until then look at it with: hprof show {}",
        all_quoted(folders)
    ));
}

/// Says why, and keeps the folder of those who may record yet. The exit code stays the program's.
fn nothing_recorded(finished: FinishedRun<'_>, recorded: &Recorded, survivors: &Survivors) -> u8 {
    for missing in recorded.missing() {
        output::say(format_args!("nothing was recorded: {missing:#}"));
    }
    let is_explained = recorded.missing().next().is_some();
    if !survivors.is_empty() {
        if !is_explained {
            output::say("nothing was recorded so far");
        }
        say_going_on(survivors, &finished.records.keep());
    } else if let Some(user) = finished.facts.other_user.filter(|_| !is_explained) {
        output::say(format_args!(
            "nothing was recorded: the program went on as user {user}, who has no right to write to {}, a folder of user {}",
            finished.records.folder().display(),
            system::user_id()
        ));
        output::say(
            "hint: start hprof as that user, or enter a function with #[profile], such as main, before the rights are given up",
        );
    } else if !is_explained {
        say_nothing((finished.reason)(&finished.records.ranks()));
    }
    finished.code
}

/// Why no process left native stacks.
fn missing_stacks(profile: &Profile) -> &'static str {
    if profile.processes.iter().all(|process| !process.finished) {
        "they are written when a process ends in order, and this one did not"
    } else {
        "the program was built without them, which takes: HPROF=lines cargo build --release --features hprof-core/native"
    }
}

fn say_nothing(reason: NothingRecorded) {
    match reason {
        NothingRecorded::Optional(optional) => {
            let of = match &optional.package {
                Some(package) => format!(" of {package}"),
                None => String::new(),
            };
            output::say(format_args!(
                "nothing was recorded: hprof-core is an optional dependency{of}, and this build leaves it out"
            ));
            output::say(format_args!("hint: try -F {}", optional.feature));
        }
        NothingRecorded::Chosen => {
            output::say(
                "nothing was recorded: the program entered none of the functions that were instrumented",
            );
        }
        NothingRecorded::Annotated(subcommand) => {
            output::say("nothing was recorded: the package does not use hprof");
            output::say(format_args!(
                "hint: try hprof {subcommand} --all, which needs no edit; or add three lines:\n{}",
                three_lines()
            ));
        }
        NothingRecorded::Entered => {
            output::say("nothing was recorded: the program entered no function with #[profile]");
            output::say(
                "hint: write #[profile] (use hprof::profile;) above a function that this run calls",
            );
        }
        NothingRecorded::Ranks(launcher) => launcher.say(),
        NothingRecorded::Instrumented => {
            output::say(
                "nothing was recorded: no program that was built for it entered a function with #[profile]",
            );
            output::say(
                "hint: build the programs with the switch on, as in: HPROF=lines cargo build --release",
            );
        }
    }
}

/// What a package needs to be profiled.
fn three_lines() -> String {
    format!(
        "    {}\n    use hprof::profile;   at the top of the source file\n    \
         #[profile]   above the function",
        add_library()
    )
}

/// The line that makes hprof's library a dependency.
pub(super) fn add_library() -> String {
    // Where hprof itself was built from is the one place that is known to have the library.
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(|root| root.join("profiler-core"));
    let library = source
        .filter(|path| path.is_dir())
        .unwrap_or_else(|| PathBuf::from("path of profiler-core"));
    format!(
        "hprof-core = {{ path = {:?} }}   in Cargo.toml, below [dependencies]",
        library
    )
}

/// A path from the current folder on, if it is below.
fn short(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok())
        .unwrap_or(path)
        .to_owned()
}

/// Paths as words for a shell.
fn all_quoted(paths: &[PathBuf]) -> String {
    let words: Vec<_> = paths.iter().map(|path| quoted(path)).collect();
    words.join(" ")
}

/// A path as a word for a shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=@%:,".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quoted(Path::new("/a/b-1.x")), "/a/b-1.x");
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
        let below = std::env::current_dir().unwrap().join("x");
        assert_eq!(short(&below), Path::new("x"));
    }
}
