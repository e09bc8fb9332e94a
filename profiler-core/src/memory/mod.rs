//! Memory as the program uses it.

mod alloc;
mod budget;
mod deferred;
mod entries;
pub(crate) mod heap;
pub(crate) mod limit;
mod lock;
mod protocol;
pub(crate) mod rss;
mod table;
mod total;
mod weight;
mod words;

pub use alloc::Alloc;
pub(crate) use heap::adopt_counters;
pub(crate) use total::settle_thread;
