//! The commands that compare profiles and judge them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::build::CARGO;
use super::record::{Clock, UneditedArgs};
use super::value::{runs, tokens, unit};
use super::view::{FolderArgs, ProfileArgs};

const DIFF_EXAMPLES: &str = "\
Examples:
  hprof diff before.pb.gz after.pb.gz
  hprof diff before/ after/                      folders of profiles, each as one
  hprof diff --format md before.pb.gz after.pb.gz > comment.md
  hprof diff --format md --budget 2000 before.pb.gz after.pb.gz   for readers with little room
  hprof diff --format html -o diff.html before.pb.gz after.pb.gz
  hprof diff --base main --runs 7 -- input.txt   both programs, built and run in turn: time is judged too
  hprof diff --base HEAD --quick --bin solver    one run of each, exact figures only

Hits, allocations and bytes are exact, so they are judged: a line that does more than 1 % and 100 more of them does
more, whatever machine it ran on. Time is shown with its error, and judged where --base runs both in turn. Functions are matched by module and name, then by
similar text, and lines by the text that was compiled.

Exit code: 0, whatever changed: hprof check is for that; 2 for errors.";

/// `hprof diff`.
#[derive(Debug, Args)]
#[command(after_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The older profile, or a folder of profiles
    #[arg(value_name = "A", required_unless_present = "base")]
    pub(crate) older: Option<PathBuf>,
    /// The newer one
    #[arg(value_name = "B", required_unless_present = "base")]
    pub(crate) newer: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
    /// The form of the output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: DiffForm,
    /// With md: no more than so many tokens, counted as four bytes each; what is left out is named
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) budget: Option<usize>,
    /// File to write; - for the standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Unit of time: ns, us, ms, s, or seconds such as 1e-3; chosen for each cell otherwise
    #[arg(short, long, value_name = "UNIT", value_parser = unit)]
    pub(crate) unit: Option<f64>,
    /// Colour, also where the output is no terminal
    #[arg(short, long)]
    pub(crate) rich: bool,
}

/// Forms of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffForm {
    /// Tables
    Text,
    /// Markdown, such as for a comment on a pull request
    Md,
    /// For programs
    Json,
    /// A page for a browser: that of the newer profile, and what changed
    Html,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  hprof check                                   the newest profile against the budgets of hprof.toml
  hprof check --baseline main.pb.gz             and against a profile of before: exact figures only
  hprof check --base main -- input.txt          and against a revision: both programs are built and run in turn
  hprof check --format github run.pb.gz
  hprof check --validate                        only whether hprof.toml is right

In hprof.toml, or below [package.metadata.hprof] or [workspace.metadata.hprof] in Cargo.toml:
  [check]                       # each: judged, listed or off
  hits = \"judged\"
  allocs = \"judged\"
  bytes = \"judged\"
  time = \"listed\"               # judged only with --base
  min-share = 0.5               # % of all hits, allocations or bytes; lines below it are not looked at
  ignore = [\"*::tests::*\"]
  [[budget]]
  function = \"solver::step\"
  max-allocs-per-call = 0
  [[budget]]
  line = \"src/parse.rs:88\"
  max-hits = \"2 * calls\"

Exit code: 0 if the profile passes, 1 if a budget is broken or a line does more than in the baseline, 2 for errors.";

/// `hprof check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// A profile of before: lines that do more than there fail the check
    #[arg(long, value_name = "PROFILE")]
    pub(crate) baseline: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) base: BaseArgs,
    /// The form of the output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: CheckForm,
    /// With md: no more than so many tokens, counted as four bytes each; what is left out is named
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) budget: Option<usize>,
    /// File to write; - for the standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Read the policy, say what is wrong with it, and judge nothing
    #[arg(long)]
    pub(crate) validate: bool,
}

/// Forms of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckForm {
    /// For a terminal
    Text,
    /// Markdown, such as for a comment on a pull request
    Md,
    /// For programs
    Json,
    /// Annotations of a GitHub workflow
    Github,
}

const BASE: &str = "Base";

/// A revision to compare with, and how both programs are built and run.
#[derive(Debug, Args)]
pub(crate) struct BaseArgs {
    /// Build this revision in a worktree beside the repository, and run it and the working tree in turn
    ///
    /// Both programs run in the current folder, with the same arguments and the same functions measured in full. What they print is not shown. The worktree
    /// goes when hprof ends, Ctrl-C included; what was built for it stays in target/hprof-base, so that the next time is faster.
    #[arg(long, value_name = "REV", help_heading = BASE)]
    pub(crate) base: Option<String>,
    /// Pairs of runs, after one of each that builds it: four at least tell times apart, seven 85 functions or lines
    #[arg(long, value_name = "N", default_value = "7", value_parser = runs, requires = "base", help_heading = BASE)]
    pub(crate) runs: usize,
    /// One run of each: exact figures only
    #[arg(long, requires = "base", conflicts_with = "runs", help_heading = BASE)]
    pub(crate) quick: bool,
    #[command(flatten)]
    pub(crate) unedited: UneditedArgs,
    /// Which lines read the clock
    #[arg(
        long,
        value_name = "CLOCK",
        requires = "base",
        help_heading = "Recording"
    )]
    pub(crate) clock: Option<Clock>,
    /// Program to run
    #[arg(long, value_name = "NAME", requires = "base", help_heading = CARGO)]
    pub(crate) bin: Option<OsString>,
    /// Example to run
    #[arg(long, value_name = "NAME", requires = "base", help_heading = CARGO)]
    pub(crate) example: Option<OsString>,
    /// Package of the program
    #[arg(short, long, value_name = "SPEC", requires = "base", help_heading = CARGO)]
    pub(crate) package: Option<OsString>,
    /// Features to switch on
    #[arg(short = 'F', long, value_name = "FEATURES", requires = "base", help_heading = CARGO)]
    pub(crate) features: Vec<OsString>,
    /// Switch on all features
    #[arg(long, requires = "base", help_heading = CARGO)]
    pub(crate) all_features: bool,
    /// Leave the default features off
    #[arg(long, requires = "base", help_heading = CARGO)]
    pub(crate) no_default_features: bool,
    /// Cargo profile to build with, in a copy with line tables [default: release]
    #[arg(long, value_name = "NAME", requires = "base", help_heading = CARGO)]
    pub(crate) profile: Option<OsString>,
    /// Cargo.lock must not change
    #[arg(long, requires = "base", help_heading = CARGO)]
    pub(crate) locked: bool,
    /// Do not use the network
    #[arg(long, requires = "base", help_heading = CARGO)]
    pub(crate) offline: bool,
    /// Configuration for cargo
    #[arg(long = "config", value_name = "KEY=VALUE|PATH", requires = "base", help_heading = CARGO)]
    pub(crate) config: Vec<OsString>,
    /// Arguments of the program
    #[arg(value_name = "ARGS", last = true, requires = "base")]
    pub(crate) args: Vec<OsString>,
}
