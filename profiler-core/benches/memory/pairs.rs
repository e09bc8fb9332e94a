//! Pairs of an allocation and a free: the system's allocator by itself, and under ours.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::{black_box, spin_loop};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release};
use std::thread;
use std::time::{Duration, Instant};

use super::{COUNTING, tell};

/// Pairs in a short run.
const PAIRS: usize = 1_920;
/// Bytes that are live at once in the pattern `batch`: the system's allocator gives more than 128 KiB back at once.
const BATCH_BYTES: usize = 96 * 1024;
/// Blocks that are live at once in it, at most.
const BATCH: usize = 960;
/// Short runs of each kind.
const RUNS: usize = 1_500;
/// How long one kind is measured at most.
const BUDGET: Duration = Duration::from_secs(3);

/// A kind of run: allocator and pattern.
type Run = fn(Layout);

/// What is compared, in the order of the runs of [`runs`].
const FORMS: [&str; 2] = ["System", "hprof"];

/// Prints `pattern, size, threads` and the nanoseconds of a pair in each form.
pub(crate) fn measure() {
    on_a_line(&mut || {
        for size in [64, 4_096] {
            for (pattern, runs) in [
                ("at once", [pairs_plain as Run, pairs_counted as Run]),
                ("batch", [batch_plain as Run, batch_counted as Run]),
            ] {
                for threads in [1, 2] {
                    let nanos = shortest(&runs, size, threads);
                    for (form, nanos) in FORMS.iter().zip(nanos) {
                        let name = format!("{size} B, {pattern}, {threads}");
                        tell(&name, form, nanos / PAIRS as f64);
                    }
                }
            }
        }
    });
}

/// So that the thread records, and its allocations have a line.
#[hprof::profile(always)]
fn on_a_line(work: &mut dyn FnMut()) {
    work();
}

/// The shortest time of each run, one after the other; with two threads another one does the same beside it.
fn shortest(runs: &[Run; 2], size: usize, threads: usize) -> [f64; 2] {
    const STOP: usize = usize::MAX;
    let layout = Layout::from_size_align(size, 8).unwrap_or(Layout::new::<u64>());
    let mut best = [Duration::MAX; 2];
    // The run that the other thread shall do, and the one that it does; runs count from 1.
    let (wanted, doing) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        if threads > 1 {
            scope.spawn(|| {
                on_a_line(&mut || {
                    loop {
                        let number = wanted.load(Acquire);
                        doing.store(number, Release);
                        match number.checked_sub(1).and_then(|index| runs.get(index)) {
                            Some(run) => run(layout),
                            None if number == STOP => return,
                            None => spin_loop(),
                        }
                    }
                });
            });
        }
        let began = Instant::now();
        for _ in 0..RUNS {
            for (index, (run, best)) in runs.iter().zip(&mut best).enumerate() {
                wanted.store(index + 1, Release);
                while threads > 1 && doing.load(Acquire) != index + 1 {
                    spin_loop();
                }
                let before = Instant::now();
                run(layout);
                *best = before.elapsed().min(*best);
            }
            if began.elapsed() > BUDGET {
                break;
            }
        }
        wanted.store(STOP, Release);
    });
    best.map(|time| time.as_secs_f64() * 1e9)
}

/// One allocator's calls, out of line as those that the compiler makes for `#[global_allocator]`.
macro_rules! allocator {
    ($allocator:expr, $alloc:ident, $free:ident, $pairs:ident, $batch:ident) => {
        #[inline(never)]
        #[expect(unsafe_code, reason = "an allocator is unsafe to ask")]
        fn $alloc(layout: Layout) -> *mut u8 {
            // SAFETY: the layout has a size.
            unsafe { $allocator.alloc(layout) }
        }

        #[inline(never)]
        #[expect(unsafe_code, reason = "an allocator is unsafe to ask")]
        fn $free(block: *mut u8, layout: Layout) {
            // SAFETY: allocated by the function above with this layout, and freed once.
            unsafe { $allocator.dealloc(block, layout) };
        }

        #[inline(never)]
        fn $pairs(layout: Layout) {
            for _ in 0..PAIRS {
                $free(black_box($alloc(black_box(layout))), layout);
            }
        }

        #[inline(never)]
        fn $batch(layout: Layout) {
            let mut blocks = [core::ptr::null_mut(); BATCH];
            let blocks = &mut blocks[..(BATCH_BYTES / layout.size()).min(BATCH)];
            for _ in 0..PAIRS / blocks.len() {
                for block in &mut *blocks {
                    *block = $alloc(black_box(layout));
                }
                for block in &*blocks {
                    $free(black_box(*block), layout);
                }
            }
        }
    };
}

allocator!(System, alloc_plain, free_plain, pairs_plain, batch_plain);
allocator!(
    COUNTING,
    alloc_counted,
    free_counted,
    pairs_counted,
    batch_counted
);
