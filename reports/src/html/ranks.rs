//! Threads, processes and ranks in the page.

use std::fmt::Write;

use hprof::model::Profile;
use maud::{Markup, html};

use super::options::HtmlOptions;
use super::place::{line_link, line_of};
use super::plain_table::{Behind, plain_table};
use crate::tables::rank_table;
use crate::text;
use crate::view::{GroupView, Grouping, MAX_PARTS, RankFunction, RankView};

/// Rows of the table of threads, processes or ranks.
const ROWS: usize = 200;
/// Lines of the map.
const UNEVEN: usize = 2000;
/// Width of a cell of it.
const CELL: usize = 5;

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
    let places = rows.iter().map(|row| line_of(profile, row.hottest));
    let places = Behind::new("Hottest Line", places.collect());
    html! {
        section id="processes" {
            h2 { (title) }
            @if rows.len() < view.rows.len() {
                p.legend { (format!("The first {ROWS} of {}; hprof show --by rank or --threads has all.", view.rows.len())) }
            }
            (plain_table(&grid, Some(&places)))
            @if has_ranks { (uneven(profile, options)) }
        }
    }
}

/// Lines by ranks: a cell for each rank, or for several neighbours where there are many.
fn uneven(profile: &Profile, options: &HtmlOptions) -> Markup {
    let view = RankView::new(profile, None);
    let all = view.most_uneven(usize::MAX);
    let lines = all.get(..UNEVEN).unwrap_or(&all);
    let grid = rank_table::rank_grid(lines.iter().map(|(_, row)| *row), options.unit);
    let ranks = view.ranks.len();
    let strips = lines.iter().map(|(function, row)| {
        html! { (strip(&row.spread.shape)) " " (line_link(&function.function.file, row.line)) "  " (code(function, row.line, options)) }
    });
    let title = match (view.ranks.first(), view.ranks.last()) {
        (Some(first), Some(last)) => format!("Ranks {first} to {last}"),
        _ => String::new(),
    };
    let behind = Behind::new(&title, strips.collect());
    html! {
        @if !lines.is_empty() {
            h2 { "Lines by rank" }
            p.legend {
                "The line whose slowest rank is furthest above the mean comes first. " (cells(ranks))
                " Time inside MPI counts as that of the line that calls it."
            }
            @if lines.len() < all.len() { p.legend { (format!("The first {UNEVEN} of {} lines; hprof show --ranks has all.", all.len())) } }
            div.heat { (plain_table(&grid.without("Ranks"), Some(&behind))) }
        }
    }
}

/// What a cell of the map stands for.
fn cells(ranks: usize) -> String {
    let each = ranks.div_ceil(MAX_PARTS);
    let which = if each > 1 {
        format!("the longest of {each} neighbouring ranks")
    } else {
        "one rank".to_owned()
    };
    format!(
        "Each cell is {which}: the darker and higher, the nearer to the longest time of any rank on that line."
    )
}

/// A row of the map: eight levels, each drawn at once.
fn strip(shape: &[f64]) -> Markup {
    let mut levels: [String; 8] = Default::default();
    for (at, part) in shape.iter().enumerate() {
        let level = (part * 8.0).ceil().clamp(0.0, 8.0);
        // Levels are whole and no more than eight.
        let Some(path) = (1..=8_u8)
            .rev()
            .find(|one| f64::from(*one) <= level)
            .and_then(|one| levels.get_mut(usize::from(one) - 1))
        else {
            continue;
        };
        let height = 2.0 * level - 1.0;
        // Writing to a string does not fail.
        let _ = write!(path, "M{} 15h{CELL}v-{height}h-{CELL}z", at * (CELL + 1));
    }
    let width = shape.len() * (CELL + 1);
    html! {
        svg.strip width=(width) height="15" aria-hidden="true" {
            @for (level, path) in levels.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
                path class=(format!("h{}", level + 1)) d=(path) {}
            }
        }
    }
}

fn code(function: &RankFunction<'_>, line: u32, options: &HtmlOptions) -> String {
    let function = function.function;
    let at = line.checked_sub(function.line);
    let code = at.and_then(|at| function.source.get(at as usize));
    let code = code.filter(|_| options.source).map(|code| code.trim());
    text::clean(code.unwrap_or_default()).into_owned()
}
