//! What the samples measure: the columns of their values, in the order of the file.

use crate::model::FIGURES;

/// Number of columns: the figures of lines that have one, and the calls of functions.
pub(super) const COLUMNS: usize = FIGURE_COLUMNS + 2;

/// Those of the figures of lines, which come first, in the order of [`FIGURES`].
pub(super) const FIGURE_COLUMNS: usize = {
    let (mut figure, mut columns) = (0, 0);
    while figure < FIGURES.len() {
        columns += FIGURES[figure].column.is_some() as usize;
        figure += 1;
    }
    columns
};

/// Kind and unit of each column.
pub(super) static SAMPLE_TYPES: [(&str, &str); COLUMNS] = {
    let mut types = [("", ""); COLUMNS];
    let (mut figure, mut column) = (0, 0);
    while figure < FIGURES.len() {
        if let Some(name) = FIGURES[figure].column {
            types[column] = (name, FIGURES[figure].unit.name());
            column += 1;
        }
        figure += 1;
    }
    types[CALLS] = ("calls", "count");
    types[PRIMITIVE_CALLS] = ("primitive_calls", "count");
    types
};

/// The column that other tools show first.
pub(super) const DEFAULT: &str = "time";

/// Column of the time of a line, exact and sampled.
pub(super) const TIME: usize = 1;
/// Column of the calls of a function, on a sample at its first line.
pub(super) const CALLS: usize = FIGURE_COLUMNS;
/// Column of its primitive calls, likewise.
pub(super) const PRIMITIVE_CALLS: usize = FIGURE_COLUMNS + 1;

/// Labels of each sample, with what they hold.
pub(super) mod label {
    /// Name and thread id, `main:4711`.
    pub(in super::super) const THREAD: &str = "thread";
    /// Host, process id and start in nanoseconds since the Unix epoch, `node3:4711:1767225599000000000`.
    pub(in super::super) const PROCESS: &str = "process";
    /// Rank in a parallel job, `r0007`: text, because pprof drops the number 0 and takes digits for a range.
    pub(in super::super) const RANK: &str = "rank";
}

/// One value for each column.
pub(super) type Values = [u64; COLUMNS];

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the columns has these rows, in this order.
    #[test]
    fn the_page_on_the_file_has_all_columns() {
        let page = include_str!("../../../docs/saved-profile.md");
        let (_, table) = page.split_once("| value | unit | what |").unwrap();
        let rows: Vec<&str> = table
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .collect();
        assert_eq!(rows.len(), COLUMNS);
        for (row, (kind, unit)) in rows.iter().zip(&SAMPLE_TYPES) {
            assert!(row.starts_with(&format!("| `{kind}` | {unit} |")), "{row}");
        }
    }
}
