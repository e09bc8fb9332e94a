//! The calling-context tree of a thread: which node stands for a site entered from a certain line.
//!
//! A node is found by the cell of the calling line and the number of the site, in three places:
//!
//! 1. In a small cache with one slot a site. The slot does not depend on the caller, so the processor need not wait for the one to look at
//!    the other.
//! 2. In the cell of the calling line, which knows one call. A function that is called from many lines is found there.
//! 3. In a table of all nodes of the thread.
//!
//! Direct recursion folds into the node; a site that is open four times on the path already folds into its innermost
//! node, so mutual recursion is bounded too. When space runs out, calls go to one flat node per site, which stands for all contexts.

use core::mem::offset_of;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicU32, AtomicU64};

use super::cells::{self, word};
use super::marker::{ENDLESS, FIRST_WINDOW};
use super::protocol::{PROMOTED, SAMPLED, add, publish};
use super::{durations, node_table, sink, space, state};
use crate::raw::layout::{
    Cell, FLAG_FLAT, FLAG_LOST, KIND_NODE, MemoryWords, NodeRecord, SITES, ThreadRecord,
    cell_offset,
};
use crate::site::UNREGISTERED;

/// How often a site may be open on one path before it folds.
const OPEN_LIMIT: usize = 4;
/// `Cell::callee_site` of a line that knows no call: numbers of sites start at 1.
const NO_SITE: u16 = 0;

// Numbers of sites fit into the upper bits of a key, and into `Cell::callee_site`.
const _: () = assert!((UNREGISTERED as usize) < SITES && SITES <= 1 << 16);

/// Where a call goes: two words, so that it travels in registers.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) thread: &'static ThreadRecord,
    /// Address of the node, plus [`RECURSIVE`] if the node is open already.
    value: u64,
}

/// What tells entries of an open node apart: as far as its counter of recursive calls is from that of all others.
const RECURSIVE: u64 =
    (offset_of!(NodeRecord, recursive_calls) - offset_of!(NodeRecord, calls)) as u64;

/// What tells entries apart whose duration is measured; only between the slow path and the frame.
const MEASURED: u64 = 16;

// Nodes are aligned further than that.
const _: () = assert!(RECURSIVE == 8 && align_of::<NodeRecord>() > 16);

impl Entry {
    /// Begins to measure the call, if that pays; `None` if it does not.
    pub(super) fn measured(self) -> Option<Self> {
        let begun = !self.is_recursive() && durations::begin_call(self.thread, self.node());
        begun.then_some(Self {
            value: self.value | MEASURED,
            ..self
        })
    }

    /// The entry, and where its frame goes back to: the running line, or the cell that ends a measured call. No call of another function: it would
    /// cost every frame the registers that have to be kept meanwhile.
    #[inline(always)]
    pub(super) fn with_way_back(self) -> (Self, &'static Cell) {
        let caller = cells::running(self.thread);
        if self.value & MEASURED == 0 {
            return (self, caller);
        }
        let entry = Self {
            value: self.value & !MEASURED,
            ..self
        };
        let timed = entry.node().timed_call.get(Relaxed);
        (entry, timed.map_or(caller, |timed| &timed.back))
    }

    /// Whether the node is open already.
    fn is_recursive(self) -> bool {
        self.value & RECURSIVE != 0
    }

    /// A call that is not recursive.
    pub(super) fn new(thread: &'static ThreadRecord, node: &NodeRecord) -> Self {
        let value = core::ptr::from_ref(node).expose_provenance() as u64;
        Self { thread, value }
    }

    /// The node.
    #[inline(always)]
    pub(super) fn node(self) -> &'static NodeRecord {
        let address =
            core::ptr::with_exposed_provenance::<NodeRecord>(word(self.value & !RECURSIVE));
        // SAFETY: only addresses of nodes are stored with a key, and nodes are never unmapped.
        unsafe { &*address }
    }

    /// Counts an entry: recursive ones apart, without a branch.
    #[inline(always)]
    pub(super) fn count_call(self) {
        let counter = word(self.value).wrapping_add(offset_of!(NodeRecord, calls));
        let counter = core::ptr::with_exposed_provenance::<AtomicU64>(counter);
        // SAFETY: one of the two counters of a node, which is never unmapped.
        add(unsafe { &*counter }, 1);
    }
}

/// The node that a call from `caller` to `site` goes to, if the cache or the line knows it.
#[inline(always)]
pub(super) fn cached(
    thread: &'static ThreadRecord,
    caller: &'static Cell,
    site: u32,
) -> Option<Entry> {
    let (cached, value) = in_cache(thread, site);
    if cached.load(Relaxed) == address(caller) {
        let value = value.load(Relaxed);
        return Some(Entry { thread, value });
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "numbers of sites have 16 bits"
    )]
    let is_known = caller.callee_site.load(Relaxed) == site as u16;
    is_known.then(|| {
        let distance = u64::from(caller.callee.load(Relaxed)) * CALLEE_UNIT;
        let value = address(caller)
            .wrapping_add(distance)
            .wrapping_sub(CALLEE_BEFORE);
        Entry { thread, value }
    })
}

/// The words of a site in the cache of a thread: the calling cell, and where its call goes.
#[inline(always)]
fn in_cache(thread: &ThreadRecord, site: u32) -> (&'static AtomicU64, &'static AtomicU64) {
    debug_assert!((site as usize) < SITES, "no such site");
    // SAFETY: a cache is never unmapped.
    let cache = unsafe { &*thread.cache.load(Relaxed) };
    // SAFETY: there is no such number.
    unsafe { core::hint::assert_unchecked((site as usize) < SITES) };
    (&cache.callers[site as usize], &cache.nodes[site as usize])
}

/// The address of a cell as words have it.
#[inline(always)]
fn address(cell: &Cell) -> u64 {
    core::ptr::from_ref(cell).expose_provenance() as u64
}

/// Unit of `Cell::callee`: that in which the values of entries differ.
const CALLEE_UNIT: u64 = RECURSIVE;
/// So far before a line the nodes may begin that it can know.
const CALLEE_BEFORE: u64 = 1 << 31;

/// Lets the line of `caller` know where its call to `site` goes. A node that is too far away stays unknown.
pub(super) fn know(caller: &Cell, site: u32, entry: Entry) {
    let distance = entry
        .value
        .wrapping_add(CALLEE_BEFORE)
        .wrapping_sub(address(caller));
    if let (Ok(site), Ok(distance)) = (u16::try_from(site), u32::try_from(distance / CALLEE_UNIT)) {
        caller.callee.store(distance, Relaxed);
        caller.callee_site.store(site, Relaxed);
    }
}

/// The line forgets where its call went.
pub(super) fn forget_callee(caller: &Cell) {
    caller.callee_site.store(NO_SITE, Relaxed);
}

/// The node of a call that neither the cache nor the line knows, if it was made before.
#[inline]
pub(super) fn known(thread: &'static ThreadRecord, site: u32) -> Option<Entry> {
    let caller = cells::running(thread);
    let value = node_table::get(thread, node_table::key(caller, site))?;
    let entry = Entry { thread, value };
    add(&entry.node().missed_calls, 1);
    Some(entry)
}

/// Enters a call from the running line into the cache of the thread, which is the only one that reads it, or lets its line know it.
///
/// The cache keeps the call to the site that it has, if the line has room: it knows no call yet, or one that the cache has too. Else the one in
/// the cache gives way, and goes to the line that it comes from, if there is room.
pub(super) fn remember(entry: Entry, site: u32) {
    let thread = entry.thread;
    let caller = cells::running(thread);
    if !sink::has_cache(thread) {
        return;
    }
    let (cached, value) = in_cache(thread, site);
    let before = core::ptr::with_exposed_provenance::<Cell>(word(cached.load(Relaxed)));
    // SAFETY: the cache has addresses of cells, which are never unmapped, and 0.
    if let Some(before) = unsafe { before.as_ref() } {
        let known = caller.callee_site.load(Relaxed);
        let of_known = in_cache(thread, known.into()).0.load(Relaxed);
        if known == NO_SITE || of_known == address(caller) {
            know(caller, site, entry);
            return;
        }
        if before.callee_site.load(Relaxed) == NO_SITE {
            let value = value.load(Relaxed);
            know(before, site, Entry { thread, value });
        }
    }
    remember_in_cache(entry, caller, site);
}

/// Enters a call into the table of its thread; returns whether there is room.
pub(super) fn remember_in_table(entry: Entry, caller: &Cell, site: u32) -> bool {
    node_table::put(entry.thread, node_table::key(caller, site), entry.value);
    !entry.thread.nodes.load(Relaxed).is_null()
}

/// The cache of a thread of ours forgets the call to a site.
pub(super) fn forget_in_cache(thread: &ThreadRecord, site: u32) {
    in_cache(thread, site).0.store(0, Relaxed);
}

/// Enters a call into the cache of its thread.
pub(super) fn remember_in_cache(entry: Entry, caller: &Cell, site: u32) {
    let (cached, value) = in_cache(entry.thread, site);
    cached.store(address(caller), Relaxed);
    value.store(entry.value, Relaxed);
}

/// Finds or makes the node of site `id`, whose number stands at `place`, with `lines` line slots, called from the running line.
///
/// `None` if there is no room for it in any form.
#[cold]
pub(super) fn find(
    thread: &'static ThreadRecord,
    id: u32,
    place: &AtomicU32,
    lines: usize,
) -> Option<Entry> {
    if let Some(entry) = known(thread, id) {
        return Some(entry);
    }
    let caller = cells::running(thread);
    let value = folded(thread, id)
        .map(|node| core::ptr::from_ref(node).addr() as u64 | RECURSIVE)
        .or_else(|| make(thread, id, place, lines, caller))?;
    node_table::put(thread, node_table::key(caller, id), value);
    let entry = Entry { thread, value };
    add(&entry.node().missed_calls, 1);
    Some(entry)
}

/// The open node that a recursive call folds into.
fn folded(thread: &ThreadRecord, id: u32) -> Option<&'static NodeRecord> {
    let top = cells::running(thread).node.get(Relaxed);
    let is = |node: &NodeRecord| node.site.load(Relaxed) == id;
    if let Some(top) = top.filter(|top| is(top)) {
        return Some(top);
    }
    let mut innermost = None;
    let mut open = 0;
    let mut at = top;
    while let Some(node) = at {
        if is(node) {
            innermost = innermost.or(at);
            open += 1;
        }
        at = node.parent.get(Relaxed);
    }
    innermost.filter(|_| open >= OPEN_LIMIT)
}

/// A new node for a call from `caller`, or the flat node of the site where space is short.
fn make(
    thread: &'static ThreadRecord,
    id: u32,
    place: &AtomicU32,
    lines: usize,
    caller: &Cell,
) -> Option<u64> {
    let top = caller.node.load(Relaxed);
    let above = caller.node.get(Relaxed);
    let in_flat = above.is_some_and(|node| node.flat.load(Relaxed) != 0);
    if !in_flat && let Some(node) = new_node(thread, id, lines, false) {
        name(node, place);
        node.caller
            .store(core::ptr::from_ref(caller).cast_mut(), Relaxed);
        node.parent.store(top, Relaxed);
        if let Some(timed) = durations::timed_call(thread, node) {
            node.timed_call.store(timed, Relaxed);
        }
        return Some(show(node));
    }
    state::flag(FLAG_FLAT);
    let flat_key = node_table::key(core::ptr::null(), id);
    if let Some(value) = node_table::get(thread, flat_key) {
        return Some(value);
    }
    let Some(node) = new_node(thread, id, lines, true) else {
        state::flag(FLAG_LOST);
        return None;
    };
    name(node, place);
    node.flat.store(1, Relaxed);
    let value = show(node);
    node_table::put(thread, flat_key, value);
    Some(value)
}

/// Lets markers that look for the node of a site know it.
fn name(node: &NodeRecord, place: &AtomicU32) {
    node.place
        .store(core::ptr::from_ref(place).cast_mut(), Relaxed);
}

/// Makes the node visible to readers.
fn show(node: &'static NodeRecord) -> u64 {
    publish(&node.head.kind, KIND_NODE);
    core::ptr::from_ref(node).expose_provenance() as u64
}

/// Room for a node and its cells, filled in but for its place in the tree.
fn new_node(
    thread: &'static ThreadRecord,
    id: u32,
    lines: usize,
    flat: bool,
) -> Option<&'static NodeRecord> {
    let memory = if state::has_memory_words() {
        size_of::<MemoryWords>()
    } else {
        0
    };
    let bytes = cell_offset(lines) + lines * memory;
    let place = space::thread_record(thread, bytes, flat)?;
    // SAFETY: the record has room for a node with its cells, is zeroed, suitably aligned, and belongs to this thread.
    let node = unsafe { &*place.cast::<NodeRecord>() };
    node.site.store(id, Relaxed);
    node.lines.store(u32::try_from(lines).unwrap_or(0), Relaxed);
    node.thread.store(thread.index.load(Relaxed), Relaxed);
    for index in 0..lines {
        let cell = cells::cell(node, index);
        begin(cell, core::ptr::from_ref(node).cast_mut());
        if memory != 0 {
            let words = place.wrapping_add(cell_offset(lines) + index * memory);
            cells::give_memory_words(cell, words);
        }
    }
    Some(node)
}

/// Sets the words of a new cell that are not 0.
pub(super) fn begin(cell: &Cell, node: *mut NodeRecord) {
    cell.node.store(node, Relaxed);
    let (state, window) = match state::cell_start() {
        state::CellStart::Timed => (PROMOTED, ENDLESS),
        state::CellStart::Demotable => (PROMOTED, FIRST_WINDOW),
        state::CellStart::Sampled => (SAMPLED, FIRST_WINDOW),
    };
    cell.state.store(state, Relaxed);
    cell.window.store(window, Relaxed);
}
