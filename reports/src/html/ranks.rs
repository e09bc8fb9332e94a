//! Threads, processes and ranks in the page.

use hprof::model::{Place, Profile};
use maud::{Markup, html};

use super::options::HtmlOptions;
use super::place::{link, short};
use super::plain_table::plain_table;
use crate::tables::rank_table;
use crate::text;
use crate::view::{GroupView, Grouping, RankView};

/// Rows of the table of threads, processes or ranks.
const ROWS: usize = 200;
/// Lines that are shared unevenly.
const UNEVEN: usize = 20;

/// Who did how much, where there is more than one thread; and which lines the ranks of a job share unevenly.
pub(super) fn processes(profile: &Profile, options: &HtmlOptions) -> Markup {
    let threads: usize = profile
        .processes
        .iter()
        .map(|process| process.threads.len())
        .sum();
    if threads < 2 {
        return html! {};
    }
    let has_ranks = profile
        .processes
        .iter()
        .any(|process| process.rank.is_some());
    let by = match (has_ranks, profile.processes.len()) {
        (true, _) => Grouping::Rank,
        (false, 1) => Grouping::Thread,
        (false, _) => Grouping::Process,
    };
    let title = match by {
        Grouping::Rank => "Ranks",
        Grouping::Thread => "Threads",
        Grouping::Process | Grouping::Host => "Processes",
    };
    let view = GroupView::new(profile, by);
    let rows = view.rows.get(..ROWS).unwrap_or(&view.rows);
    let grid = rank_table::group_grid(rows, by, options.unit);
    let places: Vec<Markup> = rows
        .iter()
        .map(|row| hottest_line(profile, row.hottest))
        .collect();
    html! {
        section id="processes" {
            h2 { (title) }
            @if rows.len() < view.rows.len() {
                p.legend { (format!("The first {ROWS} of {}; hprof show --by rank or --threads has all.", view.rows.len())) }
            }
            (plain_table(&grid, Some(("Hottest Line", &places))))
            @if has_ranks { (uneven(profile, options)) }
        }
    }
}

fn uneven(profile: &Profile, options: &HtmlOptions) -> Markup {
    let view = RankView::new(profile, None);
    let lines = view.most_uneven(UNEVEN);
    let grid = rank_table::rank_grid(lines.iter().map(|(_, row)| *row), options.unit);
    let places: Vec<Markup> = lines
        .iter()
        .map(|(function, row)| {
            let at = row.line.checked_sub(function.function.line);
            let code = at.and_then(|at| function.function.source.get(at as usize));
            let code = code.filter(|_| options.source).map(|code| code.trim());
            let code = text::clean(code.unwrap_or_default()).into_owned();
            html! { (line_link(&function.function.file, row.line)) "  " (code) }
        })
        .collect();
    html! {
        @if !lines.is_empty() {
            h2 { "Lines that the ranks share unevenly" }
            p.legend { "The time by which the slowest rank is above the mean, the largest first. Time inside MPI counts as that of the line that calls it." }
            (plain_table(&grid, Some(("Line", &places))))
        }
    }
}

/// The line on which a group spent most of its time, and its function.
fn hottest_line(profile: &Profile, place: Option<Place>) -> Markup {
    let known = place.and_then(|place| {
        let function = profile.functions.get(place.function.0 as usize)?;
        Some((function, place.line))
    });
    html! {
        @if let Some((function, line)) = known {
            (text::clean(&function.name)) " at " (line_link(&function.file, line))
        }
    }
}

/// A place in a source as a link; all of its path is on hand.
fn line_link(file: &str, line: u32) -> Markup {
    let file = text::clean(file);
    html! { a href=(link(&file, line)) title=(file) { (format!("{}:{line}", short(&file))) } }
}
