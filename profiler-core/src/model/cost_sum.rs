//! Adding up the costs of a line over contexts, threads and processes.

use super::line_cost::LineCost;
use super::units::Nanos;

/// Exact time of which a smaller part than this is of intervals too short for the clock is as good as any other: one in so many.
const SHORT_PART: u64 = 20;

/// A sum of line costs that does not depend on the order. [`LineCost::add`] alone cannot know which part of a sum rests on the prior, nor
/// which on intervals too short for the clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CostSum {
    cost: LineCost,
    /// Sampled time of the costs that rest on the prior.
    prior: Nanos,
    /// Exact time of the costs whose intervals are too short.
    short: Nanos,
}

impl CostSum {
    pub(crate) fn add(&mut self, cost: &LineCost) {
        self.cost.add(cost);
        if cost.prior {
            self.prior += cost.sampled;
        }
        if cost.below_resolution {
            self.short += cost.exact;
        }
    }

    pub(crate) fn finish(self) -> LineCost {
        LineCost {
            prior: self.prior > self.cost.sampled - self.prior,
            below_resolution: self.cost.below_resolution
                && self.short.0.saturating_mul(SHORT_PART) >= self.cost.exact.0,
            ..self.cost
        }
    }
}
