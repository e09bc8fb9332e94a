//! The protocol of the recorder's threads under a model checker: `make loom`.
//!
//! The functions are those of the recorder, from the same file; only the words are the checker's. It tries the orders in which the steps
//! of all threads can follow each other, and for each load every value that the orderings allow. Beside each kind of proof stands a test
//! that must fail: what it breaks is found.

#![cfg(loom)]
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic and tell its counts"
)]

use std::sync::Arc;
use std::sync::atomic::AtomicU64 as Counter;

use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};
use loom::thread;

#[path = "../src/raw/chunks.rs"]
mod chunks;
#[path = "../src/recorder/gate.rs"]
mod gate;
#[path = "loom/heap.rs"]
mod heap;
#[path = "../src/memory/protocol.rs"]
mod heap_protocol;
#[expect(unsafe_code, reason = "as in the recorder")]
#[path = "../src/recorder/protocol.rs"]
mod protocol;
#[path = "loom/start_and_fork.rs"]
mod start_and_fork;
#[expect(
    unsafe_code,
    dead_code,
    reason = "as in the recorder; not all is tried"
)]
#[path = "../src/memory/table.rs"]
mod table;
mod words {
    //! The checker's words, in the structures of the raw file as far as the protocol goes.

    pub(super) use loom::sync::atomic::{
        AtomicI64, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
    };

    pub(super) use hprof::raw::layout::{
        CELL_PROBED as PROBED, CELL_PROMOTED as PROMOTED, CELL_SAMPLED as SAMPLED,
        CELL_TIMED as TIMED, CELL_WAS_LONG as WAS_LONG, OPEN_WANTED, THREAD_ALIVE as ALIVE,
        THREAD_ENDED as ENDED,
    };

    /// Waits for another thread to go on.
    pub(super) fn wait(_turn: u32) {
        loom::thread::yield_now();
    }

    /// Memory for a table.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "as in the recorder, which may get none"
    )]
    pub(super) fn zeroed<T: Default>(count: usize) -> Option<*mut T> {
        let values: Box<[T]> = (0..count).map(|_| T::default()).collect();
        Some(Box::leak(values).as_mut_ptr())
    }

    /// Tables are small: what they have outgrown is left.
    pub(super) fn give_back<T>(_memory: *mut T, _count: usize) {}

    pub(super) const PROBES: usize = 1;

    #[derive(Default)]
    pub(super) struct Cell {
        pub(super) hits: AtomicU64,
        pub(super) time: AtomicI64,
        pub(super) state: AtomicU64,
        pub(super) left: AtomicU64,
        pub(super) window_ticks: AtomicU64,
        pub(super) window_reads: AtomicU32,
        pub(super) gap_time: AtomicU64,
        pub(super) window_time: AtomicI64,
        pub(super) window: AtomicU64,
        pub(super) probes: [AtomicI64; PROBES],
    }

    #[derive(Default)]
    pub(super) struct ThreadRecord {
        pub(super) cell: AtomicPtr<Cell>,
        pub(super) open: AtomicPtr<Cell>,
        pub(super) t0: AtomicU64,
        pub(super) exact: AtomicI64,
        pub(super) reads: AtomicU64,
        pub(super) gap: AtomicPtr<Cell>,
        pub(super) start_ticks: AtomicU64,
        pub(super) correction: AtomicU64,
        pub(super) probe_cost: AtomicU64,
        pub(super) threshold: AtomicU64,
        pub(super) long: AtomicU64,
        pub(super) cpu_due: AtomicU64,
        pub(super) cpu_ticks: AtomicU64,
    }
}

use protocol::{
    ALIVE, Actions, ENDED, PROBED, PROMOTED, SAMPLED, Seen, TIMED, WINDOW, add, close, give_up,
    look, promote, publish, published, reference_marker, take_over,
};
use words::{Cell, ThreadRecord};

/// Tries everything, and says how much that was.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let tried = Arc::new(Counter::new(0));
    let count = Arc::clone(&tried);
    loom::model(move || {
        count.fetch_add(1, Relaxed);
        model();
    });
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    let tried = tried.load(Relaxed);
    assert!(tried > 1, "nothing was tried");
    println!("{name}: {tried} executions");
}

/// A record of two words.
#[derive(Default)]
struct Record {
    kind: AtomicU32,
    words: [AtomicU64; 2],
    /// The record that it refers to.
    parent: AtomicPtr<Record>,
}

impl Record {
    fn write(&self, kind: u32, parent: *const Self, publish: fn(&AtomicU32, u32)) {
        for word in &self.words {
            word.store(u64::from(kind), Relaxed);
        }
        self.parent.store(parent.cast_mut(), Relaxed);
        publish(&self.kind, kind);
    }

    /// Its kind, if it is there: then all of it is.
    fn read(&self) -> Option<u32> {
        let kind = published(&self.kind)?;
        for word in &self.words {
            assert_eq!(word.load(Relaxed), u64::from(kind), "half a record");
        }
        Some(kind)
    }
}

/// One thread writes two records of a chunk, the second one a child of the first; a reader goes through them up to the first that is not
/// there.
fn a_chunk_is_read_while_it_is_written(publish: fn(&AtomicU32, u32)) {
    check(move || {
        let chunk: Arc<[Record; 2]> = Arc::default();
        let written = Arc::clone(&chunk);
        let writer = thread::spawn(move || {
            written[0].write(1, std::ptr::null(), publish);
            written[1].write(2, &raw const written[0], publish);
        });
        let found = chunk.iter().map_while(Record::read).count();
        let again = chunk.iter().map_while(Record::read).count();
        assert!(again >= found, "a record went away");
        // A child that is there has a parent, though a reader that looked at its place before may have to look again.
        if chunk[1].read().is_some() {
            let parent = chunk[1].parent.load(Relaxed);
            assert!(std::ptr::eq(parent, &raw const chunk[0]));
            assert_eq!(chunk[0].read(), Some(1), "a child without its parent");
        }
        writer.join().unwrap();
        assert_eq!(chunk.iter().map_while(Record::read).count(), 2);
    });
}

#[test]
fn reader_sees_complete_records_only() {
    a_chunk_is_read_while_it_is_written(publish);
}

#[test]
#[should_panic(expected = "half a record")]
fn records_that_are_published_in_no_order_are_found_out() {
    a_chunk_is_read_while_it_is_written(|kind, value| kind.store(value, Relaxed));
}

/// A thread has ended or is just ending; two new ones want its record.
fn a_record_is_taken_over(take_over: fn(&AtomicU32) -> bool) {
    check(move || {
        let state = Arc::new(AtomicU32::new(ALIVE));
        let hits = Arc::new(AtomicU64::new(0));
        let successor = || {
            let (state, hits) = (Arc::clone(&state), Arc::clone(&hits));
            thread::spawn(move || {
                let taken = take_over(&state);
                if taken {
                    add(&hits, 1);
                    state.store(ALIVE, Release);
                }
                u64::from(taken)
            })
        };
        let (first, second) = (successor(), successor());
        add(&hits, 1);
        give_up(&state);
        let taken = first.join().unwrap() + second.join().unwrap();
        assert!(taken <= 1, "two threads in one record");
        assert_eq!(hits.load(Relaxed), 1 + taken, "a hit was lost");
        assert_eq!(state.load(Acquire), if taken == 1 { ALIVE } else { ENDED });
    });
}

#[test]
fn record_of_an_ended_thread_has_one_successor_that_counts_on() {
    a_record_is_taken_over(take_over);
}

#[test]
#[should_panic(expected = "a hit was lost")]
fn successor_that_does_not_acquire_is_found_out() {
    a_record_is_taken_over(|state| state.compare_exchange(ENDED, 0, Relaxed, Relaxed).is_ok());
}

/// When the thread of the world began.
const START: u64 = 100;

/// A thread with two lines, and the time.
#[derive(Default)]
struct World {
    thread: ThreadRecord,
    outside: Cell,
    timed: Cell,
    hot: Cell,
    clock: AtomicU64,
}

impl World {
    /// As the recorder sets a thread up: nothing profiled runs, `outside` is sampled. A line never demoted, one that is sampled.
    fn new() -> Arc<Self> {
        let world = Arc::new(Self::default());
        let thread = &world.thread;
        let outside = (&raw const world.outside).cast_mut();
        thread.cell.store(outside, Relaxed);
        thread.gap.store(outside, Relaxed);
        thread.start_ticks.store(START, Relaxed);
        thread.t0.store(START, Relaxed);
        // Every window ends with a demotion.
        thread.threshold.store(1_000, Relaxed);
        thread.long.store(u64::MAX, Relaxed);
        thread.cpu_due.store(u64::MAX, Relaxed);
        world.timed.state.store(TIMED, Relaxed);
        world.timed.left.store(u64::MAX / 2, Relaxed);
        world.hot.state.store(SAMPLED, Relaxed);
        world.hot.window.store(1, Relaxed);
        world.clock.store(START, Relaxed);
        world
    }

    /// The time. No thread sees it go back, or what was done before a moment later than that.
    fn ticks(&self) -> u64 {
        self.clock.fetch_add(0, AcqRel)
    }

    fn wait_until(&self, ticks: u64) {
        self.clock.swap(ticks, AcqRel);
    }

    fn marker(&self, cell: &Cell, ticks: u64) {
        self.wait_until(ticks);
        let actions = Actions {
            ticks: || ticks,
            // The CPU clock is the owner's alone.
            end: |_: &ThreadRecord, now| now,
            begin: |_: &ThreadRecord, _| {},
        };
        reference_marker(&self.thread, cell, true, actions);
    }
}

/// ```text
///   100        110        125        140        150
///    │ outside  │ timed    │ hot      │ timed    │ end
///    │ gap      │ exact    │ gap      │ exact    │
/// ```
/// Ticks up to a moment that no exact interval explains.
fn unexplained(ticks: u64) -> u64 {
    match ticks {
        ..110 => ticks - START,
        110..125 => 10,
        125..140 => ticks - 115,
        _ => 25,
    }
}

type Look = fn(&ThreadRecord, &dyn Fn() -> u64) -> Option<Seen>;

fn the_sampler_looks_at_any_moment(look: Look) {
    check(move || {
        let world = World::new();
        let owned = Arc::clone(&world);
        let owner = thread::spawn(move || {
            owned.marker(&owned.timed, 110);
            owned.marker(&owned.hot, 125);
            owned.marker(&owned.timed, 140);
            owned.wait_until(150);
            close(&owned.thread, 150);
        });
        let before = world.ticks();
        let seen = look(&world.thread, &|| world.ticks());
        let after = world.ticks();
        if let Some(seen) = seen {
            let possible = unexplained(before)..=unexplained(after);
            assert!(possible.contains(&seen.unexplained), "a wrong weight");
            let is = |cell: *const Cell| std::ptr::eq(seen.cell, cell);
            let (outside, hot) = (&raw const world.outside, &raw const world.hot);
            match seen.exact {
                0 => assert!(std::ptr::eq(seen.gap, outside) && !is(hot), "a wrong gap"),
                15 => assert!(std::ptr::eq(seen.gap, hot) && !is(outside), "a wrong gap"),
                _ => assert!(seen.timed || seen.exact == 25),
            }
        }
        owner.join().unwrap();
        let last = look(&world.thread, &|| world.ticks()).unwrap();
        assert_eq!((last.timed, last.unexplained), (false, 25));
    });
}

#[test]
fn look_is_right_or_does_not_count() {
    the_sampler_looks_at_any_moment(|thread, ticks| look(thread, ticks));
}

#[test]
#[should_panic(expected = "a wrong weight")]
fn look_that_is_not_taken_twice_is_found_out() {
    the_sampler_looks_at_any_moment(|thread, ticks| {
        let exact = thread.exact.load(Acquire);
        let timed = exact < 0;
        let cell = thread.cell.load(Acquire);
        // SAFETY: a cell of the world, which lives as long as both threads.
        #[expect(unsafe_code, reason = "as `look` does")]
        let cell = unsafe { &*cell };
        let since_boot = if timed {
            exact.wrapping_neg()
        } else {
            ticks().cast_signed() - exact
        };
        Some(Seen {
            cell,
            gap: thread.gap.load(Acquire),
            exact,
            timed,
            unexplained: (since_boot - START.cast_signed()).cast_unsigned(),
        })
    });
}

/// The sampler promotes the hot line at any moment, twice if it can: each time one window begins, and no tick is lost.
fn the_sampler_promotes_at_any_moment(promote: fn(&AtomicU64) -> bool) {
    check(move || {
        let world = World::new();
        let owned = Arc::clone(&world);
        let owner = thread::spawn(move || {
            let (mut windows, mut newest) = (0, 0);
            for ticks in [110, 125, 140, 150] {
                owned.marker(&owned.hot, ticks);
                let began = owned.hot.window_ticks.load(Relaxed);
                // A window between fences follows each of them.
                let probed = owned.hot.state.load(Relaxed) == PROBED;
                windows += u64::from(began != newest && !probed);
                newest = began;
            }
            close(&owned.thread, 160);
            windows
        });
        let promoted = u64::from(promote(&world.hot.state)) + u64::from(promote(&world.hot.state));
        let windows = owner.join().unwrap();
        let (thread, hot) = (&world.thread, &world.hot);
        let state = hot.state.load(Relaxed);
        let waiting = u64::from(state == PROMOTED);
        assert_eq!(windows + waiting, promoted, "windows nobody asked for");
        let exact = thread.exact.load(Relaxed);
        assert_eq!(exact, hot.time.load(Relaxed));
        let gaps = world.outside.gap_time.load(Relaxed) + hot.gap_time.load(Relaxed);
        assert_eq!(exact.cast_unsigned() + gaps, 60, "time was lost");
        assert_eq!(hot.hits.load(Relaxed), 4);
        if state == TIMED {
            assert!((1..=WINDOW).contains(&hot.left.load(Relaxed)), "no window");
        }
    });
}

#[test]
fn promotion_begins_one_window_and_loses_no_time() {
    the_sampler_promotes_at_any_moment(promote);
}

#[test]
#[should_panic(expected = "windows nobody asked for")]
fn promotion_that_does_not_compare_is_found_out() {
    the_sampler_promotes_at_any_moment(|state| {
        state.store(PROMOTED, Relaxed);
        true
    });
}
