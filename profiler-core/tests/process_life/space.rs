//! Programs whose recorder finds no room: they run as ever, and what was recorded says what is missing.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use hprof::profile;
use tempfile::TempDir;

use crate::{
    Remains, TURNS, command, cost, fork, leave, process_of, steps, steps_recorded, wait_for,
};

/// The functions that call each other.
const NAMES: [&str; 4] = ["first", "second", "third", "fourth"];

/// What the program counts itself: calls of each of the functions that call each other.
static CALLS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

fn count(function: usize) {
    CALLS[function].fetch_add(1, Ordering::Relaxed);
}

#[profile(always)]
fn first(depth: u32) {
    count(0);
    if depth > 0 {
        second(depth - 1);
        third(depth - 1);
        fourth(depth - 1);
    }
}

#[profile(always)]
fn second(depth: u32) {
    count(1);
    if depth > 0 {
        first(depth - 1);
        third(depth - 1);
        fourth(depth - 1);
    }
}

#[profile(always)]
fn third(depth: u32) {
    count(2);
    if depth > 0 {
        first(depth - 1);
        second(depth - 1);
        fourth(depth - 1);
    }
}

#[profile(always)]
fn fourth(depth: u32) {
    count(3);
    if depth > 0 {
        first(depth - 1);
        second(depth - 1);
        third(depth - 1);
    }
}

/// Levels of calls: more contexts than any of the small spaces has room for.
const DEPTH: u32 = 9;

/// A file system of its own, in memory.
struct Small(TempDir);

impl Small {
    /// With these limits, such as a quota sets. `None`, said aloud, if this user may not mount.
    fn mount(limits: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = CString::new(limits).unwrap();
        let path = CString::new(folder.path().as_os_str().as_bytes()).unwrap();
        // SAFETY: all texts are terminated.
        #[expect(unsafe_code, reason = "mounts")]
        let failed = unsafe {
            libc::mount(
                c"tmpfs".as_ptr(),
                path.as_ptr(),
                c"tmpfs".as_ptr(),
                0,
                options.as_ptr().cast(),
            )
        };
        if failed != 0 {
            crate::skipped("this user may not mount a small file system");
            return None;
        }
        Some(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves nothing free.
    fn fill(&self) {
        let mut file = File::create(self.path().join("filler")).unwrap();
        while file.write_all(&[1; 4096]).is_ok() {}
    }

    fn forbid_writing(&self) {
        let path = CString::new(self.path().as_os_str().as_bytes()).unwrap();
        let flags = libc::MS_REMOUNT | libc::MS_RDONLY;
        // SAFETY: all texts are terminated.
        #[expect(unsafe_code, reason = "mounts")]
        let failed = unsafe {
            libc::mount(
                c"tmpfs".as_ptr(),
                path.as_ptr(),
                c"tmpfs".as_ptr(),
                flags,
                std::ptr::null(),
            )
        };
        assert_eq!(failed, 0);
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let path = CString::new(self.path().as_os_str().as_bytes()).unwrap();
        // SAFETY: the path is terminated.
        #[expect(unsafe_code, reason = "unmounts")]
        unsafe {
            libc::umount2(path.as_ptr(), libc::MNT_DETACH);
        }
    }
}

/// Opens files until no more can be.
fn exhaust_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// Takes all addresses but about this many bytes.
fn exhaust_addresses(rest: usize) {
    let map = |bytes: usize| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping that nobody uses.
        #[expect(unsafe_code, reason = "maps addresses")]
        unsafe {
            libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0)
        }
    };
    let kept = map(rest);
    assert_ne!(kept, libc::MAP_FAILED);
    while map(64 << 10) != libc::MAP_FAILED {}
    // SAFETY: mapped above.
    #[expect(unsafe_code, reason = "gives addresses back")]
    unsafe {
        libc::munmap(kept, rest);
    }
}

mod scenarios {
    //! What the child does.

    use super::*;

    scenarios! {
        many_contexts {
            first(DEPTH);
            let calls: Vec<u64> = CALLS.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
            let folder = std::env::var_os("CALLS_GO_TO").unwrap();
            fs::write(folder, calls.iter().map(|calls| format!("{calls}\n")).collect::<String>()).unwrap();
            std::process::exit(5)
        }
        forks_where_nothing_is_free {
            steps(TURNS);
            let filler = std::env::var_os("HPROF_DIR").unwrap();
            let mut filler = File::create(Path::new(&filler).join("filler")).unwrap();
            while filler.write_all(&[1; 4096]).is_ok() {}
            step_in_a_child();
            first(8);
            steps(TURNS);
            std::process::exit(5)
        }
        has_no_descriptors {
            let _all = exhaust_descriptors();
            steps(TURNS);
            std::process::exit(5)
        }
        forks_without_descriptors {
            steps(TURNS);
            let _all = exhaust_descriptors();
            step_in_a_child();
            steps(TURNS);
            std::process::exit(5)
        }
        has_few_addresses {
            exhaust_addresses(4 << 20);
            steps(TURNS);
            leave(5)
        }
        steps_and_exits { steps(TURNS); std::process::exit(5) }
        forks_with_a_lower_limit {
            steps(TURNS);
            set_limit(libc::RLIMIT_FSIZE, 1 << 20);
            step_in_a_child();
            steps(TURNS);
            std::process::exit(5)
        }
        forks {
            steps(TURNS);
            step_in_a_child();
            steps(TURNS);
            std::process::exit(5)
        }
    }
}

/// Steps in a forked child, whose end is waited for.
fn step_in_a_child() {
    match fork() {
        0 => {
            steps(TURNS);
            leave(0)
        }
        child => wait_for(child),
    }
}

fn set_limit(of: libc::__rlimit_resource_t, bytes: u64) {
    let limit = libc::rlimit {
        rlim_cur: bytes,
        rlim_max: bytes,
    };
    // SAFETY: a valid limit.
    #[expect(unsafe_code, reason = "sets a limit")]
    let failed = unsafe { libc::setrlimit(of, &raw const limit) };
    assert_eq!(failed, 0);
}

/// Gives a program a limit of its own.
fn limit(of: libc::__rlimit_resource_t, bytes: u64) -> impl Fn(&mut Command) {
    move |command| {
        // SAFETY: sets a limit, which is safe between fork and exec.
        #[expect(unsafe_code, reason = "the child has a limit of its own")]
        unsafe {
            command.pre_exec(move || {
                set_limit(of, bytes);
                Ok(())
            })
        };
    }
}

/// Runs a scenario in a folder; the program must end as if nothing recorded it.
fn unharmed(scenario: &str, folder: &Path, prepare: impl Fn(&mut Command)) -> Remains {
    let mut command = command(&format!("space::{scenario}"), folder);
    prepare(&mut command);
    let status = command.status().unwrap();
    assert_eq!(status.code(), Some(5), "{scenario}: {status}");
    Remains {
        status,
        profiles: Remains::read(folder),
    }
}

/// The numbers of the errors in the notes of a folder.
fn notes(folder: &Path) -> Vec<i32> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "hplost")
        })
        .map(|path| {
            fs::read_link(path)
                .unwrap()
                .to_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
}

/// Runs the program with too many contexts, and compares its calls with those recorded.
fn contexts_are_lost_and_hits_exact(folder: &Path, space: &str) -> Remains {
    let scratch = tempfile::tempdir().unwrap();
    let calls = scratch.path().join("calls");
    let remains = unharmed("many_contexts", folder, |command| {
        command.env("CALLS_GO_TO", &calls).env("HPROF_SPACE", space);
    });
    let profile = remains.only();
    let losses = process_of(profile).losses;
    assert!(losses.flat);
    assert_eq!((losses.lost_calls, losses.damaged), (0, 0));
    let calls = fs::read_to_string(calls).unwrap();
    for (name, calls) in NAMES.into_iter().zip(calls.lines()) {
        let calls: u64 = calls.parse().unwrap();
        let cost = cost(profile, name);
        assert_eq!(cost.calls, calls, "{name}");
        assert_eq!(cost.lines[0].own.hits, calls, "{name}");
    }
    remains
}

#[test]
fn a_space_of_two_megabytes_costs_contexts_alone() {
    let folder = tempfile::tempdir().unwrap();
    let remains = contexts_are_lost_and_hits_exact(folder.path(), "2M");
    let nodes = process_of(remains.only()).threads[0].nodes.len();
    assert!(nodes > 500, "{nodes} contexts fit");
}

/// The room ends while the program runs. Nothing is kept free for flat nodes then, so calls are lost where they have none yet.
#[test]
fn a_file_system_that_fills_up_costs_calls_that_are_counted() {
    let Some(small) = Small::mount("size=512k") else {
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let remains = unharmed("many_contexts", small.path(), |command| {
        command.env("CALLS_GO_TO", scratch.path().join("calls"));
    });
    let losses = process_of(remains.only()).losses;
    assert!(losses.flat && losses.damaged == 0, "{losses:?}");
    let recorded: u64 = NAMES
        .map(|name| cost(remains.only(), name).calls)
        .iter()
        .sum();
    let called: u64 = fs::read_to_string(scratch.path().join("calls"))
        .unwrap()
        .lines()
        .map(|line| line.parse::<u64>().unwrap())
        .sum();
    assert!(
        recorded <= called && recorded + losses.lost_calls <= called,
        "{recorded} of {called}, {losses:?}"
    );
    assert!(recorded == called || losses.lost_calls > 0);
}

#[test]
fn without_room_or_right_nothing_is_recorded_and_a_note_says_why() {
    let Some(small) = Small::mount("size=64k") else {
        return;
    };
    small.fill();
    let remains = unharmed("steps_and_exits", small.path(), |_| {});
    assert!(remains.profiles.is_empty());
    assert_eq!(notes(small.path()), [libc::ENOSPC]);
    small.forbid_writing();
    let remains = unharmed("steps_and_exits", small.path(), |_| {});
    assert!(remains.profiles.is_empty());
    let remains = unharmed("steps_and_exits", small.path(), |command| {
        command.env("HPROF_DIR", small.path().join("missing"));
    });
    assert!(remains.profiles.is_empty());
}

#[test]
fn a_fork_without_room_is_missed_and_harms_nobody() {
    let Some(small) = Small::mount("size=1m") else {
        return;
    };
    let remains = unharmed("forks_where_nothing_is_free", small.path(), |_| {});
    assert_eq!(steps_recorded(remains.only()), 2 * TURNS);
    assert!(process_of(remains.only()).losses.lost_forks);
    assert_eq!(notes(small.path()).len(), 1);
}

#[test]
fn no_descriptors_no_file_but_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let few = limit(libc::RLIMIT_NOFILE, 64);
    let remains = unharmed("has_no_descriptors", folder.path(), &few);
    assert!(remains.profiles.is_empty());
    assert_eq!(notes(folder.path()), [libc::EMFILE]);

    let folder = tempfile::tempdir().unwrap();
    let remains = unharmed("forks_without_descriptors", folder.path(), &few);
    assert_eq!(steps_recorded(remains.only()), 2 * TURNS);
    assert!(process_of(remains.only()).losses.lost_forks);
    assert_eq!(notes(folder.path()), [libc::EMFILE]);
}

#[test]
fn few_addresses_make_a_smaller_file() {
    for (scenario, bytes) in [
        ("steps_and_exits", 128 << 20),
        ("has_few_addresses", 512 << 20),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let remains = unharmed(scenario, folder.path(), limit(libc::RLIMIT_AS, bytes));
        assert_eq!(steps_recorded(remains.only()), TURNS, "{scenario}");
        let file = fs::read_dir(folder.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let length = file.metadata().unwrap().len();
        assert!(length <= bytes / 8, "{scenario}: {length}");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_limit_on_file_sizes_is_kept() {
    let run = |bytes: u64, scenario: &str| {
        let folder = tempfile::tempdir().unwrap();
        let remains = unharmed(scenario, folder.path(), limit(libc::RLIMIT_FSIZE, bytes));
        (remains, notes(folder.path()))
    };
    let (remains, noted) = run(1 << 20, "steps_and_exits");
    assert_eq!((steps_recorded(remains.only()), noted.len()), (TURNS, 0));
    let (remains, noted) = run(10_000, "steps_and_exits");
    assert_eq!((remains.profiles.len(), noted), (0, vec![libc::EFBIG]));
    let (remains, noted) = run(80 << 20, "forks_with_a_lower_limit");
    assert_eq!(steps_recorded(remains.only()), 2 * TURNS);
    assert!(process_of(remains.only()).losses.lost_forks);
    assert_eq!(noted, [libc::EFBIG]);
}

/// A quota on files is met before one on bytes. The note is a file too, so where none is free nothing tells why.
#[test]
fn a_quota_on_files_costs_what_has_no_file() {
    // One file is the folder itself.
    for (files, recorded) in [(1, 0), (2, 1), (3, 2), (4, 2)] {
        let limits = format!("size=4m,nr_inodes={files}");
        let Some(small) = Small::mount(&limits) else {
            return;
        };
        let remains = unharmed("forks", small.path(), |_| {});
        assert_eq!(remains.profiles.len(), recorded, "{files} files");
        assert!(notes(small.path()).is_empty(), "{files} files");
        let lost = |profile| process_of(profile).losses.lost_forks;
        assert_eq!(remains.profiles.iter().any(lost), recorded == 1);
        let calls: u64 = remains.profiles.iter().map(steps_recorded).sum();
        assert_eq!(calls, [0, 2, 3][recorded] * TURNS, "{files} files");
    }
}
