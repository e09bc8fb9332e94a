//! Memory as the program uses it.

mod alloc;
mod budget;
mod deferred;
mod entries;
pub(crate) mod heap;
pub(crate) mod limit;
mod protocol;
pub(crate) mod rss;
mod table;
mod total;
mod weight;
mod words;

pub use alloc::Alloc;
pub(crate) use total::{adopt_counters, settle_thread};
