//! Child processes made by `fork`, and what they share with their parent: words of memory and a lock.
//!
//! All `unsafe` of the workloads with processes is here.

#![expect(
    unsafe_code,
    reason = "fork, shared mappings and their lock exist only as C functions"
)]

use std::ffi::c_void;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::AtomicU64;

use nix::errno::Errno;
use nix::libc;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

/// Forks: the child runs `work` and ends there, with status 0, or 101 if `work` panics.
///
/// Nothing is flushed at that end: flushing takes the lock of stdout, which another thread may have held at the fork
/// and then never gives back in the child. Whole lines need no flushing.
///
/// # Errors
/// The system's error if there can be no child.
pub fn spawn(work: impl FnOnce()) -> io::Result<Pid> {
    // SAFETY: the child never returns to its caller, and the C library makes the allocator usable in it even if other
    // threads ran. `work` must not take locks that another thread of the parent may hold; the workloads do not.
    let side = unsafe { fork() }?;
    match side {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let status = if catch_unwind(AssertUnwindSafe(work)).is_ok() {
                0
            } else {
                101
            };
            // SAFETY: always sound; `exit` would run the clean-up that belongs to the parent.
            unsafe { libc::_exit(status) }
        }
    }
}

/// Waits for all children.
///
/// # Errors
/// The first child that did not end with status 0, after all have ended.
pub fn join(children: Vec<Pid>) -> io::Result<()> {
    let mut joined = Ok(());
    for child in children {
        let ended = loop {
            match waitpid(child, None) {
                Err(Errno::EINTR) => (),
                ended => break ended?,
            }
        };
        if !matches!(ended, WaitStatus::Exited(_, 0)) && joined.is_ok() {
            joined = Err(io::Error::other(format!("child {child} failed: {ended:?}")));
        }
    }
    joined
}

/// Runs `work(0)` to `work(count - 1)` in a child process each, all at once, and waits for them.
///
/// # Errors
/// The system's error if a child cannot be made, else the first child that failed.
pub fn in_children(count: usize, work: impl Fn(usize)) -> io::Result<()> {
    let mut children = Vec::with_capacity(count);
    let mut forked = Ok(());
    for index in 0..count {
        match spawn(|| work(index)) {
            Ok(child) => children.push(child),
            Err(error) => {
                forked = Err(error);
                break;
            }
        }
    }
    let joined = join(children);
    forked.and(joined)
}

/// Memory that this process shares with the children it forks from now on.
#[derive(Debug)]
struct Mapping {
    start: NonNull<c_void>,
    bytes: NonZeroUsize,
}

impl Mapping {
    /// Maps zeroed memory, at least one byte.
    fn zeroed(bytes: usize) -> io::Result<Self> {
        let bytes = NonZeroUsize::new(bytes).unwrap_or(NonZeroUsize::MIN);
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new mapping at an address of the system's choice touches no memory in use.
        let start = unsafe { mmap_anonymous(None, bytes, protection, MapFlags::MAP_SHARED) }?;
        Ok(Self { start, bytes })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this object's own, and what borrowed from it is gone.
        let unmapped = unsafe { munmap(self.start, self.bytes.get()) };
        debug_assert!(unmapped.is_ok(), "munmap: {unmapped:?}");
    }
}

/// 64-bit words, zero at first, that this process shares with the children it forks from now on.
///
/// ```
/// use sample_workloads::processes::{SharedWords, in_children};
/// use std::sync::atomic::Ordering::Relaxed;
///
/// let words = SharedWords::zeroed(2)?;
/// in_children(2, |index| words[index].store(7, Relaxed))?;
/// assert_eq!((words[0].load(Relaxed), words[1].load(Relaxed)), (7, 7));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SharedWords {
    mapping: Mapping,
    count: usize,
}

impl SharedWords {
    /// Maps `count` words.
    ///
    /// # Errors
    /// The system's error if there is no such memory.
    pub fn zeroed(count: usize) -> io::Result<Self> {
        let mapping = Mapping::zeroed(count.saturating_mul(size_of::<AtomicU64>()))?;
        Ok(Self { mapping, count })
    }
}

impl Deref for SharedWords {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        let first = self.mapping.start.cast().as_ptr();
        // SAFETY: the mapping holds `count` words, page-aligned, for as long as `self`; any bits are a valid word,
        // and all processes change them only by atomic operations.
        unsafe { slice::from_raw_parts(first, self.count) }
    }
}

/// A lock among this process and the children it forks from now on. Who waits for it sleeps.
#[derive(Debug)]
pub struct SharedLock {
    mapping: Mapping,
}

impl SharedLock {
    /// Makes an open lock.
    ///
    /// # Errors
    /// The system's error if it has no memory or no locks between processes.
    pub fn new() -> io::Result<Self> {
        let lock = Self {
            mapping: Mapping::zeroed(size_of::<libc::pthread_mutex_t>())?,
        };
        let mut attributes = std::mem::MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        // SAFETY: the pointer is to writable memory of the right type.
        check(unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: initialised by the call before.
        check(unsafe {
            libc::pthread_mutexattr_setpshared(
                attributes.as_mut_ptr(),
                libc::PTHREAD_PROCESS_SHARED,
            )
        })?;
        // SAFETY: the mutex memory is ours, page-aligned and not in use yet; the attributes are initialised.
        check(unsafe { libc::pthread_mutex_init(lock.mutex(), attributes.as_ptr()) })?;
        // SAFETY: initialised above, and a mutex does not keep its attributes.
        check(unsafe { libc::pthread_mutexattr_destroy(attributes.as_mut_ptr()) })?;
        Ok(lock)
    }

    const fn mutex(&self) -> *mut libc::pthread_mutex_t {
        self.mapping.start.cast().as_ptr()
    }

    /// Waits until the lock is open and closes it, until the guard is dropped.
    ///
    /// # Panics
    /// If the system refuses, as it may when the same thread holds the lock already.
    pub fn lock(&self) -> SharedGuard<'_> {
        // SAFETY: `new` initialised the mutex, and its memory lives as long as `self`.
        let locked = check(unsafe { libc::pthread_mutex_lock(self.mutex()) });
        locked.expect("a mutex that is not held by this thread can be waited for");
        SharedGuard { lock: self }
    }
}

/// Keeps a [`SharedLock`] closed until it is dropped.
#[derive(Debug)]
pub struct SharedGuard<'a> {
    lock: &'a SharedLock,
}

impl Drop for SharedGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: this thread holds the mutex, which outlives the guard.
        let unlocked = check(unsafe { libc::pthread_mutex_unlock(self.lock.mutex()) });
        debug_assert!(unlocked.is_ok(), "unlock: {unlocked:?}");
    }
}

/// Turns what a pthread function returns into a result.
fn check(code: libc::c_int) -> io::Result<()> {
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(code))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn the_lock_excludes_other_processes() {
        let (words, lock) = (SharedWords::zeroed(2).unwrap(), SharedLock::new().unwrap());
        in_children(4, |_| {
            for _ in 0..50 {
                let guard = lock.lock();
                assert_eq!(words[0].swap(1, Relaxed), 0, "nobody else is inside");
                words[1].store(words[1].load(Relaxed) + 1, Relaxed);
                words[0].store(0, Relaxed);
                drop(guard);
            }
        })
        .unwrap();
        assert_eq!(words[1].load(Relaxed), 200);
    }
}
