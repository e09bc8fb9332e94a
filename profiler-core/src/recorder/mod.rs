//! What runs inside the profiled program.
#![allow(missing_docs, clippy::missing_safety_doc, reason = "being built")]

use crate::site::Site;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

/// The open frame of an instrumented body. A local of that body: dropped when it is left.
#[derive(Debug)]
pub struct Frame<const N: usize> {
    _not_send: PhantomData<*mut ()>,
}

impl<const N: usize> Frame<N> {
    #[inline(always)]
    #[must_use]
    pub fn enter(site: &'static Site<N>) -> Self {
        let _ = site;
        Self {
            _not_send: PhantomData,
        }
    }
    /// Marker: line slot `L` begins.
    #[inline(always)]
    pub fn line<const L: usize>(frame: &Self) {
        const { assert!(L < N) };
        let _ = frame;
    }
    /// A guard whose drop is the marker of the closing brace.
    #[inline(always)]
    #[must_use]
    pub fn brace<const L: usize>(frame: &Self) -> Brace<'_, N, L> {
        Brace { _frame: frame }
    }
    /// Local counters of a grouped loop: counter `i` counts hits of slot `slots[i]`; flushed on drop.
    #[inline(always)]
    #[must_use]
    pub fn group<const K: usize>(frame: &Self, slots: &'static [u32; K]) -> Group<K> {
        let _ = (frame, slots);
        Group { counts: [0; K] }
    }
}
impl<const N: usize> Drop for Frame<N> {
    fn drop(&mut self) {}
}

#[derive(Debug)]
pub struct Brace<'a, const N: usize, const L: usize> {
    _frame: &'a Frame<N>,
}
impl<const N: usize, const L: usize> Drop for Brace<'_, N, L> {
    fn drop(&mut self) {}
}

#[derive(Debug)]
pub struct Group<const K: usize> {
    counts: [u64; K],
}
impl<const K: usize> Group<K> {
    #[inline(always)]
    pub fn hit<const I: usize>(group: &mut Self) {
        const { assert!(I < K) };
        group.counts[I] += 1;
    }
}
impl<const K: usize> Drop for Group<K> {
    fn drop(&mut self) {}
}

/// Wraps the future of an async body: each poll is a frame.
#[inline(always)]
pub fn poll<const N: usize, F: Future>(site: &'static Site<N>, future: F) -> Task<N, F> {
    Task {
        _site: site,
        future,
    }
}

#[derive(Debug)]
pub struct Task<const N: usize, F> {
    _site: &'static Site<N>,
    future: F,
}
impl<const N: usize, F: Future> Future for Task<N, F> {
    type Output = F::Output;
    #[allow(
        unsafe_code,
        clippy::undocumented_unsafe_blocks,
        reason = "being built"
    )]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        unsafe { self.map_unchecked_mut(|t| &mut t.future) }.poll(cx)
    }
}
/// Marker inside an async body.
#[inline(always)]
pub fn task_line<const N: usize, const L: usize>(site: &'static Site<N>) {
    const { assert!(L < N) };
    let _ = site;
}
