//! The course's programs under `hprof exec`: hits as worked out by hand, one profile per process, and what waiting looks like.
//!
//! They are built once, with the switch on, into a target folder that stays from one run of the tests to the next.

mod hits;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use hprof::model::{Nanos, Scope, function_costs};
use tempfile::TempDir;

use crate::fixture::{Printed, hprof, printed};

/// A program that ran, and its profile.
struct Recorded {
    folder: TempDir,
    /// What program and hprof printed.
    run: Printed,
}

/// A row of a profile exported as CSV.
struct Row {
    function: String,
    source: String,
    /// Hits, total time, own time, CPU time.
    figures: [Option<u64>; 4],
}

impl Recorded {
    /// Runs `program arguments` in a folder of its own, with these files in it.
    fn with_files(program: &str, arguments: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut exec = hprof(["exec", "--"]);
        exec.arg(programs().join(program));
        exec.args(arguments.split_whitespace())
            .current_dir(folder.path())
            .env("HPROF_OUT", folder.path().join("profile"));
        let run = printed(&mut exec).code(0);
        Self { folder, run }
    }

    fn new(program: &str, arguments: &str) -> Self {
        Self::with_files(program, arguments, &[])
    }

    /// `hprof ARGUMENTS` on the profile.
    fn view(&self, arguments: &[&str]) -> String {
        let mut view = hprof(arguments);
        view.arg(self.folder.path().join("profile"));
        printed(&mut view).code(0).stdout
    }

    /// The lines of the profile, with their text as it is in the sources.
    fn rows(&self) -> Vec<Row> {
        let csv = self.view(&["export", "--format", "csv"]);
        csv.lines().skip(1).map(row).collect()
    }

    /// The one row of `function` whose text begins so.
    #[track_caller]
    fn row(&self, function: &str, start: &str) -> Row {
        let rows = self.rows().into_iter();
        let mut found = rows.filter(|row| row.is(function, start));
        let row = found.next().unwrap_or_else(|| panic!("no {start:?}"));
        assert!(found.next().is_none(), "several {start:?}");
        row
    }
}

impl Row {
    fn is(&self, function: &str, start: &str) -> bool {
        self.function.ends_with(&format!("::{function}")) && self.source.starts_with(start)
    }
}

/// Reads a row such as `sample-workloads/src/fib.rs,13,sample_workloads::fib::fib,177,...`; no name here needs quotes.
fn row(text: &str) -> Row {
    let fields: Vec<&str> = text.split(',').collect();
    let file = fs::read_to_string(root().join(fields[0])).unwrap();
    let line: usize = fields[1].parse().unwrap();
    let number = |at: usize| fields[at].parse().ok();
    Row {
        function: fields[2].to_owned(),
        source: file.lines().nth(line - 1).unwrap().trim().to_owned(),
        figures: [number(3), number(4), number(5), number(6)],
    }
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Whether programs of MPI can be built and started here.
pub(crate) fn has_mpi() -> bool {
    let works = |program: &str| {
        let found = Command::new(program).arg("--version").output();
        found.is_ok_and(|output| output.status.success())
    };
    works("mpicc") && works("mpirun")
}

/// The folder of the programs, built at the first call.
pub(crate) fn programs() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workloads");
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("CARGO_PKG_") || name.starts_with("HPROF") {
                cargo.env_remove(name);
            }
        }
        cargo
            .args(["build", "--quiet", "-p", "sample-workloads", "--bins"])
            // The service, and the ranks.
            .arg(if has_mpi() {
                "--features=tracing,mpi"
            } else {
                "--features=tracing"
            })
            .current_dir(root())
            .env("CARGO_TARGET_DIR", &target)
            // Nobody debugs them or builds them often.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_INCREMENTAL", "0")
            .env("HPROF", "lines");
        assert!(cargo.status().unwrap().success(), "{cargo:?}");
        target.join("debug")
    })
}

/// The processes that a report says were recorded, and its warnings.
fn recorded(report: &str) -> (&str, Vec<&str>) {
    let line = report.lines().find(|line| line.starts_with("Recorded "));
    let line = line.unwrap_or_else(|| panic!("nothing recorded in\n{report}"));
    let warnings = report.lines().filter(|line| {
        // The programs are built without optimisation here, which is warned of.
        line.starts_with("Warning: ") && !line.contains("debug build")
    });
    (
        line.trim_start_matches("Recorded").trim(),
        warnings.collect(),
    )
}

#[test]
fn forked_and_executed_children_have_profiles_of_their_own() {
    let fork = Recorded::new("fork", "--mode fork --children 3");
    let (processes, warnings) = recorded(&fork.run.stderr);
    assert!(
        processes.starts_with("4 processes, 4 threads"),
        "{processes}"
    );
    assert!(warnings.is_empty(), "{warnings:?}");

    // A child records from the fork on, and again as the program that it becomes: one process.
    let exec = Recorded::new("fork", "--mode exec --children 3");
    let (processes, warnings) = recorded(&exec.run.stderr);
    assert!(
        processes.starts_with("4 processes, 4 threads"),
        "{processes}"
    );
    assert!(
        processes.contains("3 became another program (exec)"),
        "{processes}"
    );
    assert!(warnings.is_empty(), "{warnings:?}");

    let summer = Recorded::new("summer", "--mode processes --runs 3 --stop 1000");
    let (processes, warnings) = recorded(&summer.run.stderr);
    assert!(
        processes.starts_with("4 processes, 4 threads"),
        "{processes}"
    );
    assert!(warnings.is_empty(), "{warnings:?}");
}

/// Of the workers in the table of `show --threads`: the shortest profiled time over the longest, and the same of CPU time.
fn evenness(view: &str) -> (f64, f64) {
    let arguments = format!("--view {view} --workers 4 --tasks 32 --unit 20000");
    let farm = Recorded::new("task_farm", &arguments);
    let table = farm.view(&["show", "--threads", "-u", "ms"]);
    let rows = table
        .lines()
        .take_while(|line| !line.starts_with("Profiled time of a thread: min "));
    // Thread, id, wall, CPU, share of it, profiled. The main thread has a name of its own; it waits.
    let workers: Vec<Vec<&str>> = rows
        .map(|line| line.split_whitespace().collect())
        .filter(|fields: &Vec<&str>| fields.first() == Some(&"task_farm"))
        .collect();
    assert_eq!(workers.len(), 4, "{table}");
    let ratio = |column: usize| {
        let times = workers
            .iter()
            .map(|fields| fields[column].parse::<f64>().unwrap());
        let longest = times.clone().fold(0.0, f64::max);
        times.fold(longest, f64::min) / longest
    };
    (ratio(5), ratio(3))
}

/// In the direct view the workers have 36, 100, 164 and 228 of 528 rounds: so much CPU time they need, however late each of them gets
/// a core. In the balanced one who gets less of the cores takes fewer tasks, and all are busy until the last one is taken.
#[test]
fn imbalance_is_large_in_the_direct_view_and_small_in_the_balanced_one() {
    let (direct, direct_cpu) = evenness("direct");
    assert!(direct_cpu < 0.35, "{direct_cpu} for 36 / 228");
    // A worker that gets no core while the last tasks are taken ends late: on a busy machine that may happen once, but not each time.
    let tries = (0..3).map(|_| evenness("balanced").0);
    let balanced = tries.fold(0.0, f64::max);
    assert!(balanced > 0.6, "{balanced}");
    assert!(direct < balanced, "{direct} {balanced}");
}

#[test]
fn waiting_for_a_lock_takes_wall_time_and_no_cpu_time() {
    // 4 processes that hold the lock for 2 ms 10 times each: the last waits for at least 3 * 2 ms at first.
    let counter = Recorded::new(
        "shared_counter",
        "--mode locked --processes 4 --increments 10 --pause 0 --hold 2000",
    );
    let [hits, total, _, cpu] = counter
        .row("add_locked", "let guard = lock.lock();")
        .figures;
    assert_eq!(hits, Some(40));
    // Of 4 * 40 * 2 ms in all, 40 * 2 ms are spent holding it, the rest waiting: 240 ms if nobody is late.
    let (total, cpu) = (total.unwrap(), cpu.unwrap_or(0));
    assert!(total > 100_000_000, "{total}");
    assert!(cpu * 5 < total, "{cpu} of {total}");
}

/// The handlers are instrumented for tracing and not annotated: `hprof::layer()` makes their rows.
#[test]
fn spans_of_a_service_are_called_once_for_each_request() {
    let service = Recorded::new("echo_service", "--clients 4 --wait 2 25");
    assert_eq!(service.run.stdout, "100 of 100 requests answered\n");
    let profile = hprof::pprof_file::read(&service.folder.path().join("profile")).unwrap();
    let costs = function_costs(&profile, Scope::All);
    // Calls, busy and idle time.
    let figures = |name: &str| {
        let named = |id: usize| profile.functions[id].name == name;
        let cost = costs.iter().find(|cost| named(cost.function.0 as usize));
        let cost = cost.unwrap_or_else(|| panic!("no {name}"));
        let idle: Nanos = cost.lines.iter().map(|line| line.own.awaited).sum();
        (cost.calls, cost.total.0, idle.0)
    };
    assert_eq!(figures("connection").0, 4);
    assert_eq!(figures("handle").0, 100);
    let (calls, busy, idle) = figures("look_up");
    assert_eq!(calls, 100);
    assert!(idle >= 100 * 2_000_000, "{idle} ns idle");
    assert!(busy < idle, "{busy} ns busy, {idle} ns idle");
    let (calls, busy, idle) = figures("render");
    assert_eq!((calls, idle), (100, 0));
    assert!(busy > 0);
    let svg = service.view(&["flamegraph", "-o", "-"]);
    for name in ["connection", "handle", "look_up", "render"] {
        assert!(svg.contains(&format!("::{name} (")), "no {name} in {svg}");
    }
}
