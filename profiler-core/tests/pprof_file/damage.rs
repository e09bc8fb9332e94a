//! Files that are not as they were written: an error each, never a panic, never more memory than the file makes likely.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use flate2::Compression;
use hprof::model::Profile;
use hprof::pprof_file::{ReadError, read_bytes};

use crate::{example, packed, packed_at, read, saved, tally, unpacked};

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let file = saved(&example::diffusion());
    for length in 0..file.len() {
        let error = read(&file[..length]).unwrap_err();
        let expected = match length {
            0 => matches!(error, ReadError::Empty { .. }),
            _ => matches!(error, ReadError::Truncated { .. }),
        };
        assert!(expected, "{length} bytes: {error:?}");
    }
    println!("{} cuts, an error each", file.len());
}

/// The packed bytes are whole, what was packed is not.
#[test]
fn a_message_cut_anywhere_is_an_error() {
    let message = unpacked(&saved(&example::diffusion()));
    for length in 0..message.len() {
        let error = read(&packed(&message[..length])).unwrap_err();
        let expected = matches!(
            error,
            ReadError::Damaged { .. } | ReadError::NotPprof { .. }
        );
        assert!(expected, "{length} bytes: {error:?}");
    }
    println!("{} cuts, an error each", message.len());
}

/// The same sequence in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

/// How many files with a flipped bit were refused, and how many read.
fn flip_bits(
    bytes: &[u8],
    times: usize,
    mut read: impl FnMut(&[u8]) -> Result<Profile, ReadError>,
) -> (usize, usize) {
    let mut random = Random(7);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..times {
        let mut bytes = bytes.to_vec();
        let (place, bit) = (random.below(bytes.len()), random.below(8));
        bytes[place] ^= 1 << bit;
        let result = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
        match result.unwrap_or_else(|_| panic!("panic with bit {bit} of byte {place} flipped")) {
            Ok(_) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    (refused, accepted)
}

fn flip_bits_of_both(times: usize) {
    let profile = example::diffusion();
    let file = saved(&profile);
    let (refused, accepted) = flip_bits(&file, times, |file| {
        let read = read(file);
        // Time and system in the header of gzip are in no check sum, and mean nothing here.
        assert!(read.as_ref().map_or(true, |read| *read == profile));
        read
    });
    println!("packed: {times} bits flipped, {refused} errors, {accepted} without effect");
    assert!(refused > accepted * 50);
    // Without the check sum of gzip only what makes no sense can be found.
    let (refused, accepted) = flip_bits(&unpacked(&file), times, |message| read(&packed(message)));
    println!("unpacked: {times} bits flipped, {refused} errors, {accepted} read as something else");
    assert!(refused > 0 && refused + accepted == times);
    tally::tell("flipped bits", 2 * times as u64, "");
}

#[test]
fn flipped_bits_do_no_harm() {
    flip_bits_of_both(20_000);
}

#[test]
#[ignore = "heavy: make fuzz"]
fn very_many_flipped_bits_do_no_harm() {
    flip_bits_of_both(100_000);
}

#[test]
fn a_bomb_is_not_unpacked() {
    let bomb = packed_at(Compression::fast(), &vec![0; 80 << 20]);
    let error = read(&bomb).unwrap_err();
    assert!(
        matches!(error, ReadError::TooLarge { limit, packed, .. } if limit == 32 << 20 && packed <= bomb.len() && packed < 1 << 20),
        "{error}"
    );
}

/// Very small parts in a very large number: each must not take more room than its bytes pay for.
#[test]
fn many_empty_parts_are_refused() {
    // An extension with nothing but empty processes.
    let processes = [0x22, 0].repeat(1 << 20);
    let mut message = unpacked(&saved(&Profile::default()));
    message.extend([0xca, 0x3e]);
    message.extend(length(processes.len()));
    message.extend(processes);
    let error = read(&packed(&message)).unwrap_err();
    assert!(
        error.to_string().contains("0 bytes as its process"),
        "{error}"
    );
}

fn length(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

#[test]
fn errors_name_the_file_and_what_it_is() {
    let text = |bytes: &[u8]| {
        read_bytes(bytes, Path::new("a.pb.gz"))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(text(b""), "a.pb.gz is empty");
    assert_eq!(
        text(b"#!/bin/sh"),
        "a.pb.gz is not packed by gzip as saved profiles are: it begins with the bytes 23 21 2f 62"
    );
    let packed_text = text(&packed(b"some text"));
    assert!(
        packed_text.starts_with("a.pb.gz is packed by gzip, but holds no pprof profile"),
        "{packed_text}"
    );
    let mut trailing = saved(&Profile::default());
    trailing.push(0);
    assert_eq!(text(&trailing), "a.pb.gz is damaged and cannot be unpacked");
    // Sample type `cpu/nanoseconds`, as Go's own profiles have.
    let foreign = b"\x0a\x04\x08\x01\x10\x02\x32\x00\x32\x03cpu\x32\x0bnanoseconds";
    assert_eq!(
        text(&packed(foreign)),
        "a.pb.gz is a pprof profile that hprof did not write: it measures cpu/nanoseconds, where hits/count and \
         time/nanoseconds belong"
    );
    // Field 1000 once more: the last one counts.
    let mut newer = unpacked(&saved(&example::diffusion()));
    newer.extend([0xc0, 0x3e, 3]);
    let profile = read_bytes(&packed(&newer), Path::new("a.pb.gz")).unwrap();
    assert_eq!(profile.run.newer_layout, Some(3));
    assert_eq!(profile.processes, example::diffusion().processes);
    // One more sample type: what was there has changed.
    newer.extend([0x0a, 0]);
    assert_eq!(
        text(&packed(&newer)),
        "a.pb.gz was written by a newer hprof (layout 3, this one reads up to 2)"
    );
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let error = hprof::pprof_file::read(Path::new("missing.pb.gz")).unwrap_err();
    assert_eq!(error.to_string(), "cannot read missing.pb.gz");
}
