//! A small Rust lexer for syntax colours. It works line by line and carries what a line leaves open to the next one;
//! it never fails: what it does not know stays plain.

use std::ops::Range;

use crate::text::style::Tone;

const KEYWORDS: &[&str] = &[
    "Self", "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum",
    "extern", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move",
    "mut", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "type",
    "union", "unsafe", "use", "where", "while", "yield",
];

const PRIMITIVES: &[&str] = &[
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16",
    "u32", "u64", "u8", "usize",
];

/// What is open at the start of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Code,
    /// Block comments, so many deep.
    Comment(u32),
    /// A string with escapes.
    Text,
    /// A raw string that ends with so many `#`.
    Raw(usize),
}

/// Splits Rust source into coloured pieces, one line after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Highlighter {
    open: Open,
    /// Brackets open since `#[`; 0 outside of attributes.
    attribute: u32,
}

/// A piece of a line and its tone; the pieces of a line cover it in order.
pub(crate) type Piece = (Range<usize>, Tone);

impl Highlighter {
    /// The pieces of the next line.
    pub(crate) fn line(&mut self, line: &str) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut at = 0;
        while at < line.len() {
            let (length, tone) = self.next(&line[at..]);
            let end = at + length;
            match pieces.last_mut() {
                Some((range, last)) if *last == tone => range.end = end,
                _ => pieces.push((at..end, tone)),
            }
            at = end;
        }
        pieces
    }

    /// Length in bytes (never 0) and tone of the token that the rest of a line starts with.
    fn next(&mut self, rest: &str) -> (usize, Tone) {
        match self.open {
            Open::Code => self.code(rest),
            Open::Comment(depth) => (self.comment(rest, depth), Tone::Comment),
            Open::Text => (self.text(rest), Tone::Text),
            Open::Raw(hashes) => (self.raw(rest, hashes), Tone::Text),
        }
    }

    fn code(&mut self, rest: &str) -> (usize, Tone) {
        if rest.starts_with("//") {
            return (rest.len(), Tone::Comment);
        }
        if rest.starts_with("/*") {
            self.open = Open::Comment(1);
            return (2, Tone::Comment);
        }
        if let Some((length, open)) = string_start(rest) {
            self.open = open;
            return (length, Tone::Text);
        }
        let first = rest.chars().next().unwrap_or(' ');
        if first == '\'' || rest.starts_with("b'") {
            return quote(rest);
        }
        if first.is_ascii_digit() {
            return (number(rest), Tone::Number);
        }
        if is_word(first) {
            let (length, tone) = word(rest);
            let inside = self.attribute > 0 && tone != Tone::Keyword;
            return (length, if inside { Tone::Attribute } else { tone });
        }
        (first.len_utf8(), self.sign(first, rest))
    }

    /// The tone of a single sign, and the count of an attribute's brackets.
    fn sign(&mut self, sign: char, rest: &str) -> Tone {
        let starts = sign == '#' && (rest.starts_with("#[") || rest.starts_with("#!["));
        if self.attribute == 0 {
            // The bracket that follows the `#` counts the second of these two.
            self.attribute = u32::from(starts);
            return if starts { Tone::Attribute } else { Tone::Plain };
        }
        match sign {
            '[' => self.attribute += 1,
            ']' if self.attribute == 2 => self.attribute = 0,
            ']' => self.attribute -= 1,
            _ => {}
        }
        Tone::Attribute
    }

    fn comment(&mut self, rest: &str, depth: u32) -> usize {
        let opens = rest.find("/*").unwrap_or(rest.len());
        let closes = rest.find("*/").unwrap_or(rest.len());
        if opens == closes {
            return rest.len();
        }
        self.open = match depth {
            _ if opens < closes => Open::Comment(depth + 1),
            1 => Open::Code,
            _ => Open::Comment(depth - 1),
        };
        opens.min(closes) + 2
    }

    fn text(&mut self, rest: &str) -> usize {
        let mut escaped = false;
        for (at, sign) in rest.char_indices() {
            match sign {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.open = Open::Code;
                    return at + 1;
                }
                _ => {}
            }
        }
        rest.len()
    }

    fn raw(&mut self, rest: &str, hashes: usize) -> usize {
        let end = format!("\"{}", "#".repeat(hashes));
        match rest.find(&end) {
            Some(at) => {
                self.open = Open::Code;
                at + end.len()
            }
            None => rest.len(),
        }
    }
}

/// Length of what opens a string literal, and what is open then.
fn string_start(rest: &str) -> Option<(usize, Open)> {
    let prefix = ["br", "cr", "b", "c", "r"]
        .into_iter()
        .find(|prefix| rest.starts_with(prefix))
        .unwrap_or("");
    let after = &rest[prefix.len()..];
    if !prefix.ends_with('r') {
        return after
            .starts_with('"')
            .then_some((prefix.len() + 1, Open::Text));
    }
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..]
        .starts_with('"')
        .then_some((prefix.len() + hashes + 1, Open::Raw(hashes)))
}

/// A character literal or a lifetime.
fn quote(rest: &str) -> (usize, Tone) {
    let start = rest.find('\'').unwrap_or(0) + 1;
    let mut signs = rest[start..].char_indices();
    match signs.next() {
        Some((_, '\\')) => {
            signs.next();
            let end = signs.find(|(_, sign)| *sign == '\'');
            (end.map_or(rest.len(), |(at, _)| start + at + 1), Tone::Text)
        }
        Some((_, sign)) if rest[start + sign.len_utf8()..].starts_with('\'') => {
            (start + sign.len_utf8() + 1, Tone::Text)
        }
        Some((_, sign)) if is_word(sign) => {
            let name = &rest[start..];
            let length = name.find(|sign: char| !is_word(sign)).unwrap_or(name.len());
            (start + length, Tone::Lifetime)
        }
        _ => (start, Tone::Plain),
    }
}

/// Length of a number, with its fraction, exponent and suffix.
fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let hexadecimal = rest.starts_with("0x");
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        let fraction = byte == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        let exponent =
            matches!(byte, b'+' | b'-') && matches!(bytes[at - 1], b'e' | b'E') && !hexadecimal;
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || fraction || exponent) {
            break;
        }
        at += 1;
    }
    at
}

fn is_word(sign: char) -> bool {
    sign == '_' || sign.is_alphanumeric()
}

fn word(rest: &str) -> (usize, Tone) {
    let length = rest.find(|sign: char| !is_word(sign)).unwrap_or(rest.len());
    let (name, after) = rest.split_at(length);
    let tone = if KEYWORDS.contains(&name) {
        Tone::Keyword
    } else if PRIMITIVES.contains(&name) || name.starts_with(char::is_uppercase) {
        Tone::Type
    } else if after.starts_with('!') && !after.starts_with("!=") {
        Tone::Macro
    } else {
        Tone::Plain
    };
    (length, tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of some lines that are not plain, as `Tone:text`.
    fn colored(lines: &[&str]) -> Vec<String> {
        let mut highlighter = Highlighter::default();
        let mut found = Vec::new();
        for line in lines {
            let pieces = highlighter.line(line);
            let covered: String = pieces
                .iter()
                .map(|(range, _)| &line[range.clone()])
                .collect();
            assert_eq!(covered, *line, "the pieces must cover the line");
            for (range, tone) in pieces {
                if tone != Tone::Plain {
                    found.push(format!("{tone:?}:{}", &line[range]));
                }
            }
        }
        found
    }

    #[test]
    fn keywords_types_numbers_and_macros() {
        assert_eq!(
            colored(&["let x: Vec<u8> = vec![0x1e-3, 1.5e-3f64, 0..10]; r#type != 2"]),
            [
                "Keyword:let",
                "Type:Vec",
                "Type:u8",
                "Macro:vec",
                "Number:0x1e",
                "Number:3",
                "Number:1.5e-3f64",
                "Number:0",
                "Number:10",
                "Keyword:type",
                "Number:2"
            ]
        );
    }

    #[test]
    fn quotes_are_characters_or_lifetimes() {
        assert_eq!(
            colored(&[r"fn f<'a>(x: &'a str) { ('x', '\'', b'\n', '日', 'l: loop {} ) }"]),
            [
                "Keyword:fn",
                "Lifetime:'a",
                "Lifetime:'a",
                "Type:str",
                "Text:'x'",
                r"Text:'\''",
                r"Text:b'\n'",
                "Text:'日'",
                "Lifetime:'l",
                "Keyword:loop"
            ]
        );
    }

    #[test]
    fn strings_and_comments_reach_over_lines() {
        assert_eq!(
            colored(&[
                "a(\"x \\\" // no",
                "still\", b) // yes",
                "/* a /* b */",
                "c */ d",
                "br#\"q\" ",
                "\"# e"
            ]),
            [
                "Text:\"x \\\" // no",
                "Text:still\"",
                "Comment:// yes",
                "Comment:/* a /* b */",
                "Comment:c */",
                "Text:br#\"q\" ",
                "Text:\"#"
            ]
        );
    }

    #[test]
    fn attributes_end_at_their_bracket() {
        assert_eq!(
            colored(&["#[profile(name = \"a]\", x[1])] fn", "#![allow(", "x)] y"]),
            [
                "Attribute:#[profile(name = ",
                "Text:\"a]\"",
                "Attribute:, x[",
                "Number:1",
                "Attribute:])]",
                "Keyword:fn",
                "Attribute:#![allow(",
                "Attribute:x)]"
            ]
        );
    }

    proptest::proptest! {
        #[test]
        fn pieces_cover_any_line(lines in proptest::collection::vec(r#"([rb'"\#!/*\\\[\]e0-9. ]|.)*"#, 1..4)) {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            colored(&lines);
        }
    }
}
