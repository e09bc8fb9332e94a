//! Text in columns: display width, tabs, control characters, cutting.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns between tab stops.
const TAB: usize = 4;

/// Columns that the text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text on one line that cannot disturb a terminal: tabs become spaces up to the next stop, control characters a
/// replacement sign.
///
/// ```
/// assert_eq!(hprof_reports::clean("a\u{1b}[31m\tb"), "a\u{fffd}[31m  b");
/// ```
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + TAB);
    let mut column = 0;
    for sign in text.trim_end_matches(['\r', '\n']).chars() {
        if sign == '\t' {
            let stop = TAB - column % TAB;
            clean.extend(std::iter::repeat_n(' ', stop));
            column += stop;
        } else if is_unsafe(sign) {
            clean.push(char::REPLACEMENT_CHARACTER);
            column += 1;
        } else {
            clean.push(sign);
            column += sign.width().unwrap_or(0);
        }
    }
    Cow::Owned(clean)
}

/// Control characters, and the marks that turn the direction of writing and so could show code in a false order.
pub(crate) fn is_unsafe(sign: char) -> bool {
    sign.is_control()
        || matches!(
            sign,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// The longest start of the text that fits into so many columns.
pub(crate) fn cut(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    for (at, sign) in text.char_indices() {
        taken += sign.width().unwrap_or(0);
        if taken > columns {
            return &text[..at];
        }
    }
    text
}

/// The end of a path in so many columns: whole folders go from its front, then what else is too much.
pub(crate) fn tail(path: &str, columns: usize) -> String {
    if width(path) <= columns {
        return path.to_owned();
    }
    let folders = path.match_indices('/').map(|(at, _)| &path[at..]);
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut ends = folders.map(|end| format!("...{end}"));
    ends.find(|end| width(end) <= columns)
        .unwrap_or_else(|| name.to_owned())
}

/// The text in lines of so many columns, broken between words; a word that is longer stays whole.
pub(crate) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

/// The text with spaces before it, up to a width.
pub(crate) fn right(text: &str, columns: usize) -> String {
    blanks(columns.saturating_sub(width(text))) + text
}

/// The text with spaces after it, up to a width.
pub(crate) fn left(text: &str, columns: usize) -> String {
    text.to_owned() + &blanks(columns.saturating_sub(width(text)))
}

/// So many spaces. A width of a format string holds no more than 65,535, and text from a profile may be longer.
fn blanks(columns: usize) -> String {
    " ".repeat(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_end_at_stops_and_controls_are_replaced() {
        assert_eq!(clean("\tlet\tx;"), "    let x;");
        assert_eq!(clean("a\u{1b}[31m\r"), "a\u{fffd}[31m");
        assert_eq!(clean("x\u{202e}y"), "x\u{fffd}y");
        assert_eq!(clean("x\u{200f}y"), "x\u{fffd}y");
        assert!(matches!(clean("  plain"), Cow::Borrowed("  plain")));
    }

    #[test]
    fn paths_lose_their_folders_before_their_name() {
        let path = "sample-workloads/src/größe/main.rs";
        assert_eq!(tail(path, 34), path);
        assert_eq!(tail(path, 33), ".../src/größe/main.rs");
        assert_eq!(tail(path, 17), ".../größe/main.rs");
        assert_eq!(tail(path, 16), ".../main.rs");
        assert_eq!(tail(path, 5), "main.rs");
        assert_eq!(tail("main.rs", 3), "main.rs");
    }

    #[test]
    fn long_notes_are_broken_between_words() {
        assert_eq!(wrapped("no room for a, bc", 9), ["no room", "for a, bc"]);
        assert_eq!(wrapped("no room", 1), ["no", "room"]);
    }

    #[test]
    fn width_counts_columns_not_characters() {
        assert_eq!(width("日本"), 4);
        assert_eq!(cut("日本語", 5), "日本");
        assert_eq!(right("日", 4), "  日");
        assert_eq!(left("日", 4), "日  ");
    }

    #[test]
    fn text_is_padded_to_any_width() {
        let columns = usize::from(u16::MAX) + 2;
        assert_eq!(right("x", columns).len(), columns);
        assert_eq!(left("x", columns).len(), columns);
    }
}
