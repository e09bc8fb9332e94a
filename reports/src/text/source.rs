//! The source lines of a function, clean and coloured, with as much of their indentation as there is room for; blank where the text
//! is missing.

use std::borrow::Cow;

use hprof::model::Function;

use crate::text;
use crate::text::highlight::{Highlighter, Piece};
use crate::text::style::{Style, Tone};

/// Columns of a line's code that deep nesting must leave, where the line has so many.
const LEAST_CODE: usize = 20;

/// Lines of a source with their numbers. A damaged profile may have the first anywhere, so lines behind the last number are left out.
pub(crate) fn numbered<T>(
    first: u32,
    lines: impl IntoIterator<Item = T>,
) -> impl Iterator<Item = (u32, T)> {
    (first..=u32::MAX).zip(lines)
}

/// Source text ready to be shown.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    first: u32,
    lines: Vec<(Cow<'a, str>, Vec<Piece>)>,
    /// Spaces that are left out at the beginning of each line, as far as it has them.
    common: usize,
    /// The spaces behind those are divided by this.
    divisor: usize,
}

impl<'a> Source<'a> {
    /// The lines of a function.
    pub(crate) fn of(function: &'a Function, style: Style) -> Self {
        Self::new(
            function.line,
            function.source.iter().map(String::as_str),
            style,
        )
    }

    /// These lines, the first of which has the given number.
    pub(crate) fn new(first: u32, lines: impl Iterator<Item = &'a str>, style: Style) -> Self {
        let mut highlighter = Highlighter::default();
        let lines = lines
            .map(|line| {
                let line = text::clean(line);
                let pieces = if style.color {
                    highlighter.line(&line)
                } else {
                    vec![(0..line.len(), Tone::Plain)]
                };
                (line, pieces)
            })
            .collect();
        Self {
            first,
            lines,
            common: 0,
            divisor: 1,
        }
    }

    fn text(&self, number: u32) -> Option<&(Cow<'a, str>, Vec<Piece>)> {
        let at = number.checked_sub(self.first)? as usize;
        self.lines.get(at)
    }

    /// Columns that the widest of these lines takes.
    pub(crate) fn width(&self, numbers: &[u32]) -> usize {
        let lines = numbers.iter().filter_map(|number| self.text(*number));
        let widths = lines.map(|(line, _)| text::width(line.trim_end()) - self.left_out(line));
        widths.max().unwrap_or(0)
    }

    /// Leaves out the indentation that these lines have in common. Lines that begin before the first of all, such as those of a text
    /// over several lines, have no say.
    pub(crate) fn dedent(&mut self, numbers: &[u32]) {
        let first = self.lines.first().map_or(0, |(line, _)| indentation(line));
        let lines = numbers.iter().filter_map(|number| self.text(*number));
        let shown = lines.filter(|(line, _)| !line.trim().is_empty());
        let common = shown
            .map(|(line, _)| indentation(line))
            .filter(|columns| *columns >= first)
            .min();
        self.common = common.unwrap_or(0);
    }

    /// Makes the steps of the indentation two, then four times smaller, if code that is nested deeply would be cut off otherwise.
    pub(crate) fn flatten(&mut self, numbers: &[u32], room: usize) {
        for divisor in [1, 2, 4] {
            self.divisor = divisor;
            let mut lines = numbers.iter().filter_map(|number| self.text(*number));
            if lines.all(|(line, _)| self.shows_code(line, room)) {
                break;
            }
        }
    }

    fn shows_code(&self, line: &str, room: usize) -> bool {
        let line = line.trim_end();
        let kept = indentation(line) - self.left_out(line);
        let code = text::width(line) - indentation(line);
        kept + code.min(LEAST_CODE) <= room
    }

    /// Spaces at the beginning of a line that are not shown.
    fn left_out(&self, line: &str) -> usize {
        let spaces = indentation(line.trim_end());
        let kept = spaces.saturating_sub(self.common) / self.divisor;
        spaces - kept
    }

    /// A line with its colours, cut to so many columns; empty if it is not known.
    pub(crate) fn line(&self, number: u32, columns: usize, style: Style) -> String {
        let Some((line, pieces)) = self.text(number) else {
            return String::new();
        };
        let start = self.left_out(line);
        let end = start + text::cut(&line[start..], columns).trim_end().len();
        pieces
            .iter()
            .map(|(range, tone)| (range.start.max(start)..range.end.min(end), *tone))
            .filter(|(range, _)| !range.is_empty())
            .map(|(range, tone)| style.paint(tone, &line[range]).to_string())
            .collect()
    }
}

/// Spaces at the beginning of a line, in which tabs have become spaces.
fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}
