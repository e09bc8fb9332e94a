//! The sampler thread.
pub(super) fn ensure() {}
pub(super) fn forget() {}
