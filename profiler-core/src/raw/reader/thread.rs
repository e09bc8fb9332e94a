//! One thread: its cells and samples become lines of a call tree, ticks become nanoseconds.

use core::mem::offset_of;
use std::collections::HashMap;

use super::cells::CellCounts;
use super::clock::RunningTotal;
use super::own_cost::{self, CellEvents, Events};
use super::recording::{Recording, ThreadParts};
use super::records::{Owner, PairsAt, cell_at, outside_words_at, words_at};
use super::samples::Samples;
use super::sites::SiteFacts;
use super::tree::{self, TreeNode};
use crate::model::cpu;
use crate::model::gap_cell::{GapCell, MAX_TICKS, Share};
use crate::model::gaps;
use crate::model::{FunctionId, LineCost, LineRss, Nanos, Node, NodeLines, Place, Thread};
use crate::raw::layout::{
    FLAG_MEMORY, NAME_BYTES, NodeRecord, OPEN_WANTED, THREAD_ENDED, THREAD_UNUSED, ThreadRecord,
};

/// Reads the thread with this index in [`Records::threads`](super::records::Records::threads) and the records that are part of it.
/// `None` if the record was never used.
pub(super) fn read(
    recording: &Recording<'_>,
    index: usize,
    parts: &ThreadParts,
    damaged: &mut u64,
) -> Option<(Thread, Events)> {
    let mut thread = ThreadReader::new(recording, index, &parts.nodes, damaged);
    if !thread.is_used() && thread.cells.iter().all(CellCounts::is_empty) {
        return None;
    }
    thread.close_what_is_open();
    let costs = thread.costs(&parts.pairs, damaged);
    let events = thread.events();
    let running = thread.running();
    let (outside, costs) = costs.split_first()?;
    Some((
        Thread {
            tid: recording
                .bytes
                .u32(thread.at + offset_of!(ThreadRecord, tid)),
            name: thread.name(),
            uses: thread.word(offset_of!(ThreadRecord, uses)).max(1),
            wall: thread.wall(),
            cpu: thread.cpu(),
            running: running.map(|(node, slot)| thread.place(node, slot)),
            running_since: running.and_then(|_| thread.running_since()),
            outside: *outside,
            nodes: thread.model_nodes(costs, running.map(|(node, _)| node)),
        },
        events,
    ))
}

/// A thread while it is put together.
struct ThreadReader<'a> {
    recording: &'a Recording<'a>,
    /// Index of the record, and its offset.
    index: usize,
    at: usize,
    tree: Vec<TreeNode>,
    /// Position in the tree by the index of the node record.
    positions: HashMap<usize, usize>,
    /// Number of the first cell of each node of the tree. Cell 0 is the one outside of all frames.
    first_cells: Vec<usize>,
    cells: Vec<CellCounts>,
    /// The cell of an interval or gap that ran on when the thread's CPU clock had been read last: nobody knows what it spent.
    unread: Option<usize>,
}

impl<'a> ThreadReader<'a> {
    fn new(recording: &'a Recording<'a>, index: usize, nodes: &[usize], damaged: &mut u64) -> Self {
        let (bytes, records) = (recording.bytes, recording.records);
        let at = records.threads[index];
        let tree = tree::build(bytes, records, recording.sites, index, nodes, damaged);
        let outside = at + offset_of!(ThreadRecord, outside);
        let memory = recording.header.flags & FLAG_MEMORY != 0;
        let heap = &recording.heap;
        let mut read = |at: usize, owner: Owner, words: Option<usize>| {
            let mut cell = CellCounts::read(bytes, at);
            cell.counted.live = heap.of(owner);
            if let Some(words) = words.filter(|_| memory) {
                *damaged += u64::from(cell.read_memory(bytes, at, words));
            }
            cell
        };
        let mut cells = vec![read(
            outside,
            Owner::Outside(index),
            outside_words_at(bytes, at),
        )];
        let mut first_cells = Vec::with_capacity(tree.len());
        for node in &tree {
            let record = &records.nodes[node.record];
            first_cells.push(cells.len());
            cells.extend((0..record.lines).map(|slot| {
                let owner = Owner::Node(node.record, slot);
                read(cell_at(record, slot), owner, words_at(bytes, record, slot))
            }));
        }
        let position = |(position, node): (usize, &TreeNode)| (node.record, position);
        let positions = tree.iter().enumerate().map(position).collect();
        let mut thread = Self {
            recording,
            index,
            at,
            tree,
            positions,
            first_cells,
            cells,
            unread: None,
        };
        thread.count_intervals();
        thread
    }

    /// An interval begins with each hit of a line, and when a call returns to it.
    fn count_intervals(&mut self) {
        for position in 0..self.tree.len() {
            let node = self.tree[position];
            if let Some((parent, slot)) = node.caller {
                let (calls, recursive) = self.entries(&node);
                let intervals = &mut self.cells[self.first_cells[parent] + slot].intervals;
                *intervals = intervals.saturating_add(calls).saturating_add(recursive);
            }
        }
    }

    fn word(&self, field: usize) -> u64 {
        self.recording.bytes.u64(self.at + field)
    }

    fn state(&self) -> u32 {
        let field = offset_of!(ThreadRecord, state);
        self.recording.bytes.u32(self.at + field)
    }

    /// Whether a thread of this process has used the record; after a fork that is not so for the threads of the parent.
    fn is_used(&self) -> bool {
        self.state() != THREAD_UNUSED && self.word(offset_of!(ThreadRecord, uses)) > 0
    }

    fn site(&self, node: &TreeNode) -> Option<&SiteFacts> {
        let record = &self.recording.records.nodes[node.record];
        self.recording.sites.get(record.site)
    }

    /// Line number of a slot; 0 where a damaged site has no such slot.
    fn line(&self, node: usize, slot: usize) -> u32 {
        self.site(&self.tree[node])
            .and_then(|site| site.slots.get(slot))
            .map_or(0, |slot| slot.line)
    }

    /// Number of the cell at an address, if it is one of this thread.
    fn cell_number(&self, address: u64) -> Option<usize> {
        match self.recording.records.cell(address)? {
            Owner::Outside(thread) => (thread == self.index).then_some(0),
            Owner::Node(record, slot) => {
                let position = self.positions.get(&record)?;
                Some(self.first_cells[*position] + slot)
            }
        }
    }

    /// By the thread's own clock, which stands still while the recorder reads the memory.
    fn end_ticks(&self) -> u64 {
        if self.state() == THREAD_ENDED {
            self.word(offset_of!(ThreadRecord, end_ticks))
        } else {
            let own = self.word(offset_of!(ThreadRecord, own_ticks));
            self.recording.end_ticks.saturating_sub(own)
        }
    }

    /// Adds the interval, or else the gap, that was open when the recording ended.
    ///
    /// ```text
    /// marker of A reads the clock          last sign of life (or end of the thread)
    ///      │ A ... still running ................... │
    ///     t0                                    end_ticks
    /// ```
    fn close_what_is_open(&mut self) {
        let start = self.word(offset_of!(ThreadRecord, t0));
        if start < self.word(offset_of!(ThreadRecord, start_ticks)) {
            // The thread was about to enter its first frame.
            return;
        }
        let ticks = self.end_ticks().saturating_sub(start).min(MAX_TICKS);
        let open = self.word(offset_of!(ThreadRecord, open));
        let gap = self.word(offset_of!(ThreadRecord, gap));
        let is_interval = open > OPEN_WANTED as u64;
        let Some(number) = self.cell_number(if is_interval { open } else { gap }) else {
            return;
        };
        let cpu = self.cpu_of_running(start, ticks);
        let [last, read] = [
            offset_of!(ThreadRecord, last_cpu_ns),
            offset_of!(ThreadRecord, cpu_ns),
        ];
        if cpu.is_some() && self.word(last) <= self.word(read) {
            self.unread = Some(number);
        }
        self.cells[number].add_running(is_interval, ticks, cpu);
    }

    /// CPU ticks of the interval or gap that ran from `start` on for so many ticks, if it was long: as a marker would have found them, had there been one.
    fn cpu_of_running(&self, start: u64, ticks: u64) -> Option<u64> {
        let long = self.word(offset_of!(ThreadRecord, long));
        if long == 0 || ticks < long {
            return None;
        }
        let since = |now: usize, then: usize| self.word(now).saturating_sub(self.word(then));
        let last = offset_of!(ThreadRecord, last_cpu_ns);
        let spent = self
            .recording
            .header
            .rate
            .ticks(since(last, offset_of!(ThreadRecord, cpu_ns)))
            .saturating_sub(since(
                offset_of!(ThreadRecord, own_ticks),
                offset_of!(ThreadRecord, cpu_own),
            ));
        let before = start.saturating_sub(self.word(offset_of!(ThreadRecord, cpu_ticks)));
        Some(spent.saturating_sub(before).min(ticks))
    }

    /// What each cell costs, in the order of their numbers.
    fn costs(&self, tables: &[PairsAt], damaged: &mut u64) -> Vec<LineCost> {
        let recording = self.recording;
        let mut samples = Samples::read(
            recording.bytes,
            tables,
            |address| self.cell_number(address),
            damaged,
        );
        let rate = recording.header.rate;
        let total = self.cpu().filter(|_| recording.knows_cpu);
        // Looks at the memory are no part of any line.
        let spent = rate
            .ticks(total.unwrap_or_default().0)
            .saturating_sub(self.word(offset_of!(ThreadRecord, own_ticks)));
        let known: Vec<_> = self.cells.iter().map(CellCounts::for_cpu).collect();
        let known = cpu::settle(&known, spent);
        let shares = gaps::split(
            &self.callers(),
            &self.gap_cells(&known),
            &mut samples.sightings,
        );
        let mut spent = RunningTotal::new(rate);
        let mut exact = RunningTotal::new(rate);
        let mut sampled = RunningTotal::new(rate);
        let mut awaited = RunningTotal::new(rate);
        let mut cost = |(cell, share): (&CellCounts, &Share), cpu: u64, recording: Nanos| {
            let exact = exact.convert(cell.time.into());
            let sampled = sampled.convert(share.sampled + share.prior);
            let cpu = spent.convert(u128::from(cpu) + share.cpu);
            LineCost {
                exact,
                sampled,
                samples: share.samples,
                variance: rate.square_nanos(share.variance),
                settled: rate.square_nanos(share.settled),
                prior: share.prior > share.sampled,
                below_resolution: sampled == Nanos::ZERO && self.is_too_short(cell, exact),
                recording: recording.min(exact + sampled),
                cpu: total.map(|_| cpu.min(exact + sampled)),
                awaited: awaited.convert(cell.awaited.into()),
                ..cell.counted
            }
        };
        let own = own_cost::costs(
            &self.cell_events(),
            &recording.prices,
            self.word(offset_of!(ThreadRecord, reads)),
        );
        let cells = self.cells.iter().zip(&shares).zip(known).zip(own);
        let mut costs: Vec<_> = cells
            .map(|((cell, (cpu, _)), own)| cost(cell, cpu, own))
            .collect();
        if let Some(cost) = self.unread.and_then(|number| costs.get_mut(number)) {
            cost.cpu = None;
        }
        costs
    }

    /// Whether the mean interval of a timed line is below two steps of the clock.
    fn is_too_short(&self, cell: &CellCounts, exact: Nanos) -> bool {
        let picoseconds = u128::from(exact.0) * 1000;
        let shortest = u128::from(self.recording.shortest_interval_ps);
        cell.timed && cell.time > 0 && picoseconds < u128::from(cell.intervals) * shortest
    }

    /// The calling cell of each node of the tree.
    fn callers(&self) -> Vec<Option<usize>> {
        let number = |(parent, slot): (usize, usize)| self.first_cells[parent] + slot;
        self.tree
            .iter()
            .map(|node| node.caller.map(number))
            .collect()
    }

    /// What is known of the gaps of each cell, whose CPU times are the second ones of `cpu`.
    fn gap_cells(&self, cpu: &[(u64, u64)]) -> Vec<GapCell> {
        let mut gap_cells = Vec::with_capacity(self.cells.len());
        let mut next = self.first_cells.iter().enumerate().peekable();
        let mut owner = None;
        for (number, cell) in self.cells.iter().enumerate() {
            while let Some((node, _)) = next.next_if(|(_, first)| **first <= number) {
                owner = Some(node);
            }
            let (_, cpu) = cpu.get(number).copied().unwrap_or_default();
            let recording = self.recording;
            let markers = recording.prices.markers(cell.counted.hits);
            let markers = recording.header.rate.ticks(markers);
            gap_cells.push(cell.for_split(owner, cpu, markers));
        }
        gap_cells
    }

    /// What there was to record on each cell.
    fn cell_events(&self) -> Vec<CellEvents> {
        let mut events: Vec<CellEvents> = self
            .cells
            .iter()
            .map(|cell| CellEvents {
                readings: if cell.timed { cell.intervals } else { 0 },
                ..CellEvents::default()
            })
            .collect();
        for (position, node) in self.tree.iter().enumerate() {
            let first = self.first_cells[position];
            let slots = self.site(node).map_or(&[][..], |site| &site.slots);
            let cells = self.cells.iter().zip(&mut events).skip(first);
            for (slot, (cell, events)) in slots.iter().zip(cells) {
                if !slot.is_counted {
                    events.markers = cell.counted.hits;
                }
            }
            if let Some((parent, slot)) = node.caller {
                // A function that calls itself does so from lines of its own; which, is not known.
                let (calls, _) = self.entries(node);
                let caller = &mut events[self.first_cells[parent] + slot];
                caller.calls = caller.calls.saturating_add(calls);
                caller.missed_calls = caller.missed_calls.saturating_add(self.missed_calls(node));
                // The clock is read at both ends of a call that is measured.
                let readings = self.timed_calls(node).saturating_mul(2);
                caller.readings = caller.readings.saturating_add(readings);
            }
        }
        events
    }

    fn events(&self) -> Events {
        let mut events = Events {
            timed_markers: self.word(offset_of!(ThreadRecord, reads)),
            cpu_reads: self.word(offset_of!(ThreadRecord, cpu_reads)),
            look_ticks: self.word(offset_of!(ThreadRecord, own_ticks)),
            ..Events::default()
        };
        for (position, node) in self.tree.iter().enumerate() {
            let (calls, recursive) = self.entries(node);
            events.calls = events.calls.saturating_add(calls).saturating_add(recursive);
            events.missed_calls = events.missed_calls.saturating_add(self.missed_calls(node));
            let slots = self.site(node).map_or(&[][..], |site| &site.slots);
            for (slot, cell) in slots.iter().zip(&self.cells[self.first_cells[position]..]) {
                if !slot.is_counted {
                    events.markers = events.markers.saturating_add(cell.counted.hits);
                }
            }
        }
        events
    }

    /// Entries of a node from outside, and while it was open already.
    fn entries(&self, node: &TreeNode) -> (u64, u64) {
        let at = self.recording.records.nodes[node.record].at;
        let word = |field: usize| self.recording.bytes.u64(at + field);
        (
            word(offset_of!(NodeRecord, calls)),
            word(offset_of!(NodeRecord, recursive_calls)),
        )
    }

    /// Entries of a node that had to look it up.
    fn missed_calls(&self, node: &TreeNode) -> u64 {
        let at = self.recording.records.nodes[node.record].at;
        let field = offset_of!(NodeRecord, missed_calls);
        self.recording.bytes.u64(at + field)
    }

    /// Calls of a node whose duration was measured.
    fn timed_calls(&self, node: &TreeNode) -> u64 {
        let at = self.recording.records.nodes[node.record].at;
        let field = offset_of!(NodeRecord, timed_calls);
        self.recording.bytes.u64(at + field)
    }

    /// The node and slot the thread was in when the recording broke off.
    fn running(&self) -> Option<(usize, usize)> {
        if self.recording.header.finished || self.state() == THREAD_ENDED {
            return None;
        }
        let cell = self.word(offset_of!(ThreadRecord, cell));
        match self.recording.records.cell(cell)? {
            Owner::Node(record, slot) => Some((*self.positions.get(&record)?, slot)),
            Owner::Outside(_) => None,
        }
    }

    /// When the running line began, from the start of the recording: known if it is timed.
    fn running_since(&self) -> Option<Nanos> {
        let cell = self.word(offset_of!(ThreadRecord, cell));
        let header = &self.recording.header;
        let ticks = self
            .word(offset_of!(ThreadRecord, t0))
            .saturating_sub(header.start_ticks);
        (self.word(offset_of!(ThreadRecord, open)) == cell).then(|| header.rate.nanos(ticks.into()))
    }

    fn place(&self, node: usize, slot: usize) -> Place {
        Place {
            function: self.function(&self.tree[node]),
            line: self.line(node, slot),
        }
    }

    fn function(&self, node: &TreeNode) -> FunctionId {
        self.site(node).map_or(FunctionId(0), |site| site.function)
    }

    fn name(&self) -> String {
        let bytes = self.recording.bytes;
        let length = bytes.size(self.at + offset_of!(ThreadRecord, name_len));
        let name = bytes.text(
            self.at + offset_of!(ThreadRecord, name),
            length.min(NAME_BYTES),
        );
        let index = bytes.u32(self.at + offset_of!(ThreadRecord, index));
        if name.is_empty() && index == 0 {
            "main".to_owned()
        } else {
            name
        }
    }

    fn wall(&self) -> Nanos {
        let start = self.word(offset_of!(ThreadRecord, start_ticks));
        let ticks = self.end_ticks().saturating_sub(start);
        let own = self.word(offset_of!(ThreadRecord, own_ticks));
        let ticks = u128::from(ticks) + u128::from(own);
        self.recording.header.rate.nanos(ticks)
    }

    fn cpu(&self) -> Option<Nanos> {
        let [last, read] = [
            offset_of!(ThreadRecord, last_cpu_ns),
            offset_of!(ThreadRecord, cpu_ns),
        ];
        let last = self.word(last).max(self.word(read));
        let start = self.word(offset_of!(ThreadRecord, start_cpu_ns));
        (last > start).then(|| Nanos(last - start))
    }

    /// The nodes of the model; those in which nothing happened, below them too, are left out: every site has a node for calls
    /// without context, mostly unused. `costs` are those of the cells after cell 0; the node `running` always stays.
    fn model_nodes(&self, costs: &[LineCost], running: Option<usize>) -> Vec<Node> {
        let lines: Vec<_> = (0..self.tree.len())
            .map(|node| self.lines(node, costs))
            .collect();
        let mut kept: Vec<bool> = (self.tree.iter().zip(&lines))
            .map(|(node, lines)| self.entries(node) != (0, 0) || !lines.is_empty())
            .collect();
        if let Some(running) = running {
            kept[running] = true;
        }
        for (position, node) in self.tree.iter().enumerate().rev() {
            if let Some((parent, _)) = node.caller {
                kept[parent] |= kept[position];
            }
        }
        let mut numbers = vec![0; self.tree.len()];
        let mut nodes = Vec::new();
        for (position, lines) in lines.into_iter().enumerate() {
            if !kept[position] {
                continue;
            }
            let node = &self.tree[position];
            numbers[position] = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
            let is_call = self.site(node).is_some_and(SiteFacts::is_call);
            let (calls, recursive) = if is_call { self.entries(node) } else { (0, 0) };
            let caller =
                |(parent, slot): (usize, usize)| (numbers[parent], self.line(parent, slot));
            nodes.push(Node {
                parent: node.caller.map(caller),
                function: self.function(node),
                calls: calls.saturating_add(recursive),
                primitive_calls: calls,
                lines,
            });
        }
        nodes
    }

    /// Costs of the lines of a node by line number; slots on one line are put together.
    fn lines(&self, node: usize, costs: &[LineCost]) -> NodeLines {
        let slots = self
            .site(&self.tree[node])
            .map_or(&[][..], |site| &site.slots);
        // Costs begin with cell 1.
        let count = self.recording.records.nodes[self.tree[node].record].lines;
        let first = self.first_cells[node] - 1;
        let costs = costs.get(first..first + count).unwrap_or_default();
        let nothing = |cost: &LineCost| {
            let rest = LineCost {
                cpu: None,
                rss: None,
                ..*cost
            };
            rest == LineCost::default()
                && cost.cpu.unwrap_or_default() == Nanos::ZERO
                && cost.rss.unwrap_or_default() == LineRss::default()
        };
        let mut lines: Vec<(u32, LineCost)> = slots
            .iter()
            .zip(costs)
            .filter(|(_, cost)| !nothing(cost))
            .map(|(slot, cost)| {
                let hits = if slot.is_rest { 0 } else { cost.hits };
                // The turns are counted by a slot of their own.
                let trips = if slot.is_loop_header { hits } else { 0 };
                (
                    slot.line,
                    LineCost {
                        hits,
                        trips,
                        ..*cost
                    },
                )
            })
            .collect();
        lines.sort_by_key(|(line, _)| *line);
        lines.dedup_by(|(line, cost), (kept, sum)| {
            let same = line == kept;
            if same {
                sum.add(cost);
            }
            same
        });
        lines.into_iter().collect()
    }
}
