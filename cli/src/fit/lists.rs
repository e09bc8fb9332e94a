//! The lists that the macro reads: one file for each crate, and a variable that names it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;

use super::choice::{Choice, Fate};
use super::file;
use super::measured::number_of;

/// Writes the lists into a folder, and returns the variables that name them. Each begins with a number that changes with its list.
pub(super) fn write(folder: &Path, choice: &Choice) -> anyhow::Result<Vec<(String, OsString)>> {
    let mut lists: BTreeMap<&str, String> = BTreeMap::new();
    for (key, fate) in choice.all() {
        let word = match fate {
            Fate::Thin => "thin",
            Fate::LeftOut => "leave",
        };
        let list = lists.entry(&key.crate_name).or_default();
        let _ = writeln!(list, "{word} {:016x} {}\t{}", key.text, key.name, key.file);
    }
    let write = |(name, list): (&str, String)| {
        let path = folder.join(name);
        file::replace(&path, list.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        let mut value = OsString::from(format!("{:016x}:", number_of(&[list])));
        value.push(&path);
        Ok((format!("{}{name}", hprof::env::FIT_PREFIX), value))
    };
    lists.into_iter().map(write).collect()
}
