//! The resident set of this process: two sources behind one trait.
//!
//! `/proc/self/statm` costs a microsecond through a descriptor that stays open; `sysinfo` is portable and costs thirty times that. Both
//! give the same number on Linux, but only the first tells the pages of files from others.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use core::sync::atomic::{AtomicI32, AtomicPtr};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

use crate::raw::layout::{RSS_PROCFS, RSS_SYSINFO};
use crate::recorder::as_nobody;

/// Pages that are resident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resident {
    /// Anonymous pages; all pages where the source cannot tell.
    pub(crate) anonymous: u32,
    /// Pages of files and of shared memory.
    pub(crate) file: u32,
}

impl Resident {
    /// Both numbers as one word.
    pub(crate) const fn pack(self) -> u64 {
        (self.file as u64) << 32 | self.anonymous as u64
    }

    /// The numbers of a word.
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
    pub(crate) const fn unpack(word: u64) -> Self {
        Self {
            anonymous: word as u32,
            file: (word >> 32) as u32,
        }
    }

    /// All pages.
    pub(crate) const fn pages(self) -> u64 {
        self.anonymous as u64 + self.file as u64
    }
}

/// Where readings of the resident set come from.
pub(crate) trait RssSource: Sync {
    /// One of the `RSS_` numbers of the layout.
    fn number(&self) -> u32;

    /// The pages resident now. May change `errno`.
    fn read(&self) -> Option<Resident>;

    /// In a forked child: what was opened belongs to the parent.
    fn forget(&self);
}

/// The source that `HPROF_RSS_SOURCE` asks for. `auto` takes the fast one where it works.
pub(crate) fn choose(asked: Option<&str>) -> Option<&'static dyn RssSource> {
    static PROCFS: Procfs = Procfs::new();
    static SYSINFO: Sysinfo = Sysinfo::new();
    let sources: &[&dyn RssSource] = match asked {
        Some("procfs") => &[&PROCFS],
        Some("sysinfo") => &[&SYSINFO],
        _ => &[&PROCFS, &SYSINFO],
    };
    sources
        .iter()
        .copied()
        .find(|source| source.read().is_some())
}

/// `/proc/self/statm`, kept open.
#[derive(Debug)]
pub(crate) struct Procfs {
    descriptor: AtomicI32,
}

impl Procfs {
    pub(crate) const fn new() -> Self {
        Self {
            descriptor: AtomicI32::new(-1),
        }
    }
}

impl RssSource for Procfs {
    fn number(&self) -> u32 {
        RSS_PROCFS
    }

    fn read(&self) -> Option<Resident> {
        if let Some(resident) = read_statm(self.descriptor.load(Acquire)) {
            return Some(resident);
        }
        // The program closed all descriptors, and may have opened another file under this number: ours is not closed here.
        let descriptor = open_statm()?;
        self.descriptor.store(descriptor, Release);
        read_statm(descriptor)
    }

    fn forget(&self) {
        let descriptor = self.descriptor.swap(-1, AcqRel);
        // Nothing else reads like this file, so it is ours.
        if read_statm(descriptor).is_some() {
            // SAFETY: opened by us, and closed once.
            unsafe { libc::close(descriptor) };
        }
    }
}

/// Descriptors of ours begin here: the program gets the same small numbers as without us.
const FIRST_DESCRIPTOR: libc::c_int = 200;

fn open_statm() -> Option<libc::c_int> {
    const PATH: &core::ffi::CStr = c"/proc/self/statm";
    // SAFETY: the path is terminated and the flags need no further argument.
    let opened = unsafe { libc::open(PATH.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if opened < 0 {
        return None;
    }
    // SAFETY: takes two numbers.
    let moved = unsafe { libc::fcntl(opened, libc::F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR) };
    if moved < 0 {
        // The program may not have that many.
        return Some(opened);
    }
    // SAFETY: opened above, and not used any more.
    unsafe { libc::close(opened) };
    Some(moved)
}

fn read_statm(descriptor: libc::c_int) -> Option<Resident> {
    let mut text = [0_u8; 160];
    // SAFETY: the buffer has that length. Whatever the descriptor is by now, its position does not move.
    let length = unsafe { libc::pread(descriptor, text.as_mut_ptr().cast(), text.len(), 0) };
    parse_statm(text.get(..usize::try_from(length).ok()?)?)
}

/// Seven numbers of pages: all, resident, shared, text, lib, data, dirty. `None` for any other text: it is another file.
fn parse_statm(text: &[u8]) -> Option<Resident> {
    let line = text.strip_suffix(b"\n")?;
    let mut numbers = [0_u32; 7];
    let mut fields = line.split(|byte| *byte == b' ');
    for number in &mut numbers {
        let field = core::str::from_utf8(fields.next()?).ok()?;
        // The virtual size may not fit; it is not used.
        *number = u32::try_from(field.parse::<u64>().ok()?).unwrap_or(u32::MAX);
    }
    if fields.next().is_some() {
        return None;
    }
    let [_, resident, file, ..] = numbers;
    Some(Resident {
        anonymous: resident.saturating_sub(file),
        file,
    })
}

/// The crate `sysinfo`.
#[derive(Debug)]
pub(crate) struct Sysinfo {
    /// Taken out while it is used, so that nobody waits for anybody; whoever finds none makes one.
    system: AtomicPtr<System>,
}

impl Sysinfo {
    pub(crate) const fn new() -> Self {
        Self {
            system: AtomicPtr::new(core::ptr::null_mut()),
        }
    }
}

impl RssSource for Sysinfo {
    fn number(&self) -> u32 {
        RSS_SYSINFO
    }

    fn read(&self) -> Option<Resident> {
        as_nobody(|| {
            let taken = self.system.swap(core::ptr::null_mut(), AcqRel);
            let mut system = if taken.is_null() {
                Box::new(System::new())
            } else {
                // SAFETY: made by `into_raw` below, and taken out by us alone.
                unsafe { Box::from_raw(taken) }
            };
            let pid = sysinfo::get_current_pid().ok()?;
            let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
            let bytes = system.process(pid).map(sysinfo::Process::memory);
            let mine = Box::into_raw(system);
            let empty = core::ptr::null_mut();
            let exchanged = self.system.compare_exchange(empty, mine, AcqRel, Acquire);
            if exchanged.is_err() {
                // SAFETY: made above; somebody else has put theirs in its place.
                drop(unsafe { Box::from_raw(mine) });
            }
            Some(Resident {
                anonymous: u32::try_from(bytes? / page_bytes()).ok()?,
                file: 0,
            })
        })
    }

    fn forget(&self) {
        // It holds what it knows of the parent, which the child has no use for: left as it is.
        self.system.store(core::ptr::null_mut(), Release);
    }
}

/// Memory of the machine, or the share of it that the control group may use.
pub(crate) fn total_ram() -> Option<u64> {
    as_nobody(|| {
        let mut system = System::new();
        system.refresh_memory();
        let limit = system.cgroup_limits().map(|limits| limits.total_memory);
        let total = system.total_memory();
        (total != 0).then(|| limit.map_or(total, |limit| limit.min(total)))
    })
}

/// Bytes of a page.
pub(crate) fn page_bytes() -> u64 {
    // SAFETY: takes a number.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).unwrap_or(4096).max(1)
}

/// Pages tried to find out by how many a source moves: kernels that count per processor are behind by up to 64 for each.
const TRIED_PAGES: usize = 512;

/// By how many pages the readings of a source move at least: pages are touched one by one until it has moved twice. `None` if it does not
/// move, or if other threads move it.
pub(crate) fn resolution(source: &dyn RssSource) -> Option<u32> {
    let page = usize::try_from(page_bytes()).ok()?;
    let bytes = TRIED_PAGES * page;
    let memory = crate::recorder::private_memory(bytes)?;
    #[cfg(target_os = "linux")]
    // SAFETY: our own mapping. Where it fails there are no huge pages.
    unsafe {
        libc::madvise(memory.cast(), bytes, libc::MADV_NOHUGEPAGE)
    };
    let mut moves = (0..TRIED_PAGES).filter(|number| {
        let before = source.read();
        // SAFETY: inside of the mapping.
        unsafe { memory.wrapping_add(number * page).write_volatile(1) };
        before != source.read()
    });
    let found = moves.next().zip(moves.next());
    // SAFETY: mapped above, and not used any more.
    unsafe { libc::munmap(memory.cast(), bytes) };
    let (first, second) = found?;
    u32::try_from(second - first).ok()
}

#[cfg(all(test, target_os = "linux"))]
#[expect(clippy::unwrap_used, reason = "a test may")]
mod tests {
    use super::*;

    /// Touches as many pages, and gives them back.
    fn touched(pages: usize) -> *mut u8 {
        let page = usize::try_from(page_bytes()).unwrap();
        let memory = crate::recorder::private_memory(pages * page).unwrap();
        for number in 0..pages {
            // SAFETY: inside of the mapping.
            unsafe { memory.wrapping_add(number * page).write_volatile(1) };
        }
        memory
    }

    #[test]
    fn only_a_line_of_statm_is_taken_for_one() {
        let resident = Some(Resident {
            anonymous: 7,
            file: 3,
        });
        assert_eq!(parse_statm(b"99999999999 10 3 4 0 6 0\n"), resident);
        for other in [
            &b""[..],
            b"\n",
            b"1 10 3 4 0 6\n",
            b"1 10 3 4 0 6 0 0\n",
            b"1 10 3 4 0 6 x\n",
            b"1 10 3 4 0 6 0",
        ] {
            assert_eq!(parse_statm(other), None);
        }
    }

    #[test]
    fn a_reading_survives_as_a_word() {
        let resident = Resident {
            anonymous: u32::MAX,
            file: 17,
        };
        assert_eq!(Resident::unpack(resident.pack()), resident);
    }

    /// Both see the same 8 MiB come and go; other tests of this process move the rest by little.
    #[test]
    fn sources_agree() {
        let sources: [&dyn RssSource; 2] = [&Procfs::new(), &Sysinfo::new()];
        const PAGES: usize = 2048;
        for source in sources {
            let before = source.read().unwrap();
            let memory = touched(PAGES);
            let during = source.read().unwrap();
            // SAFETY: mapped by `touched`, and not used any more.
            unsafe { libc::munmap(memory.cast(), PAGES * 4096) };
            let after = source.read().unwrap();
            let grown = during.pages().abs_diff(before.pages());
            assert!(
                grown.abs_diff(PAGES as u64) < 512,
                "{} saw {grown}",
                source.number()
            );
            assert!(after.pages().abs_diff(before.pages()) < 512);
        }
        let [procfs, sysinfo] = sources.map(|source| source.read().unwrap().pages());
        assert!(procfs.abs_diff(sysinfo) < 512, "{procfs} and {sysinfo}");
    }

    #[test]
    fn closed_descriptor_is_opened_again() {
        let source = Procfs::new();
        assert!(source.read().is_some());
        let descriptor = source.descriptor.load(Acquire);
        // Another file takes the number.
        // SAFETY: ours to close.
        unsafe { libc::close(descriptor) };
        // SAFETY: the path is terminated.
        let other = unsafe { libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY) };
        // SAFETY: takes two numbers.
        unsafe { libc::dup2(other, descriptor) };
        assert!(source.read().is_some());
        assert_ne!(source.descriptor.load(Acquire), descriptor);
        source.forget();
        assert!(source.read().is_some());
    }
}
