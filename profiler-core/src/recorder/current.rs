//! The thread-local words: which record this thread writes to, and the counters of the allocator.
//!
//! They have no destructor, so they are valid before the first and after the last thing a thread does. The record is first that of the sink.
//!
//! On x86-64 Linux they are defined in assembly, so that the marker of an async body can read the record inside its `asm!` block. There a
//! `thread_local!` would be a call that may unwind, as every call of a coroutine: it ends the basic block, and LLVM moves the user's
//! arithmetic from one line to another. The words are found by the *initial-exec* rule of thread-local storage (ELF Handling For Thread-Local
//! Storage, U. Drepper, section 4.3.6), which the linker makes a constant in programs and which libraries loaded later may use too.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[macro_use]
mod word {
    use super::Local;
    use crate::raw::layout::ThreadRecord;

    /// The name of the words: hidden from other linked objects, and not that of another version of this crate.
    macro_rules! current_word {
        () => {
            concat!(
                "hprof_current_",
                env!("CARGO_PKG_VERSION_MAJOR"),
                "_",
                env!("CARGO_PKG_VERSION_MINOR"),
                "_",
                env!("CARGO_PKG_VERSION_PATCH")
            )
        };
    }

    core::arch::global_asm!(
        ".pushsection .tdata.hprof_current, \"awT\", @progbits",
        ".p2align 3",
        concat!(".globl ", current_word!()),
        concat!(".hidden ", current_word!()),
        concat!(".type ", current_word!(), ", @object"),
        concat!(".size ", current_word!(), ", {size}"),
        concat!(current_word!(), ":"),
        ".quad {sink}",
        ".zero {size} - 8",
        ".popsection",
        sink = sym super::super::sink::SINK,
        size = const size_of::<Local>(),
    );

    #[inline(always)]
    pub(super) fn address() -> *const Local {
        let address;
        // SAFETY: computes an address; `fs:[0]` holds that of the thread's own storage.
        unsafe {
            core::arch::asm!(
                concat!("mov {address}, qword ptr [rip + ", current_word!(), "@gottpoff]"),
                "add {address}, qword ptr fs:[0]",
                address = out(reg) address,
                options(pure, nomem, nostack),
            );
        }
        address
    }

    #[inline(always)]
    pub(super) fn record() -> *const ThreadRecord {
        let record;
        // SAFETY: reads the first word of this thread.
        unsafe {
            core::arch::asm!(
                concat!("mov {record}, qword ptr [rip + ", current_word!(), "@gottpoff]"),
                "mov {record}, qword ptr fs:[{record}]",
                record = out(reg) record,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        record
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod word {
    use core::cell::Cell;

    use super::super::sink::SINK;
    use super::Local;
    use crate::raw::layout::ThreadRecord;

    thread_local! {
        static LOCAL: Local = const {
            Local {
                record: Cell::new(&SINK.thread),
                thin: Cell::new(0),
                left: Cell::new(0),
                free_left: Cell::new(0),
                granted: Cell::new(0),
                free_granted: Cell::new(0),
                owed: Cell::new(0),
                until_note: Cell::new(0),
                random: Cell::new(0),
                level: Cell::new(0),
                counted: Cell::new(0),
            }
        };
    }

    #[inline(always)]
    pub(super) fn address() -> *const Local {
        LOCAL.with(|local| &raw const *local)
    }

    #[inline(always)]
    pub(super) fn record() -> *const ThreadRecord {
        LOCAL.with(|local| core::ptr::from_ref(local.record.get()))
    }
}

use core::cell::Cell;

use super::sink::SINK;
use crate::raw::layout::ThreadRecord;

/// What a thread has of its own, in one place: the allocator finds it with one address.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Local {
    /// The record that this thread writes to.
    pub(crate) record: Cell<&'static ThreadRecord>,
    /// Distance from the counters of the thin functions in the executable to those of this thread; 0 as long as it has none.
    pub(crate) thin: Cell<usize>,
    /// Bytes that may be allocated before the allocator must look up.
    pub(crate) left: Cell<i64>,
    /// Bytes that may be freed before it must.
    pub(crate) free_left: Cell<i64>,
    /// What `left` was when the allocator looked up.
    pub(crate) granted: Cell<i64>,
    /// What `free_left` was then.
    pub(crate) free_granted: Cell<i64>,
    /// Bytes allocated less bytes freed up to then that the process' count does not know yet.
    pub(crate) owed: Cell<i64>,
    /// Bytes to the next block that is noted, as they were then.
    pub(crate) until_note: Cell<i64>,
    /// State of the thread's random numbers; 0 before the first.
    pub(crate) random: Cell<u64>,
    /// Which blocks are noted, as this thread knows it; see `memory::weight`.
    pub(crate) level: Cell<u32>,
    /// Whether we are told when the thread ends; see `memory::total`.
    pub(crate) counted: Cell<u32>,
}

// In assembly the record is the first word.
const _: () = assert!(core::mem::offset_of!(Local, record) == 0);

/// What this thread has of its own.
#[inline(always)]
pub(crate) fn with_local<R>(work: impl FnOnce(&Local) -> R) -> R {
    // SAFETY: the words of this thread, which the closure cannot keep, and no other thread knows.
    work(unsafe { &*word::address() })
}

/// Tells this thread from all others of the process. The only thread of a forked child has the address that it had in the parent.
pub(super) fn thread_address() -> usize {
    word::address().addr()
}

/// The record that this thread writes to.
#[inline(always)]
pub(crate) fn current() -> &'static ThreadRecord {
    let record = word::record();
    // SAFETY: the word holds the address of the sink's record, or of one that was given to `set_current`.
    unsafe { core::hint::assert_unchecked(!record.is_null()) };
    // SAFETY: as above; records are never unmapped.
    unsafe { &*record }
}

/// Sets the record that this thread writes to, and returns the one before.
pub(super) fn set_current(thread: &'static ThreadRecord) -> &'static ThreadRecord {
    with_local(|local| local.record.replace(thread))
}

/// Does something of the recorder's own that may allocate: on no line.
pub(crate) fn as_nobody<R>(work: impl FnOnce() -> R) -> R {
    let before = set_current(&SINK.thread);
    let result = work();
    set_current(before);
    result
}
