//! The first 4 KiB of a raw file, and which files are refused because of them.

use core::mem::offset_of;
use std::path::Path;

use super::bytes::Bytes;
use super::clock::TickRate;
use super::error::{ReadError, guess_kind};
use crate::raw::layout::{
    BYTE_ORDER_MARK, CHUNK_BYTES, HEADER_BYTES, Header, MAGIC, SOURCE_MONOTONIC, STATE_FINISHED,
    VERSION,
};

/// A first and last reading closer than this say less about the rate of the ticks than the estimate made at the start.
const SHORTEST_BASELINE_NS: u64 = 10_000_000;

/// What the reader needs of a header that passed the checks; the rest is read where it is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeaderFacts {
    pub(super) base: u64,
    /// Chunks handed out, as the header says; the file may be shorter.
    pub(super) chunks: u64,
    pub(super) flags: u64,
    pub(super) finished: bool,
    pub(super) start_ticks: u64,
    /// When the process was last known to live: its own newest reading of the clock, or its end if somebody saw that.
    pub(super) last_ticks: u64,
    pub(super) rate: TickRate,
}

/// Bytes of a file that are in use, as its header says; `None` if no file has so many.
pub(super) fn used_bytes(header: Bytes<'_>) -> Option<u64> {
    let chunks = header.u64(offset_of!(Header, chunks));
    chunks
        .checked_mul(CHUNK_BYTES as u64)?
        .checked_add(HEADER_BYTES as u64)
}

/// Whether the two readings of the newest pair belong together.
pub(super) fn newest_pair_is_whole(header: Bytes<'_>) -> bool {
    header.u64(offset_of!(Header, last_seq)).is_multiple_of(2)
}

/// Whether the file begins as a raw file of this byte order does, and is long enough for the header.
pub(super) fn is_raw(bytes: Bytes<'_>) -> bool {
    bytes.len() >= HEADER_BYTES && bytes.u64(offset_of!(Header, magic)) == MAGIC
}

pub(super) fn check(bytes: Bytes<'_>, path: &Path) -> Result<HeaderFacts, ReadError> {
    check_start(bytes, path)?;
    check_words(bytes, path)?;
    let impossible_rate = || ReadError::Impossible {
        path: path.to_owned(),
        field: "number of ticks per second",
        offset: offset_of!(Header, ticks_per_second),
        expected: "more than 0",
        found: 0,
    };
    let rate = tick_rate(bytes).ok_or_else(impossible_rate)?;
    Ok(HeaderFacts {
        base: bytes.u64(offset_of!(Header, base)),
        chunks: bytes.u64(offset_of!(Header, chunks)),
        flags: bytes.u64(offset_of!(Header, flags)),
        finished: bytes.u32(offset_of!(Header, state)) == STATE_FINISHED,
        start_ticks: bytes.u64(offset_of!(Header, start_ticks)),
        last_ticks: last_ticks(bytes, rate),
        rate,
    })
}

/// Is it a raw file at all, and whole up to the first chunk?
fn check_start(bytes: Bytes<'_>, path: &Path) -> Result<(), ReadError> {
    let path = path.to_owned();
    let magic = MAGIC.to_ne_bytes();
    let start = bytes.0.get(..magic.len()).unwrap_or(bytes.0);
    if start.is_empty() {
        return Err(ReadError::Empty { path });
    }
    if start.iter().all(|byte| *byte == 0) {
        return Err(ReadError::NotBegun { path });
    }
    if start == MAGIC.swap_bytes().to_ne_bytes() {
        return Err(ReadError::ByteOrder { path });
    }
    if !magic.starts_with(start) {
        return Err(ReadError::Foreign {
            path,
            found: guess_kind(bytes.0),
        });
    }
    if bytes.len() < HEADER_BYTES {
        return Err(ReadError::Truncated {
            path,
            expected: HEADER_BYTES as u64,
            found: bytes.len() as u64,
        });
    }
    Ok(())
}

/// Are layout and byte order such that the rest can be read, and has the header been written?
fn check_words(bytes: Bytes<'_>, path: &Path) -> Result<(), ReadError> {
    let path = || path.to_owned();
    let state = bytes.u32(offset_of!(Header, state));
    if state == 0 {
        return Err(ReadError::NotBegun { path: path() });
    }
    if bytes.u32(offset_of!(Header, byte_order)) != BYTE_ORDER_MARK {
        return Err(ReadError::ByteOrder { path: path() });
    }
    let version = bytes.u32(offset_of!(Header, version));
    if version > VERSION {
        return Err(ReadError::NewerVersion {
            path: path(),
            found: version,
            expected: VERSION,
        });
    }
    let only = |possible: &[usize], field, offset, expected| {
        if possible.contains(&bytes.size(offset)) {
            return Ok(());
        }
        Err(ReadError::Impossible {
            path: path(),
            field,
            offset,
            expected,
            found: bytes.u32(offset).into(),
        })
    };
    const { assert!(VERSION == 3, "the next line names it") };
    only(&[3], "layout", offset_of!(Header, version), "3")?;
    let at = offset_of!(Header, header_bytes);
    only(&[HEADER_BYTES], "length of the header", at, "4096")?;
    let at = offset_of!(Header, chunk_bytes);
    only(&[CHUNK_BYTES], "length of a chunk", at, "32768")?;
    only(&[1, 2], "state", offset_of!(Header, state), "1 or 2")
}

/// Of the newest pair; or of the end that was noted when the process had gone without telling.
fn last_ticks(bytes: Bytes<'_>, rate: TickRate) -> u64 {
    let word = |field: usize| bytes.u64(field);
    let newest = [
        word(offset_of!(Header, last_ticks)),
        word(offset_of!(Header, last_mono_ns)),
    ];
    let first = [
        word(offset_of!(Header, start_ticks)),
        word(offset_of!(Header, start_mono_ns)),
    ];
    let [ticks, mono_ns] = if newest_pair_is_whole(bytes) && newest[1] > first[1] {
        newest
    } else {
        first
    };
    let ended = word(offset_of!(Header, ended_mono_ns));
    let since = rate.ticks(ended.saturating_sub(mono_ns));
    newest[0].max(ticks.saturating_add(since))
}

/// From the pair of readings that lies further apart, else from the estimate made while starting.
fn tick_rate(bytes: Bytes<'_>) -> Option<TickRate> {
    if bytes.u32(offset_of!(Header, clock_source)) == SOURCE_MONOTONIC {
        return TickRate::new(1, 1);
    }
    let nanos = bytes
        .u64(offset_of!(Header, last_mono_ns))
        .saturating_sub(bytes.u64(offset_of!(Header, start_mono_ns)));
    let ticks = bytes
        .u64(offset_of!(Header, last_ticks))
        .saturating_sub(bytes.u64(offset_of!(Header, start_ticks)));
    let pair = TickRate::new(nanos, ticks)
        .filter(|_| newest_pair_is_whole(bytes) && nanos >= SHORTEST_BASELINE_NS);
    let estimate = TickRate::new(
        1_000_000_000,
        bytes.u64(offset_of!(Header, ticks_per_second)),
    );
    pair.or(estimate)
}
