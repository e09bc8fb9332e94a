//! The recorder's crate, which instrumented crates are linked to.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::launch::{Cargo, LibraryBuild};

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
