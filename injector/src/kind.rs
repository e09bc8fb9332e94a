//! The attribute that is written: one for functions chosen by hand, one for all of them.

/// What the attribute counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Written by hand on each function: it gets lines.
    ByHand,
    /// One choice of all functions: small ones are thin.
    Bulk,
}

impl Kind {
    /// What stands before a function afterwards.
    pub(crate) const fn attribute(self) -> &'static str {
        match self {
            Self::ByHand => " #[::hprof::profile] ",
            Self::Bulk => " #[::hprof::profile(bulk)] ",
        }
    }
}
