//! The source lines of a function, clean and coloured; blank where the text is missing.

use std::borrow::Cow;

use hprof::model::Function;

use crate::highlight::{Highlighter, Piece};
use crate::style::{Style, Tone};
use crate::text;

/// Source text ready to be shown.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    first: u32,
    lines: Vec<(Cow<'a, str>, Vec<Piece>)>,
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
        Self { first, lines }
    }

    /// A line with its colours, cut to so many columns; empty if it is not known.
    pub(crate) fn line(&self, number: u32, columns: usize, style: Style) -> String {
        let at = number.checked_sub(self.first).map(|at| at as usize);
        let Some((line, pieces)) = at.and_then(|at| self.lines.get(at)) else {
            return String::new();
        };
        let shown = text::cut(line, columns).trim_end().len();
        pieces
            .iter()
            .filter(|(range, _)| range.start < shown)
            .map(|(range, tone)| {
                style
                    .paint(*tone, &line[range.start..range.end.min(shown)])
                    .to_string()
            })
            .collect()
    }
}
