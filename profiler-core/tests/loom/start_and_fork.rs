//! One thread sets up the recording while others fork, or come too early: a child has a whole recording or none, and no lost call is forgotten.

use std::sync::Arc;

use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::{AcqRel, Relaxed};
use loom::thread;

use super::check;
use super::gate::{
    OFF, RECORDING, STARTING, Turn, UNDECIDED, begin_child, begin_fork, decide, end_fork, give_up,
    lose, process, settle, state, turn,
};

/// Ids of the process and of its child.
const PARENT: u32 = 1;
const CHILD: u32 = 2;

/// The memory of a process, as far as the start of a recording goes.
#[derive(Default)]
struct Memory {
    word: AtomicU64,
    /// What setting up writes.
    settings: [AtomicU64; 2],
    /// Calls that were lost early, and the count of the recording.
    lost: AtomicU64,
    count: AtomicU64,
}

impl Memory {
    /// A thread enters its first body; returns whether its call is recorded.
    fn enter(&self, pid: u32, mut naps: u32, lose: Lose) -> bool {
        loop {
            match turn(&self.word, pid) {
                Turn::Records => {
                    for word in &self.settings {
                        assert_eq!(word.load(Relaxed), 1, "half a recording");
                    }
                    return true;
                }
                Turn::Starts { is_inherited } => {
                    assert!(!is_inherited, "a start that nobody finishes");
                    for word in &self.settings {
                        assert_eq!(word.swap(1, Relaxed), 0, "two starts");
                    }
                    assert!(decide(&self.word, pid, RECORDING));
                    settle(&self.lost, &self.count);
                    return true;
                }
                Turn::Waits if naps > 0 => {
                    naps -= 1;
                    thread::yield_now();
                }
                Turn::Waits => {
                    if lose(&self.word, &self.lost) {
                        settle(&self.lost, &self.count);
                    }
                    return false;
                }
                Turn::Off => return false,
            }
        }
    }

    /// As a fork copies it: not all at one moment.
    fn copied(&self) -> Self {
        let copy = |word: &AtomicU64| AtomicU64::new(word.load(Relaxed));
        let first = copy(&self.settings[0]);
        let word = copy(&self.word);
        Self {
            word,
            settings: [first, copy(&self.settings[1])],
            lost: AtomicU64::new(0),
            count: AtomicU64::new(0),
        }
    }
}

type Lose = fn(&AtomicU64, &AtomicU64) -> bool;
/// Returns whether the fork is counted, and whether it waited in vain.
type BeginFork = fn(&AtomicU64) -> (bool, bool);

/// Waits for a moment: the checker also tries what becomes of a fork that waits for too short a time.
fn with_patience(word: &AtomicU64) -> (bool, bool) {
    let mut naps = 2;
    let is_counted = begin_fork(word, PARENT, || {
        thread::yield_now();
        naps -= 1;
        naps > 0
    });
    (is_counted, naps == 0)
}

/// What a fork does around the copy, and what its child then finds.
fn fork_once(memory: &Memory, begin_fork: BeginFork) {
    let (is_counted, in_vain) = begin_fork(&memory.word);
    let recorded = state(&memory.word) == RECORDING;
    let child = memory.copied();
    if is_counted {
        end_fork(&memory.word);
    }
    let found = begin_child(&child.word);
    if in_vain && (found == STARTING || found == RECORDING && !recorded) {
        // Off, and said so.
        return give_up(&child.word);
    }
    assert_ne!(found, STARTING, "a start that nobody finishes");
    assert_eq!(found == RECORDING, recorded, "a recording nobody noted");
    let whole = u64::from(recorded);
    for word in &child.settings {
        assert_eq!(word.load(Relaxed), whole, "half of what nobody finishes");
    }
    // Its first call is recorded: by what it was left, or by a start of its own.
    assert!(child.enter(CHILD, 0, lose));
}

/// Two threads fork while a third one sets up the recording.
fn forks_come_at_any_moment(begin_fork: BeginFork) {
    check(move || {
        let memory: Arc<Memory> = Arc::default();
        let starting = Arc::clone(&memory);
        let starter = thread::spawn(move || starting.enter(PARENT, 2, lose));
        let forking = Arc::clone(&memory);
        let forker = thread::spawn(move || fork_once(&forking, begin_fork));
        fork_once(&memory, begin_fork);
        let started = starter.join().unwrap();
        forker.join().unwrap();
        // Nobody else enters a body, so either this thread set up the recording or nobody did, and its call is lost.
        let expected = if started { RECORDING } else { UNDECIDED };
        assert_eq!(state(&memory.word), expected);
        assert_eq!(memory.lost.load(Relaxed), u64::from(!started));
        // The forks are over: the next call has its turn.
        assert!(memory.enter(PARENT, 0, lose));
        assert_eq!(memory.count.load(Relaxed), u64::from(!started));
    });
}

#[test]
fn forked_child_has_a_whole_recording_or_none() {
    forks_come_at_any_moment(with_patience);
}

#[test]
#[should_panic(expected = "nobody")]
fn fork_that_waits_for_no_start_is_found_out() {
    forks_come_at_any_moment(|_| (false, false));
}

/// The handlers came too late, or a fork ran none: what the parent was about to do is no business of the child.
#[test]
fn child_of_a_fork_without_handlers_takes_its_own_turn() {
    check(|| {
        let memory: Arc<Memory> = Arc::default();
        let starting = Arc::clone(&memory);
        let starter = thread::spawn(move || assert!(starting.enter(PARENT, 0, lose)));
        let child = memory.copied();
        let expected = match (state(&child.word), process(&child.word)) {
            (STARTING, PARENT) => Turn::Starts { is_inherited: true },
            (UNDECIDED, _) => Turn::Starts {
                is_inherited: false,
            },
            _ => Turn::Records,
        };
        assert_eq!(turn(&child.word, CHILD), expected);
        give_up(&child.word);
        assert_eq!(turn(&child.word, CHILD), Turn::Off);
        assert_eq!(state(&child.word), OFF);
        starter.join().unwrap();
    });
}

/// Three threads enter at once; those that find another one at work do not wait for it.
fn threads_come_too_early(lose: Lose) {
    check(move || {
        let memory: Arc<Memory> = Arc::default();
        let early = || {
            let memory = Arc::clone(&memory);
            thread::spawn(move || u64::from(memory.enter(PARENT, 0, lose)))
        };
        let (first, second) = (early(), early());
        let here = u64::from(memory.enter(PARENT, 0, lose));
        let recorded = here + first.join().unwrap() + second.join().unwrap();
        assert!(recorded > 0);
        let count = memory.count.load(Relaxed);
        assert_eq!(recorded + count, 3, "a lost call was forgotten");
    });
}

#[test]
fn calls_lost_while_another_thread_starts_are_counted() {
    threads_come_too_early(lose);
}

#[test]
#[should_panic(expected = "a lost call was forgotten")]
fn loss_that_is_not_looked_after_is_found_out() {
    threads_come_too_early(|_, lost| {
        lost.fetch_add(1, AcqRel);
        false
    });
}
