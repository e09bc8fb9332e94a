//! Why a profile could not be saved or read back.

use std::io;
use std::path::PathBuf;

/// Why a profile could not be saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The output took no more bytes.
    #[error("cannot write the profile")]
    Io(#[from] io::Error),
    /// The profile refers to something it does not have, or its lines are out of order.
    #[error("the profile makes no sense: it has {found} as its {part}, where {expected} belongs")]
    Invalid {
        /// The part of the profile.
        part: &'static str,
        /// What is possible.
        expected: String,
        /// What is there.
        found: String,
    },
}

/// Why a saved profile could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("{path} is not a regular file")]
    NotAFile {
        /// What was given.
        path: PathBuf,
    },
    /// Nothing in it.
    #[error("{path} is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file does not begin as one packed by gzip.
    #[error("{path} is not packed by gzip as saved profiles are: it begins with the bytes {found}")]
    NotGzip {
        /// The file.
        path: PathBuf,
        /// Its first bytes, in hexadecimal.
        found: String,
    },
    /// The file ends in the middle.
    #[error("{path} ends too early, after {found} bytes: the end of the packed profile is missing")]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes there are.
        found: usize,
    },
    /// The packed bytes make no sense, or not those that were packed came out.
    #[error("{path} is damaged and cannot be unpacked")]
    Unpack {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// More came out of the file than belongs in a file of its size.
    #[error("{path} unpacks to more than {limit} bytes, which is no profile of {packed} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes that would have been accepted.
        limit: usize,
        /// Bytes of the file.
        packed: usize,
    },
    /// Something else was packed.
    #[error("{path} is packed by gzip, but holds no pprof profile: it has {found} as its {part}")]
    NotPprof {
        /// The file.
        path: PathBuf,
        /// The part of a profile that was looked for.
        part: &'static str,
        /// What is there.
        found: String,
    },
    /// A pprof file of another profiler.
    #[error(
        "{path} is a pprof profile that hprof did not write: it measures {found}, where {expected} belong"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What the samples of hprof have at least.
        expected: &'static str,
        /// What the samples of this file have.
        found: String,
    },
    /// Another tool has written it from profiles that hprof saved, and left out what pprof has no place for.
    #[error(
        "{path} was written by another tool, without the part that only hprof reads: show the file that hprof saved, and let `hprof merge` make one of several"
    )]
    Rewritten {
        /// The file.
        path: PathBuf,
    },
    /// The layout is newer than this reader.
    #[error(
        "{path} was written by a newer hprof (layout {found}, this one reads up to {expected})"
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Version of its layout.
        found: u64,
        /// Newest version this reader knows.
        expected: u64,
    },
    /// A part of the profile holds what hprof never writes.
    #[error("{path} is damaged: it has {found} as its {part}, where {expected} belongs")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The part of the profile.
        part: &'static str,
        /// What is possible.
        expected: String,
        /// What is there.
        found: String,
    },
}

/// Something in a profile that makes no sense; the reader and the writer make their own errors of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) part: &'static str,
    pub(super) expected: String,
    pub(super) found: String,
}

/// Characters of a text of the file that a message repeats.
const LONGEST: usize = 200;

impl Damage {
    pub(super) fn new(part: &'static str, expected: impl ToString, found: impl ToString) -> Self {
        Self {
            part,
            expected: shortened(expected.to_string()),
            found: shortened(found.to_string()),
        }
    }

    pub(super) fn in_file(self, path: &std::path::Path) -> ReadError {
        ReadError::Damaged {
            path: path.to_owned(),
            part: self.part,
            expected: self.expected,
            found: self.found,
        }
    }
}

/// A text for a message of one line.
pub(super) fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

impl From<Damage> for WriteError {
    fn from(damage: Damage) -> Self {
        Self::Invalid {
            part: damage.part,
            expected: damage.expected,
            found: damage.found,
        }
    }
}
