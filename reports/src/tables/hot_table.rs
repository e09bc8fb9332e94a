//! The hottest lines of the whole run, in one table.

use std::io::{self, Write};

use hprof::model::{FunctionCost, Nanos, Profile, Scope, function_costs};

use super::footer;
use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::emphasis::heat;
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::{self, Unit};
use crate::text::screen::Screen;
use crate::text::style::{Style, Tone};
use crate::view::{HotLine, HottestView, RunView};

/// How many lines a table of the hottest lines has, and how it looks.
///
/// ```
/// let mut options = hprof_reports::HotTableOptions::default();
/// options.lines = 5;
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HotTableOptions {
    /// Lines at most.
    pub lines: usize,
    /// Unit of all times.
    pub unit: Unit,
    /// What the stream can show.
    pub style: Style,
}

impl Default for HotTableOptions {
    fn default() -> Self {
        Self {
            lines: 20,
            unit: Unit::default(),
            style: Style::default(),
        }
    }
}

/// Writes the lines that took longest by themselves, whatever function they are of.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{HotTableOptions, write_hot_table};
/// let mut out = Vec::new();
/// write_hot_table(&hprof::model::Profile::default(), &HotTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"No line took any time."));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_hot_table(
    profile: &Profile,
    options: &HotTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Screen::new(out, options.style);
    let costs = function_costs(profile, Scope::All);
    write_hottest(profile, &costs, options, out)?;
    footer::write(&RunView::new(profile), profile, options.style, out)
}

/// The table of a profile with these costs.
pub(crate) fn write_hottest(
    profile: &Profile,
    costs: &[FunctionCost],
    options: &HotTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (unit, style) = (options.unit, options.style);
    let view = HottestView::new(profile, costs, options.lines);
    if view.rows.is_empty() {
        return writeln!(out, "No line took any time.\n");
    }
    let title = format!(
        "The {} hottest lines: {:.1} % of the time in measured functions",
        view.rows.len(),
        view.percent.unwrap_or(0.0)
    );
    writeln!(out, "{}\n", style.paint(Tone::Heading, &title))?;
    write_rows(&view, unit, style, out)
}

/// The lines in a table.
pub(super) fn write_rows(
    view: &HottestView<'_>,
    unit: Unit,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let errors = view.rows.iter().any(|line| line.sure.error().is_some());
    let mut columns = vec![Column::right("Own Time", 9)];
    columns.extend(errors.then(|| Column::right("+-", 8)));
    columns.extend([
        Column::right("% Run", 6),
        Column::right("Hits", 9),
        Column::left("Place", 5),
    ]);
    let mut grid = Grid::new(columns);
    for line in &view.rows {
        grid.push(cells(line, errors, unit));
    }
    let places = view.rows.iter().map(|line| Place {
        before: text::clean(line.text).into_owned(),
        ..Place::default()
    });
    beside::write(grid, Beside::Places(places.collect()), &LAYOUT, style, out)?;
    writeln!(out)
}

const LAYOUT: Layout<'_> = Layout {
    title: "Line Contents",
    gap: 2,
    rule: true,
    gives_way: &["+-", "Hits"],
};

/// Columns of a place: the end of a longer path stays.
const PLACE: usize = 32;

fn cells(line: &HotLine<'_>, errors: bool, unit: Unit) -> Vec<Cell> {
    let sure = line.sure;
    // What has hits and no time at all was not timed.
    let time = match line.time {
        Nanos::ZERO => String::new(),
        time => unit.sure(sure.figure(time), sure, 1, 12),
    };
    let mut cells = vec![Cell::plain(time).toned(heat(line.percent))];
    cells.extend(errors.then(|| Cell::plain(unit.error(sure, 1, 12))));
    let number = format!(":{}", line.line);
    let path = text::tail(
        &text::clean(&line.function.file),
        PLACE.saturating_sub(number.len()),
    );
    cells.extend([
        Cell::of(line.percent, |percent| format!("{percent:.1}")),
        Cell::plain(numbers::thousands(line.hits)),
        Cell::plain(format!("{path}{number}")),
    ]);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn lines_of_all_functions_stand_in_one_table() {
        let profile = fixture::diffusion();
        let mut out = Vec::new();
        let options = HotTableOptions {
            lines: 4,
            ..HotTableOptions::default()
        };
        write_hottest(&profile, &fixture::diffusion_costs(), &options, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
