//! The marker: counts a hit, publishes the running line and, while the line is timed, hands over to the stub that reads the clock.
//!
//! On x86-64 the whole marker is one `asm!` block. A test that LLVM can see lets it move the user's arithmetic from one line to
//! another, and line times become garbage; inside the block it is hidden. Elsewhere a marker has no test, and the
//! clock is sampled.
//!
//! ```text
//!  marker of cell c, thread h:   c.hits += 1;  h.cell = c;  if c.state | h.open != 0 { stub(h, c) }
//! ```
//!
//! The stub ends the running interval and begins the next. An interval is either *open* (`h.open`: exactly timed, added to its cell) or
//! a *gap* (`h.gap`: between the exact markers around it lie only lines that do not read the clock; its exact length is added to
//! `gap_time` of the line where it began, and samples split it later).
//!
//! ```text
//!            timed A      hot B    hot C    hot B    timed D
//!  ────────────┬────────────┬────────┬────────┬─────────┬──────▶ t
//!  open == A   │ A.time     │       gap of B, C         │ open == D
//!              reads clock  reads clock     no clock    reads clock
//! ```
//!
//! `h.exact` is the exact time of the thread so far. While an interval is open it lacks the interval's start (so it is negative,
//! and adding the time gives what it will be): one word that a reader can never see half changed.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use super::state::READING_SLOW;
use crate::raw::layout::{Cell, NodeRecord, ThreadRecord, cell_offset};

/// `ThreadRecord::reading`, beside one of those: the next marker reads the clock between fences, for it ends an interval that is probed.
pub(super) const ENDS_PROBE: u64 = 4;

/// Intervals in the first window of a line: enough to see that it is hot.
pub(super) const FIRST_WINDOW: u64 = 8;
/// A window that never ends: the line is never demoted.
pub(super) const ENDLESS: u64 = u64::MAX / 2;

/// The asm block of a marker: `$first` leaves the cell in `{cell}` and the thread in `{thread}`; then the cell is published, and the stub
/// called if its line or the running interval is timed.
#[cfg(target_arch = "x86_64")]
macro_rules! marker_block {
    ([$($first:expr),*], { $($operands:tt)* }) => {
        core::arch::asm!(
            $($first,)*
            "mov qword ptr [{thread} + {current}], {cell}",
            "mov {test}, qword ptr [{cell} + {state}]",
            "or {test}, qword ptr [{thread} + {open}]",
            "je 78f",
            "push {thread}",
            "push {cell}",
            "call {stub}",
            "78:",
            $($operands)*
            test = out(reg) _,
            state = const core::mem::offset_of!(Cell, state),
            current = const core::mem::offset_of!(ThreadRecord, cell),
            open = const core::mem::offset_of!(ThreadRecord, open),
            stub = sym x86_64::stub,
        )
    };
}

/// The marker of line slot `L` of `node`: with a hit.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn hit<const L: usize>(thread: &ThreadRecord, node: &NodeRecord) {
    // SAFETY: the node has a cell `L` (checked where the marker is made), and all words are atomic ones in memory that is never
    // unmapped. The stub keeps every register and touches the stack only below its own frame.
    unsafe {
        marker_block!(
            [
            "lea {cell}, [{node} + {at}]",
            "add qword ptr [{cell} + {hits}], 1"
            ],
            {
                node = in(reg) core::ptr::from_ref(node),
                thread = in(reg) core::ptr::from_ref(thread),
                cell = out(reg) _,
                at = const cell_offset(L),
                hits = const core::mem::offset_of!(Cell, hits),
            }
        );
    }
}

/// The asm block of a marker in an async body: line slot `at` of the innermost node of the running thread, if that is one of the site `$place` stands
/// for. Elsewhere nothing happens: a guard may be dropped outside of any poll, when its future is. Thread and node are looked up, and compared, inside
/// the block: a load that LLVM sees between two markers makes it move the user's arithmetic, like a test.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
macro_rules! innermost_block {
    ($place:expr, [$($first:expr),*], { $($operands:tt)* }) => {
        marker_block!(
            [
            concat!("mov {thread}, qword ptr [rip + ", current_word!(), "@gottpoff]"),
            "mov {thread}, qword ptr fs:[{thread}]",
            "mov {cell}, qword ptr [{thread} + {top}]",
            "cmp qword ptr [{cell} + {site}], {place}",
            "jne 78f",
            "add {cell}, {at}"
            $(, $first)*
            ],
            {
                place = in(reg) core::ptr::from_ref($place),
                thread = out(reg) _,
                cell = out(reg) _,
                top = const core::mem::offset_of!(ThreadRecord, top),
                site = const core::mem::offset_of!(NodeRecord, place),
                $($operands)*
            }
        )
    };
}

/// The marker of line slot `L` of the innermost node of the running thread, if that is one of the site `place` stands for: with a hit.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[inline(always)]
pub(super) fn hit_innermost<const L: usize>(place: &AtomicU32) {
    // SAFETY: as in `hit`. The word `top` always holds the address of a node, and one of this site has a cell `L` (checked where the marker is
    // made).
    unsafe {
        innermost_block!(
            place,
            ["add qword ptr [{cell} + {hits}], 1"],
            {
                at = const cell_offset(L),
                hits = const core::mem::offset_of!(Cell, hits),
            }
        );
    }
}

/// The same without a hit.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[inline(always)]
pub(super) fn resume_innermost<const L: usize>(place: &AtomicU32) {
    // SAFETY: as in `hit_innermost`.
    unsafe {
        innermost_block!(place, [], { at = const cell_offset(L), });
    }
}

/// The same with a hit, unless that line is the running one.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[inline(always)]
pub(super) fn arrive_innermost<const L: usize>(place: &AtomicU32) {
    // SAFETY: as in `hit_innermost`.
    unsafe {
        innermost_block!(
            place,
            [
            "cmp qword ptr [{thread} + {current}], {cell}",
            "je 78f",
            "add qword ptr [{cell} + {hits}], 1"
            ],
            {
                at = const cell_offset(L),
                hits = const core::mem::offset_of!(Cell, hits),
            }
        );
    }
}

/// The marker of `cell` without a hit: control comes back to a line that was left for a while.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn resume(thread: &ThreadRecord, cell: &Cell) {
    // SAFETY: all words are atomic ones in memory that is never unmapped; the stub keeps every register.
    unsafe {
        marker_block!([], {
            cell = in(reg) core::ptr::from_ref(cell),
            thread = in(reg) core::ptr::from_ref(thread),
        });
    }
}

/// The marker of line slot `L` of `node`, with a hit, unless that line is the running one. The test is hidden in the block, as the others.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn arrive<const L: usize>(thread: &ThreadRecord, node: &NodeRecord) {
    // SAFETY: as in `hit`.
    unsafe {
        marker_block!(
            [
            "lea {cell}, [{node} + {at}]",
            "cmp qword ptr [{thread} + {current}], {cell}",
            "je 78f",
            "add qword ptr [{cell} + {hits}], 1"
            ],
            {
                node = in(reg) core::ptr::from_ref(node),
                thread = in(reg) core::ptr::from_ref(thread),
                cell = out(reg) _,
                at = const cell_offset(L),
                hits = const core::mem::offset_of!(Cell, hits),
            }
        );
    }
}

/// The marker of line slot `L` of `node`, with a hit, unless that line is the running one; no clock.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn arrive<const L: usize>(thread: &ThreadRecord, node: &NodeRecord) {
    if !core::ptr::eq(super::cells::running(thread), super::cells::cell(node, L)) {
        hit::<L>(thread, node);
    }
}

/// The marker of line slot `L` of `node`: with a hit, no clock.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn hit<const L: usize>(thread: &ThreadRecord, node: &NodeRecord) {
    let cell = super::cells::cell(node, L);
    super::protocol::add(&cell.hits, 1);
    resume(thread, cell);
}

/// The innermost node of the running thread, if that is one of the site `place` stands for.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[inline(always)]
fn innermost(place: &AtomicU32) -> Option<(&'static ThreadRecord, &'static NodeRecord)> {
    let thread = super::current::current();
    // SAFETY: the word always holds the address of a node, and nodes are never unmapped.
    let node = unsafe { &*thread.top.load(Relaxed) };
    core::ptr::eq(node.place.load(Relaxed), place).then_some((thread, node))
}

/// The marker of line slot `L` of the innermost node of the running thread, if that is one of the site `place` stands for: with a hit.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[inline(always)]
pub(super) fn hit_innermost<const L: usize>(place: &AtomicU32) {
    if let Some((thread, node)) = innermost(place) {
        hit::<L>(thread, node);
    }
}

/// The same without a hit.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[inline(always)]
pub(super) fn resume_innermost<const L: usize>(place: &AtomicU32) {
    if let Some((thread, node)) = innermost(place) {
        resume(thread, super::cells::cell(node, L));
    }
}

/// The same with a hit, unless that line is the running one.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[inline(always)]
pub(super) fn arrive_innermost<const L: usize>(place: &AtomicU32) {
    if let Some((thread, node)) = innermost(place) {
        arrive::<L>(thread, node);
    }
}

/// The marker of `cell` without a hit, no clock.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(super) fn resume(thread: &ThreadRecord, cell: &Cell) {
    thread
        .cell
        .store(core::ptr::from_ref(cell).cast_mut(), Relaxed);
}

#[cfg(target_arch = "x86_64")]
#[expect(clippy::too_many_lines, reason = "the stub is one straight listing")]
pub(super) mod x86_64 {
    //! The out-of-line part of the marker, in assembly: it may change no register at all.

    use core::mem::offset_of;

    use super::super::state::{READING_FENCED, READING_MEMORY, READING_SLOW, READING_TSC};
    use super::ENDS_PROBE;
    use crate::raw::layout::{
        CELL_ENDS_CALL, Cell, DURATION_BUCKETS, DURATIONS_UNIT, DurationsRecord, PROBES,
        ThreadRecord, TimedCallRecord,
    };
    use crate::recorder::protocol::{
        PARTS_MAY_NOT, PROBE, PROBE_PART, PROBED, PROMOTED, SAMPLED, TIMED, WAS_LONG, WINDOW,
    };
    use crate::recorder::{cpu, durations, sampler, state};

    /// Bytes for the processor's extended state (x87, SSE, AVX, AVX-512), with room to align.
    pub(in super::super) const STATE_BYTES: usize = 2816;
    /// Which parts of the extended state are kept.
    pub(in super::super) const STATE_MASK: u32 = 0xe7;

    /// Ends the running interval and begins that of the arriving cell.
    ///
    /// Called with the thread and the cell pushed on the stack, which it takes off; changes no other register but the
    /// flags. `protocol::reference` is the same in Rust.
    #[unsafe(naked)]
    pub(in super::super) extern "C" fn stub() {
        core::arch::naked_asm!(
            "push rax",
            "push rdx",
            "push rcx",
            "push rsi",
            "push rdi",
            "mov rdi, qword ptr [rsp + 56]", // thread
            "mov rsi, qword ptr [rsp + 48]", // arriving cell
            "cmp qword ptr [rdi + {reading}], {tsc}",
            "jne 20f",
            "cmp qword ptr [rsi + {state}], {probed}",
            "je 25f",
            "rdtsc",
            "shl rdx, 32",
            "or rax, rdx",
            // rax = now, rdx = what has passed. Long enough to read the CPU clock?
            "mov rdx, rax",
            "sub rdx, qword ptr [rdi + {t0}]",
            "cmp rdx, qword ptr [rdi + {long}]",
            "jae 70f",
            "cmp rax, qword ptr [rdi + {cpu_due}]",
            "jae 70f",
            "mov rcx, qword ptr [rdi + {open}]",
            "cmp rcx, 1",
            "jbe 31f",
            // An open interval: its time is the cell's.
            "add qword ptr [rcx + {time}], rdx",
            // It may have a histogram, too.
            "33:",
            "mov ecx, dword ptr [rcx + {durations}]",
            "test ecx, ecx",
            "jne 80f",
            // What begins?
            "40:",
            "mov rdx, qword ptr [rsi + {state}]",
            "cmp rdx, {timed}",
            "je 50f",
            "ja 52f",
            // A gap.
            "add qword ptr [rdi + {reads}], 1",
            "42:",
            "mov qword ptr [rdi + {gap}], rsi",
            "add qword ptr [rdi + {exact}], rax",
            "mov qword ptr [rdi + {open}], 0",
            "mov qword ptr [rdi + {t0}], rax",
            "jmp 90f",
            // A gap: its length goes to the cell where it began.
            "31:",
            "mov rcx, qword ptr [rdi + {gap}]",
            "add qword ptr [rcx + {gap_time}], rdx",
            "sub qword ptr [rdi + {exact}], rax",
            "jmp 40b",
            // A line to be timed again: a window begins, which ends after one reading more than it has intervals.
            "51:",
            "mov qword ptr [rsi + {state}], {timed}",
            "mov rcx, qword ptr [rsi + {window}]",
            "add rcx, 1",
            "mov qword ptr [rsi + {left}], rcx",
            "js 55f",
            "56:",
            "mov qword ptr [rsi + {window_ticks}], rax",
            "mov ecx, dword ptr [rdi + {reads}]",
            "mov dword ptr [rsi + {window_reads}], ecx",
            "mov rcx, qword ptr [rsi + {time}]",
            "mov qword ptr [rsi + {window_time}], rcx",
            "jmp 50f",
            // A window that never ends: the line stays timed from the first.
            "55:",
            "lea rcx, [rip + {stays_timed}]",
            "call 95f",
            "mov rax, rcx",
            "jmp 56b",
            "52:",
            "cmp rdx, {probed}",
            "je 53f",
            "cmp rdx, {was_long}",
            "jne 57f",
            // A line whose last interval was long: the CPU clock is read, unless the interval before has just done so.
            "mov qword ptr [rsi + {state}], {timed}",
            "cmp rax, qword ptr [rdi + {cpu_ticks}]",
            "je 50f",
            "lea rcx, [rip + {begin_interval}]",
            "call 95f",
            "jmp 50f",
            "57:",
            "cmp rdx, {ends_call}",
            "jne 51b",
            // No line, but the return of a call that is measured: how long did it take? What begins then is the line that made it. Without an entry this
            // is the child of a fork that happened meanwhile.
            "mov rdx, rax",
            "sub rdx, qword ptr [rsi + {entry}]",
            "cmp rdx, rax",
            "je 59f",
            "mov rcx, qword ptr [rsi + {histogram}]",
            "test rcx, rcx",
            "je 58f",
            "add qword ptr [rsi + {measured}], 1",
            "add qword ptr [rsi + {calls_time}], rdx",
            "mov qword ptr [rsi + {entry}], 0",
            "mov rsi, rcx",
            "call 85f",
            "mov rsi, qword ptr [rsp + 48]",
            "59:",
            "mov rsi, qword ptr [rsi + {caller}]",
            "mov qword ptr [rdi + {current}], rsi",
            "mov qword ptr [rsp + 48], rsi",
            "jmp 40b",
            // One of the first calls: is there to be a histogram?
            "58:",
            "lea rcx, [rip + {end_first_call}]",
            "call 95f",
            "mov rax, rcx",
            "jmp 59b",
            // The histogram of an interval that has ended, by its place in the file.
            "80:",
            "shl rcx, {durations_shift}",
            "add rcx, qword ptr [rip + {base}]",
            "mov rsi, rcx",
            "call 85f",
            "mov rsi, qword ptr [rsp + 48]",
            "jmp 40b",
            // Counts rdx in the histogram rsi; changes rcx and rdx. A length less a correction may be below 0.
            "85:",
            "cmp rdx, qword ptr [rsi + {max}]",
            "jle 86f",
            "mov qword ptr [rsi + {max}], rdx",
            "mov qword ptr [rsi + {max_at}], rax",
            "86:",
            "xor ecx, ecx",
            "test rdx, rdx",
            "cmovs rdx, rcx",
            "mov rcx, rdx",
            "or rcx, 63",
            // The highest bit is bit 5 at least: so buckets are 4 ticks wide at least.
            "bsr rcx, rcx",
            "sub ecx, 4",
            "cmp ecx, 2",
            "adc ecx, 0",
            "shr rdx, cl",
            "sub ecx, 2",
            "shl ecx, 4",
            "add ecx, edx",
            "mov edx, {last_bucket}",
            "cmp ecx, edx",
            "cmova ecx, edx",
            "add dword ptr [rsi + rcx * 4 + {counts}], 1",
            "ret",
            // An interval that is probed ends between fences, whatever begins then: else the clock is read while its work is under way.
            "53:",
            "or qword ptr [rdi + {reading}], {ends_probe}",
            // An open interval.
            "50:",
            "mov qword ptr [rdi + {open}], rsi",
            "mov qword ptr [rdi + {t0}], rax",
            "add qword ptr [rdi + {reads}], 1",
            "sub qword ptr [rsi + {left}], 1",
            "je 60f",
            "90:",
            "pop rdi",
            "pop rsi",
            "pop rcx",
            "pop rdx",
            "pop rax",
            "ret 16",
            // The window is over. Were the thread's clock readings too close to each other while it lasted?
            "60:",
            "mov rdx, rax",
            "sub rdx, qword ptr [rsi + {window_ticks}]",
            "mov ecx, dword ptr [rdi + {reads}]",
            "sub ecx, dword ptr [rsi + {window_reads}]",
            "imul rcx, qword ptr [rdi + {threshold}]",
            "cmp rdx, rcx",
            "jb 61f",
            // Or were its own intervals shorter than a third of that? The clock cannot tell what such a line takes.
            "mov rdx, qword ptr [rsi + {time}]",
            "sub rdx, qword ptr [rsi + {window_time}]",
            "lea rdx, [rdx + rdx * 2]",
            "mov rcx, qword ptr [rsi + {window}]",
            "cmp qword ptr [rsi + {state}], {probed}",
            "jne 64f",
            "mov ecx, {probe}",
            "64:",
            "imul rcx, qword ptr [rdi + {threshold}]",
            "cmp rdx, rcx",
            "jl 61f",
            // No. That a part between fences was not says little: a disturbance may have fallen into it.
            "cmp qword ptr [rsi + {state}], {probed}",
            "je 68f",
            "66:",
            "cmp dword ptr [rsi + {durations}], 0",
            "jne 63f",
            "lea rcx, [rip + {stays_timed}]",
            "call 95f",
            // The line begins after that: it would find it in its histogram.
            "mov rax, rcx",
            "mov qword ptr [rdi + {t0}], rax",
            "63:",
            "mov qword ptr [rsi + {state}], {timed}",
            "mov qword ptr [rsi + {left}], {next_window}",
            "mov qword ptr [rsi + {window}], {next_window}",
            "65:",
            "mov qword ptr [rsi + {window_ticks}], rax",
            "mov ecx, dword ptr [rdi + {reads}]",
            "mov dword ptr [rsi + {window_reads}], ecx",
            "mov rcx, qword ptr [rsi + {time}]",
            "mov qword ptr [rsi + {window_time}], rcx",
            "jmp 90b",
            // Yes: it gets a last window, between fences, in four parts.
            "61:",
            "cmp qword ptr [rsi + {state}], {probed}",
            "je 62f",
            "mov qword ptr [rsi + {state}], {probed}",
            "mov qword ptr [rsi + {left}], {probe}",
            "mov qword ptr [rsi + {window}], {all_probes}",
            "or qword ptr [rdi + {reading}], {ends_probe}",
            "jmp 67f",
            "68:",
            "add dword ptr [rsi + {window} + 4], 1",
            // A part is over: what the line took, without the fences, is kept. Parts have as many intervals as a word has bytes.
            "62:",
            "mov ecx, {probe}",
            "imul rcx, qword ptr [rdi + {probe_cost}]",
            "mov rdx, qword ptr [rsi + {time}]",
            "sub rdx, qword ptr [rsi + {window_time}]",
            "sub rdx, rcx",
            "mov ecx, dword ptr [rsi + {window}]",
            "neg rcx",
            "mov qword ptr [rsi + rcx + {probes} + {all_probes}], rdx",
            "mov qword ptr [rsi + {left}], {probe}",
            "sub dword ptr [rsi + {window}], {probe}",
            "jne 67f",
            // That was the last one: if at most one of them says otherwise, the line is sampled from here on, if there is somebody to look.
            "and qword ptr [rdi + {reading}], {ends_probe} - 1",
            "cmp dword ptr [rsi + {window} + 4], {may_not}",
            "ja 66b",
            "lea rcx, [rip + {may_be_sampled}]",
            "call 95f",
            "test ecx, ecx",
            "je 66b",
            "mov qword ptr [rsi + {state}], {sampled}",
            "mov qword ptr [rsi + {left}], {all_probes}",
            "mov qword ptr [rsi + {window}], {next_window}",
            "jmp 42b",
            // A part between fences begins. What was done here since the clock was read is the line's time, but no part of the probe.
            "67:",
            "mov qword ptr [rsi + {window_ticks}], rax",
            "mov ecx, dword ptr [rdi + {reads}]",
            "mov dword ptr [rsi + {window_reads}], ecx",
            "mov rcx, qword ptr [rsi + {time}]",
            "mov qword ptr [rsi + {window_time}], rcx",
            "cmp qword ptr [rdi + {reading}], {tsc_ends_probe}",
            "jne 90b",
            "mov rcx, rax",
            "lfence",
            "rdtsc",
            "lfence",
            "shl rdx, 32",
            "or rax, rdx",
            "mov qword ptr [rdi + {t0}], rax",
            "sub rax, rcx",
            "add qword ptr [rsi + {time}], rax",
            "add qword ptr [rsi + {window_time}], rax",
            "jmp 90b",
            // Another clock.
            "20:",
            "test qword ptr [rdi + {reading}], {ends_probe}",
            "jne 24f",
            "cmp qword ptr [rdi + {reading}], {memory}",
            "jne 22f",
            "cmp qword ptr [rsi + {state}], {probed}",
            "je 25f",
            "rdtsc",
            "jmp 23f",
            "22:",
            "cmp qword ptr [rdi + {reading}], {fenced}",
            "jne 21f",
            "jmp 25f",
            "24:",
            "and qword ptr [rdi + {reading}], {ends_probe} - 1",
            "cmp qword ptr [rdi + {reading}], {slow}",
            "je 21f",
            "25:",
            "lfence",
            "rdtsc",
            "lfence",
            "23:",
            "shl rdx, 32",
            "or rax, rdx",
            // Is it time to look at the memory? Else now is what the thread's own clock shows.
            "cmp rax, qword ptr [rdi + {next_read}]",
            "jae 21f",
            "sub rax, qword ptr [rdi + {own_ticks}]",
            // As above, with a correction.
            "30:",
            "mov rdx, rax",
            "sub rdx, qword ptr [rdi + {t0}]",
            "cmp rdx, qword ptr [rdi + {long}]",
            "jae 70f",
            "cmp rax, qword ptr [rdi + {cpu_due}]",
            "jae 70f",
            "32:",
            "mov rcx, qword ptr [rdi + {open}]",
            "cmp rcx, 1",
            "jbe 31b",
            "sub rdx, qword ptr [rdi + {correction}]",
            "add qword ptr [rcx + {time}], rdx",
            "jmp 33b",
            "21:",
            "lea rcx, [rip + {slow_ticks}]",
            "call 95f",
            "mov rax, rcx",
            "jmp 30b",
            // An interval was long, or none was for a while.
            "70:",
            "lea rcx, [rip + {end_interval}]",
            "call 95f",
            "mov rax, rcx",
            "mov rdx, rax",
            "sub rdx, qword ptr [rdi + {t0}]",
            "jmp 32b",
            // Calls the function in rcx with thread, rax and cell. Its result comes back in rcx, all other registers are kept, the vector
            // registers too.
            "95:",
            "push rbx",
            "push r8",
            "push r9",
            "push r10",
            "push r11",
            "push rax",
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
            "mov rdx, rsi",
            "mov rsi, qword ptr [rbx]",
            "call rcx",
            "mov rcx, rax",
            "mov eax, {state_mask}",
            "xor edx, edx",
            "xrstor64 [rsp]",
            "mov rsp, rbx",
            "pop rax",
            "pop r11",
            "pop r10",
            "pop r9",
            "pop r8",
            "pop rbx",
            "mov rdi, qword ptr [rsp + 64]", // thread
            "mov rsi, qword ptr [rsp + 56]", // arriving cell
            "ret",
            reading = const offset_of!(ThreadRecord, reading),
            open = const offset_of!(ThreadRecord, open),
            t0 = const offset_of!(ThreadRecord, t0),
            correction = const offset_of!(ThreadRecord, correction),
            gap = const offset_of!(ThreadRecord, gap),
            exact = const offset_of!(ThreadRecord, exact),
            reads = const offset_of!(ThreadRecord, reads),
            threshold = const offset_of!(ThreadRecord, threshold),
            probe_cost = const offset_of!(ThreadRecord, probe_cost),
            time = const offset_of!(Cell, time),
            gap_time = const offset_of!(Cell, gap_time),
            state = const offset_of!(Cell, state),
            left = const offset_of!(Cell, left),
            window = const offset_of!(Cell, window),
            window_ticks = const offset_of!(Cell, window_ticks),
            window_reads = const offset_of!(Cell, window_reads),
            window_time = const offset_of!(Cell, window_time),
            next_read = const offset_of!(ThreadRecord, next_read),
            own_ticks = const offset_of!(ThreadRecord, own_ticks),
            tsc = const READING_TSC,
            memory = const READING_MEMORY,
            fenced = const READING_FENCED,
            slow = const READING_SLOW,
            ends_probe = const ENDS_PROBE,
            tsc_ends_probe = const READING_TSC | ENDS_PROBE,
            timed = const TIMED,
            probed = const PROBED,
            probe = const PROBE_PART,
            all_probes = const PROBE,
            may_not = const PARTS_MAY_NOT,
            probes = const offset_of!(Cell, probes),
            was_long = const WAS_LONG,
            ends_call = const CELL_ENDS_CALL,
            entry = const in_timed_call(offset_of!(TimedCallRecord, entry)),
            caller = const in_timed_call(offset_of!(TimedCallRecord, caller)),
            histogram = const in_timed_call(offset_of!(TimedCallRecord, durations)),
            measured = const in_timed_call(offset_of!(TimedCallRecord, measured)),
            calls_time = const in_timed_call(offset_of!(TimedCallRecord, time)),
            current = const offset_of!(ThreadRecord, cell),
            durations = const offset_of!(Cell, durations),
            durations_shift = const DURATIONS_UNIT.trailing_zeros(),
            max = const offset_of!(DurationsRecord, max),
            max_at = const offset_of!(DurationsRecord, max_at),
            counts = const offset_of!(DurationsRecord, counts),
            last_bucket = const DURATION_BUCKETS - 1,
            base = sym state::BASE,
            stays_timed = sym durations::stays_timed,
            end_first_call = sym durations::end_first_call,
            long = const offset_of!(ThreadRecord, long),
            cpu_due = const offset_of!(ThreadRecord, cpu_due),
            cpu_ticks = const offset_of!(ThreadRecord, cpu_ticks),
            sampled = const SAMPLED,
            next_window = const WINDOW,
            state_bytes = const STATE_BYTES,
            state_mask = const STATE_MASK,
            slow_ticks = sym super::slow_ticks,
            end_interval = sym cpu::end_interval,
            begin_interval = sym cpu::begin_interval,
            may_be_sampled = sym sampler::may_be_sampled,
        );
    }

    /// A word of a record from the place of the cell in it.
    const fn in_timed_call(offset: usize) -> isize {
        offset.cast_signed() - offset_of!(TimedCallRecord, back).cast_signed()
    }

    const _: () = assert!(
        PROBED > TIMED
            && PROMOTED > TIMED
            && WAS_LONG > TIMED
            && CELL_ENDS_CALL > TIMED
            && TIMED > SAMPLED
    );
    // The stub finds the place of a part by the intervals that are left.
    const _: () =
        assert!(PROBE_PART == size_of::<u64>() as u64 && PROBE == PROBE_PART * PROBES as u64);
    const _: () = assert!(READING_TSC == 0);
    const _: () = assert!(
        ENDS_PROBE.is_power_of_two()
            && ENDS_PROBE > READING_FENCED
            && ENDS_PROBE > READING_SLOW
            && ENDS_PROBE > READING_MEMORY
    );
}

/// The time where it is not the bare counter, or where it is time to look at the memory; `counter` is what the stub read, if it did.
#[cfg(target_arch = "x86_64")]
extern "C" fn slow_ticks(thread: &ThreadRecord, counter: u64) -> u64 {
    #[cfg(test)]
    if let Some(ticks) = tests::fake_ticks(thread) {
        return ticks;
    }
    let arrived = if thread.reading.load(Relaxed) == READING_SLOW {
        super::clock::monotonic_ns()
    } else {
        counter
    };
    let arrived = super::moment::Moment::at_raw(thread, arrived);
    if arrived.raw >= thread.next_read.load(Relaxed) {
        super::look::look(thread, arrived);
    }
    arrived.own
}

/// What a test says the CPU clock of the thread shows.
#[cfg(all(test, target_arch = "x86_64"))]
pub(super) fn fake_cpu(thread: &ThreadRecord) -> Option<u64> {
    tests::fake_cpu(thread)
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests;
