//! A process of our group that holds every signal and does nothing. Whatever it has was sent to the whole group, and so to the program too.

use std::thread;
use std::time::{Duration, Instant};

use crate::system;

/// The system hands a signal for a group to one process after the other.
const MOMENT: Duration = Duration::from_millis(50);

/// Tells signals for the whole group from those for one process.
#[derive(Debug)]
pub(crate) struct Bystander {
    /// `None` where the system has none.
    process: Option<libc::pid_t>,
    /// The last signal of the group. Two that come at once are seen as one.
    last: Option<(libc::c_int, Instant)>,
}

impl Bystander {
    /// Starts the process. It ends with the thread that calls this, however that ends.
    pub(crate) fn start() -> Self {
        Self {
            process: system::start_bystander(),
            last: None,
        }
    }

    /// Whether a signal that has just come went to the whole group; `None` if nobody knows.
    pub(crate) fn had(&mut self, signal: libc::c_int) -> Option<bool> {
        let is_recent =
            |(last, when): (libc::c_int, Instant)| last == signal && when.elapsed() < MOMENT;
        if self.last.is_some_and(is_recent) {
            return Some(true);
        }
        let process = self.process?;
        let mut holds = system::holds_signal(process, signal)?;
        if !holds {
            thread::sleep(MOMENT);
            holds = system::holds_signal(process, signal)?;
        }
        if holds {
            self.last = Some((signal, Instant::now()));
            // Nobody but itself could take the signal from it.
            self.end();
            self.process = system::start_bystander();
        }
        Some(holds)
    }

    fn end(&mut self) {
        if let Some(process) = self.process.take() {
            system::send_signal(process, libc::SIGKILL);
            // It is ours, so it can be collected.
            let _ = system::collect(process);
        }
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.end();
    }
}
