//! Which functions an earlier run found too dear to measure in full: the list that `hprof run --fit` hands over.
//!
//! The variable `HPROF_FIT_<crate>` names the file with the list of a crate, after a number that changes with it: the compiler is told of the
//! variable, so exactly the crates whose list has changed are compiled again. A line of the list is
//!
//! ```text
//! thin 0123456789abcdef Grid::step<tab>src/grid.rs
//! ```
//!
//! with what becomes of the function, a number made of its text, its name and its file. A function whose text has changed is not on it any more.

use crate::emit::Facts;
use std::collections::HashMap;
use std::{env, fs};

/// What becomes of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fitted {
    /// It counts its calls.
    Thin,
    /// It is left as it is.
    LeftOut,
}

/// The name of the variable for a crate.
pub(crate) fn variable(crate_name: &str) -> String {
    format!("HPROF_FIT_{crate_name}")
}

/// The functions of one crate, by the number of their text, their name and file.
#[derive(Debug, Default)]
pub(crate) struct List(HashMap<(u64, String), Fitted>);

impl List {
    /// The list for a crate; empty if there is none, or it cannot be read.
    pub(crate) fn of(crate_name: &str) -> Self {
        let value = env::var(variable(crate_name)).unwrap_or_default();
        let text = value
            .split_once(':')
            .and_then(|(_, path)| fs::read_to_string(path).ok());
        Self::parse(&text.unwrap_or_default())
    }

    /// Reads a list; lines that are none are left out.
    pub(crate) fn parse(text: &str) -> Self {
        let entry = |line: &str| {
            let (kind, rest) = line.split_once(' ')?;
            let (number, place) = rest.split_once(' ')?;
            let fitted = match kind {
                "thin" => Fitted::Thin,
                "leave" => Fitted::LeftOut,
                _ => return None,
            };
            let number = u64::from_str_radix(number, 16).ok()?;
            Some(((number, place.to_owned()), fitted))
        };
        Self(text.lines().filter_map(entry).collect())
    }

    /// What becomes of a function.
    pub(crate) fn find(&self, facts: impl Fn() -> Facts) -> Option<Fitted> {
        if self.0.is_empty() {
            return None;
        }
        let Facts {
            name, file, source, ..
        } = facts();
        let key = (number_of(&source), format!("{name}\t{file}"));
        self.0.get(&key).copied()
    }
}

/// A number that changes with a text: FNV-1a of 64 bits (Fowler, Noll and Vo) over its lines, each with its end. `hprof` makes the same.
fn number_of(text: &str) -> u64 {
    let bytes = text.lines().flat_map(|line| line.bytes().chain([b'\n']));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_found_by_its_text_name_and_file() {
        let number = number_of("fn f() {\n}");
        let list = List::parse(&format!(
            "thin {number:016x} f\tsrc/a.rs\nleave {number:016x} g h\tsrc/a.rs\nthin x f\tsrc/b.rs\nno line\n"
        ));
        let find = |name: &str, file: &str, source: &str| {
            list.find(|| Facts {
                name: name.to_owned(),
                file: file.to_owned(),
                line: 1,
                column: 1,
                end_line: 2,
                package: String::new(),
                source: source.to_owned(),
                max_allocs: None,
            })
        };
        assert_eq!(find("f", "src/a.rs", "fn f() {\r\n}\n"), Some(Fitted::Thin));
        assert_eq!(
            find("g h", "src/a.rs", "fn f() {\n}"),
            Some(Fitted::LeftOut)
        );
        assert_eq!(find("f", "src/b.rs", "fn f() {\n}"), None);
        assert_eq!(find("f", "src/a.rs", "fn f() {\n }"), None);
    }

    /// The command computes the same number.
    #[test]
    fn the_number_of_a_text_is_fixed() {
        assert_eq!(number_of("fn f() {}"), 0xca21_bc77_c906_456a);
    }
}
