//! hprof: what every line of your Rust program costs.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod call_span;
pub mod env;
#[cfg(not(hprof_recorder))]
mod inert;
#[cfg(hprof_recorder)]
#[expect(unsafe_code, reason = "an allocator is unsafe to write")]
mod memory;
#[cfg(feature = "model")]
pub mod model;
#[cfg(feature = "model")]
pub mod pprof_file;
pub mod raw;
#[cfg(hprof_recorder)]
#[expect(
    unsafe_code,
    reason = "markers are assembly, and their cells lie in mapped memory"
)]
mod recorder;
pub mod site;
#[cfg(feature = "tracing")]
mod spans;

#[cfg(feature = "runtime")]
pub use hprof_macros::profile;
#[cfg(hprof_recorder)]
pub use memory::Alloc;
#[cfg(feature = "tracing")]
pub use spans::{SpanLayer, layer};
