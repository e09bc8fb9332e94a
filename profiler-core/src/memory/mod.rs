//! Memory as the program uses it.

mod alloc;

pub use alloc::Alloc;
pub(crate) use alloc::adopt_counters;
