//! A moment by both clocks of a thread: that of the machine, and the thread's own, which stands still while the recorder looks at the memory.

use core::sync::atomic::Ordering::Relaxed;

use super::protocol::add;
use super::state;
use crate::raw::layout::ThreadRecord;

/// Of one thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Ticks of the machine's clock.
    pub(super) raw: u64,
    /// Ticks of the thread's own.
    pub(super) own: u64,
}

impl Moment {
    /// This one.
    pub(super) fn now(thread: &ThreadRecord) -> Self {
        Self::at_raw(thread, state::ticks())
    }

    /// A moment since which the recorder has not looked, by the machine's clock.
    pub(super) fn at_raw(thread: &ThreadRecord, raw: u64) -> Self {
        let own = raw.wrapping_sub(thread.own_ticks.load(Relaxed));
        Self { raw, own }
    }

    /// The same by the thread's own.
    pub(super) fn at_own(thread: &ThreadRecord, own: u64) -> Self {
        let raw = own.wrapping_add(thread.own_ticks.load(Relaxed));
        Self { raw, own }
    }
}

/// The thread's own clock stood still for so long.
pub(super) fn stand_still(thread: &ThreadRecord, ticks: u64) {
    add(&thread.own_ticks, ticks);
}
