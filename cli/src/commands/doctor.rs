//! `hprof doctor`: what works on this machine, what does not, and why.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use hprof::env::TRUSTED_CLOCK_SOURCES;

use crate::launch;
use crate::output;
use crate::settings::PackageQuery;
use crate::system;

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    subject: &'static str,
    /// What was found.
    found: String,
    /// What will not work, and what to do.
    trouble: Option<String>,
}

/// `hprof doctor`. Exit code 0 whatever it finds: it finds, it does not judge.
pub(crate) fn doctor() -> anyhow::Result<u8> {
    let findings = [
        system_support(),
        tool(
            "cargo",
            "hprof run, test and bench will not work: install Rust",
        ),
        tool(
            "rustc",
            "hprof run, test and bench will not work: install Rust",
        ),
        clock(has_steady_counter(), clock_source().as_deref()),
        record_folder(),
        runs_folder(),
        samples(),
        threads(),
    ];
    let mut text = String::new();
    for finding in findings {
        let mark = if finding.trouble.is_some() { "!" } else { " " };
        // Writing into a string does not fail.
        let _ = writeln!(text, "{mark} {:<12} {}", finding.subject, finding.found);
        if let Some(trouble) = finding.trouble {
            let _ = writeln!(text, "  {:<12} {trouble}", "");
        }
    }
    output::print_lines(&text)?;
    Ok(0)
}

fn system_support() -> Finding {
    let trouble = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => None,
        ("linux" | "macos", _) => {
            Some("exact clocks need x86-64: times are sampled here (hits stay exact)".into())
        }
        _ => Some("there is no recorder for this system: #[profile] does nothing here".into()),
    };
    Finding {
        subject: "system",
        found: format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH),
        trouble,
    }
}

fn tool(name: &'static str, consequence: &str) -> Finding {
    let output = Command::new(name).arg("--version").output();
    match output {
        Ok(output) if output.status.success() => Finding {
            subject: name,
            found: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            trouble: None,
        },
        Ok(output) => Finding {
            subject: name,
            found: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            trouble: Some(consequence.to_owned()),
        },
        Err(error) => Finding {
            subject: name,
            found: error.to_string(),
            trouble: Some(consequence.to_owned()),
        },
    }
}

/// The recorder trusts the time stamp counter only if the processor and the kernel both do.
fn clock(steady: bool, source: Option<&str>) -> Finding {
    let kernel = source.unwrap_or("unknown");
    let found = format!(
        "invariant time stamp counter: {}; clock source of the kernel: {kernel}",
        if steady { "yes" } else { "no" }
    );
    let trusted = steady && TRUSTED_CLOCK_SOURCES.contains(&kernel);
    let trouble = (!trusted).then(|| "programs read clock_gettime instead: markers cost several times more, and lines are sampled sooner".into());
    Finding {
        subject: "clock",
        found,
        trouble,
    }
}

fn has_steady_counter() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::__cpuid;
        const INVARIANT: u32 = 1 << 8;
        __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx & INVARIANT != 0
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

fn clock_source() -> Option<String> {
    let text =
        fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
            .ok()?;
    Some(text.trim().to_owned())
}

fn record_folder() -> Finding {
    let memory = Path::new("/dev/shm");
    let free = system::free_bytes(memory).map(|bytes| bytes >> 20);
    let found = match (&free, system::is_in_memory(memory)) {
        (Ok(free), true) => format!("/dev/shm, in memory, {free} MiB free"),
        (Ok(_), false) => "/dev/shm is no memory file system".into(),
        (Err(error), _) => format!("/dev/shm: {error}"),
    };
    let usable = launch::memory_folder().is_some();
    let trouble = (!usable).then(|| "runs are recorded on disk, next to the saved profiles".into());
    Finding {
        subject: "recording",
        found,
        trouble,
    }
}

fn runs_folder() -> Finding {
    let subject = "profiles";
    match launch::runs_folder(&PackageQuery::default()) {
        Ok(folder) => {
            let existing = folder
                .ancestors()
                .find(|folder| folder.exists())
                .unwrap_or(&folder);
            let writable = tempfile::tempfile_in(existing);
            let trouble = writable
                .err()
                .map(|error| format!("cannot be written ({error}): use -o PATH or HPROF_OUT"));
            Finding {
                subject,
                found: folder.display().to_string(),
                trouble,
            }
        }
        Err(error) => Finding {
            subject,
            found: format!("{error:#}"),
            trouble: Some("use -o PATH or HPROF_OUT".into()),
        },
    }
}

/// hprof needs no permission of this kind; other profilers do, and people ask.
fn samples() -> Finding {
    let level = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid");
    let found = match level {
        Ok(level) => format!(
            "perf_event_paranoid is {}: of no matter to hprof, which samples from inside the program",
            level.trim()
        ),
        Err(_) => {
            "no perf events here: of no matter to hprof, which samples from inside the program"
                .into()
        }
    };
    Finding {
        subject: "sampling",
        found,
        trouble: None,
    }
}

/// Programs that must have one thread find out here why they may have two.
fn threads() -> Finding {
    Finding {
        subject: "threads",
        found: "a program gets one thread of hprof with its first hot line, or when --memory needs it; \
                none with --no-sampler, for programs that must have one (unshare, setns)"
            .into(),
        trouble: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_counter_that_all_trust_is_a_clock() {
        assert_eq!(clock(true, Some("tsc")).trouble, None);
        assert!(clock(true, Some("hpet")).trouble.is_some());
        assert!(clock(false, Some("tsc")).trouble.is_some());
        assert!(clock(true, None).trouble.is_some());
    }

    #[test]
    fn a_missing_tool_is_trouble() {
        let finding = tool("no-such-tool-at-all", "install it");
        assert_eq!(finding.trouble.as_deref(), Some("install it"));
    }
}
