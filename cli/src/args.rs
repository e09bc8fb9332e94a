//! What can be typed: the types behind the command line, and its help. What it means together is said in `settings`.

mod build;
mod compare;
mod record;
mod value;
mod view;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use build::{CargoArgs, TargetArgs};
pub(crate) use compare::{BaseArgs, CheckArgs, CheckForm, DiffArgs, DiffForm};
pub(crate) use record::{
    BenchArgs, Clock, ExecArgs, FitArgs, HarnessArgs, RecordArgs, RssSource, RunArgs, SaveArgs,
    TestArgs, UneditedArgs,
};
pub(crate) use value::{Ranks, Top, duration};
pub(crate) use view::{
    AnnotateArgs, CleanArgs, CompletionsArgs, ExportArgs, FlamegraphArgs, FolderArgs, GroupBy,
    HtmlArgs, ManArgs, MergeArgs, PeakArgs, PlotArgs, ProfileArgs, ShowArgs, ShowForm, SortKey,
    SuggestArgs, TableArgs,
};

const EXAMPLES: &str = "\
Examples:
  hprof run                            the program of this package, in release mode
  hprof run --bin server -- --port 80  another program, with arguments of its own
  hprof show                           the newest profile again
  hprof doctor                         what works on this machine, and what does not

Annotate the functions to look at with #[profile] first:
  use hprof::profile;

  #[profile]
  fn busy() { .. }";

/// The line-level CPU and memory profiler for Rust.
#[derive(Debug, Parser)]
#[command(name = "hprof", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which `hprof.toml`.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ConfigArgs {
    /// Read this file in place of the nearest hprof.toml from here upwards
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with = "no_hprof_config"
    )]
    pub(crate) hprof_config: Option<PathBuf>,
    /// Read no hprof.toml
    #[arg(long, global = true)]
    pub(crate) no_hprof_config: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a program of this package, run it, print what each line cost and save the profile
    Run(RunArgs),
    /// The same for `cargo test`
    Test(TestArgs),
    /// The same for `cargo bench`
    Bench(BenchArgs),
    /// Run any command that starts instrumented programs, and merge what they recorded
    Exec(ExecArgs),
    /// Print a saved profile
    Show(ShowArgs),
    /// Draw a flamegraph of a profile
    Flamegraph(FlamegraphArgs),
    /// Write a profile as one HTML page, to look at in a browser and to hand on
    Html(HtmlArgs),
    /// Print what was allocated when the heap was at its peak, by line and by call path
    Peak(PeakArgs),
    /// Draw memory and CPU over time, with the functions that were open
    Plot(PlotArgs),
    /// Name the functions worth an annotation, from the native stacks of a profile
    Suggest(SuggestArgs),
    /// Print a whole source file with what its lines cost
    Annotate(AnnotateArgs),
    /// Write a profile in a format of other programs
    Export(ExportArgs),
    /// Tell what changed between two profiles, function by function and line by line
    Diff(DiffArgs),
    /// Judge a profile: by budgets, and by a profile of before
    Check(CheckArgs),
    /// Make one profile of many, such as those of the ranks of a job
    Merge(MergeArgs),
    /// List the saved profiles
    #[command(
        after_help = "Examples:\n  hprof list\n  hprof list --manifest-path ../other/Cargo.toml"
    )]
    List(FolderArgs),
    /// Delete saved profiles
    Clean(CleanArgs),
    /// Save what was recorded by runs whose hprof was killed, or that left processes behind
    #[command(
        after_help = "Examples:\n  hprof recover && hprof show\n\nRecordings of processes that still run are left alone, and named. Only what was saved is deleted."
    )]
    Recover(FolderArgs),
    /// Tell how to find a slow line and fix it, in one page
    Guide,
    /// Tell what works on this machine, and what does not
    #[command(
        after_help = "Example:\n  hprof doctor\n\nA line that starts with ! tells what will not work, and the line below it why."
    )]
    Doctor,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print a manual page
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::path::Path;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn short_flags_can_be_bundled() {
        let cli = Cli::try_parse_from(["hprof", "show", "-rtmz", "-u", "1e-3", "x"]).unwrap();
        let Command::Show(show) = cli.command else {
            panic!("not show")
        };
        let table = show.table;
        assert!(table.rich && table.sort && table.summarize && table.skip_zero);
        assert_eq!(table.unit, Some(1e-3));
        assert_eq!(show.profile.files, [Path::new("x")]);
    }

    #[test]
    fn flags_after_the_program_are_its_own() {
        let typed = [
            "hprof", "run", "-z", "--bin", "a", "--", "-z", "--clock", "--", "x",
        ];
        let Command::Run(run) = Cli::try_parse_from(typed).unwrap().command else {
            panic!("not run")
        };
        assert_eq!(run.args, ["-z", "--clock", "--", "x"]);
    }
}
