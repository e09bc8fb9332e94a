//! The thread table: what each thread and process did, and on request the line tables of each.

use std::io::{self, Write};

use hprof::model::{FunctionCost, Profile, Scope, function_costs};

use crate::tables::footer;
use crate::tables::line_table::{self, LineTableOptions};
use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::{self, Unit};
use crate::text::screen::Screen;
use crate::text::style::{Style, Tone};
use crate::view::{Common, RunView, ThreadRow, ThreadView, shown_processes};

/// What a thread table shows and how.
///
/// ```
/// let mut options = hprof_reports::ThreadTableOptions::default();
/// options.lines = Some(hprof_reports::LineTableOptions::default());
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ThreadTableOptions {
    /// Unit of all times.
    pub unit: Unit,
    /// The line tables of each thread, below the table of all; their own scope is not looked at.
    pub lines: Option<LineTableOptions>,
    /// What the stream can show.
    pub style: Style,
}

/// Writes one row for each thread, with sums for processes where there are several.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{ThreadTableOptions, write_thread_table};
/// let mut out = Vec::new();
/// write_thread_table(&hprof::model::Profile::default(), &ThreadTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"No thread entered an instrumented function."));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_thread_table(
    profile: &Profile,
    options: &ThreadTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Screen::new(out, options.style);
    write_table(profile, options, out)?;
    if let Some(lines) = &options.lines {
        write_lines(profile, lines, |scope| function_costs(profile, scope), out)?;
    }
    footer::write(&RunView::new(profile), profile, options.style, out)
}

fn write_table(
    profile: &Profile,
    options: &ThreadTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let view = ThreadView::new(profile);
    if view.rows.is_empty() {
        return writeln!(out, "No thread entered an instrumented function.\n");
    }
    let style = options.style;
    let mut grid = Grid::new(COLUMNS.to_vec());
    for row in &view.rows {
        grid.push(cells(row, options.unit));
    }
    let places = view
        .rows
        .iter()
        .map(|row| Place::of_line(profile, row.hottest));
    let places = Beside::Places(places.collect());
    beside::write(grid, places, &LAYOUT, style, out)?;
    writeln!(out)?;
    if let Some((least, mean, most)) = view.spread {
        let [least, mean, most] =
            [least, mean, most].map(|time| numbers::scaled_time(time.0 as f64));
        let imbalance = view
            .imbalance
            .map(|times| format!("; the longest is {times:.2} times the mean"));
        let imbalance = imbalance.unwrap_or_default();
        writeln!(
            out,
            "Profiled time of a thread: min {least}, mean {mean}, max {most}{imbalance}\n"
        )?;
    }
    Ok(())
}

/// Shares can be worked out, and who looks for what is slow needs neither ids nor the wall time of a thread.
const LAYOUT: Layout<'_> = Layout {
    title: "Hottest Line",
    gap: 2,
    rule: true,
    gives_way: &["Id", "% CPU", "% Share", "Wall", "Process", "CPU"],
};

const COLUMNS: [Column; 8] = [
    Column::left("Process", 7),
    Column::left("Thread", 10),
    Column::right("Id", 7),
    Column::right("Wall", 9),
    Column::right("CPU", 9),
    Column::right("% CPU", 6),
    Column::right("Profiled", 9),
    Column::right("% Share", 7),
];

fn cells(row: &ThreadRow<'_>, unit: Unit) -> Vec<Cell> {
    let time = |nanos: f64| unit.time(nanos, 1, 12);
    let share = |percent: f64| format!("{percent:.1}");
    let process = row.process;
    let (process, thread, id) = match (row.thread, process.rank) {
        (Some(thread), _) => {
            let times = if thread.uses > 1 {
                format!(" (x{})", thread.uses)
            } else {
                String::new()
            };
            let name = format!("{}{times}", text::clean(&thread.name));
            let pid = if row.alone {
                process.pid.to_string()
            } else {
                String::new()
            };
            (pid, name, thread.tid.to_string())
        }
        (None, rank) => {
            let rank = rank.map(|rank| format!("rank {rank}, "));
            let when = if row.replaced { ", before exec" } else { "" };
            let name = format!("{}all{when}", rank.unwrap_or_default());
            (process.pid.to_string(), name, String::new())
        }
    };
    let sum = row.thread.is_none();
    let cells = [
        Cell::plain(process),
        Cell::plain(thread),
        Cell::new(id, Tone::Dim),
        Cell::plain(time(row.wall.0 as f64)),
        Cell::of(row.cpu, |cpu| time(cpu.0 as f64)),
        Cell::of(row.busy, share),
        Cell::plain(time(row.profiled.0 as f64)),
        Cell::of(row.share, share),
    ];
    cells
        .into_iter()
        .map(|cell| if sum { cell.toned(Tone::Heading) } else { cell })
        .collect()
}

/// The line tables of each thread under a line that names it. The costs come from outside so that they can be worked out by hand.
fn write_lines(
    profile: &Profile,
    options: &LineTableOptions,
    costs: impl Fn(Scope) -> Vec<FunctionCost>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = shown_processes(profile);
    // Calls of thin functions are known by process.
    let common = Common::of(profile, Scope::Thread(0, 0));
    for (at, process) in profile.processes.iter().enumerate() {
        if !shown[at] {
            continue;
        }
        for (index, thread) in process.threads.iter().enumerate() {
            let name = text::clean(&thread.name);
            let title = format!("Thread: {name} ({}) of process {}", thread.tid, process.pid);
            writeln!(out, "{}\n", options.style.paint(Tone::Heading, &title))?;
            let costs = costs(Scope::Thread(at, index));
            line_table::write_costs_of(profile, &common, &costs, options, out)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hprof::model::Nanos;

    use super::*;
    use crate::fixture;

    /// The run of the fixture with a worker thread beside the main one, and a second process.
    fn two_processes() -> Profile {
        let mut profile = fixture::diffusion();
        let mut worker = profile.processes[0].threads[0].clone();
        worker.name = "worker-日本".into();
        worker.tid = 4712;
        worker.uses = 3;
        worker.cpu = None;
        worker.nodes.truncate(1);
        profile.processes[0].threads.push(worker);
        let mut child = fixture::diffusion().processes.remove(0);
        child.pid = 4720;
        child.rank = Some(1);
        child.threads[0].nodes.clear();
        child.threads[0].wall = Nanos::ZERO;
        profile.processes.push(child);
        profile
    }

    fn table(profile: &Profile) -> String {
        let mut out = Vec::new();
        write_table(profile, &ThreadTableOptions::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_thread_needs_no_sum() {
        insta::assert_snapshot!(table(&fixture::diffusion()), @r#"
    Process Thread          Id      Wall       CPU  % CPU  Profiled % Share  Hottest Line
    =====================================================================================
    4711    main          4711    1.24 s    1.15 s   92.7    1.22 s   100.0  Field::advance at src/solver.rs:23
    "#);
    }

    #[test]
    fn a_narrow_terminal_keeps_the_thread_its_times_and_its_line() {
        let mut out = Vec::new();
        let mut options = ThreadTableOptions::default();
        options.style.width = Some(80);
        write_table(&two_processes(), &options, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn processes_have_sums_and_threads_a_spread() {
        insta::assert_snapshot!(table(&two_processes()), @r#"
    Process Thread                Id      Wall       CPU  % CPU  Profiled % Share  Hottest Line
    ===========================================================================================
    4711    all                         1.25 s    1.16 s   92.8    1.25 s   100.0
            main                4711    1.24 s    1.15 s   92.7    1.22 s    97.8  Field::advance at src/solver.rs:23
            worker-日本 (x3)    4712    1.24 s                    28.1 ms     2.2  main at src/solver.rs:3
    4720    rank 1, all                 1.25 s    1.16 s   92.8      0 ns     0.0
            main                4711      0 ns    1.15 s             0 ns     0.0

    Profiled time of a thread: min 0 ns, mean 417 ms, max 1.22 s; the longest is 2.93 times the mean
    "#);
    }

    #[test]
    fn a_process_before_exec_is_told_apart_and_left_out_if_nothing_ran_there() {
        let mut profile = two_processes();
        profile.processes[0].threads.truncate(1);
        let mut image = fixture::diffusion().processes.remove(0);
        image.pid = 4720;
        image.start_unix_ns += 5;
        profile.processes.push(image);
        for process in &mut profile.processes[1..] {
            process.rank = None;
        }
        profile.processes[1].finished = false;
        let empty = table(&profile);
        assert!(!empty.contains("before exec"), "{empty}");
        assert!(empty.contains("min 1.22 s, mean 1.22 s"), "{empty}");
        let nodes = profile.processes[0].threads[0].nodes[..1].to_vec();
        profile.processes[1].threads[0].nodes = nodes;
        let rows = table(&profile);
        assert!(rows.contains("\n4720    all, before exec"), "{rows}");
        assert!(rows.contains("\n4720    all   "), "{rows}");
    }

    #[test]
    fn line_tables_of_each_thread_stand_under_its_name() {
        let mut out = Vec::new();
        let options = LineTableOptions {
            top: Some(0),
            ..LineTableOptions::default()
        };
        let costs = |scope| match scope {
            Scope::Thread(0, 0) => fixture::diffusion_costs(),
            _ => Vec::new(),
        };
        write_lines(&two_processes(), &options, costs, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
    Thread: main (4711) of process 4711

    (3 functions left out)

    Thread: worker-日本 (4712) of process 4711

    No instrumented function was entered.

    Thread: main (4711) of process 4720

    No instrumented function was entered.
    "#);
    }
}
