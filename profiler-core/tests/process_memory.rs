//! Memory by line in real processes: this test binary runs itself as the program.
//!
//! Each scenario is a test of its own that does nothing unless [`SCENARIO`] names it; the tests start it in a child process that
//! reads its resident set, and look at the raw file it leaves.

#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, fs};

use hprof::model::{
    LineTotal, Process, Profile, RssChange, RssSource, Scope, function_costs, rss_account,
};

#[path = "process_memory/scenarios.rs"]
mod scenarios;

const SCENARIO: &str = "HPROF_TEST_SCENARIO";
const MIB: u64 = 1 << 20;
/// By how much an increment may be wrong: pages of the stack, of code, and of the recorder.
const TOLERANCE: u64 = MIB / 10;

/// The program's own allocator, which ours wraps.
struct Mine;

static MINE: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator.
#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
unsafe impl GlobalAlloc for Mine {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MINE.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

#[global_allocator]
static GLOBAL: hprof::Alloc<Mine> = hprof::Alloc::new(Mine);

/// The profiles that a scenario leaves, one for each process, in the order of their starts.
fn profiles(scenario: &str, variables: &[(&str, &str)]) -> Vec<Profile> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("scenarios::{scenario}"))
        .env(SCENARIO, scenario)
        .env("HPROF_DIR", folder.path())
        .env("HPROF_MEMORY", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {text}{errors}");
    let files = fs::read_dir(folder.path()).unwrap();
    let mut profiles: Vec<Profile> = files
        .map(|file| hprof::raw::read(&file.unwrap().path()).unwrap())
        .collect();
    profiles.sort_by_key(|profile| profile.processes[0].start_unix_ns);
    profiles
}

fn profile(scenario: &str) -> Profile {
    let mut profiles = profiles(scenario, &[]);
    assert_eq!(profiles.len(), 1, "{scenario}: one process, one file");
    profiles.remove(0)
}

fn process_of(profile: &Profile) -> &Process {
    &profile.processes[0]
}

/// The line of `function` whose source text contains `text`.
fn line(profile: &Profile, function: &str, text: &str) -> LineTotal {
    let costs = function_costs(profile, Scope::All);
    let of = |cost: &hprof::model::FunctionCost| &profile.functions[cost.function.0 as usize];
    let cost = costs
        .iter()
        .find(|cost| of(cost).name == function)
        .unwrap_or_else(|| panic!("{function} was not recorded"));
    let function = of(cost);
    let at = function.source.iter().position(|line| line.contains(text));
    let number = function.line + u32::try_from(at.unwrap()).unwrap();
    let found = cost.lines.iter().find(|line| line.line == number);
    *found.unwrap_or_else(|| panic!("no marker on: {text}"))
}

fn change(profile: &Profile, function: &str, text: &str) -> RssChange {
    line(profile, function, text).own.rss.unwrap().change
}

#[track_caller]
fn assert_near(bytes: u64, expected: u64) {
    assert!(
        bytes.abs_diff(expected) <= TOLERANCE,
        "{bytes} bytes, expected {expected}"
    );
}

/// All parts add up to end less start, to the last page.
#[track_caller]
fn assert_adds_up(process: &Process) {
    let account = rss_account(process).unwrap();
    assert_eq!(account.sum(), account.difference, "{account:?}");
}

#[test]
fn a_list_comes_on_one_line_and_goes_on_another() {
    for source in ["auto", "procfs", "sysinfo"] {
        let profile = profiles("list", &[("HPROF_RSS_SOURCE", source)]).remove(0);
        let made = line(&profile, "list", "vec![1.0");
        assert_eq!(made.own.alloc_bytes, 33_554_432);
        assert_near(made.own.rss.unwrap().change.grown(), 32 * MIB);
        assert_eq!(made.own.rss.unwrap().change.shrunk(), 0);
        assert!(made.own.rss.unwrap().max_bytes > 32 * MIB);
        let dropped = line(&profile, "list", "drop(x)");
        assert_eq!(dropped.own.free_bytes, 33_554_432);
        assert_near(dropped.own.rss.unwrap().change.shrunk(), 32 * MIB);
        assert_eq!(dropped.own.rss.unwrap().change.grown(), 0);
        let rss = process_of(&profile).rss.unwrap();
        let expected = match source {
            "sysinfo" => RssSource::Sysinfo,
            _ => RssSource::Procfs,
        };
        assert_eq!(rss.source, Some(expected));
        assert!(rss.total_ram.unwrap() > rss.peak_bytes);
        assert_eq!(rss.budget_percent, 5);
        assert_adds_up(process_of(&profile));
    }
}

#[test]
fn what_goes_out_of_scope_goes_on_the_brace() {
    let profile = profile("out_of_scope");
    let costs = function_costs(&profile, Scope::All);
    let brace = costs[0].lines.last().unwrap();
    assert_eq!(brace.line, profile.functions[0].end_line);
    assert_near(brace.own.rss.unwrap().change.shrunk(), 32 * MIB);
    assert_eq!(brace.own.free_bytes, 33_554_432);
    assert_adds_up(process_of(&profile));
}

#[test]
fn lazy_pages_are_the_first_writers() {
    let profile = profile("lazy");
    let made = line(&profile, "lazy", "vec![0_u8");
    assert_eq!(made.own.alloc_bytes, 1 << 30);
    assert!(made.own.rss.unwrap().change.grown() <= TOLERANCE);
    assert_near(change(&profile, "lazy", "fill(1)").grown(), 16 * MIB);
    assert!(process_of(&profile).rss.unwrap().peak_bytes < 64 * MIB);
    assert_adds_up(process_of(&profile));
}

/// Thousands of short lines that each touch a page: too many to look at, so samples tell.
#[test]
fn short_lines_that_grow_are_found() {
    let profile = profile("page_by_page");
    let touching = change(&profile, "touch", "page[0] = 1").grown();
    assert!(touching > 48 * MIB, "{touching} of 64 MiB");
    let own = process_of(&profile).rss.unwrap().own_time;
    let wall = process_of(&profile).wall;
    // Twenty times less by the budget, but a look may be interrupted.
    assert!(own.0 * 3 < wall.0 + 60_000_000, "{own} of {wall}");
    // The block goes as a whole, whatever was not looked at before.
    let dropped = change(&profile, "page_by_page", "black_box(x)");
    assert_near(dropped.shrunk(), 64 * MIB);
    assert_adds_up(process_of(&profile));
}

#[test]
fn no_page_is_charged_twice() {
    for _ in 0..5 {
        let profile = profile("threads");
        assert_eq!(process_of(&profile).threads.len(), 4);
        assert_adds_up(process_of(&profile));
        let made = change(&profile, "come_and_go", "vec![1_u8");
        // Four threads, each ten times four MiB.
        assert!(made.grown() < 180 * MIB, "{made:?}");
    }
}

#[test]
fn files_are_apart_from_other_memory() {
    let profile = profile("file");
    let touched = change(&profile, "file", "sum_pages(");
    assert_near(touched.grown_file, 16 * MIB);
    assert!(touched.grown_anonymous <= TOLERANCE);
    assert_near(change(&profile, "file", "unmap(").shrunk_file, 16 * MIB);
    assert_adds_up(process_of(&profile));
}

#[test]
fn a_block_that_moves_is_not_charged_again() {
    let profile = profile("moved");
    assert_near(change(&profile, "moved", "vec![1_u8").grown(), 32 * MIB);
    let grown = line(&profile, "moved", "reserve_exact");
    assert_eq!(grown.own.alloc_bytes, 64 * MIB);
    assert_eq!(grown.own.free_bytes, 32 * MIB);
    assert!(grown.own.rss.unwrap().change.grown() <= TOLERANCE);
}

#[test]
fn unwinding_gives_back_on_the_line_that_panics() {
    let profile = profile("unwinding");
    let panicking = line(&profile, "unwinds", "panic!(");
    assert!(panicking.own.free_bytes >= 8 * MIB);
    assert_near(change(&profile, "unwinds", "vec![1_u8").grown(), 8 * MIB);
    assert_adds_up(process_of(&profile));
}

#[test]
fn a_forked_child_has_a_resident_set_of_its_own() {
    let profiles = profiles("forks", &[]);
    assert_eq!(profiles.len(), 2, "parent and child");
    for (profile, mib) in profiles.iter().zip([4, 16]) {
        let made = line(profile, "make", "vec![1_u8");
        assert_eq!(made.own.alloc_bytes, mib * MIB);
        assert_near(made.own.rss.unwrap().change.grown(), mib * MIB);
        assert_adds_up(process_of(profile));
    }
}

#[test]
fn destructors_and_what_runs_before_main_are_counted_and_do_no_harm() {
    let profile = profile("early_and_late");
    assert_eq!(
        line(&profile, "early", "vec![1_u8").own.alloc_bytes,
        2 * MIB
    );
    assert_eq!(line(&profile, "late", "vec![1_u8").own.alloc_bytes, 3 * MIB);
    assert_adds_up(process_of(&profile));
}

#[test]
fn closed_descriptors_cost_no_reading_and_no_error_number() {
    let profile = profile("closes_all");
    assert_near(change(&profile, "closes_all", "vec![1_u8").grown(), 8 * MIB);
    assert_adds_up(process_of(&profile));
}

#[test]
fn nothing_is_read_where_nobody_asked() {
    let profile = profiles("list", &[("HPROF_MEMORY", "0")]).remove(0);
    assert_eq!(process_of(&profile).rss, None);
    let made = line(&profile, "list", "vec![1.0");
    assert_eq!((made.own.rss, made.total_rss), (None, None));
    assert_eq!(made.own.alloc_bytes, 33_554_432);
}
