//! Starts one child process, stays until it has ended, and measures it.

use std::io;
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use hprof::model::End;

use super::launches::LaunchEnd;
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
    /// The child.
    pub(crate) fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// Start, in nanoseconds since the Unix epoch.
    pub(crate) fn start_unix_ns(&self) -> u64 {
        self.start_unix_ns
    }

    /// Waits for the end; also says who the child was, where the system does.
    pub(crate) fn wait(self) -> io::Result<(LaunchEnd, Option<Witness>)> {
        system::wait_for_end(self.pid)?;
        let wall = self.started.elapsed();
        self.forwarder.forget_child();
        // Until it is collected the system remembers who and whose it was.
        let witness = Witness::of(self.pid);
        let user = user_of(self.pid);
        let (end, cpu) = system::collect(self.pid)?;
        tracing::debug!(?end, ?wall, ?cpu, "ended");
        Ok((LaunchEnd::new(end, wall, cpu, user), witness))
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
        let (ended, _) = start(&mut command, Vec::new).unwrap().wait().unwrap();
        assert_eq!(ended.end(), End::Code(5));
        assert!(ended.wall_ns >= 50_000_000);
        assert!(ended.cpu_ns < ended.wall_ns);
        assert!(ended.user.is_none_or(|user| user == system::user_id()));
    }

    #[test]
    fn exit_codes_are_those_of_shells() {
        assert_eq!(exit_code(End::Code(3)), 3);
        assert_eq!(exit_code(End::Signal(9)), 137);
    }
}
