//! Thousands of ranks: profiles made by hand, merged by the real command. `make scale` runs these and prints what they took.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use hprof::model::{Nanos, Profile};

use crate::fixture::{hprof, printed};
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
        for (_, cost) in &mut node.lines {
            cost.exact = Nanos(cost.exact.0 * slow);
        }
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

/// Waits, and returns the most memory that the process had, in KiB.
fn wait(mut child: Child) -> u64 {
    let mut most = 0;
    loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let peak = status.ok().and_then(|status| {
            let line = status
                .lines()
                .find(|line| line.starts_with("VmHWM:"))?
                .to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        });
        most = most.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return most;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[expect(clippy::print_stdout, reason = "`make scale` prints what it found")]
fn merge(ranks: u32, functions: u32) {
    let folder = tempfile::tempdir().unwrap();
    let size = save(folder.path(), ranks, functions);
    let out = tempfile::tempdir().unwrap();
    let all = out.path().join("all.pb.gz");
    let start = Instant::now();
    let mut command = hprof(["merge", "-o"]);
    command.arg(&all).arg(folder.path()).stderr(Stdio::null());
    let memory = wait(command.spawn().unwrap());
    let merged = start.elapsed();
    let start = Instant::now();
    let shown = printed(hprof(["show", "--ranks", "--top", "2"]).arg(&all)).code(0);
    println!(
        "{ranks} ranks of {} lines, {:.1} MB: merged in {:.1} s with {} MB into {:.1} MB; show --ranks in {:.1} s",
        functions * 50,
        size as f64 / 1e6,
        merged.as_secs_f64(),
        memory / 1024,
        fs::metadata(&all).unwrap().len() as f64 / 1e6,
        start.elapsed().as_secs_f64()
    );
    let title = shown
        .stdout
        .lines()
        .next()
        .unwrap_or_default()
        .replace(',', "");
    assert!(title.starts_with(&format!("{ranks} ranks on ")), "{title}");
    // All slow ranks took equally long: the lowest is named.
    assert!(shown.stdout.contains(" in rank 7, "), "{}", shown.stdout);
}

#[test]
fn forty_ranks_are_merged() {
    merge(40, 4);
}

#[test]
#[ignore = "make scale: minutes"]
fn ten_thousand_ranks_are_merged() {
    merge(10_000, 4);
}

#[test]
#[ignore = "make scale: minutes"]
fn a_hundred_ranks_of_a_hundred_thousand_lines_are_merged() {
    merge(100, 2000);
}
