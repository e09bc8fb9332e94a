//! The raw file: what its bytes mean, and how to read them without trusting them.

#[cfg(hprof_recorder)]
pub(crate) mod chunks;
pub mod layout;
#[cfg(all(feature = "model", unix))]
mod live;
#[cfg(any(feature = "native", feature = "model"))]
pub mod native;
#[cfg(feature = "model")]
pub mod observed;
#[cfg(feature = "model")]
mod reader;
#[cfg(hprof_recorder)]
#[expect(unsafe_code, reason = "a mapped file")]
pub(crate) mod writer;

/// What [`chunks`] works on.
#[cfg(hprof_recorder)]
mod words {
    pub(super) use core::sync::atomic::AtomicU64;
}

#[cfg(all(feature = "model", unix))]
pub use live::{LiveFile, LiveThread};
#[cfg(feature = "model")]
pub use observed::{CellLooks, ObservedFile};
#[cfg(feature = "model")]
pub use reader::{RawStart, ReadError, peek, read, read_bytes};
