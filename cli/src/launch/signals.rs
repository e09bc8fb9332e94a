//! Signals while a program runs: the ones a terminal sends reach it by themselves, the ones meant for hprof are handed on.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libc::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::iterator::{Handle, SignalsInfo};

use super::launcher::LAUNCHER_ARGUMENT;

use crate::system;

/// Programs that had a signal themselves are mostly over after this time.
const MOMENT: Duration = Duration::from_millis(50);
/// A launcher that had a signal from somebody else no longer ago than this has it from the same `kill` as hprof.
const SAME_KILL: Duration = Duration::from_secs(2);

/// Keeps hprof alive until the program has ended.
///
/// Ctrl-C goes to all processes of the terminal's foreground group, so the program has it already: nothing is to be done but to
/// stay. A `kill` of hprof alone is handed on to the program. Nobody can tell whether a `kill -INT` went to the whole group, so a program
/// that is over a moment later does not get it again, nor does one whose launcher had it from somebody else than hprof. Handlers are used rather than ignoring, for what is ignored stays
/// ignored in a program that is started.
#[derive(Debug)]
pub(crate) struct Forwarder {
    receivers: Arc<Mutex<Receivers>>,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Receivers {
    child: Option<libc::pid_t>,
    /// Came before there was a child.
    early: Vec<libc::c_int>,
}

impl Forwarder {
    /// Starts to listen. `others` tells which processes get a signal beside the child.
    pub(crate) fn start(
        others: impl Fn() -> Vec<libc::pid_t> + Send + 'static,
    ) -> io::Result<Self> {
        let wanted = [SIGINT, SIGQUIT, SIGTERM, SIGHUP];
        // An ignored signal must stay ignored, for the program inherits that.
        let mut signals = SignalsInfo::<WithRawSiginfo>::new(
            wanted
                .into_iter()
                .filter(|&signal| !system::is_ignored(signal)),
        )?;
        let handle = signals.handle();
        let receivers = Arc::new(Mutex::new(Receivers::default()));
        let shared = Arc::clone(&receivers);
        let thread = thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                let is_launcher = std::env::args_os()
                    .nth(1)
                    .is_some_and(|arg| arg == LAUNCHER_ARGUMENT);
                let mut from_others = None;
                for info in signals.forever() {
                    let (signal, sender) = (info.si_signo, system::sender(&info));
                    tracing::debug!(signal, sender, "received");
                    if matches!(signal, SIGTERM | SIGHUP) {
                        hand_on(&shared, signal, &others);
                        continue;
                    }
                    // From a terminal all of its group have it.
                    let Some(sender) = sender else { continue };
                    if !is_launcher {
                        thread::sleep(MOMENT);
                        hand_on(&shared, signal, &others);
                    } else if !is_hprof(sender) {
                        from_others = Some(Instant::now());
                    } else if from_others.is_none_or(|last| last.elapsed() > SAME_KILL) {
                        hand_on(&shared, signal, &others);
                    }
                }
            })?;
        Ok(Self {
            receivers,
            handle,
            thread: Some(thread),
        })
    }

    /// From now on signals go to this child.
    pub(crate) fn set_child(&self, pid: libc::pid_t) {
        let mut receivers = self
            .receivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        receivers.child = Some(pid);
        for signal in receivers.early.drain(..) {
            system::send_signal(pid, signal);
        }
    }

    /// The child has ended: its process id may soon be another's.
    pub(crate) fn forget_child(&self) {
        self.receivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .child = None;
    }
}

/// Whether a process runs this same program.
fn is_hprof(pid: libc::pid_t) -> bool {
    let program = |process: &str| std::fs::read_link(format!("/proc/{process}/exe")).ok();
    let own = program("self");
    own.is_some() && own == program(&pid.to_string())
}

fn hand_on(
    receivers: &Mutex<Receivers>,
    signal: libc::c_int,
    others: &impl Fn() -> Vec<libc::pid_t>,
) {
    let mut receivers = receivers.lock().unwrap_or_else(PoisonError::into_inner);
    let child = receivers.child;
    match child {
        Some(pid) => system::send_signal(pid, signal),
        None => receivers.early.push(signal),
    }
    for pid in others().into_iter().filter(|&pid| Some(pid) != child) {
        system::send_signal(pid, signal);
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // It only fails if the thread panicked, which has been reported then.
            let _ = thread.join();
        }
    }
}
