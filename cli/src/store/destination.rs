//! Where a profile will be saved, found out and tried before the program starts: a run is not to be lost to a typing error.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use hprof::pprof_file::{self, EXTENSION, ReadError};
use tempfile::NamedTempFile;

use crate::failure::{self, Hint};
use crate::output_file::{self, Identity, Target};

/// Bytes of a program's name that become part of a file name.
const NAME_BYTES: usize = 80;

/// Where to save.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// In this folder, under a name made of time and program: that of the runs, or one that the user named with a `/` at its end.
    In(PathBuf),
    /// Under exactly this name.
    At {
        /// As the user wrote it, from the root on.
        path: PathBuf,
        /// The older profile that is there, which may be replaced. What comes there during the run may not.
        older: Option<Identity>,
    },
}

impl Destination {
    /// `-o` wins over `HPROF_OUT`, and that over `runs`, the folder that hprof.toml names or that of the package's runs. Makes sure that it can be written.
    pub(crate) fn new(option: Option<&Path>, runs: &Path) -> anyhow::Result<Self> {
        let wanted = option.map(Path::to_owned).or_else(wanted_by_environment);
        match wanted {
            Some(path) if output_file::names_folder(&path) => Self::folder(&path),
            Some(path) => Self::at(&path)
                .with_context(|| format!("cannot save to '{}'", path.display()))
                .hint(if path.is_dir() {
                    "a name that ends in / is a folder to save in"
                } else {
                    "give a path in a folder that exists and that you may write to"
                }),
            None => Self::folder(runs),
        }
    }

    /// For profiles that nobody waits for any more: as [`Destination::new`], but nothing is replaced.
    pub(crate) fn beside_others(runs: &Path) -> anyhow::Result<Self> {
        let destination = match wanted_by_environment() {
            // What is no regular file would take all of them, and keep none.
            Some(path)
                if output_file::names_folder(&path)
                    || matches!(Target::of(&path), Ok(Target::File(_))) =>
            {
                Self::new(Some(&path), runs)?
            }
            _ => Self::folder(runs)?,
        };
        Ok(match destination {
            Self::At { path, .. } => Self::At { path, older: None },
            folder @ Self::In(_) => folder,
        })
    }

    fn folder(folder: &Path) -> anyhow::Result<Self> {
        let folder = &std::path::absolute(folder)?;
        fs::create_dir_all(folder)
            .and_then(|()| tempfile::tempdir_in(folder))
            .map_err(failure::without_path)
            .with_context(|| format!("cannot save to {}", folder.display()))
            .hint("name another place with -o PATH")?;
        Ok(Self::In(folder.to_owned()))
    }

    fn at(path: &Path) -> anyhow::Result<Self> {
        let path = std::path::absolute(path)?;
        let target = Target::of(&path)?;
        let mut older = None;
        if let Target::File(place) = &target {
            check_replaceable(place)?;
            older = Identity::of(place);
        }
        output_file::check(&target)?;
        Ok(Self::At { path, older })
    }

    /// Gives a finished profile, which is in the folder of its later name, that name.
    pub(super) fn place(&self, finished: NamedTempFile, program: &str) -> anyhow::Result<PathBuf> {
        let placed = match self {
            Self::In(folder) => {
                let name = format!("{}-{}", stamp(SystemTime::now()), file_name(program));
                let path = folder.join(format!("{name}.{EXTENSION}"));
                // Not before the first dot, for the program's name may have some.
                let numbered =
                    (2..).map(|number| folder.join(format!("{name}-{number}.{EXTENSION}")));
                output_file::add(finished, std::iter::once(path).chain(numbered))
            }
            Self::At { path, older } => match Target::of(path)? {
                Target::File(place) => output_file::replace(finished, &place, *older),
                Target::Stream(_) | Target::Open(_) => {
                    return Err(anyhow!("something else is there now"));
                }
            },
        };
        Ok(placed?)
    }
}

/// `HPROF_OUT`.
pub(crate) fn wanted_by_environment() -> Option<PathBuf> {
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

/// A program's name, fit for a file name.
fn file_name(program: &str) -> String {
    let fit = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let mut name = String::new();
    for letter in program.chars() {
        if name.len() + letter.len_utf8() > NAME_BYTES {
            break;
        }
        name.push(if fit(letter) { letter } else { '_' });
    }
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
    use std::io::Write;
    use std::time::Duration;

    use hprof::model::Profile;

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
        let long = file_name(&"\u{1d4d0}".repeat(100));
        assert!(!long.is_empty() && long.len() <= NAME_BYTES);
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
        pprof_file::write(&Profile::default(), &mut older).unwrap();
        assert!(at("older").is_ok());
        assert!(at("missing/new").is_err());
        assert!(at("file/new").is_err());
    }

    #[test]
    fn a_name_that_ends_in_a_slash_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["new/folder/", "new/folder/", "new/dot/."] {
            let place = folder.path().join(name);
            let destination = Destination::new(Some(&place), Path::new("/nowhere")).unwrap();
            let saved = crate::store::save(&Profile::default(), "x", &destination).unwrap();
            assert_eq!(saved.path.parent(), Some(place.as_path()));
            assert!(saved.is_file && saved.path.is_file());
        }
        assert_eq!(
            fs::read_dir(folder.path().join("new/folder"))
                .unwrap()
                .count(),
            2
        );
        fs::write(folder.path().join("file"), "text").unwrap();
        let at_file = folder.path().join("file/");
        assert!(Destination::new(Some(&at_file), Path::new("/nowhere")).is_err());
    }

    #[test]
    fn three_hundred_runs_that_end_at_once_have_three_hundred_names() {
        let folder = tempfile::tempdir().unwrap();
        let destination = Destination::In(folder.path().to_owned());
        let start = std::sync::Barrier::new(300);
        std::thread::scope(|threads| {
            for number in 0..300 {
                let (start, destination) = (&start, &destination);
                threads.spawn(move || {
                    let mut finished =
                        output_file::temporary(folder_of(destination), ".x").unwrap();
                    write!(finished, "{number}").unwrap();
                    start.wait();
                    destination.place(finished, "x").unwrap();
                });
            }
        });
        let mut found: Vec<u32> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| {
                fs::read_to_string(entry.unwrap().path())
                    .unwrap()
                    .parse()
                    .unwrap()
            })
            .collect();
        found.sort_unstable();
        assert_eq!(found, (0..300).collect::<Vec<_>>());
    }

    fn folder_of(destination: &Destination) -> &Path {
        match destination {
            Destination::In(folder) => folder,
            Destination::At { path, .. } => path.parent().unwrap(),
        }
    }

    /// Two runs that were told the same name: the second one to end takes nothing from the first.
    #[test]
    fn a_profile_that_came_during_the_run_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("named.pb.gz");
        let save = |destination: &Destination, profile: &Profile| {
            crate::store::save(profile, "x", destination).unwrap().path
        };
        let new = || Destination::new(Some(&path), Path::new("/nowhere")).unwrap();
        let (first, second) = (new(), new());
        assert_eq!(save(&first, &Profile::default()), path);
        assert_eq!(
            save(&second, &Profile::default()),
            path.with_file_name("named-2.pb.gz")
        );
        // Now both begin with an older profile there.
        let (third, fourth) = (new(), new());
        assert_eq!(save(&third, &Profile::default()), path);
        assert_eq!(
            save(&fourth, &Profile::default()),
            path.with_file_name("named-3.pb.gz")
        );
    }

    #[test]
    fn a_link_to_a_profile_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (link, place) = (folder.path().join("link"), folder.path().join("place"));
        std::os::unix::fs::symlink("place", &link).unwrap();
        for _ in 0..2 {
            let destination = Destination::new(Some(&link), Path::new("/nowhere")).unwrap();
            let saved = crate::store::save(&Profile::default(), "x", &destination).unwrap();
            assert_eq!(saved.path, place.canonicalize().unwrap());
            assert!(link.is_symlink() && pprof_file::read(&place).is_ok());
        }
    }
}
