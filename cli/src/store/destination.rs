//! Where a profile will be saved, found out and tried before the program starts: a run is not to be lost to a typing error.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use hprof::pprof_file::{self, EXTENSION, ReadError};

use crate::failure::{self, Hint};

/// Where to save.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// In this folder, under a name made of time and program.
    In(PathBuf),
    /// Under exactly this name.
    At(PathBuf),
}

impl Destination {
    /// `-o` wins over `HPROF_OUT`, and that over the folder of the package's runs. Makes sure that it can be written.
    pub(crate) fn new(option: Option<&Path>, runs: &Path) -> anyhow::Result<Self> {
        let wanted = option.map(Path::to_owned).or_else(wanted_by_environment);
        let destination = match wanted {
            Some(path) => Self::At(
                std::path::absolute(&path)
                    .with_context(|| format!("cannot save to '{}'", path.display()))?,
            ),
            None => Self::In(runs.to_owned()),
        };
        destination.check()?;
        Ok(destination)
    }

    fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::In(folder) => {
                fs::create_dir_all(folder)
                    .and_then(|()| tempfile::tempdir_in(folder))
                    .map_err(failure::without_path)
                    .with_context(|| format!("cannot save to {}", folder.display()))
                    .hint("name another place with -o PATH")?;
            }
            Self::At(path) => {
                let name = || format!("cannot save to {}", path.display());
                check_replaceable(path).with_context(name)?;
                tempfile::tempdir_in(parent(path))
                    .map_err(failure::without_path)
                    .with_context(name)
                    .hint("give a path in a folder that exists and that you may write to")?;
            }
        }
        Ok(())
    }

    /// Folder that a temporary name next to the final one goes to.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::In(folder) => folder,
            Self::At(path) => parent(path),
        }
    }

    /// Gives the finished profile its name.
    pub(super) fn place(&self, finished: &Path, program: &str) -> anyhow::Result<PathBuf> {
        match self {
            Self::In(folder) => {
                let base = format!("{}-{}", stamp(SystemTime::now()), file_name(program));
                let names = std::iter::once(format!("{base}.{EXTENSION}"))
                    .chain((2..).map(|number| format!("{base}-{number}.{EXTENSION}")));
                for name in names {
                    let path = folder.join(name);
                    if !path.exists() {
                        fs::rename(finished, &path)?;
                        return Ok(path);
                    }
                }
                Err(anyhow!("no name is free"))
            }
            Self::At(path) => {
                check_replaceable(path)?;
                fs::rename(finished, path)?;
                Ok(path.clone())
            }
        }
    }
}

/// `HPROF_OUT`.
pub(super) fn wanted_by_environment() -> Option<PathBuf> {
    env::var_os(hprof::env::OUT)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Only an older profile is ever replaced.
fn check_replaceable(path: &Path) -> anyhow::Result<()> {
    let is_profile = || match pprof_file::read(path) {
        Ok(_) | Err(ReadError::NewerVersion { .. }) => true,
        Err(_) => false,
    };
    if !path.exists() || is_profile() {
        return Ok(());
    }
    let error = anyhow!("something that is no profile is there");
    Err(failure::with_hint(
        error,
        "hprof replaces only profiles: give another name",
    ))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A program's name, fit for a file name.
fn file_name(program: &str) -> String {
    let fit = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let name: String = program
        .chars()
        .take(80)
        .map(|letter| if fit(letter) { letter } else { '_' })
        .collect();
    if name.is_empty() {
        "program".into()
    } else {
        name
    }
}

/// Date and time in UTC, such as `20260131-235959`: names sort by it.
fn stamp(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
}

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut rest) = (1970, days);
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if rest < length {
            break;
        }
        rest -= length;
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (year, month, rest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn stamps_are_dates() {
        let at = |seconds| stamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101-000000");
        assert_eq!(at(951_782_399), "20000228-235959");
        assert_eq!(at(951_782_400), "20000229-000000");
        assert_eq!(at(1_798_761_599), "20261231-235959");
    }

    #[test]
    fn names_are_harmless() {
        assert_eq!(file_name("my prog'/.."), "my_prog__..");
        assert_eq!(file_name(""), "program");
    }

    #[test]
    fn places_are_tried_first() {
        let folder = tempfile::tempdir().unwrap();
        let at =
            |name: &str| Destination::new(Some(&folder.path().join(name)), Path::new("/nowhere"));
        assert!(at("new").is_ok());
        fs::write(folder.path().join("file"), "text").unwrap();
        assert!(format!("{:#}", at("file").unwrap_err()).contains("no profile is there"));
        let mut older = fs::File::create(folder.path().join("older")).unwrap();
        pprof_file::write(&hprof::model::Profile::default(), &mut older).unwrap();
        assert!(at("older").is_ok());
        assert!(at("missing/new").is_err());
        assert!(at("file/new").is_err());
    }

    #[test]
    fn names_of_the_same_second_differ() {
        let folder = tempfile::tempdir().unwrap();
        let destination = Destination::In(folder.path().to_owned());
        let place = || {
            let finished = folder.path().join("tmp");
            fs::write(&finished, "").unwrap();
            destination.place(&finished, "x").unwrap()
        };
        let (first, second, third) = (place(), place(), place());
        assert!(first != second && second != third && first != third);
    }
}
