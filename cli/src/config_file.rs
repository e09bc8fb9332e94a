//! `hprof.toml` in the folder of the workspace: what its programs are always profiled with.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use hprof::regular_file;
use toml::{Table, Value};

use crate::failure;
use crate::unedited::distance;

/// Its name.
const NAME: &str = "hprof.toml";
/// It is not read further.
const LONGEST: u64 = 1 << 20;
/// All keys it may have.
const KEYS: [&str; 1] = ["functions"];
/// A word is a mistake for another if so many letters are wrong, at most.
const WRONG_LETTERS: usize = 3;

/// What it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConfigFile {
    /// Patterns of functions for `--all`, as `--functions` takes them.
    pub(crate) functions: Vec<String>,
}

impl ConfigFile {
    /// Reads the one of a workspace; an empty one if there is none.
    pub(crate) fn of(root: &Path) -> anyhow::Result<Self> {
        let path = root.join(NAME);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = regular_file::read_text(&path, LONGEST);
        let text = text.with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("cannot use {}", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let table: Table = text.parse()?;
        let mut config = Self::default();
        for (key, value) in &table {
            match key.as_str() {
                "functions" => config.functions = words(key, value)?,
                _ => return Err(unknown(key)),
            }
        }
        Ok(config)
    }
}

fn words(key: &str, value: &Value) -> anyhow::Result<Vec<String>> {
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let words = match value {
        Value::Array(values) => values.iter().map(word).collect(),
        single => word(single).map(|word| vec![word]),
    };
    match words {
        Some(words) => Ok(words),
        None => bail!("`{key}` is a string, or a list of strings"),
    }
}

fn unknown(key: &str) -> anyhow::Error {
    let error = anyhow!("there is no key `{key}`");
    let nearest = KEYS.into_iter().min_by_key(|known| distance(key, known));
    match nearest.filter(|known| distance(key, known) <= WRONG_LETTERS) {
        Some(known) => failure::with_hint(error, format!("is `{known}` meant?")),
        None => failure::with_hint(error, format!("its keys are: {}", KEYS.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_one_word_or_several() {
        let functions = |text: &str| ConfigFile::parse(text).unwrap().functions;
        assert_eq!(functions("functions = 'a::*'"), ["a::*"]);
        assert_eq!(functions("functions = ['a::*', '-b']"), ["a::*", "-b"]);
        assert!(functions("").is_empty());
    }

    #[test]
    fn mistakes_are_told_with_what_may_be_meant() {
        let told = |text: &str| {
            let error = ConfigFile::parse(text).unwrap_err();
            let hint = failure::hint_of(&error).map(str::to_owned);
            (format!("{error:#}"), hint.unwrap_or_default())
        };
        assert_eq!(
            told("function = 'a'"),
            (
                "there is no key `function`".into(),
                "is `functions` meant?".into()
            )
        );
        assert_eq!(told("colour = 1").1, "its keys are: functions");
        assert_eq!(
            told("functions = 3").0,
            "`functions` is a string, or a list of strings"
        );
    }
}
