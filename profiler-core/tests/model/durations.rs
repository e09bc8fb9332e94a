//! Histograms of the raw file, records of kinds that nobody knows yet, and the kept file of this layout.

use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};

use hprof::model::{Durations, Nanos, Timed};
use hprof::raw::layout::*;

use crate::raw_file::{Playback, RawFile, address};

/// `f`, with lines 2 and 3, called once; a tick is a nanosecond.
fn called_once() -> RawFile {
    let mut file = RawFile::new();
    file.function(1, "f", 1, &[2, 3]);
    let mut run = Playback::new(&mut file, 0, 0);
    run.site(1, 2);
    run.enter(1);
    run.line(0, 0);
    run.line(10, 1);
    run.leave(5_000);
    run.end(6_000);
    file.finished(6_000);
    file
}

fn histogram(file: &mut RawFile, site: u32, slot: u32, times: &[(u64, u32)]) {
    let at = file.record(KIND_DURATIONS, size_of::<DurationsRecord>());
    file.u32(at + offset_of!(DurationsRecord, site), site);
    file.u32(at + offset_of!(DurationsRecord, slot), slot);
    for &(ticks, count) in times {
        let bucket = at + offset_of!(DurationsRecord, counts) + 4 * duration_bucket(ticks);
        file.u32(bucket, count);
        file.u64(at + offset_of!(DurationsRecord, max), ticks);
    }
}

fn durations(file: &RawFile) -> (Vec<Durations>, u64) {
    let process = file.try_read().unwrap().processes.remove(0);
    (process.durations, process.losses.damaged)
}

#[test]
fn histograms_are_those_of_their_lines_and_functions() {
    let mut file = called_once();
    histogram(&mut file, 1, DURATIONS_OF_CALLS, &[(4_990, 1)]);
    // Two threads may have the same line.
    histogram(&mut file, 1, 1, &[(1_000, 98), (70_000, 1)]);
    histogram(&mut file, 1, 1, &[(1_000, 1)]);
    histogram(&mut file, 0, DURATIONS_LOST, &[(9, 9)]);
    let (durations, damaged) = durations(&file);
    assert_eq!(damaged, 0);
    let timed: Vec<Timed> = durations.iter().map(|of| of.timed).collect();
    assert_eq!(timed, [Timed::Calls, Timed::Line(3)]);
    let line = &durations[1].histogram;
    assert_eq!(line.count(), 100);
    let p99 = line.percentile(990).unwrap().0;
    assert!(p99.abs_diff(1_000) <= 35, "{p99}");
    assert_eq!(line.percentile(1000), Some(Nanos(70_000)));
    assert_eq!(durations[0].histogram.longest().time, Nanos(4_990));
}

#[test]
fn histograms_of_nothing_are_damage() {
    let mut file = called_once();
    histogram(&mut file, 1, 7, &[(1_000, 1)]);
    histogram(&mut file, 9, 0, &[(1_000, 1)]);
    let (durations, damaged) = durations(&file);
    assert_eq!((durations.len(), damaged), (0, 2));
}

#[test]
fn records_of_a_newer_recorder_are_counted_and_no_damage() {
    let mut file = called_once();
    file.record(4_711, 100);
    let process = file.read().processes.remove(0);
    let losses = process.losses;
    assert_eq!((losses.unknown_records, losses.damaged), (1, 0));
}

/// Line 2 of `f` calls, and its process is killed while the frame goes back: the thread stands on the cell that ends the call.
#[test]
fn a_thread_killed_on_its_way_back_was_in_the_calling_line() {
    let mut file = RawFile::new();
    file.function(1, "f", 1, &[2, 3]);
    let mut run = Playback::new(&mut file, 0, 0);
    run.site(1, 2);
    run.enter(1);
    run.line(0, 0);
    let [outside, line, _] = run.cells()[..] else {
        panic!("two lines")
    };
    file.killed(25);
    let call = file.record(KIND_TIMED_CALL, size_of::<TimedCallRecord>());
    file.u64(call + offset_of!(TimedCallRecord, caller), address(line));
    let thread = outside - offset_of!(ThreadRecord, outside);
    let ends = address(call + offset_of!(TimedCallRecord, back));
    file.u64(thread + offset_of!(ThreadRecord, cell), ends);
    let running = file.read().processes[0].threads[0].running.unwrap();
    assert_eq!(running.line, 2);
}

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

/// A new layout has a new file here, and those of older layouts stay: `HPROF_KEEP_TESTDATA=1 cargo test -p hprof-core` writes the one that is missing.
#[test]
#[cfg(target_endian = "little")]
fn kept_files_of_all_layouts_are_read() {
    let newest = kept(&format!("layout-{VERSION}.hpraw"));
    if std::env::var_os("HPROF_KEEP_TESTDATA").is_some() && !newest.exists() {
        std::fs::write(&newest, called_once().bytes).unwrap();
    }
    for layout in 3..=VERSION {
        let profile = hprof::raw::read(&kept(&format!("layout-{layout}.hpraw"))).unwrap();
        let process = &profile.processes[0];
        assert_eq!(process.losses, hprof::model::Losses::default());
        let node = &process.threads[0].nodes[0];
        let lines: Vec<_> = node
            .lines
            .iter()
            .map(|(line, cost)| (line, cost.hits, cost.exact))
            .collect();
        assert_eq!(lines, [(2, 1, Nanos(10)), (3, 1, Nanos(4_990))]);
    }
}
