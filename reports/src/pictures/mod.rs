//! Pictures: SVGs that a browser opens.

pub(crate) mod diff_flamegraph;
pub(crate) mod flamegraph;
pub(crate) mod native_flamegraph;
pub(crate) mod plot;
