//! What a thread that does not work is waiting for, by the system call it is in and, where that says little, by what the descriptor is.

use std::fs;
use std::path::Path;

use hprof::model::WaitCause;

/// What a thread does at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// It has a processor, or wants one.
    Running,
    Waiting(WaitCause),
}

/// Reads the text of `/proc/PID/task/TID/syscall`; `None` if it makes no sense. `descriptor` tells what one of the process is.
pub(super) fn parse(text: &str, descriptor: impl Fn(u64) -> Option<WaitCause>) -> Option<Doing> {
    let mut words = text.split_whitespace();
    let number = words.next()?;
    if number == "running" {
        return Some(Doing::Running);
    }
    let number: i64 = number.parse().ok()?;
    // Blocked, and not in a system call: a page comes.
    if number < 0 {
        return Some(Doing::Waiting(WaitCause::PageFault));
    }
    let mut argument = || {
        let word = words.next()?.strip_prefix("0x")?;
        u64::from_str_radix(word, 16).ok()
    };
    let cause = match class(number) {
        Class::Plain(cause) => Some(cause),
        Class::Descriptor => argument().and_then(descriptor),
        // Of no descriptors: a sleep.
        Class::Poll => argument()
            .and_then(|_| argument())
            .filter(|count| *count == 0)
            .map(|_| WaitCause::Sleep),
    };
    Some(Doing::Waiting(cause.unwrap_or(WaitCause::Other)))
}

/// What the descriptor of a process is.
pub(super) fn descriptor(process: &Path, number: u64) -> Option<WaitCause> {
    let link = fs::read_link(process.join("fd").join(number.to_string())).ok()?;
    let name = link.to_str().unwrap_or("/");
    Some(if name.starts_with("socket:") {
        WaitCause::Network
    } else if name.starts_with("pipe:")
        || name.starts_with("/dev/pts/")
        || name.starts_with("/dev/tty")
    {
        WaitCause::Pipe
    } else if name.starts_with('/') && !name.starts_with("/dev/") {
        WaitCause::Disk
    } else {
        // A pipe with a name is a path too, and an event or a timer is none.
        WaitCause::Other
    })
}

enum Class {
    Plain(WaitCause),
    /// By the descriptor, which is the first argument.
    Descriptor,
    /// By the number of descriptors, which is the second argument.
    Poll,
}

#[cfg(target_os = "linux")]
fn class(number: i64) -> Class {
    match number {
        libc::SYS_nanosleep | libc::SYS_clock_nanosleep => Class::Plain(WaitCause::Sleep),
        libc::SYS_futex | libc::SYS_futex_waitv => Class::Plain(WaitCause::Lock),
        libc::SYS_wait4 | libc::SYS_waitid => Class::Plain(WaitCause::Child),
        libc::SYS_connect
        | libc::SYS_accept
        | libc::SYS_accept4
        | libc::SYS_recvfrom
        | libc::SYS_recvmsg
        | libc::SYS_recvmmsg
        | libc::SYS_sendto
        | libc::SYS_sendmsg
        | libc::SYS_sendmmsg => Class::Plain(WaitCause::Network),
        libc::SYS_fsync
        | libc::SYS_fdatasync
        | libc::SYS_sync
        | libc::SYS_syncfs
        | libc::SYS_sync_file_range
        | libc::SYS_msync
        | libc::SYS_openat
        | libc::SYS_unlinkat
        | libc::SYS_fallocate
        | libc::SYS_ftruncate
        | libc::SYS_getdents64
        | libc::SYS_io_getevents => Class::Plain(WaitCause::Disk),
        libc::SYS_read
        | libc::SYS_write
        | libc::SYS_readv
        | libc::SYS_writev
        | libc::SYS_pread64
        | libc::SYS_pwrite64
        | libc::SYS_preadv
        | libc::SYS_pwritev
        | libc::SYS_preadv2
        | libc::SYS_pwritev2
        | libc::SYS_splice
        | libc::SYS_sendfile
        | libc::SYS_copy_file_range => Class::Descriptor,
        libc::SYS_ppoll => Class::Poll,
        number => older(number),
    }
}

/// Calls that only old machines have.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn older(number: i64) -> Class {
    match number {
        libc::SYS_poll => Class::Poll,
        libc::SYS_open | libc::SYS_unlink | libc::SYS_rename => Class::Plain(WaitCause::Disk),
        _ => Class::Plain(WaitCause::Other),
    }
}

#[cfg(all(target_os = "linux", not(target_arch = "x86_64")))]
fn older(_number: i64) -> Class {
    Class::Plain(WaitCause::Other)
}

#[cfg(not(target_os = "linux"))]
fn class(_number: i64) -> Class {
    Class::Plain(WaitCause::Other)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn causes_follow_from_calls_and_descriptors() {
        let of = |text: &str| parse(text, |number| (number == 3).then_some(WaitCause::Disk));
        let waits = |cause| Some(Doing::Waiting(cause));
        let call = |number: i64, rest: &str| format!("{number} {rest} 0x7ffc 0x7f8c\n");
        assert_eq!(of("running\n"), Some(Doing::Running));
        assert_eq!(of("-1 0x7ffc 0x7f8c\n"), waits(WaitCause::PageFault));
        assert_eq!(
            of(&call(libc::SYS_futex, "0x1 0x0")),
            waits(WaitCause::Lock)
        );
        assert_eq!(
            of(&call(libc::SYS_clock_nanosleep, "0x0")),
            waits(WaitCause::Sleep)
        );
        assert_eq!(of(&call(libc::SYS_wait4, "0x0")), waits(WaitCause::Child));
        assert_eq!(of(&call(libc::SYS_read, "0x3 0x0")), waits(WaitCause::Disk));
        assert_eq!(
            of(&call(libc::SYS_read, "0x9 0x0")),
            waits(WaitCause::Other)
        );
        assert_eq!(
            of(&call(libc::SYS_ppoll, "0x0 0x0")),
            waits(WaitCause::Sleep)
        );
        assert_eq!(
            of(&call(libc::SYS_ppoll, "0x5 0x2")),
            waits(WaitCause::Other)
        );
        assert_eq!(of("no number"), None);
    }
}
