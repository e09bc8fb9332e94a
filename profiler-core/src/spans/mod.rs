//! Spans of `tracing`: those of the program as rows, and those that `#[profile(span)]` opens. `recorder::span` has what they do to a thread.

pub(crate) mod call_span;
#[cfg(feature = "tracing")]
mod layer;

#[cfg(feature = "tracing")]
pub use layer::{SpanLayer, layer};
