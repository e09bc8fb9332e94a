//! Who sets up the recording, who waits for it meanwhile, and what becomes of a process that cannot have one. The rules are those of `gate`.

use core::cell::Cell as StdCell;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU64, AtomicUsize};

use super::gate::{self, Turn};
use super::{clock, current, os, sink, state};
use crate::raw::layout::FLAG_FORK_LOST;

/// How far the decision is, as `gate` has it.
static STATE: AtomicU64 = AtomicU64::new(gate::UNDECIDED);
/// The thread that sets up, by the address of its thread-local words: a forked child's only thread has those of the thread that forked.
static STARTER: AtomicUsize = AtomicUsize::new(0);
/// Calls that were lost before there was a header to count them in.
static LOST: AtomicU64 = AtomicU64::new(0);
/// How long a thread waits for the recording, once in its life.
const PATIENCE_NS: u64 = 1_000_000_000;
/// How long it sleeps between two looks.
const NAP_NS: i64 = 50_000;

thread_local! {
    /// Whether this thread has waited in vain: it does not wait again. No destructor.
    static HAS_GIVEN_UP: StdCell<bool> = const { StdCell::new(false) };
}

/// Sets up the recording; `None` if there is none to be had.
pub(super) type SetUp = fn() -> Option<()>;

/// Whether this process records; decided at the first call, and begun by `start`.
pub(super) fn recording(start: SetUp) -> bool {
    match gate::state(&STATE) {
        gate::RECORDING => true,
        gate::OFF => false,
        _ => decide(start),
    }
}

#[cold]
fn decide(start: SetUp) -> bool {
    let errno = os::errno();
    let is_on = take_turn(start);
    os::set_errno(errno);
    is_on
}

fn take_turn(start: SetUp) -> bool {
    let me = current::thread_address();
    let mut patience = Patience::new();
    loop {
        let pid = process();
        match gate::turn(&STATE, pid) {
            Turn::Records => return true,
            Turn::Off => {
                stop_asking();
                return false;
            }
            Turn::Starts { is_inherited } => {
                STARTER.store(me, Relaxed);
                return set_up(pid, is_inherited, start);
            }
            // A body that is entered by the setting up itself, or by a signal handler in the middle of it, is not recorded.
            Turn::Waits if STARTER.load(Relaxed) == me || !patience.sleep() => {
                if gate::lose(&STATE, &LOST) {
                    settle_lost_calls();
                }
                return false;
            }
            Turn::Waits => {}
        }
    }
}

/// Sets up the recording, as the only thread that does.
fn set_up(pid: u32, is_inherited: bool, start: SetUp) -> bool {
    // Half of the parent's recording is of no use, and its file is the parent's.
    let is_clean = !(is_inherited && state::header().is_some());
    let is_on = is_clean && start().is_some();
    let state = if is_on { gate::RECORDING } else { gate::OFF };
    // A forked child of a signal handler that ran in the middle of this has another state.
    let is_ours = gate::decide(&STATE, pid, state);
    STARTER.store(0, Relaxed);
    if is_on && is_ours {
        settle_lost_calls();
    } else {
        abandon();
    }
    is_on && is_ours
}

fn settle_lost_calls() {
    if let Some(header) = state::header() {
        gate::settle(&LOST, &header.lost_calls);
    }
}

/// The process that the memory belongs to.
fn process() -> u32 {
    let pid = std::process::id();
    match gate::process(&STATE) {
        0 => pid,
        writer if writer != pid && borrows_memory() => writer,
        _ => pid,
    }
}

/// Whether this is a child that has its parent's memory until it is another program, as `vfork` makes it: the C library knows its thread by
/// another number than the system.
#[cfg(target_os = "linux")]
fn borrows_memory() -> bool {
    let mut known = 0;
    // SAFETY: no arguments.
    let me = unsafe { libc::pthread_self() };
    // SAFETY: a thread that lives, and a valid place for the answer.
    let is_known = unsafe { libc::pthread_getcpuclockid(me, &raw mut known) } == 0;
    is_known && known != os::cpu_clock(os::thread_id())
}

/// Elsewhere such a child is not told from others.
#[cfg(not(target_os = "linux"))]
const fn borrows_memory() -> bool {
    false
}

/// Whether the recording is that of this process: not so in a child whose fork ran no handlers.
pub(super) fn is_of_this_process() -> bool {
    state::header()
        .is_none_or(|header| header.pid.load(Relaxed) == std::process::id() || borrows_memory())
}

/// Nothing is ever recorded here: calls need not ask any more.
fn stop_asking() {
    if state::header().is_none() {
        sink::set_idle_for_ever();
    }
}

/// This process is not recorded after all; the file that is mapped, if one is, is its parent's and says so.
#[cold]
pub(super) fn abandon() {
    gate::give_up(&STATE);
    stop_asking();
    if let Some(header) = state::header() {
        if header.pid.load(Relaxed) != std::process::id() {
            header.flags.fetch_or(FLAG_FORK_LOST, Relaxed);
        }
        state::forget_file();
    }
    crate::memory::heap::give_up();
}

/// How long a thread still waits.
struct Patience {
    until: u64,
}

impl Patience {
    fn new() -> Self {
        Self { until: 0 }
    }

    /// Sleeps for a moment; returns whether there is sense in another look.
    fn sleep(&mut self) -> bool {
        if HAS_GIVEN_UP.get() {
            return false;
        }
        let now = clock::monotonic_ns();
        if self.until == 0 {
            self.until = now.saturating_add(PATIENCE_NS);
        }
        if now > self.until {
            HAS_GIVEN_UP.set(true);
            return false;
        }
        let nap = libc::timespec {
            tv_sec: 0,
            tv_nsec: NAP_NS,
        };
        // SAFETY: a valid time; a signal may end it early.
        unsafe { libc::nanosleep(&raw const nap, core::ptr::null_mut()) };
        true
    }
}

/// Before a fork: nobody starts a recording until it is over. Returns whether it is counted, and whether this process records.
pub(super) fn before_fork() -> (bool, bool) {
    let me = current::thread_address();
    let mut patience = Patience::new();
    let is_counted = gate::begin_fork(&STATE, process(), || {
        STARTER.load(Relaxed) != me && patience.sleep()
    });
    (is_counted, gate::state(&STATE) == gate::RECORDING)
}

/// After a fork that was counted, in the parent.
pub(super) fn after_counted_fork() {
    gate::end_fork(&STATE);
}

/// In a forked child: whether it has a recording to go on with. `recorded` is what [`before_fork`] found.
pub(super) fn begin_child(recorded: bool) -> bool {
    LOST.store(0, Relaxed);
    match gate::begin_child(&STATE) {
        gate::RECORDING if recorded => return true,
        gate::UNDECIDED | gate::OFF => {}
        // The start took longer than the fork could wait.
        _ => abandon(),
    }
    false
}
