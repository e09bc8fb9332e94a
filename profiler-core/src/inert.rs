//! What generated code names where there is no recorder: everything is there, nothing happens.

use core::future::Future;
use core::marker::PhantomData;

use crate::site::{Site, Thin};

/// Stands for the open frame of an instrumented body.
#[derive(Debug)]
#[must_use]
pub struct Frame<const N: usize>(PhantomData<*mut ()>);

impl<const N: usize> Frame<N> {
    /// Does nothing.
    #[inline(always)]
    pub const fn enter(_site: &'static Site<N>) -> Self {
        Self(PhantomData)
    }

    /// Does nothing.
    #[inline(always)]
    pub const fn line<const L: usize>(_frame: &Self) {}

    /// Does nothing.
    #[inline(always)]
    pub const fn at_brace<const L: usize, const HIT: bool>(_frame: &Self, _drops: bool) {}

    /// Does nothing.
    #[inline(always)]
    pub const fn brace<const L: usize, const HIT: bool>(
        _frame: &Self,
        _drops: bool,
    ) -> Brace<'_, N, L, HIT> {
        Brace(PhantomData)
    }

    /// Does nothing.
    #[inline(always)]
    pub const fn back<const L: usize>(_frame: &Self, _wanted: bool) -> Back<'_, N, L> {
        Back(PhantomData)
    }

    /// Does nothing.
    #[inline(always)]
    pub const fn leave<const L: usize>(_frame: &Self, _drops: bool) -> Leave<'_, N, L> {
        Leave(PhantomData)
    }

    /// Does nothing.
    #[inline(always)]
    pub const fn group<const K: usize>(_frame: &Self, _slots: &'static [u32; K]) -> Group<K> {
        Group
    }
}

/// Stands for the guard of a closing brace.
#[derive(Debug)]
#[must_use]
pub struct Brace<'a, const N: usize, const L: usize, const HIT: bool>(PhantomData<&'a Frame<N>>);

/// Stands for the guard of a branch inside a statement.
#[derive(Debug)]
#[must_use]
pub struct Back<'a, const N: usize, const L: usize>(PhantomData<&'a Frame<N>>);

/// Stands for the guard of the parameters.
#[derive(Debug)]
#[must_use]
pub struct Leave<'a, const N: usize, const L: usize>(PhantomData<&'a Frame<N>>);

/// Stands for the counters of a loop.
#[derive(Debug)]
#[must_use]
pub struct Group<const K: usize>;

impl<const K: usize> Group<K> {
    /// Does nothing.
    #[inline(always)]
    pub const fn hit<const I: usize>(_group: &mut Self) {}
}

/// The future as it is.
#[inline(always)]
pub fn poll<const N: usize, F: Future>(_site: &'static Site<N>, future: F) -> F {
    future
}

/// Does nothing.
#[inline(always)]
pub const fn task_line<const N: usize, const L: usize>(_site: &'static Site<N>) {}

/// Does nothing.
#[inline(always)]
pub fn task_at_brace<const N: usize, const L: usize, const HIT: bool>(
    _site: impl Fn() -> &'static Site<N>,
    _drops: impl Fn() -> bool,
) {
}

/// Does nothing.
#[inline(always)]
pub fn task_brace<const N: usize, const L: usize, const HIT: bool>(
    _site: impl Fn() -> &'static Site<N>,
    _drops: impl Fn() -> bool,
) -> impl Sized {
}

/// Does nothing.
#[inline(always)]
pub fn task_back<const N: usize, const L: usize>(
    _site: impl Fn() -> &'static Site<N>,
    _wanted: impl Fn() -> bool,
) -> impl Sized {
}

/// Does nothing.
#[inline(always)]
pub fn task_leave<const N: usize, const L: usize>(
    _site: impl Fn() -> &'static Site<N>,
    _drops: impl Fn() -> bool,
) -> impl Sized {
}

/// Does nothing.
#[inline(always)]
pub const fn thin_call(_thin: &'static Thin) {}
