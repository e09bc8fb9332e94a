//! When lines were seen from outside: what the page computes the shares of a part of the run from.

use hprof::model::Profile;
use maud::{Markup, html};
use serde::Serialize;

use super::options::HtmlOptions;
use super::place::Positions;
use crate::view::OverTime;

/// Lines that are told apart: those that were seen most.
const LINES: usize = 100;

/// Looks by the part of the run.
#[derive(Serialize)]
pub(super) struct Looks {
    /// At all measured lines.
    all: Vec<u64>,
    /// Moments at which the parts begin, and the last ends; none where the processes do not share them.
    edges: Vec<String>,
    /// Position of the function, line, and looks at it.
    lines: Vec<(usize, u32, Vec<u32>)>,
}

impl Looks {
    /// `None` if nobody looked.
    pub(super) fn new(
        profile: &Profile,
        over_time: &OverTime,
        positions: &Positions,
        options: &HtmlOptions,
    ) -> Option<Self> {
        let all = over_time.all();
        if all.is_empty() {
            return None;
        }
        let most = over_time.most(LINES).into_iter();
        let lines = most.filter_map(|(function, line, looks)| {
            Some((*positions.get(&function)?, line, looks.to_vec()))
        });
        let lines = lines.collect();
        let edges = over_time.bucket(profile).map_or_else(Vec::new, |bucket| {
            let parts = 0..=all.len() as u64;
            parts
                .map(|part| {
                    options
                        .unit
                        .time(bucket.0.saturating_mul(part) as f64, 3, 1)
                })
                .collect()
        });
        Some(Self { all, edges, lines })
    }
}

/// Where the script draws them.
pub(super) fn section(looks: Option<&Looks>) -> Markup {
    html! {
        @if looks.is_some() {
            section.only-script id="when" {
                h2 { "When lines ran" }
                p.legend { "Looks from outside that found a thread on a measured line. Drag over a part of the run for the shares of lines in it, which are sampled." }
                svg.when id="when-bar" height="48" preserveAspectRatio="none" role="img" aria-label="Looks at measured lines over the run" {}
                div.tools {
                    label { "from " input id="when-from" type="range" min="0"; }
                    label { "to " input id="when-to" type="range" min="0"; }
                    span id="when-range" {}
                }
                div.scroll { table id="when-lines" {} }
            }
        }
    }
}
