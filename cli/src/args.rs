//! What can be typed: the types behind the command line, and its help. What it means together is said in `settings`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

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
    #[command(subcommand)]
    pub(crate) command: Command,
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
    /// List the saved profiles
    #[command(
        after_help = "Examples:\n  hprof list\n  hprof list --manifest-path ../other/Cargo.toml"
    )]
    List(FolderArgs),
    /// Delete saved profiles
    Clean(CleanArgs),
    /// Save what was recorded by runs whose hprof was killed
    #[command(after_help = "Examples:\n  hprof recover && hprof show")]
    Recover(FolderArgs),
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

const RUN_EXAMPLES: &str = "\
Examples:
  hprof run
  hprof run --bin diffusion -- params.txt      arguments after -- are the program's
  hprof run -p server --features fast -o before.hprof
  hprof run -tmz -u ms                         sorted, with a summary, without unused functions, in ms
  hprof run --dev                              a debug build instead of a release build
  hprof run --clock exact --report table.txt   time every line by itself, and write the table to a file

Exit code: that of the program (128 + n if signal n ended it); cargo's if the build failed; 2 for
errors of hprof.";

/// `hprof run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) record: RecordArgs,
    /// Time each line inside tight loops by itself (slower) instead of the loop as a whole
    #[arg(long, help_heading = RECORDING)]
    pub(crate) split_loops: bool,
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

Exit code: cargo's.";

/// `hprof test`.
#[derive(Debug, Args)]
#[command(after_help = TEST_EXAMPLES)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) common: HarnessArgs,
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
    pub(crate) record: RecordArgs,
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
    pub(crate) save: SaveArgs,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// The command and its arguments
    #[arg(value_name = "CMD", trailing_var_arg = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

const SHOW_EXAMPLES: &str = "\
Examples:
  hprof show                       the newest profile of this package
  hprof show -rtmz                 in colour, sorted, with a summary, without unused functions
  hprof show a.hprof b.hprof       two profiles as one
  hprof show ./raw                 a folder of raw files, also of programs that were killed";

/// `hprof show`.
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct ShowArgs {
    /// Profiles, raw files or folders of them; the newest profile if there is none
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

/// How the program is recorded.
#[derive(Debug, Args)]
#[command(next_help_heading = RECORDING)]
pub(crate) struct RecordArgs {
    /// Which lines read the clock; hits are exact with all of them
    #[arg(long, value_name = "CLOCK")]
    pub(crate) clock: Option<Clock>,
    /// Start no sampler thread in the program: lines too hot to be timed are then not told apart
    #[arg(long)]
    pub(crate) no_sampler: bool,
    /// Space a process may use for what it records, such as 256M
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) space: Option<String>,
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
    /// Save the profile here [default: target/hprof-runs/<time>-<program>; or set HPROF_OUT]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Where to print the tables: stderr, stdout, none or a file
    #[arg(long, value_name = "WHERE", default_value = "stderr")]
    pub(crate) report: PathBuf,
}

/// How tables look.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Tables")]
pub(crate) struct TableArgs {
    /// Colour, also where the output is no terminal
    #[arg(short, long)]
    pub(crate) rich: bool,
    /// Functions by total time, the dearest last
    #[arg(short = 't', long = "sort")]
    pub(crate) sort: bool,
    /// One line for each function at the end
    #[arg(short = 'm', long)]
    pub(crate) summarize: bool,
    /// Leave out functions that were never called
    #[arg(short = 'z', long)]
    pub(crate) skip_zero: bool,
    /// Unit of time: ns, us, ms, s, or seconds such as 1e-3; chosen for each cell otherwise
    #[arg(short, long, value_name = "UNIT", value_parser = unit)]
    pub(crate) unit: Option<f64>,
    /// Only this many functions: those with the longest total time
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,
    /// Leave out lines below this share of their function's time
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) min_percent: Option<f64>,
    /// Columns of allocations
    #[arg(long)]
    pub(crate) alloc: bool,
}

const CARGO: &str = "Cargo options";
const RECORDING: &str = "Recording";

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
    /// Build for this target
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) target: Option<String>,
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

/// Which folder of profiles.
#[derive(Debug, Default, Args)]
pub(crate) struct FolderArgs {
    /// Path of the Cargo.toml whose profiles are meant [default: that of the current folder]
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// The target folder, if runs were given one
    #[arg(long, value_name = "DIR")]
    pub(crate) target_dir: Option<PathBuf>,
}

const CLEAN_EXAMPLES: &str = "\
Examples:
  hprof clean             all profiles of this package
  hprof clean --keep 10   all but the newest ten

Runs that still record are left alone.";

/// `hprof clean`.
#[derive(Debug, Args)]
#[command(after_help = CLEAN_EXAMPLES)]
pub(crate) struct CleanArgs {
    /// How many of the newest profiles to keep
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) keep: usize,
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
}

/// `hprof completions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  hprof completions bash > ~/.local/share/bash-completion/completions/hprof"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// `hprof man`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  hprof man | man -l -\n  hprof man run > hprof-run.1")]
pub(crate) struct ManArgs {
    /// Command to print the page of [default: the overview]
    pub(crate) command: Option<String>,
}

/// Checks a size in bytes with an optional `K`, `M` or `G`, as the recorder takes it.
fn size(text: &str) -> Result<String, String> {
    let digits = text
        .strip_suffix(['K', 'M', 'G', 'k', 'm', 'g'])
        .unwrap_or(text);
    match digits.parse::<u32>() {
        Ok(1..) => Ok(text.to_ascii_uppercase()),
        _ => Err("expected a number of bytes with an optional K, M or G, such as 256M".into()),
    }
}

/// Seconds in a unit of time.
fn unit(text: &str) -> Result<f64, String> {
    match text {
        "ns" => Ok(1e-9),
        "us" | "µs" => Ok(1e-6),
        "ms" => Ok(1e-3),
        "s" => Ok(1.0),
        _ => match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds > 0.0 => Ok(seconds),
            _ => Err("expected ns, us, ms, s or a number of seconds such as 1e-3".into()),
        },
    }
}

/// A share of 0 to 100.
fn percent(text: &str) -> Result<f64, String> {
    match text.strip_suffix('%').unwrap_or(text).parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("expected a number from 0 to 100".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

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
        assert_eq!(show.files, [PathBuf::from("x")]);
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

    #[test]
    fn units_and_sizes_are_checked() {
        assert_eq!(unit("us"), Ok(1e-6));
        assert!(unit("0").is_err() && unit("minutes").is_err() && unit("nan").is_err());
        assert_eq!(size("64m").as_deref(), Ok("64M"));
        assert!(
            size("0").is_err() && size("M").is_err() && size("1T").is_err() && size("-1").is_err()
        );
    }
}
