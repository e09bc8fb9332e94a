//! `hprof exec`: run any command, and merge what the programs it started recorded.

use std::collections::BTreeMap;
use std::env;

use super::conclude::{Nothing, Over, conclude};
use crate::args::ExecArgs;
use crate::launch::{self, Order, Records};
use crate::output::Report;
use crate::settings::{Recording, Whereabouts};
use crate::store::{self, Destination, RunFacts, runs_folder};

/// `hprof exec`.
pub(crate) fn exec(args: ExecArgs) -> anyhow::Result<u8> {
    let recording = Recording::prebuilt(&args.record)?.with_memory(args.table.memory);
    // A machine that only runs programs needs no cargo.
    let runs = match runs_folder(&Whereabouts::default()) {
        Ok(folder) => folder,
        Err(_) => env::current_dir()?.join("hprof-runs"),
    };
    store::check_runs_folder(&runs)?;
    let destination = Destination::new(args.save.output.as_deref(), &runs)?;
    let report = Report::open(&args.save.report)?;
    let order = Order {
        variables_before: Vec::new(),
        environment: recording.environment(),
        switch_before: env::var(hprof::env::SWITCH).ok(),
        runners: BTreeMap::new(),
        runs: runs.clone(),
    };
    let records = Records::create(&runs, &order)?;
    let words = args
        .command
        .iter()
        .map(|word| word.to_string_lossy().into_owned());
    let command = words.collect();
    let code = launch::run_program(records.folder(), &order, &[], args.command)?;
    let launches = launch::finished_launches(records.folder())?;
    let facts = RunFacts::new(&launches, command).with_code(code);
    let program = facts.program();
    let reason = &|| Nothing::Instrumented;
    conclude(Over {
        records,
        facts,
        program,
        destination: &destination,
        report,
        table: &args.table,
        code,
        fit: None,
        native: recording.native(),
        reason,
    })
}
