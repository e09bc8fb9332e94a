//! Threads note blocks and take each other's off while others fork and take chunks of the file: no block is forgotten, a child has whole tables,
//! and no chunk is handed out twice.

use std::sync::Arc;

use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use loom::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize};
use loom::thread;

use super::check;
use super::chunks::hand_out;
use super::heap_protocol::{
    Answer, before_fork, is_forking, is_maybe_noted, let_go, lower, raise, take,
};
use super::table::Table;

/// Numbers of threads, as addresses are: even.
const FIRST: usize = 8;
const SECOND: usize = 16;
/// Slots that a table may have.
const LIMIT: usize = 8;

/// The heap of a process.
struct Heap {
    owner: AtomicUsize,
    /// All blocks are of one class.
    class: AtomicU8,
    blocks: Table,
    /// Sum of all noted blocks.
    live: AtomicU64,
    /// The chunk that entries are made in, plus 1.
    entries: AtomicU64,
    /// Chunks of the file that are handed out.
    chunks: AtomicU64,
}

impl Heap {
    fn new() -> Self {
        Self {
            owner: AtomicUsize::new(0),
            class: AtomicU8::new(0),
            blocks: Table::new(),
            live: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            chunks: AtomicU64::new(0),
        }
    }

    fn locked(&self, me: usize, let_go: LetGo, work: impl FnOnce()) {
        assert_eq!(take(&self.owner, me), Answer::Taken);
        work();
        let_go(&self.owner);
    }

    fn note(&self, me: usize, block: u64, let_go: LetGo) {
        self.locked(me, let_go, || {
            self.blocks.insert(block, 1, LIMIT).unwrap();
            raise(&self.class);
            self.live.store(self.live.load(Relaxed) + 1, Relaxed);
        });
    }

    /// Frees a block; returns whether it was noted.
    fn free(&self, me: usize, block: u64, let_go: LetGo) -> bool {
        let mut was_noted = false;
        if is_maybe_noted(&self.class) {
            self.locked(me, let_go, || {
                was_noted = self.blocks.remove(block).is_some();
                if was_noted {
                    lower(&self.class);
                    self.live.store(self.live.load(Relaxed) - 1, Relaxed);
                }
            });
        }
        was_noted
    }

    /// Takes a chunk for entries, if there is none yet, and notes a block with one.
    fn note_with_an_entry(&self, me: usize, block: u64) {
        self.locked(me, let_go, || {
            if self.entries.load(Relaxed) == 0 {
                let (chunk, ()) = hand_out(&self.chunks, 1, 9, |_| Some(())).unwrap();
                self.entries.store(chunk + 1, Relaxed);
            }
            self.blocks.insert(block, 1, LIMIT).unwrap();
            self.live.store(self.live.load(Relaxed) + 1, Relaxed);
        });
    }

    fn noted(&self) -> usize {
        let mut noted = 0;
        self.blocks.for_each(|_, value| {
            assert_eq!(value, 1, "half a pair");
            noted += 1;
        });
        assert_eq!(noted, self.blocks.len(), "half a table");
        noted
    }
}

type LetGo = fn(&AtomicUsize);

/// One thread allocates a block and hands it to another, which allocates one too and frees both.
fn a_block_is_freed_by_another_thread(let_go: LetGo) {
    check(move || {
        let heap = Arc::new(Heap::new());
        let handed_over = Arc::new(AtomicU64::new(0));
        let (theirs, place) = (Arc::clone(&heap), Arc::clone(&handed_over));
        let allocates = thread::spawn(move || {
            theirs.note(FIRST, 16, let_go);
            place.store(16, Release);
        });
        heap.note(SECOND, 32, let_go);
        let got = handed_over.load(Acquire);
        if got != 0 {
            assert!(
                heap.free(SECOND, got, let_go),
                "a block that stays for ever"
            );
        }
        assert!(heap.free(SECOND, 32, let_go), "a block that stays for ever");
        allocates.join().unwrap();
        let left = usize::from(got == 0);
        assert_eq!(heap.noted(), left);
        assert_eq!(heap.live.load(Relaxed), left as u64, "a wrong sum");
        assert_eq!(usize::from(heap.class.load(Relaxed)), left);
    });
}

#[test]
fn blocks_are_taken_off_by_whoever_frees_them() {
    a_block_is_freed_by_another_thread(let_go);
}

#[test]
#[should_panic(expected = "a wrong sum")]
fn lock_that_publishes_nothing_is_found_out() {
    a_block_is_freed_by_another_thread(|owner| owner.store(0, Relaxed));
}

type BeforeFork = fn(&Heap) -> (bool, u64);

/// One thread forks while another notes a block in a chunk of its own. Then the child takes a chunk.
fn a_thread_forks_at_any_moment(before: BeforeFork) {
    check(move || {
        let heap = Arc::new(Heap::new());
        let theirs = Arc::clone(&heap);
        let notes = thread::spawn(move || {
            theirs.note_with_an_entry(FIRST, 16);
            theirs.note_with_an_entry(FIRST, 32);
        });
        let (taken, chunks) = before(&heap);
        assert!(taken && is_forking(&heap.owner, SECOND));
        // The fork. The child's own memory is that of this moment; how many chunks are handed out there says what was counted.
        let noted = heap.noted();
        assert_eq!(heap.live.load(Relaxed), noted as u64, "half a table");
        let entries = heap.entries.load(Relaxed);
        let child = AtomicU64::new(chunks);
        let_go(&heap.owner);
        let (chunk, ()) = hand_out(&child, 1, 9, |_| Some(())).unwrap();
        assert_ne!(chunk + 1, entries, "a chunk is handed out twice");
        notes.join().unwrap();
        assert_eq!(heap.noted(), 2);
    });
}

#[test]
fn forked_child_has_whole_tables_and_hands_out_what_is_free() {
    a_thread_forks_at_any_moment(|heap| {
        before_fork(&heap.owner, SECOND, || heap.chunks.load(Acquire))
    });
}

#[test]
#[should_panic(expected = "a chunk is handed out twice")]
fn fork_that_counts_chunks_before_it_has_the_lock_is_found_out() {
    a_thread_forks_at_any_moment(|heap| {
        let chunks = heap.chunks.load(Acquire);
        let (taken, _) = before_fork(&heap.owner, SECOND, || 0);
        (taken, chunks)
    });
}

/// Two threads take chunks at once.
fn two_threads_take_chunks(take: fn(&AtomicU64) -> u64) {
    check(move || {
        let chunks = Arc::new(AtomicU64::new(0));
        let theirs = Arc::clone(&chunks);
        let other = thread::spawn(move || [take(&theirs), take(&theirs)]);
        let mut all = vec![take(&chunks)];
        all.extend(other.join().unwrap());
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2], "two threads in one chunk");
    });
}

#[test]
fn chunk_goes_to_one_thread() {
    two_threads_take_chunks(|chunks| hand_out(chunks, 1, 3, |_| Some(())).unwrap().0);
}

#[test]
#[should_panic(expected = "two threads in one chunk")]
fn chunk_that_is_counted_in_two_steps_is_found_out() {
    two_threads_take_chunks(|chunks| {
        let first = chunks.load(Acquire);
        chunks.store(first + 1, Release);
        first
    });
}
