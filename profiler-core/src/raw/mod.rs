//! The raw file: what its bytes mean, and how to read them without trusting them.

pub mod layout;
#[cfg(any(feature = "native", feature = "model"))]
pub mod native;
#[cfg(feature = "model")]
mod reader;
#[cfg(hprof_recorder)]
#[expect(unsafe_code, reason = "a mapped file")]
pub(crate) mod writer;

#[cfg(feature = "model")]
pub use reader::{ReadError, read, read_bytes};
