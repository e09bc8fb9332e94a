//! The frame of an instrumented body and its markers: the hot path.
//!
//! A frame is a local of the body it belongs to. It knows the node of the calling-context tree that stands for "this body, called
//! from that line", and its drop gives the running line back to the caller. Markers are associated functions called by path, so that no
//! trait of the user's can take their place.

use core::marker::PhantomData;
use core::sync::atomic::Ordering::Relaxed;

use super::current::current;
use super::protocol::add;
use super::tree::{self, Entry};
use super::{cells, marker};
use crate::raw::layout::{Cell, NodeRecord, ThreadRecord};
use crate::site::Site;

/// The open frame of an instrumented body: made first, dropped last.
#[derive(Debug)]
#[must_use]
pub struct Frame<const N: usize> {
    pub(super) thread: &'static ThreadRecord,
    pub(super) node: &'static NodeRecord,
    /// The line that was running.
    caller: &'static Cell,
    /// A frame stays on its thread.
    not_send: PhantomData<*mut ()>,
}

impl<const N: usize> Frame<N> {
    /// Enters the body as [`Frame::enter`] does; `find` is asked for the node of a call that neither the cache nor the line knows.
    #[inline(always)]
    pub(super) fn enter_by(
        site: &'static Site<N>,
        find: impl FnOnce(&'static Site<N>) -> Entry,
    ) -> Self {
        let (entry, caller) = Self::entry(site, find);
        entry.count_call();
        Self::open(entry, caller)
    }

    /// The same again, without a call: a later poll.
    #[inline(always)]
    pub(super) fn reenter_by(
        site: &'static Site<N>,
        find: impl FnOnce(&'static Site<N>) -> Entry,
    ) -> Self {
        let (entry, caller) = Self::entry(site, find);
        Self::open(entry, caller)
    }

    /// The node of the site for a call from the running line, and that line.
    #[inline(always)]
    fn entry(
        site: &'static Site<N>,
        find: impl FnOnce(&'static Site<N>) -> Entry,
    ) -> (Entry, &'static Cell) {
        let current = current();
        let caller = cells::running(current);
        match tree::cached(current, caller, site.id.load(Relaxed)) {
            Some(entry) => (entry, caller),
            None => find(site).with_way_back(),
        }
    }

    #[inline(always)]
    fn open(entry: Entry, caller: &'static Cell) -> Self {
        Self {
            thread: entry.thread,
            node: entry.node(),
            caller,
            not_send: PhantomData,
        }
    }

    /// The marker of line slot `L`: the line before ends, this one begins.
    #[inline(always)]
    pub fn line<const L: usize>(frame: &Self) {
        const {
            assert!(
                L < N,
                "a marker names a line slot that its site does not have"
            )
        };
        marker::hit::<L>(frame.thread, frame.node);
    }

    /// The marker of line slot `L`, the closing brace of a block that ends in a statement, if the block has something to drop there.
    /// `drops` depends on types alone, so the compiler folds the test. `HIT`: coming there counts as a hit.
    #[inline(always)]
    pub fn at_brace<const L: usize, const HIT: bool>(frame: &Self, drops: bool) {
        if drops {
            if HIT {
                Self::line::<L>(frame);
            } else {
                marker::resume(frame.thread, cells::cell(frame.node, L));
            }
        }
    }

    /// The same for a block that ends in an expression: a guard that is declared last and so dropped first, when the value of
    /// the block is there.
    #[inline(always)]
    pub fn brace<const L: usize, const HIT: bool>(
        frame: &Self,
        drops: bool,
    ) -> Brace<'_, N, L, HIT> {
        Brace { frame, drops }
    }

    /// A guard for a branch inside a statement: when the branch is left, line slot `L` of that statement runs again, without a hit.
    #[inline(always)]
    pub fn back<const L: usize>(frame: &Self, wanted: bool) -> Back<'_, N, L> {
        Back { frame, wanted }
    }

    /// A guard declared behind the parameters, so that they are dropped on line slot `L`, the closing brace, however the body ends.
    #[inline(always)]
    pub fn leave<const L: usize>(frame: &Self, drops: bool) -> Leave<'_, N, L> {
        Leave { frame, drops }
    }

    /// Counters for the lines of a loop that only counts: counter `i` is line slot `slots[i]`.
    #[inline(always)]
    pub fn group<const K: usize>(frame: &Self, slots: &'static [u32; K]) -> Group<K> {
        Group {
            node: frame.node,
            slots,
            counts: [0; K],
        }
    }
}

impl<const N: usize> Drop for Frame<N> {
    #[inline(always)]
    fn drop(&mut self) {
        marker::resume(self.thread, self.caller);
    }
}

/// Marks the closing brace when it is dropped, before all other locals of the block.
#[derive(Debug)]
#[must_use]
pub struct Brace<'a, const N: usize, const L: usize, const HIT: bool> {
    frame: &'a Frame<N>,
    drops: bool,
}

impl<const N: usize, const L: usize, const HIT: bool> Drop for Brace<'_, N, L, HIT> {
    #[inline(always)]
    fn drop(&mut self) {
        Frame::at_brace::<L, HIT>(self.frame, self.drops);
    }
}

/// Gives the running line back to the statement around a branch when it is dropped, after all other locals of the branch.
#[derive(Debug)]
#[must_use]
pub struct Back<'a, const N: usize, const L: usize> {
    frame: &'a Frame<N>,
    wanted: bool,
}

impl<const N: usize, const L: usize> Drop for Back<'_, N, L> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.wanted {
            marker::resume(self.frame.thread, cells::cell(self.frame.node, L));
        }
    }
}

/// Marks the closing brace of a body when it is dropped, before the parameters, unless that line runs already.
#[derive(Debug)]
#[must_use]
pub struct Leave<'a, const N: usize, const L: usize> {
    frame: &'a Frame<N>,
    drops: bool,
}

impl<const N: usize, const L: usize> Drop for Leave<'_, N, L> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.drops {
            marker::arrive::<L>(self.frame.thread, self.frame.node);
        }
    }
}

/// Hits of the lines of an innermost loop, counted in registers and added to their cells when the loop is left in any way.
#[derive(Debug)]
#[must_use]
pub struct Group<const K: usize> {
    node: &'static NodeRecord,
    slots: &'static [u32; K],
    counts: [u64; K],
}

impl<const K: usize> Group<K> {
    /// Counts a hit with counter `I`.
    #[inline(always)]
    pub const fn hit<const I: usize>(group: &mut Self) {
        const { assert!(I < K, "a counter that its group does not have") };
        group.counts[I] = group.counts[I].wrapping_add(1);
    }
}

impl<const K: usize> Drop for Group<K> {
    #[inline(always)]
    fn drop(&mut self) {
        for (slot, count) in self.slots.iter().zip(self.counts) {
            add(&cells::cell(self.node, *slot as usize).hits, count);
        }
    }
}
