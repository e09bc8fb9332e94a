//! `hprof list`: the saved profiles.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use hprof_reports::clean;

use crate::args::FolderArgs;
use crate::launch;
use crate::output;
use crate::settings::PackageQuery;
use crate::store::{self, Saved};

/// `hprof list`.
pub(crate) fn list(args: &FolderArgs) -> anyhow::Result<u8> {
    let folder = launch::profiles_folder(&PackageQuery::from(args))?;
    let saved = store::saved_profiles(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?;
    if saved.is_empty() {
        output::say(format_args!("no profile in {}", folder.display()));
        return Ok(0);
    }
    output::print_lines(&table(&saved, SystemTime::now()))?;
    Ok(0)
}

fn table(saved: &[Saved], now: SystemTime) -> String {
    let mut text = format!("{:>10}  {:>10}  Profile\n", "Age", "Size");
    for profile in saved {
        let age = age(now.duration_since(profile.time).unwrap_or_default());
        let size = format!("{} KiB", profile.bytes.div_ceil(1024));
        // Writing into a string does not fail.
        let _ = writeln!(
            text,
            "{age:>10}  {size:>10}  {}",
            clean(&profile.path.to_string_lossy())
        );
    }
    text
}

/// An age in the largest unit that fits.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_the_largest_unit() {
        let ages = [0, 59, 60, 3599, 3600, 86_399, 86_400]
            .map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(
            ages,
            ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "1 d"]
        );
    }
}
