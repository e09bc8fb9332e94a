//! What was seen of the program from outside, in the page: sparklines of lines, memory and CPU over time, and waiting.

use std::fmt::Write;

use hprof::model::Profile;
use maud::{Markup, PreEscaped, html};

use super::options::HtmlOptions;
use super::plain_table::{Behind, plain_table};
use crate::pictures::plot;
use crate::tables::wait_table;
use crate::text;
use crate::text::numbers::counted;
use crate::view::WaitView;

/// Width of a sparkline.
const SPARK: f64 = 96.0;
/// Lines in the table of waiting.
const WAITS: usize = 10;

/// Looks by the part of the run, the most of them as high as the picture.
pub(super) fn sparkline(looks: &[u32]) -> Markup {
    let most = looks.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return html! {};
    }
    let width = SPARK / looks.len().max(1) as f64;
    let mut shape = String::new();
    for (part, looks) in looks.iter().enumerate().filter(|(_, looks)| **looks > 0) {
        let height = (14.0 * f64::from(*looks) / f64::from(most)).max(1.0);
        // Writing to a string does not fail.
        let _ = write!(
            shape,
            "M{:.1} 15h{width:.1}v-{height:.1}h-{width:.1}z",
            part as f64 * width
        );
    }
    let all: u64 = looks.iter().map(|looks| u64::from(*looks)).sum();
    html! {
        svg.spark width=(SPARK) height="16" role="img" aria-label=(format!("{} over the run", counted(all, "look", "looks"))) {
            path d=(shape) {}
        }
    }
}

/// Memory and CPU over time.
pub(super) fn over_time(profile: &Profile) -> Markup {
    let Some(picture) = plot::without_style(profile) else {
        return html! {};
    };
    html! {
        section {
            h2 { "Over time" }
            p.legend { "Seen from outside while the program ran. Brackets reach from the first look that found a function open to the last." }
            div.plot { (PreEscaped(picture)) }
        }
    }
}

/// The lines that waited, and what for.
pub(super) fn waits(profile: &Profile, options: &HtmlOptions) -> Markup {
    let view = WaitView::new(profile, WAITS);
    let grid = wait_table::grid(&view, options.unit);
    let texts = view.rows.iter().map(|row| {
        let text = if options.source { row.text } else { "" };
        html! { (text::clean(text)) }
    });
    let texts = Behind::new("Line Contents", texts.collect());
    html! {
        @if !view.rows.is_empty() {
            section {
                h2 { "Where threads waited" }
                p.legend { "Time of the line itself without CPU time. n: looks from outside that found a thread waiting there; shares of causes rest on them." }
                (plain_table(&grid, Some(&texts)))
            }
        }
    }
}
