//! Memory as the program uses it.

mod alloc;
pub(crate) mod heap;
pub(crate) mod rss;
mod table;

pub use alloc::Alloc;
pub(crate) use alloc::{adopt_counters, settle_thread};
