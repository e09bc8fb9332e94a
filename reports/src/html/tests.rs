//! The page of small profiles, as text: a browser looks at it elsewhere.

use sha2::{Digest, Sha256};

use super::*;
use crate::fixture;
use crate::{LineTableOptions, write_line_tables};

fn page(profile: &Profile, options: &HtmlOptions) -> String {
    let mut out = Vec::new();
    write_html(profile, options, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Base64 with padding, as policies want it.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, at| {
            word << 8 | u32::from(*part.get(at).unwrap_or(&0))
        });
        for at in 0..4 {
            if at <= part.len() {
                text.push(char::from(SIGNS[(word >> (18 - 6 * at) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[test]
fn only_the_script_and_the_style_of_the_page_may_run() {
    let hash = |text: &str| base64(&Sha256::digest(text));
    assert_eq!(page::STYLE_HASH, hash(include_str!("style.css")));
    assert_eq!(page::SCRIPT_HASH, hash(include_str!("script.js")));
    let page = page(&fixture::diffusion(), &HtmlOptions::default());
    assert!(
        !page.contains(" style=") && !page.contains(" onload="),
        "inline code or style"
    );
    assert_eq!(page.matches("<style").count(), 1);
    assert_eq!(page.matches("<script").count(), 2);
}

/// All words of the line table that are figures are in the page.
#[test]
fn figures_are_those_of_the_line_table() {
    let profile = fixture::diffusion();
    let page = page(&profile, &HtmlOptions::default());
    let mut table = Vec::new();
    write_line_tables(&profile, &LineTableOptions::default(), &mut table).unwrap();
    let table = String::from_utf8(table).unwrap();
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| {
            line.starts_with("    ")
                && line
                    .trim_start()
                    .starts_with(|one: char| one.is_ascii_digit())
        })
        .collect();
    assert!(rows.len() > 8, "{table}");
    for row in rows {
        for figure in row.get(..60).unwrap_or(row).split("  ").map(str::trim) {
            let figure = figure.trim_end_matches(|sign: char| " <~|*".contains(sign));
            assert!(
                page.contains(&figure.replace('<', "\\u003c")),
                "{figure:?} of {row:?}"
            );
        }
    }
}

#[test]
fn ranks_and_uneven_lines_have_tables_and_one_thread_has_none() {
    let mut profile = fixture::diffusion();
    let text = page(&profile, &HtmlOptions::default());
    assert!(!text.contains("<h2>Threads</h2>") && !text.contains("<h2>Ranks</h2>"));
    let first = profile.processes[0].clone();
    for rank in 0..3 {
        let mut process = first.clone();
        process.rank = Some(rank);
        process.pid += rank;
        if rank == 2 {
            let lines = &mut process.threads[0].nodes[0].lines;
            lines.change(|_, cost| cost.exact = cost.exact + cost.exact);
        }
        profile.processes.push(process);
    }
    profile.processes.remove(0);
    let text = page(&profile, &HtmlOptions::default());
    assert!(text.contains("<h2>Ranks</h2>") && text.contains("<td>rank 2</td>"));
    assert!(text.contains("Lines by rank") && text.contains("<td>50 %</td>"));
}

fn compared(older: &Profile, newer: &Profile) -> String {
    let side = |profile: &Profile| vec![profile.clone()];
    let (older, newer) = (side(older), side(newer));
    let sides = [("a.pb.gz", &older), ("b.pb.gz", &newer)].map(|(name, runs)| Side { name, runs });
    let mut out = Vec::new();
    let (html, diff) = (HtmlOptions::default(), DiffOptions::default());
    write_html_diff(sides[0], sides[1], &html, &diff, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn two_profiles_have_a_verdict_and_rows_with_what_became_of_them() {
    let older = fixture::diffusion();
    let same = compared(&older, &older);
    assert!(same.contains("no change: ") && same.contains(r#","same",["#));
    for class in ["worse", "better", "other"] {
        assert!(
            !same.contains(&format!("class=\"{class}\""))
                && !same.contains(&format!("\"{class}\",["))
        );
    }
    let mut newer = fixture::diffusion();
    newer.processes[0].threads[0].nodes[2]
        .lines
        .change(|_, cost| cost.hits *= 2);
    let changed = compared(&older, &newer);
    assert!(changed.contains("1 line does more") && changed.contains(r#"class="worse""#));
    assert!(compared(&newer, &older).contains(r#"class="better""#));
}

#[test]
fn a_function_that_is_gone_is_not_taken_for_what_stands_in_its_place() {
    let older = fixture::diffusion();
    let mut newer = fixture::diffusion();
    newer.processes[0].threads[0].nodes.truncate(2);
    let page = compared(&older, &newer);
    assert!(page.contains("src/solver.rs (A)") && page.contains("(removed)"));
}

#[test]
fn many_ranks_share_cells() {
    let mut profile = fixture::diffusion();
    let first = profile.processes.remove(0);
    for rank in 0..90 {
        let mut process = first.clone();
        (process.rank, process.pid) = (Some(rank), rank);
        if rank == 44 {
            process.threads[0].nodes[0]
                .lines
                .change(|_, cost| cost.exact = cost.exact + cost.exact);
        }
        profile.processes.push(process);
    }
    let page = page(&profile, &HtmlOptions::default());
    assert!(page.contains("Each cell is the longest of 3 neighbouring ranks"));
    assert!(page.contains("Ranks 0 to 89"));
}

#[test]
fn lines_live_at_the_peak_are_those_of_the_heap_table() {
    let mut profile = fixture::diffusion();
    assert!(!page(&profile, &HtmlOptions::default()).contains("Live memory"));
    profile.processes[0].heap = Some(fixture::sampled_heap());
    profile.processes[0].threads[0].nodes[1]
        .lines
        .change(|line, cost| {
            if *line == 28 {
                cost.live.live_bytes = 1 << 20;
                cost.live.peak_bytes = 3 << 20;
            }
        });
    let page = page(&profile, &HtmlOptions::default());
    let section = page.split("id=\"memory\"").nth(1).unwrap();
    assert!(section.contains("Heap: 4.00 MiB not freed at the end, 6.00 MiB at its peak"));
    assert!(section.contains("<td>3.00 MiB</td>") && section.contains("<td>1.00 MiB</td>"));
    assert!(
        section.contains("solver.rs:28</a>") && section.contains("outside of all recorded lines")
    );
    assert!(section.contains("Sampled: one block is noted for each 512 KiB"));
}

#[test]
fn hostile_names_and_sources_stay_text() {
    let mut profile = fixture::diffusion();
    let evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\u{1b}[2J";
    for function in &mut profile.functions {
        function.name.push_str(evil);
        function.file.push_str(evil);
        function.module.push_str(evil);
        for line in &mut function.source {
            line.push_str(evil);
        }
    }
    profile.run.command = vec![evil.into()];
    let page = page(&profile, &HtmlOptions::default());
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script>").count(), 2);
    assert!(!page.contains("<img") && !page.contains('\u{202e}') && !page.contains('\u{1b}'));
}

#[test]
fn without_source_there_are_figures_and_numbers_alone() {
    let options = HtmlOptions {
        source: false,
        ..HtmlOptions::default()
    };
    let page = page(&fixture::diffusion(), &options);
    assert!(!page.contains("laplacian[row]") && !page.contains("Field::new(80)"));
    assert!(page.contains("src/solver.rs:23"));
}

#[test]
fn an_empty_profile_says_so() {
    let page = page(&Profile::default(), &HtmlOptions::default());
    assert!(page.contains("there is nothing to show"));
}
