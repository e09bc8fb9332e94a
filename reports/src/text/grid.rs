//! Cells in columns: widths, alignment, colours.

use crate::text;
use crate::text::style::{Style, Tone};

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    /// What it is called where it is left out; its title unless it has none.
    name: &'static str,
    /// Least width; longer cells widen the column.
    width: usize,
    left: bool,
}

impl Column {
    /// A column of figures.
    pub(crate) const fn right(title: &'static str, width: usize) -> Self {
        Self {
            title,
            name: title,
            width,
            left: false,
        }
    }

    /// A column of words.
    pub(crate) const fn left(title: &'static str, width: usize) -> Self {
        Self {
            title,
            name: title,
            width,
            left: true,
        }
    }

    /// The same column with a name, for one without a title.
    pub(crate) const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn align(self, cell: &str, width: usize) -> String {
        if self.left {
            text::left(cell, width)
        } else {
            text::right(cell, width)
        }
    }
}

/// A piece of text in a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }

    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, Tone::Plain)
    }

    pub(crate) fn blank() -> Self {
        Self::plain("")
    }

    /// What `show` makes of a figure, or blank.
    pub(crate) fn of<T>(figure: Option<T>, show: impl FnOnce(T) -> String) -> Self {
        Self::plain(figure.map(show).unwrap_or_default())
    }

    pub(crate) fn toned(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

/// A table whose rows all have a cell for each column.
#[derive(Debug)]
pub(crate) struct Grid {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// What a table always has, and then what of the rest is shown: its columns, or the cells of a row in the same order.
pub(crate) fn shown<T>(
    always: impl IntoIterator<Item = T>,
    rest: impl IntoIterator<Item = (bool, T)>,
) -> Vec<T> {
    let rest = rest.into_iter().filter(|part| part.0).map(|part| part.1);
    always.into_iter().chain(rest).collect()
}

impl Grid {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells are blank.
    pub(crate) fn push(&mut self, mut row: Vec<Cell>) {
        row.resize(self.columns.len(), Cell::blank());
        self.rows.push(row);
    }

    /// The titles of the columns.
    pub(crate) fn titles(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.title)
    }

    /// The texts of the cells, row by row.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Vec<&str>> {
        self.rows
            .iter()
            .map(|row| row.iter().map(|cell| cell.text.as_str()).collect())
    }

    /// Makes the table fit into so many columns of the terminal if it can: first by the blanks between its cells, then by its columns
    /// in the order given, of which it returns those that had to go.
    pub(crate) fn give_way(&mut self, width: usize, order: &[&'static str]) -> Vec<&'static str> {
        if self.width() > width {
            self.compact();
        }
        let mut left_out = Vec::new();
        for name in order {
            if self.width() <= width {
                break;
            }
            if self.remove(name) {
                left_out.push(*name);
            }
        }
        left_out
    }

    /// Takes the room that cells and titles need, and no more.
    fn compact(&mut self) {
        for column in &mut self.columns {
            column.width = 0;
        }
    }

    /// The table without a column.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.remove(name);
        self
    }

    /// Removes the columns of that name; whether there were any.
    fn remove(&mut self, name: &str) -> bool {
        let stays: Vec<bool> = self
            .columns
            .iter()
            .map(|column| column.name != name)
            .collect();
        let removed = stays.contains(&false);
        if removed {
            let mut stay = stays.iter();
            self.columns.retain(|_| stay.next() != Some(&false));
            for row in &mut self.rows {
                let mut stay = stays.iter();
                row.retain(|_| stay.next() != Some(&false));
            }
        }
        removed
    }

    /// Columns that the table takes.
    pub(crate) fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + widths.len().saturating_sub(1)
    }

    fn widths(&self) -> Vec<usize> {
        let titles = self
            .columns
            .iter()
            .map(|column| column.width.max(text::width(column.title)));
        let mut widths: Vec<usize> = titles.collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(text::width(&cell.text));
            }
        }
        widths
    }

    /// The heading line and the rows, each with a space between its cells and, where they do not end it, none after.
    pub(crate) fn lines(&self, style: Style) -> (String, Vec<String>) {
        let widths = self.widths();
        let titles = self.columns.iter().zip(&widths);
        let titles: Vec<String> = titles
            .map(|(column, width)| column.align(column.title, *width))
            .collect();
        let rows = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&self.columns).zip(&widths);
            let cells: Vec<String> = cells
                .map(|((cell, column), width)| {
                    let text = column.align(&cell.text, *width);
                    // Blanks stay bare, so that they can be cut off the end of a line.
                    let tone = if cell.text.is_empty() {
                        Tone::Plain
                    } else {
                        cell.tone
                    };
                    style.paint(tone, &text).to_string()
                })
                .collect();
            cells.join(" ")
        });
        (titles.join(" "), rows.collect())
    }
}
