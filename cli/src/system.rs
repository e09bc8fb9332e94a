//! The few calls to the operating system that the standard library lacks. The only unsafe code of the command line tool.
#![expect(
    unsafe_code,
    reason = "process times, signals and file systems are only found behind libc"
)]

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::{FromRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use hprof::model::End;

/// Name of this machine, as recordings have it.
pub(crate) fn host() -> Option<String> {
    let mut name = [0_u8; 256];
    // SAFETY: the last byte stays 0.
    let told = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let name = CStr::from_bytes_until_nul(&name).ok()?;
    (told == 0).then(|| name.to_string_lossy().into_owned())
}

/// Waits until the child has ended, but leaves it to be collected: its process id stays its own.
pub(crate) fn wait_for_end(pid: libc::pid_t) -> io::Result<()> {
    let id = libc::id_t::try_from(pid).map_err(io::Error::other)?;
    loop {
        let mut end = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: `end` has room for what is written, and lives through the call.
        let failed = unsafe {
            libc::waitid(
                libc::P_PID,
                id,
                end.as_mut_ptr(),
                libc::WEXITED | libc::WNOWAIT,
            )
        };
        if failed == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// CPU time of this thread, nanoseconds.
pub(crate) fn thread_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_THREAD_CPUTIME_ID).unwrap_or(0)
}

/// CPU time of all threads of a process, nanoseconds; `None` if it has ended, or the system does not tell.
pub(crate) fn process_cpu_ns(pid: libc::pid_t) -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let mut clock = 0;
        // SAFETY: `clock` has room for what is written.
        let failed = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
        if failed == 0 { clock_ns(clock) } else { None }
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = pid;
        None
    }
}

fn clock_ns(clock: libc::clockid_t) -> Option<u64> {
    let mut now = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: `now` has room for what is written.
    let failed = unsafe { libc::clock_gettime(clock, now.as_mut_ptr()) };
    // SAFETY: written, or all zeroes.
    let now = unsafe { now.assume_init() };
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    let nanos = part(now.tv_sec).saturating_mul(1_000_000_000);
    (failed == 0).then(|| nanos.saturating_add(part(now.tv_nsec)))
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) fn monotonic_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// Collects a child: how it ended, and the CPU time (user and system) of it and of the children it waited for.
pub(crate) fn collect(pid: libc::pid_t) -> io::Result<(End, Duration)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both places have room for what is written, and live through the call.
        let collected = unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) };
        if collected == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: all zeroes is a value of this plain structure, and `wait4` only overwrites it.
    let usage = unsafe { usage.assume_init() };
    let end = if libc::WIFSIGNALED(status) {
        End::Signal(libc::WTERMSIG(status))
    } else {
        End::Code(libc::WEXITSTATUS(status))
    };
    Ok((end, duration(usage.ru_utime) + duration(usage.ru_stime)))
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

/// The process that sent a signal; `None` if the system itself did, as for Ctrl-C on a terminal.
pub(crate) fn sender(info: &libc::siginfo_t) -> Option<libc::pid_t> {
    if info.si_code > 0 {
        return None;
    }
    // SAFETY: signals that processes send have their number there.
    Some(unsafe { info.si_pid() })
}

/// Sends a signal to a process. That it may have ended meanwhile is no error.
pub(crate) fn send_signal(pid: libc::pid_t, signal: libc::c_int) {
    // SAFETY: takes two numbers.
    unsafe { libc::kill(pid, signal) };
}

/// Starts a process of our group that holds all signals and does nothing, until the end of the pipe that is returned with its id is gone, and so
/// no longer than this process. It is nobody's child, and becomes the program with this one argument, which is to do nothing but
/// [`stand_by`]: else it would look like this process. `None` where that cannot be had.
#[cfg(target_os = "linux")]
pub(crate) fn start_bystander(
    program: &CStr,
    words: [&CStr; 2],
) -> Option<(libc::pid_t, io::PipeWriter)> {
    let words = [words[0].as_ptr(), words[1].as_ptr(), std::ptr::null()];
    let (life, end) = io::pipe().ok()?;
    let (mut news, teller) = io::pipe().ok()?;
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: `all` has room for what is written.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: a set that was filled, and room for the present one.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
    // SAFETY: the child calls nothing but the system.
    let between = unsafe { libc::fork() };
    if between == 0 {
        // SAFETY: as above.
        if unsafe { libc::fork() } == 0 {
            become_bystander(program, &words, &life, &teller);
        }
        // SAFETY: ends this process without any of its handlers.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: the set that was asked for above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    collect(between).ok()?;
    drop(teller);
    let mut pid = [0; size_of::<libc::pid_t>()];
    news.read_exact(&mut pid).ok()?;
    Some((libc::pid_t::from_ne_bytes(pid), end))
}

/// As above.
#[cfg(not(target_os = "linux"))]
pub(crate) fn start_bystander(
    _program: &CStr,
    _words: [&CStr; 2],
) -> Option<(libc::pid_t, io::PipeWriter)> {
    None
}

/// Tells who it is, keeps nothing open but the pipe it lives by, and becomes the program. A child of a program with threads may not allocate.
#[cfg(target_os = "linux")]
fn become_bystander(
    program: &CStr,
    words: &[*const libc::c_char; 3],
    life: &io::PipeReader,
    teller: &io::PipeWriter,
) -> ! {
    // SAFETY: takes no arguments.
    let own = unsafe { libc::getpid() };
    let bytes = size_of::<libc::pid_t>();
    // SAFETY: a number of so many bytes.
    unsafe { libc::write(teller.as_raw_fd(), (&raw const own).cast(), bytes) };
    // SAFETY: takes numbers only; nobody uses a file here any more.
    unsafe { libc::dup2(life.as_raw_fd(), 0) };
    // SAFETY: as above.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 1, libc::c_uint::MAX, 0) };
    if closed != 0 {
        for descriptor in 1..1024 {
            // SAFETY: takes a number only.
            unsafe { libc::close(descriptor) };
        }
    }
    // Nobody should find a folder in use.
    // SAFETY: a text that ends with a zero byte.
    unsafe { libc::chdir(c"/".as_ptr()) };
    let nothing = [std::ptr::null()];
    // SAFETY: texts that end with a zero byte, and lists that end with a null pointer.
    unsafe { libc::execve(program.as_ptr(), words.as_ptr(), nothing.as_ptr()) };
    stand_by()
}

/// Does nothing as long as whoever started this lives.
pub(crate) fn stand_by() -> ! {
    let mut byte = 0_u8;
    // SAFETY: room for a byte; nobody writes one.
    unsafe { libc::read(0, (&raw mut byte).cast(), 1) };
    // SAFETY: ends this process without any of its handlers.
    unsafe { libc::_exit(0) };
}

/// Whether a process that holds signals has this one; `None` if that cannot be known.
pub(crate) fn holds_signal(pid: libc::pid_t, signal: libc::c_int) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let held = status
        .lines()
        .find_map(|line| line.strip_prefix("ShdPnd:"))?;
    let held = u64::from_str_radix(held.trim(), 16).ok()?;
    Some(held >> (signal - 1) & 1 == 1)
}

/// Whether a process gets what is sent to the group of this one.
pub(crate) fn is_in_our_group(pid: libc::pid_t) -> bool {
    // SAFETY: takes a number only.
    let group = unsafe { libc::getpgid(pid) };
    // SAFETY: takes no arguments.
    group == unsafe { libc::getpgrp() }
}

/// Whether whoever started us wants the signal ignored (`nohup`, or `&` in a script): the program inherits that.
pub(crate) fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks for the present action, into a place that has room for it.
    let failed = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeroes is a value of this plain structure.
    let action = unsafe { action.assume_init() };
    failed == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Gives a signal back the effect that it has by default.
pub(crate) fn restore_signal(signal: libc::c_int) {
    // SAFETY: no code of ours runs any more when it comes.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// The user that runs this process.
pub(crate) fn user_id() -> u32 {
    // SAFETY: takes nothing, changes nothing, cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether any process has a file open for writing or mapped so; `None` if the system cannot tell, such as on some file systems of a network.
///
/// The system grants a lease for reading only where nobody can write, whatever the process is called, which number it has and whether its
/// program is still there. The lease is given back at once.
pub(crate) fn is_open_for_writing(file: &File) -> Option<bool> {
    #[cfg(target_os = "linux")]
    {
        /// Of `fcntl.h`; the crate `libc` lacks it.
        const F_SETSIG: libc::c_int = 10;

        let number = file.as_raw_fd();
        // Should somebody open the file for writing in that moment: the signal that is sent then is one that nobody minds.
        // SAFETY: takes numbers only.
        unsafe { libc::fcntl(number, F_SETSIG, libc::SIGURG) };
        // SAFETY: takes numbers only.
        if unsafe { libc::fcntl(number, libc::F_SETLEASE, libc::F_RDLCK) } == 0 {
            // SAFETY: takes numbers only.
            unsafe { libc::fcntl(number, libc::F_SETLEASE, libc::F_UNLCK) };
            return Some(false);
        }
        (io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock).then_some(true)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        None
    }
}

/// Whether there is a process of this number.
pub(crate) fn exists(pid: libc::pid_t) -> bool {
    // SAFETY: takes two numbers; 0 is no signal.
    let found = unsafe { libc::kill(pid, 0) } == 0;
    found || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Another descriptor for a file that this process has open for writing.
pub(crate) fn duplicate(descriptor: RawFd) -> io::Result<File> {
    // SAFETY: only asks for flags; a number that is no descriptor is an error.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
    if flags < 0 {
        return Err(io::Error::last_os_error());
    }
    if flags & libc::O_ACCMODE == libc::O_RDONLY {
        return Err(io::Error::other("it is not open for writing"));
    }
    // SAFETY: takes two numbers; what it returns is a new descriptor.
    let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 3) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor has just been made, and nobody else knows it.
    Ok(unsafe { File::from_raw_fd(copy) })
}

/// Makes sure that this process may write to what is there, without opening it.
pub(crate) fn may_write(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path ends with a zero byte.
    let refused =
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::W_OK, libc::AT_EACCESS) };
    if refused == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Bytes that may still be written to the file system of `path`.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut facts = MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends with a zero byte, and `facts` has room for what is written.
    let failed = unsafe { libc::statvfs(path.as_ptr(), facts.as_mut_ptr()) };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: all zeroes is a value of this plain structure, and the call filled it.
    let facts = unsafe { facts.assume_init() };
    #[expect(
        clippy::useless_conversion,
        reason = "the fields are narrower on some systems"
    )]
    Ok(u64::from(facts.f_bavail).saturating_mul(u64::from(facts.f_frsize)))
}

/// Whether files below `path` live in memory and are never written to a disk while a program runs.
pub(crate) fn is_in_memory(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        let Ok(path) = CString::new(path.as_os_str().as_bytes()) else {
            return false;
        };
        let mut facts = MaybeUninit::<libc::statfs>::zeroed();
        // SAFETY: the path ends with a zero byte, and `facts` has room for what is written.
        let failed = unsafe { libc::statfs(path.as_ptr(), facts.as_mut_ptr()) };
        // SAFETY: all zeroes is a value of this plain structure.
        let facts = unsafe { facts.assume_init() };
        failed == 0 && facts.f_type == libc::TMPFS_MAGIC
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    #[expect(clippy::zombie_processes, reason = "collected by what is tested")]
    fn collects_code_and_signal() {
        for (script, expected) in [("exit 3", End::Code(3)), ("kill -9 $$", End::Signal(9))] {
            let child = Command::new("sh").args(["-c", script]).spawn().unwrap();
            let pid = libc::pid_t::try_from(child.id()).unwrap();
            wait_for_end(pid).unwrap();
            assert_eq!(collect(pid).unwrap().0, expected);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_bystander_holds_what_it_gets_and_has_nothing_open() {
        let (bystander, end) = start_bystander(c"/no such program", [c"", c""]).unwrap();
        assert_eq!(holds_signal(bystander, libc::SIGINT), Some(false));
        assert!(is_in_our_group(bystander));
        for signal in [libc::SIGINT, libc::SIGTERM] {
            send_signal(bystander, signal);
            assert_eq!(holds_signal(bystander, signal), Some(true));
        }
        assert_eq!(holds_signal(bystander, libc::SIGQUIT), Some(false));
        let open = || std::fs::read_dir(format!("/proc/{bystander}/fd")).unwrap();
        while open().count() > 1 {
            std::thread::yield_now();
        }
        drop(end);
        while holds_signal(bystander, libc::SIGINT).is_some() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn knows_its_file_systems() {
        assert!(free_bytes(Path::new("/")).is_ok());
        assert!(free_bytes(Path::new("/no such folder")).is_err());
        assert!(!is_in_memory(Path::new("/no such folder")));
    }
}
