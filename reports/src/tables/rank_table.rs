//! The rank tables: what every line costs over the ranks of a parallel job, how uneven that is, and which rank is the worst. And a row for each rank,
//! machine, process or thread.

use std::io::{self, Write};

use hprof::model::{Nanos, Profile};

use crate::tables::footer;
use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::emphasis::heat;
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::{self, Unit};
use crate::text::screen::Screen;
use crate::text::source::Source;
use crate::text::style::{Style, Tone};
use crate::view::{
    GroupRow, GroupView, Grouping, RankFunction, RankRow, RankView, RunView, Spread,
};

/// What rank tables show and how.
///
/// ```
/// let mut options = hprof_reports::RankTableOptions::default();
/// options.top = Some(3);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RankTableOptions {
    /// Unit of all times.
    pub unit: Unit,
    /// Only so many functions: those with the longest total.
    pub top: Option<usize>,
    /// What the stream can show.
    pub style: Style,
}

/// Writes a table of each function: hits and time of its lines over all ranks, the least, mean and most of a rank, by how much the most is above the
/// mean, and which rank that was.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{RankTableOptions, write_rank_tables};
/// let mut out = Vec::new();
/// write_rank_tables(&hprof::model::Profile::default(), &RankTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"No process of this profile has a rank."));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_rank_tables(
    profile: &Profile,
    options: &RankTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Screen::new(out, options.style);
    let view = RankView::new(profile, options.top);
    match &view.profiled {
        Some(profiled) => write_tables(&view, profiled, options, out)?,
        None => writeln!(
            out,
            "No process of this profile has a rank.\nRanks are known by the variables of Open MPI, MPICH, Slurm and others, or by HPROF_RANK and HPROF_SIZE.\n"
        )?,
    }
    footer::write(&RunView::new(profile), profile, options.style, out)
}

fn write_tables(
    view: &RankView<'_>,
    profiled: &Spread,
    options: &RankTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let ranks = numbers::counted(view.ranks.len() as u64, "rank", "ranks");
    let hosts = numbers::counted(view.hosts as u64, "machine", "machines");
    let [least, mean, most] = [profiled.least, profiled.mean, profiled.most]
        .map(|time| numbers::scaled_time(time.0 as f64));
    let worst = profiled.worst.zip(profiled.imbalance);
    let worst =
        worst.map(|(rank, imbalance)| format!(" in rank {rank}, {imbalance:.0} % above the mean"));
    let title = format!("{ranks} on {hosts}");
    writeln!(out, "{}", options.style.paint(Tone::Heading, &title))?;
    let sentence = format!(
        "Time in measured functions of a rank: min {least}, mean {mean}, max {most}{}",
        worst.unwrap_or_default()
    );
    write_wrapped(&sentence, options.style, out)?;
    if view.unranked > 0 {
        let processes = numbers::counted(view.unranked as u64, "process", "processes");
        writeln!(out, "({processes} without a rank left out)")?;
    }
    writeln!(out)?;
    for function in &view.functions {
        write_table(function, view.ranks.len(), options, out)?;
    }
    if view.left_out > 0 {
        let functions = numbers::counted(view.left_out as u64, "function", "functions");
        writeln!(out, "({functions} left out)\n")?;
    }
    write_legend(view.ranks.len(), options.style, out)
}

fn write_table(
    function: &RankFunction<'_>,
    ranks: usize,
    options: &RankTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = options.style;
    let about = function.function;
    let total = numbers::general(function.total.as_seconds(), 6);
    writeln!(out, "Total time: {total} s over {ranks} ranks")?;
    writeln!(out, "File: {}", text::clean(&about.file))?;
    let title = format!(
        "Function: {} at line {}",
        text::clean(&about.name),
        about.line
    );
    writeln!(out, "{}\n", style.paint(Tone::Heading, &title))?;
    let errors = function.rows.iter().any(|row| row.sure.error().is_some());
    let mut grid = Grid::new(columns(errors));
    for row in &function.rows {
        grid.push(cells(row, errors, options.unit));
    }
    let lines = function.rows.iter().map(|row| row.line).collect();
    let source = Beside::Source(Source::of(about, style), lines);
    beside::write(grid, source, &LAYOUT, style, out)?;
    writeln!(out)
}

fn write_legend(ranks: usize, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let bar = if ranks > crate::view::MAX_PARTS {
        format!(
            "Ranks  time by rank from the lowest on; each part is the longest of {} ranks",
            ranks.div_ceil(crate::view::MAX_PARTS)
        )
    } else {
        "Ranks  time by rank, from the lowest on".to_owned()
    };
    let sentences = [
        "+-     one standard deviation, or less, of time that was split among lines by samples",
        "Imbal  percent by which the longest time of a rank is above the mean of all ranks",
        "Worst  the rank with the longest time",
        &bar,
        "Time inside MPI counts as that of the line that calls it: put such a call on a line of its own to tell it from work.",
    ];
    for sentence in sentences {
        write_wrapped(sentence, style, out)?;
    }
    writeln!(out)
}

fn write_wrapped(sentence: &str, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for line in text::wrapped(sentence, style.width.unwrap_or(usize::MAX)) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The spread is what the table is for.
const LAYOUT: Layout<'_> = Layout {
    title: "Line Contents",
    gap: 2,
    rule: true,
    gives_way: &["Min", "Mean", "Hits", "+-", "Max"],
};

fn columns(errors: bool) -> Vec<Column> {
    let mut columns = vec![
        Column::right("Line #", 6),
        Column::right("Hits", 9),
        Column::right("Time", 9),
    ];
    columns.extend(errors.then(|| Column::right("+-", 8)));
    columns.extend([
        Column::right("Min", 8),
        Column::right("Mean", 8),
        Column::right("Max", 8),
        Column::right("Imbal", 7),
        Column::right("Worst", 5),
        Column::left("Ranks", 5),
    ]);
    columns
}

/// The figures of lines as the table has them.
pub(crate) fn rank_grid<'a>(rows: impl Iterator<Item = &'a RankRow>, unit: Unit) -> Grid {
    let mut grid = Grid::new(columns(true));
    for row in rows {
        grid.push(cells(row, true, unit));
    }
    grid
}

fn cells(row: &RankRow, errors: bool, unit: Unit) -> Vec<Cell> {
    let time = |nanos: Nanos| unit.time(nanos.0 as f64, 1, 12);
    let (spread, sure) = (&row.spread, row.sure);
    let mut cells = vec![
        Cell::new(row.line.to_string(), Tone::Dim),
        Cell::plain(row.hits.to_string()),
    ];
    if row.counted {
        return cells;
    }
    let total = unit.sure(sure.figure(spread.total), sure, 1, 12);
    cells.push(Cell::plain(total).toned(heat(row.percent)));
    cells.extend(errors.then(|| Cell::plain(unit.error(sure, 1, 12))));
    cells.extend([
        Cell::plain(time(spread.least)),
        Cell::plain(time(spread.mean)),
        Cell::plain(time(spread.most)),
        Cell::of(spread.imbalance, |percent| format!("{percent:.0} %")),
        Cell::of(spread.worst, |rank| rank.to_string()),
        Cell::plain(shape(&spread.shape)),
    ]);
    cells
}

/// A block for each part, as high as that is.
fn shape(parts: &[f64]) -> String {
    const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the eighths of a block"
    )]
    let block = |part: &f64| BLOCKS[(part * 8.0).ceil().clamp(0.0, 8.0) as usize];
    parts.iter().map(block).collect()
}

/// Writes a row for each rank, machine, process or thread.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{Grouping, RankTableOptions, write_group_table};
/// let mut out = Vec::new();
/// let profile = hprof::model::Profile::default();
/// write_group_table(&profile, Grouping::Host, &RankTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"No thread entered an instrumented function."));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_group_table(
    profile: &Profile,
    by: Grouping,
    options: &RankTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Screen::new(out, options.style);
    let view = GroupView::new(profile, by);
    if view.rows.is_empty() {
        writeln!(out, "No thread entered an instrumented function.\n")?;
    } else {
        let grid = group_grid(&view.rows, by, options.unit);
        let places = view
            .rows
            .iter()
            .map(|row| Place::of_line(profile, row.hottest));
        let places = Beside::Places(places.collect());
        beside::write(grid, places, &GROUP_LAYOUT, options.style, out)?;
        writeln!(out)?;
    }
    footer::write(&RunView::new(profile), profile, options.style, out)
}

const GROUP_LAYOUT: Layout<'_> = Layout {
    title: "Hottest Line",
    gap: 2,
    rule: true,
    gives_way: &["Processes", "Threads", "Wall", "On", "CPU"],
};

/// The figures of groups as the table has them.
pub(crate) fn group_grid(rows: &[GroupRow], by: Grouping, unit: Unit) -> Grid {
    let mut grid = Grid::new(group_columns(by));
    for row in rows {
        grid.push(group_cells(row, by, unit));
    }
    grid
}

fn group_columns(by: Grouping) -> Vec<Column> {
    let (name, on) = match by {
        Grouping::Rank => ("Rank", "Machine"),
        Grouping::Host => ("Machine", "Ranks"),
        Grouping::Process => ("Process", "Machine"),
        Grouping::Thread => ("Thread", "Process"),
    };
    let mut columns = vec![Column::left(name, 8), Column::left(on, 7).named("On")];
    if matches!(by, Grouping::Rank | Grouping::Host) {
        columns.push(Column::right("Processes", 9));
    }
    if by != Grouping::Thread {
        columns.push(Column::right("Threads", 7));
    }
    columns.extend([
        Column::right("Wall", 8),
        Column::right("CPU", 8),
        Column::right("Profiled", 8),
        Column::right("% Share", 7),
    ]);
    columns
}

fn group_cells(row: &GroupRow, by: Grouping, unit: Unit) -> Vec<Cell> {
    let time = |nanos: Nanos| unit.time(nanos.0 as f64, 1, 12);
    let mut cells = vec![
        Cell::plain(text::clean(&row.name)),
        Cell::plain(text::clean(&row.whereabouts)),
    ];
    if matches!(by, Grouping::Rank | Grouping::Host) {
        cells.push(Cell::plain(row.processes.to_string()));
    }
    if by != Grouping::Thread {
        cells.push(Cell::plain(row.threads.to_string()));
    }
    cells.extend([
        Cell::plain(time(row.wall)),
        Cell::of(row.cpu, time),
        Cell::plain(time(row.profiled)).toned(heat(row.share)),
        Cell::of(row.share, |percent| format!("{percent:.1}")),
    ]);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// The run of the fixture by three ranks, of which the second took twice as long and never came to the last function.
    fn three_ranks() -> Profile {
        let mut profile = fixture::diffusion();
        let first = profile.processes.remove(0);
        for rank in 0..3 {
            let mut process = first.clone();
            process.rank = Some(rank);
            process.ranks = Some(3);
            process.pid += rank;
            process.host = format!("node{}", rank / 2);
            if rank == 1 {
                let nodes = &mut process.threads[0].nodes;
                for node in nodes.iter_mut() {
                    (node.lines).change(|_, cost| cost.exact = cost.exact + cost.exact);
                }
                nodes.truncate(nodes.len() - 1);
            }
            profile.processes.push(process);
        }
        profile
    }

    fn written(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_show_how_uneven_the_ranks_are() {
        let profile = three_ranks();
        let options = RankTableOptions::default();
        insta::assert_snapshot!(written(|out| write_rank_tables(&profile, &options, out)));
    }

    #[test]
    fn a_narrow_terminal_keeps_the_worst_rank_and_the_source() {
        let profile = three_ranks();
        let mut options = RankTableOptions {
            top: Some(1),
            ..RankTableOptions::default()
        };
        options.style.width = Some(80);
        let table = written(|out| write_rank_tables(&profile, &options, out));
        let (table, _) = table.split_once("\n\nProgram").unwrap();
        assert!(table.lines().all(|line| text::width(line) <= 80), "{table}");
        assert!(
            table.contains("Worst") && table.contains("(2 functions left out)"),
            "{table}"
        );
    }

    #[test]
    fn rows_stand_for_ranks_machines_processes_or_threads() {
        let profile = three_ranks();
        let table = |by| {
            let options = RankTableOptions::default();
            let text = written(|out| write_group_table(&profile, by, &options, out));
            text.split("\n\n").next().unwrap().to_owned()
        };
        let all = [
            Grouping::Rank,
            Grouping::Host,
            Grouping::Process,
            Grouping::Thread,
        ]
        .map(table);
        insta::assert_snapshot!(all.join("\n\n"));
    }
}
