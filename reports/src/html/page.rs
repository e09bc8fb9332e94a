//! The page itself. Everything from a profile passes through the template's escaping, or is JSON without `<`.

use std::io;

use hprof::model::Profile;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::changes::{self, Compared};
use super::data::{Data, Function};
use super::first_screen;
use super::looks;
use super::memory;
use super::options::HtmlOptions;
use super::over_time::{over_time, waits};
use super::place::link;
use super::ranks::processes;
use crate::pictures::flamegraph::{self, FlamegraphOptions};
use crate::text::numbers::{counted, scaled_time};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// SHA-256 of the two, in Base64: only these may run. A test computes them.
pub(super) const STYLE_HASH: &str = "CENY507gZHUwKV4xyAgseG6IeSPEpD0lB+psnVl/m38=";
pub(super) const SCRIPT_HASH: &str = "LDInpzex8ypCKXaiQeX/0+pnKF6v+YgbyIGBY9vy3Vs=";

/// Functions whose tables are readable without the script.
const STATIC_FUNCTIONS: usize = 50;

pub(super) fn page(
    profile: &Profile,
    data: &Data,
    compared: Option<&Compared<'_>>,
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
                    (navigation(compared.is_some()))
                    main {
                        @if let Some(compared) = compared { (changes::overview(compared, options)) }
                        (first_screen::overview(profile, data)?)
                        section.only-script id="function" { }
                        (flame(profile))
                        (looks::section(data.looks.as_ref()))
                        (over_time(profile))
                        (memory::section(profile, options))
                        (waits(profile, options))
                        (processes(profile, options))
                        @if let Some(compared) = compared { (changes::static_tables(&compared.comparison, options)) }
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

fn navigation(is_compared: bool) -> Markup {
    html! {
        nav aria-label="Functions" {
            input id="filter" type="search" placeholder="Filter: name or file  ( / )" aria-label="Filter functions";
            select id="sort" aria-label="Order of the functions" {
                @if is_compared { option value="changes" { "by lines that changed" } }
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
    let functions = data.functions.iter();
    let mut order: Vec<&Function> = functions.filter(|one| !one.rows.is_empty()).collect();
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
        p.legend { (format!("{}:{}; {}, total {}, self {}", function.file, function.line, counted(function.calls, "call", "calls"), function.total, function.self_text)) }
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

fn help() -> Markup {
    let keys = [
        ("/", "filter the functions"),
        ("j, k", "next, previous function"),
        ("n, p", "next, previous hot line"),
        ("d", "both profiles, or the newer one alone"),
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
