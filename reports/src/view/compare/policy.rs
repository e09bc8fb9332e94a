//! What is judged, and from when on.

use std::collections::BTreeSet;

/// What is done with a figure.
///
/// ```
/// assert_eq!(hprof_reports::Policy::default().figures[0], hprof_reports::Judging::Judged);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Judging {
    /// A change beyond the limits is a regression or an improvement.
    #[default]
    Judged,
    /// It is shown, and no more.
    Listed,
    /// It is not looked at.
    Off,
}

/// What is judged, and from when on.
///
/// ```
/// let mut policy = hprof_reports::Policy::default();
/// policy.ignored.insert("solver::tests::works".into());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// Hits, allocations and bytes allocated.
    pub figures: [Judging; 3],
    /// Time, which is only judged where both sides ran in turn.
    pub time: Judging,
    /// Lines with less than so many percent of a figure's sum on both sides are not looked at.
    pub min_share: f64,
    /// Functions that are not looked at: module path and name.
    pub ignored: BTreeSet<String>,
}
