//! The commands that show profiles and look after them.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use clap_complete::Shell;
use hprof::model::Nanos;
use hprof_reports::Metric;

use super::value::{Ranks, Top, duration, percent, tokens, unit};

const SHOW_EXAMPLES: &str = "\
Examples:
  hprof show                       the newest profile of this package
  hprof show -rtmz                 in colour, sorted, with a summary, without unused functions
  hprof show a.hprof b.hprof       two profiles as one
  hprof show --by-function -s tottime
  hprof show --waits               which lines waited, and what for
  hprof show --percentiles         how long single calls and hits took, and the longest
  hprof show --hot 5               the five hottest lines of the whole run
  hprof show --changed main        what the lines carry that changed since a revision
  hprof show --ranks all.pb.gz     how uneven the ranks of a parallel job are
  hprof show --by host all.pb.gz
  hprof show --format md --budget 2000   the hottest lines with the code around them, for readers with little room
  hprof show ./raw                 a folder of raw files, also of programs that were killed";

/// `hprof show`.
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// Only the lines that changed since this revision of git, committed or not: what they carry, the hottest first
    #[arg(long, value_name = "REV", conflicts_with_all = ["by_function", "threads", "ranks", "by"])]
    pub(crate) changed: Option<String>,
    /// Only the lines that waited, and what for
    #[arg(long, conflicts_with_all = ["changed", "leaks", "hot", "by_function", "threads", "ranks", "by"])]
    pub(crate) waits: bool,
    /// Only how long single calls, polls and hits took: percentiles and the longest
    #[arg(long, conflicts_with_all = ["changed", "waits", "leaks", "hot", "by_function", "threads", "ranks", "by"])]
    pub(crate) percentiles: bool,
    /// Only what was allocated and not freed at the end, by line and by call path
    #[arg(long, conflicts_with_all = ["changed", "hot", "by_function", "threads", "ranks", "by"])]
    pub(crate) leaks: bool,
    /// The form of the output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ShowForm,
    /// With md: no more than so many tokens, counted as four bytes each; what is left out is named
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) budget: Option<usize>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
}

/// Forms of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowForm {
    /// Tables
    Text,
    /// Markdown: the hottest lines with the code around them; --hot says how many, --changed which
    Md,
}

const MERGE_EXAMPLES: &str = "\
Examples:
  hprof merge rank-*.pb.gz -o all.pb.gz
  hprof merge ./profiles -o all.pb.gz    all profiles and raw files of a folder

Exit code: 0; 3 if something was left out, which is named; 2 if nothing was written.";

/// `hprof merge`.
#[derive(Debug, Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub(crate) struct MergeArgs {
    /// Profiles, raw files or folders of them
    #[arg(value_name = "PROFILE", required = true)]
    pub(crate) profiles: Vec<PathBuf>,
    /// Save the merged profile here, or in this folder if it ends in /
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: PathBuf,
    /// Merge profiles of several programs, or of several builds of one
    #[arg(long)]
    pub(crate) mixed: bool,
}

/// Which profile.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProfileArgs {
    /// Profiles, raw files or folders of them; the newest profile if there is none
    #[arg(value_name = "PROFILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) folder: FolderArgs,
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
    /// Only this many functions: those with the longest total time; or all of them, however many there are
    #[arg(long, value_name = "N|all")]
    pub(crate) top: Option<Top>,
    /// The hottest lines of the whole run, so many, and no other tables
    #[arg(long, value_name = "N", conflicts_with_all = ["by_function", "threads", "ranks", "by"])]
    pub(crate) hot: Option<usize>,
    /// Leave out lines below this share of their function's time
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) min_percent: Option<f64>,
    /// Functions instead of lines: calls, own time and time with everything called
    #[arg(long)]
    pub(crate) by_function: bool,
    /// Order of the functions of --by-function
    #[arg(
        short = 's',
        long = "order",
        value_name = "KEY",
        requires = "by_function"
    )]
    pub(crate) order: Option<SortKey>,
    /// Each thread by itself, after a table of all threads
    #[arg(long, conflicts_with = "by_function")]
    pub(crate) threads: bool,
    /// How uneven the ranks of a parallel job are, line by line, and which is the slowest; with a list only these, such as 0,7,100-120
    #[arg(long, value_name = "LIST", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["by_function", "threads"])]
    pub(crate) ranks: Option<Ranks>,
    /// One row for each rank, machine, process or thread
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["by_function", "threads"])]
    pub(crate) by: Option<GroupBy>,
    /// Columns of allocations, and which lines' blocks were not freed
    #[arg(long)]
    pub(crate) alloc: bool,
    /// Name polls of async functions that took at least so long, for they block the thread of their runtime; 10ms if it is not given
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) long_poll: Option<Nanos>,
    /// Memory by line as well; commands that run a program also read its resident set
    #[arg(long)]
    pub(crate) memory: bool,
}

/// What a row of `--by` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupBy {
    /// A rank of a parallel job
    Rank,
    /// A machine
    Host,
    /// A process
    Process,
    /// A thread
    Thread,
}

/// Orders of functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortKey {
    /// Time with everything called, longest first (the default)
    Cumulative,
    /// Time in the function itself, longest first
    Tottime,
    /// Calls, most first
    Ncalls,
    /// Name
    Name,
}

const FLAMEGRAPH_EXAMPLES: &str = "\
Examples:
  hprof flamegraph                       time of the newest profile, in flamegraph.svg
  hprof flamegraph -o hits.svg --metric hits --lines
  hprof flamegraph --native              all code, as sampled by hprof run --native
  hprof flamegraph -o - before.hprof > before.svg
  hprof flamegraph before.pb.gz --diff after.pb.gz
                                         what changed: as wide as after, red where there is more, blue where there is less";

/// `hprof flamegraph`.
#[derive(Debug, Args)]
#[command(after_help = FLAMEGRAPH_EXAMPLES)]
pub(crate) struct FlamegraphArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// File to write; - for the standard output
    #[arg(short, long, value_name = "FILE", default_value = "flamegraph.svg")]
    pub(crate) output: PathBuf,
    /// The native stacks of all code; annotated functions are green
    #[arg(long, conflicts_with_all = ["metric", "lines"])]
    pub(crate) native: bool,
    /// What the widths mean
    #[arg(long, value_name = "METRIC", value_parser = metrics(), default_value = "time")]
    pub(crate) metric: Metric,
    /// A frame for each line instead of one for each function
    #[arg(long)]
    pub(crate) lines: bool,
    /// A newer profile of the same program: the picture shows it, and what changed since the other one
    #[arg(
        long,
        value_name = "PROFILE",
        requires = "files",
        conflicts_with = "native"
    )]
    pub(crate) diff: Option<PathBuf>,
    /// Heading of the picture
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
}

/// The figures of lines that pictures and lists of stacks can show, each with its meaning.
fn metrics() -> impl TypedValueParser<Value = Metric> {
    let values =
        Metric::all().map(|metric| PossibleValue::new(metric.name()).help(metric.meaning()));
    PossibleValuesParser::new(values).map(|name| Metric::named(&name).unwrap_or_default())
}

const HTML_EXAMPLES: &str = "\
Examples:
  hprof html --open                      the newest profile, in hprof.html
  hprof html -o before.html before.pb.gz
  hprof html --no-source                 to hand on without the text of the program
  hprof html before.pb.gz --diff after.pb.gz

The page is one file, makes no request, and can be read without its script.";

/// `hprof html`.
#[derive(Debug, Args)]
#[command(after_help = HTML_EXAMPLES)]
pub(crate) struct HtmlArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// File to write; - for the standard output
    #[arg(short, long, value_name = "FILE", default_value = "hprof.html")]
    pub(crate) output: PathBuf,
    /// Show it in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Leave the text of the program out: figures and line numbers only
    #[arg(long)]
    pub(crate) no_source: bool,
    /// Title of the page
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// A newer profile of the same program: the page shows it, and what changed since the other one
    #[arg(long, value_name = "PROFILE", requires = "files")]
    pub(crate) diff: Option<PathBuf>,
    /// Unit of time: ns, us, ms, s, or seconds such as 1e-3; chosen for each cell otherwise
    #[arg(short, long, value_name = "UNIT", value_parser = unit)]
    pub(crate) unit: Option<f64>,
}

const PEAK_EXAMPLES: &str = "\
Examples:
  hprof peak                 of the newest profile
  hprof peak --top 30 before.pb.gz
  hprof flamegraph --metric peak-bytes -o peak.svg

hprof show --leaks prints the same of the end of the run.";

/// `hprof peak`.
#[derive(Debug, Args)]
#[command(after_help = PEAK_EXAMPLES)]
pub(crate) struct PeakArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// Only this many call paths [default: 10]
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,
    /// Colour, also where the output is no terminal
    #[arg(short, long)]
    pub(crate) rich: bool,
}

const PLOT_EXAMPLES: &str = "\
Examples:
  hprof plot                              of the newest profile, in plot.svg
  hprof plot -o both.svg before.pb.gz after.pb.gz
                                          two runs in one picture, as if they had begun together";

/// `hprof plot`.
#[derive(Debug, Args)]
#[command(after_help = PLOT_EXAMPLES)]
pub(crate) struct PlotArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// File to write; - for the standard output
    #[arg(short, long, value_name = "FILE", default_value = "plot.svg")]
    pub(crate) output: PathBuf,
    /// Heading of the picture
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
}

const SUGGEST_EXAMPLES: &str = "\
Examples:
  hprof run --native && hprof suggest
  hprof run --all && hprof suggest
  hprof suggest --top 3 before.hprof

Of a profile with native stacks: functions that are not annotated. Of others: the measured functions that
make nearly all of the time. Both end with the pattern of --functions that chooses them.";

/// `hprof suggest`.
#[derive(Debug, Args)]
#[command(after_help = SUGGEST_EXAMPLES)]
pub(crate) struct SuggestArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// Only this many functions
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,
}

const ANNOTATE_EXAMPLES: &str = "\
Examples:
  hprof annotate src/main.rs
  hprof annotate src/main.rs before.hprof

Costs follow the text of their lines if the file has changed since the run: the column Was has the line
as it was compiled, * marks a line that was edited, and a line without a number is gone.";

/// `hprof annotate`.
#[derive(Debug, Args)]
#[command(after_help = ANNOTATE_EXAMPLES)]
pub(crate) struct AnnotateArgs {
    /// Source file
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// Colour, also where the output is no terminal
    #[arg(short, long)]
    pub(crate) rich: bool,
    /// Unit of time: ns, us, ms, s, or seconds such as 1e-3; chosen for each cell otherwise
    #[arg(short, long, value_name = "UNIT", value_parser = unit)]
    pub(crate) unit: Option<f64>,
}

/// The formats, each with what it is.
fn formats() -> Vec<PossibleValue> {
    let formats = hprof_reports::export::FORMATS.iter();
    let formats = formats.map(|format| PossibleValue::new(format.name).help(format.about));
    // Who asks for one that was not built is told so.
    let parquet = hprof_reports::export::PARQUET;
    let missing = hprof_reports::export::by_name(parquet).is_none();
    let missing = missing.then(|| PossibleValue::new(parquet).hide(true));
    formats.chain(missing).collect()
}

const EXPORT_EXAMPLES: &str = "\
Examples:
  hprof export --format csv -o lines.csv
  hprof export --format json before.hprof | jq .
  hprof export --format json --top 3 --min-percent 1
  hprof export --format collapsed --lines --metric hits -o stacks.txt
  hprof export --format callgrind -o callgrind.out && callgrind_annotate callgrind.out
  hprof export --format md --budget 2000       for readers with little room
  hprof export --format parquet -o all.parquet all.pb.gz     if hprof was built with it";

/// `hprof export`.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArgs {
    /// The format
    #[arg(short, long, value_parser = PossibleValuesParser::new(formats()))]
    pub(crate) format: String,
    /// With stacks: what they are weighed by
    #[arg(long, value_name = "METRIC", value_parser = metrics(), default_value = "time")]
    pub(crate) metric: Metric,
    /// With stacks: a frame for each line instead of one for each function
    #[arg(long)]
    pub(crate) lines: bool,
    /// With md: no more than so many tokens, counted as four bytes each
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) budget: Option<usize>,
    /// With json: only this many functions, those with the longest total time
    #[arg(long, value_name = "N")]
    pub(crate) top: Option<usize>,
    /// With json: leave out lines below this share of their function's time
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) min_percent: Option<f64>,
    /// File to write; - for the standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
}

/// Which folder of profiles.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FolderArgs {
    /// Path of the Cargo.toml whose profiles are meant [default: that of the current folder]
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// The target folder, if runs were given one
    #[arg(long, value_name = "DIR")]
    pub(crate) target_dir: Option<PathBuf>,
    /// The folder for profiles that hprof.toml names
    #[arg(long, hide = true)]
    pub(crate) output_folder: Option<PathBuf>,
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
