//! Sinks of a process that records nothing. Its threads write to different ones: words that several threads write in turn make each of them
//! wait for the others.

use core::sync::atomic::AtomicUsize;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::current::{current, set_current, thread_address};
use super::sink::{self, IDLE, SINK};
use super::tree::{self, Entry};
use super::{cells, os, space, state};
use crate::raw::layout::{Cell, MAX_LINES, Mapped, NodeRecord, ThreadRecord};

/// Sinks beside the first. More threads than that share them.
const SINKS: usize = 16;

/// A sink without a cache, which is not asked for.
#[repr(C)]
struct Idle {
    thread: ThreadRecord,
    node: NodeRecord,
    cells: [Cell; MAX_LINES],
}

/// The thread that has the first sink, by the address of its thread-local words; 0 if none has.
static FIRST: AtomicUsize = AtomicUsize::new(0);
/// The others, made when they are needed and never given back.
static OTHERS: [Mapped<Idle>; SINKS] = [const { Mapped::new(core::ptr::null_mut()) }; SINKS];
/// Threads that took one of them.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Where a call to a site goes, which the calling line knows from then on; `None` if it is not yet sure that nothing is recorded.
pub(super) fn call(site: u32) -> Option<Entry> {
    if !sink::is_idle_for_ever() {
        return None;
    }
    let thread = sink_of_this_thread();
    // SAFETY: that word of a sink always holds the address of its node.
    let entry = Entry::new(thread, unsafe { &*thread.top.load(Relaxed) });
    tree::know(cells::running(thread), site, entry);
    Some(entry)
}

fn sink_of_this_thread() -> &'static ThreadRecord {
    let current = current();
    if !core::ptr::eq(current, &raw const SINK.thread) {
        return current;
    }
    let me = thread_address();
    match FIRST.compare_exchange(0, me, Relaxed, Relaxed) {
        Ok(_) => return &SINK.thread,
        Err(first) if first == me => return &SINK.thread,
        Err(_) => {}
    }
    let index = TAKEN.fetch_add(1, Relaxed) % SINKS;
    let sink = other(&OTHERS[index]).unwrap_or(&SINK.thread);
    set_current(sink);
    sink
}

/// The sink of a place, made if there is none yet.
fn other(place: &Mapped<Idle>) -> Option<&'static ThreadRecord> {
    let sink = place.load(Acquire);
    if sink.is_null() {
        let errno = os::errno();
        let made = space::private_memory(size_of::<Idle>());
        os::set_errno(errno);
        let made = made?.cast::<Idle>();
        // SAFETY: zeroed memory of its size, which is a valid sink but for the words that are set here.
        begin(unsafe { &*made });
        if place.compare_exchange(sink, made, AcqRel, Acquire).is_err() {
            space::return_private_memory(made.cast(), size_of::<Idle>());
        }
    }
    place.get(Acquire).map(|sink| &sink.thread)
}

fn begin(sink: &Idle) {
    let thread = &sink.thread;
    let outside = core::ptr::from_ref(&thread.outside).cast_mut();
    thread.cell.store(outside, Relaxed);
    thread.gap.store(outside, Relaxed);
    thread
        .top
        .store(core::ptr::from_ref(&sink.node).cast_mut(), Relaxed);
    thread.long.store(u64::MAX, Relaxed);
    thread.cpu_due.store(u64::MAX, Relaxed);
    thread.next_read.store(state::NEVER, Relaxed);
    thread.state.store(IDLE, Relaxed);
    sink::take_cache(thread);
    sink.node
        .lines
        .store(SINK.node.lines.load(Relaxed), Relaxed);
}
