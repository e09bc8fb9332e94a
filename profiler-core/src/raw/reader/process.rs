//! The process: facts of the header, and its threads put together.

use core::mem::offset_of;
use std::collections::HashMap;

use super::bytes::Bytes;
use super::cells::rss_change;
use super::durations;
use super::header::HeaderFacts;
use super::heap::HeapEntries;
use super::not_measured;
use super::observed;
use super::own_cost::{Events, Prices};
use super::recording::{Recording, ThreadParts};
use super::records::Records;
use super::sites::SiteTable;
use super::thin;
use super::thread;
use crate::model::{
    ClockMode, ClockSource, Heap, LiveHeap, Losses, Nanos, OwnCost, Process, ProcessRss, Profile,
    RssLevel, RssSource, Run, ThinCalls, Thread,
};
use crate::raw::layout::{
    EXE_BYTES, FLAG_ALLOC, FLAG_CALLS, FLAG_DEBUG_ASSERTIONS, FLAG_FLAT, FLAG_FORK_LOST,
    FLAG_MEMORY, FLAG_SAMPLER, FLAG_THREADS_FOLDED, HOST_BYTES, Header, MODE_AUTO, MODE_EXACT,
    MODE_FENCED, MODE_SAMPLED, OWED_BY_A_THREAD, RSS_PROCFS, RSS_SYSINFO, SOURCE_MONOTONIC,
    SOURCE_TSC, ThreadRecord,
};
use crate::raw::observed::ObservedFile;

/// Makes the profile of one process of the records of its file.
pub(super) fn profile(
    bytes: Bytes<'_>,
    header: HeaderFacts,
    mut records: Records,
    observed: Option<&ObservedFile>,
) -> Profile {
    let sites = SiteTable::read(bytes, &mut records);
    let not_measured = not_measured::read(bytes, &mut records);
    let mut damaged = records.damaged;
    let clock_mode = clock_mode(bytes, header.flags, &mut damaged);
    let cost_timed_ps = bytes.u64(offset_of!(Header, cost_timed_ps));
    let recording = Recording {
        bytes,
        header,
        records: &records,
        sites: &sites,
        heap: HeapEntries::read(bytes, &records, &mut damaged),
        knows_cpu: clock_mode != ClockMode::Sampled || header.flags & FLAG_SAMPLER != 0,
        end_ticks: end_ticks(bytes, &header, &records),
        shortest_interval_ps: match clock_mode {
            // Between fences even a short interval is true.
            ClockMode::Fenced => 0,
            _ => cost_timed_ps.saturating_mul(2),
        },
        prices: Prices::read(bytes, clock_mode == ClockMode::Fenced),
    };
    let (threads, events) = threads(&recording, &mut damaged);
    let mut process = process(&recording, clock_mode, threads, &events, damaged);
    process.observed = observed.map(|file| observed::resolve(file, bytes, &records, &sites));
    Profile {
        run: Run::default(),
        functions: sites.functions,
        not_measured,
        processes: vec![process],
    }
}

/// The newest ticks anywhere: a run that was killed may not have had a sampler that wrote the header.
fn end_ticks(bytes: Bytes<'_>, header: &HeaderFacts, records: &Records) -> u64 {
    if header.finished {
        return header.last_ticks;
    }
    let times = [
        offset_of!(ThreadRecord, t0),
        offset_of!(ThreadRecord, start_ticks),
        offset_of!(ThreadRecord, end_ticks),
    ];
    // Their times stand still while the memory is read.
    let own = |thread: usize| bytes.u64(thread + offset_of!(ThreadRecord, own_ticks));
    let of_thread =
        |thread: &usize| times.map(|field| bytes.u64(thread + field).saturating_add(own(*thread)));
    let newest = records.threads.iter().flat_map(of_thread).max();
    newest.unwrap_or(0).max(header.last_ticks)
}

fn threads(recording: &Recording<'_>, damaged: &mut u64) -> (Vec<Thread>, Vec<Events>) {
    let records = recording.records;
    let number = |thread: usize| {
        recording
            .bytes
            .u32(thread + offset_of!(ThreadRecord, index))
    };
    let mut by_number = HashMap::new();
    for (index, &at) in records.threads.iter().enumerate() {
        // The first of two with one number stays.
        let first = *by_number.entry(number(at)).or_insert(index);
        *damaged += u64::from(first != index);
    }
    let mut parts = vec![ThreadParts::default(); records.threads.len()];
    for (index, node) in records.nodes.iter().enumerate() {
        match by_number.get(&node.thread) {
            Some(&thread) => parts[thread].nodes.push(index),
            None => *damaged += 1,
        }
    }
    for table in &records.pairs {
        match by_number.get(&table.thread) {
            Some(&thread) => parts[thread].pairs.push(*table),
            None => *damaged += 1,
        }
    }
    let mut order: Vec<(u32, usize)> = by_number.into_iter().collect();
    order.sort_unstable();
    order
        .into_iter()
        .filter_map(|(_, index)| thread::read(recording, index, &parts[index], damaged))
        .unzip()
}

fn process(
    recording: &Recording<'_>,
    clock_mode: ClockMode,
    threads: Vec<Thread>,
    events: &[Events],
    mut damaged: u64,
) -> Process {
    let Recording { bytes, header, .. } = recording;
    let has = |flag: u64| header.flags & flag != 0;
    let thin = thin::read(*bytes, recording.records, recording.sites, &mut damaged);
    let durations = durations::read(recording, &mut damaged);
    let clock_source = clock_source(*bytes, &mut damaged);
    let ticks = recording.end_ticks.saturating_sub(header.start_ticks);
    let last_cpu = bytes.u64(offset_of!(Header, last_cpu_ns));
    let start_cpu = bytes.u64(offset_of!(Header, start_cpu_ns));
    let ranks = bytes.u32(offset_of!(Header, ranks));
    let text = |field: usize, room: usize, length_field: usize| {
        bytes.text(field, bytes.size(length_field).min(room))
    };
    Process {
        host: text(
            offset_of!(Header, host),
            HOST_BYTES,
            offset_of!(Header, host_len),
        ),
        pid: bytes.u32(offset_of!(Header, pid)),
        parent_pid: bytes.u32(offset_of!(Header, parent_pid)),
        start_unix_ns: recording.start_unix_ns(),
        exe: text(
            offset_of!(Header, exe),
            EXE_BYTES,
            offset_of!(Header, exe_len),
        ),
        rank: bytes.u32(offset_of!(Header, rank_plus_1)).checked_sub(1),
        ranks: (ranks != 0).then_some(ranks),
        clock_source,
        clock_mode,
        wall: header.rate.nanos(ticks.into()),
        // A forked child that ended before anything read the clock again has the same time in both.
        cpu: (last_cpu > start_cpu).then(|| Nanos(last_cpu - start_cpu)),
        process_started: Some(bytes.u64(offset_of!(Header, process_started)))
            .filter(|started| *started != 0),
        finished: header.finished,
        // The bytes do not tell; whoever has the file may know.
        goes_on: false,
        debug_assertions: has(FLAG_DEBUG_ASSERTIONS),
        opt_level: opt_level(bytes.u32(offset_of!(Header, opt_level))),
        own_cost: own_cost(recording, events, &thin, has(FLAG_SAMPLER)),
        losses: Losses {
            flat: has(FLAG_FLAT),
            lost_calls: bytes.u64(offset_of!(Header, lost_calls)),
            threads_folded: has(FLAG_THREADS_FOLDED),
            lost_forks: has(FLAG_FORK_LOST),
            unknown_records: recording.records.unknown,
            damaged,
        },
        heap: has(FLAG_ALLOC).then(|| heap(recording)),
        rss: has(FLAG_MEMORY).then(|| rss(recording, events)),
        threads,
        thin,
        durations,
        native: None,
        observed: None,
    }
}

fn heap(recording: &Recording<'_>) -> Heap {
    let bytes = recording.bytes;
    let lines = recording.heap.process;
    // The process' own count is kept in batches.
    let exact = lines.filter(LiveHeap::is_exact);
    let (live_bytes, peak_bytes, bound_bytes) = match exact {
        Some(lines) => (signed(lines.live_bytes), signed(lines.peak_bytes), 0),
        None => (
            bytes.i64(offset_of!(Header, live_bytes)),
            bytes.i64(offset_of!(Header, peak_bytes)),
            bytes
                .u64(offset_of!(Header, alloc_threads))
                .max(1)
                .saturating_mul(OWED_BY_A_THREAD),
        ),
    };
    Heap {
        live_bytes,
        peak_bytes,
        bound_bytes,
        lines,
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn clock_mode(bytes: Bytes<'_>, flags: u64, damaged: &mut u64) -> ClockMode {
    if flags & FLAG_CALLS != 0 {
        return ClockMode::Calls;
    }
    match bytes.u32(offset_of!(Header, clock_mode)) {
        MODE_AUTO => ClockMode::Auto,
        MODE_EXACT => ClockMode::Exact,
        MODE_FENCED => ClockMode::Fenced,
        MODE_SAMPLED => ClockMode::Sampled,
        _ => {
            *damaged += 1;
            ClockMode::Auto
        }
    }
}

fn clock_source(bytes: Bytes<'_>, damaged: &mut u64) -> ClockSource {
    match bytes.u32(offset_of!(Header, clock_source)) {
        SOURCE_MONOTONIC => ClockSource::Monotonic,
        source => {
            *damaged += u64::from(source != SOURCE_TSC);
            ClockSource::Tsc
        }
    }
}

/// `?` if it is no letter or digit.
fn opt_level(code: u32) -> char {
    char::from_u32(code)
        .filter(char::is_ascii_alphanumeric)
        .unwrap_or('?')
}

fn own_cost(
    recording: &Recording<'_>,
    events: &[Events],
    thin: &[ThinCalls],
    sampler: bool,
) -> OwnCost {
    let bytes = recording.bytes;
    let sum = |part: fn(&Events) -> u64| events.iter().map(part).fold(0, u64::saturating_add);
    let timed_markers = sum(|events| events.timed_markers);
    let markers = sum(|events| events.markers);
    let calls = sum(|events| events.calls);
    let missed_calls = sum(|events| events.missed_calls);
    let cpu_reads = sum(|events| events.cpu_reads);
    let thin = thin.iter().map(|thin| thin.calls);
    let thin_calls = thin.fold(0, u64::saturating_add);
    let picoseconds = |count: u64, field: usize| u128::from(count) * u128::from(bytes.u64(field));
    let total = picoseconds(timed_markers, offset_of!(Header, cost_timed_ps))
        .saturating_add(picoseconds(
            markers.saturating_sub(timed_markers),
            offset_of!(Header, cost_marker_ps),
        ))
        .saturating_add(picoseconds(calls, offset_of!(Header, cost_call_ps)))
        .saturating_add(picoseconds(missed_calls, offset_of!(Header, cost_miss_ps)))
        .saturating_add(picoseconds(cpu_reads, offset_of!(Header, cost_cpu_ps)))
        .saturating_add(picoseconds(thin_calls, offset_of!(Header, cost_thin_ps)));
    OwnCost {
        timed_markers,
        markers,
        calls,
        missed_calls,
        in_program: Nanos(u64::try_from(total / 1000).unwrap_or(u64::MAX))
            + look_time(recording, events),
        timed_marker_ps: bytes.u64(offset_of!(Header, cost_timed_ps)),
        marker_ps: bytes.u64(offset_of!(Header, cost_marker_ps)),
        call_ps: bytes.u64(offset_of!(Header, cost_call_ps)),
        thin_ps: bytes.u64(offset_of!(Header, cost_thin_ps)),
        sampler: sampler.then(|| Nanos(bytes.u64(offset_of!(Header, sampler_cpu_ns)))),
        sampler_ticks: bytes.u64(offset_of!(Header, sampler_ticks)),
    }
}

/// Time that looks at the memory took.
fn look_time(recording: &Recording<'_>, events: &[Events]) -> Nanos {
    let ticks = events.iter().map(|events| u128::from(events.look_ticks));
    recording.header.rate.nanos(ticks.sum())
}

fn rss(recording: &Recording<'_>, events: &[Events]) -> ProcessRss {
    let bytes = recording.bytes;
    let page = u64::from(bytes.u32(offset_of!(Header, rss_page_bytes)));
    let level = |field: usize| {
        let pages = bytes.u64(field);
        RssLevel {
            anonymous_bytes: (pages & u64::from(u32::MAX)).saturating_mul(page),
            file_bytes: (pages >> 32).saturating_mul(page),
        }
    };
    let known = |number: u64| (number != 0).then_some(number);
    ProcessRss {
        source: match bytes.u32(offset_of!(Header, rss_source)) {
            RSS_PROCFS => Some(RssSource::Procfs),
            RSS_SYSINFO => Some(RssSource::Sysinfo),
            _ => None,
        },
        start: level(offset_of!(Header, rss_start)),
        end: level(offset_of!(Header, rss_now)),
        peak_bytes: bytes.u64(offset_of!(Header, rss_peak)).saturating_mul(page),
        not_read: rss_change(bytes, offset_of!(Header, rss_not_read)),
        rest: rss_change(bytes, offset_of!(Header, rss_rest)),
        budget_percent: bytes.u32(offset_of!(Header, rss_budget)),
        reads: bytes.u64(offset_of!(Header, rss_reads)),
        looks: bytes.u64(offset_of!(Header, rss_checks)),
        own_time: look_time(recording, events),
        resolution_bytes: known(u64::from(bytes.u32(offset_of!(Header, rss_resolution))))
            .map(|pages| pages.saturating_mul(page)),
        total_ram: known(bytes.u64(offset_of!(Header, total_ram))),
    }
}
