//! The lock on the tables of noted blocks and the sums of lines, and whether this thread holds it for a fork.

use core::sync::atomic::AtomicUsize;

use super::protocol::{self, Answer};
use crate::recorder::with_local;

/// Who holds the lock, by the address of its [`Local`]; 0 if nobody does.
static OWNER: AtomicUsize = AtomicUsize::new(0);
/// The lock, as long as this lives.
pub(super) struct Lock(());

/// Takes the lock, or says why it cannot be had.
pub(super) fn take() -> Result<Lock, Answer> {
    match protocol::take(&OWNER, me()) {
        Answer::Taken => Ok(Lock(())),
        other => Err(other),
    }
}

/// The lock that this thread holds for a fork.
pub(super) const fn of_fork() -> Lock {
    Lock(())
}

/// Lets the lock go that this thread holds for a fork.
pub(super) fn let_go() {
    protocol::let_go(&OWNER);
}

impl Drop for Lock {
    fn drop(&mut self) {
        let_go();
    }
}

/// The number of this thread.
fn me() -> usize {
    with_local(|local| core::ptr::from_ref(local).addr())
}

/// Takes the lock for a fork, under which chunks are counted. Returns whether it was there to be had, and the count.
pub(super) fn before_fork(count_chunks: impl FnOnce() -> u64) -> (bool, u64) {
    protocol::before_fork(&OWNER, me(), count_chunks)
}

/// Whether this thread forks: its counts must not go to the file, which may be the parent's.
pub(super) fn is_forking() -> bool {
    protocol::is_forking(&OWNER, me())
}
