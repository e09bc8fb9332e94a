//! The rows of memory tables.

use crate::text::source::numbered;
use crate::view::sums::sum;
use std::collections::BTreeMap;

use hprof::model::{
    Function, FunctionCost, Line, LineTotal, Process, ProcessRss, Profile, RssAccount, RssChange,
    rss_account,
};
use hprof::site::LineKind;

use super::line::hits;

/// The memory table of a function.
#[derive(Debug)]
pub(crate) struct MemoryView<'a> {
    pub(crate) function: &'a Function,
    pub(crate) rows: Vec<MemoryRow>,
}

/// A source line.
#[derive(Debug, Default)]
pub(crate) struct MemoryRow {
    pub(crate) line: u32,
    /// `None` where there is no marker, or control never came.
    pub(crate) hits: Option<u64>,
    /// Highest resident set at the ends of the line, bytes; `None` if it was never looked at.
    pub(crate) level: Option<u64>,
    /// What changed while the line and all it calls ran.
    pub(crate) change: Option<RssChange>,
    /// Bytes allocated by the line itself, allocations, bytes freed; `None` where it did neither, or nobody counted.
    pub(crate) heap: Option<(u64, u64, u64)>,
    /// Part of the growth rests on samples.
    pub(crate) sampled: bool,
    /// In a counted loop: what it does stands on the row of the loop's header.
    pub(crate) in_group: bool,
}

impl MemoryRow {
    /// Control came, but there was no time to look at the memory.
    pub(crate) fn is_unread(&self) -> bool {
        self.hits.is_some() && self.level.is_none() && !self.in_group
    }
}

impl<'a> MemoryView<'a> {
    /// `None` if the profile does not hold the function, or it was never entered.
    pub(crate) fn new(profile: &'a Profile, cost: &FunctionCost) -> Option<Self> {
        let function = profile.functions.get(cost.function.0 as usize)?;
        let mut rows: BTreeMap<u32, MemoryRow> = BTreeMap::new();
        for (line, _) in numbered(function.line, &function.source) {
            let blank = MemoryRow {
                line,
                ..MemoryRow::default()
            };
            rows.insert(line, blank);
        }
        for line in &function.lines {
            let found = cost
                .lines
                .binary_search_by_key(&line.line, |total| total.line);
            let row = found.ok().map(|at| row(line, &cost.lines[at], cost));
            rows.insert(line.line, row.unwrap_or_default());
        }
        let entered = rows.values().any(|row| row.hits.is_some());
        entered.then(|| Self {
            function,
            rows: rows.into_values().collect(),
        })
    }

    /// Whether some row passes.
    pub(crate) fn any(&self, of: impl Fn(&MemoryRow) -> bool) -> bool {
        self.rows.iter().any(of)
    }

    /// Whether some row's change passes.
    pub(crate) fn any_change(&self, of: impl Fn(&RssChange) -> bool) -> bool {
        self.any(|row| row.change.as_ref().is_some_and(&of))
    }
}

fn row(line: &Line, total: &LineTotal, cost: &FunctionCost) -> MemoryRow {
    let own = &total.own;
    let rss = own.rss.unwrap_or_default();
    let hits = hits(line, total, cost);
    let heap = (own.alloc_bytes, own.allocs, own.free_bytes);
    let in_group = line.kind == LineKind::GroupBody;
    let level = (rss.max_bytes > 0).then_some(rss.max_bytes);
    let change = total.total_rss.unwrap_or_default();
    MemoryRow {
        line: line.line,
        hits: (hits > 0).then_some(hits),
        level,
        change: (level.is_some() || change != RssChange::default()).then_some(change),
        heap: (heap != (0, 0, 0)).then_some(heap),
        sampled: rss.sampled_bytes > 0,
        in_group,
    }
}

/// What is known of the resident set of a process.
#[derive(Debug)]
pub(crate) struct ProcessMemory<'a> {
    pub(crate) process: &'a Process,
    pub(crate) rss: ProcessRss,
    pub(crate) account: RssAccount,
    /// What the readings say beyond the sum of the parts: 0 unless the recording broke off.
    pub(crate) missing: i64,
    /// Threads that ran, one after the other or at once.
    pub(crate) threads: u64,
    /// The peak in percent of the machine's memory.
    pub(crate) share: Option<f64>,
}

/// The processes whose resident set was read.
pub(crate) fn process_memory(profile: &Profile) -> Vec<ProcessMemory<'_>> {
    let memory = |process| {
        let process: &Process = process;
        let rss = process.rss?;
        let account = rss_account(process)?;
        let total = rss.total_ram.filter(|total| *total > 0);
        Some(ProcessMemory {
            process,
            rss,
            account,
            missing: account.difference.saturating_sub(account.sum()),
            threads: sum(process.threads.iter().map(|thread| thread.uses.max(1))),
            share: total.map(|total| 100.0 * rss.peak_bytes as f64 / total as f64),
        })
    };
    profile.processes.iter().filter_map(memory).collect()
}
