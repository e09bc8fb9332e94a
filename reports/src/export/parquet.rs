//! Parquet: a row for each line of each process, for questions over many ranks and runs that DuckDB or Spark answer.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use hprof::model::{Process, Profile, Scope, function_costs};
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type};

use super::Export;
use crate::error::ReportError;
use crate::view::stacks::names;
use crate::view::{
    RECORD_COLUMNS, Record, RecordColumn, RecordValue, records, thin_record, thin_rows,
};

/// Rows that are packed together. DuckDB gives each thread so many at a time.
const ROWS_IN_GROUP: usize = 1 << 17;

/// A file with the columns of [`PLACE`] and of CSV, all of them always, null where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parquet;

impl Export for Parquet {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        write(profile, scope, out).map_err(|error| match error {
            ParquetError::External(source) => match source.downcast::<io::Error>() {
                Ok(error) => ReportError::Write(*error),
                Err(other) => ReportError::Write(io::Error::other(other)),
            },
            other => ReportError::Write(io::Error::other(other)),
        })
    }
}

/// A column that says where a row is from.
struct PlaceColumn {
    /// Stable, as those of the figures.
    name: &'static str,
    value: PlaceValue,
}

enum PlaceValue {
    Number(fn(&Place<'_>) -> Option<u64>),
    Text(for<'a> fn(&Place<'a>) -> Option<ByteArray>),
}

/// Where a row is from.
struct Place<'a> {
    process: &'a Process,
    program: &'a ByteArray,
    host: &'a ByteArray,
    file: &'a ByteArray,
    function: &'a ByteArray,
    line: u32,
    code: Option<&'a str>,
}

/// What stands in a cell.
enum Value {
    Number(Option<u64>),
    Text(Option<ByteArray>),
}

static PLACE: [PlaceColumn; 10] = [
    text("program", |place| Some(place.program.clone())),
    text("host", |place| Some(place.host.clone())),
    number("pid", |place| Some(place.process.pid.into())),
    number("start_unix_ns", |place| Some(place.process.start_unix_ns)),
    number("rank", |place| place.process.rank.map(u64::from)),
    number("ranks", |place| place.process.ranks.map(u64::from)),
    text("file", |place| Some(place.file.clone())),
    number("line", |place| Some(place.line.into())),
    text("function", |place| Some(place.function.clone())),
    text("code", |place| place.code.map(bytes)),
];

const fn number(name: &'static str, value: fn(&Place<'_>) -> Option<u64>) -> PlaceColumn {
    let value = PlaceValue::Number(value);
    PlaceColumn { name, value }
}

const fn text(name: &'static str, value: fn(&Place<'_>) -> Option<ByteArray>) -> PlaceColumn {
    let value = PlaceValue::Text(value);
    PlaceColumn { name, value }
}

impl PlaceColumn {
    fn value(&self, place: &Place<'_>) -> Value {
        match self.value {
            PlaceValue::Number(value) => Value::Number(value(place)),
            PlaceValue::Text(value) => Value::Text(value(place)),
        }
    }
}

/// The value of a figure.
fn value(column: &RecordColumn, record: &Record<'_>) -> Value {
    match (column.value)(record) {
        RecordValue::Number(number) => Value::Number(number),
        RecordValue::Word(word) => Value::Text(word.map(ByteArray::from)),
    }
}

/// All columns in their order, without a row.
fn columns() -> Vec<Column> {
    let place = PLACE.iter().map(|column| {
        let is_text = matches!(column.value, PlaceValue::Text(_));
        Column::new(column.name, is_text)
    });
    let figures = RECORD_COLUMNS.iter().map(|column| {
        let is_text = column.is_word();
        Column::new(column.name, is_text)
    });
    place.chain(figures).collect()
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text.as_bytes().to_vec())
}

fn write(profile: &Profile, scope: Scope, out: &mut dyn Write) -> Result<()> {
    let sink = Sink::default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("hprof ", env!("CARGO_PKG_VERSION")).to_owned());
    let columns = columns();
    // Times that differ from rank to rank are too many for a dictionary.
    for numbers in columns.iter().filter(|column| !column.is_text()) {
        let path = ColumnPath::from(numbers.name);
        properties = properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    let fields = columns.iter().map(|column| column.schema().map(Arc::new));
    let schema = Type::group_type_builder("lines").with_fields(fields.collect::<Result<_>>()?);
    let (schema, properties) = (Arc::new(schema.build()?), Arc::new(properties.build()));
    let mut table = Table {
        file: SerializedFileWriter::new(sink.clone(), schema, properties)?,
        columns,
        rows: 0,
    };
    let texts = Texts {
        names: names(profile).iter().map(|name| bytes(name)).collect(),
        files: (profile
            .functions
            .iter()
            .map(|function| bytes(&function.file)))
        .collect(),
    };
    // Of one process at a time everything is known as of a profile of its own.
    let mut one = Profile {
        functions: profile.functions.clone(),
        ..Profile::default()
    };
    for (index, process) in profile.processes.iter().enumerate() {
        let part = match scope {
            Scope::All => Scope::All,
            Scope::Process(meant) if meant == index => Scope::All,
            Scope::Thread(meant, thread) if meant == index => Scope::Thread(0, thread),
            Scope::Process(_) | Scope::Thread(..) => continue,
        };
        one.processes = vec![process.clone()];
        table.add_process(&one, process, part, &texts);
        if table.rows >= ROWS_IN_GROUP {
            table.write_group()?;
            sink.drain(out)?;
        }
    }
    table.write_group()?;
    table.file.close()?;
    sink.drain(out)?;
    out.flush()?;
    Ok(())
}

/// Texts of functions, by index.
struct Texts {
    names: Vec<ByteArray>,
    files: Vec<ByteArray>,
}

/// Rows that are not written yet, by column.
struct Table {
    file: SerializedFileWriter<Sink>,
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    fn add_process(&mut self, profile: &Profile, process: &Process, scope: Scope, texts: &Texts) {
        let path = process.exe.rsplit('/').next().unwrap_or_default();
        let (program, host) = (bytes(path), bytes(&process.host));
        let mut add = |function: u32, line: u32, record: &Record<'_>| {
            let at = function as usize;
            let (Some(file), Some(function)) = (texts.files.get(at), texts.names.get(at)) else {
                return;
            };
            let place = Place {
                process,
                program: &program,
                host: &host,
                file,
                function,
                line,
                code: record.text,
            };
            self.add(&place, record);
        };
        for cost in function_costs(profile, scope) {
            let rows = records(profile, &cost).map(|(_, rows)| rows);
            // A line that the process never came to has no row.
            let rows = rows.into_iter().flatten().filter(|row| row.hits.is_some());
            rows.for_each(|row| add(cost.function.0, row.line.line, &row));
        }
        for row in thin_rows(profile, scope) {
            add(row.index, row.line(), &thin_record(&row));
        }
    }

    fn add(&mut self, place: &Place<'_>, record: &Record<'_>) {
        let places = PLACE.iter().map(|column| column.value(place));
        let figures = RECORD_COLUMNS.iter().map(|column| value(column, record));
        for (column, value) in self.columns.iter_mut().zip(places.chain(figures)) {
            column.add(value);
        }
        self.rows += 1;
    }

    fn write_group(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            if let Some(writer) = group.next_column()? {
                column.write(writer)?;
            }
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

/// The cells of a column that are not written yet: those that are there, and for each row whether it has one.
struct Column {
    name: &'static str,
    cells: Cells,
    there: Vec<i16>,
}

enum Cells {
    Numbers(Vec<i64>),
    Texts(Vec<ByteArray>),
}

impl Column {
    fn new(name: &'static str, is_text: bool) -> Self {
        Self {
            name,
            cells: if is_text {
                Cells::Texts(Vec::new())
            } else {
                Cells::Numbers(Vec::new())
            },
            there: Vec::new(),
        }
    }

    const fn is_text(&self) -> bool {
        matches!(self.cells, Cells::Texts(_))
    }

    fn add(&mut self, value: Value) {
        let is_there = match (&mut self.cells, value) {
            // DuckDB and Spark add signed numbers; one that has no room is cut to the largest, as sums are.
            (Cells::Numbers(cells), Value::Number(Some(number))) => {
                cells.push(i64::try_from(number).unwrap_or(i64::MAX));
                true
            }
            (Cells::Texts(cells), Value::Text(Some(text))) => {
                cells.push(text);
                true
            }
            _ => false,
        };
        self.there.push(i16::from(is_there));
    }

    fn write(&mut self, mut writer: SerializedColumnWriter<'_>) -> Result<()> {
        match &mut self.cells {
            Cells::Numbers(cells) => {
                let numbers = writer.typed::<Int64Type>();
                numbers.write_batch(cells, Some(&self.there), None)?;
                cells.clear();
            }
            Cells::Texts(cells) => {
                let texts = writer.typed::<ByteArrayType>();
                texts.write_batch(cells, Some(&self.there), None)?;
                cells.clear();
            }
        }
        self.there.clear();
        writer.close()
    }

    fn schema(&self) -> Result<Type> {
        let (physical, logical) = match self.cells {
            Cells::Numbers(_) => (Physical::INT64, None),
            Cells::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        Type::primitive_type_builder(self.name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
    }
}

/// Where a writer puts what it has packed: it wants to be sent to other threads, which `out` need not be.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn drain(&self, out: &mut dyn Write) -> io::Result<()> {
        let packed = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        out.write_all(&packed)
    }
}

impl Write for Sink {
    fn write(&mut self, packed: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(packed);
        Ok(packed.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use super::*;
    use crate::fixture;

    /// Two ranks, the second of which came to its first function only.
    fn ranks() -> Profile {
        let mut profile = fixture::diffusion();
        let mut other = profile.processes[0].clone();
        for (rank, process) in [&mut profile.processes[0], &mut other]
            .into_iter()
            .enumerate()
        {
            process.rank = u32::try_from(rank).ok();
            process.ranks = Some(2);
        }
        other.pid += 1;
        other.heap = None;
        other.threads[0].nodes.truncate(1);
        profile.processes.push(other);
        profile
    }

    fn written(profile: &Profile, scope: Scope) -> SerializedFileReader<bytes::Bytes> {
        let mut out = Vec::new();
        Parquet.export(profile, scope, &mut out).unwrap();
        SerializedFileReader::new(bytes::Bytes::from(out)).unwrap()
    }

    /// The cells of a column; all of them are small numbers or texts.
    fn column(file: &SerializedFileReader<bytes::Bytes>, name: &str) -> Vec<String> {
        let rows = file.get_row_iter(None).unwrap();
        let cell = |row: parquet::record::Row| {
            let (_, cell) = row.get_column_iter().find(|(found, _)| *found == name)?;
            Some(match cell {
                Field::Null => String::new(),
                Field::Str(text) => text.clone(),
                other => other.to_string(),
            })
        };
        rows.map(|row| cell(row.unwrap()).unwrap()).collect()
    }

    #[test]
    fn every_rank_has_a_row_for_each_line_it_came_to() {
        let file = written(&ranks(), Scope::All);
        let columns = |name| column(&file, name);
        let (ranks, lines) = (columns("rank"), columns("line"));
        let of = |rank: &str| {
            let rows = ranks.iter().zip(&lines).filter(|(of, _)| *of == rank);
            rows.map(|(_, line)| line.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(
            of("0"),
            [
                "3", "4", "5", "6", "7", "9", "10", "22", "23", "24", "28", "29", "41"
            ]
        );
        assert_eq!(of("1"), ["3", "4", "5", "6", "7", "9", "10"]);
        assert_eq!(columns("hits")[..4], ["1", "1", "501", "500"]);
        assert_eq!(columns("file")[0], "src/solver.rs");
        assert_eq!(columns("function")[7], "diffusion::solver::Field::advance");
        assert_eq!(
            (&*columns("host")[0], &*columns("program")[0]),
            ("node1", "diffusion")
        );
        // What was not measured is not 0: a line of a counted loop has no time, and the second rank did not count allocations.
        assert_eq!(columns("total_ns")[9], "");
        assert_eq!(
            (&*columns("allocs")[0], &*columns("allocs")[13]),
            ("82", "")
        );
    }

    #[test]
    fn all_columns_are_always_there_and_the_page_has_them() {
        let page = include_str!("../../../docs/at-scale.md");
        let file = written(&Profile::default(), Scope::All);
        let schema = file.metadata().file_metadata().schema_descr();
        assert_eq!(schema.num_columns(), PLACE.len() + RECORD_COLUMNS.len());
        for column in &PLACE {
            let row = format!("| `{}` |", column.name);
            assert!(page.contains(&row), "docs/at-scale.md lacks {row}");
        }
        assert_eq!(column(&file, "hits").len(), 0);
    }

    #[test]
    fn a_scope_is_a_part() {
        let profile = ranks();
        for (scope, rows) in [
            (Scope::Process(1), 7),
            (Scope::Thread(0, 0), 13),
            (Scope::Process(2), 0),
        ] {
            assert_eq!(column(&written(&profile, scope), "pid").len(), rows);
        }
    }

    #[test]
    fn who_takes_no_bytes_is_reported() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = Parquet.export(&ranks(), Scope::All, &mut Full).unwrap_err();
        assert!(
            matches!(error, ReportError::Write(error) if error.kind() == io::ErrorKind::StorageFull)
        );
    }
}
