//! Raw files for tests: bytes written through the offsets of the layout, and a fake clock that plays a program into them.

use std::collections::HashMap;
use std::mem::{offset_of, size_of};
use std::path::Path;

use hprof::model::Profile;
use hprof::raw::layout::*;
use hprof::raw::{ReadError, read_bytes};
use hprof::site::{LineKind, SiteKind, WhyNot};

/// Address of offset 0 in the process that never was.
pub(crate) const BASE: u64 = 0x7f00_0000_0000;
/// Ticks when recording starts.
pub(crate) const START: u64 = 1_000_000;

/// A raw file under construction. One tick is one nanosecond unless a test says otherwise.
#[derive(Clone)]
pub(crate) struct RawFile {
    pub(crate) bytes: Vec<u8>,
    next: usize,
}

/// A line slot: line, kind, slot of its group, label.
pub(crate) type Slot = (u32, LineKind, u32, &'static str);

/// Plain statements on these lines.
pub(crate) fn statements(lines: &[u32]) -> Vec<Slot> {
    let slot = |(index, line): (usize, &u32)| (*line, LineKind::Statement, index as u32, "");
    lines.iter().enumerate().map(slot).collect()
}

impl RawFile {
    pub(crate) fn new() -> Self {
        let mut file = Self {
            bytes: vec![0; HEADER_BYTES],
            next: HEADER_BYTES,
        };
        file.u64(offset_of!(Header, magic), MAGIC);
        for (field, value) in [
            (offset_of!(Header, version), VERSION),
            (offset_of!(Header, byte_order), BYTE_ORDER_MARK),
            (offset_of!(Header, header_bytes), HEADER_BYTES as u32),
            (offset_of!(Header, chunk_bytes), CHUNK_BYTES as u32),
            (offset_of!(Header, state), STATE_FINISHED),
            (offset_of!(Header, clock_mode), MODE_EXACT),
            (offset_of!(Header, clock_source), SOURCE_TSC),
            (offset_of!(Header, pid), 42),
            (offset_of!(Header, opt_level), u32::from('3')),
        ] {
            file.u32(field, value);
        }
        file.u64(offset_of!(Header, base), BASE);
        file.u64(offset_of!(Header, start_ticks), START);
        file.u64(offset_of!(Header, last_ticks), START);
        file.u64(offset_of!(Header, ticks_per_second), 1_000_000_000);
        file.new_span(1);
        file
    }

    /// Killed at this time, as far as the header knows.
    pub(crate) fn killed(&mut self, ticks: u64) {
        self.u32(offset_of!(Header, state), STATE_RUNNING);
        self.u64(offset_of!(Header, last_ticks), START + ticks);
    }

    pub(crate) fn finished(&mut self, ticks: u64) {
        self.u64(offset_of!(Header, last_ticks), START + ticks);
    }

    pub(crate) fn new_span(&mut self, chunks: usize) {
        let start = self.bytes.len();
        self.bytes.resize(start + chunks * CHUNK_BYTES, 0);
        self.u32(start + offset_of!(ChunkHead, span), chunks as u32);
        self.next = start + size_of::<ChunkHead>();
        let used = (self.bytes.len() - HEADER_BYTES) / CHUNK_BYTES;
        self.u64(offset_of!(Header, chunks), used as u64);
    }

    pub(crate) fn u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    pub(crate) fn u64(&mut self, at: usize, value: u64) {
        self.bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
    }

    pub(crate) fn get(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.bytes[at..at + 8].try_into().unwrap())
    }

    pub(crate) fn add(&mut self, at: usize, more: u64) {
        let sum = self.get(at).wrapping_add(more);
        self.u64(at, sum);
    }

    /// Room for a record; its kind is set too, as nobody reads in between.
    pub(crate) fn record(&mut self, kind: u32, bytes: usize) -> usize {
        let length = bytes.next_multiple_of(RECORD_ALIGN);
        if self.next + length > self.bytes.len() {
            let needed = size_of::<ChunkHead>() + length;
            self.new_span(needed.div_ceil(CHUNK_BYTES));
        }
        let at = self.next;
        self.next += length;
        self.u32(at + offset_of!(RecordHead, kind), kind);
        self.u32(at + offset_of!(RecordHead, bytes), length as u32);
        at
    }

    /// A site of the function `name` in `src/main.rs`, whose attribute stands on `line`.
    pub(crate) fn site(
        &mut self,
        id: u32,
        kind: SiteKind,
        name: &str,
        line: u32,
        slots: &[Slot],
    ) -> usize {
        let source = if matches!(kind, SiteKind::Function) {
            "fn f() {\n}"
        } else {
            ""
        };
        let labels: String = slots.iter().map(|slot| slot.3).collect();
        let strings = ["app", name, "src/main.rs", "/app", source, labels.as_str()];
        let text: usize = strings.iter().map(|text| text.len()).sum();
        let lines_bytes = slots.len() * size_of::<LineRecord>();
        let at = self.record(KIND_SITE, size_of::<SiteRecord>() + lines_bytes + text);
        let end_line = slots.iter().map(|slot| slot.0).max().unwrap_or(line);
        for (field, value) in [
            (offset_of!(SiteRecord, id), id),
            (offset_of!(SiteRecord, kind), kind as u32),
            (offset_of!(SiteRecord, line), line),
            (offset_of!(SiteRecord, column), 1),
            (offset_of!(SiteRecord, end_line), end_line),
            (offset_of!(SiteRecord, lines), slots.len() as u32),
            (offset_of!(SiteRecord, module_len), strings[0].len() as u32),
            (offset_of!(SiteRecord, name_len), strings[1].len() as u32),
            (offset_of!(SiteRecord, file_len), strings[2].len() as u32),
            (offset_of!(SiteRecord, package_len), strings[3].len() as u32),
            (offset_of!(SiteRecord, source_len), strings[4].len() as u32),
            (offset_of!(SiteRecord, labels_len), strings[5].len() as u32),
        ] {
            self.u32(at + field, value);
        }
        let mut next = at + size_of::<SiteRecord>();
        for (line, kind, group, label) in slots {
            self.u32(next + offset_of!(LineRecord, line), *line);
            self.u32(next + offset_of!(LineRecord, kind), *kind as u32);
            self.u32(next + offset_of!(LineRecord, group), *group);
            self.u32(next + offset_of!(LineRecord, label_len), label.len() as u32);
            next += size_of::<LineRecord>();
        }
        for text in strings {
            self.bytes[next..next + text.len()].copy_from_slice(text.as_bytes());
            next += text.len();
        }
        at
    }

    /// A function in `src/main.rs` that is left as it is.
    pub(crate) fn not_measured(&mut self, why: WhyNot, name: &str, line: u32) -> usize {
        let strings = ["app", name, "src/main.rs"];
        let text: usize = strings.iter().map(|text| text.len()).sum();
        let start = size_of::<NotMeasuredRecord>();
        let at = self.record(KIND_NOT_MEASURED, start + text);
        for (field, value) in [
            (offset_of!(NotMeasuredRecord, why), why as u32),
            (offset_of!(NotMeasuredRecord, line), line),
            (
                offset_of!(NotMeasuredRecord, module_len),
                strings[0].len() as u32,
            ),
            (
                offset_of!(NotMeasuredRecord, name_len),
                strings[1].len() as u32,
            ),
            (
                offset_of!(NotMeasuredRecord, file_len),
                strings[2].len() as u32,
            ),
        ] {
            self.u32(at + field, value);
        }
        let all = strings.concat();
        self.bytes[at + start..at + start + text].copy_from_slice(all.as_bytes());
        at
    }

    /// Counters of thin functions: what is left, and the number of the site.
    pub(crate) fn thin(&mut self, cells: &[(i64, u32)]) -> usize {
        let start = size_of::<ThinRecord>();
        let at = self.record(KIND_THIN, start + size_of_val(cells));
        self.u32(at + offset_of!(ThinRecord, capacity), cells.len() as u32);
        let mut next = at + start;
        for (left, site) in cells {
            self.u64(next + offset_of!(ThinCell, left), left.cast_unsigned());
            self.u32(next + offset_of!(ThinCell, site), *site);
            next += size_of::<ThinCell>();
        }
        at
    }

    pub(crate) fn function(&mut self, id: u32, name: &str, line: u32, lines: &[u32]) -> usize {
        self.site(id, SiteKind::Function, name, line, &statements(lines))
    }

    pub(crate) fn thread(&mut self, index: u32, name: &str) -> usize {
        let at = self.record(KIND_THREAD, size_of::<ThreadRecord>());
        self.u32(at + offset_of!(ThreadRecord, index), index);
        self.u32(at + offset_of!(ThreadRecord, tid), 1000 + index);
        self.u32(at + offset_of!(ThreadRecord, state), 1);
        self.u32(at + offset_of!(ThreadRecord, name_len), name.len() as u32);
        self.u64(at + offset_of!(ThreadRecord, start_ticks), START);
        self.u64(at + offset_of!(ThreadRecord, t0), START);
        self.u64(at + offset_of!(ThreadRecord, uses), 1);
        let text = at + offset_of!(ThreadRecord, name);
        self.bytes[text..text + name.len()].copy_from_slice(name.as_bytes());
        at
    }

    /// A node with cells for `lines` slots; `caller` is the offset of the calling cell, 0 for a flat node.
    pub(crate) fn node(&mut self, thread: u32, site: u32, lines: usize, caller: usize) -> usize {
        let at = self.record(
            KIND_NODE,
            size_of::<NodeRecord>() + lines * size_of::<Cell>(),
        );
        self.u32(at + offset_of!(NodeRecord, site), site);
        self.u32(at + offset_of!(NodeRecord, lines), lines as u32);
        self.u32(at + offset_of!(NodeRecord, thread), thread);
        let caller = if caller == 0 { 0 } else { address(caller) };
        self.u64(at + offset_of!(NodeRecord, caller), caller);
        at
    }

    /// Samples of one thread: cell and gap cell as offsets (0: no gap, 1: other), samples, weight, squares, CPU time.
    pub(crate) fn pairs(
        &mut self,
        thread: u32,
        pairs: &[(usize, usize, u64, u64, u64, u64)],
    ) -> usize {
        let bytes = size_of::<PairsRecord>() + (pairs.len() + 1) * size_of::<Pair>();
        let at = self.record(KIND_PAIRS, bytes);
        self.u32(at + offset_of!(PairsRecord, thread), thread);
        self.u32(
            at + offset_of!(PairsRecord, capacity),
            pairs.len() as u32 + 1,
        );
        // The first entry stays free.
        for (index, (cell, gap, samples, weight, squares, cpu)) in pairs.iter().enumerate() {
            let pair = at + size_of::<PairsRecord>() + (index + 1) * size_of::<Pair>();
            let cell = if *cell == 1 { 1 } else { address(*cell) };
            let gap = if *gap == 0 { 0 } else { address(*gap) };
            for (field, value) in [
                (offset_of!(Pair, cell), cell),
                (offset_of!(Pair, gap), gap),
                (offset_of!(Pair, samples), *samples),
                (offset_of!(Pair, weight), *weight),
                (offset_of!(Pair, weight_squared), *squares),
                (offset_of!(Pair, cpu_ns), *cpu),
            ] {
                self.u64(pair + field, value);
            }
        }
        at
    }

    /// What a line took in each quarter of its last window before it was sampled.
    pub(crate) fn probes(&mut self, cell: usize, parts: [u64; PROBES]) {
        for (part, ticks) in parts.into_iter().enumerate() {
            self.u64(cell + offset_of!(Cell, probes) + part * 8, ticks);
        }
    }

    pub(crate) fn flag(&mut self, flag: u64) {
        let at = offset_of!(Header, flags);
        let flags = self.get(at) | flag;
        self.u64(at, flags);
    }

    pub(crate) fn try_read(&self) -> Result<Profile, ReadError> {
        read_bytes(&self.bytes, Path::new("test.hpraw"))
    }

    /// The profile, which must be without damage.
    pub(crate) fn read(&self) -> Profile {
        let profile = self.try_read().unwrap();
        assert_eq!(profile.processes[0].losses.damaged, 0);
        profile
    }
}

pub(crate) fn address(offset: usize) -> u64 {
    BASE + offset as u64
}

/// Offset of a cell of a node.
pub(crate) fn cell(node: usize, slot: usize) -> usize {
    node + size_of::<NodeRecord>() + slot * size_of::<Cell>()
}

/// Offset of the cell outside of all frames.
pub(crate) fn outside(thread: usize) -> usize {
    thread + offset_of!(ThreadRecord, outside)
}

/// Plays a program into a file as the recorder with the exact clock would, at times the test says (from the start of the
/// recording).
pub(crate) struct Playback<'a> {
    pub(crate) file: &'a mut RawFile,
    pub(crate) thread: usize,
    index: u32,
    /// Line slots of each site.
    sites: HashMap<u32, usize>,
    /// Node by calling cell and site.
    nodes: HashMap<(usize, u32), usize>,
    /// Open frames: node, site, and the calling cell.
    frames: Vec<(usize, u32, usize)>,
    open: usize,
    since: u64,
}

impl<'a> Playback<'a> {
    /// A new thread that enters its first frame at `ticks`.
    pub(crate) fn new(file: &'a mut RawFile, index: u32, ticks: u64) -> Self {
        let thread = file.thread(index, if index == 0 { "" } else { "worker" });
        file.u64(
            thread + offset_of!(ThreadRecord, start_ticks),
            START + ticks,
        );
        let mut playback = Self {
            thread,
            index,
            sites: HashMap::new(),
            nodes: HashMap::new(),
            frames: Vec::new(),
            open: outside(thread),
            since: ticks,
            file,
        };
        playback.publish(ticks);
        playback
    }

    /// Says how many line slots a site has.
    pub(crate) fn site(&mut self, id: u32, slots: usize) {
        self.sites.insert(id, slots);
    }

    pub(crate) fn enter(&mut self, site: u32) {
        let caller = self.open;
        let top = self.frames.last().copied();
        if let Some((node, _, _)) = top.filter(|(_, open, _)| *open == site) {
            // Direct recursion stays in its node.
            self.file
                .add(node + offset_of!(NodeRecord, recursive_calls), 1);
            self.frames.push((node, site, caller));
            return;
        }
        let node = match self.nodes.get(&(caller, site)) {
            Some(node) => *node,
            None => self.file.node(self.index, site, self.sites[&site], caller),
        };
        self.nodes.insert((caller, site), node);
        self.file.add(node + offset_of!(NodeRecord, calls), 1);
        self.frames.push((node, site, caller));
    }

    /// The marker of a line slot.
    pub(crate) fn line(&mut self, ticks: u64, slot: usize) {
        let (node, _, _) = *self.frames.last().unwrap();
        self.switch(ticks, cell(node, slot));
        self.file.add(self.open + offset_of!(Cell, hits), 1);
        self.file
            .add(self.thread + offset_of!(ThreadRecord, reads), 1);
    }

    pub(crate) fn leave(&mut self, ticks: u64) {
        let (_, _, caller) = self.frames.pop().unwrap();
        self.switch(ticks, caller);
    }

    /// Cells of all lines, and the one outside of all frames.
    pub(crate) fn cells(&self) -> Vec<usize> {
        let mut cells = vec![outside(self.thread)];
        for ((_, site), node) in &self.nodes {
            cells.extend((0..self.sites[site]).map(|slot| cell(*node, slot)));
        }
        cells.sort_unstable();
        cells
    }

    /// The thread ends.
    pub(crate) fn end(&mut self, ticks: u64) {
        self.file
            .u32(self.thread + offset_of!(ThreadRecord, state), 2);
        self.file.u64(
            self.thread + offset_of!(ThreadRecord, end_ticks),
            START + ticks,
        );
    }

    fn switch(&mut self, ticks: u64, to: usize) {
        let interval = ticks - self.since;
        self.file.add(self.open + offset_of!(Cell, time), interval);
        self.open = to;
        self.since = ticks;
        self.publish(ticks);
    }

    fn publish(&mut self, ticks: u64) {
        let (thread, open) = (self.thread, address(self.open));
        self.file.u64(thread + offset_of!(ThreadRecord, cell), open);
        self.file.u64(thread + offset_of!(ThreadRecord, open), open);
        self.file
            .u64(thread + offset_of!(ThreadRecord, t0), START + ticks);
    }
}
