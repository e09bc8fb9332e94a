//! From a profile to the bytes of a file.

use std::io::{BufWriter, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;

use super::check::check;
use super::error::WriteError;
use super::extension::{Extension, LAYOUT};
use super::facts::{function_facts, not_measured_facts, process_facts, run_facts};
use super::message::{Function, Label, Mapping, MessageRest, MessageStart, ValueType};
use super::sample_type::{DEFAULT, SAMPLE_TYPES, label};
use super::tables::{Tables, function_id};
use super::thread::{self, SampleWriter};
use crate::model::{Process, Profile, Thread};

/// Figures change from line to line: looking longer for what repeats gains 6 % and takes a third more time.
const LEVEL: Compression = Compression::new(1);
/// Samples are gathered up to this many bytes before they are packed.
const BUFFER_BYTES: usize = 64 << 10;

/// Saves a profile as a packed pprof file; see the [module](super). [`read`](super::read()) gives back the same profile.
///
/// # Errors
/// When `out` takes no more bytes, or the profile makes no sense: a function, a parent or the running line is not in it, a parent
/// does not stand before its children, or lines are not ascending.
///
/// ```
/// use hprof::{model::Profile, pprof_file};
/// let mut file = Vec::new();
/// pprof_file::write(&Profile::default(), &mut file)?;
/// let again = pprof_file::read_bytes(&file, std::path::Path::new("x.pb.gz"))?;
/// assert_eq!(again, Profile::default());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(profile: &Profile, out: &mut dyn Write) -> Result<(), WriteError> {
    check(profile)?;
    let mut packed = BufWriter::with_capacity(BUFFER_BYTES, GzEncoder::new(out, LEVEL));
    packed.write_all(&MessageStart { layout: LAYOUT }.encode_to_vec())?;
    let mut tables = Tables::new();
    let mut extension = Extension {
        writer: env!("CARGO_PKG_VERSION").to_owned(),
        run: Some(run_facts(&profile.run)),
        ..Extension::default()
    };
    let mut samples = SampleWriter::new(&mut packed);
    for process in &profile.processes {
        let mut facts = process_facts(process, &mut tables);
        for thread in &process.threads {
            samples.set_labels(labels(process, thread, &mut tables));
            let thread = thread::write(thread, &profile.functions, &mut tables, &mut samples)?;
            facts.threads.push(thread.encode_to_vec());
        }
        extension.processes.push(facts.encode_to_vec());
    }
    for function in &profile.functions {
        let facts = function_facts(function, &mut tables);
        extension.functions.push(facts.encode_to_vec());
    }
    for function in &profile.not_measured {
        let facts = not_measured_facts(function, &mut tables);
        extension.not_measured.push(facts.encode_to_vec());
    }
    let rest = rest(profile, tables, &extension);
    packed.write_all(&rest.encode_to_vec())?;
    let packed = packed.into_inner().map_err(|error| error.into_error())?;
    packed.finish()?.flush()?;
    Ok(())
}

fn labels(process: &Process, thread: &Thread, tables: &mut Tables) -> Vec<Label> {
    let Process {
        host,
        pid,
        start_unix_ns,
        ..
    } = process;
    let mut labels = vec![
        (label::THREAD, format!("{}:{}", thread.name, thread.tid)),
        (label::PROCESS, format!("{host}:{pid}:{start_unix_ns}")),
    ];
    labels.extend(
        process
            .rank
            .map(|rank| (label::RANK, format!("r{rank:04}"))),
    );
    let mut label = |(key, text): (&str, String)| Label {
        key: tables.text(key),
        text: tables.text(&text),
    };
    labels.drain(..).map(&mut label).collect()
}

fn rest(profile: &Profile, mut tables: Tables, extension: &Extension) -> MessageRest {
    let sample_type = SAMPLE_TYPES.iter().map(|(kind, unit)| ValueType {
        kind: tables.text(kind),
        unit: tables.text(unit),
    });
    let sample_type = sample_type.collect();
    let default_sample_type = tables.text(DEFAULT);
    let mapping = profile.processes.first().map(|process| Mapping {
        id: 1,
        file: tables.text(&process.exe),
        has_functions: true,
        has_files: true,
        has_line_numbers: true,
        has_inline_frames: true,
    });
    let function = (0..).zip(&profile.functions).map(|(index, function)| {
        let full_name = match function.module.as_str() {
            "" => function.name.clone(),
            module => format!("{module}::{}", function.name),
        };
        Function {
            id: function_id(index),
            name: tables.text(&full_name),
            system_name: tables.text(&function.module),
            file: tables.text(&function.file),
            start_line: function.line.into(),
        }
    });
    let function = function.collect();
    let processes = &profile.processes;
    let start = profile.run.start_unix_ns;
    let start = start.or_else(|| processes.iter().map(|process| process.start_unix_ns).min());
    let wall = profile.run.wall;
    let wall = wall.or_else(|| processes.iter().map(|process| process.wall).max());
    let (location, string) = tables.finish();
    MessageRest {
        sample_type,
        mapping: mapping.into_iter().collect(),
        location,
        function,
        string,
        time_ns: signed(start.unwrap_or(0)),
        duration_ns: signed(wall.unwrap_or_default().0),
        default_sample_type,
        extension: extension.encode_to_vec(),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
