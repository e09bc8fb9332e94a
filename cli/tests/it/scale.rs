//! Thousands of ranks: profiles made by hand, merged by the real command, and what DuckDB, Spark and Slurm do with hprof. `make scale` runs these
//! and prints what they took.

mod engines;
#[cfg(feature = "parquet")]
mod queries;

use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hprof::model::{Nanos, Profile};
use tempfile::TempDir;

use crate::fixture::hprof;
use crate::hostile::example;

/// Profiles to merge.
#[derive(Clone, Copy)]
struct Job {
    ranks: u32,
    /// Of fifty lines each.
    functions: u32,
    /// Whether times differ by a few percent from rank to rank, as those of a run do. Otherwise all ranks that are not slow are the same.
    uneven: bool,
}

/// Says what was found.
#[expect(clippy::print_stdout, reason = "`make scale` prints what it found")]
fn found(what: fmt::Arguments<'_>) {
    println!("{what}");
}

/// Says what is left out.
fn not_tested(what: &str) {
    found(format_args!("NOT TESTED: {what}"));
}

/// Whether Python has a module; says what is not tested if it has not.
fn has_module(module: &str, tests: &str) -> bool {
    let mut python = Command::new("python3");
    python.args(["-c", &format!("import {module}")]);
    let has = python.stderr(Stdio::null()).status();
    let has = has.is_ok_and(|status| status.success());
    if !has {
        not_tested(&format!("{tests}: no {module} (pip install {module})"));
    }
    has
}

/// A profile of one rank: so many lines in functions of fifty.
fn rank(rank: u32, job: Job) -> Profile {
    let Job {
        ranks, functions, ..
    } = job;
    let mut profile = example::large(functions, 50);
    profile.processes.truncate(1);
    let process = &mut profile.processes[0];
    process.pid = 1000 + rank;
    process.start_unix_ns += u64::from(rank);
    process.host = format!("node{:04}", rank / 64);
    process.rank = Some(rank);
    process.ranks = Some(ranks);
    // One rank of a thousand is slow.
    let slow = if rank % 1000 == 7 { 3 } else { 1 };
    for node in process
        .threads
        .iter_mut()
        .flat_map(|thread| &mut thread.nodes)
    {
        node.lines.change(|line, cost| {
            let odd =
                (u64::from(rank) << 32 | u64::from(*line)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let more = if job.uneven { odd >> 59 } else { 0 };
            cost.exact = Nanos((cost.exact.0 + cost.exact.0 * more / 1000) * slow);
        });
    }
    profile
}

fn save(folder: &Path, job: Job) -> u64 {
    let mut size = 0;
    for number in 0..job.ranks {
        let mut bytes = Vec::new();
        hprof::pprof_file::write(&rank(number, job), &mut bytes).unwrap();
        size += bytes.len() as u64;
        fs::write(folder.join(format!("rank{number:05}.pb.gz")), bytes).unwrap();
    }
    size
}

/// What a command took.
struct Took {
    seconds: f64,
    /// The most memory that it had, in megabytes.
    memory: u64,
}

impl fmt::Display for Took {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.1} s with {} MB", self.seconds, self.memory)
    }
}

/// Runs a command to its end; what it prints goes into a file.
fn run(command: &mut Command, printed: &Path) -> Took {
    let start = Instant::now();
    let out = File::create(printed).unwrap();
    let mut child = command.stdout(out).stderr(Stdio::null()).spawn().unwrap();
    let mut memory = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let peak = status.ok().and_then(|status| {
            let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        });
        memory = memory.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return Took {
                seconds: start.elapsed().as_secs_f64(),
                memory: memory / 1024,
            };
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Merges and shows the profiles of a job, and returns the merged one with its folder. `most` is what merging may take.
fn merge(job: Job, most: &Took) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let size = save(folder.path(), job);
    let out = tempfile::tempdir().unwrap();
    let (all, page) = (out.path().join("all.pb.gz"), out.path().join("shown"));
    let mut command = hprof(["merge", "-o"]);
    let merged = run(command.arg(&all).arg(folder.path()), &page);
    let shown = run(hprof(["show", "--ranks", "--top", "2"]).arg(&all), &page);
    found(format_args!(
        "{} ranks of {} lines{}, {:.1} MB: merged in {merged} into {:.1} MB; show --ranks in {shown}",
        job.ranks,
        job.functions * 50,
        if job.uneven {
            ", all times different"
        } else {
            ""
        },
        size as f64 / 1e6,
        fs::metadata(&all).unwrap().len() as f64 / 1e6,
    ));
    assert!(
        merged.seconds <= most.seconds && merged.memory < most.memory,
        "merging may take {most}"
    );
    let page = fs::read_to_string(page).unwrap();
    let title = page.lines().next().unwrap_or_default().replace(',', "");
    let ranks = format!("{} ranks on ", job.ranks);
    assert!(title.starts_with(&ranks), "{title}");
    // All slow ranks took equally long: the lowest is named.
    assert!(job.uneven || page.contains(" in rank 7, "), "{page}");
    out
}

#[test]
fn forty_ranks_are_merged() {
    merge(
        Job {
            ranks: 40,
            functions: 4,
            uneven: false,
        },
        &Took {
            seconds: 60.0,
            memory: 100,
        },
    );
}

/// The goals: ten seconds and 300 MB.
const GOAL: Took = Took {
    seconds: 10.0,
    memory: 300,
};

const TEN_THOUSAND: Job = Job {
    ranks: 10_000,
    functions: 4,
    uneven: false,
};

#[test]
#[ignore = "make scale: minutes"]
fn ten_thousand_ranks_are_merged_and_asked() {
    let merged = merge(TEN_THOUSAND, &GOAL);
    #[cfg(feature = "parquet")]
    queries::planted_ranks_are_found(merged.path());
    drop(merged);
}

#[test]
#[ignore = "make scale: minutes"]
fn ten_thousand_ranks_that_differ_are_merged() {
    let job = Job {
        uneven: true,
        ..TEN_THOUSAND
    };
    let merged = merge(job, &GOAL);
    #[cfg(feature = "parquet")]
    queries::size(merged.path());
    drop(merged);
}

#[test]
#[ignore = "make scale: minutes"]
fn a_hundred_ranks_of_a_hundred_thousand_lines_are_merged() {
    let job = Job {
        ranks: 100,
        functions: 2000,
        uneven: false,
    };
    let most = Took {
        seconds: 60.0,
        memory: 700,
    };
    merge(job, &most);
}
