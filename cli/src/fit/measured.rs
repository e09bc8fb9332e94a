//! What recording the functions of each program cost the last time it ran.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};
use hprof::model::{FunctionId, Profile};
use hprof::regular_file;
use serde::{Deserialize, Serialize};

use super::file;

/// Version of the file.
const VERSION: u32 = 1;
/// A file that is larger is none of ours.
const MAX_BYTES: u64 = 64 << 20;

/// All programs of a workspace under one cargo profile.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Measured {
    version: u32,
    pub(super) programs: BTreeMap<String, Program>,
}

/// The last run of one program.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Program {
    /// CPU time without what recording cost, nanoseconds.
    pub(super) plain_ns: u64,
    /// What recording cost beside `functions`.
    pub(super) rest_ns: u64,
    pub(super) functions: Vec<Measurement>,
}

/// A function that may be fitted.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Measurement {
    #[serde(flatten)]
    pub(super) key: Key,
    /// What measuring it in full costs, nanoseconds.
    pub(super) full_ns: u64,
    /// What counting its calls costs.
    pub(super) thin_ns: u64,
    /// How it was measured.
    pub(super) state: State,
}

/// What tells a function from others, so that it is found again after an edit elsewhere.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) struct Key {
    #[serde(rename = "crate")]
    pub(super) crate_name: String,
    pub(super) file: String,
    pub(super) name: String,
    /// A number made of its text, see [`number_of`].
    pub(super) text: u64,
}

/// How a function was measured.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// With its lines.
    Full,
    /// With its lines though a list said otherwise, for something is written at it.
    Kept,
    /// By its calls alone, whatever any list says.
    Thin,
    /// By its calls alone, as a list said.
    Fitted,
    /// Not at all, as a list said.
    LeftOut,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            version: VERSION,
            programs: BTreeMap::new(),
        }
    }
}

impl Measured {
    pub(super) fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }
}

impl Key {
    /// `None` for a function whose text is not known, or that a list cannot name.
    pub(super) fn of(profile: &Profile, function: FunctionId) -> Option<Self> {
        let function = profile.functions.get(usize::try_from(function.0).ok()?)?;
        let crate_name = function.module.split("::").next()?;
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || letter == '_')
        };
        let fits_a_line = |text: &str| !text.contains(['\t', '\n', '\r']);
        let fits = is_name(crate_name)
            && fits_a_line(&function.name)
            && fits_a_line(&function.file)
            && !function.source.is_empty();
        fits.then(|| Self {
            crate_name: crate_name.to_owned(),
            file: function.file.clone(),
            name: function.name.clone(),
            text: number_of(&function.source),
        })
    }
}

/// A number that changes with a text: FNV-1a of 64 bits (Fowler, Noll and Vo) over its lines, each with its end. The macro makes the same.
pub(super) fn number_of(lines: &[String]) -> u64 {
    let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Reads the file; nothing if there is none.
pub(super) fn read(path: &Path) -> anyhow::Result<Measured> {
    let text = match regular_file::read_text(path, MAX_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Measured::default()),
        text => text.map_err(anyhow::Error::from),
    };
    let measured: Measured = text
        .and_then(|text| Ok(serde_json::from_str(&text)?))
        .with_context(|| format!("{} is not what a run has left for --fit", path.display()))?;
    if measured.version != VERSION {
        bail!(
            "{} has version {}, and this hprof reads version {VERSION}",
            path.display(),
            measured.version
        );
    }
    Ok(measured)
}

/// Writes the file.
pub(super) fn write(path: &Path, measured: &Measured) -> io::Result<()> {
    file::replace(path, &serde_json::to_vec(measured)?)
}

/// Deletes the file, if there is one.
pub(super) fn delete(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot delete {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The macro computes the same number.
    #[test]
    fn the_number_of_a_text_is_fixed() {
        assert_eq!(number_of(&["fn f() {}".to_owned()]), 0xca21_bc77_c906_456a);
    }
}
