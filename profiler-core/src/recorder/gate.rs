//! Who begins the recording: one thread of the process does, while no other thread forks; whoever comes meanwhile waits.
//!
//! One word says how far the decision is. A fork that copied a recording while it was being set up would leave the child with half of one, and
//! with nobody to finish it. So a fork keeps others from starting until it is over, and waits for a start that is under way:
//!
//! ```text
//!  bits 32..   process id of whoever wrote the word
//!  bits 2..32  forks under way, while nothing is decided
//!  bits 0..2   UNDECIDED, STARTING, RECORDING or OFF
//!
//!               ┌── fork begins, fork ends ──┐
//!               ▼                            │
//!           UNDECIDED ── no fork under way ──┴─▶ STARTING ──▶ RECORDING or OFF
//! ```
//!
//! A word of another process id was copied by a fork that ran no handlers: what that process was about to do is not under way here.
//!
//! `tests/loom.rs` compiles this very file over the words of a model checker (`make loom`).

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::words::AtomicU64;

/// Nobody has asked yet.
pub(super) const UNDECIDED: u64 = 0;
/// One thread is setting up the recording.
pub(super) const STARTING: u64 = 1;
/// There is a raw file.
pub(super) const RECORDING: u64 = 2;
/// This process is not recorded.
pub(super) const OFF: u64 = 3;

/// The bits of the four above.
const STATE: u64 = 3;
/// One fork under way.
const FORK: u64 = 4;
/// The bits that count forks.
const FORKS: u64 = (1 << 32) - FORK;

/// What the word says, without who wrote it.
pub(super) fn state(word: &AtomicU64) -> u64 {
    word.load(Acquire) & STATE
}

/// The process that wrote the word; 0 if none did.
pub(super) fn process(word: &AtomicU64) -> u32 {
    u32::try_from(word.load(Relaxed) >> 32).unwrap_or(0)
}

fn written_by(pid: u32, rest: u64) -> u64 {
    u64::from(pid) << 32 | rest
}

/// What a thread does that finds the recording undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It sets up the recording. `is_inherited` says that the process it was forked from was doing that.
    Starts { is_inherited: bool },
    /// Another thread does, or forks.
    Waits,
    /// It records.
    Records,
    /// It does not.
    Off,
}

/// Whose turn it is in process `pid`.
pub(super) fn turn(word: &AtomicU64, pid: u32) -> Turn {
    let mut found = word.load(Acquire);
    loop {
        let is_ours = found >> 32 == u64::from(pid);
        match found & STATE {
            RECORDING => return Turn::Records,
            OFF => return Turn::Off,
            STARTING if is_ours => return Turn::Waits,
            UNDECIDED if is_ours && found & FORKS != 0 => return Turn::Waits,
            state => {
                let starting = written_by(pid, STARTING);
                match word.compare_exchange(found, starting, AcqRel, Acquire) {
                    Ok(_) => {
                        let is_inherited = state == STARTING;
                        return Turn::Starts { is_inherited };
                    }
                    Err(now) => found = now,
                }
            }
        }
    }
}

/// The thread that sets up the recording is done: all it wrote is there for whoever sees `state`. Returns whether it still was its turn.
pub(super) fn decide(word: &AtomicU64, pid: u32, state: u64) -> bool {
    let starting = written_by(pid, STARTING);
    let decided = written_by(pid, state);
    word.compare_exchange(starting, decided, AcqRel, Relaxed)
        .is_ok()
}

/// Before a fork: returns whether it is counted as under way, which keeps others from starting. Waits for a start that is, as long as `wait` says
/// that there is sense in it.
pub(super) fn begin_fork(word: &AtomicU64, pid: u32, mut wait: impl FnMut() -> bool) -> bool {
    let mut found = word.load(Acquire);
    loop {
        let is_ours = found >> 32 == u64::from(pid);
        match found & STATE {
            UNDECIDED => {
                let others = if is_ours { found & FORKS } else { 0 };
                let counted = written_by(pid, others + FORK);
                match word.compare_exchange(found, counted, AcqRel, Acquire) {
                    Ok(_) => return true,
                    Err(now) => found = now,
                }
            }
            STARTING if is_ours && wait() => found = word.load(Acquire),
            _ => return false,
        }
    }
}

/// After a fork that was counted, in the parent.
pub(super) fn end_fork(word: &AtomicU64) {
    // Nobody decides anything before this.
    word.fetch_sub(FORK, AcqRel);
}

/// After a fork, in the child: no other thread forks here, or starts anything. Returns the state that it finds.
pub(super) fn begin_child(word: &AtomicU64) -> u64 {
    let state = word.load(Acquire) & STATE;
    if state == UNDECIDED {
        word.store(UNDECIDED, Relaxed);
    }
    state
}

/// A call was lost while the recording was being set up; returns whether there is a recording by now, which [`settle`] can add it to.
pub(super) fn lose(word: &AtomicU64, lost: &AtomicU64) -> bool {
    // Either whoever sets up finds this count, or this thread finds the recording.
    lost.fetch_add(1, AcqRel);
    state(word) == RECORDING
}

/// Adds the calls that were lost to the count of the recording, which there is.
pub(super) fn settle(lost: &AtomicU64, count: &AtomicU64) {
    count.fetch_add(lost.swap(0, AcqRel), Relaxed);
}

/// Ends the decision for good: not recorded.
pub(super) fn give_up(word: &AtomicU64) {
    word.store(OFF, Release);
}
