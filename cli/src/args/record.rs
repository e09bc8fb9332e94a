//! The commands that run programs, and how they are recorded.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::build::{CARGO, CargoArgs, TargetArgs};
use super::value::{Words, percent, size, words};
use super::view::TableArgs;

const RECORDING: &str = "Recording";

const RUN_EXAMPLES: &str = "\
Examples:
  hprof run
  hprof run --bin diffusion -- params.txt      arguments after -- are the program's
  hprof run -p server --features fast -o before.hprof
  hprof run -tmz -u ms                         sorted, with a summary, without unused functions, in ms
  hprof run --dev                              a debug build instead of a release build
  hprof run --all                              without an edit: all functions of the workspace
  hprof run --functions 'parser::*,-*::tests::*'
  hprof run --fit                              a second run, with less of what the first found too dear to measure
  hprof run --launcher 'mpirun -n 4' --bin ring the ranks of a parallel job
  hprof run --native                           also find hot lines outside of annotated functions
  hprof run --clock exact --report table.txt   time every line by itself, and write the table to a file

Exit code: that of the program (128 + n if signal n ended it); cargo's if the build failed; 2 for
errors of hprof.";

/// `hprof run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) unedited: UneditedArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    #[command(flatten)]
    pub(crate) fit: FitArgs,
    /// Time each line inside tight loops by itself (slower) instead of the loop as a whole
    #[arg(long, help_heading = RECORDING)]
    pub(crate) split_loops: bool,
    #[command(flatten)]
    pub(crate) ranks: LauncherArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Program to run
    #[arg(long, value_name = "NAME", help_heading = CARGO)]
    pub(crate) bin: Option<OsString>,
    /// Example to run
    #[arg(long, value_name = "NAME", help_heading = CARGO)]
    pub(crate) example: Option<OsString>,
    /// Package of the program
    #[arg(short, long, value_name = "SPEC", help_heading = CARGO)]
    pub(crate) package: Option<OsString>,
    #[command(flatten)]
    pub(crate) cargo: CargoArgs,
    /// Arguments of the program
    #[arg(value_name = "ARGS", trailing_var_arg = true)]
    pub(crate) args: Vec<OsString>,
}

const TEST_EXAMPLES: &str = "\
Examples:
  hprof test                       all tests of this package
  hprof test parses_empty          the tests whose names contain this
  hprof test --test cli -- --exact one::test --nocapture
  hprof test --lib -p parser
  hprof test --doc                 the examples in the documentation, as cargo 1.89 and newer lets them start

Exit code: cargo's.";

/// `hprof test`.
#[derive(Debug, Args)]
#[command(after_help = TEST_EXAMPLES)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) common: HarnessArgs,
    /// The tests in the documentation of the library, and no others
    #[arg(long, help_heading = CARGO, conflicts_with_all = ["lib", "bins", "bin", "examples", "example", "tests", "test", "benches", "bench", "all_targets"])]
    pub(crate) doc: bool,
    /// Only tests whose names contain this
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<OsString>,
    /// Arguments of the test programs
    #[arg(value_name = "ARGS", last = true)]
    pub(crate) args: Vec<OsString>,
}

const BENCH_EXAMPLES: &str = "\
Examples:
  hprof bench                      all benchmarks of this package
  hprof bench --bench parse        one bench target
  hprof bench fill -- --quick      benchmarks whose names contain `fill`, arguments for the harness

Exit code: cargo's.";

/// `hprof bench`.
#[derive(Debug, Args)]
#[command(after_help = BENCH_EXAMPLES)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) common: HarnessArgs,
    /// Only benchmarks whose names contain this
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<OsString>,
    /// Arguments of the benchmark programs
    #[arg(value_name = "ARGS", last = true)]
    pub(crate) args: Vec<OsString>,
}

/// What `test` and `bench` have in common.
#[derive(Debug, Args)]
pub(crate) struct HarnessArgs {
    #[command(flatten)]
    pub(crate) unedited: UneditedArgs,
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    #[command(flatten)]
    pub(crate) fit: FitArgs,
    /// Time each line inside tight loops by itself (slower) instead of the loop as a whole
    #[arg(long, help_heading = RECORDING)]
    pub(crate) split_loops: bool,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) targets: TargetArgs,
    #[command(flatten)]
    pub(crate) cargo: CargoArgs,
}

const EXEC_EXAMPLES: &str = "\
Examples:
  hprof exec -- ./pipeline.sh input
  hprof exec -o both.hprof -- sh -c './a & ./b & wait'
  hprof exec -- mpirun -n 4 ./ring             ranks on this machine
  hprof exec --launcher 'srun -n 64' -- ./ring ranks on all machines of a job

The programs must have been built with the switch on:
  HPROF=lines cargo build --release

Exit code: that of the command (128 + n if signal n ended it); 2 for errors of hprof.";

/// `hprof exec`.
#[derive(Debug, Args)]
#[command(after_help = EXEC_EXAMPLES)]
pub(crate) struct ExecArgs {
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    #[command(flatten)]
    pub(crate) ranks: LauncherArgs,
    #[command(flatten)]
    pub(crate) save: SaveArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// The command and its arguments
    #[arg(value_name = "CMD", trailing_var_arg = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

/// What starts the ranks of a parallel job.
#[derive(Debug, Args)]
#[command(next_help_heading = RECORDING)]
pub(crate) struct LauncherArgs {
    /// Start the program as the ranks of a parallel job by this command, such as 'mpirun -n 4': hprof stands between it and each rank
    ///
    /// The target folder, and hprof itself, must be on a disk that all machines of the job see.
    #[arg(long, value_name = "COMMAND", value_parser = words)]
    launcher: Option<Words>,
}

impl LauncherArgs {
    /// The words of the command; none if the program is started as it is.
    pub(crate) fn words(&self) -> Vec<String> {
        let words = self.launcher.as_ref();
        words.map(|words| words.0.clone()).unwrap_or_default()
    }
}

/// Which functions are measured beside those with the attribute.
#[derive(Debug, Args)]
#[command(next_help_heading = RECORDING)]
pub(crate) struct UneditedArgs {
    /// Measure all functions of the workspace; no source file is changed
    #[arg(long)]
    pub(crate) all: bool,
    /// Only those that match one of these, such as 'parser::*'; with a minus before it: all others (implies --all)
    #[arg(long, value_name = "PATTERN,..", allow_hyphen_values = true)]
    pub(crate) functions: Vec<String>,
    /// Those of these dependencies too, of all without a value (implies --all)
    #[arg(long, value_name = "CRATE,..", num_args = 0..=1, require_equals = true, default_missing_value = "", value_delimiter = ',')]
    pub(crate) dependencies: Option<Vec<String>>,
}

impl UneditedArgs {
    /// Whether any of this is asked for.
    pub(crate) fn is_wanted(&self) -> bool {
        self.all || self.dependencies.is_some() || !self.functions.is_empty()
    }
}

/// Which functions are measured less.
#[derive(Debug, Args)]
#[command(next_help_heading = RECORDING)]
pub(crate) struct FitArgs {
    /// Measure less of functions whose calls are too short for it, as the run before found, until recording costs PERCENT of the time [10 without a value]
    ///
    /// The dearest of the functions whose calls take less than 20 ns count their calls only: their time stands on the lines that call them. If that is not
    /// enough, those whose counts are the dearest are left out. Functions with #[profile(lines)] stay as they are. The lists lie in target/hprof-fit; a function
    /// whose text has changed since is measured in full.
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, require_equals = true, default_missing_value = "10", value_parser = percent, conflicts_with = "no_fit")]
    pub(crate) fit: Option<f64>,
    /// Forget what --fit would use, and measure all functions in full
    #[arg(long)]
    pub(crate) no_fit: bool,
    /// One of two programs that run in turn: without the lists of --fit, and with code that starts at the same places of cache lines in both
    #[arg(long, hide = true, conflicts_with_all = ["fit", "no_fit"])]
    pub(crate) in_turn: bool,
}

/// How the program is recorded.
#[derive(Debug, Args)]
#[command(next_help_heading = RECORDING)]
pub(crate) struct RecordArgs {
    /// Which lines read the clock; hits are exact with all of them
    #[arg(long, value_name = "CLOCK")]
    pub(crate) clock: Option<Clock>,
    /// For programs that must have one thread (unshare, setns, local time): start no sampler, even if lines get too hot to be timed
    ///
    /// A sampler thread starts with the first line that is too hot for the clock, or when --memory needs one. Without it such lines are not told apart:
    /// their time is exact together, and split by what each took before it got hot. It also makes system calls that a program which forbids
    /// itself most of them (seccomp) may be killed for.
    #[arg(long)]
    pub(crate) no_sampler: bool,
    /// Sample the stacks of all code too, HZ times a second of CPU time [100 without a value]
    #[arg(long, value_name = "HZ", num_args = 0..=1, require_equals = true, default_missing_value = "100", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) native: Option<u32>,
    /// Space a process may use for what it records, such as 256M
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) space: Option<String>,
    /// Count every live block, though allocations get slow: without it blocks are thinned out once that takes 2 % of the run
    #[arg(long)]
    pub(crate) alloc_exact: bool,
    /// With --memory: where readings of the resident set come from
    #[arg(long, value_name = "SOURCE", requires = "memory")]
    pub(crate) rss_source: Option<RssSource>,
    /// With --memory: share of the program's time that readings may take [default: 5]
    #[arg(long, value_name = "PERCENT", requires = "memory", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) memory_budget: Option<u32>,
}

/// Where readings of the resident set come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RssSource {
    /// The fastest that works (the default)
    Auto,
    /// The crate sysinfo: on every system, but 30 times slower, and it does not tell files from other memory
    Sysinfo,
    /// /proc/self/statm of Linux
    Procfs,
}

/// Which lines read the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    /// Coarse lines read it, hot lines are sampled (the default)
    Auto,
    /// All lines
    Exact,
    /// All lines, between fences: true down to a few nanoseconds, but dearer
    Fenced,
    /// None: time is sampled
    Sampled,
    /// None: functions are timed as a whole (chosen when the program is built)
    Calls,
}

/// Where the profile goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct SaveArgs {
    /// Save the profile here, or in this folder if it ends in / [default: target/hprof-runs/<time>-<program>.pb.gz; or set HPROF_OUT]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// The folder for profiles that hprof.toml names
    #[arg(long, hide = true)]
    pub(crate) output_folder: Option<PathBuf>,
    /// Where to print the tables: stderr, stdout, none or a file
    #[arg(long, value_name = "WHERE", default_value = "stderr")]
    pub(crate) report: PathBuf,
    /// Write the profile as an HTML page too
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}
