//! A raw file while its process writes it: on which line each thread stands at this moment. Reads only the file.

use core::mem::{offset_of, size_of};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::reader::{RawStart, peek, thread_records};
use crate::raw::layout::{
    CHUNK_BYTES, FLAG_ALLOC, HEADER_BYTES, Header, THREAD_ALIVE, ThreadRecord,
};
use crate::regular_file;

/// No file that is larger is searched for threads again and again.
const MOST_BYTES: u64 = 64 << 20;

/// Bytes of a thread from the running cell to the state.
const WORDS: usize =
    offset_of!(ThreadRecord, state) + size_of::<u32>() - offset_of!(ThreadRecord, cell);

/// Bytes of the header up to the names in it: all that changes.
const COUNTERS: usize = offset_of!(Header, rank_plus_1);

/// A raw file that may grow.
#[derive(Debug)]
pub struct LiveFile {
    file: File,
    /// What its header said when it was opened.
    pub start: RawStart,
    /// Chunks that were searched, and the offsets of the threads found.
    chunks: u64,
    threads: Vec<u64>,
    header: Vec<u8>,
}

/// A thread at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveThread {
    /// Thread id of the operating system.
    pub tid: u32,
    /// Address, in the process, of the cell whose line runs.
    pub cell: u64,
}

impl LiveFile {
    /// Opens a file; `None` if it is no raw file, or not yet one.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let Some(file) = regular_file::open(path)? else {
            return Ok(None);
        };
        let mut header = vec![0; HEADER_BYTES];
        if file.read_exact_at(&mut header, 0).is_err() {
            return Ok(None);
        }
        Ok(peek(&header).map(|start| Self {
            file,
            start,
            chunks: 0,
            threads: Vec::new(),
            header,
        }))
    }

    /// Reads the header again, and looks for new threads if the file has grown.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn refresh(&mut self) -> io::Result<()> {
        let words = self.header.get_mut(..COUNTERS).unwrap_or_default();
        self.file.read_exact_at(words, 0)?;
        let chunks = self
            .word(offset_of!(Header, chunks))
            .min(MOST_BYTES / CHUNK_BYTES as u64);
        if chunks != self.chunks {
            let used = HEADER_BYTES as u64 + chunks * CHUNK_BYTES as u64;
            let mut bytes = vec![0; usize::try_from(used).unwrap_or(0)];
            // What is said to be used may not be there yet.
            let length = self.file.read_at(&mut bytes, 0)?;
            bytes.truncate(length);
            self.threads = thread_records(&bytes);
            self.chunks = chunks;
        }
        Ok(())
    }

    /// Bytes allocated and not freed; `None` where nobody counts them.
    #[must_use]
    pub fn live_bytes(&self) -> Option<u64> {
        let counts = self.word(offset_of!(Header, flags)) & FLAG_ALLOC != 0;
        let bytes = self.word(offset_of!(Header, live_bytes)).cast_signed();
        counts.then(|| bytes.max(0).unsigned_abs())
    }

    fn word(&self, at: usize) -> u64 {
        let bytes = self.header.get(at..at + size_of::<u64>());
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u64::from_ne_bytes)
    }

    /// The threads that live, each with where it stands.
    pub fn threads(&self) -> impl Iterator<Item = LiveThread> {
        self.threads.iter().filter_map(|at| {
            let first = offset_of!(ThreadRecord, cell);
            let mut words = [0; WORDS];
            self.file
                .read_exact_at(&mut words, at + first as u64)
                .ok()?;
            let short = |field: usize| {
                let bytes = words.get(field - first..field - first + size_of::<u32>())?;
                Some(u32::from_ne_bytes(bytes.try_into().ok()?))
            };
            let cell = words.get(..size_of::<u64>())?;
            let is_alive = short(offset_of!(ThreadRecord, state))? == THREAD_ALIVE;
            Some(LiveThread {
                tid: short(offset_of!(ThreadRecord, tid))?,
                cell: u64::from_ne_bytes(cell.try_into().ok()?),
            })
            .filter(|_| is_alive)
        })
    }
}
