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
    LineLive, LineTotal, LiveCount, LiveHeap, Process, Profile, RssChange, RssSource, Scope,
    function_costs, rss_account,
};

#[path = "process_memory/scenarios.rs"]
mod scenarios;

const SCENARIO: &str = "HPROF_TEST_SCENARIO";
const MIB: u64 = 1 << 20;
/// By how much an increment may be wrong: pages of the stack, of code, and of the recorder.
const TOLERANCE: u64 = MIB / 10;
/// What a block of some MiB may stand for beside itself: one of 4 MiB is noted in all but 3 of 10,000 cases, and counts for those.
const SLACK: u64 = 2048;

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
    // Pages of code that comes to run for the first time are of a file.
    let grown = made.own.rss.unwrap().change.grown_anonymous;
    assert!(grown <= TOLERANCE, "{grown}");
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

/// Four threads, each ten times four MiB: in `runs` runs no page is charged twice. Returns the largest growth of the allocating line.
fn come_and_go(runs: u32) -> u64 {
    let run = |_| {
        let profile = profile("threads");
        assert_eq!(process_of(&profile).threads.len(), 4);
        assert_adds_up(process_of(&profile));
        let made = change(&profile, "come_and_go", "vec![1_u8");
        assert!(made.grown() < 180 * MIB, "{made:?}");
        made.grown()
    };
    (0..runs).map(run).max().unwrap()
}

#[test]
fn no_page_is_charged_twice() {
    come_and_go(5);
}

/// `make memory-sums`.
#[test]
#[ignore = "takes a minute"]
fn no_page_is_charged_twice_in_sixty_runs() {
    let most = come_and_go(60);
    println!(
        "60 runs add up to the page; four threads asked for 160 MiB, charged were {} MiB at most",
        most / MIB
    );
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
fn what_hot_lines_page_in_is_theirs() {
    let profile = profile("file_in_a_loop");
    let parts = ["for row in", "for page in", "sum +="];
    let grown = parts.map(|text| change(&profile, "sum_in_a_loop", text).grown_file);
    let rss = process_of(&profile).rss.unwrap();
    assert_near(
        grown.iter().sum::<u64>() + rss.not_read.grown_file,
        128 * MIB,
    );
    assert!(rss.not_read.grown() < 4 * MIB, "{:?}", rss.not_read);
    // The outer loop's line reads the clock itself: it is told from those inside.
    assert!(grown[0] < 32 * MIB, "{grown:?}");
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

fn live(profile: &Profile, function: &str, text: &str) -> LineLive {
    line(profile, function, text).own.live
}

fn heap(profile: &Profile) -> LiveHeap {
    process_of(profile).heap.unwrap().lines.unwrap()
}

/// What the lines have together, and elsewhere, is what the process has.
#[track_caller]
fn assert_heap_adds_up(profile: &Profile) {
    let heap = heap(profile);
    let mut sum = heap.elsewhere;
    for thread in &process_of(profile).threads {
        sum.add(&thread.outside.live);
        for (_, cost) in thread.nodes.iter().flat_map(|node| &node.lines) {
            sum.add(&cost.live);
        }
    }
    assert_eq!(
        (sum.live_bytes, sum.peak_bytes),
        (heap.live_bytes, heap.peak_bytes)
    );
}

#[test]
fn leaks_are_found_where_blocks_are_thinned_out() {
    let profile = profile("leaks");
    assert_heap_adds_up(&profile);
    let LiveCount::Sampled { gap } = heap(&profile).count else {
        panic!("in no more than 5 ms");
    };
    // 64 MiB in blocks of a KiB.
    let small = live(&profile, "leaks", "small.push");
    let deviation = (small.live_variance as f64).sqrt();
    let expected = ((64 * MIB) as f64 * gap as f64).sqrt();
    assert!(deviation < 1.5 * expected, "{deviation}, gap {gap}");
    let off = small.live_bytes.abs_diff(64 * MIB);
    assert!((off as f64) < 4.0 * deviation, "{off} off, +-{deviation}");
    // A large block is noted for sure and stands for itself.
    let large = live(&profile, "leaks", "vec![2_u8");
    assert!(large.live_bytes.abs_diff(32 * MIB) < 16, "{large:?}");
    assert!((large.live_variance as f64).sqrt() < 16.0);
    assert_eq!(live(&profile, "leaks", "vec![3_u8").live_bytes, 0);
}

#[test]
fn the_peak_is_that_of_the_whole_heap() {
    for (exact, tolerance) in [("0", SLACK), ("1", 0)] {
        let profile = profiles("peaks", &[("HPROF_ALLOC_EXACT", exact)]).remove(0);
        assert_heap_adds_up(&profile);
        let peak = |text: &str| live(&profile, "peaks", text).peak_bytes;
        // 8 + 24 MiB at once; the 16 MiB before and after were not alone then.
        assert!(peak("vec![1_u8").abs_diff(8 * MIB) <= tolerance);
        assert!(peak("vec![2_u8").abs_diff(24 * MIB) <= tolerance);
        assert_eq!((peak("vec![3_u8"), peak("vec![4_u8")), (0, 0));
        assert_eq!(live(&profile, "peaks", "vec![4_u8").live_bytes, 0);
    }
}

#[test]
fn every_block_is_counted_where_that_is_asked_for() {
    for scenario in [
        "hands_over",
        "early_and_late",
        "unwinding",
        "moved",
        "threads",
    ] {
        let profile = profiles(scenario, &[("HPROF_ALLOC_EXACT", "1")]).remove(0);
        assert_heap_adds_up(&profile);
        assert_eq!(heap(&profile).count, LiveCount::Exact);
        assert_eq!(heap(&profile).lost_blocks, 0);
        if scenario == "moved" {
            // The block is that of the line that moved it.
            let peak = |text: &str| live(&profile, "moved", text).peak_bytes;
            assert_eq!((peak("vec![1_u8"), peak("reserve_exact")), (0, 64 * MIB));
        }
        if scenario != "hands_over" {
            continue;
        }
        // 4 threads, each 1000 blocks of 100 bytes, half of which another thread frees.
        let made = line(&profile, "hand_over", "Box::new");
        assert_eq!(made.own.allocs, 4_000);
        assert_eq!(made.own.live.live_bytes, 2_000 * 100);
        assert_eq!(made.own.live.live_variance, 0);
        let grown = live(&profile, "hand_over", "grown.push");
        // Grown to 4096 words step by step, and kept by two of the threads.
        assert_eq!(grown.live_bytes, 2 * 4096 * 8);
    }
}

#[test]
fn a_full_table_is_told() {
    let variables = [("HPROF_ALLOC_EXACT", "1"), ("HPROF_SPACE", "1M")];
    let profile = profiles("leaks", &variables).remove(0);
    assert_heap_adds_up(&profile);
    // Room for 2^18 blocks less a sixteenth; the scenario has 65,536 and leaves some.
    assert_eq!(heap(&profile).lost_blocks, 0);
    let profile = profiles("many_blocks", &variables).remove(0);
    assert_heap_adds_up(&profile);
    let made = live(&profile, "many_blocks", "Box::new").live_bytes;
    // The test harness has some blocks too.
    let all = made + heap(&profile).lost_bytes;
    assert!((300_000 * 16..301_000 * 16).contains(&all), "{all}");
    assert!(heap(&profile).lost_blocks > 300_000 - (1 << 18));
}

#[test]
fn a_forked_child_keeps_what_it_got_from_its_parent() {
    for exact in ["0", "1"] {
        let profiles = profiles("forks_with_heap", &[("HPROF_ALLOC_EXACT", exact)]);
        assert_eq!(profiles.len(), 2, "parent and child");
        for (profile, own) in profiles.iter().zip([0, 16]) {
            assert_heap_adds_up(profile);
            let kept = live(profile, "keep", "vec![mib");
            assert!(
                kept.live_bytes.abs_diff((8 + own) * MIB) <= SLACK,
                "{kept:?}"
            );
        }
        // The child has freed what its parent has not.
        assert_eq!(live(&profiles[1], "give", "vec![1_u8").live_bytes, 0);
        let given = live(&profiles[0], "give", "vec![1_u8").live_bytes;
        assert!(given.abs_diff(4 * MIB) <= SLACK, "{given}");
    }
}

#[test]
fn nothing_is_read_where_nobody_asked() {
    let profile = profiles("list", &[("HPROF_MEMORY", "0")]).remove(0);
    assert_eq!(process_of(&profile).rss, None);
    let made = line(&profile, "list", "vec![1.0");
    assert_eq!((made.own.rss, made.total_rss), (None, None));
    assert_eq!(made.own.alloc_bytes, 33_554_432);
}
