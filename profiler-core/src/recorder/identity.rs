//! Who the process is: the name of its file, and what the header says of it.

use core::sync::atomic::AtomicU8;
use core::sync::atomic::Ordering::Relaxed;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::clock::{self, Source};
use crate::env;
use crate::raw::layout::{FLAG_ALLOC, FLAG_CALLS, FLAG_DEBUG_ASSERTIONS, Header};

/// Folder and stem of the raw file's path, for forked children.
static PATH_STEM: [AtomicU8; 2048] = [const { AtomicU8::new(0) }; 2048];

/// `<exe>-<host>-<pid>-<ticks>.hpraw` in the folder; remembers the part before the pid.
pub(super) fn path_of(folder: &Path, ticks: u64) -> PathBuf {
    let exe = std::env::current_exe().unwrap_or_default();
    let name = exe.file_name().unwrap_or_default().as_bytes().to_vec();
    let mut stem = std::path::absolute(folder)
        .unwrap_or_else(|_| folder.to_path_buf())
        .into_os_string()
        .into_vec();
    stem.push(b'/');
    stem.extend(name.iter().take(64));
    stem.push(b'-');
    stem.extend(host_name().iter().take(64));
    stem.push(b'-');
    for (place, byte) in PATH_STEM.iter().zip(stem.iter().chain(&[0])) {
        place.store(*byte, Relaxed);
    }
    path_with_stem(&stem, ticks)
}

/// The stem with process id, ticks and extension.
pub(super) fn path_with_stem(stem: &[u8], ticks: u64) -> PathBuf {
    use std::io::Write as _;

    let mut path = stem.to_vec();
    // Writing to a vector does not fail.
    let _ = write!(
        path,
        "{}-{ticks:x}.{}",
        std::process::id(),
        crate::raw::layout::EXTENSION
    );
    PathBuf::from(std::ffi::OsString::from_vec(path))
}

/// Name of this machine, with nothing that would trouble a file name.
fn host_name() -> Vec<u8> {
    let mut name = vec![0_u8; 256];
    // SAFETY: the buffer has that length, and its last byte stays 0.
    unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(0));
    name.retain(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    if name.is_empty() {
        b"localhost".to_vec()
    } else {
        name
    }
}

/// Who the process is and how it was built.
pub(super) fn describe_process(header: &Header, source: Source, pair: (u64, u64)) {
    header.clock_source.store(source as u32, Relaxed);
    describe_identity(header);
    header.start_ticks.store(pair.0, Relaxed);
    header.start_mono_ns.store(pair.1, Relaxed);
    let level = env!("HPROF_OPT_LEVEL").bytes().next().unwrap_or(b'?');
    header.opt_level.store(u32::from(level), Relaxed);
    let mut flags = 0;
    if cfg!(debug_assertions) {
        flags |= FLAG_DEBUG_ASSERTIONS;
    }
    if cfg!(hprof_alloc) {
        flags |= FLAG_ALLOC;
    }
    if option_env!("HPROF").is_some_and(|switch| switch.split('+').any(|part| part == "calls")) {
        flags |= FLAG_CALLS;
    }
    header.flags.store(flags, Relaxed);
    let (rank, ranks) = env::rank();
    header
        .rank_plus_1
        .store(rank.map_or(0, |rank| rank.saturating_add(1)), Relaxed);
    header.ranks.store(ranks.unwrap_or(0), Relaxed);
    header
        .host_len
        .store(copy_text(&header.host, &host_name()), Relaxed);
    let exe = std::env::current_exe().unwrap_or_default();
    header.exe_len.store(
        copy_text(&header.exe, exe.to_string_lossy().as_bytes()),
        Relaxed,
    );
}

/// When the system started this process, in its clock ticks since it started itself; 0 if that cannot be found out. Allocates nothing, for a
/// forked child asks.
fn process_started() -> u64 {
    #[cfg(target_os = "linux")]
    {
        use std::io::Read as _;

        let mut text = [0_u8; 1024];
        let read = std::fs::File::open("/proc/self/stat").and_then(|mut file| file.read(&mut text));
        parse_started(&text[..read.unwrap_or(0).min(text.len())])
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// The field after the 19 that follow the name of the program, which is in brackets and may have any letters.
#[cfg(target_os = "linux")]
fn parse_started(stat: &[u8]) -> u64 {
    let after = stat.iter().rposition(|byte| *byte == b')').unwrap_or(0);
    let mut fields = stat[after..].split(|byte| *byte == b' ').skip(1);
    let field = fields
        .nth(19)
        .and_then(|field| core::str::from_utf8(field).ok());
    field.and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// What a forked child has of its own.
pub(super) fn describe_identity(header: &Header) {
    header.process_started.store(process_started(), Relaxed);
    header.pid.store(std::process::id(), Relaxed);
    header
        .parent_pid
        .store(std::os::unix::process::parent_id(), Relaxed);
    header
        .start_unix_ns
        .store(clock::nanos(libc::CLOCK_REALTIME), Relaxed);
    let cpu = clock::nanos(libc::CLOCK_PROCESS_CPUTIME_ID);
    header.start_cpu_ns.store(cpu, Relaxed);
    header.last_cpu_ns.store(cpu, Relaxed);
}

/// Copies as much of the text as fits, and returns how much.
pub(super) fn copy_text(to: &[AtomicU8], text: &[u8]) -> u32 {
    for (place, byte) in to.iter().zip(text) {
        place.store(*byte, Relaxed);
    }
    u32::try_from(text.len().min(to.len())).unwrap_or(0)
}

/// Folder and stem of the raw file's path.
pub(super) fn path_stem() -> Vec<u8> {
    PATH_STEM
        .iter()
        .map(|byte| byte.load(Relaxed))
        .take_while(|byte| *byte != 0)
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_process_is_found_behind_any_name() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 99 100\n";
        for name in ["cat", "a b", ") 1 2", "(("] {
            assert_eq!(parse_started(format!("7 ({name}) {rest}").as_bytes()), 4711);
        }
        for damaged in ["", "7 (cat", "7 (cat) S 1 2", ")"] {
            assert_eq!(parse_started(damaged.as_bytes()), 0);
        }
        assert!(process_started() > 0 && process_started() == process_started());
    }
}
