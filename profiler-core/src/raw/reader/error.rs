//! Why a raw file could not be read.

use std::path::PathBuf;

/// Why a raw file could not be read. Damage deeper inside is no error: it is counted in
/// [`Losses::damaged`](crate::model::Losses::damaged) and the rest is read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// What was given.
        path: PathBuf,
    },
    /// Nearly all of the part that the file says is in use are zeroes.
    #[error(
        "{path} is damaged: {found} of the first bytes of the {used} that it says are in use are zeroes"
    )]
    Hollow {
        /// The file.
        path: PathBuf,
        /// Bytes that are in use, as its header says.
        used: u64,
        /// Zeroes that were read until it was given up.
        found: u64,
    },
    /// Nothing in it.
    #[error("{path} is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file begins as no raw file does.
    #[error("{path} is {found}, not a raw file of hprof")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What its first bytes look like.
        found: String,
    },
    /// The file ends inside its header.
    #[error("{path} ends after {found} bytes, inside its header of {expected}")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes of the header.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The layout is newer than this reader.
    #[error(
        "{path} was written by a newer hprof (layout {found}, this one reads up to {expected})"
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Version of its layout.
        found: u32,
        /// Newest version this reader knows.
        expected: u32,
    },
    /// Written by a machine of the other byte order.
    #[error("{path} was written on a machine of the other byte order; read it there")]
    ByteOrder {
        /// The file.
        path: PathBuf,
    },
    /// The process had created the file but not yet written its header, and maybe never will.
    #[error("{path} holds nothing yet: its recording had not begun")]
    NotBegun {
        /// The file.
        path: PathBuf,
    },
    /// A field of the header holds what no recorder writes.
    #[error("{path} has {found} as its {field} at offset {offset}, where {expected} belongs")]
    Impossible {
        /// The file.
        path: PathBuf,
        /// Name of the field.
        field: &'static str,
        /// Where it stands.
        offset: usize,
        /// What is possible.
        expected: &'static str,
        /// What is there.
        found: u64,
    },
}

/// What a file that is not ours looks like, for a message.
pub(super) fn guess_kind(start: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 6] = [
        (
            b"\x1f\x8b",
            "compressed by gzip (a saved profile is, for example)",
        ),
        (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x7fELF", "a program"),
        (b"PERFILE2", "data of `perf record`"),
        (b"#!", "a script"),
    ];
    for (magic, name) in KNOWN {
        if start.starts_with(magic) {
            return name.to_owned();
        }
    }
    let start = start.get(..start.len().min(64)).unwrap_or_default();
    let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if start.iter().all(printable) {
        "text".to_owned()
    } else {
        "of an unknown kind".to_owned()
    }
}
