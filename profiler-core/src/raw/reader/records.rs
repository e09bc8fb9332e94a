//! Finds the records in the chunks and the owners of addresses. Every record found lies inside the bytes with all it says it
//! holds.

use core::mem::{offset_of, size_of};

use super::bytes::Bytes;
use crate::raw::layout::{
    CHUNK_BYTES, Cell, ChunkHead, DurationsRecord, HEADER_BYTES, HeapEntry, HeapRecord,
    KIND_DURATIONS, KIND_HEAP, KIND_NODE, KIND_NOT_MEASURED, KIND_PAIRS, KIND_SITE, KIND_THIN,
    KIND_THREAD, KIND_TIMED_CALL, LineRecord, MAX_LINES, MemoryWords, NodeRecord,
    NotMeasuredRecord, Pair, PairsRecord, RECORD_ALIGN, RecordHead, SiteRecord, ThinCell,
    ThinRecord, ThreadRecord, TimedCallRecord, cell_offset,
};

/// A node record.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeAt {
    pub(super) at: usize,
    pub(super) site: u32,
    pub(super) lines: usize,
    pub(super) thread: u32,
}

/// A pairs record.
#[derive(Clone, Copy, Debug)]
pub(super) struct PairsAt {
    pub(super) at: usize,
    pub(super) capacity: usize,
    pub(super) thread: u32,
}

/// Whose cell an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// The cell of a line slot of a node, by the index of the node and the slot.
    Node(usize, usize),
    /// The `outside` cell of a thread, by the index of the thread.
    Outside(usize),
}

/// All records of a file, each kind in the order of their offsets.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Offsets of site records.
    pub(super) sites: Vec<usize>,
    /// Offsets of thread records.
    pub(super) threads: Vec<usize>,
    pub(super) nodes: Vec<NodeAt>,
    pub(super) pairs: Vec<PairsAt>,
    /// Offsets of the entries of the heap.
    pub(super) heap_entries: Vec<usize>,
    /// Offsets of records of functions that are left alone.
    pub(super) not_measured: Vec<usize>,
    /// Offsets of cells of thin functions.
    pub(super) thin: Vec<usize>,
    /// Offsets of histograms.
    pub(super) durations: Vec<usize>,
    /// Offsets of the cells that end a measured call, with the address of the calling line. A thread stands there for an instant between two lines.
    ways_back: Vec<(usize, u64)>,
    base: u64,
    /// Records of kinds that nobody here knows: those of a newer recorder.
    pub(super) unknown: u64,
    /// Records, or ends of chunks, that could not be used.
    pub(super) damaged: u64,
}

impl Records {
    /// Looks through the `chunks` handed out.
    pub(super) fn find(bytes: Bytes<'_>, base: u64, chunks: u64) -> Self {
        let mut records = Self {
            base,
            ..Self::default()
        };
        let whole_file = HEADER_BYTES.saturating_add(
            usize::try_from(chunks)
                .unwrap_or(usize::MAX)
                .saturating_mul(CHUNK_BYTES),
        );
        if whole_file > bytes.len() {
            // The file was cut off.
            records.damaged += 1;
        }
        let end = whole_file.min(bytes.len());
        let mut start = HEADER_BYTES;
        while start < end {
            let span = bytes.size(start + offset_of!(ChunkHead, span));
            // 0: handed out, not yet begun.
            let next = start.saturating_add(span.max(1).saturating_mul(CHUNK_BYTES));
            if next > whole_file {
                records.damaged += 1;
            }
            if span > 0 {
                records.walk(bytes, start, next.min(end));
            }
            start = next;
        }
        records
    }

    /// Goes through the records of one span of chunks, until the first that is not complete.
    fn walk(&mut self, bytes: Bytes<'_>, start: usize, end: usize) {
        let mut at = start + size_of::<ChunkHead>().next_multiple_of(RECORD_ALIGN);
        while at + RECORD_ALIGN <= end {
            let kind = bytes.u32(at + offset_of!(RecordHead, kind));
            if kind == 0 {
                return;
            }
            let length = bytes.size(at + offset_of!(RecordHead, bytes));
            // Where the next record begins is not known, or the file was cut off in this one.
            if length == 0 || !length.is_multiple_of(RECORD_ALIGN) || length > end - at {
                self.damaged += 1;
                return;
            }
            if self.take(bytes, kind, at, length).is_none() {
                self.damaged += 1;
            }
            at += length;
        }
    }

    /// Notes the record of `length` bytes at `at`; `None` if it says it is longer. One of a kind that nobody knows is only counted.
    fn take(&mut self, bytes: Bytes<'_>, kind: u32, at: usize, length: usize) -> Option<()> {
        let fits = |needed: usize| (needed <= length).then_some(());
        match kind {
            KIND_SITE => {
                fits(size_of::<SiteRecord>().max(site_bytes(bytes, at)?))?;
                self.sites.push(at);
            }
            KIND_THREAD => {
                fits(size_of::<ThreadRecord>())?;
                self.threads.push(at);
            }
            KIND_NODE => {
                fits(size_of::<NodeRecord>())?;
                let lines = bytes.size(at + offset_of!(NodeRecord, lines));
                fits(cell_offset(lines.min(MAX_LINES + 1)))?;
                self.nodes.push(NodeAt {
                    at,
                    site: bytes.u32(at + offset_of!(NodeRecord, site)),
                    lines: (lines <= MAX_LINES).then_some(lines)?,
                    thread: bytes.u32(at + offset_of!(NodeRecord, thread)),
                });
            }
            KIND_PAIRS => {
                let capacity = offset_of!(PairsRecord, capacity);
                let pairs = entries::<PairsRecord, Pair>(bytes, at, length, capacity)?;
                self.pairs.push(PairsAt {
                    at,
                    capacity: pairs.len(),
                    thread: bytes.u32(at + offset_of!(PairsRecord, thread)),
                });
            }
            KIND_HEAP => {
                let capacity = offset_of!(HeapRecord, capacity);
                let entries = entries::<HeapRecord, HeapEntry>(bytes, at, length, capacity)?;
                let used = |entry: &usize| bytes.u64(entry + offset_of!(HeapEntry, cell)) != 0;
                self.heap_entries.extend(entries.filter(used));
            }
            KIND_NOT_MEASURED => {
                fits(size_of::<NotMeasuredRecord>())?;
                let before = size_of::<NotMeasuredRecord>();
                fits(with_strings(bytes, at, before, &NOT_MEASURED_STRINGS)?)?;
                self.not_measured.push(at);
            }
            KIND_THIN => {
                let capacity = offset_of!(ThinRecord, capacity);
                let cells = entries::<ThinRecord, ThinCell>(bytes, at, length, capacity)?;
                let used = |cell: &usize| bytes.u32(cell + offset_of!(ThinCell, site)) != 0;
                self.thin.extend(cells.filter(used));
            }
            KIND_DURATIONS => {
                fits(size_of::<DurationsRecord>())?;
                self.durations.push(at);
            }
            KIND_TIMED_CALL => self.ways_back.push(way_back(bytes, at, length)?),
            _ => self.unknown += 1,
        }
        Some(())
    }

    /// Offset of an address of the recording process.
    fn offset(&self, address: u64) -> Option<usize> {
        usize::try_from(address.checked_sub(self.base)?).ok()
    }

    /// Index of the node at an address, if there is one.
    pub(super) fn node(&self, address: u64) -> Option<usize> {
        let at = self.offset(address)?;
        self.nodes.binary_search_by_key(&at, |node| node.at).ok()
    }

    /// The owner of the cell at an address, if there is a cell. One that ends a measured call stands for the line that made it.
    pub(super) fn cell(&self, address: u64) -> Option<Owner> {
        let at = self.offset(address)?;
        let ways_back = &self.ways_back;
        let index = ways_back.binary_search_by_key(&at, |(back, _)| *back);
        match index.ok().and_then(|index| ways_back.get(index)) {
            Some((_, caller)) => self.line(self.offset(*caller)?),
            None => self.line(at),
        }
    }

    /// The owner of the cell at an offset.
    fn line(&self, at: usize) -> Option<Owner> {
        let after = self.nodes.partition_point(|node| node.at <= at);
        let in_node = after.checked_sub(1).and_then(|index| {
            let node = self.nodes.get(index)?;
            let inside = (at - node.at).checked_sub(size_of::<NodeRecord>())?;
            let slot = inside / size_of::<Cell>();
            (inside.is_multiple_of(size_of::<Cell>()) && slot < node.lines)
                .then_some(Owner::Node(index, slot))
        });
        let thread = at.checked_sub(offset_of!(ThreadRecord, outside));
        let outside = || {
            self.threads
                .binary_search(&thread?)
                .ok()
                .map(Owner::Outside)
        };
        in_node.or_else(outside)
    }
}

/// The cell that ends the call of a record, and the calling line.
fn way_back(bytes: Bytes<'_>, at: usize, length: usize) -> Option<(usize, u64)> {
    let caller = bytes.u64(at + offset_of!(TimedCallRecord, caller));
    let back = at + offset_of!(TimedCallRecord, back);
    (size_of::<TimedCallRecord>() <= length).then_some((back, caller))
}

/// The offsets of the entries that follow the structure `R` of a record, as many as the word at `capacity` says; `None` if the record is shorter than that.
fn entries<R, E>(
    bytes: Bytes<'_>,
    at: usize,
    length: usize,
    capacity: usize,
) -> Option<impl ExactSizeIterator<Item = usize> + use<R, E>> {
    let first = size_of::<R>();
    // At least as long as its head: every record is a multiple of that.
    let capacity = bytes.size(at + capacity);
    let end = first.checked_add(capacity.checked_mul(size_of::<E>())?)?;
    let entries = (0..capacity).map(move |index| at + first + index * size_of::<E>());
    (end <= length).then_some(entries)
}

/// Offset of a cell of a node.
pub(super) fn cell_at(node: &NodeAt, slot: usize) -> usize {
    node.at + cell_offset(slot)
}

/// Offset of the memory words of a cell of a node, if the record is long enough to have them.
pub(super) fn words_at(bytes: Bytes<'_>, node: &NodeAt, slot: usize) -> Option<usize> {
    let words = cell_at(node, node.lines) + slot * size_of::<MemoryWords>();
    ends_within(bytes, node.at, words).then_some(words)
}

/// Offset of the memory words of the time outside of all frames.
pub(super) fn outside_words_at(bytes: Bytes<'_>, thread: usize) -> Option<usize> {
    let words = thread + size_of::<ThreadRecord>();
    ends_within(bytes, thread, words).then_some(words)
}

/// Whether memory words lie inside of a record.
fn ends_within(bytes: Bytes<'_>, record: usize, words: usize) -> bool {
    let length = bytes.size(record + offset_of!(RecordHead, bytes));
    words + size_of::<MemoryWords>() <= record.saturating_add(length)
}

/// Bytes that a site record needs for its lines and strings.
fn site_bytes(bytes: Bytes<'_>, at: usize) -> Option<usize> {
    let lines = bytes.size(at + offset_of!(SiteRecord, lines));
    if lines > MAX_LINES {
        return None;
    }
    let strings = [
        offset_of!(SiteRecord, module_len),
        offset_of!(SiteRecord, name_len),
        offset_of!(SiteRecord, file_len),
        offset_of!(SiteRecord, package_len),
        offset_of!(SiteRecord, source_len),
        offset_of!(SiteRecord, labels_len),
    ];
    let before = size_of::<SiteRecord>() + lines * size_of::<LineRecord>();
    with_strings(bytes, at, before, &strings)
}

/// The lengths of the strings of a record of a function that is left alone, in their order.
pub(super) const NOT_MEASURED_STRINGS: [usize; 3] = [
    offset_of!(NotMeasuredRecord, module_len),
    offset_of!(NotMeasuredRecord, name_len),
    offset_of!(NotMeasuredRecord, file_len),
];

/// `before` and the lengths of strings that stand in these fields.
fn with_strings(bytes: Bytes<'_>, at: usize, before: usize, fields: &[usize]) -> Option<usize> {
    fields
        .iter()
        .try_fold(before, |sum, field| sum.checked_add(bytes.size(at + field)))
}
