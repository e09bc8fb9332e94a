//! The heap's totals in real processes, against an allocator that counts every block as it comes and goes.
//!
//! Each scenario is a test of its own that does nothing unless [`SCENARIO`] names it. The tests start it in a child process, which counts
//! for itself under the counting allocator, prints that, and leaves a raw file.

#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(clippy::print_stdout, reason = "a child tells its parent")]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Barrier, mpsc};
use std::{env, fs, thread};

use hprof::model::{Heap, LiveCount};
use hprof::profile;

const SCENARIO: &str = "HPROF_TEST_SCENARIO";
/// Makes the scenario small.
const SMALL: &str = "HPROF_TEST_SMALL";
const MIB: usize = 1 << 20;

/// Counts with two words of the process: what is live, and its highest value.
struct Reference;

static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

fn add(bytes: usize) {
    let bytes = i64::try_from(bytes).unwrap_or(0);
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

fn subtract(bytes: usize) {
    LIVE.fetch_sub(i64::try_from(bytes).unwrap_or(0), Relaxed);
}

// SAFETY: every call goes to the system's allocator.
#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
unsafe impl GlobalAlloc for Reference {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        subtract(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        subtract(layout.size());
        add(new_size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(block, layout, new_size) }
    }
}

#[global_allocator]
static GLOBAL: hprof::Alloc<Reference> = hprof::Alloc::new(Reference);

/// What the recording of a scenario says, and what the reference: live bytes at the end, and at the peak.
fn counted(scenario: &str, small: bool) -> (Heap, [i64; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("scenarios::{scenario}"))
        .env(SCENARIO, scenario)
        .env("HPROF_DIR", folder.path());
    if small {
        command.env(SMALL, "1");
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {text}{errors}");
    let line = text
        .lines()
        .find_map(|line| Some(line.split_once("reference ")?.1));
    let mut numbers = line.unwrap().split(' ').map(|word| word.parse().unwrap());
    let reference = [numbers.next().unwrap(), numbers.next().unwrap()];
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{scenario}: one process, one file");
    let profile = hprof::raw::read(&files[0].as_ref().unwrap().path()).unwrap();
    assert_eq!(profile.processes[0].losses.damaged, 0, "{scenario}");
    (profile.processes[0].heap.unwrap(), reference)
}

/// At a peak of 64 MiB and more the figure in the header is right within a hundredth, and both are within the bound that it prints.
#[track_caller]
fn assert_peak_is_right(scenario: &str) {
    let (heap, [live, peak]) = counted(scenario, false);
    println!("{scenario}: {heap:?}, reference {live}, {peak}");
    assert!(peak >= 64 << 20, "{scenario}: {peak}");
    let sampled = matches!(heap.lines.unwrap().count, LiveCount::Sampled { .. });
    assert!(sampled, "{scenario}: the default mode counts every block");
    let off = heap.peak_bytes.abs_diff(peak);
    assert!(off * 100 <= peak.unsigned_abs(), "{scenario}: {off} off");
    assert!(off <= heap.bound_bytes, "{scenario}: {off} off");
    // The harness goes on for a bit.
    let off = heap.live_bytes.abs_diff(live);
    assert!(off <= heap.bound_bytes + 4096, "{scenario}: {off} off");
}

#[test]
fn a_growing_vec_counts_once() {
    assert_peak_is_right("vec");
}

#[test]
fn a_growing_string_counts_once() {
    assert_peak_is_right("string");
}

#[test]
fn a_growing_map_is_counted() {
    assert_peak_is_right("map");
}

#[test]
fn lists_of_lists_that_grow_in_turns_are_counted() {
    assert_peak_is_right("vecs");
}

#[test]
fn eight_threads_are_counted_together() {
    assert_peak_is_right("eight_threads");
}

#[test]
fn short_threads_without_frames_leave_nothing_uncounted() {
    assert_peak_is_right("short_threads");
}

#[test]
fn short_threads_with_frames_leave_nothing_uncounted() {
    assert_peak_is_right("short_threads_with_frames");
}

#[test]
fn blocks_that_shrink_are_counted() {
    assert_peak_is_right("shrinks");
}

#[test]
fn blocks_that_another_thread_frees_are_counted() {
    assert_peak_is_right("cross_thread");
}

#[test]
fn zeroed_blocks_are_counted() {
    assert_peak_is_right("zeroed");
}

/// All of them in small: every block is noted, and the figures are those of the reference to the byte.
#[test]
fn small_heaps_are_exact() {
    for scenario in ["vec", "string", "map", "vecs", "shrinks", "zeroed"] {
        let (heap, [_, peak]) = counted(scenario, true);
        let lines = heap.lines.unwrap();
        assert!(lines.is_exact(), "{scenario}: {lines:?}");
        assert_eq!((heap.peak_bytes, heap.bound_bytes), (peak, 0), "{scenario}");
        let peak = u64::try_from(peak).unwrap();
        assert_eq!(lines.peak_bytes, peak, "{scenario}: lines and the rest");
    }
}

mod scenarios {
    use super::*;

    fn is_small() -> bool {
        env::var_os(SMALL).is_some()
    }

    /// So many of something: enough for more than 64 MiB, or few.
    fn many(count: usize) -> usize {
        if is_small() { count / 100 } else { count }
    }

    /// So many blocks that they are thinned out.
    #[profile(always)]
    fn churn() {
        for number in 0..400_000_u32 {
            black_box(Box::new(number));
        }
    }

    fn run(name: &str, work: fn()) {
        if !env::var(SCENARIO).is_ok_and(|scenario| scenario == name) {
            return;
        }
        if !is_small() {
            churn();
        }
        work();
        let (live, peak) = (LIVE.load(Relaxed), PEAK.load(Relaxed));
        println!("reference {live} {peak}");
    }

    macro_rules! scenarios {
        ($($name:ident)*) => {
            $(#[test]
            fn $name() {
                run(stringify!($name), functions::$name);
            })*
        };
    }

    scenarios! { vec string map vecs eight_threads short_threads short_threads_with_frames shrinks cross_thread zeroed }

    mod functions {
        use super::*;

        #[profile(always)]
        pub(super) fn vec() {
            let mut grown = Vec::new();
            for number in 0..many(16 * MIB) as u64 {
                grown.push(number);
            }
            black_box(grown);
        }

        #[profile(always)]
        pub(super) fn string() {
            let mut grown = String::new();
            for _ in 0..many(5 * MIB) {
                grown.push_str("seventeen letters");
            }
            black_box(grown);
        }

        #[profile(always)]
        pub(super) fn map() {
            let mut grown = HashMap::new();
            for number in 0..many(MIB) {
                grown.insert(number, [number; 6]);
            }
            black_box(grown);
        }

        #[profile(always)]
        pub(super) fn vecs() {
            let mut grown = vec![Vec::new(); 100];
            for number in 0..many(12 * MIB) {
                grown[number % 100].push(number);
            }
            black_box(grown);
        }

        /// 10 MiB in all, in blocks of different sizes, grown and not.
        #[profile(always)]
        fn fill(seed: usize) -> Vec<Vec<u8>> {
            let mut blocks = Vec::new();
            let mut bytes = 0;
            for number in 0.. {
                let block = vec![1_u8; 16 + (number * 7919 + seed * 31) % 3000];
                bytes += block.len();
                blocks.push(block);
                if bytes > 10 * MIB {
                    break;
                }
            }
            blocks
        }

        pub(super) fn eight_threads() {
            let full = Barrier::new(8);
            thread::scope(|scope| {
                for seed in 0..8 {
                    let full = &full;
                    scope.spawn(move || {
                        let blocks = fill(seed);
                        full.wait();
                        drop(blocks);
                    });
                }
            });
        }

        const THREADS: usize = 10_000;
        const HANDED_OVER: usize = 9_000;

        fn hand_over(make: fn() -> Vec<u8>) {
            let mut buffers = Vec::new();
            for _ in 0..THREADS {
                buffers.push(thread::spawn(make).join().unwrap());
            }
            black_box(buffers);
        }

        pub(super) fn short_threads() {
            hand_over(|| vec![1_u8; HANDED_OVER]);
        }

        #[profile(always)]
        fn buffer() -> Vec<u8> {
            let buffer = vec![1_u8; HANDED_OVER];
            black_box(buffer)
        }

        pub(super) fn short_threads_with_frames() {
            hand_over(buffer);
        }

        #[profile(always)]
        pub(super) fn shrinks() {
            let mut kept = Vec::new();
            for number in 0..many(20_000) {
                let mut block = vec![1_u8; 16_000 + number % 1000];
                block.truncate(4_000);
                block.shrink_to_fit();
                kept.push(block);
            }
            black_box(kept);
        }

        pub(super) fn cross_thread() {
            let (to, from) = mpsc::channel::<Vec<Vec<u8>>>();
            let (done, is_done) = mpsc::channel();
            thread::scope(|scope| {
                scope.spawn(move || {
                    for blocks in from {
                        drop(blocks);
                        done.send(()).unwrap();
                    }
                });
                for round in 0..3 {
                    let blocks: Vec<_> = (0..7).map(|part| fill(round * 7 + part)).collect();
                    for part in blocks {
                        to.send(part).unwrap();
                    }
                    // Nobody frees while the next round is filled: the moment of the peak is the same for both who count.
                    is_done.iter().take(7).for_each(drop);
                }
                drop(to);
            });
        }

        #[profile(always)]
        pub(super) fn zeroed() {
            let mut kept = Vec::new();
            for number in 0..many(3_000) {
                let block = vec![0_u8; 20_000 + number * 7 % 9000];
                kept.push(block);
            }
            black_box(kept);
        }
    }
}
