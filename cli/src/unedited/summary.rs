//! What a run without edits measured, told after it: how many functions were instrumented, and which were not and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hprof::raw::layout::{THIN_TRIED, ThinCell};
use hprof_reports::counted;

use super::note::Note;
use crate::output;

/// Names in a message.
const NAMED: usize = 3;
/// Section of a program with an entry for each thin function.
const THIN: &[u8] = b"hprof_thin";

/// The crates that programs are made of.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    notes: Vec<Note>,
    thin: usize,
}

impl Summary {
    /// Of the programs that were started.
    pub(crate) fn of<'a>(programs: impl Iterator<Item = &'a Path>) -> Self {
        let mut summary = Self::default();
        let mut waiting: Vec<PathBuf> = programs.map(Path::to_owned).collect();
        let mut seen = BTreeSet::new();
        while let Some(path) = waiting.pop() {
            if !seen.insert(path.with_extension("")) {
                continue;
            }
            if let Some(note) = Note::read(&path) {
                waiting.extend(note.parts.iter().cloned());
                summary.thin += thin_functions(&path);
                summary.notes.push(note);
            }
        }
        summary
    }

    /// Tells it.
    pub(crate) fn say(&self) {
        for line in self.lines() {
            output::say(line);
        }
    }

    fn sum(&self, part: impl Fn(&Note) -> usize) -> usize {
        self.notes.iter().map(part).sum()
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.counts()];
        lines.extend(self.refused());
        for note in &self.notes {
            if let Some(why) = &note.plain {
                lines.push(format!(
                    "the crate {} ({}) is not measured, for {why}",
                    note.name,
                    number(note.found, "function", "functions")
                ));
            }
        }
        let unreadable: BTreeSet<_> = self
            .notes
            .iter()
            .flat_map(|note| &note.unreadable)
            .collect();
        for file in unreadable {
            let file = file.display();
            lines.push(format!(
                "{file} is not measured: it is not Rust as hprof knows it"
            ));
        }
        lines
    }

    fn counts(&self) -> String {
        let with_any = self.notes.iter().filter(|note| note.found > 0).count();
        let mut parts = vec![format!(
            "instrumented {} of {} in {}",
            thousands(self.sum(|note| note.instrumented + note.annotated)),
            number(self.sum(|note| note.found), "function", "functions"),
            number(with_any, "crate", "crates"),
        )];
        for (count, kind) in [
            (self.sum(|note| note.constant), "const"),
            (self.thin, "thin"),
            (
                self.sum(|note| note.in_macros),
                "more written inside macros not seen",
            ),
        ] {
            if count > 0 {
                parts.push(format!("{} {kind}", thousands(count)));
            }
        }
        parts.join("; ")
    }

    /// Functions that were left out, and why.
    fn refused(&self) -> Vec<String> {
        let refused = self.notes.iter().flat_map(|note| &note.refused);
        let reasons = refused.map(|refused| (&refused.function, &refused.error));
        let refused: BTreeMap<_, _> = reasons.collect();
        let named = refused.iter().take(NAMED);
        let mut lines: Vec<String> = named
            .map(|(function, error)| {
                format!("{function} is not measured, for it does not compile with the attribute: {error}")
            })
            .collect();
        if refused.len() > NAMED {
            let more = number(
                refused.len() - NAMED,
                "more function is",
                "more functions are",
            );
            lines.push(format!("{more} not measured for such reasons"));
        }
        lines
    }
}

fn thousands(count: usize) -> String {
    hprof_reports::thousands(u64::try_from(count).unwrap_or(u64::MAX))
}

fn number(count: usize, one: &str, many: &str) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), one, many)
}

/// How many thin functions a program has: the entries of its section, less those by which the recorder finds out what a call costs. None where the program
/// cannot be read.
fn thin_functions(program: &Path) -> usize {
    let bytes = fs::read(program).unwrap_or_default();
    let entries = section_bytes(&bytes, THIN).unwrap_or(0) / size_of::<ThinCell>();
    entries.saturating_sub(THIN_TRIED)
}

/// Size of a section of a 64-bit ELF file of this machine's byte order.
fn section_bytes(file: &[u8], wanted: &[u8]) -> Option<usize> {
    if !file.starts_with(b"\x7fELF\x02") {
        return None;
    }
    let word = |at: usize| Some(u16::from_ne_bytes(file.get(at..at + 2)?.try_into().ok()?));
    let wide = |at: usize| {
        let value = u64::from_ne_bytes(file.get(at..at.checked_add(8)?)?.try_into().ok()?);
        usize::try_from(value).ok()
    };
    let (table, entry) = (wide(0x28)?, usize::from(word(0x3a)?));
    let (count, names) = (usize::from(word(0x3c)?), usize::from(word(0x3e)?));
    let header = |index: usize| table.checked_add(index.checked_mul(entry)?);
    let names = wide(header(names)? + 0x18)?;
    for index in 0..count {
        let at = header(index)?;
        let name = file.get(at..at + 4)?.try_into().ok()?;
        let name = names.checked_add(usize::try_from(u32::from_ne_bytes(name)).ok()?)?;
        let text = file.get(name..)?.split(|byte| *byte == 0).next()?;
        if text == wanted {
            return wide(at + 0x20);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unedited::note::Refused;

    #[test]
    fn what_was_left_out_is_told_with_the_reason() {
        let note = Note {
            name: "a".into(),
            found: 1200,
            instrumented: 1190,
            constant: 7,
            annotated: 2,
            in_macros: 3,
            refused: vec![Refused {
                function: "a::b".into(),
                error: "no".into(),
            }],
            unreadable: vec!["/x/c.rs".into()],
            ..Note::default()
        };
        let plain = Note {
            name: "p".into(),
            found: 1,
            plain: Some("why".into()),
            ..Note::default()
        };
        let summary = Summary {
            notes: vec![note, plain],
            thin: 212,
        };
        assert_eq!(
            summary.lines(),
            [
                "instrumented 1,192 of 1,201 functions in 2 crates; 7 const; 212 thin; 3 more written inside macros not seen",
                "a::b is not measured, for it does not compile with the attribute: no",
                "the crate p (1 function) is not measured, for why",
                "/x/c.rs is not measured: it is not Rust as hprof knows it",
            ]
        );
    }

    #[test]
    fn sections_are_found_in_this_program_and_not_in_damaged_ones() {
        let bytes = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(section_bytes(&bytes, b".text").unwrap() > 0);
        assert_eq!(section_bytes(&bytes, b"no such section"), None);
        for end in [0, 10, 64, bytes.len() / 2] {
            assert_eq!(section_bytes(&bytes[..end], b"no such section"), None);
        }
    }
}
