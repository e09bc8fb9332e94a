//! What recording the functions of each program cost the last time it ran.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use anyhow::{Context, bail};
use hprof::model::{
    FunctionId, Nanos, NotMeasured, OwnCost, Process, Profile, RecordedFunction, Scope, ThinCalls,
    recorded_functions, thin_calls,
};
use hprof::regular_file;
use hprof::site::WhyNot;
use serde::{Deserialize, Serialize};

use super::choice::{Choice, Fate};

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

    /// Puts a run in the place of the one before.
    pub(super) fn update(&mut self, program: &str, profile: &Profile, choice: &Choice) {
        let Some(first) = profile.processes.first() else {
            return;
        };
        let sum = |part: fn(&Process) -> Nanos| profile.processes.iter().map(part).sum::<Nanos>();
        let cost = sum(|process| process.own_cost.in_program).0;
        let cpu = sum(|process| process.cpu.unwrap_or_default()).0;
        // Prices differ little between the processes of a run.
        let before = self.programs.remove(program).unwrap_or_default();
        let is_kept = |key: &Key| {
            let same = |function: &&Measurement| function.key == *key;
            choice.fate(key).is_some()
                || before
                    .functions
                    .iter()
                    .find(same)
                    .is_some_and(|it| it.state == State::Kept)
        };
        let mut functions = full_functions(profile, &first.own_cost, is_kept);
        functions.extend(thin_functions(profile, &first.own_cost, choice));
        let explained = functions.iter().map(|function| match function.state {
            State::Full | State::Kept => function.full_ns,
            State::Thin | State::Fitted | State::LeftOut => function.thin_ns,
        });
        let explained = explained.fold(0, u64::saturating_add);
        functions.extend(left_out_again(profile, before));
        let now = Program {
            plain_ns: cpu.saturating_sub(cost).max(cpu / 100),
            rest_ns: cost.saturating_sub(explained),
            functions,
        };
        self.programs.insert(program.to_owned(), now);
    }
}

/// The functions that were measured in full and whose calls are short.
fn full_functions(
    profile: &Profile,
    prices: &OwnCost,
    is_kept: impl Fn(&Key) -> bool,
) -> Vec<Measurement> {
    let recorded = recorded_functions(profile).into_iter();
    let measurement = |recorded: RecordedFunction| {
        let key = Key::of(profile, recorded.function)?;
        Some(Measurement {
            full_ns: recorded.own.0,
            thin_ns: nanoseconds(recorded.calls, prices.thin_ps),
            state: if is_kept(&key) {
                State::Kept
            } else {
                State::Full
            },
            key,
        })
    };
    let short = recorded.filter(|recorded| recorded.is_short);
    short.filter_map(measurement).collect()
}

/// Those that counted their calls.
fn thin_functions(profile: &Profile, prices: &OwnCost, choice: &Choice) -> Vec<Measurement> {
    // A frame, and at least the markers of one line and of the closing brace.
    let in_full = prices.call_ps.saturating_add(2 * prices.marker_ps);
    let measurement = |thin: ThinCalls| {
        let key = Key::of(profile, thin.function)?;
        let is_fitted = choice.fate(&key) == Some(Fate::Thin);
        Some(Measurement {
            key,
            full_ns: nanoseconds(thin.calls, in_full),
            thin_ns: nanoseconds(thin.calls, prices.thin_ps),
            state: if is_fitted {
                State::Fitted
            } else {
                State::Thin
            },
        })
    };
    let thin = thin_calls(profile, Scope::All).into_iter();
    thin.filter_map(measurement).collect()
}

/// Those that were left out have no new figures: the earlier ones stay.
fn left_out_again(profile: &Profile, before: Program) -> impl Iterator<Item = Measurement> {
    let left_out = |function: &&NotMeasured| function.why == WhyNot::TooSmall;
    let left_out = profile.not_measured.iter().filter(left_out);
    let names: BTreeSet<(&str, &str)> = left_out
        .map(|function| (function.file.as_str(), function.name.as_str()))
        .collect();
    let earlier = before.functions.into_iter().map(|function| Measurement {
        state: State::LeftOut,
        ..function
    });
    earlier.filter(move |function| {
        names.contains(&(function.key.file.as_str(), function.key.name.as_str()))
    })
}

impl Key {
    /// `None` for a function whose text is not known, or that a list cannot name.
    fn of(profile: &Profile, function: FunctionId) -> Option<Self> {
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

/// Whole nanoseconds of so many events that take so many picoseconds each.
fn nanoseconds(count: u64, picoseconds: u64) -> u64 {
    let all = u128::from(count) * u128::from(picoseconds) / 1000;
    u64::try_from(all).unwrap_or(u64::MAX)
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
    super::replace(path, &serde_json::to_vec(measured)?)
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
