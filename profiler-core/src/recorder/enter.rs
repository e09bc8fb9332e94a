//! The way into a body: to its node if the cache or the calling line knows it, else the slow way, which may begin the recording.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use super::current::{current, set_current};
use super::frame::Frame;
use super::sink::{SINK, has_cache, is_sink};
use super::tree::{self, Entry};
use super::{begin, idle, sampler, sites, space, start, state, thread};
use crate::raw::layout::{CallCache, ThreadRecord};
use crate::site::{LineSite, Site, SiteFacts};

impl<const N: usize> Frame<N> {
    /// Enters the body: finds its node and counts the call. Reads no clock; the first marker ends the caller's line.
    #[inline(always)]
    pub fn enter(site: &'static Site<N>) -> Self {
        Self::enter_by(site, |site| enter_frame(&site.id, &site.facts, &site.lines))
    }

    /// Enters the body again, without a call: a later poll.
    #[inline(always)]
    pub(super) fn reenter(site: &'static Site<N>) -> Self {
        Self::reenter_by(site, |site| enter_frame(&site.id, &site.facts, &site.lines))
    }
}

/// The slow path of entering a body: finds the node, and measures the call if that pays. Only of others the node is remembered, so that a call that is
/// measured comes this way each time.
#[cold]
#[inline(never)]
fn enter_frame(id: &AtomicU32, facts: &SiteFacts, lines: &[LineSite]) -> Entry {
    let entry = find(id, facts, lines);
    if is_sink(entry.thread) {
        return entry;
    }
    entry.measured().unwrap_or_else(|| {
        tree::remember(entry, id.load(Relaxed));
        entry
    })
}

/// The slow path of entering a body that is no frame: finds the node.
#[cfg(feature = "tracing")]
pub(super) fn enter(id: &AtomicU32, facts: &SiteFacts, lines: &[LineSite]) -> Entry {
    let entry = find(id, facts, lines);
    if !is_sink(entry.thread) {
        tree::remember(entry, id.load(Relaxed));
    }
    entry
}

/// Decides whether the process records, attaches the thread, registers the site, finds the node.
fn find(id: &AtomicU32, facts: &SiteFacts, lines: &[LineSite]) -> Entry {
    // Most often it is only called from another line than the last time.
    let thread = current();
    if !is_sink(thread)
        && let Some(entry) = tree::known(thread, id.load(Relaxed))
    {
        return entry;
    }
    if !start::recording() {
        return idle::call(id.load(Relaxed)).unwrap_or_else(sink);
    }
    enter_recorded(id, facts, lines).unwrap_or_else(|| {
        state::lost_call();
        sink()
    })
}

/// Where a call goes, if there is room for all it needs.
fn enter_recorded(id: &AtomicU32, facts: &SiteFacts, lines: &[LineSite]) -> Option<Entry> {
    let thread = attached()?;
    let number = sites::register(id, facts, lines)?;
    ensure_cache(thread);
    sampler::at_entry();
    tree::find(thread, number, id, lines.len())
}

/// Where a call goes that is not recorded.
fn sink() -> Entry {
    Entry::new(&SINK.thread, &SINK.node)
}

/// The record of this thread, made at its first frame, or its first call of a thin function.
pub(super) fn attached() -> Option<&'static ThreadRecord> {
    let thread = current();
    if !is_sink(thread) {
        return Some(thread);
    }
    // A thread that has a record but points to the sink is inside a body that could not be recorded.
    if state::thread_key_is_set() {
        return None;
    }
    if !begin::is_of_this_process() {
        begin::abandon();
        return None;
    }
    let thread = thread::take_record()?;
    state::set_thread_key(thread);
    set_current(thread);
    Some(thread)
}

/// Gives the thread a cache of its own.
fn ensure_cache(thread: &ThreadRecord) {
    if !has_cache(thread)
        && let Some(cache) = space::private_memory(size_of::<CallCache>())
    {
        thread.cache.store(cache.cast(), Relaxed);
    }
}
