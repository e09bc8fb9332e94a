//! `hprof run`, `test` and `bench`: build instrumented, run, print the tables, save the profile.

use std::path::Path;

use anyhow::anyhow;
use hprof::model::Instrumentation;

use super::conclude::{FinishedRun, NothingRecorded, Reports, add_library, conclude, destination};
use crate::args::{
    BenchArgs, FitArgs, HarnessArgs, RunArgs, SaveArgs, TableArgs, TestArgs, UneditedArgs,
};
use crate::config_file::ConfigFile;
use crate::failure::{self, CODE};
use crate::fit::Fit;
use crate::launch::{
    self, Cargo, Launch, LaunchSpec, Lookup, OwnAllocator, Package, Records, RefusedLauncher,
    RunFacts,
};
use crate::output;
use crate::settings::{Build, PackageQuery, Recording};
use crate::tables;
use crate::unedited::{self, Chosen, Patterns, Summary, Unedited};

/// `hprof run`.
pub(crate) fn run(args: RunArgs, config: &ConfigFile) -> anyhow::Result<u8> {
    let recording =
        Recording::build(&args.record, args.split_loops)?.with_memory(args.table.memory);
    let build = Build::run(&args);
    profile(
        &build,
        &recording,
        (&args.unedited, &args.fit),
        (&args.save, config),
        &args.table,
    )
}

/// `hprof test`.
pub(crate) fn test(args: TestArgs, config: &ConfigFile) -> anyhow::Result<u8> {
    harness(&Build::test(&args), &args.common, config)
}

/// `hprof bench`.
pub(crate) fn bench(args: BenchArgs, config: &ConfigFile) -> anyhow::Result<u8> {
    harness(&Build::bench(&args), &args.common, config)
}

fn harness(build: &Build, args: &HarnessArgs, config: &ConfigFile) -> anyhow::Result<u8> {
    let recording =
        Recording::build(&args.record, args.split_loops)?.with_memory(args.table.memory);
    profile(
        build,
        &recording,
        (&args.unedited, &args.fit),
        (&args.save, config),
        &args.table,
    )
}

fn profile(
    build: &Build,
    recording: &Recording,
    (unedited, fit_args): (&UneditedArgs, &FitArgs),
    (save, config): (&SaveArgs, &ConfigFile),
    table: &TableArgs,
) -> anyhow::Result<u8> {
    tables::check(table)?;
    let package = match launch::find_package(&PackageQuery::from(build))? {
        Lookup::Found(package) => package,
        Lookup::Refused { message, code } => {
            output::pass_on(&message);
            output::say("cargo found no package to build, so nothing was run");
            return Ok(code);
        }
    };
    let runs = package.runs_folder();
    let destination = destination(save, &runs)?;
    let reports = Reports::open(save)?;
    let mut cargo = launch::cargo(build, &package)?;
    let how = (build, recording);
    let unedited = unedited_program((unedited, config), how, &package, &mut cargo)?;
    let fit = Fit::open(
        &package.target_folder,
        &build.profile.name,
        fit_args,
        unedited.is_some(),
    )?;
    set_variables(&mut cargo, &fit, fit_args)?;
    let spec = launch_spec(recording, &cargo, unedited.as_ref(), &build.ranks_by, &runs);
    let records = Records::create(&runs, &spec)?;
    let own = OwnAllocator::of(build, &runs);
    let (code, launches) = start(
        &mut cargo,
        recording,
        unedited.as_ref(),
        &records,
        &own,
        &package,
    )?;
    if !records.has_started() {
        return Ok(not_started(build, code));
    }
    if unedited.is_some() {
        let programs = launches.iter().filter_map(|launch| launch.command.first());
        Summary::of(programs.map(Path::new)).say();
    }
    let instrumentation = fit.instrumentation(recording.switch(false));
    conclude(FinishedRun {
        records,
        facts: facts(build, &package, &launches, instrumentation).with_code(code),
        program: program_name(build, &launches),
        destination: &destination,
        reports,
        table,
        code,
        native: recording.native(),
        tests: build.subcommand == "test",
        fit: Some(&fit).filter(|_| !fit_args.in_turn),
        reason: &|ranks| match (RefusedLauncher::of(&spec.ranks_by, ranks, code), &unedited) {
            (Some(launcher), _) => NothingRecorded::Ranks(launcher),
            (None, Some(_)) => NothingRecorded::Chosen,
            (None, None) => reason(build, &package),
        },
    })
}

/// What the build is told by variables.
fn set_variables(cargo: &mut Cargo<'_>, fit: &Fit, args: &FitArgs) -> anyhow::Result<()> {
    cargo.variables = fit.variables().to_vec();
    if args.in_turn {
        cargo.align_code()?;
    }
    Ok(())
}

/// What the launcher is told.
fn launch_spec(
    recording: &Recording,
    cargo: &Cargo<'_>,
    unedited: Option<&Unedited>,
    ranks_by: &[String],
    runs: &Path,
) -> LaunchSpec {
    let mut variables_before = unedited.map(Unedited::variables_before).unwrap_or_default();
    let variables = cargo.variables.iter();
    variables_before.extend(variables.map(|(name, _)| (name.clone(), std::env::var_os(name))));
    LaunchSpec {
        variables_before,
        environment: recording.environment(),
        switch_before: std::env::var(hprof::env::SWITCH).ok(),
        runners: cargo.runners.clone(),
        runs: runs.to_owned(),
        ranks_by: ranks_by.to_vec(),
        ..LaunchSpec::default()
    }
}

/// The program without edits, if that is wanted.
fn unedited_program(
    (args, config): (&UneditedArgs, &ConfigFile),
    (build, recording): (&Build, &Recording),
    package: &Package,
    cargo: &mut Cargo<'_>,
) -> anyhow::Result<Option<Unedited>> {
    let native = recording.native();
    if !args.is_wanted() {
        if native {
            cargo.feature = Some(native_feature(package)?);
        }
        return Ok(None);
    }
    let mut patterns = Patterns::new(args.functions.iter().map(String::as_str));
    if patterns.is_empty() {
        patterns = Patterns::new(config.functions.iter().map(String::as_str));
    }
    let wrappers = std::mem::take(&mut cargo.wrappers);
    let lookup = [build.lookup.as_slice(), &build.features].concat();
    let graph = launch::graph(&lookup, &cargo.default_targets())?;
    if native && graph.uses_hprof && !graph.has_native {
        let error = anyhow!(
            "the program depends on hprof-core, whose feature `native` is off: --native cannot be used with --all"
        );
        return Err(failure::with_hint(
            error,
            "add features = [\"native\"] to that dependency",
        ));
    }
    let chosen = Chosen::new(package, graph, patterns, args.dependencies.as_deref())?;
    unedited::prepare(package, &chosen, wrappers, native).map(Some)
}

/// The feature of hprof's library that samples stacks. The manifest that depends on the library does not have to name it.
fn native_feature(package: &Package) -> anyhow::Result<String> {
    let Some(library) = &package.library else {
        let error =
            anyhow!("--native needs hprof-core among the dependencies of the package itself");
        return Err(failure::with_hint(error, add_library()));
    };
    Ok(format!("{library}/native"))
}

/// Builds and starts the program, without our allocator if it has one of its own.
fn start(
    cargo: &mut Cargo<'_>,
    recording: &Recording,
    unedited: Option<&Unedited>,
    records: &Records,
    own: &OwnAllocator,
    package: &Package,
) -> anyhow::Result<(u8, Vec<Launch>)> {
    let start = |cargo: &mut Cargo<'_>, own_allocator| -> anyhow::Result<(u8, Vec<Launch>)> {
        let switch = recording.switch(own_allocator);
        if let Some(unedited) = unedited
            && let Err(code) = unedited.begin(cargo, &switch, records.folder())?
        {
            return Ok((code, Vec::new()));
        }
        let code = cargo.run(&switch, records)?;
        Ok((code, launch::finished_launches(records.folder())?))
    };
    if own.is_remembered() {
        say_left_out();
        return start(cargo, true);
    }
    let (code, launches) = start(cargo, false)?;
    if !records.has_started()
        && OwnAllocator::is_the_cause(cargo, package, &recording.switch(false), code)?
    {
        say_left_out();
        let ended = start(cargo, true)?;
        own.remember(cargo, package);
        return Ok(ended);
    }
    Ok((code, launches))
}

fn say_left_out() {
    output::say("the program has a #[global_allocator] of its own: building without hprof's");
    output::say("hint: allocations are counted if yours is hprof::Alloc::new(Mine)");
}

/// Why nothing was recorded.
fn reason(build: &Build, package: &Package) -> NothingRecorded {
    match launch::uses_hprof(&[build.lookup.as_slice(), &build.features].concat()) {
        Ok(false) => match &package.optional {
            Some(optional) => NothingRecorded::Optional(optional.clone()),
            None => NothingRecorded::Annotated(build.subcommand),
        },
        // Cargo has just built it, so it is not likely to refuse; and if it does, this is the more general reason.
        Ok(true) | Err(_) => NothingRecorded::Entered,
    }
}

/// Cargo started no program: it has said why, if there is a reason.
fn not_started(build: &Build, code: u8) -> u8 {
    match (code, build.subcommand) {
        (CODE, _) => {}
        (0, subcommand) => output::say(format_args!(
            "cargo {subcommand} started no program, so there is nothing to show"
        )),
        (128.., _) => output::say("stopped before the program was started"),
        _ => output::say("the build failed, so nothing was run"),
    }
    code
}

fn facts(
    build: &Build,
    package: &Package,
    launches: &[Launch],
    instrumentation: Instrumentation,
) -> RunFacts {
    let mut command = vec!["cargo".to_owned(), build.subcommand.to_owned()];
    command.extend(
        build
            .filter
            .iter()
            .map(|filter| filter.to_string_lossy().into_owned()),
    );
    let mut facts = RunFacts::new(launches, command);
    facts.cargo_profile = Some(build.profile.base.clone());
    facts.instrumentation = Some(instrumentation);
    facts.source_root = Some(package.root.to_string_lossy().into_owned());
    facts
}

/// What the saved profile is named after.
fn program_name(build: &Build, launches: &[Launch]) -> String {
    match launches {
        [launch] => {
            let program = launch
                .command
                .first()
                .map(String::as_str)
                .unwrap_or_default();
            let name = program.rsplit('/').next().unwrap_or_default();
            without_hash(name).to_owned()
        }
        _ => build.subcommand.to_owned(),
    }
}

/// Cargo adds a hash of 16 digits to the names of test programs.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((base, hash))
            if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            base
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hash_is_cut_off() {
        assert_eq!(without_hash("cli-0123456789abcdef"), "cli");
        assert_eq!(without_hash("my-program"), "my-program");
        assert_eq!(without_hash("plain"), "plain");
    }
}
