//! Which profiles there are.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::anyhow;
use hprof::pprof_file::EXTENSION;

use crate::failure;
use crate::system;

/// A saved profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// When it was saved.
    pub(crate) time: SystemTime,
    /// Its length.
    pub(crate) bytes: u64,
}

/// Makes sure that a folder of profiles right here is nobody else's: where others may write, such as in `/tmp`, it could be a link to
/// anywhere, or theirs.
pub(crate) fn check_runs_folder(folder: &Path) -> anyhow::Result<()> {
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    let parent = folder.parent().unwrap_or(folder);
    let shared = fs::metadata(parent).is_ok_and(|facts| facts.mode() & WRITABLE_BY_OTHERS != 0);
    let trusted = match fs::symlink_metadata(folder) {
        Ok(facts) => facts.is_dir() && facts.uid() == system::user_id(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    };
    if !shared || trusted {
        return Ok(());
    }
    let error = anyhow!(
        "{} is a link or another user's, in a folder that others may write to",
        folder.display()
    );
    Err(failure::with_hint(
        error,
        "start hprof in a folder of your own",
    ))
}

/// All profiles of a folder, the newest first.
pub(crate) fn saved_profiles(folder: &Path) -> io::Result<Vec<Saved>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut saved = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_profile = !name.starts_with('.') && name.ends_with(&format!(".{EXTENSION}"));
        let facts = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
        if let Some(facts) = facts.filter(|_| is_profile) {
            saved.push(Saved {
                time: facts.modified()?,
                bytes: facts.len(),
                path,
            });
        }
    }
    // Names begin with the time to the second; the number of a second profile of the same second is no part of that.
    saved.sort_by(|a, b| (b.time, &b.path).cmp(&(a.time, &a.path)));
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn newest_comes_first_and_others_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for (name, age) in [("a.pb.gz", 30), ("b.pb.gz", 10), ("c.pb.gz", 20)] {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age))
                .unwrap();
        }
        fs::write(folder.path().join(".saving-x.pb.gz"), "").unwrap();
        fs::create_dir(folder.path().join("folder.pb.gz")).unwrap();
        fs::write(folder.path().join("note.txt"), "").unwrap();
        let saved = saved_profiles(folder.path()).unwrap();
        let names: Vec<_> = saved
            .iter()
            .map(|saved| saved.path.file_name().unwrap())
            .collect();
        assert_eq!(names, ["b.pb.gz", "c.pb.gz", "a.pb.gz"]);
        assert!(
            saved_profiles(&folder.path().join("missing"))
                .unwrap()
                .is_empty()
        );
    }
}
