//! Which annotated function a place in a source belongs to. Stacks know files by longer paths than the compiler was told, so the end of a path
//! counts.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use hprof::model::Function;

use super::function_name::last_name;

/// The annotated functions of a profile by where they stand.
#[derive(Debug, Default)]
pub(crate) struct Annotated<'a> {
    /// For each folder or file and each name in front of it the path that both are together. The empty path is 0.
    longer: HashMap<(usize, &'a str), usize>,
    files: Vec<File<'a>>,
}

/// The functions of a file; none if the path is not a whole one.
#[derive(Debug, Default)]
struct File<'a> {
    /// First and last line, and index.
    functions: Vec<(u32, u32, usize)>,
    /// For each line at which that changes the first of the functions around.
    around: Vec<(u32, Option<usize>)>,
    /// The first function of each name.
    named: HashMap<&'a str, usize>,
}

impl<'a> Annotated<'a> {
    pub(crate) fn new(functions: &'a [Function]) -> Self {
        let mut all = Self {
            longer: HashMap::new(),
            files: vec![File::default()],
        };
        for (index, function) in functions.iter().enumerate() {
            // A span has a row, but its code has no markers.
            if function.package.is_empty() {
                continue;
            }
            let mut path = 0;
            for name in function.file.rsplit('/') {
                let next = all.files.len();
                path = *all.longer.entry((path, name)).or_insert(next);
                if path == next {
                    all.files.push(File::default());
                }
            }
            let file = &mut all.files[path];
            file.functions
                .push((function.line, function.end_line, index));
            file.named.entry(last_name(&function.name)).or_insert(index);
        }
        for file in &mut all.files {
            file.around = around(&mut file.functions);
        }
        all
    }

    /// Index of the first function around a line of a file; where the line is not known, which is 0, of the first one of that name.
    pub(crate) fn at(&self, file: &str, line: u32, name: &str) -> Option<usize> {
        let mut path = 0;
        let mut found: Option<usize> = None;
        for part in file.rsplit('/') {
            // No path ends with nothing in front of it.
            let Some(longer) = self.longer.get(&(path, part)) else {
                break;
            };
            path = *longer;
            let here = match line {
                0 => self.files[path].named.get(last_name(name)).copied(),
                line => self.files[path].around(line),
            };
            found = [found, here].into_iter().flatten().min();
        }
        found
    }
}

impl File<'_> {
    fn around(&self, line: u32) -> Option<usize> {
        let behind = self.around.partition_point(|(start, _)| *start <= line);
        self.around.get(behind.checked_sub(1)?)?.1
    }
}

/// For each line at which that changes the first of the functions around, given their lines and indices.
fn around(functions: &mut [(u32, u32, usize)]) -> Vec<(u32, Option<usize>)> {
    functions.sort_unstable_by_key(|(first, ..)| Reverse(*first));
    let mut begins = functions.iter().rev().peekable();
    let mut ends: Vec<(u32, usize)> = functions.iter().map(|(_, last, at)| (*last, *at)).collect();
    ends.sort_unstable();
    let mut ends = ends.into_iter().peekable();
    let mut open = BTreeSet::new();
    let mut changes = Vec::new();
    let starts = functions.iter().map(|(first, ..)| *first);
    let behind = functions
        .iter()
        .filter_map(|(_, last, _)| last.checked_add(1));
    let lines: BTreeSet<u32> = starts.chain(behind).collect();
    for line in lines {
        while let Some((_, last, at)) = begins.next_if(|(first, ..)| *first <= line) {
            if *last >= line {
                open.insert(*at);
            }
        }
        while let Some((_, at)) = ends.next_if(|(last, _)| *last < line) {
            open.remove(&at);
        }
        changes.push((line, open.first().copied()));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn functions(places: &[(&str, u32, u32)]) -> Vec<Function> {
        let example = fixture::diffusion().functions.remove(0);
        let function = |(number, (file, line, end_line)): (usize, &(&str, u32, u32))| Function {
            name: format!("f{number}"),
            file: (*file).into(),
            line: *line,
            end_line: *end_line,
            ..example.clone()
        };
        places.iter().enumerate().map(function).collect()
    }

    /// What it has to be: the first of all that fit.
    fn first(functions: &[Function], file: &str, line: u32) -> Option<usize> {
        functions.iter().position(|function| {
            let rest = file.strip_suffix(function.file.as_str());
            (function.line..=function.end_line).contains(&line)
                && rest.is_some_and(|before| before.is_empty() || before.ends_with('/'))
        })
    }

    #[test]
    fn the_first_of_all_functions_around_a_line_is_found() {
        let functions = functions(&[
            ("src/a.rs", 5, 9),
            ("a.rs", 1, 20),
            ("src/a.rs", 1, 30),
            ("src/a.rs", 12, 12),
            ("src/a.rs", 40, 39),
            ("/x/src/a.rs", 50, u32::MAX),
            ("b/src/a.rs", 2, 6),
        ]);
        let annotated = Annotated::new(&functions);
        for file in [
            "src/a.rs",
            "/x/src/a.rs",
            "a.rs",
            "x/b/src/a.rs",
            "xsrc/a.rs",
            "/src/a.rs",
            "",
        ] {
            for line in (1..60).chain([u32::MAX]) {
                let found = annotated.at(file, line, "");
                assert_eq!(found, first(&functions, file, line), "{file}:{line}");
            }
        }
        assert_eq!(annotated.at("/src/a.rs", 0, "m::f3"), Some(3));
        assert_eq!(annotated.at("/src/a.rs", 0, "f6"), None);
    }

    #[test]
    fn spans_are_not_annotated_code() {
        let mut functions = functions(&[("a.rs", 1, 9)]);
        functions[0].package.clear();
        assert_eq!(Annotated::new(&functions).at("a.rs", 5, ""), None);
    }
}
