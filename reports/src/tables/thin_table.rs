//! The table of thin functions.

use std::io::{self, Write};

use hprof::model::{Profile, Scope};

use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::counted;
use crate::text::style::Style;
use crate::view::{ThinRow, ThinView};

const LAYOUT: Layout<'_> = Layout {
    title: "filename:lineno(function)",
    gap: 1,
    rule: false,
    gives_way: &[],
};

/// Writes the calls of each thin function, `top` of them at most; nothing if there are none.
pub(crate) fn write(
    profile: &Profile,
    scope: Scope,
    top: Option<usize>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let view = ThinView::new(profile, scope, top.unwrap_or(usize::MAX));
    if view.functions == 0 {
        return Ok(());
    }
    let functions = counted(view.functions as u64, "thin function", "thin functions");
    let calls = counted(view.calls, "call", "calls");
    writeln!(
        out,
        "{calls} of {functions}: counted alone, their time stands on the calling lines"
    )?;
    if view.rows.len() < view.functions {
        writeln!(
            out,
            "   Shown: {} of {} functions",
            view.rows.len(),
            view.functions
        )?;
    }
    writeln!(out)?;
    let mut grid = Grid::new(vec![Column::right("ncalls", 9)]);
    for row in &view.rows {
        grid.push(vec![Cell::plain(row.calls.to_string())]);
    }
    let places = view.rows.iter().map(place_of).collect();
    beside::write(grid, Beside::Places(places), &LAYOUT, style, out)?;
    writeln!(out)
}

fn place_of(row: &ThinRow<'_>) -> Place {
    let name = text::clean(&row.function.name);
    Place {
        before: String::new(),
        path: text::clean(&row.function.file).into_owned(),
        after: format!(":{}({name})", row.line()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn table(profile: &Profile, scope: Scope, top: Option<usize>) -> String {
        let mut out = Vec::new();
        write(profile, scope, top, Style::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_most_called_come_first() {
        let table = table(&fixture::thin(), Scope::All, None);
        let expected = [
            "23,001,000 calls of 2 thin functions: counted alone, their time stands on the calling lines",
            "",
            "   ncalls filename:lineno(function)",
            " 23000000 src/solver.rs:48(Grid::at\u{fffd})",
            "     1000 src/solver.rs:44(Grid::len)",
            "",
        ];
        assert_eq!(table.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_left_out_is_told() {
        let table = table(&fixture::thin(), Scope::Process(0), Some(1));
        assert!(table.contains("Shown: 1 of 2 functions"), "{table}");
        assert!(!table.contains("Grid::len"), "{table}");
    }

    #[test]
    fn without_thin_functions_nothing_is_written() {
        assert_eq!(table(&fixture::diffusion(), Scope::All, None), "");
        assert_eq!(table(&fixture::thin(), Scope::Thread(0, 0), None), "");
    }
}
