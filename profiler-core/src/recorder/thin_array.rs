//! The arrays in which threads count the calls of thin functions, and how a call finds its cell. `thin` says how they lie.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};

use super::current::with_local;
use super::protocol;
use super::space::{self, SharedLock};
use super::state::CAPACITY;
use super::threads::MAX_THREADS;
use crate::raw::layout::{KIND_THIN, THIN_TRIED, ThinCell, ThinRecord, ThreadRecord};
use crate::site::{LineKind, LineSite, Site, SiteFacts, SiteKind, Thin};

/// The part of the file that arrays may take, at most: one in so many bytes.
const SHARE: usize = 4;
/// Arrays that nobody reads. Threads with the same one slow each other down.
const UNREAD: usize = 64;

/// The arrays of the threads, by the numbers of their records.
static ARRAYS: [AtomicPtr<ThinCell>; MAX_THREADS] =
    [const { AtomicPtr::new(core::ptr::null_mut()) }; MAX_THREADS];
/// The array of all threads that have none.
static SHARED: AtomicPtr<ThinCell> = AtomicPtr::new(core::ptr::null_mut());
/// Bytes of arrays.
static USED: AtomicUsize = AtomicUsize::new(0);
/// There was no room for an array. No thread asks again.
static IS_FULL: AtomicBool = AtomicBool::new(false);
/// The first of the arrays that nobody reads.
static UNREAD_ARRAYS: AtomicPtr<ThinCell> = AtomicPtr::new(core::ptr::null_mut());
/// The one that was given away last.
static LAST_UNREAD: AtomicUsize = AtomicUsize::new(0);

// A place in the section is one in the array.
const _: () = assert!(size_of::<Thin>() == size_of::<ThinCell>());
const _: () = assert!(core::mem::offset_of!(Thin, nobody) == 0);
const _: () = assert!(core::mem::offset_of!(ThinCell, left) == 0);

/// Makes the section, and with it the symbols at its ends, where nothing else does.
#[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_thin"))]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_thin"))]
#[used]
static EMPTY: [Thin; 0] = [];

// The linker defines these: the first entry of the section, and the place after its last.
unsafe extern "C" {
    #[cfg_attr(target_os = "linux", link_name = "__start_hprof_thin")]
    #[cfg_attr(target_os = "macos", link_name = "\x01section$start$__DATA$hprof_thin")]
    static FIRST: [usize; 0];
    #[cfg_attr(target_os = "linux", link_name = "__stop_hprof_thin")]
    #[cfg_attr(target_os = "macos", link_name = "\x01section$end$__DATA$hprof_thin")]
    static END: [usize; 0];
}

// Those of this executable or library, whatever else the process has loaded.
#[cfg(target_os = "linux")]
core::arch::global_asm!(".hidden __start_hprof_thin", ".hidden __stop_hprof_thin");

/// The instructions that count a call of a thin function; `$stub` is called, with the function on the stack, where its cell is not below 0.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
macro_rules! count_thin_call {
    ($thin:expr, $stub:path) => {
        let word: usize;
        // SAFETY: reads a constant of the linker's: the place of the words of a thread relative to what `fs` stands for.
        unsafe {
            core::arch::asm!(
                concat!("mov {word}, qword ptr [rip + ", current_word!(), "@gottpoff]"),
                word = out(reg) word,
                options(pure, nomem, nostack, preserves_flags),
            );
        }
        // SAFETY: with distance 0 this is a word of `thin` itself, which nobody reads; else one of an array as long as the section, of this thread, which is never
        // unmapped. No other code of the program knows either, so the program's memory is as it was. The stub keeps every register, and it is called
        // with a stack that begins below the red zone of the function.
        unsafe {
            core::arch::asm!(
                "mov {distance}, qword ptr fs:[{word} + {offset}]",
                "sub qword ptr [{distance} + {thin}], 1",
                "jns 77f",
                "78:",
                ".subsection 1",
                "77:",
                "lea rsp, [rsp - 128]",
                "push {thin}",
                "call {stub}",
                "lea rsp, [rsp + 128]",
                "jmp 78b",
                ".subsection 0",
                word = in(reg) word,
                thin = in(reg) core::ptr::from_ref($thin).addr(),
                distance = out(reg) _,
                offset = const core::mem::offset_of!($crate::recorder::Local, thin),
                stub = sym $stub,
                options(nomem, nostack),
            );
        }
    };
}
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub(super) use count_thin_call;

/// Counts a call of one of the functions that [`try_calls`] gives away, whose cells are below 0.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[inline(always)]
pub(super) fn count_known(thin: &'static Thin) {
    count_thin_call!(thin, nothing);
}

/// Takes off what was pushed on the stack.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[unsafe(naked)]
extern "C" fn nothing() {
    core::arch::naked_asm!("ret 8");
}

/// Counts a call of one of the functions that [`try_calls`] gives away, whose cells are below 0.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[inline(always)]
pub(super) fn count_known(thin: &'static Thin) {
    count_own(thin);
}

/// Counts a call of a thin function, if this thread has an array and its cell is below 0.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
#[inline(always)]
pub(super) fn count_own(thin: &'static Thin) -> bool {
    own_cell(thin).is_some_and(|cell| {
        let left = cell.left.load(Relaxed).wrapping_sub(1);
        cell.left.store(left, Relaxed);
        left < 0
    })
}

/// What this thread counts the calls of a function by, if it has an array.
pub(super) fn own_cell(thin: &Thin) -> Option<&'static ThinCell> {
    let distance = with_local(|local| local.thin.get());
    let place = core::ptr::from_ref(thin).addr().wrapping_add(distance);
    // SAFETY: the array of this thread is as long as the section, and is never unmapped.
    (distance != 0).then(|| unsafe { &*core::ptr::with_exposed_provenance(place) })
}

/// Gives the thread, which has this record, an array; `None` if it cannot have one.
pub(super) fn begin(thread: &ThreadRecord) -> Option<()> {
    let place = ARRAYS.get(thread.index.load(Relaxed) as usize)?;
    let mut array = place.load(Relaxed);
    if array.is_null() {
        array = make_array(thread)?;
        place.store(array, Relaxed);
    }
    with_local(|local| local.thin.set(distance(array)));
    Some(())
}

/// Gives this thread an array that nobody reads.
pub(super) fn begin_unread() {
    with_local(|local| local.thin.set(unread()));
}

/// The cell of a function in an array.
pub(super) fn cell_in(array: *mut ThinCell, thin: &Thin) -> &'static ThinCell {
    // SAFETY: the array is as long as the section, and is never unmapped.
    unsafe { &*array.wrapping_add(position(thin)) }
}

/// Gives `work` a few thin functions to call while this thread counts in an array that nobody reads; `None` if there is no memory for one. The array is as long as any
/// other: a signal handler may call what it likes meanwhile.
pub(super) fn try_calls<R>(work: impl FnOnce(&'static [Thin; THIN_TRIED]) -> R) -> Option<R> {
    static SITE: Site<1> = Site::new(
        SiteFacts {
            kind: SiteKind::Function,
            module: "",
            name: "",
            file: "",
            line: 0,
            column: 0,
            end_line: 0,
            package: "",
            source: "",
            max_allocs: None,
        },
        [LineSite::new(0, LineKind::WholeBody, 0)],
    );
    #[cfg_attr(target_os = "linux", unsafe(link_section = "hprof_thin"))]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,hprof_thin"))]
    static THIN: [Thin; THIN_TRIED] = [
        Thin::new(&SITE),
        Thin::new(&SITE),
        Thin::new(&SITE),
        Thin::new(&SITE),
    ];
    let bytes = count() * size_of::<ThinCell>();
    let array = space::private_memory(bytes)?;
    let before = with_local(|local| local.thin.replace(distance(array.cast())));
    let result = work(&THIN);
    with_local(|local| local.thin.set(before));
    space::return_private_memory(array, bytes);
    Some(result)
}

/// Ends the counting of this thread; what it counted stays with its record.
pub(super) fn leave() {
    with_local(|local| local.thin.set(0));
}

/// A new array for the thread that has this record.
fn make_array(thread: &ThreadRecord) -> Option<*mut ThinCell> {
    if IS_FULL.load(Relaxed) {
        return None;
    }
    let used = USED.fetch_add(record_bytes(), Relaxed) + record_bytes();
    let is_within = used <= CAPACITY.load(Relaxed) / SHARE;
    let record = is_within.then(|| space::thread_record(thread, record_bytes(), false));
    let Some(record) = record.flatten() else {
        IS_FULL.store(true, Relaxed);
        return None;
    };
    Some(begin_array(record))
}

/// The array of all threads that have none of their own.
pub(super) fn shared_array() -> Option<*mut ThinCell> {
    let known = SHARED.load(Acquire);
    if !known.is_null() {
        return Some(known);
    }
    let lock = SharedLock::take()?;
    let known = SHARED.load(Relaxed);
    if !known.is_null() {
        return Some(known);
    }
    let array = begin_array(space::shared_record(&lock, record_bytes())?);
    SHARED.store(array, Release);
    Some(array)
}

/// Writes the head and the cells of a record.
fn begin_array(record: *mut u8) -> *mut ThinCell {
    // SAFETY: the record has room for this structure, is zeroed and aligned, and belongs to this thread.
    let head = unsafe { &*record.cast::<ThinRecord>() };
    let cells = record.wrapping_add(size_of::<ThinRecord>());
    let cells = cells.cast::<ThinCell>();
    reset(cells, count());
    head.capacity
        .store(u32::try_from(count()).unwrap_or(0), Relaxed);
    protocol::publish(&head.head.kind, KIND_THIN);
    cells
}

/// Sets the calls of cells to 0.
pub(super) fn reset(cells: *mut ThinCell, count: usize) {
    for index in 0..count {
        // SAFETY: the caller's record has that many cells, which live as long as the process.
        let cell = unsafe { &*cells.wrapping_add(index) };
        cell.left.store(1, Relaxed);
    }
}

/// In a forked child: what lies behind `end` was made after the fork and is forgotten.
pub(super) fn restore(end: usize) {
    for place in ARRAYS.iter().chain([&SHARED]) {
        if place.load(Relaxed).addr() >= end {
            place.store(core::ptr::null_mut(), Relaxed);
        }
    }
}

/// The distance to an array that nobody reads; 0 if there is no memory for one.
fn unread() -> usize {
    let bytes = count() * size_of::<ThinCell>();
    let mut first = UNREAD_ARRAYS.load(Acquire);
    if first.is_null() {
        let Some(made) = space::private_memory((bytes * UNREAD).max(1)) else {
            return 0;
        };
        let made = made.cast::<ThinCell>();
        match UNREAD_ARRAYS.compare_exchange(first, made, Release, Acquire) {
            Ok(_) => first = made,
            Err(other) => {
                space::return_private_memory(made.cast(), (bytes * UNREAD).max(1));
                first = other;
            }
        }
    }
    let number = LAST_UNREAD.fetch_add(1, Relaxed) % UNREAD;
    distance(first.wrapping_add(number * count()))
}

/// How far an array is from the section.
fn distance(array: *mut ThinCell) -> usize {
    array
        .expose_provenance()
        .wrapping_sub((&raw const FIRST).addr())
}

/// The place of a function in the section.
fn position(thin: &Thin) -> usize {
    (core::ptr::from_ref(thin).addr() - (&raw const FIRST).addr()) / size_of::<Thin>()
}

/// Thin functions of this executable or library.
fn count() -> usize {
    ((&raw const END).addr() - (&raw const FIRST).addr()) / size_of::<Thin>()
}

fn record_bytes() -> usize {
    size_of::<ThinRecord>() + count() * size_of::<ThinCell>()
}
