//! The `hprof` command: turns arguments into a command, and what becomes of it into an exit code.

mod args;
mod changed;
mod commands;
mod config_file;
mod defaults;
mod failure;
mod fit;
mod git;
mod in_turn;
mod launch;
mod log;
mod mpi_library;
mod observe;
mod output;
mod output_file;
mod ranks;
mod raw_header;
mod report;
mod settings;
mod sources;
mod store;
mod system;
mod tables;
mod unedited;

use std::env;
use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::config_file::ConfigFile;
use crate::defaults::Refused;
use crate::unedited::Wrapper;

fn main() -> ExitCode {
    let first = env::args_os().nth(1);
    let is = |argument: &str| first.as_ref().is_some_and(|first| first == argument);
    // Cargo starts this same program in place of the user's: no argument of it may reach the parser.
    if is(launch::LAUNCHER_ARGUMENT) {
        return finish(launch::launcher(env::args_os().skip(2)));
    }
    if is(launch::RANK_ARGUMENT) {
        return finish(launch::rank_launcher(env::args_os().skip(2)));
    }
    if is(launch::BYSTANDER_ARGUMENT) {
        system::stand_by();
    }
    if let Some(kind) = Wrapper::of_this_process() {
        return finish(unedited::wrapper(kind));
    }
    log::start();
    let words: Vec<_> = env::args_os().collect();
    match defaults::parse(&words) {
        Ok((cli, config)) => finish(run(cli, &config)),
        Err(Refused::Config(error)) => finish(Err(error)),
        Err(Refused::Usage(error)) => {
            output::usage(&error);
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::CODE))
        }
    }
}

/// Runs the command; the number is the exit code.
fn run(cli: Cli, config: &ConfigFile) -> anyhow::Result<u8> {
    match cli.command {
        Command::Run(args) => commands::run::run(args, config),
        Command::Test(args) => commands::run::test(args, config),
        Command::Bench(args) => commands::run::bench(args, config),
        Command::Exec(args) => commands::exec::exec(args),
        Command::Show(args) => commands::show::show(&args),
        Command::Flamegraph(args) => commands::flamegraph::flamegraph(&args),
        Command::Html(args) => commands::html::html(&args),
        Command::Peak(args) => commands::peak::peak(&args),
        Command::Plot(args) => commands::plot::plot(&args),
        Command::Suggest(args) => commands::suggest::suggest(&args),
        Command::Annotate(args) => commands::annotate::annotate(&args),
        Command::Export(args) => commands::export::export(&args),
        Command::Diff(args) => commands::diff::diff(&args, config),
        Command::Check(args) => commands::check::check(&args, config),
        Command::Merge(args) => commands::merge::merge(&args),
        Command::List(args) => commands::list::list(&args),
        Command::Clean(args) => commands::clean::clean(&args),
        Command::Recover(args) => commands::recover::recover(&args),
        Command::Guide => commands::guide::guide(),
        Command::Doctor => commands::doctor::doctor(),
        Command::Completions(args) => commands::completions::completions(&args),
        Command::Man(args) => commands::man::man(&args),
    }
}

/// Prints an error and its hint. A reader that went away (`hprof show | head`) is none.
fn finish(result: anyhow::Result<u8>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) if failure::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::from(failure::CODE)
        }
    }
}
