//! Frames of async bodies: one per poll, on whatever thread polls.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::Ordering::Relaxed;
use core::task::{Context, Poll};

use super::current::set_current;
use super::frame::Frame;
use super::protocol::add;
use super::{cells, durations, marker, sink, state};
use crate::raw::layout::{Cell, NodeRecord, ThreadRecord};
use crate::site::Site;

/// The future of an async body. Each poll enters a frame; the time between polls is await time of the line that waits.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Task<const N: usize, F> {
    site: &'static Site<N>,
    /// When the first poll began, in ticks, and how long all of them took so far.
    began: u64,
    busy: u64,
    /// When the last poll ended, in ticks; 0 before the first.
    since: u64,
    waiting: Waiting,
    future: F,
}

/// The line that waits, by the address of its cell; 0 while none does, and where nothing is recorded. A future that is dropped while a line waits is cancelled.
#[derive(Debug)]
struct Waiting(usize);

impl Waiting {
    fn cell(&self) -> Option<&'static Cell> {
        let waiting = core::ptr::with_exposed_provenance::<Cell>(self.0);
        // SAFETY: null or the address of a cell, which is never unmapped.
        unsafe { waiting.as_ref() }
    }
}

impl Drop for Waiting {
    #[inline]
    fn drop(&mut self) {
        if let Some(node) = self.cell().and_then(|cell| cell.node.get(Relaxed)) {
            // The node may belong to another thread.
            node.cancelled.fetch_add(1, Relaxed);
        }
    }
}

/// Wraps the future of an async body.
#[inline(always)]
pub const fn poll<const N: usize, F: Future>(site: &'static Site<N>, future: F) -> Task<N, F> {
    Task {
        site,
        began: 0,
        busy: 0,
        since: 0,
        waiting: Waiting(0),
        future,
    }
}

impl<const N: usize, F: Future> Future for Task<N, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: the future inside is not moved: it is pinned again below, and the other fields are plain data.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        let frame = if this.since == 0 {
            Frame::enter(this.site)
        } else {
            Frame::reenter(this.site)
        };
        add(&frame.node.polls, 1);
        let _top = Top::set(&frame);
        let now = state::ticks();
        if this.since == 0 {
            this.began = now;
        } else {
            resume(&frame, now.saturating_sub(this.since), &mut this.waiting);
        }
        let result = future.poll(context);
        let end = state::ticks().max(1);
        this.busy = this.busy.wrapping_add(end.saturating_sub(now));
        if result.is_pending() {
            this.since = end;
            this.waiting.0 = suspend(&frame);
        } else if !sink::is_sink(frame.thread) {
            let total = end.saturating_sub(this.began);
            durations::end_future(frame.thread, frame.node, total, this.busy);
        }
        result
    }
}

/// Lets markers of the body find its frame: they look at the current thread and the node of its innermost poll.
///
/// A frame that is not recorded belongs to the sink, so the thread points there while it is open.
struct Top {
    /// The thread that the frame belongs to, and the poll around this one in it.
    thread: &'static ThreadRecord,
    outer: *mut NodeRecord,
    /// The record that the thread wrote to.
    before: &'static ThreadRecord,
}

impl Top {
    #[inline]
    fn set<const N: usize>(frame: &Frame<N>) -> Self {
        let thread = frame.thread;
        let outer = thread.top.load(Relaxed);
        let node = core::ptr::from_ref(frame.node).cast_mut();
        thread.top.store(node, Relaxed);
        Self {
            thread,
            outer,
            before: set_current(thread),
        }
    }
}

impl Drop for Top {
    #[inline]
    fn drop(&mut self) {
        set_current(self.before);
        self.thread.top.store(self.outer, Relaxed);
    }
}

/// A later poll: the line that waited so many ticks runs on.
fn resume<const N: usize>(frame: &Frame<N>, waited: u64, waiting: &mut Waiting) {
    let cell = waiting.cell();
    waiting.0 = 0;
    if sink::is_sink(frame.thread) {
        return;
    }
    let Some(cell) = cell else { return };
    // The cell may belong to another thread by now.
    cell.await_time.fetch_add(waited, Relaxed);
    let site = frame.node.site.load(Relaxed);
    let node = cell.node.get(Relaxed);
    // The same line of the node of this poll.
    if let Some(node) = node.filter(|node| node.site.load(Relaxed) == site) {
        let line = cells::cell(frame.node, slot_of(cell, node));
        marker::resume(frame.thread, line);
    }
}

/// The poll ends without a result: which line waits.
fn suspend<const N: usize>(frame: &Frame<N>) -> usize {
    if sink::is_sink(frame.thread) {
        return 0;
    }
    core::ptr::from_ref(cells::running(frame.thread)).expose_provenance()
}

/// The line slot of a cell of the node.
fn slot_of(cell: &Cell, node: &NodeRecord) -> usize {
    let first = core::ptr::from_ref(cells::cell(node, 0));
    core::ptr::from_ref(cell).addr().wrapping_sub(first.addr()) / size_of::<Cell>()
}

/// The marker of line slot `L` inside an async body: its frame is that of the thread's innermost poll. Outside of a poll of this site it does
/// nothing.
#[inline(always)]
pub fn task_line<const N: usize, const L: usize>(site: &'static Site<N>) {
    const {
        assert!(
            L < N,
            "a marker names a line slot that its site does not have"
        )
    };
    marker::hit_innermost::<L>(&site.id);
}

/// The marker of line slot `L`, the closing brace of a block in an async body, if the block has something to drop there. `HIT`: coming there
/// counts as a hit.
#[inline(always)]
pub fn task_at_brace<const N: usize, const L: usize, const HIT: bool>(
    site: impl Fn() -> &'static Site<N>,
    drops: impl Fn() -> bool,
) {
    drop(task_brace::<N, L, HIT>(site, drops));
}

/// A guard whose drop is that marker. Like all guards of async bodies it may live across an await: so it holds nothing of a thread, its site and
/// what it depends on are closures, which take no room in the future where they hold nothing, and it does nothing where the future is dropped outside of its poll.
#[inline(always)]
pub fn task_brace<const N: usize, const L: usize, const HIT: bool>(
    site: impl Fn() -> &'static Site<N>,
    drops: impl Fn() -> bool,
) -> impl Sized {
    TaskGuard::<N, L, HIT, _, _> { site, drops }
}

/// A guard for a branch inside a statement of an async body: when the branch is left, line slot `L` of the statement runs again.
#[inline(always)]
pub fn task_back<const N: usize, const L: usize>(
    site: impl Fn() -> &'static Site<N>,
    wanted: impl Fn() -> bool,
) -> impl Sized {
    task_brace::<N, L, false>(site, wanted)
}

/// A guard declared behind the parameters of an async function, so that they are dropped on line slot `L`, the closing brace.
#[inline(always)]
pub fn task_leave<const N: usize, const L: usize>(
    site: impl Fn() -> &'static Site<N>,
    drops: impl Fn() -> bool,
) -> impl Sized {
    task_brace::<N, L, true>(site, drops)
}

/// Makes line slot `L` of an async body run when it is dropped, with a hit unless the line runs already.
struct TaskGuard<const N: usize, const L: usize, const HIT: bool, S, D>
where
    S: Fn() -> &'static Site<N>,
    D: Fn() -> bool,
{
    site: S,
    drops: D,
}

impl<const N: usize, const L: usize, const HIT: bool, S, D> Drop for TaskGuard<N, L, HIT, S, D>
where
    S: Fn() -> &'static Site<N>,
    D: Fn() -> bool,
{
    #[inline(always)]
    fn drop(&mut self) {
        const {
            assert!(
                L < N,
                "a marker names a line slot that its site does not have"
            )
        };
        if (self.drops)() {
            let id = &(self.site)().id;
            if HIT {
                marker::arrive_innermost::<L>(id);
            } else {
                marker::resume_innermost::<L>(id);
            }
        }
    }
}
