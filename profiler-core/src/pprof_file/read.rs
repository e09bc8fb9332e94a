//! From the bytes of a file to a profile.

use std::path::Path;

use prost::Message;

use super::check::{MOST_FUNCTIONS, check};
use super::error::{Damage, ReadError, shortened};
use super::extension::{Extension, LAYOUT, unpack};
use super::gzip::Unpacked;
use super::message::{ValueType, field};
use super::sample_type::{COLUMNS, SAMPLE_TYPES, TIME};
use super::tables::{Budget, Strings};
use super::thread::{self, SampleReader, read_locations};
use super::wire::{Fields, Value};
use super::{facts, gzip};
use crate::model::{Process, Profile, Thread};
use crate::regular_file;

/// Reads a saved profile.
///
/// # Errors
/// When the file cannot be read, is no pprof file packed by gzip, comes from another profiler or from a newer hprof, was written by another tool from
/// saved profiles (`go tool pprof -proto` merges them so, and drops what pprof has no place for), or is damaged anywhere. Memory is bounded: 32 MiB, or 64 times its size, for what it unpacks to, and 64 MiB, or 256 times its size, for the profile.
///
/// ```
/// use hprof::pprof_file::{ReadError, read};
/// let error = read(std::path::Path::new(".")).unwrap_err();
/// assert!(matches!(error, ReadError::NotAFile { .. }));
/// ```
pub fn read(path: &Path) -> Result<Profile, ReadError> {
    let io_error = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    // Reading a pipe might never end.
    let file = regular_file::open(path).map_err(io_error)?;
    let file = file.ok_or_else(|| ReadError::NotAFile {
        path: path.to_owned(),
    })?;
    unpacked(gzip::unpack(file, path)?, path)
}

/// Reads the bytes of a saved profile; `path` is only for messages.
///
/// # Errors
/// As [`read`].
///
/// ```
/// use hprof::pprof_file::read_bytes;
/// let error = read_bytes(b"text", std::path::Path::new("x.pb.gz")).unwrap_err();
/// assert!(error.to_string().starts_with("x.pb.gz is not packed by gzip"));
/// ```
pub fn read_bytes(bytes: &[u8], path: &Path) -> Result<Profile, ReadError> {
    unpacked(gzip::unpack(bytes, path)?, path)
}

fn unpacked(file: Unpacked, path: &Path) -> Result<Profile, ReadError> {
    let Unpacked {
        bytes: message,
        packed,
    } = file;
    let outline = outline(&message, packed).map_err(|damage| ReadError::NotPprof {
        path: path.to_owned(),
        part: damage.part,
        found: damage.found,
    })?;
    let layout = outline.layout;
    // What a newer layout adds is passed over; where it changed what was there, the file is refused.
    let in_file = |damage: Damage| match layout > LAYOUT {
        true => ReadError::NewerVersion {
            path: path.to_owned(),
            found: layout,
            expected: LAYOUT,
        },
        false => damage.in_file(path),
    };
    let types = sample_types(&outline).map_err(in_file)?;
    let profile = if let Some(extension) = outline.extension {
        read_extension(&message, &outline, &types, extension)
    } else if outline.layout != 0 {
        Err(Damage::new("extension", "the one of its layout", "none"))
    } else if are_ours(&types) {
        return Err(ReadError::Rewritten {
            path: path.to_owned(),
        });
    } else {
        return Err(ReadError::Foreign {
            path: path.to_owned(),
            expected: "hits/count and time/nanoseconds",
            found: list(&types),
        });
    };
    let mut profile = profile.map_err(in_file)?;
    check(&profile).map_err(in_file)?;
    profile.run.newer_layout = Some(layout).filter(|layout| *layout > LAYOUT);
    Ok(profile)
}

/// What must be known of a file before its parts make sense.
struct Outline<'a> {
    strings: Strings<'a>,
    sample_types: Vec<&'a [u8]>,
    layout: u64,
    extension: Option<&'a [u8]>,
}

/// Walks over the whole file once.
fn outline(message: &[u8], packed: usize) -> Result<Outline<'_>, Damage> {
    let mut sample_types = Vec::new();
    let (mut layout, mut extension) = (0, None);
    for part in Fields::new(message) {
        match part? {
            (field::SAMPLE_TYPE, Value::Bytes(bytes)) => sample_types.push(bytes),
            (field::LAYOUT, Value::Number(number)) => layout = number,
            (field::EXTENSION, Value::Bytes(bytes)) => extension = Some(bytes),
            _ => {}
        }
    }
    Ok(Outline {
        strings: Strings::read(message, Budget::new(message.len(), packed))?,
        sample_types,
        layout,
        extension,
    })
}

/// Kind and unit of each column.
fn sample_types<'a>(outline: &Outline<'a>) -> Result<Vec<(&'a str, &'a str)>, Damage> {
    let read = |bytes: &&[u8]| {
        let sample_type = ValueType::decode(*bytes)
            .map_err(|error| Damage::new("sample type", "a message", error))?;
        let strings = &outline.strings;
        Ok((
            strings.get(sample_type.kind)?,
            strings.get(sample_type.unit)?,
        ))
    };
    outline.sample_types.iter().map(read).collect()
}

/// Whether samples of these types are those of hprof: hits and time at least.
fn are_ours(types: &[(&str, &str)]) -> bool {
    let mut first = SAMPLE_TYPES[..=TIME].iter();
    first.all(|ours| types.contains(ours))
}

/// Sample types for a message.
fn list(types: &[(&str, &str)]) -> String {
    let named = types
        .iter()
        .take(COLUMNS)
        .map(|(kind, unit)| shortened(format!("{kind}/{unit}")));
    match types {
        [] => "nothing".to_owned(),
        _ => shortened(named.collect::<Vec<_>>().join(", ")),
    }
}

/// A file that is as hprof wrote it.
fn read_extension(
    message: &[u8],
    outline: &Outline<'_>,
    types: &[(&str, &str)],
    extension: &[u8],
) -> Result<Profile, Damage> {
    if outline.layout < LAYOUT {
        return Err(Damage::new("version of the layout", LAYOUT, outline.layout));
    }
    if types != SAMPLE_TYPES {
        return Err(Damage::new(
            "sample types",
            list(&SAMPLE_TYPES),
            list(types),
        ));
    }
    let extension = Extension::decode(extension)
        .map_err(|error| Damage::new("extension", "a message", error))?;
    let strings = &outline.strings;
    let mut profile = Profile {
        run: facts::run(extension.run.unwrap_or_default())?,
        ..Profile::default()
    };
    for bytes in &extension.functions {
        let function = facts::function(unpack("function", bytes)?, strings)?;
        if profile.functions.len() == MOST_FUNCTIONS {
            let expected = format!("at most {MOST_FUNCTIONS}");
            return Err(Damage::new("number of functions", expected, "more"));
        }
        profile.functions.push(function);
    }
    for bytes in &extension.not_measured {
        let function = facts::not_measured(unpack("function not measured", bytes)?, strings)?;
        profile.not_measured.push(function);
    }
    let locations = read_locations(message, profile.functions.len())?;
    let mut samples = SampleReader::new(message, locations);
    for bytes in &extension.processes {
        strings.spend(size_of::<Process>())?;
        let packed = unpack("process", bytes)?;
        let mut process = facts::process(&packed, strings)?;
        let thread = |bytes: &Vec<u8>| -> Result<Thread, Damage> {
            thread::read(&unpack("thread", bytes)?, strings, &mut samples)
        };
        process.threads = packed
            .threads
            .iter()
            .map(thread)
            .collect::<Result<_, _>>()?;
        profile.processes.push(process);
    }
    samples.finish()?;
    Ok(profile)
}
