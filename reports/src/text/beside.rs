//! Figures in columns with text beside them: source lines, or places in the source. Where a terminal is too narrow for both, the text
//! keeps [`LEAST_TEXT`] columns, if it has so many: first the indentation that all its lines have goes, then the blanks between the
//! figures, then columns of figures in the order that each table states, and a line below the table says which.

use std::io::{self, Write};

use hprof::model::Profile;

use crate::text;
use crate::text::grid::Grid;
use crate::text::source::Source;
use crate::text::style::{Style, Tone};

/// Columns that figures leave to the text.
pub(crate) const LEAST_TEXT: usize = 40;

/// What stands beside the figures, a text for each row of the grid.
#[derive(Debug)]
pub(crate) enum Beside<'a> {
    /// Lines of a source, by their numbers.
    Source(Source<'a>, Vec<u32>),
    /// Places in sources.
    Places(Vec<Place>),
}

/// A place in a source file and what is said of it. Where it is too long the front of the path goes first.
#[derive(Debug, Default)]
pub(crate) struct Place {
    pub(crate) before: String,
    pub(crate) path: String,
    pub(crate) after: String,
}

impl Place {
    /// A line, and the function it is of; blank for none.
    pub(crate) fn of_line(profile: &Profile, line: Option<hprof::model::Place>) -> Self {
        let line = line.and_then(|place| {
            let function = profile.functions.get(place.function.0 as usize)?;
            Some(Self {
                before: format!("{} at ", text::clean(&function.name)),
                path: text::clean(&function.file).into_owned(),
                after: format!(":{}", place.line),
            })
        });
        line.unwrap_or_default()
    }

    fn width(&self) -> usize {
        text::width(&self.before) + text::width(&self.path) + text::width(&self.after)
    }

    /// The place in so many columns.
    pub(crate) fn shown(&self, columns: usize) -> String {
        let rest = text::width(&self.before) + text::width(&self.after);
        let path = text::tail(&self.path, columns.saturating_sub(rest));
        let whole = format!("{}{path}{}", self.before, self.after);
        text::cut(&whole, columns).trim_end().to_owned()
    }
}

impl Beside<'_> {
    fn width(&self) -> usize {
        match self {
            Self::Source(source, lines) => source.width(lines),
            Self::Places(places) => places.iter().map(Place::width).max().unwrap_or(0),
        }
    }

    fn row(&self, at: usize, columns: usize, style: Style) -> String {
        match self {
            Self::Source(source, lines) => {
                let line = lines.get(at).copied();
                line.map_or_else(String::new, |line| source.line(line, columns, style))
            }
            Self::Places(places) => places
                .get(at)
                .map_or_else(String::new, |place| place.shown(columns)),
        }
    }
}

/// How a table of figures with text beside them looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout<'a> {
    /// Heading of the text.
    pub(crate) title: &'a str,
    /// Blanks between the figures and the text.
    pub(crate) gap: usize,
    /// A rule below the headings.
    pub(crate) rule: bool,
    /// The columns that give way on a narrow terminal, the first of them first.
    pub(crate) gives_way: &'a [&'static str],
}

/// Writes the figures and the text beside them, and what there was no room for.
pub(crate) fn write(
    mut grid: Grid,
    mut beside: Beside<'_>,
    layout: &Layout<'_>,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let left_out = match style.width {
        Some(width) => squeeze(&mut grid, &mut beside, layout, width),
        None => Vec::new(),
    };
    let limit = style.width.unwrap_or(usize::MAX);
    let (titles, rows) = grid.lines(style);
    let gap = " ".repeat(layout.gap);
    let titles = format!("{titles}{gap}{}", layout.title);
    let shown = text::cut(&titles, limit).trim_end();
    writeln!(out, "{}", style.paint(Tone::Heading, shown))?;
    if layout.rule {
        let rule = "=".repeat(text::width(&titles).min(limit));
        writeln!(out, "{}", style.paint(Tone::Dim, &rule))?;
    }
    let room = limit.saturating_sub(grid.width() + layout.gap);
    for (at, cells) in rows.iter().enumerate() {
        let text = beside.row(at, room, style);
        writeln!(out, "{}", format!("{cells}{gap}{text}").trim_end())?;
    }
    if !left_out.is_empty() {
        let note = format!("({limit} columns have no room for {})", left_out.join(", "));
        for line in text::wrapped(&note, limit) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// Makes room for the text; the columns that had to go.
fn squeeze(
    grid: &mut Grid,
    beside: &mut Beside<'_>,
    layout: &Layout<'_>,
    width: usize,
) -> Vec<&'static str> {
    let room = |grid: &Grid| width.saturating_sub(grid.width() + layout.gap);
    if let Beside::Source(source, lines) = beside
        && source.width(lines) > room(grid)
    {
        source.dedent(lines);
    }
    let text = beside.width().min(LEAST_TEXT) + layout.gap;
    let left_out = grid.give_way(width.saturating_sub(text), layout.gives_way);
    if let Beside::Source(source, lines) = beside {
        source.flatten(lines, room(grid));
    }
    left_out
}

#[cfg(test)]
mod tests;
