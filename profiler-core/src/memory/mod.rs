//! Memory as the program uses it.

mod alloc;
pub(crate) mod rss;

pub use alloc::Alloc;
pub(crate) use alloc::adopt_counters;
