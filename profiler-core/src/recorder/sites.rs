//! Registration of sites: each gets its number and its record when it is entered for the first time.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicU32};

use super::protocol::publish;
use super::space::{self, SharedLock};
use crate::raw::layout::{KIND_SITE, LineRecord, SiteRecord};
use crate::site::{LineSite, SiteFacts, UNREGISTERED};

/// The number handed out last.
static LAST: AtomicU32 = AtomicU32::new(0);

/// There was no room for a site. No one asks again: a call of a site without a record must cost little, too.
static NO_ROOM: AtomicBool = AtomicBool::new(false);

/// The number of the site, given to it now if it has none. `None` if there is no room for its record.
pub(super) fn register(id: &AtomicU32, facts: &SiteFacts, lines: &[LineSite]) -> Option<u32> {
    // A number is published after the record is complete.
    let known = id.load(Acquire);
    if known != UNREGISTERED {
        return Some(known);
    }
    if NO_ROOM.load(Relaxed) {
        return None;
    }
    let lock = SharedLock::take()?;
    let known = id.load(Relaxed);
    if known != UNREGISTERED {
        return Some(known);
    }
    let number = LAST.load(Relaxed) + 1;
    if number >= UNREGISTERED {
        return None;
    }
    if write(&lock, number, facts, lines).is_none() {
        NO_ROOM.store(true, Relaxed);
        return None;
    }
    LAST.store(number, Relaxed);
    id.store(number, Release);
    Some(number)
}

/// Writes the record of a site.
fn write(lock: &SharedLock, number: u32, facts: &SiteFacts, lines: &[LineSite]) -> Option<()> {
    let texts = [
        facts.module,
        facts.name,
        facts.file,
        facts.package,
        facts.source,
    ];
    let labels: usize = lines.iter().map(|line| line.label.len()).sum();
    let strings: usize = texts.iter().map(|text| text.len()).sum::<usize>() + labels;
    let bytes = size_of::<SiteRecord>() + line_bytes(lines.len()) + strings;
    let place = space::shared_record(lock, bytes)?;
    // SAFETY: the record has room for this structure, is zeroed and aligned, and the lock makes it ours.
    let record = unsafe { &*place.cast::<SiteRecord>() };
    record.id.store(number, Relaxed);
    record.kind.store(facts.kind as u32, Relaxed);
    record.line.store(facts.line, Relaxed);
    record.column.store(facts.column, Relaxed);
    record.end_line.store(facts.end_line, Relaxed);
    record.lines.store(length(lines.len()), Relaxed);
    let lengths = [
        &record.module_len,
        &record.name_len,
        &record.file_len,
        &record.package_len,
        &record.source_len,
    ];
    for (place, text) in lengths.into_iter().zip(texts) {
        place.store(length(text.len()), Relaxed);
    }
    record.labels_len.store(length(labels), Relaxed);
    let max_allocs = facts.max_allocs.map_or(0, |most| most.saturating_add(1));
    record.max_allocs.store(max_allocs, Relaxed);
    let mut at = place.wrapping_add(size_of::<SiteRecord>());
    for line in lines {
        // SAFETY: the line records follow the site record, and there is room for all of them.
        let out = unsafe { &*at.cast::<LineRecord>() };
        out.line.store(line.line, Relaxed);
        out.kind.store(line.kind as u32, Relaxed);
        out.group.store(line.group, Relaxed);
        out.label_len.store(length(line.label.len()), Relaxed);
        at = at.wrapping_add(size_of::<LineRecord>());
    }
    for text in texts.into_iter().chain(lines.iter().map(|line| line.label)) {
        // SAFETY: the strings follow the line records, and there is room for all of them.
        unsafe { core::ptr::copy_nonoverlapping(text.as_ptr(), at, text.len()) };
        at = at.wrapping_add(text.len());
    }
    publish(&record.head.kind, KIND_SITE);
    Some(())
}

/// Bytes of `count` line records.
const fn line_bytes(count: usize) -> usize {
    count * size_of::<LineRecord>()
}

/// A length as the record has it. Nothing that is longer than 4 GiB fits into a raw file.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
