//! The functions that the macro left as they are: found in their section of the executable, noted in the raw file as the
//! recording begins.

use core::sync::atomic::Ordering::{Relaxed, Release};

use super::space::{self, SharedLock};
use super::state::CAPACITY;
use crate::raw::layout::{KIND_NOT_MEASURED, NotMeasuredRecord};
use crate::raw::writer::padded;
use crate::site::NotMeasured;

/// The part of the file that the notes may take, at most: one in so many bytes.
const SHARE: usize = 32;

/// Makes the section, and with it the symbols at its ends, where nothing else does.
#[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_not_measured"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_not_meas"))]
#[used]
static EMPTY: [&NotMeasured; 0] = [];

// The linker defines these: the first entry of the section, and the place after its last.
unsafe extern "C" {
    #[cfg_attr(target_os = "linux", link_name = "__start_hprof_not_measured")]
    #[cfg_attr(
        target_os = "macos",
        link_name = "\x01section$start$__DATA$hprof_not_meas"
    )]
    static FIRST: [usize; 0];
    #[cfg_attr(target_os = "linux", link_name = "__stop_hprof_not_measured")]
    #[cfg_attr(
        target_os = "macos",
        link_name = "\x01section$end$__DATA$hprof_not_meas"
    )]
    static END: [usize; 0];
}

/// Writes a record for each function, as long as there is room to spare.
pub(super) fn note() {
    let Some(lock) = SharedLock::take() else {
        return;
    };
    let mut left = CAPACITY.load(Relaxed) / SHARE;
    for function in all() {
        let bytes = padded(bytes(function));
        if bytes > left || write(&lock, function).is_none() {
            return;
        }
        left -= bytes;
    }
}

/// What the section holds.
fn all() -> &'static [&'static NotMeasured] {
    let first = (&raw const FIRST).cast::<&NotMeasured>();
    let bytes = (&raw const END).addr() - first.addr();
    // SAFETY: whoever puts something into the section, the macro alone, puts such references there; the linker lays them side by
    // side. They are constants, and the library that holds them is never unloaded.
    unsafe { core::slice::from_raw_parts(first, bytes / size_of::<&NotMeasured>()) }
}

fn texts(function: &NotMeasured) -> [&'static str; 3] {
    [function.module, function.name, function.file]
}

fn bytes(function: &NotMeasured) -> usize {
    let texts = texts(function).map(str::len);
    size_of::<NotMeasuredRecord>() + texts.iter().sum::<usize>()
}

fn write(lock: &SharedLock, function: &NotMeasured) -> Option<()> {
    let place = space::shared_record(lock, bytes(function))?;
    // SAFETY: the record has room for this structure, is zeroed and aligned, and the lock makes it ours.
    let record = unsafe { &*place.cast::<NotMeasuredRecord>() };
    record.why.store(function.why as u32, Relaxed);
    record.line.store(function.line, Relaxed);
    let lengths = [&record.module_len, &record.name_len, &record.file_len];
    let mut at = place.wrapping_add(size_of::<NotMeasuredRecord>());
    for (length, text) in lengths.into_iter().zip(texts(function)) {
        length.store(u32::try_from(text.len()).ok()?, Relaxed);
        // SAFETY: the strings follow the record, and there is room for all of them.
        unsafe { core::ptr::copy_nonoverlapping(text.as_ptr(), at, text.len()) };
        at = at.wrapping_add(text.len());
    }
    // A reader that sees the kind sees the whole record.
    record.head.kind.store(KIND_NOT_MEASURED, Release);
    Some(())
}
