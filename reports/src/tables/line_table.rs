//! The line table: what every line of a function costs, laid out as line_profiler's.

use std::io::{self, Write};

use hprof::model::{FunctionCost, Profile, Scope, function_costs};

use super::hot_table::{self, HotTableOptions};
use crate::tables::footer;
use crate::tables::heap_table;
use crate::tables::marks::signs;
use crate::tables::thin_table;
use crate::text;
use crate::text::beside::{self, Beside, Layout};
use crate::text::emphasis::{BAR, bar, heat};
use crate::text::grid::{Cell, Column, Grid, shown};
use crate::text::numbers::{self, Unit};
use crate::text::screen::Screen;
use crate::text::source::Source;
use crate::text::style::{Style, Tone};
use crate::view::{
    Common, FEW, Figures, FunctionView, LineChoice, LineView, Mark, Row, RunView, Sure,
};

/// Hottest lines at the beginning of a report of many functions.
const HOTTEST: usize = 20;

/// Thin functions listed below the tables.
const THIN_LISTED: usize = 20;

/// What follows from other columns gives way first, and what tells how sure the rest is last.
const LAYOUT: Layout<'_> = Layout {
    title: "Line Contents",
    gap: 2,
    rule: true,
    gives_way: &[
        "bars", "Label", "n", "Per Hit", "CPU", "Freed", "Allocs", "Bytes", "Await", "Net",
        "% Time", "+-",
    ],
};

/// What a line table shows and how.
///
/// ```
/// let mut options = hprof_reports::LineTableOptions::default();
/// options.sort_by_total = true;
/// options.min_percent = Some(1.0);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LineTableOptions {
    /// Unit of all times.
    pub unit: Unit,
    /// Functions by total time, the worst last.
    pub sort_by_total: bool,
    /// One line for each function after the tables.
    pub summarize: bool,
    /// Leave out functions that were never called.
    pub skip_zero: bool,
    /// Leave out rows below so many percent of their function's total, 0 to 100.
    pub min_percent: Option<f64>,
    /// Only so many functions: those with the longest total.
    pub top: Option<usize>,
    /// Of more than ten functions begin with the 20 hottest lines of all of them, and show the tables of those that make 95 % of the time, ten at most.
    pub brief: bool,
    /// The part of the profile to add up.
    pub scope: Scope,
    /// Columns of allocations, where the counting allocator ran.
    pub alloc: bool,
    /// What the stream can show.
    pub style: Style,
}

/// Writes the table of every function in the scope and, below, what must be known to trust it.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{LineTableOptions, write_line_tables};
/// let mut out = Vec::new();
/// write_line_tables(&hprof::model::Profile::default(), &LineTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"No instrumented function was entered."));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_line_tables(
    profile: &Profile,
    options: &LineTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Screen::new(out, options.style);
    let costs = function_costs(profile, options.scope);
    write_costs(profile, &costs, options, out)?;
    if options.alloc {
        heap_table::write(profile, options.scope, options.style, out)?;
    }
    thin_table::write(
        profile,
        options.scope,
        Some(THIN_LISTED),
        options.style,
        out,
    )?;
    footer::write(&RunView::new(profile), profile, options.style, out)
}

/// The tables of these costs, without the facts on the run.
pub(crate) fn write_costs(
    profile: &Profile,
    costs: &[FunctionCost],
    options: &LineTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let common = Common::of(profile, options.scope);
    write_costs_of(profile, &common, costs, options, out)
}

/// The same for one of many parts of a profile.
pub(crate) fn write_costs_of(
    profile: &Profile,
    common: &Common,
    costs: &[FunctionCost],
    options: &LineTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let choice = LineChoice {
        ascending: options.sort_by_total,
        skip_zero: options.skip_zero,
        min_percent: options.min_percent,
        top: options.top,
        brief: options.brief,
    };
    let view = LineView::new(profile, common, costs, choice);
    if let Unit::Seconds(unit) = options.unit {
        writeln!(out, "Timer unit: {} s\n", numbers::general(unit, 6))?;
    }
    if costs.is_empty() && !common.thin {
        writeln!(out, "No instrumented function was entered.\n")?;
    }
    if options.brief && costs.len() > FEW {
        let hottest = HotTableOptions {
            lines: HOTTEST,
            unit: options.unit,
            style: options.style,
        };
        hot_table::write_hottest(profile, costs, &hottest, out)?;
    }
    for function in &view.functions {
        write_table(function, options, out)?;
    }
    if options.summarize {
        write_summary(&view, options.unit, out)?;
    }
    if view.left_out > 0 {
        let functions = numbers::counted(view.left_out as u64, "function", "functions");
        let all = if options.brief {
            ": --top all shows them"
        } else {
            ""
        };
        writeln!(out, "({functions} left out{all})\n")?;
    }
    footer::write_legend(&view, options.alloc, out)
}

fn write_table(
    view: &FunctionView<'_>,
    options: &LineTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let function = view.function;
    let style = options.style;
    writeln!(
        out,
        "Total time: {} s",
        numbers::general(view.total.as_seconds(), 6)
    )?;
    writeln!(out, "File: {}", text::clean(&function.file))?;
    let title = format!(
        "Function: {} at line {}",
        text::clean(&function.name),
        function.line
    );
    writeln!(out, "{}", style.paint(Tone::Heading, &title))?;
    writeln!(out)?;

    let lines = view.rows.iter().map(|row| row.line).collect();
    let source = Beside::Source(Source::of(function, style), lines);
    let grid = ColumnChoice::new(view, options).grid(view);
    beside::write(grid, source, &LAYOUT, style, out)?;
    if function.source.is_empty() {
        writeln!(
            out,
            "(the source text is not known: only lines with a marker are shown)"
        )?;
    }
    if let (Some(least), rows @ 1..) = (options.min_percent, view.left_out) {
        let rows = numbers::counted(rows as u64, "row", "rows");
        writeln!(
            out,
            "({rows} below {} % left out)",
            numbers::general(least, 3)
        )?;
    }
    writeln!(out)
}

/// The figures of a function as the table has them.
pub(crate) fn figures(view: &FunctionView<'_>, unit: Unit, alloc: bool) -> Grid {
    let options = LineTableOptions {
        unit,
        alloc,
        ..LineTableOptions::default()
    };
    ColumnChoice::new(view, &options).grid(view)
}

fn write_summary(view: &LineView<'_>, unit: Unit, out: &mut dyn Write) -> io::Result<()> {
    for function in &view.functions {
        let total = match unit {
            Unit::Auto => text::right(&numbers::scaled_time(function.total.0 as f64), 8),
            Unit::Seconds(_) => format!("{:6.2} seconds", function.total.as_seconds()),
        };
        let function = function.function;
        let file = text::clean(&function.file);
        writeln!(
            out,
            "{total} - {file}:{} - {}",
            function.line,
            text::clean(&function.name)
        )?;
    }
    writeln!(out)
}

/// Which of the columns that not every profile needs a table has.
#[derive(Debug)]
struct ColumnChoice {
    unit: Unit,
    bars: bool,
    marks: usize,
    errors: bool,
    net: bool,
    samples: bool,
    cpu: bool,
    awaited: bool,
    heap: bool,
    labels: bool,
}

impl ColumnChoice {
    fn new(view: &FunctionView<'_>, options: &LineTableOptions) -> Self {
        Self {
            unit: options.unit,
            bars: options.style.color,
            marks: view.marks(),
            errors: view.any(|figures| {
                matches!(figures.sure, Sure::Within(_) | Sure::Unknown).then_some(())
            }),
            net: view
                .any(|figures| (figures.net).filter(|_| figures.marks.contains(&Mark::Recording))),
            samples: view.any(|figures| figures.samples),
            cpu: view.any(|figures| figures.cpu_differs.then_some(())),
            awaited: view.any(|figures| figures.awaited),
            heap: options.alloc && view.any(|figures| figures.heap),
            labels: view.rows.iter().any(|row| !row.label.is_empty()),
        }
    }

    fn grid(&self, view: &FunctionView<'_>) -> Grid {
        let mut grid = Grid::new(self.columns());
        for row in &view.rows {
            grid.push(self.cells(row));
        }
        grid
    }

    fn columns(&self) -> Vec<Column> {
        let always = [
            Column::right("Line #", 6),
            Column::right("Hits", 9),
            Column::right("Time", 12),
            Column::right("Per Hit", 8),
            Column::right("% Time", 8),
        ];
        let extra = [
            (self.bars, Column::left("", BAR).named("bars")),
            (self.marks > 0, Column::left("", self.marks)),
            (self.errors, Column::right("+-", 8)),
            (self.net, Column::right("Net", 8)),
            (self.samples, Column::right("n", 5)),
            (self.cpu, Column::right("CPU", 8)),
            (self.awaited, Column::right("Await", 8)),
            (self.heap, Column::right("Allocs", 8)),
            (self.heap, Column::right("Bytes", 9)),
            (self.heap, Column::right("Freed", 9)),
            (self.labels, Column::left("Label", 5)),
        ];
        shown(always, extra)
    }

    fn cells(&self, row: &Row<'_>) -> Vec<Cell> {
        let blank = Figures::default();
        let figures = row.figures.as_ref().unwrap_or(&blank);
        let heat = heat(figures.percent);
        let time = |nanos: f64| self.unit.time(nanos, 1, 12);
        let sure = figures.sure;
        let heap = figures.heap.filter(|_| self.heap);
        let bytes = |bytes: u64| {
            if bytes == 0 {
                String::new()
            } else {
                numbers::scaled_bytes(bytes)
            }
        };
        let always = [
            Cell::new(row.line.to_string(), Tone::Dim),
            Cell::of(figures.hits, |hits| hits.to_string()),
            Cell::of(figures.time, |nanos| {
                self.unit.sure(sure.figure(nanos), sure, 1, 12)
            })
            .toned(heat),
            Cell::of(figures.per_hit, |nanos| self.unit.sure(nanos, sure, 1, 8)),
            Cell::plain(numbers::percentage(
                figures.percent,
                figures.percent_at_most,
            ))
            .toned(heat),
        ];
        let extra = [
            (self.bars, Cell::of(figures.percent, bar).toned(heat)),
            (self.marks > 0, Cell::plain(signs(&figures.marks))),
            (self.errors, Cell::plain(self.unit.error(sure, 1, 12))),
            (
                self.net,
                Cell::of(figures.net, |(net, sure)| {
                    self.unit.sure(sure.figure(net), sure, 1, 12)
                }),
            ),
            (
                self.samples,
                Cell::of(figures.samples, |samples| samples.to_string()),
            ),
            (
                self.cpu,
                Cell::of(figures.cpu, |nanos| time(nanos.0 as f64)),
            ),
            (
                self.awaited,
                Cell::of(figures.awaited, |nanos| time(nanos.0 as f64)),
            ),
            (
                self.heap,
                Cell::of(heap.filter(|heap| heap.0 > 0), |heap| heap.0.to_string()),
            ),
            (self.heap, Cell::of(heap, |heap| bytes(heap.1))),
            (self.heap, Cell::of(heap, |heap| bytes(heap.2))),
            (self.labels, Cell::plain(text::clean(row.label))),
        ];
        shown(always, extra)
    }
}

#[cfg(test)]
mod tests;
