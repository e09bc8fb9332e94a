//! Adding up the costs of a line over contexts, threads and processes.

use super::profile::LineCost;
use super::units::Nanos;

/// A sum of line costs that does not depend on the order. [`LineCost::add`] alone cannot know which part of a sum rests on the prior.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CostSum {
    cost: LineCost,
    /// Sampled time of the costs that rest on the prior.
    prior: Nanos,
}

impl CostSum {
    pub(crate) fn add(&mut self, cost: &LineCost) {
        self.cost.add(cost);
        if cost.prior {
            self.prior += cost.sampled;
        }
    }

    pub(crate) fn finish(self) -> LineCost {
        LineCost {
            prior: self.prior > self.cost.sampled - self.prior,
            ..self.cost
        }
    }
}
