//! Files that are not sound: an error that says what is wrong, or as much of the profile as there is; never a panic.

use std::fs;
use std::mem::{offset_of, size_of};
use std::path::Path;

use crate::raw_file::{Playback, RawFile, address, cell, outside};
use hprof::model::{Profile, Scope, call_tree, function_costs};
use hprof::raw::layout::*;
use hprof::raw::{ReadError, read, read_bytes};
use hprof::site::WhyNot;
use proptest::prelude::*;

/// A file with something of everything: two functions, two threads, pairs, an open interval, three spans.
fn sound() -> RawFile {
    let mut file = RawFile::new();
    file.flag(FLAG_SAMPLER | FLAG_ALLOC);
    file.function(1, "f", 10, &[11, 12]);
    file.function(2, "g", 20, &[21]);
    for index in 0..2 {
        let mut run = Playback::new(&mut file, index, 0);
        run.site(1, 2);
        run.site(2, 1);
        run.enter(1);
        run.line(5, 0);
        run.enter(2);
        run.line(8, 0);
        run.leave(12);
        run.line(20, 1);
        run.file.new_span(1);
    }
    file.not_measured(WhyNot::Constant, "constant", 30);
    file.thin(&[(-3, 1), (1, 0)]);
    let thread = file.thread(2, "hot");
    let node = file.node(2, 1, 2, outside(thread));
    file.add(node + offset_of!(NodeRecord, calls), 1);
    file.u64(cell(node, 0) + offset_of!(Cell, gap_time), 1000);
    let (first, second) = (cell(node, 0), cell(node, 1));
    file.pairs(
        2,
        &[(first, first, 3, 40, 600, 4), (second, first, 1, 9, 81, 5)],
    );
    file.killed(50);
    file
}

fn damaged(profile: &Profile) -> u64 {
    profile.processes[0].losses.damaged
}

fn message(bytes: &[u8]) -> String {
    read_bytes(bytes, Path::new("x.hpraw"))
        .unwrap_err()
        .to_string()
}

#[test]
fn errors_say_what_is_wrong_and_what_to_do() {
    let with = |change: &dyn Fn(&mut RawFile)| {
        let mut file = sound();
        change(&mut file);
        message(&file.bytes)
    };
    assert_eq!(message(b""), "x.hpraw is empty");
    assert_eq!(
        message(b"\x1f\x8b\x08 and more"),
        "x.hpraw is compressed by gzip (a saved profile is, for example), not a raw file of hprof"
    );
    assert_eq!(
        message(b"fn main() {}\n"),
        "x.hpraw is text, not a raw file of hprof"
    );
    assert_eq!(
        message(b"\x01\xff\x00"),
        "x.hpraw is of an unknown kind, not a raw file of hprof"
    );
    assert_eq!(
        message(&[0; 9000]),
        "x.hpraw holds nothing yet: its recording had not begun"
    );
    assert_eq!(
        message(&sound().bytes[..100]),
        "x.hpraw ends after 100 bytes, inside its header of 4096"
    );
    assert_eq!(
        with(&|file| file.u32(offset_of!(Header, version), 7)),
        "x.hpraw was written by a newer hprof (layout 7, this one reads up to 3)"
    );
    assert_eq!(
        with(&|file| file.u64(0, MAGIC.swap_bytes())),
        "x.hpraw was written on a machine of the other byte order; read it there"
    );
    assert_eq!(
        with(&|file| file.u32(offset_of!(Header, state), 0)),
        "x.hpraw holds nothing yet: its recording had not begun"
    );
    assert_eq!(
        with(&|file| file.u32(offset_of!(Header, chunk_bytes), 1)),
        "x.hpraw has 1 as its length of a chunk at offset 20, where 32768 belongs"
    );
    assert_eq!(
        with(&|file| file.u64(offset_of!(Header, ticks_per_second), 0)),
        format!(
            "x.hpraw has 0 as its number of ticks per second at offset {}, where more than 0 belongs",
            offset_of!(Header, ticks_per_second)
        )
    );
}

#[test]
fn paths_that_cannot_be_read_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = read(folder.path()).unwrap_err();
    assert!(matches!(error, ReadError::NotAFile { .. }));
    let missing = folder.path().join("none.hpraw");
    let error = read(&missing).unwrap_err();
    assert!(matches!(error, ReadError::Io { .. }));
    assert_eq!(
        error.to_string(),
        format!("cannot read {}", missing.display())
    );
}

/// The file of a running process is a hole of 64 MiB with a few chunks in it: only these are read.
#[test]
fn a_sparse_file_is_read_up_to_its_last_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.hpraw");
    let file = sound();
    fs::write(&path, &file.bytes).unwrap();
    let sparse = fs::OpenOptions::new().write(true).open(&path).unwrap();
    sparse.set_len(64 << 20).unwrap();
    assert_eq!(read(&path).unwrap(), file.read());
}

#[test]
fn a_file_that_is_not_ours_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big");
    let big = fs::File::create(&path).unwrap();
    // Would not fit into memory.
    big.set_len(1 << 40).unwrap();
    assert!(matches!(read(&path), Err(ReadError::NotBegun { .. })));
}

/// Each damage costs the record it is in, or what follows in its chunk; the rest is read, and the damage counted.
#[test]
fn damage_costs_little() {
    let nodes = |profile: &Profile| -> usize {
        profile.processes[0]
            .threads
            .iter()
            .map(|thread| thread.nodes.len())
            .sum()
    };
    let file = sound();
    assert_eq!((nodes(&file.read()), damaged(&file.read())), (5, 0));
    let with = |change: &dyn Fn(&mut RawFile)| {
        let mut file = sound();
        change(&mut file);
        let profile = file.try_read().unwrap();
        (
            nodes(&profile),
            profile.processes[0].threads.len(),
            damaged(&profile),
        )
    };
    let first_record = HEADER_BYTES + size_of::<ChunkHead>();
    let second_chunk = HEADER_BYTES + CHUNK_BYTES;
    let in_second_chunk = second_chunk + size_of::<ChunkHead>();
    // A site is lost, for nobody knows its kind, which is no damage: its three nodes too, their two children hang in the air, as do two samples, and the
    // calls of a thin function.
    assert_eq!(
        with(&|file| file.u32(first_record, 99)),
        (2, 3, 3 + 2 + 2 + 1)
    );
    // The length of the first record of the second chunk: all of that chunk, which is a thread with two nodes.
    let length = in_second_chunk + offset_of!(RecordHead, bytes);
    assert_eq!(with(&|file| file.u32(length, 100)), (3, 2, 1));
    assert_eq!(with(&|file| file.u32(length, 1 << 31)), (3, 2, 1));
    // A span longer than the file: what the chunk holds is read, the chunk after it is taken for its tail.
    assert_eq!(with(&|file| file.u32(second_chunk, 9)), (4, 2, 1));
    // More chunks than bytes.
    assert_eq!(
        with(&|file| file.u64(offset_of!(Header, chunks), u64::MAX)),
        (5, 3, 1)
    );
    // Two threads of one number: the nodes go to the first.
    let index = in_second_chunk + offset_of!(ThreadRecord, index);
    assert_eq!(with(&|file| file.u32(index, 0)).1, 2);
}

/// A node with more cells than its site has lines: those that have a line are shown.
#[test]
fn cells_without_a_line_are_left_out() {
    let mut file = RawFile::new();
    file.function(1, "f", 10, &[11]);
    let thread = file.thread(0, "");
    let node = file.node(0, 1, 2, outside(thread));
    for slot in 0..2 {
        file.u64(cell(node, slot) + offset_of!(Cell, hits), 5);
    }
    let profile = file.try_read().unwrap();
    assert_eq!(damaged(&profile), 1);
    assert_eq!(profile.processes[0].threads[0].nodes[0].lines.len(), 1);
}

/// Another process adds nodes, each below the one before, while this one reads: every look finds an unbroken chain.
#[test]
#[cfg(unix)]
fn a_file_is_read_while_it_is_written() {
    use std::os::unix::fs::FileExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.hpraw");
    let mut file = RawFile::new();
    file.function(1, "f", 10, &[11]);
    let thread = file.thread(0, "");
    file.killed(0);
    fs::write(&path, &file.bytes).unwrap();
    let mut caller = outside(thread);
    let mut nodes = Vec::new();
    for _ in 0..50 {
        let node = file.node(0, 1, 1, caller);
        file.add(node + offset_of!(NodeRecord, calls), 1);
        caller = cell(node, 0);
        nodes.push(node);
    }
    let out = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let writer = std::thread::spawn(move || {
        for node in nodes {
            let record = &file.bytes[node..node + size_of::<NodeRecord>() + size_of::<Cell>()];
            let kind = size_of::<u32>();
            out.write_all_at(&record[kind..], (node + kind) as u64)
                .unwrap();
            out.write_all_at(&record[..kind], node as u64).unwrap();
        }
    });
    let mut last = 0;
    loop {
        let finished = writer.is_finished();
        let profile = read(&path).unwrap();
        let nodes = &profile.processes[0].threads[0].nodes;
        assert_eq!(damaged(&profile), 0);
        assert!(nodes.len() >= last);
        assert!(nodes.iter().skip(1).all(|node| node.parent.is_some()));
        last = nodes.len();
        if finished {
            break;
        }
    }
    writer.join().unwrap();
    assert_eq!(last, 50);
}

/// Two nodes that call each other are cut apart; a caller in the middle of a cell is none.
#[test]
fn callers_that_make_no_sense_are_dropped() {
    let build = |caller: &dyn Fn(usize, usize) -> u64| {
        let mut file = RawFile::new();
        file.function(1, "f", 10, &[11]);
        let thread = file.thread(0, "");
        let first = file.node(0, 1, 1, outside(thread));
        let second = file.node(0, 1, 1, cell(first, 0));
        for node in [first, second] {
            file.add(node + offset_of!(NodeRecord, calls), 1);
        }
        let caller = caller(first, second);
        file.u64(first + offset_of!(NodeRecord, caller), caller);
        let profile = file.try_read().unwrap();
        let nodes = &profile.processes[0].threads[0].nodes;
        let parents: Vec<_> = nodes.iter().map(|node| node.parent.is_some()).collect();
        (parents, damaged(&profile))
    };
    assert_eq!(
        build(&|_, second| address(cell(second, 0))),
        (vec![false, true], 1)
    );
    assert_eq!(
        build(&|first, _| address(cell(first, 0))),
        (vec![false, true], 1)
    );
    assert_eq!(
        build(&|_, second| address(cell(second, 0)) + 8),
        (vec![false, true], 1)
    );
    assert_eq!(
        build(&|_, second| address(cell(second, 1))),
        (vec![false, true], 1)
    );
    assert_eq!(build(&|_, _| 3), (vec![false, true], 1));
    assert_eq!(build(&|_, _| u64::MAX), (vec![false, true], 1));
}

/// Reads the bytes, and adds them up if they are a profile.
fn digest(bytes: &[u8]) -> Option<usize> {
    let profile = read_bytes(bytes, Path::new("x")).ok()?;
    let nodes = call_tree(&profile, Scope::All).len();
    Some(nodes + function_costs(&profile, Scope::All).len())
}

/// Cut at every byte up to the end of the first chunk's records and around the later ones: an error inside the header, after
/// it a profile that counts the damage.
#[test]
fn a_file_cut_at_any_byte_gives_what_is_left() {
    let file = sound();
    let whole = file.bytes.len();
    let used = |chunk: usize| {
        let start = HEADER_BYTES + chunk * CHUNK_BYTES;
        start..start + 2500
    };
    for length in (0..HEADER_BYTES).step_by(7) {
        assert_eq!(digest(&file.bytes[..length]), None);
    }
    for length in (0..3).flat_map(used).chain(whole - 100..whole) {
        let profile = read_bytes(&file.bytes[..length], Path::new("x")).unwrap();
        assert!(damaged(&profile) > 0, "{length}");
        digest(&file.bytes[..length]);
    }
}

/// Offsets at which something stands, in the file of `sound`.
fn used_offset() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..size_of::<Header>() - 2048 - 256,
        (0..3_usize, 0..2500_usize).prop_map(|(chunk, at)| HEADER_BYTES + chunk * CHUNK_BYTES + at)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn flipped_bits_never_make_the_reader_panic(
        flips in prop::collection::vec((used_offset(), 0..8_u32), 1..20)
    ) {
        let mut file = sound();
        for (at, bit) in flips {
            file.bytes[at] ^= 1 << bit;
        }
        digest(&file.bytes);
    }

    #[test]
    fn large_numbers_anywhere_never_make_the_reader_panic(
        words in prop::collection::vec((used_offset(), prop_oneof![Just(u64::MAX), Just(i64::MAX as u64), any::<u64>()]), 1..20)
    ) {
        let mut file = sound();
        for (at, word) in words {
            file.u64(at / 8 * 8, word);
        }
        digest(&file.bytes);
    }
}
