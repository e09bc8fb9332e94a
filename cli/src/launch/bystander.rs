//! A process of our group that holds every signal and does nothing. Whatever it has was sent to the whole group, and so to the program too.

use std::ffi::CString;
use std::io::PipeWriter;
use std::thread;
use std::time::{Duration, Instant};

use crate::system;

/// The one argument of an hprof that is a bystander.
pub(crate) const BYSTANDER_ARGUMENT: &str = "__bystander";

/// The system hands a signal for a group to one process after the other.
const MOMENT: Duration = Duration::from_millis(50);

/// Tells signals for the whole group from those for one process.
#[derive(Debug)]
pub(crate) struct Bystander {
    /// The process, which ends with the pipe; `None` where the system has none.
    process: Option<(libc::pid_t, PipeWriter)>,
    /// The last signal of the group. Two that come at once are seen as one.
    last: Option<(libc::c_int, Instant)>,
}

impl Bystander {
    /// Starts the process.
    pub(crate) fn start() -> Self {
        Self {
            process: start(),
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
        let (process, _) = self.process.as_ref()?;
        let mut holds = system::holds_signal(*process, signal)?;
        if !holds {
            thread::sleep(MOMENT);
            holds = system::holds_signal(*process, signal)?;
        }
        if holds {
            self.last = Some((signal, Instant::now()));
            // Nobody but itself could take the signal from it.
            self.process = start();
        }
        Some(holds)
    }
}

/// Starts the process, with a name of its own for those who look for hprof among all processes.
fn start() -> Option<(libc::pid_t, PipeWriter)> {
    let argument = CString::new(BYSTANDER_ARGUMENT).ok()?;
    system::start_bystander(c"/proc/self/exe", [c"hprof", &argument])
}
