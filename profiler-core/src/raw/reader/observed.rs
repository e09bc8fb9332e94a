//! What the launcher saw, with lines for the addresses of cells.

use core::mem::offset_of;
use std::collections::{BTreeMap, BTreeSet};

use super::bytes::Bytes;
use super::records::{Owner, Records};
use super::sites::SiteTable;
use crate::model::{FunctionId, LineLooks, Nanos, Observed, OpenFunction, Place, Reading};
use crate::raw::layout::{Header, NodeRecord};
use crate::raw::observed::{CellLooks, ObservedFile};

/// Frames of a chain of calls that are followed outwards.
const DEEPEST: usize = 4096;

/// Reads what was seen of the process whose records these are.
pub(super) fn resolve(
    file: &ObservedFile,
    bytes: Bytes<'_>,
    records: &Records,
    sites: &SiteTable,
) -> Observed {
    let start = bytes.u64(offset_of!(Header, start_mono_ns));
    let since_start = |time: u64| Nanos(time.saturating_sub(start));
    let places = Places {
        bytes,
        records,
        sites,
    };
    let mut lines: BTreeMap<Place, LineLooks> = BTreeMap::new();
    let mut open: BTreeMap<FunctionId, OpenFunction> = BTreeMap::new();
    for looks in &file.lines {
        let Some((node, place)) = places.of(looks.cell) else {
            continue;
        };
        let found = line_looks(place, looks);
        lines
            .entry(place)
            .and_modify(|line| line.add(&found))
            .or_insert(found);
        let (first, last) = (since_start(looks.seen.0), since_start(looks.seen.1));
        for function in places.functions_around(node) {
            let known = open.entry(function).or_insert(OpenFunction {
                function,
                first,
                last,
            });
            known.first = known.first.min(first);
            known.last = known.last.max(last);
        }
    }
    let mut readings: Vec<Reading> = file.readings.clone();
    for reading in &mut readings {
        reading.at = since_start(reading.at.0);
    }
    readings.sort_by_key(|reading| reading.at);
    let at_peak: BTreeSet<Place> = file
        .at_peak
        .iter()
        .filter_map(|cell| Some(places.of(*cell)?.1))
        .collect();
    Observed {
        cost: Nanos(file.cost_ns),
        looks: file.looks,
        knows_causes: file.knows_causes,
        bucket: Nanos(file.bucket_ns),
        readings,
        lines: lines.into_values().collect(),
        functions: open.into_values().collect(),
        at_peak: at_peak.into_iter().collect(),
    }
}

fn line_looks(place: Place, looks: &CellLooks) -> LineLooks {
    LineLooks {
        place,
        working: looks.working,
        waits: looks.waits,
        buckets: looks.buckets,
    }
}

struct Places<'a> {
    bytes: Bytes<'a>,
    records: &'a Records,
    sites: &'a SiteTable,
}

impl Places<'_> {
    /// The node and the line of a cell; `None` outside of all functions, and where there is no cell.
    fn of(&self, cell: u64) -> Option<(usize, Place)> {
        let Owner::Node(node, slot) = self.records.cell(cell)? else {
            return None;
        };
        let site = self.sites.get(self.records.nodes[node].site)?;
        let line = site.slots.get(slot)?.line;
        let function = site.function;
        Some((node, Place { function, line }))
    }

    /// The function of a node, and those it was called from.
    fn functions_around(&self, node: usize) -> BTreeSet<FunctionId> {
        let mut functions = BTreeSet::new();
        let mut next = Some(node);
        for _ in 0..DEEPEST {
            let Some(node) = next.and_then(|node| self.records.nodes.get(node)) else {
                break;
            };
            functions.extend(self.sites.get(node.site).map(|site| site.function));
            let parent = self.bytes.u64(node.at + offset_of!(NodeRecord, parent));
            next = self.records.node(parent);
        }
        functions
    }
}
