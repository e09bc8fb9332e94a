//! What the launcher sees from outside: planted waits by cause, memory that grows in steps, and the plot.

use std::fs;
use std::path::Path;

use hprof::model::{Observed, Profile};

use crate::fixture::{Fixture, printed};

fn profile(path: &Path) -> Profile {
    hprof::pprof_file::read(path).unwrap()
}

fn observed(path: &Path) -> Observed {
    let mut processes = profile(path).processes.into_iter();
    processes.find_map(|process| process.observed).unwrap()
}

/// The row of `hprof show --waits` for a line.
fn row<'a>(table: &'a str, line: &str) -> &'a str {
    let row = table.lines().find(|row| row.ends_with(line));
    row.unwrap_or_else(|| panic!("no row for {line} in\n{table}"))
}

#[cfg(target_os = "linux")]
#[test]
fn planted_waits_stand_on_their_lines_with_their_causes() {
    let waiting = Fixture::shared("waiting");
    printed(&mut waiting.hprof(["run"]))
        .code(0)
        .says("outside of it in");
    let path = waiting.profile();
    let table = printed(waiting.hprof(["show", "--waits"]).arg(&path))
        .code(0)
        .stdout;
    for (line, cause) in [
        ("std::thread::sleep(LONG);", "sleep 100 %"),
        ("receiver.recv().unwrap()", "lock 100 %"),
        (
            "child.stdout.take().unwrap().read_to_string(&mut text).unwrap();",
            "pipe 100 %",
        ),
        ("child.wait().unwrap();", "child 100 %"),
    ] {
        let row = row(&table, line);
        assert!(
            row.contains(cause) || row.contains(&cause.replace("100", "99")),
            "{cause}: {table}"
        );
        assert!(row.trim_start().starts_with("7.0"), "{row}");
    }
    let csv = printed(waiting.hprof(["export", "--format", "csv"]).arg(&path))
        .code(0)
        .stdout;
    assert!(csv.contains(",lock,") && csv.contains(",pipe,"), "{csv}");
}

/// A process of one thread, without a sampler.
#[cfg(target_os = "linux")]
#[test]
fn a_process_of_one_thread_is_looked_at_too() {
    let waiting = Fixture::shared("waiting");
    printed(&mut waiting.hprof(["run", "--", "alone"]))
        .code(0)
        .says("sleep 100 %");
}

/// ```text
/// MiB   100            ┌──┐
///        40         ...   └──┐     150 ms each
///        20 ┌──┘
/// ```
#[cfg(target_os = "linux")]
#[test]
fn memory_over_time_has_each_step_and_the_peak_its_line() {
    let waiting = Fixture::shared("waiting");
    let run = printed(&mut waiting.hprof(["run", "--alloc", "--", "steps"])).code(0);
    let mut foot = run.stderr.lines();
    let peak = foot.find(|line| line.starts_with("Peak")).unwrap();
    assert!(
        peak.contains("MiB resident after") && peak.contains("when threads were at src/main.rs:"),
        "{peak}"
    );
    let path = waiting.profile();
    let observed = observed(&path);
    let live: Vec<u64> = observed
        .readings
        .iter()
        .filter_map(|reading| Some(reading.live_bytes? >> 20))
        .collect();
    for mib in [20, 40, 60, 80, 100] {
        assert!(
            live.iter()
                .filter(|live| (mib..mib + 2).contains(*live))
                .count()
                > 2,
            "{mib}: {live:?}"
        );
    }
    let top = live.iter().rposition(|live| *live >= 100).unwrap();
    assert!(
        live[top..].iter().any(|live| (40..42).contains(live)),
        "{live:?}"
    );
    let peak = observed.peak().unwrap();
    assert!(peak.rss_bytes >= 100 << 20);
    let sleeping = 1 + fs::read_to_string(waiting.project().join("src/main.rs"))
        .unwrap()
        .lines()
        .position(|line| line.contains("from_millis(150)"))
        .unwrap();
    let svg = waiting.path("steps.svg");
    printed(waiting.hprof(["plot", "-o"]).arg(&svg).arg(&path))
        .code(0)
        .says("written to");
    let svg = fs::read_to_string(svg).unwrap();
    for part in [
        format!("on src/main.rs:{sleeping}"),
        "steps ".into(),
        "MiB".into(),
    ] {
        assert!(svg.contains(&part), "{part} in {svg}");
    }
    assert!(observed.readings.is_sorted_by_key(|reading| reading.at));
}

#[test]
fn a_profile_without_readings_has_no_plot_and_says_why() {
    let waiting = Fixture::shared("waiting");
    let empty = waiting.path("empty.pb.gz");
    let mut file = fs::File::create(&empty).unwrap();
    hprof::pprof_file::write(&Profile::default(), &mut file).unwrap();
    printed(waiting.hprof(["plot"]).arg(&empty))
        .code(2)
        .says("no readings of memory and CPU over time")
        .says("hint");
}
