//! Which line control is on.

/// The line of the last marker, over all paths that lead to a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunningLine {
    /// The same line on every path.
    Line(u32),
    /// Not the same on every path, or none yet.
    Unknown,
    /// No path leads here.
    Never,
}

impl RunningLine {
    /// What is known where two paths meet.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, known) | (known, Self::Never) => known,
            (one, other) if one == other => one,
            _ => Self::Unknown,
        }
    }
}
