//! Signals while a program runs: the ones a terminal sends reach it by themselves, the ones meant for hprof are handed on.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use libc::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::exfiltrator::WithRawSiginfo;
use signal_hook::iterator::{Handle, SignalsInfo};

use super::bystander::Bystander;
use crate::system;

/// Signals that people and systems end programs with.
const WANTED: [libc::c_int; 4] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP];
/// A signal that comes no later than this after the end of the program was meant for that.
const SAME_KILL: Duration = Duration::from_secs(2);

/// Keeps hprof alive until the program has ended.
///
/// Ctrl-C, like a `kill` of the process group, reaches the program by itself: nothing is to be done but to stay. A `kill` of hprof alone is
/// handed on to the program. A [`Bystander`] tells the two apart. Handlers are used rather than ignoring, for what is ignored stays ignored
/// in a program that is started.
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
        // An ignored signal must stay ignored, for the program inherits that.
        let mut signals = SignalsInfo::<WithRawSiginfo>::new(
            WANTED
                .into_iter()
                .filter(|&signal| !system::is_ignored(signal)),
        )?;
        let handle = signals.handle();
        let receivers = Arc::new(Mutex::new(Receivers::default()));
        let shared = Arc::clone(&receivers);
        let mut bystander = Bystander::start();
        let thread = thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for info in signals.forever() {
                    let (signal, sender) = (info.si_signo, system::sender(&info));
                    let had = bystander.had(signal);
                    tracing::debug!(signal, sender, had, "received");
                    // Without a bystander: a terminal sends these two to all of its group, and a program mostly ends by the others.
                    let from_terminal = || sender.is_none() && matches!(signal, SIGINT | SIGQUIT);
                    if had.unwrap_or_else(from_terminal) && is_in_group(&shared) {
                        continue;
                    }
                    hand_on(&shared, signal, &others);
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

/// Whether the child is there and gets what is sent to our group.
fn is_in_group(receivers: &Mutex<Receivers>) -> bool {
    let receivers = receivers.lock().unwrap_or_else(PoisonError::into_inner);
    receivers.child.is_some_and(system::is_in_our_group)
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

/// Lets signals end hprof again, which no program of its own will need any more. What comes right after the end of the program belongs to
/// the `kill` that ended it: of all processes of a job, one after the other.
pub(crate) fn end_by_signals() {
    // Whoever prints to a pipe that nobody reads can be ended otherwise by SIGKILL alone.
    let _ = thread::Builder::new().name("signals".into()).spawn(|| {
        thread::sleep(SAME_KILL);
        for signal in WANTED {
            if !system::is_ignored(signal) {
                system::restore_signal(signal);
            }
        }
    });
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
