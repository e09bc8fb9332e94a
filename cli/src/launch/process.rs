//! Starts one child process, stays until it has ended, and measures it.

use std::io;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hprof::model::End;

use super::signals::Forwarder;
use super::witness::Witness;
use crate::system;

/// A child that runs.
#[derive(Debug)]
pub(crate) struct Running {
    pid: libc::pid_t,
    forwarder: Forwarder,
    started: Instant,
    start_unix_ns: u64,
}

/// A child that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// How.
    pub(crate) end: End,
    /// From its start to its end.
    pub(crate) wall: Duration,
    /// User and system time of it and of the children it waited for.
    pub(crate) cpu: Duration,
    /// The user it ended as, if that is known.
    pub(crate) user: Option<u32>,
    /// Who it was and when it ended, where the system says so.
    pub(crate) witness: Option<Witness>,
}

/// Starts the command with our own standard streams, unless it says otherwise. Signals for hprof go to it, and to `others`.
pub(crate) fn start(
    command: &mut Command,
    others: impl Fn() -> Vec<libc::pid_t> + Send + 'static,
) -> io::Result<Running> {
    tracing::debug!(?command, "starting");
    let forwarder = Forwarder::start(others)?;
    let start_unix_ns = unix_nanos(SystemTime::now());
    let started = Instant::now();
    let child = command.spawn()?;
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    forwarder.set_child(pid);
    Ok(Running {
        pid,
        forwarder,
        started,
        start_unix_ns,
    })
}

impl Running {
    /// Start, in nanoseconds since the Unix epoch.
    pub(crate) fn start_unix_ns(&self) -> u64 {
        self.start_unix_ns
    }

    /// Waits for the end.
    pub(crate) fn wait(self) -> io::Result<Ended> {
        system::wait_for_end(self.pid)?;
        let wall = self.started.elapsed();
        self.forwarder.forget_child();
        // Until it is collected the system remembers who and whose it was.
        let witness = Witness::of(self.pid);
        let user = user_of(self.pid);
        let (end, cpu) = system::collect(self.pid)?;
        tracing::debug!(?end, ?wall, ?cpu, "ended");
        Ok(Ended {
            end,
            wall,
            cpu,
            user,
            witness,
        })
    }
}

/// The exit code that stands for how a program ended: its own, or 128 + n for signal n, as shells have it.
pub(crate) fn exit_code(end: End) -> u8 {
    let code = match end {
        End::Code(code) => code,
        End::Signal(signal) => 128 + signal,
    };
    // The system keeps eight bits of it anyway.
    u8::try_from(code & 0xff).unwrap_or(u8::MAX)
}

/// The user whose rights a process has.
fn user_of(pid: libc::pid_t) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let users = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    // Real, effective, saved, of the file system.
    users.split_whitespace().nth(3)?.parse().ok()
}

fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_what_a_child_took() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 0.05; exit 5"]);
        let ended = start(&mut command, Vec::new).unwrap().wait().unwrap();
        assert_eq!(ended.end, End::Code(5));
        assert!(ended.wall >= Duration::from_millis(50));
        assert!(ended.cpu < ended.wall);
        assert!(ended.user.is_none_or(|user| user == system::user_id()));
    }

    #[test]
    fn exit_codes_are_those_of_shells() {
        assert_eq!(exit_code(End::Code(3)), 3);
        assert_eq!(exit_code(End::Signal(9)), 137);
    }
}
