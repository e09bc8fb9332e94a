//! The commands that compare profiles and judge them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::value::unit;
use super::view::ProfileArgs;

const DIFF_EXAMPLES: &str = "\
Examples:
  hprof diff before.pb.gz after.pb.gz
  hprof diff before/ after/                      folders of profiles, each as one
  hprof diff --format md before.pb.gz after.pb.gz > comment.md

Hits, allocations and bytes are exact, so they are judged: a line that does more than 1 % and 100 more of them does
more, whatever machine it ran on. Time is shown with its error. Functions are matched by module and name, then by
similar text, and lines by the text that was compiled.

Exit code: 0, whatever changed: hprof check is for that; 2 for errors.";

/// `hprof diff`.
#[derive(Debug, Args)]
#[command(after_help = DIFF_EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The older profile, or a folder of profiles
    #[arg(value_name = "A")]
    pub(crate) older: PathBuf,
    /// The newer one
    #[arg(value_name = "B")]
    pub(crate) newer: PathBuf,
    /// The form of the output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: DiffForm,
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
}

const CHECK_EXAMPLES: &str = "\
Examples:
  hprof check                                   the newest profile against the budgets of hprof.toml
  hprof check --baseline main.pb.gz             and against a profile of before: exact figures only
  hprof check --format github run.pb.gz
  hprof check --validate                        only whether hprof.toml is right

In hprof.toml, or below [package.metadata.hprof] or [workspace.metadata.hprof] in Cargo.toml:
  [check]                       # each: judged, listed or off
  hits = \"judged\"
  allocs = \"judged\"
  bytes = \"judged\"
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
    /// The form of the output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: CheckForm,
    /// File to write; - for the standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Read the policy, say what is wrong with it, and judge nothing
    #[arg(long)]
    pub(crate) validate: bool,
    /// Read this file in place of hprof.toml
    #[arg(long, value_name = "FILE", conflicts_with = "no_hprof_config")]
    pub(crate) hprof_config: Option<PathBuf>,
    /// Read no hprof.toml
    #[arg(long)]
    pub(crate) no_hprof_config: bool,
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
