//! What stands between a report and its stream: no control character of a profile passes, whatever a table forgot to clean.
//!
//! Tables clean their texts anyway, to know how wide they are. Colour codes pass where the stream can show colours.

use std::io::{self, Write};

use crate::text::is_unsafe;
use crate::text::style::Style;

/// A stream that takes text. Each piece has to hold whole characters, as those of `write!` do.
pub(crate) struct Screen<'a> {
    out: &'a mut dyn Write,
    color: bool,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(out: &'a mut dyn Write, style: Style) -> Self {
        Self {
            out,
            color: style.color,
        }
    }

    /// Bytes at the start of the text that pass as they are.
    fn passing(&self, text: &str) -> usize {
        let mut rest = text.char_indices();
        while let Some((at, sign)) = rest.next() {
            if !is_unsafe(sign) || sign == '\n' {
                continue;
            }
            match color_code(&text[at..]).filter(|_| self.color) {
                Some(code) => drop(rest.nth(code - 2)),
                None => return at,
            }
        }
        text.len()
    }
}

/// Length of the colour code that the text begins with: `ESC [ digits m`.
fn color_code(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|sign: char| !sign.is_ascii_digit() && sign != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

impl Write for Screen<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let whole = String::from_utf8_lossy(piece);
        let mut text = whole.as_ref();
        while !text.is_empty() {
            let passing = self.passing(text);
            self.out.write_all(&text.as_bytes()[..passing])?;
            let mut rest = text[passing..].chars();
            if rest.next().is_some() {
                self.out.write_all("\u{fffd}".as_bytes())?;
            }
            text = rest.as_str();
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, color: bool) -> String {
        let mut out = Vec::new();
        let style = Style { color, width: None };
        Screen::new(&mut out, style)
            .write_all(text.as_bytes())
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn control_characters_never_pass() {
        let text = "größe\n\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{1b}";
        let clean = "größe\n\u{fffd}]0;x\u{fffd}\u{fffd}31m\u{fffd}\u{fffd}";
        assert_eq!(shown(text, true), clean);
        assert_eq!(shown(text, false), clean);
    }

    #[test]
    fn colour_codes_pass_where_there_are_colours() {
        let text = "\u{1b}[1m\u{1b}[31mhot\u{1b}[0m \u{1b}[2J\n";
        assert_eq!(shown(text, true), text.replace("\u{1b}[2J", "\u{fffd}[2J"));
        assert_eq!(shown(text, false), text.replace('\u{1b}', "\u{fffd}"));
    }
}
