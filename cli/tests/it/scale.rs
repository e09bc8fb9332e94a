//! Thousands of ranks: profiles made by hand, merged by the real command. `make scale` runs these and prints what they took.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hprof::model::{Nanos, Profile};

use crate::fixture::hprof;
use crate::hostile::example;

/// A profile of one rank: so many lines in functions of fifty.
fn rank(rank: u32, ranks: u32, functions: u32) -> Profile {
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
        node.lines
            .change(|_, cost| cost.exact = Nanos(cost.exact.0 * slow));
    }
    profile
}

fn save(folder: &Path, ranks: u32, functions: u32) -> u64 {
    let mut size = 0;
    for number in 0..ranks {
        let mut bytes = Vec::new();
        hprof::pprof_file::write(&rank(number, ranks, functions), &mut bytes).unwrap();
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

/// Merges and shows profiles of so many ranks, with so many functions each. `most` is what merging may take.
#[expect(clippy::print_stdout, reason = "`make scale` prints what it found")]
fn merge(ranks: u32, functions: u32, most: &Took) {
    let folder = tempfile::tempdir().unwrap();
    let size = save(folder.path(), ranks, functions);
    let out = tempfile::tempdir().unwrap();
    let (all, page) = (out.path().join("all.pb.gz"), out.path().join("shown"));
    let mut command = hprof(["merge", "-o"]);
    let merged = run(command.arg(&all).arg(folder.path()), &page);
    let shown = run(hprof(["show", "--ranks", "--top", "2"]).arg(&all), &page);
    println!(
        "{ranks} ranks of {} lines, {:.1} MB: merged in {:.1} s with {} MB into {:.1} MB; show --ranks in {:.1} s with {} MB",
        functions * 50,
        size as f64 / 1e6,
        merged.seconds,
        merged.memory,
        fs::metadata(&all).unwrap().len() as f64 / 1e6,
        shown.seconds,
        shown.memory
    );
    assert!(
        merged.seconds <= most.seconds && merged.memory < most.memory,
        "merging may take {} s and {} MB",
        most.seconds,
        most.memory
    );
    let page = fs::read_to_string(page).unwrap();
    let title = page.lines().next().unwrap_or_default().replace(',', "");
    assert!(title.starts_with(&format!("{ranks} ranks on ")), "{title}");
    // All slow ranks took equally long: the lowest is named.
    assert!(page.contains(" in rank 7, "), "{page}");
}

#[test]
fn forty_ranks_are_merged() {
    merge(
        40,
        4,
        &Took {
            seconds: 60.0,
            memory: 100,
        },
    );
}

#[test]
#[ignore = "make scale: minutes"]
fn ten_thousand_ranks_are_merged() {
    merge(
        10_000,
        4,
        &Took {
            seconds: 10.0,
            memory: 300,
        },
    );
}

#[test]
#[ignore = "make scale: minutes"]
fn a_hundred_ranks_of_a_hundred_thousand_lines_are_merged() {
    merge(
        100,
        2000,
        &Took {
            seconds: 60.0,
            memory: 700,
        },
    );
}
