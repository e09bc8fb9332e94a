//! Runs a program of [`programs`](super::programs) in a process of its own and compares what was recorded with what is known.

use std::hint::black_box;
use std::ops::AddAssign;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use hprof::model::{FunctionCost, Profile, Scope, function_costs, merge};
use hprof::profile;

/// Says which program a child process runs, and for how many microseconds.
const PROGRAM: &str = "HPROF_ACCURACY_PROGRAM";

/// Runs that [`record_alone`] tries.
const TRIES: usize = 10;

/// What a program measured itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    pub(crate) elapsed: Duration,
    /// Time without a core.
    pub(crate) waited: Duration,
}

impl AddAssign for Times {
    fn add_assign(&mut self, other: Self) {
        self.elapsed += other.elapsed;
        self.waited += other.waited;
    }
}

/// What a run left.
pub(crate) struct Recorded {
    pub(crate) profile: Profile,
    pub(crate) times: Times,
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
pub(crate) fn child(run: impl FnOnce(&str, Duration) -> Times) -> bool {
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
fn report(times: Times) {
    println!(
        "\nelapsed {} {}",
        times.elapsed.as_nanos(),
        times.waited.as_nanos()
    );
}

/// Times `body`, after `warm_up` has made the sites and nodes known.
pub(crate) fn timed<T>(warm_up: impl FnOnce() -> T, body: impl FnOnce() -> T) -> Times {
    black_box(warm_up());
    let before = waited();
    let began = Instant::now();
    black_box(body());
    let elapsed = began.elapsed();
    Times {
        elapsed,
        waited: waited().saturating_sub(before),
    }
}

/// How long this thread was ready to run but had no core, as Linux tells it; 0 elsewhere.
fn waited() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().nth(1);
    Duration::from_nanos(nanos.and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}

/// As [`record`], but again while the program had to share its core: such a pause falls on any line, so shares that are known
/// from counting steps do not hold. After [`TRIES`] runs the one that waited least is taken.
pub(crate) fn record_alone(
    program: &str,
    length: Duration,
    clock: &str,
    arguments: &[&str],
) -> Recorded {
    let mut best: Option<Recorded> = None;
    for _ in 0..TRIES {
        let run = record(program, length, clock, arguments);
        if best
            .as_ref()
            .is_none_or(|best| run.wait_share() < best.wait_share())
        {
            best = Some(run);
        }
        if best.as_ref().is_some_and(|best| best.wait_share() < 0.002) {
            break;
        }
    }
    best.expect("there was a run")
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
        times: parse(&text).expect("the program prints its stop-watch"),
    }
}

fn parse(text: &str) -> Option<Times> {
    let times = text
        .lines()
        .find_map(|line| line.strip_prefix("elapsed "))?;
    let (elapsed, waited) = times.split_once(' ')?;
    Some(Times {
        elapsed: Duration::from_nanos(elapsed.parse().ok()?),
        waited: Duration::from_nanos(waited.parse().ok()?),
    })
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

    /// Part of the elapsed time in which the program had no core.
    fn wait_share(&self) -> f64 {
        self.times.waited.as_secs_f64() / self.times.elapsed.as_secs_f64()
    }

    /// Percent of the stop-watch.
    fn percent(&self, time: hprof::model::Nanos) -> f64 {
        time.as_seconds() / self.times.elapsed.as_secs_f64() * 100.0
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
