//! Spans of `tracing` as nodes of the same call tree: what entering and leaving one does to the thread.
//!
//! A span has one line slot, which runs from its enter to its exit. It has no frame on the stack, so what an exit has to give back
//! stands in a small list of the thread.
//!
//! Guards may be dropped in any order, and a frame may be left while a span inside it is open. An exit therefore gives the
//! running line back only if the span's own line still runs; otherwise the entry waits, closed, until it does, or is forgotten when
//! what runs is not below it any more.
//!
//! ```text
//!  enter A   enter B   exit A      exit B
//!  ──┬─────────┬─────────┬───────────┬──────▶ t
//!    │ A runs  │ B runs, below A     │ the caller of A runs
//! ```

use core::cell::Cell as StdCell;
use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64};

use super::current::current;
use super::protocol::add;
use super::{cells, enter, marker, node_table, sink, start, state, tree};
use crate::raw::layout::{Cell, Mapped, ThreadRecord};
use crate::site::Site;

/// Spans that can be open on a thread at the same time. The time of those beyond stays with the last one, their calls are counted.
const DEPTH: usize = 128;

/// An entered span of this thread.
#[derive(Clone, Copy)]
struct Open {
    id: u64,
    cell: &'static Cell,
    /// The line that was running.
    caller: &'static Cell,
    /// Its exit came, but not its turn.
    closed: bool,
}

/// The entered spans of a thread, outermost first.
struct Stack {
    depth: StdCell<usize>,
    open: [StdCell<Option<Open>>; DEPTH],
}

thread_local! {
    /// No destructor: valid before the first and after the last thing a thread does.
    static STACK: Stack = const {
        Stack {
            depth: StdCell::new(0),
            open: [const { StdCell::new(None) }; DEPTH],
        }
    };
}

impl Stack {
    fn last(&self) -> Option<Open> {
        self.open.get(self.depth.get().checked_sub(1)?)?.get()
    }

    fn push(&self, entry: Open) -> bool {
        let depth = self.depth.get();
        let Some(place) = self.open.get(depth) else {
            return false;
        };
        place.set(Some(entry));
        self.depth.set(depth + 1);
        true
    }

    fn pop(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    /// Closes the innermost entry of span `id`, and returns its cell.
    fn close(&self, id: u64) -> Option<&'static Cell> {
        let entered = self.open.iter().take(self.depth.get()).rev();
        let (place, entry) = entered
            .filter_map(|place| Some((place, place.get()?)))
            .find(|(_, entry)| entry.id == id && !entry.closed)?;
        place.set(Some(Open {
            closed: true,
            ..entry
        }));
        Some(entry.cell)
    }

    /// As [`Stack::settle`], unless this thread is inside something that is not recorded.
    fn settle_here(&self) {
        let thread = current();
        if !sink::is_sink(thread) {
            self.settle(thread);
        }
    }

    /// Takes the closed entries off the end, giving the running line back to what entered them.
    fn settle(&self, thread: &'static ThreadRecord) {
        while let Some(entry) = self.last().filter(|entry| entry.closed) {
            let running = cells::running(thread);
            if core::ptr::eq(running, entry.cell) {
                marker::resume(thread, entry.caller);
            } else if is_below(running, entry.cell) {
                return;
            }
            self.pop();
        }
    }
}

/// Whether `cell` is a line of something called, at any depth, from the line `above`.
fn is_below(cell: &Cell, above: &Cell) -> bool {
    let caller = |cell: &Cell| cell.node.get(Relaxed)?.caller.get(Relaxed);
    let mut at = caller(cell);
    while let Some(cell) = at {
        if core::ptr::eq(cell, above) {
            return true;
        }
        at = caller(cell);
    }
    false
}

/// One span from its creation to its close: its site, and what its waiting is counted from.
#[derive(Debug)]
pub(crate) struct SpanCalls {
    site: &'static Site<1>,
    /// Whether its call is counted.
    called: AtomicBool,
    /// How often it is entered right now, on all threads.
    entered: AtomicU32,
    /// When it was left last, in ticks; 0 before.
    since: AtomicU64,
    /// The cell it was left in.
    waiting: Mapped<Cell>,
}

impl SpanCalls {
    /// Whether spans are recorded.
    #[inline]
    pub(crate) fn wanted() -> bool {
        start::recording()
    }

    /// A new span of the site; `None` where nothing is recorded.
    #[inline]
    pub(crate) fn new(site: impl FnOnce() -> Option<&'static Site<1>>) -> Option<Self> {
        Self::wanted().then(site).flatten().map(|site| Self {
            site,
            called: AtomicBool::new(false),
            entered: AtomicU32::new(0),
            since: AtomicU64::new(0),
            waiting: Mapped::new(core::ptr::null_mut()),
        })
    }

    /// The span is entered on this thread: the first time is its call.
    pub(crate) fn enter(&self, id: u64) {
        STACK.with(Stack::settle_here);
        self.end_waiting();
        let entry = find(self.site);
        if sink::is_sink(entry.thread) {
            return;
        }
        let node = entry.node();
        let first = !self.called.swap(true, Relaxed);
        if first {
            entry.count_call();
        }
        let cell = cells::cell(node, 0);
        let open = Open {
            id,
            cell,
            caller: cells::running(entry.thread),
            closed: false,
        };
        match (STACK.with(|stack| stack.push(open)), first) {
            (true, true) => marker::hit::<0>(entry.thread, node),
            (true, false) => marker::resume(entry.thread, cell),
            (false, true) => add(&cell.hits, 1),
            (false, false) => {}
        }
    }

    /// The span is left on this thread.
    pub(crate) fn exit(&self, id: u64) {
        let left = STACK.with(|stack| {
            let left = stack.close(id);
            stack.settle_here();
            left
        });
        self.begin_waiting(left);
    }

    /// The span is gone. One that was never entered is a call of no length, from the line that lets it go.
    pub(crate) fn close(&self) {
        if self.called.load(Relaxed) {
            return;
        }
        let entry = find(self.site);
        if !sink::is_sink(entry.thread) {
            entry.count_call();
            add(&cells::cell(entry.node(), 0).hits, 1);
        }
    }

    fn end_waiting(&self) {
        if self.entered.fetch_add(1, AcqRel) != 0 {
            return;
        }
        if let Some(cell) = self.waiting.get(Relaxed) {
            let waited = state::ticks().saturating_sub(self.since.load(Relaxed));
            // The cell may belong to another thread by now.
            cell.await_time.fetch_add(waited, Relaxed);
        }
    }

    fn begin_waiting(&self, left: Option<&'static Cell>) {
        let cell = left.map_or(core::ptr::null_mut(), |cell| {
            core::ptr::from_ref(cell).cast_mut()
        });
        self.since.store(state::ticks(), Relaxed);
        self.waiting.store(cell, Relaxed);
        self.entered.fetch_sub(1, AcqRel);
    }
}

/// The node of the site for a call from the running line.
fn find(site: &'static Site<1>) -> tree::Entry {
    let current = current();
    tree::cached(current, cells::running(current), site.id.load(Relaxed))
        .unwrap_or_else(|| enter::enter(&site.id, &site.facts, &site.lines))
}

/// Sites of spans, made when a place in the source creates its first span: a table without a lock.
#[derive(Debug)]
pub(crate) struct SpanSites<const SLOTS: usize> {
    slots: [AtomicPtr<Named>; SLOTS],
}

/// A site and what it is found by.
#[derive(Debug)]
struct Named {
    key: usize,
    site: Site<1>,
}

impl<const SLOTS: usize> SpanSites<SLOTS> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: [const { AtomicPtr::new(core::ptr::null_mut()) }; SLOTS],
        }
    }

    /// The site of `key`, an address that is not 0, made by `make` if there is none yet; `None` if the table is full.
    pub(crate) fn get(
        &'static self,
        key: usize,
        make: impl FnOnce() -> Site<1>,
    ) -> Option<&'static Site<1>> {
        let first = node_table::hash(key as u64) % SLOTS;
        let mut make = Some(make);
        let mut made: Option<Box<Named>> = None;
        for slot in self.slots[first..].iter().chain(&self.slots[..first]) {
            let mut found = slot.load(Acquire);
            if found.is_null() {
                let named = made.take().or_else(|| {
                    Some(Box::new(Named {
                        key,
                        site: make.take()?(),
                    }))
                })?;
                let named = Box::into_raw(named);
                match slot.compare_exchange(found, named, AcqRel, Acquire) {
                    Ok(_) => found = named,
                    // Another thread was faster, perhaps with the same key.
                    Err(other) => {
                        found = other;
                        // SAFETY: made from a box above, and not in the table.
                        made = Some(unsafe { Box::from_raw(named) });
                    }
                }
            }
            // SAFETY: not null, and what is in the table stays there for good.
            let named = unsafe { &*found };
            if named.key == key {
                return Some(&named.site);
            }
        }
        None
    }
}
