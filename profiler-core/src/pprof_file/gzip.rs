//! Unpacking gzip without trusting it.

use std::io::{ErrorKind, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::error::ReadError;

/// What any file may unpack to.
const SMALL: usize = 64 << 20;
/// Above that, how often its own size: profiles come to 5 to 20 times, a bomb to 1,000 times.
const LARGEST_RATIO: usize = 64;

/// The bytes that were packed. Room is made as they come, never more than twice what is there.
pub(super) fn unpack(packed: &[u8], path: &Path) -> Result<Vec<u8>, ReadError> {
    let owned = || path.to_owned();
    if packed.is_empty() {
        return Err(ReadError::Empty { path: owned() });
    }
    if !packed.starts_with(&[0x1f, 0x8b]) {
        let start = packed.iter().take(4).map(|byte| format!("{byte:02x}"));
        let found = start.collect::<Vec<_>>().join(" ");
        // The first byte alone may be all there is.
        return Err(if packed == [0x1f] {
            ReadError::Truncated {
                path: owned(),
                found: 1,
            }
        } else {
            ReadError::NotGzip {
                path: owned(),
                found,
            }
        });
    }
    let limit = packed.len().saturating_mul(LARGEST_RATIO).max(SMALL);
    let mut decoder = GzDecoder::new(packed);
    let mut bytes = Vec::new();
    let result = (&mut decoder)
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes);
    if bytes.len() > limit {
        return Err(ReadError::TooLarge {
            path: owned(),
            limit,
            packed: packed.len(),
        });
    }
    match result {
        Ok(_) if decoder.into_inner().is_empty() => Ok(bytes),
        Ok(_) => Err(ReadError::Unpack {
            path: owned(),
            source: std::io::Error::new(ErrorKind::InvalidData, "more bytes follow its end"),
        }),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(ReadError::Truncated {
            path: owned(),
            found: packed.len(),
        }),
        Err(source) => Err(ReadError::Unpack {
            path: owned(),
            source,
        }),
    }
}
