//! What a reader of the page sees first: what is slow, in words and as a table, and the facts on the run.

use std::io;

use hprof::model::Profile;
use maud::{Markup, html};

use super::data::{Data, Hot};
use super::over_time::sparkline;
use super::place::{link, short};
use crate::tables::footer;
use crate::text::numbers::{counted, scaled_bytes, thousands};

/// What is slow, in words and as a table, and the facts that it rests on.
pub(super) fn overview(profile: &Profile, data: &Data) -> Result<Markup, io::Error> {
    let facts = footer::text_of(profile)?;
    Ok(html! {
        section {
            @if data.functions.is_empty() {
                p.warning { "No instrumented function was entered, so there is nothing to show." }
            } @else {
                h2 { "What is slow" }
                ul.findings {
                    @for hot in findings(&data.hottest) { li { (finding(hot)) } }
                }
                h2 { "The hottest lines of the run" }
                @if let Some(percent) = data.hottest_percent {
                    p.legend { (format!("Time of the line itself, without what it calls. These {} lines take {percent:.1} % of the time in measured functions.", data.hottest.len())) }
                }
                (hottest(data))
            }
            h2 { "The run" }
            pre.facts { (facts) }
            (legend())
        }
    })
}

/// The lines that are worth a sentence: the hottest, and of the next two those that have a percent of the run.
fn findings(hottest: &[Hot]) -> impl Iterator<Item = &Hot> {
    let lines = hottest.iter().take(3).enumerate();
    let worth = |hot: &Hot| hot.percent.is_some_and(|percent| percent >= 1.0);
    let lines = lines.filter(move |(at, hot)| *at == 0 || worth(hot));
    lines.map(|(_, hot)| hot)
}

/// One sentence on a line, with the reason why it can be believed.
fn finding(hot: &Hot) -> Markup {
    let share = hot
        .percent
        .map(|percent| format!(", {percent:.1} % of the time in measured functions"));
    html! {
        a href=(link(&hot.file, hot.line)) { (format!("{}:{}", hot.file, hot.line)) }
        " in " (hot.function) " took " (hot.time) (share.unwrap_or_default()) " in "
        (counted(hot.hits, "hit", "hits")) " (" (hot.known) ")"
    }
}

fn hottest(data: &Data) -> Markup {
    let bytes = data
        .hottest
        .iter()
        .any(|hot| hot.bytes.is_some_and(|bytes| bytes > 0));
    let errors = data.hottest.iter().any(|hot| !hot.error.is_empty());
    let seen = data.hottest.iter().any(|hot| !hot.over_time.is_empty());
    html! {
        div.scroll {
            table id="hottest" {
                tr {
                    th scope="col" { "Time" }
                    @if errors { th scope="col" { "+-" } }
                    th scope="col" { "% of run" }
                    th.extra scope="col" { "" }
                    th scope="col" { "Hits" }
                    @if bytes { th.extra scope="col" { "Bytes" } }
                    @if seen { th.extra scope="col" title="looks that found a thread on the line, over the run: sampled" { "Over the run" } }
                    th.text scope="col" { "Place" }
                    th.text scope="col" { "Line Contents" }
                }
                @for hot in &data.hottest {
                    tr {
                        td { (hot.time) }
                        @if errors { td { (hot.error) } }
                        td { (hot.percent.map(|percent| format!("{percent:.1}")).unwrap_or_default()) }
                        td.extra { (bar(hot.percent.unwrap_or(0.0), hot.error_percent)) }
                        td { (thousands(hot.hits)) }
                        @if bytes { td.extra { (hot.bytes.filter(|bytes| *bytes > 0).map(scaled_bytes).unwrap_or_default()) } }
                        @if seen { td.extra { (sparkline(&hot.over_time)) } }
                        td.text { a href=(link(&hot.file, hot.line)) title=(hot.file) { (format!("{}:{}", short(&hot.file), hot.line)) } }
                        td.text { (hot.code) }
                    }
                }
            }
        }
    }
}

/// A share; the lighter end is one standard deviation of it.
fn bar(percent: f64, error: f64) -> Markup {
    let width = |percent: f64| percent.clamp(0.0, 100.0) * 0.8;
    let sure = width(percent - error);
    let [from, rest] = [sure, width(percent + error) - sure].map(|width| format!("{width:.1}"));
    html! {
        svg.bar width="80" height="9" role="img" aria-label=(format!("{percent:.1} %")) {
            rect x="0" y="0" height="9" width=(from) {}
            @if error > 0.0 { rect.error x=(from) y="0" height="9" width=(rest) {} }
        }
    }
}

fn legend() -> Markup {
    let always = [
        (
            "Hits".to_owned(),
            "how often control came to the line: exact",
        ),
        ("Time".to_owned(), "of the line with all it calls"),
    ];
    let signs = always.into_iter().chain(footer::meanings());
    html! {
        details.legend {
            summary { "What the columns and signs mean" }
            dl { @for (sign, meaning) in signs { dt { (sign) } dd { (meaning) } } }
        }
    }
}
