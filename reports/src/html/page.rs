//! The page itself. Everything from a profile passes through the template's escaping, or is JSON without `<`.

use std::io;

use hprof::model::Profile;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::data::{Data, Function, Hot};
use super::options::HtmlOptions;
use super::over_time::{over_time, sparkline, waits};
use super::place::{link, short};
use super::ranks::processes;
use crate::pictures::flamegraph::{self, FlamegraphOptions};
use crate::tables::footer;
use crate::text::numbers::{counted, scaled_bytes, scaled_time, thousands};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// SHA-256 of the two, in Base64: only these may run. A test computes them.
pub(super) const STYLE_HASH: &str = "/hRt8QnWUg9Na8M0PkA65OATO8ACoKxgdVMq28N9HNA=";
pub(super) const SCRIPT_HASH: &str = "5bpL+WgttSCEOC/pdfp+BjgTKCuMU+LJuPKsz9vo4f0=";

/// Functions whose tables are readable without the script.
const STATIC_FUNCTIONS: usize = 50;

pub(super) fn page(
    profile: &Profile,
    data: &Data,
    options: &HtmlOptions,
) -> Result<Markup, io::Error> {
    let title = options
        .title
        .clone()
        .unwrap_or_else(|| format!("{} by line", flamegraph::program(profile)));
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{SCRIPT_HASH}'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'"
    );
    let json = serde_json::to_string(data)?.replace('<', "\\u003c");
    Ok(html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p { (summary(profile, data)) }
                    span.grow {}
                    button.only-script id="theme" type="button" { "Light or dark" }
                }
                div.layout {
                    (navigation())
                    main {
                        (overview(profile, data)?)
                        (over_time(profile))
                        (waits(profile, options))
                        (processes(profile, options))
                        section.only-script id="function" { }
                        (flame(profile))
                        (static_tables(data))
                    }
                }
                (help())
                script type="application/json" id="data" { (PreEscaped(json)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    })
}

fn summary(profile: &Profile, data: &Data) -> String {
    let mut parts = Vec::new();
    if let Some(wall) = profile.run.wall {
        parts.push(format!("{} elapsed", scaled_time(wall.0 as f64)));
    }
    if let Some(cpu) = profile.run.cpu {
        parts.push(format!("{} CPU", scaled_time(cpu.0 as f64)));
    }
    parts.push(counted(
        data.functions.len() as u64,
        "function",
        "functions",
    ));
    parts.push(counted(
        profile.processes.len() as u64,
        "process",
        "processes",
    ));
    parts.join(", ")
}

fn navigation() -> Markup {
    html! {
        nav aria-label="Functions" {
            input id="filter" type="search" placeholder="Filter: name or file  ( / )" aria-label="Filter functions";
            select id="sort" aria-label="Order of the functions" {
                option value="total" { "by total time" }
                option value="self" { "by self time" }
                option value="hits" { "by hits" }
                option value="calls" { "by calls" }
                option value="bytes" { "by bytes allocated" }
                option value="name" { "by name" }
            }
            small id="count" {}
            ol id="list" {}
        }
    }
}

fn overview(profile: &Profile, data: &Data) -> Result<Markup, io::Error> {
    let facts = footer::text_of(profile)?;
    Ok(html! {
        section {
            @if data.functions.is_empty() {
                p.warning { "No instrumented function was entered, so there is nothing to show." }
            } @else {
                h2 { "What is slow" }
                ul.findings {
                    @for hot in data.hottest.iter().take(3) { li { (finding(hot)) } }
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
                    th scope="col" { "" }
                    th scope="col" { "Hits" }
                    @if bytes { th scope="col" { "Bytes" } }
                    @if seen { th scope="col" title="looks that found a thread on the line, over the run: sampled" { "Over the run" } }
                    th.text scope="col" { "Place" }
                    th.text scope="col" { "Line Contents" }
                }
                @for hot in &data.hottest {
                    tr {
                        td { (hot.time) }
                        @if errors { td { (hot.error) } }
                        td { (hot.percent.map(|percent| format!("{percent:.1}")).unwrap_or_default()) }
                        td { (bar(hot.percent.unwrap_or(0.0))) }
                        td { (thousands(hot.hits)) }
                        @if bytes { td { (hot.bytes.filter(|bytes| *bytes > 0).map(scaled_bytes).unwrap_or_default()) } }
                        @if seen { td { (sparkline(&hot.over_time)) } }
                        td.text { a href=(link(&hot.file, hot.line)) title=(hot.file) { (format!("{}:{}", short(&hot.file), hot.line)) } }
                        td.text { (hot.code) }
                    }
                }
            }
        }
    }
}

fn bar(percent: f64) -> Markup {
    let width = format!("{:.1}", percent.clamp(0.0, 100.0) * 0.8);
    html! {
        svg.bar width="80" height="9" role="img" aria-label=(format!("{percent:.1} %")) {
            rect x="0" y="0" height="9" width=(width) {}
        }
    }
}

fn flame(profile: &Profile) -> Markup {
    let Some(picture) = flamegraph::without_script(profile, &FlamegraphOptions::default()) else {
        return html! {};
    };
    html! {
        section id="flame" {
            h2 { "Flamegraph" }
            div.tools {
                input.only-script id="flame-search" type="search" placeholder="Search: name, or file.rs:42" aria-label="Search the flamegraph";
                span { "Widths are total time. A click shows the function." }
            }
            div.flame { (PreEscaped(picture)) }
        }
    }
}

fn static_tables(data: &Data) -> Markup {
    let mut order: Vec<&Function> = data.functions.iter().collect();
    order.sort_by_key(|function| std::cmp::Reverse(function.ns));
    let left_out = order.len().saturating_sub(STATIC_FUNCTIONS);
    html! {
        section.only-static {
            @for function in order.iter().take(STATIC_FUNCTIONS) { (table(function)) }
            @if left_out > 0 {
                p { (format!("{left_out} more functions: open this page with scripts allowed, or print them with hprof show")) }
            }
        }
    }
}

fn table(function: &Function) -> Markup {
    html! {
        h2 { (function.name) }
        p.legend { (format!("{}:{}; {} calls, total {}, self {}", function.file, function.line, function.calls, function.total, function.self_text)) }
        div.scroll {
            table {
                tr {
                    @for title in &function.columns { th scope="col" { (title) } }
                    th.text scope="col" { "Line Contents" }
                }
                @for row in &function.rows {
                    tr id=[link(&function.file, row.line).strip_prefix('#')] class=[row.group.then_some("group")] {
                        @for (at, cell) in row.cells.iter().enumerate() {
                            td class=[shade(function, row.heat, at)] { (cell) }
                        }
                        td.text { (row.code) }
                    }
                }
            }
        }
    }
}

fn shade(function: &Function, heat: u8, column: usize) -> Option<String> {
    if column == 0 {
        return Some("dim".into());
    }
    (heat > 0 && function.heat.contains(&column)).then(|| format!("h{heat}"))
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

fn help() -> Markup {
    let keys = [
        ("/", "filter the functions"),
        ("j, k", "next, previous function"),
        ("n, p", "next, previous hot line"),
        ("f", "flamegraph"),
        ("t", "top of the page"),
        ("?", "this list; Escape closes it"),
    ];
    html! {
        dialog id="help" {
            h2 { "Keys" }
            dl.legend { @for (key, meaning) in keys { dt { kbd { (key) } } dd { (meaning) } } }
        }
    }
}
