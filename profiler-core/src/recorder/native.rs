//! `hprof run --native`: sampled stacks of all code, by pprof-rs, beside the lines.
//!
//! The stacks go to a file of their own when the process ends. If sampling or the making of that file goes wrong, the raw file has
//! every line as if nothing had been sampled.
//!
//! Limits, all of pprof-rs: time without the processor is not seen; stacks are cut at 128 frames; a sample is dropped when two threads
//! are due at once; the timer survives `exec`, whose new program it may end.

use core::ffi::{c_int, c_void};
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pprof::{Frames, ProfilerGuard, ProfilerGuardBuilder, Symbol};

use super::{clock, current};
use crate::env;
use crate::raw::native::{self, EXTENSION, Native, NativeFrame, NativeStack};

/// Rates that make sense, samples a second.
const RATES: core::ops::RangeInclusive<u32> = 1..=10_000;

/// Signals that arrived.
static SIGNALS: AtomicU64 = AtomicU64::new(0);
/// Address of pprof's own handler.
static HANDLER: AtomicUsize = AtomicUsize::new(0);
/// Whether this process, and not its parent, began to sample.
static IS_ON: AtomicBool = AtomicBool::new(false);
static SESSION: Mutex<Option<Session>> = Mutex::new(None);

/// Sampling under way.
struct Session {
    guard: ProfilerGuard<'static>,
    asked_hz: u32,
    start_cpu_ns: u64,
    path: PathBuf,
}

/// Begins to sample, if `HPROF_NATIVE` asks for it; the stacks go beside the raw file.
pub(super) fn start(raw: &Path) {
    let Some(asked_hz) = asked() else { return };
    // The timer may signal at once: the counting handler has to know where to go on.
    let rate = c_int::try_from(asked_hz).unwrap_or(100);
    let Ok(guard) = ProfilerGuardBuilder::default().frequency(rate).build() else {
        return;
    };
    count_signals();
    core::hint::black_box(_Unwind_FindEnclosingFunction as *const c_void);
    let session = Session {
        guard,
        asked_hz,
        start_cpu_ns: clock::nanos(libc::CLOCK_PROCESS_CPUTIME_ID),
        path: raw.with_extension(EXTENSION),
    };
    if let Ok(mut place) = SESSION.lock() {
        *place = Some(session);
        IS_ON.store(true, Release);
    }
}

/// The rate asked for.
pub(super) fn asked() -> Option<u32> {
    let rate = std::env::var(env::NATIVE).ok()?;
    rate.trim().parse().ok().filter(|rate| RATES.contains(rate))
}

/// Ends the sampling and writes the stacks. Does nothing in a forked child: it has no timer, and the stacks are its parent's.
pub(super) fn finish() {
    if !IS_ON.swap(false, AcqRel) {
        return;
    }
    // Nothing may unwind out of an exit handler.
    let write = || {
        let session = SESSION.lock().ok()?.take()?;
        stop_timer();
        let cpu = clock::nanos(libc::CLOCK_PROCESS_CPUTIME_ID);
        let native = Native {
            asked_hz: session.asked_hz,
            cpu_ns: cpu.saturating_sub(session.start_cpu_ns),
            signals: SIGNALS.load(Relaxed),
            ..collect(&session.guard)?
        };
        let mut file = File::create_new(&session.path).ok()?;
        file.write_all(native::text(&native).as_bytes()).ok()
    };
    let _ = panic::catch_unwind(AssertUnwindSafe(|| current::as_nobody(write)));
}

/// In a forked child.
pub(super) fn forget() {
    IS_ON.store(false, Relaxed);
}

/// No more signals, so that the CPU time and the counts belong together.
fn stop_timer() {
    let never = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    let never = libc::itimerval {
        it_interval: never,
        it_value: never,
    };
    // SAFETY: `never` is a valid value, and the old one is not asked for.
    unsafe { libc::setitimer(libc::ITIMER_PROF, &raw const never, core::ptr::null_mut()) };
}

/// The stacks with the names of their frames: every address is looked up once.
fn collect(guard: &ProfilerGuard<'_>) -> Option<Native> {
    let report = guard.report().build_unresolved().ok()?;
    let mut native = Native::default();
    let mut numbers = HashMap::new();
    let mut known: HashMap<usize, Vec<u32>> = HashMap::new();
    for (stack, samples) in report.data {
        let mut frames = Vec::new();
        for (index, frame) in stack.frames.iter().enumerate() {
            // The look-up takes one off, for a call returns behind itself; the innermost address is that of an instruction already.
            let address = frame.ip + usize::from(index == 0);
            let symbols = known.entry(address).or_insert_with(|| {
                let mut one = stack.clone();
                one.frames = stack.frames[index..=index].into();
                one.frames[0].ip = address;
                let found = Frames::from(one).frames.pop().unwrap_or_default();
                named(&found, frame.ip)
                    .into_iter()
                    .map(|frame| {
                        let next = u32::try_from(native.frames.len()).unwrap_or(u32::MAX);
                        *numbers
                            .entry(frame)
                            .or_insert_with_key(|frame: &NativeFrame| {
                                native.frames.push(frame.clone());
                                next
                            })
                    })
                    .collect()
            });
            frames.extend_from_slice(symbols);
        }
        let name = stack.thread_name.get(..stack.thread_name_length);
        native.stacks.push(NativeStack {
            thread: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
            frames,
            samples: u64::try_from(samples).unwrap_or(0),
        });
    }
    Some(native)
}

/// What stands at one address, innermost first: all but the last are inlined.
fn named(symbols: &[Symbol], address: usize) -> Vec<NativeFrame> {
    if symbols.is_empty() {
        return vec![NativeFrame {
            function: format!("{address:#x}"),
            ..NativeFrame::default()
        }];
    }
    let last = symbols.len() - 1;
    let frame = |(index, symbol): (usize, &Symbol)| {
        let file = symbol.filename.as_ref();
        let file = file.map(|file| file.to_string_lossy().into_owned());
        let file = file.unwrap_or_default();
        NativeFrame {
            function: full_name(without_hash(&symbol.name()), &file),
            file,
            line: symbol.lineno(),
            inlined: index < last,
        }
    };
    symbols.iter().enumerate().map(frame).collect()
}

/// The name, which for a function of the recorder begins with `hprof::`: where debug information has lines only, it has bare names.
fn full_name(name: &str, file: &str) -> String {
    const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/");
    let known = name.trim_start_matches('<').starts_with("hprof::");
    if file.starts_with(OURS) && !known {
        format!("hprof::{name}")
    } else {
        name.to_owned()
    }
}

/// A name without the hash that tells versions of a crate apart.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path
        }
        _ => name,
    }
}

/// Puts a handler that counts before the one of pprof, which does not tell how many samples it drops.
fn count_signals() {
    // SAFETY: zero is a valid value of all its fields.
    let mut action: libc::sigaction = unsafe { core::mem::zeroed() };
    // SAFETY: `action` is a valid place for the answer.
    if unsafe { libc::sigaction(libc::SIGPROF, core::ptr::null(), &raw mut action) } != 0 {
        return;
    }
    HANDLER.store(action.sa_sigaction, Release);
    action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
    // Not on the alternative stack, which is too small for unwinding: the flags stay as pprof has them.
    // SAFETY: the handler has the form that the flags ask for.
    unsafe { libc::sigaction(libc::SIGPROF, &raw const action, core::ptr::null_mut()) };
}

/// Counts a signal and hands it on.
extern "C" fn on_signal(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
    SIGNALS.fetch_add(1, Relaxed);
    let handler = HANDLER.load(Acquire);
    if handler != 0 {
        let handler = core::ptr::with_exposed_provenance::<c_void>(handler);
        // SAFETY: the address of pprof's handler, which has this form.
        let handler = unsafe { core::mem::transmute::<*const c_void, Handler>(handler) };
        handler(signal, info, context);
    }
}

/// Takes the place of libgcc's function of this name, which pprof asks for the key of each frame in its signal handler.
///
/// The answer being the address itself, samples of two lines of a function stay apart: under the function's address they would
/// be counted as one stack with the line of the first. And the real function takes a lock that the interrupted code may hold.
/// Else only the backtraces of the standard library ask, for an address that they show nowhere.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_FindEnclosingFunction(address: *mut c_void) -> *mut c_void {
    address
}
