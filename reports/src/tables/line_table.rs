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
use crate::text::emphasis::{bar, heat};
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::{self, Unit};
use crate::text::screen::Screen;
use crate::text::source::Source;
use crate::text::style::{Style, Tone};
use crate::view::{
    Asked, Common, FEW, Figures, FunctionView, GIVES_WAY, LINE_COLUMNS, LineChoice, LineColumn,
    LineView, RunView, Value,
};

/// Hottest lines at the beginning of a report of many functions.
const HOTTEST: usize = 20;

/// Thin functions listed below the tables.
const THIN_LISTED: usize = 20;

const LAYOUT: Layout<'_> = Layout {
    title: "Line Contents",
    gap: 2,
    rule: true,
    gives_way: &GIVES_WAY,
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

impl LineTableOptions {
    fn asked(&self) -> Asked {
        Asked {
            colour: self.style.color,
            heap: self.alloc,
        }
    }
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
    footer::write_legend(&view, options.asked(), out)
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
    beside::write(grid(view, options), source, &LAYOUT, style, out)?;
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
    grid(view, &options)
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

fn grid(view: &FunctionView<'_>, options: &LineTableOptions) -> Grid {
    let asked = options.asked();
    let columns = LINE_COLUMNS.iter();
    let columns: Vec<&LineColumn> = columns
        .filter(|column| column.is_shown(&view.rows, asked))
        .collect();
    let mut grid = Grid::new(columns.iter().map(|column| head(column)).collect());
    let blank = Figures::default();
    for row in &view.rows {
        let figures = row.figures.as_ref().unwrap_or(&blank);
        let heat = heat(figures.percent);
        let cells = columns.iter().map(|column| {
            let cell = cell((column.value)(row, figures), options.unit);
            if column.is_heated {
                cell.toned(heat)
            } else {
                cell
            }
        });
        grid.push(cells.collect());
    }
    grid
}

fn head(column: &LineColumn) -> Column {
    let head = if column.is_text {
        Column::left
    } else {
        Column::right
    };
    head(column.title, column.width).named(column.name)
}

fn cell(value: Value, unit: Unit) -> Cell {
    let text = match value {
        Value::Blank | Value::Bytes(0) => String::new(),
        Value::Line(line) => return Cell::new(line.to_string(), Tone::Dim),
        Value::Count(count) => count.to_string(),
        Value::Time(nanos, sure) => unit.sure(nanos, sure, 1, 12),
        Value::PerHit(nanos, sure) => unit.sure(nanos, sure, 1, 8),
        Value::Error(sure) => unit.error(sure, 1, 12),
        Value::Plain(nanos) => unit.time(nanos.0 as f64, 1, 12),
        Value::Wait(wait, cause) => {
            let cause = cause.map(|(cause, share)| format!(" {} {share:.0} %", cause.name()));
            format!(
                "{}{}",
                unit.time(wait.0 as f64, 1, 12),
                cause.unwrap_or_default()
            )
        }
        Value::Bytes(bytes) => numbers::scaled_bytes(bytes),
        Value::Percent(share, at_most) => numbers::percentage(share, at_most),
        Value::Bar(share) => bar(share),
        Value::Marks(marks) => signs(&marks),
        Value::Trips(trips, turns) => numbers::trips(trips, turns),
        Value::Text(text) => text::clean(&text).into_owned(),
    };
    Cell::plain(text)
}

#[cfg(test)]
mod tests;
