//! Options that are handed on to cargo.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

pub(super) const CARGO: &str = "Cargo options";

/// Options handed on to cargo by all commands that build.
#[derive(Debug, Args)]
#[command(next_help_heading = CARGO)]
pub(crate) struct CargoArgs {
    /// Features to switch on
    #[arg(short = 'F', long, value_name = "FEATURES")]
    pub(crate) features: Vec<OsString>,
    /// Switch on all features
    #[arg(long)]
    pub(crate) all_features: bool,
    /// Leave the default features off
    #[arg(long)]
    pub(crate) no_default_features: bool,
    /// Cargo profile to build with, in a copy with line tables [default: release]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["dev", "release"])]
    pub(crate) profile: Option<String>,
    /// Build without optimisations: short for --profile dev
    #[arg(long, conflicts_with = "release")]
    pub(crate) dev: bool,
    /// Build with optimisations, which is the default
    #[arg(long)]
    pub(crate) release: bool,
    /// Build for this target; host-tuple is this machine
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) target: Vec<String>,
    /// Folder for everything that is built
    #[arg(long, value_name = "DIR")]
    pub(crate) target_dir: Option<PathBuf>,
    /// Path of Cargo.toml
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Number of parallel jobs
    #[arg(short, long, value_name = "N", allow_hyphen_values = true)]
    pub(crate) jobs: Option<OsString>,
    /// Cargo.lock must not change
    #[arg(long)]
    pub(crate) locked: bool,
    /// Do not use the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// Both of these
    #[arg(long)]
    pub(crate) frozen: bool,
    /// Configuration for cargo
    #[arg(long = "config", value_name = "KEY=VALUE|PATH")]
    pub(crate) config: Vec<OsString>,
    /// No messages of cargo
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// More messages of cargo
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Which test or bench programs to build.
#[derive(Debug, Args)]
#[command(next_help_heading = CARGO)]
pub(crate) struct TargetArgs {
    /// Packages to build
    #[arg(short, long, value_name = "SPEC")]
    pub(crate) package: Vec<OsString>,
    /// All packages of the workspace
    #[arg(long)]
    pub(crate) workspace: bool,
    /// Packages to leave out
    #[arg(long, value_name = "SPEC")]
    pub(crate) exclude: Vec<OsString>,
    /// The library
    #[arg(long)]
    pub(crate) lib: bool,
    /// All programs
    #[arg(long)]
    pub(crate) bins: bool,
    /// These programs
    #[arg(long, value_name = "NAME")]
    pub(crate) bin: Vec<OsString>,
    /// All examples
    #[arg(long)]
    pub(crate) examples: bool,
    /// These examples
    #[arg(long, value_name = "NAME")]
    pub(crate) example: Vec<OsString>,
    /// All test targets
    #[arg(long)]
    pub(crate) tests: bool,
    /// These test targets
    #[arg(long, value_name = "NAME")]
    pub(crate) test: Vec<OsString>,
    /// All bench targets
    #[arg(long)]
    pub(crate) benches: bool,
    /// These bench targets
    #[arg(long, value_name = "NAME")]
    pub(crate) bench: Vec<OsString>,
    /// All targets
    #[arg(long)]
    pub(crate) all_targets: bool,
    /// Go on after a program failed
    #[arg(long)]
    pub(crate) no_fail_fast: bool,
}
