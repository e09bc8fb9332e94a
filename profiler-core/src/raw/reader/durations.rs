//! Histograms of the raw file, put together over its threads.

use core::mem::offset_of;
use std::collections::HashMap;

use super::recording::Recording;
use super::sites::SiteFacts;
use crate::model::{Durations, Histogram, Longest, Timed, sum_of_durations};
use crate::raw::layout::{
    DURATION_BUCKETS, DURATIONS_LOST, DURATIONS_OF_BUSY, DURATIONS_OF_CALLS, DURATIONS_OF_FUTURES,
    DurationsRecord, NodeRecord, ThreadRecord, duration_bucket_start,
};
use crate::site::SiteKind;

/// Those of all functions and lines, ascending by function.
pub(super) fn read(recording: &Recording<'_>, damaged: &mut u64) -> Vec<Durations> {
    let tids = thread_ids(recording);
    let mut parts = counted(recording);
    for &at in &recording.records.durations {
        match histogram(recording, &tids, at) {
            Ok(durations) => parts.extend(durations),
            Err(Damaged) => *damaged += 1,
        }
    }
    let mut durations = sum_of_durations(parts);
    leave_out_cancelled(&mut durations);
    // How often a function was called is told elsewhere.
    durations.retain(|of| of.histogram.count() > 0 || of.timed == Timed::Polls);
    durations
}

/// Futures that were dropped before they were ready have no end.
fn leave_out_cancelled(durations: &mut [Durations]) {
    let polls = durations.iter().filter(|of| of.timed == Timed::Polls);
    let cancelled: HashMap<_, _> = polls.map(|of| (of.function, of.cancelled)).collect();
    for of in durations {
        if matches!(of.timed, Timed::Futures | Timed::Busy) {
            let cancelled = cancelled.get(&of.function).copied().unwrap_or(0);
            of.all = of.all.map(|all| all.saturating_sub(cancelled));
        }
    }
}

/// A record that makes no sense.
struct Damaged;

/// The operating system's number of each thread record.
fn thread_ids(recording: &Recording<'_>) -> HashMap<u32, u32> {
    let word = |at: usize, field: usize| recording.bytes.u32(at + field);
    let id = |at: &usize| {
        let number = word(*at, offset_of!(ThreadRecord, index));
        (number, word(*at, offset_of!(ThreadRecord, tid)))
    };
    recording.records.threads.iter().map(id).collect()
}

/// How many calls and polls there were, without durations.
fn counted(recording: &Recording<'_>) -> Vec<Durations> {
    let mut parts = Vec::new();
    for node in &recording.records.nodes {
        let word = |field: usize| recording.bytes.u64(node.at + field);
        let Some(site) = recording.sites.get(node.site) else {
            continue;
        };
        let mut part = |timed, all, cancelled| {
            if all > 0 {
                parts.push(Durations {
                    function: site.function,
                    timed,
                    all: Some(all),
                    cancelled,
                    histogram: Histogram::default(),
                });
            }
        };
        let calls = word(offset_of!(NodeRecord, calls));
        match timed_calls(site.kind) {
            // Calls of the others are part of one further up.
            Some(Timed::Calls) if word(offset_of!(NodeRecord, timed_call)) != 0 => {
                part(Timed::Calls, calls, 0);
            }
            Some(Timed::Polls) => {
                let cancelled = word(offset_of!(NodeRecord, cancelled));
                part(Timed::Polls, word(offset_of!(NodeRecord, polls)), cancelled);
                part(Timed::Futures, calls, 0);
                part(Timed::Busy, calls, 0);
            }
            _ => {}
        }
    }
    parts
}

/// What is measured of the frames of such a site. Those of closures are no calls of the function that holds them.
fn timed_calls(kind: SiteKind) -> Option<Timed> {
    match kind {
        SiteKind::Function => Some(Timed::Calls),
        SiteKind::AsyncFunction | SiteKind::AsyncBlock => Some(Timed::Polls),
        SiteKind::Closure => None,
    }
}

/// What the record at `at` is of; `None` if it is of nothing that is shown.
fn histogram(
    recording: &Recording<'_>,
    tids: &HashMap<u32, u32>,
    at: usize,
) -> Result<Option<Durations>, Damaged> {
    let bytes = recording.bytes;
    let slot = bytes.u32(at + offset_of!(DurationsRecord, slot));
    if slot == DURATIONS_LOST {
        return Ok(None);
    }
    let site = bytes.u32(at + offset_of!(DurationsRecord, site));
    let site = recording.sites.get(site).ok_or(Damaged)?;
    let Some(timed) = timed(site, slot)? else {
        return Ok(None);
    };
    let thread = bytes.u32(at + offset_of!(DurationsRecord, thread));
    let max = bytes.i64(at + offset_of!(DurationsRecord, max));
    let max_at = bytes.u64(at + offset_of!(DurationsRecord, max_at));
    let header = &recording.header;
    let longest = Longest {
        time: header.rate.nanos(u64::try_from(max).unwrap_or(0).into()),
        at: header
            .rate
            .nanos(max_at.saturating_sub(header.start_ticks).into()),
        start_unix_ns: recording.start_unix_ns(),
        tid: tids.get(&thread).copied().ok_or(Damaged)?,
    };
    let counts = at + offset_of!(DurationsRecord, counts);
    let mut histogram = Histogram::default();
    for bucket in 0..DURATION_BUCKETS {
        let count = bytes.u32(counts + bucket * size_of::<u32>());
        let start = duration_bucket_start(bucket);
        let end = duration_bucket_start(bucket + 1);
        let middle = header.rate.nanos((start + (end - start) / 2).into());
        histogram.add(middle.min(longest.time), count.into(), longest);
    }
    Ok(Some(Durations {
        function: site.function,
        timed,
        // Calls and polls are counted by node.
        all: (!matches!(timed, Timed::Line(_))).then_some(0),
        cancelled: 0,
        histogram,
    }))
}

fn timed(site: &SiteFacts, slot: u32) -> Result<Option<Timed>, Damaged> {
    match slot {
        DURATIONS_OF_CALLS => return Ok(timed_calls(site.kind)),
        DURATIONS_OF_FUTURES => return Ok(Some(Timed::Futures)),
        DURATIONS_OF_BUSY => return Ok(Some(Timed::Busy)),
        _ => {}
    }
    let slot = usize::try_from(slot).ok();
    let slot = slot.and_then(|slot| site.slots.get(slot)).ok_or(Damaged)?;
    Ok((!slot.is_rest).then_some(Timed::Line(slot.line)))
}
