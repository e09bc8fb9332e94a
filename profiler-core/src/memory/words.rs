//! What the parts of the heap that threads share are made of, so that a model checker can put words of its own in their place.

pub(super) use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize};

use crate::recorder::{lasting_memory, return_memory};

/// Turns in which a thread waits without giving up its processor.
const SPINS: u32 = 100;

/// Waits for another thread to go on, for the so-manieth time.
pub(super) fn wait(turn: u32) {
    if turn < SPINS {
        core::hint::spin_loop();
    } else {
        // SAFETY: no arguments.
        unsafe { libc::sched_yield() };
    }
}

/// Memory for so many values that are valid when all their bytes are 0.
pub(super) fn zeroed<T>(count: usize) -> Option<*mut T> {
    Some(lasting_memory(count.checked_mul(size_of::<T>())?)?.cast())
}

/// Gives memory of [`zeroed`] back.
pub(super) fn give_back<T>(memory: *mut T, count: usize) {
    return_memory(memory.cast(), count * size_of::<T>());
}
