//! Runs a program of [`programs`](super::programs) in a process of its own and compares what was recorded with what is known.

use std::env;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hprof::model::{FunctionCost, Profile, Scope, function_costs, merge};
use hprof::profile;

/// Says which program a child process runs, and for how many microseconds.
const PROGRAM: &str = "HPROF_ACCURACY_PROGRAM";

/// What a run left.
pub(crate) struct Recorded {
    pub(crate) profile: Profile,
    /// What the program's own stop-watch showed.
    pub(crate) elapsed: Duration,
}

/// One line of a recorded program.
pub(crate) struct Line {
    /// Percent of the elapsed time, as it should be.
    pub(crate) truth: f64,
    /// As it was recorded.
    pub(crate) seen: f64,
}

/// Starts the recording, so that no stop-watch sees what that takes.
#[profile(always)]
fn begin() {}

/// In a child process: runs the program it was started for and prints the stop-watch. `run` gets the name of the program and its wished
/// length. `false` in any other process.
pub(crate) fn child(run: impl FnOnce(&str, Duration) -> Duration) -> bool {
    let Some((name, micros)) = program() else {
        return false;
    };
    begin();
    report(run(&name, Duration::from_micros(micros)));
    true
}

fn program() -> Option<(String, u64)> {
    let wish = env::var(PROGRAM).ok()?;
    let (name, micros) = wish.split_once(':')?;
    Some((name.to_owned(), micros.parse().ok()?))
}

#[expect(clippy::print_stdout, reason = "the parent process reads it")]
fn report(elapsed: Duration) {
    println!("\nelapsed {}", elapsed.as_nanos());
}

/// Times `body`, after `warm_up` has made the sites and nodes known.
pub(crate) fn timed<T>(warm_up: impl FnOnce() -> T, body: impl FnOnce() -> T) -> Duration {
    black_box(warm_up());
    let began = Instant::now();
    black_box(body());
    began.elapsed()
}

/// Runs `program` for about `length` in a child process with the given clock. `arguments` bring the child to [`child`].
pub(crate) fn record(program: &str, length: Duration, clock: &str, arguments: &[&str]) -> Recorded {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(env::current_exe().expect("the path of this program"))
        .args(arguments)
        .env(PROGRAM, format!("{program}:{}", length.as_micros()))
        .env(hprof::env::DIR, folder.path())
        .env(hprof::env::CLOCK, clock)
        .stderr(Stdio::inherit())
        .output()
        .expect("the program starts");
    assert!(
        output.status.success(),
        "{program} ended with {}",
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    Recorded {
        profile: read(folder.path()),
        elapsed: parse(&text).expect("the program prints its stop-watch"),
    }
}

fn parse(text: &str) -> Option<Duration> {
    let nanos = text
        .lines()
        .find_map(|line| line.strip_prefix("elapsed "))?;
    Some(Duration::from_nanos(nanos.parse().ok()?))
}

fn read(folder: &Path) -> Profile {
    let files = folder.read_dir().expect("the folder is there");
    let profiles = files.map(|file| {
        let path = file.expect("the folder can be listed").path();
        hprof::raw::read(&path).expect("a program leaves a readable file")
    });
    merge(profiles.collect())
}

impl Recorded {
    /// The costs of a function by its name.
    pub(crate) fn function(&self, name: &str) -> FunctionCost {
        let mut costs = function_costs(&self.profile, Scope::All).into_iter();
        let wanted = |cost: &FunctionCost| self.name(cost) == name;
        costs.find(wanted).expect("the function was recorded")
    }

    fn name(&self, cost: &FunctionCost) -> &str {
        &self.profile.functions[cost.function.0 as usize].name
    }

    /// Percent of the stop-watch.
    fn percent(&self, time: hprof::model::Nanos) -> f64 {
        time.as_seconds() / self.elapsed.as_secs_f64() * 100.0
    }

    /// The lines with a known share.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for cost in function_costs(&self.profile, Scope::All) {
            let function = &self.profile.functions[cost.function.0 as usize];
            for total in &cost.lines {
                let text = &function.source[(total.line - function.line) as usize];
                if let Some((_, truth)) = text.split_once("//= ") {
                    lines.push(Line {
                        truth: truth.trim().parse().expect("a number behind `//=`"),
                        seen: self.percent(total.own.time()),
                    });
                }
            }
        }
        lines
    }

    /// Mean error of the lines with a known share, in points.
    pub(crate) fn mean_error(&self) -> f64 {
        let lines = self.lines();
        let sum: f64 = lines
            .iter()
            .map(|line| (line.seen - line.truth).abs())
            .sum();
        sum / lines.len() as f64
    }

    /// How far the total of `function` is from the stop-watch, in percent of it.
    pub(crate) fn total_error(&self, function: &str) -> f64 {
        (self.percent(self.function(function).total) - 100.0).abs()
    }
}
