//! What a report shows: the only place that sorts, filters and computes percentages. Renderers write what they get.

mod line;
mod run;

pub(crate) use line::{Figures, FunctionView, LineChoice, LineView, Mark, Row};
pub(crate) use run::{OwnCostView, RunView};
