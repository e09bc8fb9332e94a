//! Code in Markdown, whatever is in it.

use std::fmt::Write as _;

use super::{clean, cut, width};

/// Lines of code above and below the one that is meant.
const AROUND: u32 = 2;

/// Longer lines of code are cut.
const COLUMNS: usize = 160;

/// As much of a line of code as there is room for.
pub(crate) fn short(text: &str) -> String {
    let text = clean(text);
    if width(&text) <= COLUMNS {
        return text.into_owned();
    }
    format!("{}...", cut(&text, COLUMNS).trim_end())
}

/// Text as code within a line.
pub(crate) fn code(text: &str) -> String {
    let text = clean(text).replace('|', "\\|");
    let longest = text.split(|letter| letter != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    if text.is_empty() {
        String::new()
    } else {
        format!("{fence}{pad}{text}{pad}{fence}")
    }
}

/// Words of a sentence that are no markup.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('|', "\\|")
}

/// A name as a word of a command.
pub(crate) fn quoted(name: &str) -> String {
    let name = clean(name);
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-+@:".contains(sign);
    if !name.is_empty() && name.chars().all(is_plain) {
        name.into_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

/// A block of text.
pub(crate) fn block(language: &str, text: &str) -> String {
    format!(
        "```{language}\n{}\n```\n",
        text.trim_end().replace("```", "'''")
    )
}

/// A line of a source that begins with line `first`, marked, and those around it; nothing if its text is not known.
pub(crate) fn excerpt(source: &[String], first: u32, line: u32) -> Option<String> {
    source.get(line.checked_sub(first)? as usize)?;
    let mut text = String::new();
    for number in line.saturating_sub(AROUND).max(first)..=line.saturating_add(AROUND) {
        let Some(code) = source.get(number.saturating_sub(first) as usize) else {
            break;
        };
        let sign = if number == line { '>' } else { ' ' };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{sign} {number} {}", short(code).trim_end());
    }
    Some(block("rust", &text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_fenced_whatever_is_in_it() {
        assert_eq!(code("a | b"), "`a \\| b`");
        assert_eq!(code("a ` b"), "``a ` b``");
        assert_eq!(code("`a`"), "`` `a` ``");
        assert_eq!(code(""), "");
    }

    #[test]
    fn names_are_words_of_a_shell() {
        assert_eq!(quoted("runs/a-1.pb.gz"), "runs/a-1.pb.gz");
        assert_eq!(quoted("it's a"), "'it'\\''s a'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn an_excerpt_has_two_lines_around_as_far_as_there_are_any() {
        let source = ["fn a() {", "    b();", "    c(\"```\");", "}"].map(String::from);
        assert_eq!(
            excerpt(&source, 7, 7).unwrap(),
            "```rust\n> 7 fn a() {\n  8     b();\n  9     c(\"'''\");\n```\n"
        );
        assert!(excerpt(&source, 7, 10).unwrap().contains("> 10 }"));
        let long = ["x".repeat(1000)];
        assert_eq!(
            excerpt(&long, 1, 1).unwrap().len(),
            160 + "```rust\n> 1 ...\n```\n".len()
        );
        assert_eq!(excerpt(&source, 7, 6), None);
        assert_eq!(excerpt(&source, 7, 11), None);
    }
}
