//! What the parts of the heap that threads share are made of, so that a model checker can put words of its own in their place.

pub(super) use core::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize};

use crate::recorder::{errno, lasting_memory, return_memory, set_errno};

/// Turns in which a thread waits without giving up its processor, and then without sleeping.
const SPINS: u32 = 100;
const YIELDS: u32 = 200;
/// How long it sleeps then: the holder of the lock may have lost its processor, or fork.
const NAP_NS: i64 = 50_000;

/// Waits for another thread to go on, for the so-manieth time.
pub(super) fn wait(turn: u32) {
    if turn < SPINS {
        core::hint::spin_loop();
    } else if turn < YIELDS {
        // SAFETY: no arguments.
        unsafe { libc::sched_yield() };
    } else {
        nap();
    }
}

#[cold]
fn nap() {
    let nap = libc::timespec {
        tv_sec: 0,
        tv_nsec: NAP_NS,
    };
    // Programs do not expect that an allocation changes the number.
    let errno = errno();
    // SAFETY: a valid time; a signal may end it early.
    unsafe { libc::nanosleep(&raw const nap, core::ptr::null_mut()) };
    set_errno(errno);
}

/// Memory for so many values that are valid when all their bytes are 0.
pub(super) fn zeroed<T>(count: usize) -> Option<*mut T> {
    Some(lasting_memory(count.checked_mul(size_of::<T>())?)?.cast())
}

/// Gives memory of [`zeroed`] back.
pub(super) fn give_back<T>(memory: *mut T, count: usize) {
    return_memory(memory.cast(), count * size_of::<T>());
}
