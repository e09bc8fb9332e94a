//! `hprof exec`: run any command, and merge what the programs it started recorded.

use std::env;
use std::ffi::OsStr;

use super::conclude::{FinishedRun, NothingRecorded, Reports, conclude, destination};
use crate::args::ExecArgs;
use crate::launch::{self, LaunchSpec, RankNote, Records, RefusedLauncher, RunFacts, runs_folder};
use crate::settings::{PackageQuery, Recording};
use crate::store;
use crate::tables;

/// `hprof exec`.
pub(crate) fn exec(args: ExecArgs) -> anyhow::Result<u8> {
    tables::check(&args.table)?;
    let recording = Recording::prebuilt(&args.record)?.with_memory(args.table.memory);
    // A machine that only runs programs needs no cargo.
    let runs = match runs_folder(&PackageQuery::default()) {
        Ok(folder) => folder,
        Err(_) => env::current_dir()?.join("hprof-runs"),
    };
    store::check_runs_folder(&runs)?;
    let destination = destination(&args.save, &runs)?;
    let reports = Reports::open(&args.save)?;
    let spec = LaunchSpec {
        environment: recording.environment(),
        switch_before: env::var(hprof::env::SWITCH).ok(),
        runs: runs.clone(),
        ranks_by: args.ranks.words(),
        ..LaunchSpec::default()
    };
    // The command may be what starts a program on other machines.
    let records = Records::create_shared(&runs, &spec)?;
    let words = args
        .command
        .iter()
        .map(|word| word.to_string_lossy().into_owned());
    let command = words.collect();
    let code = launch::run_program(&records.spec(), OsStr::new(""), args.command)?;
    let launches = launch::finished_launches(records.folder())?;
    let facts = RunFacts::new(&launches, command).with_code(code);
    let program = facts.program();
    let starts_ranks = if spec.ranks_by.is_empty() {
        &facts.command
    } else {
        &spec.ranks_by
    };
    let launcher = starts_ranks.clone();
    let reason = &|ranks: &[RankNote]| match RefusedLauncher::of(&launcher, ranks, code) {
        Some(launcher) => NothingRecorded::Ranks(launcher),
        None => NothingRecorded::Instrumented,
    };
    conclude(FinishedRun {
        records,
        facts,
        program,
        destination: &destination,
        reports,
        table: &args.table,
        code,
        tests: false,
        fit: None,
        native: recording.native(),
        reason,
    })
}
