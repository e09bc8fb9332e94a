//! Ticks: the time stamp counter where it can be trusted, `CLOCK_MONOTONIC` elsewhere; pairs of both for converting one to the other.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use crate::env::TRUSTED_CLOCK_SOURCES;
use crate::raw::layout::{SOURCE_MONOTONIC, SOURCE_TSC};

/// The clock that is read for ticks, as in `Header::clock_source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Source {
    /// Time stamp counter.
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "only x86-64 has a marker that reads it")
    )]
    Tsc = SOURCE_TSC,
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    Monotonic = SOURCE_MONOTONIC,
}

/// Nanoseconds of a clock of the system, 0 if it cannot be read.
pub(crate) fn nanos(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid place for the answer.
    if unsafe { libc::clock_gettime(clock, &raw mut time) } != 0 {
        return 0;
    }
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest)
}

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) fn monotonic_ns() -> u64 {
    nanos(libc::CLOCK_MONOTONIC)
}

/// The time stamp counter.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn tsc() -> u64 {
    // SAFETY: every x86-64 processor has the instruction; where the system forbids it the source is not chosen.
    unsafe { core::arch::x86_64::_rdtsc() }
}

impl Source {
    /// The best source of this machine.
    pub(crate) fn choose() -> Self {
        #[cfg(target_arch = "x86_64")]
        if tsc_is_invariant() && kernel_trusts_tsc() {
            return Self::Tsc;
        }
        Self::Monotonic
    }

    /// The time in ticks.
    #[inline]
    pub(crate) fn ticks(self) -> u64 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Tsc => tsc(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Tsc => monotonic_ns(),
            Self::Monotonic => monotonic_ns(),
        }
    }

    /// Ticks and nanoseconds of the same moment: the tightest of a few readings.
    pub(crate) fn pair(self) -> (u64, u64) {
        let mut best = (u64::MAX, 0, 0);
        for _ in 0..8 {
            let before = self.ticks();
            let ns = monotonic_ns();
            let width = self.ticks().wrapping_sub(before);
            if width < best.0 {
                best = (width, before.wrapping_add(width / 2), ns);
            }
        }
        (best.1, best.2)
    }
}

/// CPUID says that the counter runs at one rate in all power states.
#[cfg(target_arch = "x86_64")]
fn tsc_is_invariant() -> bool {
    const EXTENDED: u32 = 0x8000_0000;
    const POWER: u32 = 0x8000_0007;
    let cpuid = |leaf| {
        #[allow(
            unused_unsafe,
            clippy::allow_attributes,
            reason = "a safe function since Rust 1.94"
        )]
        // SAFETY: every processor of this kind has the instruction.
        unsafe {
            core::arch::x86_64::__cpuid(leaf)
        }
    };
    let highest = cpuid(EXTENDED).eax;
    highest >= POWER && cpuid(POWER).edx & (1 << 8) != 0
}

/// The kernel uses the counter itself, so it found no fault with it.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn kernel_trusts_tsc() -> bool {
    const PATH: &core::ffi::CStr =
        c"/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let mut name = [0_u8; 64];
    // SAFETY: the path is terminated and the flags need no further argument.
    let file = unsafe { libc::open(PATH.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return false;
    }
    // SAFETY: `name` has room for what is read.
    let read = unsafe { libc::read(file, name.as_mut_ptr().cast(), name.len()) };
    // SAFETY: `file` was opened above and is closed once.
    unsafe { libc::close(file) };
    let name = name
        .get(..usize::try_from(read).unwrap_or(0))
        .unwrap_or_default()
        .trim_ascii();
    TRUSTED_CLOCK_SOURCES
        .iter()
        .any(|trusted| trusted.as_bytes() == name)
}

/// Elsewhere an invariant counter is all there is to know.
#[cfg(all(target_arch = "x86_64", not(target_os = "linux")))]
fn kernel_trusts_tsc() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_never_run_backwards() {
        let source = Source::choose();
        let mut last = source.ticks();
        for _ in 0..10_000 {
            let now = source.ticks();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn pair_is_taken_between_its_neighbours() {
        let source = Source::Monotonic;
        let before = monotonic_ns();
        let (ticks, ns) = source.pair();
        let after = monotonic_ns();
        assert!(before <= ticks && ticks <= after);
        assert!(before <= ns && ns <= after);
    }
}
