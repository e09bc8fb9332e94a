//! Site records: what the functions and their lines are called and where they stand.

use core::mem::{offset_of, size_of};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::bytes::Bytes;
use super::records::Records;
use crate::model::{Function, FunctionId, Line, unify};
use crate::raw::layout::{LineRecord, SiteRecord};
use crate::site::{LineKind, SiteKind};

/// A site, as far as its nodes need it.
#[derive(Debug)]
pub(super) struct SiteFacts {
    pub(super) function: FunctionId,
    pub(super) kind: SiteKind,
    /// One entry for each line slot.
    pub(super) slots: Vec<SlotFacts>,
}

impl SiteFacts {
    /// Whether entering the site is a call of the function.
    pub(super) const fn is_call(&self) -> bool {
        matches!(self.kind, SiteKind::Function | SiteKind::AsyncFunction)
    }
}

/// What a line slot is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotFacts {
    pub(super) line: u32,
    /// Hits are counted in a register: no marker runs.
    pub(super) is_counted: bool,
    /// The header of a counted loop: its hits are the entries of the loop.
    pub(super) is_loop_header: bool,
    /// The time between marked statements, on the line of the marked one around: that line's hits are those of its own slot.
    pub(super) is_rest: bool,
}

/// All sites of a file.
#[derive(Debug, Default)]
pub(super) struct SiteTable {
    pub(super) functions: Vec<Function>,
    by_id: HashMap<u32, SiteFacts>,
}

impl SiteTable {
    pub(super) fn read(bytes: Bytes<'_>, records: &mut Records) -> Self {
        let mut bodies = Vec::new();
        let mut facts = Vec::new();
        for &at in &records.sites {
            let slots = read_lines(bytes, at, &mut records.damaged);
            let kind = bytes.u32(at + offset_of!(SiteRecord, kind));
            let kind = SiteKind::from_raw(kind).unwrap_or_else(|| {
                records.damaged += 1;
                SiteKind::Function
            });
            let has_own_slot = |rest: &Line| {
                let is_own = |line: &Line| line.line == rest.line && line.kind != rest.kind;
                slots.iter().any(is_own)
            };
            let for_nodes = |line: &Line| SlotFacts {
                line: line.line,
                is_counted: line.kind == LineKind::GroupBody,
                is_loop_header: line.kind == LineKind::GroupHeader,
                is_rest: line.kind == LineKind::WholeBody && has_own_slot(line),
            };
            let id = bytes.u32(at + offset_of!(SiteRecord, id));
            let for_nodes = slots.iter().map(for_nodes).collect();
            facts.push((id, kind, for_nodes));
            bodies.push(read_body(bytes, at, slots));
        }
        let (functions, ids) = unify(bodies);
        let mut table = Self {
            functions,
            by_id: HashMap::with_capacity(facts.len()),
        };
        for ((id, kind, slots), function) in facts.into_iter().zip(ids) {
            let site = SiteFacts {
                function,
                kind,
                slots,
            };
            match table.by_id.entry(id) {
                Entry::Vacant(entry) => {
                    entry.insert(site);
                }
                // Two sites with one number: the first stays.
                Entry::Occupied(_) => records.damaged += 1,
            }
        }
        table
    }

    pub(super) fn get(&self, id: u32) -> Option<&SiteFacts> {
        self.by_id.get(&id)
    }
}

fn lines_at(at: usize) -> usize {
    at + size_of::<SiteRecord>()
}

/// The line slots in their order, with `group` as a line number.
fn read_lines(bytes: Bytes<'_>, at: usize, damaged: &mut u64) -> Vec<Line> {
    let count = bytes.size(at + offset_of!(SiteRecord, lines));
    let slot_at = |slot: usize| lines_at(at) + slot * size_of::<LineRecord>();
    let line_of = |slot: usize| bytes.u32(slot_at(slot) + offset_of!(LineRecord, line));
    let lengths = [
        offset_of!(SiteRecord, module_len),
        offset_of!(SiteRecord, name_len),
        offset_of!(SiteRecord, file_len),
        offset_of!(SiteRecord, package_len),
        offset_of!(SiteRecord, source_len),
    ];
    let strings: usize = lengths.iter().map(|field| bytes.size(at + field)).sum();
    let mut label_at = slot_at(count) + strings;
    let labels_end = label_at + bytes.size(at + offset_of!(SiteRecord, labels_len));
    let mut lines = Vec::with_capacity(count);
    for slot in 0..count {
        let record = slot_at(slot);
        let kind = LineKind::from_raw(bytes.u32(record + offset_of!(LineRecord, kind)));
        let group = bytes.size(record + offset_of!(LineRecord, group));
        let label_len = bytes.size(record + offset_of!(LineRecord, label_len));
        let label_fits = label_len <= labels_end - label_at;
        if kind.is_none() || group >= count || !label_fits {
            *damaged += 1;
        }
        let label_len = if label_fits { label_len } else { 0 };
        lines.push(Line {
            line: line_of(slot),
            kind: kind.unwrap_or(LineKind::Statement),
            group: line_of(if group < count { group } else { slot }),
            label: bytes.text(label_at, label_len),
        });
        label_at += label_len;
    }
    lines
}

/// The body of one site as a function of its own; sites of one function are put together later.
fn read_body(bytes: Bytes<'_>, at: usize, lines: Vec<Line>) -> Function {
    let mut next = lines_at(at) + lines.len() * size_of::<LineRecord>();
    let mut text = |length_field: usize| {
        let length = bytes.size(at + length_field);
        let text = bytes.text(next, length);
        next += length;
        text
    };
    let module = text(offset_of!(SiteRecord, module_len));
    let name = text(offset_of!(SiteRecord, name_len));
    let file = text(offset_of!(SiteRecord, file_len));
    let package = text(offset_of!(SiteRecord, package_len));
    let source = text(offset_of!(SiteRecord, source_len));
    Function {
        module,
        name,
        file,
        package,
        line: bytes.u32(at + offset_of!(SiteRecord, line)),
        column: bytes.u32(at + offset_of!(SiteRecord, column)),
        end_line: bytes.u32(at + offset_of!(SiteRecord, end_line)),
        source: source.lines().map(str::to_owned).collect(),
        lines,
        max_allocs: bytes
            .u32(at + offset_of!(SiteRecord, max_allocs))
            .checked_sub(1),
    }
}
