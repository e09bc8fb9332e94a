//! Unpacking gzip without trusting it.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::error::ReadError;

/// What any file may unpack to.
const SMALL: usize = 32 << 20;
/// Above that, how often the bytes that were unpacked until then: profiles come to 5 to 20 times, a bomb to 1,000 times. The length of
/// the file itself says nothing, for it may end in a hole.
const LARGEST_RATIO: usize = 64;
/// No profile is larger: what is made of one takes several times as much.
const LARGEST: usize = 1 << 30;
/// Bytes that are unpacked at a time.
const STEP: u64 = 1 << 20;

/// What was packed.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// How many bytes it was packed in.
    pub(super) packed: usize,
}

/// Counts what is read.
struct Counted<'a, R> {
    inner: R,
    bytes: &'a Cell<usize>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(room)?;
        self.bytes.set(self.bytes.get().saturating_add(read));
        Ok(read)
    }
}

/// The bytes that were packed. They are read as they are needed, and room is made as they come, never more than twice what is there.
pub(super) fn unpack(packed: impl Read, path: &Path) -> Result<Unpacked, ReadError> {
    let owned = || path.to_owned();
    let read = Cell::new(0);
    let mut input = BufReader::new(Counted {
        inner: packed,
        bytes: &read,
    });
    let io_error = |source| ReadError::Io {
        path: owned(),
        source,
    };
    check_start(input.fill_buf().map_err(io_error)?, path)?;
    let mut decoder = GzDecoder::new(input);
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        let result = decoder.by_ref().take(STEP).read_to_end(&mut bytes);
        let consumed = read.get() - decoder.get_ref().buffer().len();
        let limit = consumed.saturating_mul(LARGEST_RATIO);
        let limit = limit.clamp(SMALL, LARGEST);
        if bytes.len() > limit {
            return Err(ReadError::TooLarge {
                path: owned(),
                limit,
                packed: consumed,
            });
        }
        match result {
            Ok(_) if bytes.len() > before => {}
            Ok(_) => break,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(ReadError::Truncated {
                    path: owned(),
                    found: consumed,
                });
            }
            Err(source) => {
                return Err(ReadError::Unpack {
                    path: owned(),
                    source,
                });
            }
        }
    }
    let mut rest = decoder.into_inner();
    let packed = read.get() - rest.buffer().len();
    if rest.fill_buf().map_err(io_error)?.is_empty() {
        return Ok(Unpacked { bytes, packed });
    }
    Err(ReadError::Unpack {
        path: owned(),
        source: io::Error::new(ErrorKind::InvalidData, "more bytes follow its end"),
    })
}

fn check_start(start: &[u8], path: &Path) -> Result<(), ReadError> {
    let path = path.to_owned();
    match start {
        [] => Err(ReadError::Empty { path }),
        // The first byte alone may be all there is.
        [0x1f] => Err(ReadError::Truncated { path, found: 1 }),
        [0x1f, 0x8b, ..] => Ok(()),
        _ => {
            let start = start.iter().take(4).map(|byte| format!("{byte:02x}"));
            let found = start.collect::<Vec<_>>().join(" ");
            Err(ReadError::NotGzip { path, found })
        }
    }
}
