//! The measured lines that changed since a revision: lines of files as they are now, found in the sources that were compiled.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use hprof::model::{Function, FunctionCost, Profile};

use super::hottest::HottestView;
use super::line::hits;
use super::moved::locate;
use crate::text;
use crate::text::numbers::counted;
use crate::text::source::numbered;

/// A source file, and which of its lines are others than they were.
///
/// ```
/// use hprof_reports::ChangedFile;
/// let file = ChangedFile { name: "src/a.rs".into(), text: "fn a() {}\n".into(), lines: vec![1..=1] };
/// assert_eq!(file.lines[0].end(), &1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path as the profile has it.
    pub name: String,
    /// What it holds now. It may have changed since the run: lines are known by their text.
    pub text: String,
    /// Numbers of the lines that changed.
    pub lines: Vec<RangeInclusive<u32>>,
}

/// What the changed lines of measured functions carry.
#[derive(Debug)]
pub(crate) struct ChangedView<'a> {
    pub(crate) hottest: HottestView<'a>,
    /// Lines that changed and are measured.
    pub(crate) measured: usize,
    /// Those of them that control came to.
    pub(crate) reached: usize,
    /// Some stand in a counted loop: the row is that of the loop.
    pub(crate) loops: bool,
}

impl<'a> ChangedView<'a> {
    /// The hottest of the changed lines of a profile with these costs, so many of them.
    pub(crate) fn new(
        profile: &'a Profile,
        costs: &[FunctionCost],
        files: &[ChangedFile],
        most: usize,
    ) -> Self {
        let mut changed = BTreeSet::new();
        for file in files {
            changed.extend(lines_of(profile, file));
        }
        let (mut rows, mut measured, mut reached, mut loops) = (BTreeSet::new(), 0, 0, false);
        for cost in costs {
            let Some(function) = profile.functions.get(cost.function.0 as usize) else {
                continue;
            };
            for (line, total) in function.lines.iter().zip(&cost.lines) {
                if changed.contains(&(cost.function.0, line.line)) {
                    measured += 1;
                    reached += usize::from(hits(line, total, cost) > 0);
                    loops |= line.group != line.line;
                    rows.insert((cost.function.0, line.group));
                }
            }
        }
        Self {
            hottest: HottestView::of(profile, costs, most, |line| {
                (line.hits > 0 || line.time.0 > 0) && rows.contains(&(line.index, line.line))
            }),
            measured,
            reached,
            loops,
        }
    }

    /// In words. `changed` is how many lines changed since `revision` in all, whether they are measured or not.
    pub(crate) fn sentence(&self, (revision, changed): (&str, u64)) -> String {
        let revision = text::clean(revision);
        let lines = counted(changed, "line", "lines");
        if changed == 0 && self.measured == 0 {
            return format!("No line of a Rust file changed since {revision}.");
        }
        if self.measured == 0 {
            return format!(
                "Since {revision} {lines} changed, none of which is measured: hprof measures statements of functions that have #[profile], \
                 or of all with --all."
            );
        }
        let measured = format!(
            "Since {revision} {lines} changed: {} measured, {} reached",
            self.measured, self.reached
        );
        match self.hottest.carried {
            Some(percent) => {
                format!("{measured}, which carry {percent:.1} % of the time in measured functions")
            }
            None => measured,
        }
    }
}

/// Functions and lines, as they were compiled, that a file's changed lines are.
fn lines_of(profile: &Profile, file: &ChangedFile) -> Vec<(u32, u32)> {
    let functions: Vec<(u32, &Function)> = (0..)
        .zip(&profile.functions)
        .filter(|(_, function)| function.file == file.name)
        .collect();
    let of_file: Vec<&Function> = functions.iter().map(|(_, function)| *function).collect();
    let text: Vec<&str> = file.text.lines().collect();
    let places = locate(&of_file, &text);
    let is_changed = |line: &u32| file.lines.iter().any(|lines| lines.contains(line));
    let mut found = Vec::new();
    for ((index, function), places) in functions.iter().zip(&places) {
        let numbers = function.lines.iter().map(|line| line.line);
        if places.is_empty() {
            // Without its text a function can only be where it was.
            found.extend(numbers.filter(is_changed).map(|line| (*index, line)));
            continue;
        }
        for (line, now) in numbered(function.line, places) {
            // What is gone, or another text by now, was changed after the run.
            if now.is_none_or(|now| is_changed(&now.line)) {
                found.push((*index, line));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use hprof::model::{Scope, function_costs};

    use super::*;
    use crate::fixture;

    /// The text of the first function in its file, and the number of its hottest line.
    fn file(profile: &Profile) -> (ChangedFile, u32) {
        let costs = function_costs(profile, Scope::All);
        let view = HottestView::new(profile, &costs, 1);
        let (function, line) = (view.rows[0].function, view.rows[0].line);
        let above = "\n".repeat(function.line as usize - 1);
        let file = ChangedFile {
            name: function.file.clone(),
            text: above + &function.source.join("\n"),
            lines: Vec::new(),
        };
        (file, line)
    }

    fn view<'a>(profile: &'a Profile, file: &ChangedFile) -> ChangedView<'a> {
        let costs = function_costs(profile, Scope::All);
        ChangedView::new(profile, &costs, std::slice::from_ref(file), 20)
    }

    /// One function alone, so that no other one is looked for in its file.
    fn profile() -> Profile {
        let mut profile = fixture::diffusion();
        let costs = function_costs(&profile, Scope::All);
        let hottest = HottestView::new(&profile, &costs, 1).rows[0].index;
        for (index, function) in (0..).zip(&mut profile.functions) {
            if index != hottest {
                function.file = "other.rs".into();
            }
        }
        profile
    }

    #[test]
    fn a_changed_line_is_found_where_it_was_and_where_it_went() {
        let profile = profile();
        let (mut file, line) = file(&profile);
        assert_eq!(view(&profile, &file).measured, 0);
        file.lines = vec![line..=line];
        let here = view(&profile, &file);
        assert_eq!((here.measured, here.reached), (1, 1));
        let row = &here.hottest.rows[0];
        // Three lines more above, since the run.
        file.text.insert_str(0, "// a\n// b\n// c\n");
        file.lines = vec![line + 3..=line + 3];
        let moved = view(&profile, &file);
        assert_eq!(moved.hottest.rows[0].line, row.line);
        assert_eq!(moved.hottest.rows.len(), 1);
        assert_eq!(moved.hottest.carried, here.hottest.carried);
        // Nobody changed a file of this name.
        file.name = "x.rs".into();
        assert_eq!(view(&profile, &file).measured, 0);
    }

    #[test]
    fn all_lines_carry_all_of_the_time() {
        let mut profile = fixture::diffusion();
        for function in &mut profile.functions {
            function.source.clear();
        }
        let names: BTreeSet<&str> = (profile.functions.iter())
            .map(|one| one.file.as_str())
            .collect();
        let files: Vec<ChangedFile> = names
            .iter()
            .map(|name| ChangedFile {
                name: (*name).into(),
                text: String::new(),
                lines: vec![1..=u32::MAX],
            })
            .collect();
        let costs = function_costs(&profile, Scope::All);
        let all = ChangedView::new(&profile, &costs, &files, 1);
        assert!((all.hottest.carried.unwrap() - 100.0).abs() < 1e-9);
        assert_eq!(all.hottest.rows.len(), 1);
        assert!(all.hottest.found > 1);
    }
}
