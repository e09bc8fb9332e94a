//! Signals that would end hprof while a worktree stands: they are noted, and what goes on is stopped as soon as its child has ended by them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::bail;
use libc::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::SigId;

use crate::system;

/// Notes signals as long as it lives.
#[derive(Debug)]
pub(super) struct Interrupts {
    /// The last one that came; 0 if none did.
    signal: Arc<AtomicUsize>,
    handlers: Vec<SigId>,
}

impl Interrupts {
    pub(super) fn start() -> io::Result<Self> {
        let signal = Arc::new(AtomicUsize::new(0));
        let mut handlers = Vec::new();
        for wanted in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] {
            // An ignored signal must stay ignored, for the programs inherit that.
            if system::is_ignored(wanted) {
                continue;
            }
            let number = usize::try_from(wanted).unwrap_or(0);
            let shared = Arc::clone(&signal);
            handlers.push(signal_hook::flag::register_usize(wanted, shared, number)?);
        }
        Ok(Self { signal, handlers })
    }

    /// An error if a signal has come.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match self.code() {
            Some(_) => bail!("stopped by a signal"),
            None => Ok(()),
        }
    }

    /// The exit code that stands for the signal that came.
    pub(super) fn code(&self) -> Option<u8> {
        let signal = self.signal.load(Ordering::Relaxed);
        let signal = u8::try_from(signal).ok().filter(|signal| *signal > 0);
        signal.map(|signal| signal.saturating_add(128))
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            signal_hook::low_level::unregister(handler);
        }
        // The report that follows may be stopped as any other.
        for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] {
            if !system::is_ignored(signal) {
                system::restore_signal(signal);
            }
        }
    }
}
