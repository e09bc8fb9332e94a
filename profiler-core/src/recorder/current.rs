//! The thread-local word: which record this thread writes to.
//!
//! It has no destructor, so it is valid before the first and after the last thing a thread does. It begins with the record of the sink.
//!
//! On x86-64 Linux the word is defined in assembly, so that the marker of an async body can read it inside its `asm!` block. There a
//! `thread_local!` would be a call that may unwind, as every call of a coroutine: it ends the basic block, and LLVM moves the user's
//! arithmetic from one line to another. The word is found by the *initial-exec* rule of thread-local storage (ELF Handling For Thread-Local
//! Storage, U. Drepper, section 4.3.6), which the linker makes a constant in programs and which libraries loaded later may use too.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[macro_use]
mod word {
    use crate::raw::layout::ThreadRecord;

    /// The name of the word: hidden from other linked objects, and not that of another version of this crate.
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
        concat!(".size ", current_word!(), ", 8"),
        concat!(current_word!(), ":"),
        ".quad {sink}",
        ".popsection",
        sink = sym super::super::thread::SINK,
    );

    #[inline(always)]
    pub(super) fn load() -> *const ThreadRecord {
        let record;
        // SAFETY: reads the word of this thread.
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

    pub(super) fn store(record: *const ThreadRecord) {
        // SAFETY: writes the word of this thread.
        unsafe {
            core::arch::asm!(
                concat!("mov {at}, qword ptr [rip + ", current_word!(), "@gottpoff]"),
                "mov qword ptr fs:[{at}], {record}",
                at = out(reg) _,
                record = in(reg) record,
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod word {
    use core::cell::Cell;

    use super::super::thread::SINK;
    use crate::raw::layout::ThreadRecord;

    thread_local! {
        static CURRENT: Cell<*const ThreadRecord> = const { Cell::new(&raw const SINK.thread) };
    }

    #[inline(always)]
    pub(super) fn load() -> *const ThreadRecord {
        CURRENT.with(Cell::get)
    }

    pub(super) fn store(record: *const ThreadRecord) {
        CURRENT.with(|current| current.set(record));
    }
}

use crate::raw::layout::ThreadRecord;

/// The record that this thread writes to.
#[inline(always)]
pub(crate) fn current() -> &'static ThreadRecord {
    // SAFETY: the word holds the address of the sink's record, or of one that was given to `set_current`.
    unsafe { &*word::load() }
}

/// Sets the record that this thread writes to, and returns the one before.
pub(super) fn set_current(thread: &'static ThreadRecord) -> &'static ThreadRecord {
    let before = current();
    word::store(thread);
    before
}
