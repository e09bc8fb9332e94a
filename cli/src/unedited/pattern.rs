//! Patterns that choose functions by their paths, such as `parser::*` and, to leave some out, `-*::tests::*`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// All patterns of a run. Without any that chooses, all functions are chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Patterns(Vec<String>);

impl Patterns {
    /// From what was typed: several may stand in one word, with commas between.
    pub(crate) fn new<'a>(typed: impl IntoIterator<Item = &'a str>) -> Self {
        let words = typed.into_iter().flat_map(|text| text.split(','));
        let words = words.map(str::trim).filter(|word| !word.is_empty());
        Self(words.map(str::to_owned).collect())
    }

    /// Whether the function is chosen.
    pub(crate) fn choose(&self, path: &str) -> bool {
        let (left_out, chosen) = self.parts();
        let mut chosen = chosen.peekable();
        let is_chosen = chosen.peek().is_none() || chosen.any(|pattern| matches(pattern, path));
        is_chosen && !left_out.into_iter().any(|pattern| matches(pattern, path))
    }

    /// The patterns that may match functions of this crate, one of `crates`: only a crate whose patterns change is built anew.
    pub(crate) fn for_crate(&self, name: &str, crates: &BTreeSet<String>) -> Self {
        let may_match = |pattern: &&String| {
            let pattern = pattern.trim_start_matches('-');
            match pattern.split_once("::") {
                Some((first, _)) => first == name || !crates.contains(first),
                None => true,
            }
        };
        let kept: Vec<String> = self.0.iter().filter(may_match).cloned().collect();
        let is_narrowed = self.parts().1.next().is_some();
        let kept = Self(kept);
        if is_narrowed && kept.parts().1.next().is_none() {
            return Self(vec!["-*".to_owned()]);
        }
        kept
    }

    /// The first pattern that matches none of these.
    pub(crate) fn without_match<'a>(&'a self, paths: &[String]) -> Option<&'a str> {
        let mut patterns = self.0.iter().map(|pattern| pattern.trim_start_matches('-'));
        patterns.find(|pattern| !paths.iter().any(|path| matches(pattern, path)))
    }

    /// As a word that [`Patterns::new`] reads.
    pub(crate) fn text(&self) -> String {
        self.0.join(",")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The patterns that leave out, without their sign, and those that choose.
    fn parts(&self) -> (Vec<&str>, impl Iterator<Item = &str>) {
        let left_out = self
            .0
            .iter()
            .filter_map(|pattern| pattern.strip_prefix('-'));
        let chosen = self.0.iter().map(String::as_str);
        (
            left_out.collect(),
            chosen.filter(|pattern| !pattern.starts_with('-')),
        )
    }
}

/// A pattern matches a path from its beginning, or from any name in it, to its end; `*` is any text.
fn matches(pattern: &str, path: &str) -> bool {
    let tails = path
        .match_indices("::")
        .map(|(at, sign)| &path[at + sign.len()..]);
    std::iter::once(path)
        .chain(tails)
        .any(|tail| matches_all(pattern.as_bytes(), tail.as_bytes()))
}

fn matches_all(pattern: &[u8], text: &[u8]) -> bool {
    // Where to go on when the text after a star turns out to be another.
    let mut star = None;
    let (mut at, mut place) = (0, 0);
    while place < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, place));
            at += 1;
        } else if pattern.get(at) == Some(&text[place]) {
            at += 1;
            place += 1;
        } else if let Some((before, tried)) = star {
            star = Some((before, tried + 1));
            at = before + 1;
            place = tried + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// The paths that are nearest to what was typed, the nearest first.
pub(crate) fn nearest<'a>(typed: &str, paths: &'a [String], most: usize) -> Vec<&'a str> {
    let wanted = typed.replace('*', "");
    let wanted = wanted.trim_matches(':');
    let mut ranked: Vec<(usize, &str)> = paths
        .iter()
        .map(|path| {
            let tails = path
                .match_indices("::")
                .map(|(at, sign)| &path[at + sign.len()..]);
            let distances = std::iter::once(&**path)
                .chain(tails)
                .map(|tail| distance(wanted, tail));
            (distances.min().unwrap_or(usize::MAX), &**path)
        })
        .collect();
    ranked.sort_unstable();
    ranked.truncate(most);
    ranked.into_iter().map(|(_, path)| path).collect()
}

/// How many letters have to be changed, added or taken away.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (place, same) in other.iter().enumerate() {
            let changed = diagonal + usize::from(*same != letter);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_from_any_name_to_the_end() {
        for (pattern, path) in [
            ("a::b", "a::b"),
            ("b::c", "a::b::c"),
            ("a::*", "a::b::c"),
            ("*::new", "a::B::new"),
            ("new", "a::B::new"),
            ("a*c", "abbc"),
            ("*b*", "abbc"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [("b", "ab"), ("a::b", "a::b::c"), ("a*d", "abc"), ("", "a")] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn functions_are_chosen_and_left_out() {
        let chooses = |text: &str, path: &str| Patterns::new([text]).choose(path);
        assert!(chooses("", "a::b"));
        assert!(chooses("a::*", "a::b") && !chooses("a::*", "c::d"));
        assert!(chooses("-c::*", "a::b") && !chooses("-c::*", "c::d"));
        assert!(chooses("a::*, -a::b", "a::c") && !chooses("a::*, -a::b", "a::b"));
    }

    #[test]
    fn a_crate_sees_the_patterns_that_may_match_in_it() {
        let crates = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let text = |typed: &str| Patterns::new([typed]).for_crate("a", &crates).text();
        assert_eq!(text("a::x,m::*,-b::y"), "a::x,m::*");
        // Whatever is chosen in another crate, nothing is chosen here.
        assert_eq!(text("b::*"), "-*");
        assert_eq!(text("-b::*"), "");
    }

    #[test]
    fn what_matches_nothing_is_told_with_what_is_near() {
        let paths = [
            "a::parse".to_owned(),
            "a::print".to_owned(),
            "a::quite_another".to_owned(),
        ];
        let patterns = Patterns::new(["a::*,-pares"]);
        assert_eq!(patterns.without_match(&paths), Some("pares"));
        assert_eq!(nearest("pares", &paths, 2), ["a::parse", "a::print"]);
    }
}
