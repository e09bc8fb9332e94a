//! `docs/format.md` says what the layout says, and its worked example is a file that reads as told.

use std::mem::{offset_of, size_of};

use crate::raw_file::{Playback, RawFile};
use hprof::model::{Nanos, Place};
use hprof::raw::layout::*;

const PAGE: &str = include_str!("../../../docs/format.md");
const LAYOUT: &str = include_str!("../../src/raw/layout.rs");

/// Name, offset and bytes of a field; the name of bytes without use is empty.
type Field = (String, usize, usize);

/// The table under the heading of a structure.
fn table(structure: &str) -> Vec<Field> {
    let heading = format!("### `{structure}`");
    let section = PAGE.split(&heading).nth(1).expect("a section");
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter_map(|row| {
        let mut cells = row.split('|').map(str::trim).skip(1);
        let offset = cells.next()?.parse().ok()?;
        let bytes = cells.next()?.parse().ok()?;
        Some((cells.next()?.trim_matches('`').to_owned(), offset, bytes))
    });
    rows.collect()
}

/// The fields of a structure as its source has them, placed by the rules of `repr(C)`.
fn declared(structure: &str) -> Vec<Field> {
    let body = LAYOUT
        .split(&format!("pub struct {structure} {{"))
        .nth(1)
        .expect("a structure");
    let body = body.split("\n}").next().unwrap();
    let mut offset: usize = 0;
    let mut fields = Vec::new();
    for line in body.lines() {
        let Some((name, kind)) = line
            .trim()
            .strip_prefix("pub ")
            .and_then(|line| line.split_once(": "))
        else {
            continue;
        };
        let (bytes, align) = match kind.trim_end_matches(',') {
            "AtomicU16" => (2, 2),
            "AtomicU32" => (4, 4),
            "RecordHead" => (8, 4),
            "Cell" => (size_of::<Cell>(), 64),
            "MemoryWords" => (size_of::<MemoryWords>(), 64),
            "HeapWords" => (size_of::<HeapWords>(), 64),
            "HeapEntry" => (size_of::<HeapEntry>(), 64),
            "[AtomicI64; PROBES]" => (PROBES * 8, 8),
            "[AtomicU64; FIRST_CALLS]" => (FIRST_CALLS * 8, 8),
            "[AtomicU32; DURATION_BUCKETS]" => (DURATION_BUCKETS * 4, 4),
            "[AtomicU8; HOST_BYTES]" => (HOST_BYTES, 1),
            "[AtomicU8; EXE_BYTES]" => (EXE_BYTES, 1),
            "[AtomicU8; NAME_BYTES]" => (NAME_BYTES, 1),
            text if text.starts_with("[AtomicU8; ") => {
                let length = text.trim_start_matches("[AtomicU8; ").trim_end_matches(']');
                (length.parse().unwrap(), 1)
            }
            _ => (8, 8),
        };
        offset = offset.next_multiple_of(align);
        fields.push((name.to_owned(), offset, bytes));
        offset += bytes;
    }
    fields
}

#[test]
fn every_byte_of_every_structure_is_in_a_table() {
    let structures = [
        ("Header", size_of::<Header>()),
        ("MemoryWords", size_of::<MemoryWords>()),
        ("HeapWords", size_of::<HeapWords>()),
        ("ChunkHead", size_of::<ChunkHead>()),
        ("RecordHead", size_of::<RecordHead>()),
        ("SiteRecord", size_of::<SiteRecord>()),
        ("LineRecord", size_of::<LineRecord>()),
        ("NotMeasuredRecord", size_of::<NotMeasuredRecord>()),
        ("ThreadRecord", size_of::<ThreadRecord>()),
        ("NodeRecord", size_of::<NodeRecord>()),
        ("Cell", size_of::<Cell>()),
        ("PairsRecord", size_of::<PairsRecord>()),
        ("Pair", size_of::<Pair>()),
        ("HeapRecord", size_of::<HeapRecord>()),
        ("HeapEntry", size_of::<HeapEntry>()),
        ("ThinRecord", size_of::<ThinRecord>()),
        ("ThinCell", size_of::<ThinCell>()),
        ("DurationsRecord", size_of::<DurationsRecord>()),
        ("TimedCallRecord", size_of::<TimedCallRecord>()),
    ];
    for (structure, size) in structures {
        let table = table(structure);
        let named: Vec<Field> = table
            .iter()
            .filter(|field| !field.0.is_empty())
            .cloned()
            .collect();
        assert_eq!(named, declared(structure), "{structure}");
        let mut next = 0;
        for (name, offset, bytes) in &table {
            assert_eq!(*offset, next, "{structure}: {name}");
            next += bytes;
        }
        assert_eq!(next, size, "{structure}");
    }
    // The rules of `declared` are those of the compiler.
    let last = |structure| declared(structure).pop().unwrap().1;
    assert_eq!(last("Header"), offset_of!(Header, cost_miss_ps));
    assert_eq!(last("ThreadRecord"), offset_of!(ThreadRecord, outside));
    assert_eq!(last("Cell"), offset_of!(Cell, probes));
}

/// The file of the worked example.
fn example() -> RawFile {
    let mut file = RawFile::new();
    file.function(1, "f", 1, &[2, 3]);
    let mut run = Playback::new(&mut file, 0, 0);
    run.site(1, 2);
    run.enter(1);
    run.line(0, 0);
    run.line(10, 1);
    file.killed(25);
    file
}

#[test]
#[cfg(target_endian = "little")]
fn the_worked_example_is_a_file() {
    let file = example();
    let section = PAGE.split("## A worked example").nth(1).unwrap();
    let mut rows = 0;
    for row in section.lines().filter(|row| row.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let Ok(offset) = cells[1].parse::<usize>() else {
            continue;
        };
        let hex = cells[2].trim_matches('`').split(' ');
        let expected: Vec<u8> = hex
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect();
        assert_eq!(
            file.bytes[offset..offset + expected.len()],
            expected,
            "{row}"
        );
        rows += 1;
    }
    assert!(rows > 30, "only {rows} rows");
    let profile = file.read();
    let thread = &profile.processes[0].threads[0];
    let lines: Vec<_> = thread.nodes[0]
        .lines
        .iter()
        .map(|(line, cost)| (line, cost.hits, cost.exact))
        .collect();
    assert_eq!(lines, [(2, 1, Nanos(10)), (3, 1, Nanos(15))]);
    let function = thread.nodes[0].function;
    assert_eq!(thread.running, Some(Place { function, line: 3 }));
}
