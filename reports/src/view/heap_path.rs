//! Which calls led to the bytes that were not freed at a moment: paths from the outermost frame to the line that allocated.

use hprof::model::{Profile, Scope};

use super::stacks::{Metric, stacks};
use super::sums::percent;
use crate::error::ReportError;

/// A moment at which blocks are counted.
///
/// ```
/// assert_ne!(hprof_reports::HeapMoment::Peak, hprof_reports::HeapMoment::End);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeapMoment {
    /// When the heap was at its peak.
    Peak,
    /// The end of the run.
    End,
}

/// The paths with the most bytes, the largest first.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct HeapPaths {
    pub(crate) paths: Vec<HeapPath>,
    /// Paths that were left out.
    pub(crate) left_out: usize,
}

/// Blocks of one line in one calling context.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeapPath {
    pub(crate) bytes: u64,
    /// Of the bytes of all paths.
    pub(crate) percent: Option<f64>,
    /// The lines that called, outermost first, and at last the one that allocated.
    pub(crate) frames: Vec<String>,
    /// Frames further out that are not listed.
    pub(crate) outer: usize,
}

/// Frames of a path that are listed: the innermost.
const FRAMES: usize = 12;

impl HeapPaths {
    /// So many paths.
    pub(crate) fn new(
        profile: &Profile,
        moment: HeapMoment,
        most: usize,
    ) -> Result<Self, ReportError> {
        let metric = match moment {
            HeapMoment::Peak => "peak-bytes",
            HeapMoment::End => "live-bytes",
        };
        let metric = Metric::named(metric).unwrap_or_default();
        let stacks = stacks(profile, Scope::All, metric, true)?.unwrap_or_default();
        let total = stacks.total(metric.meaning())?;
        let mut order: Vec<usize> = (0..stacks.all.len()).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(stacks.all[at].1));
        let left_out = order.len().saturating_sub(most);
        order.truncate(most);
        let paths = order.into_iter().map(|at| {
            let (stack, bytes) = &stacks.all[at];
            let outer = stack.len().saturating_sub(FRAMES);
            HeapPath {
                bytes: *bytes,
                percent: percent(hprof::model::Nanos(*bytes), hprof::model::Nanos(total)),
                frames: stacks.frames(&stack[outer..]).map(str::to_owned).collect(),
                outer,
            }
        });
        Ok(Self {
            paths: paths.collect(),
            left_out,
        })
    }
}
