//! What the recorder asks the system about its thread and its process.

use core::ffi::c_void;
use core::mem::MaybeUninit;

/// The number of this thread in the system.
pub(super) fn thread_id() -> u32 {
    #[cfg(target_os = "linux")]
    // SAFETY: no arguments.
    let id = unsafe { libc::gettid() }.cast_unsigned();
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::cast_possible_truncation, reason = "only told apart by it")]
    // SAFETY: no arguments.
    let id = unsafe { libc::pthread_self() } as usize as u32;
    id
}

/// Whether whoever set the environment may do less than this process: it must not make files where they say.
pub(super) fn has_more_rights_than_its_user() -> bool {
    #[cfg(target_os = "linux")]
    // SAFETY: only reads what the system told the process.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    #[cfg(not(target_os = "linux"))]
    // SAFETY: no arguments.
    let secure = unsafe { libc::issetugid() } != 0;
    secure
}

/// Keeps the library this is part of, if it is one, from being unloaded: threads and handlers of the recorder run in it.
pub(super) fn pin_library() {
    #[cfg(not(target_feature = "crt-static"))]
    {
        let mut facts = MaybeUninit::<libc::Dl_info>::zeroed();
        let here = pin_library as *const () as *const c_void;
        // SAFETY: an address of ours, and a valid place for the answer.
        if unsafe { libc::dladdr(here, facts.as_mut_ptr()) } == 0 {
            return;
        }
        // SAFETY: all zeroes is a value of this plain structure, and the call filled it.
        let facts = unsafe { facts.assume_init() };
        if facts.dli_fname.is_null() {
            return;
        }
        let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
        // SAFETY: the name is terminated. Nothing is loaded: it is there already, or not found.
        unsafe { libc::dlopen(facts.dli_fname, flags) };
    }
}

/// The CPU clock of a thread, as the system numbers it: the complement of the thread id, "per thread", "scheduled time".
#[cfg(target_os = "linux")]
pub(super) const fn cpu_clock(tid: u32) -> libc::clockid_t {
    (!tid).cast_signed() << 3 | 0b110
}

/// Whether a signal handler runs on a stack of its own.
pub(super) fn is_on_signal_stack() -> bool {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: only asks; a valid place for the answer.
    unsafe { libc::sigaltstack(core::ptr::null(), stack.as_mut_ptr()) };
    // SAFETY: all zeroes is a value of this plain structure.
    unsafe { stack.assume_init() }.ss_flags & libc::SS_ONSTACK != 0
}

/// The signals that this thread blocks: the first 64, which are all there are on Linux.
pub(super) fn blocked_signals() -> u64 {
    let mut now = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: only asks; a valid place for the answer.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, core::ptr::null(), now.as_mut_ptr()) };
    let mut bits = 0_u64;
    let length = size_of::<libc::sigset_t>().min(size_of::<u64>());
    // SAFETY: both have that many bytes, and any bytes are a number.
    unsafe {
        core::ptr::copy_nonoverlapping(
            now.as_ptr().cast::<u8>(),
            (&raw mut bits).cast::<u8>(),
            length,
        );
    }
    bits
}

/// Blocks all signals for this thread; returns those that were before.
pub(super) fn block_signals() -> libc::sigset_t {
    let (mut all, mut before) = (MaybeUninit::zeroed(), MaybeUninit::zeroed());
    // SAFETY: a valid place, which this fills.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set is filled, and the other place is valid.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    // SAFETY: a set of signals may be any bytes, zeroes if the call failed.
    unsafe { before.assume_init() }
}

/// Gives the thread the signals back that [`block_signals`] returned.
pub(super) fn restore_signals(before: &libc::sigset_t) {
    // SAFETY: a valid set.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, core::ptr::null_mut()) };
}

/// What this thread used so far.
pub(super) struct Usage {
    /// Page faults.
    pub(super) faults: u64,
    /// CPU time, microseconds.
    pub(super) cpu_us: u64,
}

impl Usage {
    pub(super) fn of_thread() -> Self {
        #[cfg(target_os = "linux")]
        const WHO: libc::c_int = libc::RUSAGE_THREAD;
        #[cfg(not(target_os = "linux"))]
        const WHO: libc::c_int = libc::RUSAGE_SELF;
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: a valid place for the answer.
        unsafe { libc::getrusage(WHO, usage.as_mut_ptr()) };
        // SAFETY: all zeroes is a value of this plain structure.
        let usage = unsafe { usage.assume_init() };
        let micros = |time: libc::timeval| {
            let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
            seconds * 1_000_000 + u64::try_from(time.tv_usec).unwrap_or(0)
        };
        Self {
            faults: (usage.ru_minflt.cast_unsigned()).wrapping_add(usage.ru_majflt.cast_unsigned()),
            cpu_us: micros(usage.ru_utime) + micros(usage.ru_stime),
        }
    }
}

/// The place of `errno`: a marker must not change it.
fn errno_place() -> *mut libc::c_int {
    #[cfg(target_os = "linux")]
    // SAFETY: no arguments.
    let place = unsafe { libc::__errno_location() };
    #[cfg(not(target_os = "linux"))]
    // SAFETY: no arguments.
    let place = unsafe { libc::__error() };
    place
}

/// What `errno` is now: the recorder puts it back after calls that may change it.
pub(crate) fn errno() -> libc::c_int {
    // SAFETY: a valid place while the thread lives.
    unsafe { errno_place().read() }
}

/// Puts `errno` back.
pub(crate) fn set_errno(number: libc::c_int) {
    // SAFETY: a valid place while the thread lives.
    unsafe { errno_place().write(number) };
}
