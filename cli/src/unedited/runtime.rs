//! The recorder's crate, which instrumented crates are linked to.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use super::carried;
use crate::failure;
use crate::launch::{Cargo, LibraryBuild};

/// How the folders with copies begin.
const PREFIX: &str = "recorder-";

/// What cargo has made of it.
#[derive(Debug, Default)]
pub(super) struct Runtime {
    /// The crate itself.
    pub(super) library: PathBuf,
    /// Where what it depends on is.
    pub(super) folders: Vec<PathBuf>,
}

impl Runtime {
    /// Builds it; else the exit code of cargo, which has told why.
    pub(super) fn build(
        cargo: &Cargo<'_>,
        switch: &str,
        how: &LibraryBuild,
    ) -> anyhow::Result<Result<Self, u8>> {
        let messages = match cargo.library(switch, how)? {
            Ok(messages) => messages,
            Err(code) => return Ok(Err(code)),
        };
        Self::made(&messages)
            .map(Ok)
            .context("cargo does not tell where it has put the crate hprof")
    }

    /// Keeps a copy of it in `folder`, which stays while another hprof builds it in another way, such as without its allocator.
    pub(super) fn keep(&mut self, folder: &Path) -> anyhow::Result<()> {
        let path = self.library.display();
        let bytes = fs::read(&self.library).with_context(|| format!("cannot read {path}"))?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let place = folder.join(format!("{PREFIX}{:016x}", hasher.finish()));
        let name = self.library.file_name().unwrap_or_default();
        let copy = place.join(name);
        let is_there = || fs::metadata(&copy).is_ok_and(|facts| facts.len() == bytes.len() as u64);
        let write = || -> io::Result<()> {
            let new = tempfile::tempdir_in(folder)?;
            fs::write(new.path().join(name), &bytes)?;
            // Another hprof may have done the same meanwhile.
            match fs::rename(new.path(), &place) {
                Err(_) if is_there() => Ok(()),
                renamed => renamed,
            }
        };
        if !is_there() {
            write()
                .map_err(failure::without_path)
                .with_context(|| format!("cannot write to {}", folder.display()))?;
        }
        carried::remove_older(folder, PREFIX, &place);
        self.library = copy;
        self.folders.insert(0, place);
        Ok(())
    }

    /// What the messages of cargo tell.
    fn made(messages: &str) -> Option<Self> {
        let messages = messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut library = None;
        let mut folders = Vec::new();
        for message in messages {
            let name = message.pointer("/target/name").and_then(Value::as_str);
            let files = message.get("filenames").and_then(Value::as_array);
            for file in files.into_iter().flatten().filter_map(Value::as_str) {
                let file = Path::new(file);
                let stem = file
                    .file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned());
                let stem = stem.unwrap_or_default();
                if name == Some("hprof") && stem.starts_with("libhprof-") {
                    library = Some(file.with_extension("rlib"));
                }
                if matches!(name, Some("hprof" | "hprof_macros")) && stem.contains('-') {
                    folders.extend(file.parent().map(Path::to_owned));
                }
            }
        }
        folders.sort();
        folders.dedup();
        library.map(|library| Self { library, folders })
    }

    /// A text that is another one as soon as the crate is.
    pub(super) fn identity(&self) -> anyhow::Result<String> {
        let path = self.library.display();
        let facts = fs::metadata(&self.library).with_context(|| format!("cannot find {path}"))?;
        Ok(format!("{path} {}.{}", facts.mtime(), facts.mtime_nsec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_copy_stays_when_it_is_built_in_another_way() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libhprof-1.rlib");
        let keep = |text: &str| {
            fs::write(&library, text).unwrap();
            let mut runtime = Runtime {
                library: library.clone(),
                folders: vec!["/t/deps".into()],
            };
            runtime.keep(folder.path()).unwrap();
            assert_eq!(runtime.folders[0], runtime.library.parent().unwrap());
            runtime.library
        };
        let (one, other) = (keep("one"), keep("other"));
        assert_eq!(fs::read_to_string(&one).unwrap(), "one");
        assert_eq!(fs::read_to_string(other).unwrap(), "other");
        assert_eq!(keep("one"), one);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn messages_of_cargo_tell_where_it_is() {
        let artifact = |name: &str, files: [&str; 2]| {
            json!({"reason": "compiler-artifact", "target": {"name": name}, "filenames": files})
                .to_string()
        };
        let messages = [
            artifact(
                "libc",
                [
                    "/t/x/hprof/deps/liblibc-1.rlib",
                    "/t/x/hprof/deps/liblibc-1.rmeta",
                ],
            ),
            artifact(
                "hprof_macros",
                [
                    "/t/hprof/deps/libhprof_macros-2.so",
                    "/t/hprof/deps/libhprof_macros-2.so",
                ],
            ),
            artifact(
                "hprof",
                [
                    "/t/x/hprof/libhprof.rlib",
                    "/t/x/hprof/deps/libhprof-3.rmeta",
                ],
            ),
        ];
        let made = Runtime::made(&messages.join("\n")).unwrap();
        assert_eq!(made.library, Path::new("/t/x/hprof/deps/libhprof-3.rlib"));
        assert_eq!(
            made.folders,
            [Path::new("/t/hprof/deps"), Path::new("/t/x/hprof/deps")]
        );
        assert!(Runtime::made(&messages[0]).is_none());
    }
}
