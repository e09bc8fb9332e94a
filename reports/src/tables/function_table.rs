//! The function table, laid out as cProfile's.

use std::io::{self, Write};

use hprof::model::{Function, FunctionCost, Profile, Scope, function_costs};

use crate::tables::footer;
use crate::tables::thin_table;
use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::emphasis::heat;
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::{self, Unit};
use crate::text::screen::Screen;
use crate::text::style::Style;
use crate::view::{FunctionRow, FunctionSort, FunctionTableView, RunView};

/// What a function table shows and how.
///
/// ```
/// let mut options = hprof_reports::FunctionTableOptions::default();
/// options.sort = hprof_reports::FunctionSort::TotTime;
/// options.top = Some(10);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FunctionTableOptions {
    /// Order of the rows.
    pub sort: FunctionSort,
    /// Unit of all times.
    pub unit: Unit,
    /// The part of the profile to add up.
    pub scope: Scope,
    /// Only so many rows, the first ones.
    pub top: Option<usize>,
    /// Leave out functions whose total is below so many percent of the time in all of them, 0 to 100.
    pub min_percent: Option<f64>,
    /// What the stream can show.
    pub style: Style,
}

/// Writes one row for each function that was entered: calls (`total/primitive` where it called itself), time in itself (`tottime`) and
/// with everything it called (`cumtime`); below them the thin functions with their calls. Where some waited, the time between the polls of async functions and outside of entered spans (`await`).
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{FunctionTableOptions, write_function_table};
/// let mut out = Vec::new();
/// write_function_table(&hprof::model::Profile::default(), &FunctionTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"         0 function calls in 0 seconds"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_function_table(
    profile: &Profile,
    options: &FunctionTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Screen::new(out, options.style);
    let costs = function_costs(profile, options.scope);
    write_costs(profile, &costs, options, out)?;
    thin_table::write(profile, options.scope, options.top, options.style, out)?;
    footer::write(&RunView::new(profile), profile, options.style, out)
}

pub(crate) fn write_costs(
    profile: &Profile,
    costs: &[FunctionCost],
    options: &FunctionTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let view = FunctionTableView::new(
        profile,
        costs,
        options.sort,
        options.min_percent,
        options.top,
    );
    let calls = view.calls;
    let primitive = if view.primitive_calls == view.calls {
        String::new()
    } else {
        format!(" ({} primitive calls)", view.primitive_calls)
    };
    let seconds = numbers::general(view.total.as_seconds(), 4);
    writeln!(
        out,
        "         {calls} function calls{primitive} in {seconds} seconds\n"
    )?;
    writeln!(out, "   Ordered by: {}", options.sort.title())?;
    if view.rows.len() < view.functions {
        writeln!(
            out,
            "   Shown: {} of {} functions",
            view.rows.len(),
            view.functions
        )?;
    }
    writeln!(out)?;

    let waits = view.rows.iter().any(|row| row.awaited.is_some());
    let mut columns = COLUMNS.to_vec();
    columns.extend(waits.then_some(Column::right("await", 8)));
    let mut grid = Grid::new(columns);
    for row in &view.rows {
        grid.push(cells(row, options.unit, waits));
    }
    let places = view.rows.iter().map(|row| place_of(row.function)).collect();
    beside::write(grid, Beside::Places(places), &LAYOUT, options.style, out)?;
    writeln!(out)
}

fn place_of(function: &Function) -> Place {
    Place {
        before: String::new(),
        path: text::clean(&function.file).into_owned(),
        after: format!(":{}({})", function.line, text::clean(&function.name)),
    }
}

/// What can be worked out from other columns gives way first.
const LAYOUT: Layout<'_> = Layout {
    title: "filename:lineno(function)",
    gap: 1,
    rule: false,
    gives_way: &["percall", "await", "ncalls"],
};

const COLUMNS: [Column; 5] = [
    Column::right("ncalls", 9),
    Column::right("tottime", 8),
    Column::right("percall", 8),
    Column::right("cumtime", 8),
    Column::right("percall", 8),
];

fn cells(row: &FunctionRow<'_>, unit: Unit, waits: bool) -> Vec<Cell> {
    let time = |nanos: f64| unit.time(nanos, 3, 12);
    let sure = |nanos, sure| Cell::of(nanos, |nanos| unit.sure(nanos, sure, 3, 12));
    let (self_sure, total_sure) = (row.self_sure, row.total_sure);
    let calls = if row.calls == row.primitive_calls {
        row.calls.to_string()
    } else {
        format!("{}/{}", row.calls, row.primitive_calls)
    };
    let mut cells = vec![
        Cell::plain(calls),
        sure(Some(self_sure.figure(row.self_time)), self_sure),
        sure(row.self_per_call, self_sure),
        sure(Some(total_sure.figure(row.total)), total_sure).toned(heat(row.percent)),
        sure(row.total_per_call, total_sure),
    ];
    cells.extend(waits.then(|| Cell::of(row.awaited, |nanos| time(nanos.0 as f64))));
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn table(costs: &[FunctionCost], options: &FunctionTableOptions) -> String {
        let mut out = Vec::new();
        write_costs(&fixture::diffusion(), costs, options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn recursive_calls_show_their_primitive_ones() {
        let mut costs = fixture::diffusion_costs();
        costs[2].calls = 1973;
        insta::assert_snapshot!(table(&costs, &FunctionTableOptions::default()), @r#"
            2474 function calls (1001 primitive calls) in 1.222 seconds

      Ordered by: cumulative time

      ncalls  tottime  percall  cumtime  percall    await filename:lineno(function)
           1  28.1 ms  28.1 ms   1.22 s   1.22 s          src/solver.rs:1(main)
         500   1.19 s  2.39 ms   1.19 s  2.39 ms  12.0 ms src/solver.rs:20(Field::advance)
    1973/500  9.00 us   4.6 ns  9.00 us    18 ns          src/solver.rs:40(helper::<[u8; 8]>)
    "#);
    }

    #[test]
    fn an_error_larger_than_the_time_is_a_bound_here_too() {
        let mut costs = fixture::diffusion_costs();
        costs[2].total_variance = 1_200_000_u128.pow(2);
        let table = table(&costs, &FunctionTableOptions::default());
        let row = table.lines().find(|row| row.contains("helper")).unwrap();
        let cells: Vec<&str> = row.split("  ").map(str::trim).collect();
        assert_eq!(
            cells.join(" ").trim(),
            "500 <= 1.2 ms <= 2.4 us <= 1.2 ms <= 2.4 us     src/solver.rs:40(helper::<[u8; 8]>)"
        );
    }

    #[test]
    fn rows_follow_the_order_asked_for() {
        let costs = fixture::diffusion_costs();
        let first = |sort| {
            let options = FunctionTableOptions {
                sort,
                ..FunctionTableOptions::default()
            };
            let table = table(&costs, &options);
            let row = table.lines().nth(5).unwrap_or_default();
            row.split_once("solver.rs:")
                .map(|(_, place)| place.to_owned())
        };
        assert_eq!(first(FunctionSort::Cumulative).as_deref(), Some("1(main)"));
        assert_eq!(
            first(FunctionSort::TotTime).as_deref(),
            Some("20(Field::advance)")
        );
        assert_eq!(
            first(FunctionSort::Ncalls).as_deref(),
            Some("20(Field::advance)")
        );
        assert_eq!(
            first(FunctionSort::Name).as_deref(),
            Some("20(Field::advance)")
        );
    }

    #[test]
    fn fixed_unit_and_fewer_rows() {
        let options = FunctionTableOptions {
            unit: Unit::Seconds(1.0),
            top: Some(2),
            min_percent: Some(1.0),
            style: Style {
                color: true,
                width: Some(60),
            },
            ..FunctionTableOptions::default()
        };
        insta::assert_snapshot!(table(&fixture::diffusion_costs(), &options).replace('\u{1b}', "^"), @r#"
             1001 function calls in 1.222 seconds

       Ordered by: cumulative time
       Shown: 2 of 3 functions

    ^[1mncalls tottime cumtime filename:lineno(function)^[0m
         1   0.028 ^[1m^[31m  1.222^[0m src/solver.rs:1(main)
       500   1.194 ^[1m^[31m  1.194^[0m src/solver.rs:20(Field::advance)
    (60 columns have no room for percall, await)
    "#);
    }

    #[test]
    fn without_waiting_there_is_no_column_for_it() {
        let mut costs = fixture::diffusion_costs();
        for line in costs.iter_mut().flat_map(|cost| &mut cost.lines) {
            line.own.awaited = hprof::model::Nanos::ZERO;
        }
        assert!(!table(&costs, &FunctionTableOptions::default()).contains("await"));
    }

    #[test]
    fn no_calls_give_an_empty_table() {
        insta::assert_snapshot!(table(&[], &FunctionTableOptions::default()), @r#"
          0 function calls in 0 seconds

    Ordered by: cumulative time

    ncalls  tottime  percall  cumtime  percall filename:lineno(function)
    "#);
    }
}
