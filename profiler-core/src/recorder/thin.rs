//! Thin functions: those that cannot be worth a frame. A call counts itself and nothing else, in an array of its thread.
//!
//! Every thin function has a [`Thin`] in a section of the executable. An array of a thread is as long as that section, and a thread-local word holds the distance
//! between the two, so a call needs no index:
//!
//! ```text
//!  call of t:   [&t + distance].left -= 1;  if it is not below 0 { stub(&t) }
//! ```
//!
//! A cell begins at 1, so the first call of each thread goes the slow way, which gives the site its number. A thread without an array has the distance 0 and counts
//! down [`Thin::nobody`], which is always above 0: it goes the slow way too. There is no test that LLVM can see. Of the five instructions two are constants, which
//! LLVM keeps in registers where a function has several such calls, or a loop has one.
//! `thin_array` has the instructions and the arrays; here is the slow way.
//!
//! Where a thread cannot have an array, its calls count with atomic additions in one that such threads share: slower, and as exact. What a process that is not
//! recorded counts goes to a few arrays that nobody reads.

use core::sync::atomic::Ordering::Relaxed;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::thin_array::count_thin_call;
use super::{enter, os, sink, sites, start, state, thin_array};
use crate::raw::layout::ThinCell;
use crate::site::Thin;

/// Counts a call of a thin function.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[inline(always)]
pub fn thin_call(thin: &'static Thin) {
    count_thin_call!(thin, stub);
}

/// Counts a call of a thin function.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[inline(always)]
pub fn thin_call(thin: &'static Thin) {
    if !thin_array::count_own(thin) {
        slow_call(thin);
    }
}

/// Calls [`slow_call`] with what was pushed on the stack, which it takes off; changes no register but the flags, the vector registers included.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[unsafe(naked)]
extern "C" fn stub() {
    core::arch::naked_asm!(
        "push rbx",
        "push rax",
        "push rcx",
        "push rdx",
        "push rsi",
        "push rdi",
        "push r8",
        "push r9",
        "push r10",
        "push r11",
        "mov rdi, qword ptr [rsp + 88]",
        "mov rbx, rsp",
        "sub rsp, {state_bytes}",
        "and rsp, -64",
        "xor eax, eax",
        "mov qword ptr [rsp + 512], rax",
        "mov qword ptr [rsp + 520], rax",
        "mov qword ptr [rsp + 528], rax",
        "mov qword ptr [rsp + 536], rax",
        "mov qword ptr [rsp + 544], rax",
        "mov qword ptr [rsp + 552], rax",
        "mov qword ptr [rsp + 560], rax",
        "mov qword ptr [rsp + 568], rax",
        "mov eax, {state_mask}",
        "xor edx, edx",
        "xsave64 [rsp]",
        "cld",
        "call {slow_call}",
        "mov eax, {state_mask}",
        "xor edx, edx",
        "xrstor64 [rsp]",
        "mov rsp, rbx",
        "pop r11",
        "pop r10",
        "pop r9",
        "pop r8",
        "pop rdi",
        "pop rsi",
        "pop rdx",
        "pop rcx",
        "pop rax",
        "pop rbx",
        "ret 8",
        state_bytes = const super::marker::x86_64::STATE_BYTES,
        state_mask = const super::marker::x86_64::STATE_MASK,
        slow_call = sym slow_call,
    );
}

/// A call that is the first of its thread, or the first of the function in it. What the call counted down is not below 0.
#[cold]
#[inline(never)]
extern "C" fn slow_call(thin: &'static Thin) {
    let errno = os::errno();
    if let Some(cell) = thin_array::own_cell(thin) {
        // The call has taken its 1 off.
        note_site(thin, cell);
    } else if start::recording() {
        match begin_thread().and_then(|()| thin_array::own_cell(thin)) {
            Some(cell) => {
                let left = cell.left.load(Relaxed).wrapping_sub(1);
                cell.left.store(left, Relaxed);
                if left >= 0 {
                    note_site(thin, cell);
                }
            }
            None => count_together(thin),
        }
    } else if sink::is_idle_for_ever() {
        thin_array::begin_unread();
    }
    os::set_errno(errno);
}

/// The first call of a function in this thread: its cell gets the number of the site. Where there is none left, each call comes here and is counted as lost.
fn note_site(thin: &Thin, cell: &ThinCell) {
    let site = thin.site;
    match sites::register(&site.id, &site.facts, &site.lines) {
        Some(number) => cell.site.store(number, Relaxed),
        None => {
            cell.left.store(1, Relaxed);
            state::lost_call();
        }
    }
}

/// Gives this thread an array; `None` if it cannot have one.
fn begin_thread() -> Option<()> {
    let thread = enter::attached()?;
    thin_array::begin(thread)
}

/// Counts a call in the array of all threads that have none of their own.
fn count_together(thin: &Thin) {
    let Some(array) = thin_array::shared_array() else {
        return state::lost_call();
    };
    let cell = thin_array::cell_in(array, thin);
    if cell.site.load(Relaxed) == 0 {
        let site = thin.site;
        let Some(number) = sites::register(&site.id, &site.facts, &site.lines) else {
            return state::lost_call();
        };
        cell.site.store(number, Relaxed);
    }
    cell.left.fetch_sub(1, Relaxed);
}
