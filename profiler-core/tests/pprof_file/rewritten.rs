//! Files that have gone through another tool, and lost what only hprof reads.

use hprof::pprof_file::ReadError;

use crate::{example, packed, read, saved, unpacked};

/// The file without fields 1000 and 1001, which are its first and its last.
fn strip(file: &[u8]) -> Vec<u8> {
    let message = unpacked(file);
    let rest = message.strip_prefix(&[0xc0, 0x3e, 2]).unwrap();
    let key =
        |at: &usize| rest[*at..].starts_with(&[0xca, 0x3e]) && reaches_the_end(&rest[at + 2..]);
    let extension = (0..rest.len()).find(key).unwrap();
    packed(&rest[..extension])
}

/// Whether a length is followed by just so many bytes.
fn reaches_the_end(bytes: &[u8]) -> bool {
    let groups = bytes
        .iter()
        .take(4)
        .position(|byte| *byte < 0x80)
        .map_or(0, |last| last + 1);
    let length = bytes[..groups]
        .iter()
        .rev()
        .fold(0, |length, byte| length << 7 | usize::from(byte & 0x7f));
    length == bytes.len() - groups
}

#[test]
fn a_file_without_our_part_is_refused_by_name() {
    let error = read(&strip(&saved(&example::diffusion()))).unwrap_err();
    assert!(matches!(error, ReadError::Rewritten { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("another tool") && text.contains("hprof merge"),
        "{text}"
    );
}
