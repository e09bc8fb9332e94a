//! Where the lines of functions stand in a file that has changed since they were compiled. Lines are known by their text: a function is
//! looked for where it was, then as a whole anywhere, then by its name, then by similar text; its lines are those that keep their
//! order, those that changed places, and between these the ones that are still alike.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use hprof::model::Function;

use crate::text::source::numbered;

/// Cells of the largest table that is filled to compare two texts; what is longer is looked for as a whole only.
const MOST_CELLS: usize = 1 << 24;

/// Steps that all functions of a file together may take to be found; those after that are gone.
const MOST_STEPS: usize = 1 << 27;

/// Lines above and below a function of the right name in which lines of it are looked for.
const AROUND: usize = 20;

/// Share of a function's text that must be there again for a function of another name to be the same.
const SAME_FUNCTION: f64 = 0.7;

/// Likeness from which on a line is the same, edited.
const SAME_LINE: f64 = 0.6;

/// Most that a line counts when texts are compared, and so outweighs braces.
const HEAVIEST: u32 = 40;

/// Where a line stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    /// Its number now.
    pub(crate) line: u32,
    /// Its text is another one.
    pub(crate) edited: bool,
}

/// For each function and each line of its source where that line stands in `text`; `None` for lines that are gone.
pub(crate) fn locate(functions: &[&Function], text: &[&str]) -> Vec<Vec<Option<At>>> {
    let mut search = Search::new(functions, text);
    let mut places = vec![Vec::new(); functions.len()];
    let mut order: Vec<usize> = (0..functions.len()).collect();
    order.sort_by_key(|at| functions[*at].line);
    // Whoever is where it was, or is somewhere as a whole, leaves less to choose from for the others.
    for find in [Search::unmoved, Search::where_it_stands, Search::alike] {
        let mut shift = 0;
        for at in &order {
            let function = functions[*at];
            if places[*at].is_empty()
                && let Some(found) = find(&search, function, shift)
            {
                search.claim(function, &found);
                places[*at] = found;
            }
            let first = numbered(function.line, &places[*at]);
            let mut known = first.filter_map(|(old, at)| at.map(|at| (at.line, old)));
            if let Some((new, old)) = known.next() {
                shift = i64::from(new) - i64::from(old);
            }
        }
    }
    for (place, function) in places.iter_mut().zip(functions) {
        place.resize(function.source.len(), None);
    }
    places
}

/// The text that is searched.
struct Search<'a> {
    lines: Vec<&'a str>,
    /// A number for each different text; blank lines have none.
    numbers: HashMap<&'a str, u32>,
    new: Vec<Option<u32>>,
    /// Where each text stands.
    places: HashMap<u32, Vec<usize>>,
    /// Steps that may still be taken.
    steps: Cell<usize>,
    /// For each line of the text which line of the compiled one it was found to be.
    claimed: Vec<Option<u32>>,
}

impl<'a> Search<'a> {
    fn new(functions: &[&'a Function], text: &[&'a str]) -> Self {
        let mut numbers = HashMap::new();
        let lines: Vec<&str> = text.iter().map(|line| line.trim()).collect();
        let old = functions.iter().flat_map(|function| &function.source);
        let all = lines.iter().copied().chain(old.map(|line| line.trim()));
        for line in all.filter(|line| !line.is_empty()) {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            numbers.entry(line).or_insert(next);
        }
        let number = |line: &&str| numbers.get(line).copied();
        let new: Vec<Option<u32>> = lines.iter().map(number).collect();
        let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
        for (at, number) in new.iter().enumerate() {
            if let Some(number) = number {
                places.entry(*number).or_default().push(at);
            }
        }
        Self {
            new,
            places,
            steps: Cell::new(MOST_STEPS),
            claimed: vec![None; lines.len()],
            lines,
            numbers,
        }
    }

    /// Whether so many steps may still be taken, which then are.
    fn may_take(&self, steps: usize) -> bool {
        let left = self.steps.get().checked_sub(steps);
        self.steps.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Numbers of the texts of a function's lines.
    fn old(&self, function: &Function) -> Vec<Option<u32>> {
        let lines = function.source.iter();
        lines
            .map(|line| self.numbers.get(line.trim()).copied())
            .collect()
    }

    fn claim(&mut self, function: &Function, found: &[Option<At>]) {
        for (old, at) in numbered(function.line, found) {
            if let Some(at) = at {
                self.claimed[at.line as usize - 1] = Some(old);
            }
        }
    }

    /// Whether a line of the text may be this compiled one: another function may have it already, but not one around or inside.
    fn is_free(&self, new: usize, old: u32) -> bool {
        self.claimed[new].is_none_or(|claimed| claimed == old)
    }

    fn is_at(&self, function: &Function, old: &[Option<u32>], start: usize) -> bool {
        let window = self.new.get(start..start.saturating_add(old.len()));
        window == Some(old)
            && numbered(function.line, start..start + old.len())
                .all(|(line, new)| self.is_free(new, line))
    }

    /// The function where it was.
    fn unmoved(&self, function: &Function, _shift: i64) -> Option<Vec<Option<At>>> {
        let start = function.line.checked_sub(1)? as usize;
        let found = self.is_at(function, &self.old(function), start);
        found.then(|| whole_from(start, function.source.len()))
    }

    /// The function somewhere, as it was.
    fn where_it_stands(&self, function: &Function, shift: i64) -> Option<Vec<Option<At>>> {
        let old = self.old(function);
        // Where its rarest line stands.
        let places = |number: &u32| self.places.get(number).map_or(&[][..], Vec::as_slice);
        let numbers = old.iter().enumerate();
        let known = numbers.filter_map(|(at, number)| Some((at, places(number.as_ref()?))));
        let (at, places) = known.min_by_key(|(_, places)| places.len())?;
        if !self.may_take(places.len()) {
            return None;
        }
        let starts = places.iter().filter_map(|place| place.checked_sub(at));
        let starts = starts.filter(|start| self.is_at(function, &old, *start));
        let start = starts.min_by_key(|start| distance(*start, function, shift))?;
        Some(whole_from(start, old.len()))
    }

    /// What is left of the function: where its name is, else where most of its text is.
    fn alike(&self, function: &Function, shift: i64) -> Option<Vec<Option<At>>> {
        let old = self.old(function);
        // A search in a line is some steps.
        if !self.may_take(8 * self.lines.len()) {
            return None;
        }
        let headers = (0..self.lines.len()).filter(|at| declares(self.lines[*at], name(function)));
        let named = headers
            .filter(|at| self.claimed[*at].is_none())
            .filter_map(|header| {
                let window = header.saturating_sub(AROUND)..header + 2 * old.len() + AROUND;
                let found = self.align(function, &old, window)?;
                Some((
                    self.weight(&old, &found),
                    distance(header, function, shift),
                    found,
                ))
            });
        let named = named.max_by_key(|(weight, distance, _)| (*weight, u64::MAX - distance));
        let all = f64::from(
            old.iter()
                .zip(&function.source)
                .map(|(number, line)| number.map_or(0, |_| weight(line)))
                .sum::<u32>(),
        );
        let share = |weight: u32| f64::from(weight) / all.max(1.0);
        if named
            .as_ref()
            .is_none_or(|(weight, ..)| share(*weight) < SAME_FUNCTION)
            && let Some(found) = self.align(function, &old, 0..self.new.len())
            && share(self.weight(&old, &found)) >= SAME_FUNCTION
        {
            return Some(self.with_edited(function, found));
        }
        named.map(|(_, _, found)| self.with_edited(function, found))
    }

    /// Text of the function that was found again, unchanged.
    fn weight(&self, old: &[Option<u32>], found: &[Option<usize>]) -> u32 {
        let found = old.iter().zip(found).filter_map(|(_, at)| *at);
        found.map(|at| weight(self.lines[at])).sum()
    }

    /// The heaviest lines that are in both texts in the same order, as indices of the new one; `None` if the texts are too long.
    fn align(
        &self,
        function: &Function,
        old: &[Option<u32>],
        window: Range<usize>,
    ) -> Option<Vec<Option<usize>>> {
        let new = window.start..window.end.min(self.new.len());
        let columns = new.len() + 1;
        let cells = old.len().saturating_add(1).saturating_mul(columns);
        if cells > MOST_CELLS || !self.may_take(cells) {
            return None;
        }
        let same = |i: usize, j: usize| {
            let number = u32::try_from(i).map_or(u32::MAX, |i| function.line.saturating_add(i));
            old[i].is_some() && old[i] == self.new[j] && self.is_free(j, number)
        };
        // Weight of what the ends of both texts have in common, from each pair of places on.
        let mut best = vec![0_u32; (old.len() + 1) * columns];
        for i in (0..old.len()).rev() {
            for j in (0..new.len()).rev() {
                let skip = best[(i + 1) * columns + j].max(best[i * columns + j + 1]);
                best[i * columns + j] = if same(i, new.start + j) {
                    skip.max(best[(i + 1) * columns + j + 1] + weight(self.lines[new.start + j]))
                } else {
                    skip
                };
            }
        }
        let mut found = vec![None; old.len()];
        let (mut i, mut j) = (0, 0);
        while i < old.len() && j < new.len() {
            let here = best[i * columns + j];
            let both = best[(i + 1) * columns + j + 1];
            if same(i, new.start + j) && here == both + weight(self.lines[new.start + j]) {
                found[i] = Some(new.start + j);
                (i, j) = (i + 1, j + 1);
            } else if here == best[(i + 1) * columns + j] {
                i += 1;
            } else {
                j += 1;
            }
        }
        // Each stands as early as it can by now, which is too early for what comes first: an attribute may be that of the function above.
        for i in (1..found.len()).rev() {
            let before = found[i].and_then(|at| at.checked_sub(1));
            let follows =
                i > 1 && found[i - 1].is_some() && found[i - 2].map(|at| at + 1) == found[i - 1];
            if let (Some(before), Some(at)) = (before, found[i - 1])
                && at < before
                && !follows
                && same(i - 1, before)
            {
                found[i - 1] = Some(before);
            }
        }
        Some(found)
    }

    /// Adds the lines that changed places inside the function, then those that are still alike.
    fn with_edited(&self, function: &Function, mut found: Vec<Option<usize>>) -> Vec<Option<At>> {
        let mut taken: HashSet<usize> = found.iter().flatten().copied().collect();
        let (Some(first), Some(last)) = (taken.iter().min().copied(), taken.iter().max().copied())
        else {
            return vec![None; found.len()];
        };
        let gaps = self.gaps(&found, (first, last));
        for (at, old) in self.old(function).iter().enumerate() {
            let places = old.and_then(|old| self.places.get(&old));
            let places = places.map_or(&[][..], Vec::as_slice);
            if found[at].is_some() || !self.may_take(places.len()) {
                continue;
            }
            let places = places.iter().copied();
            let mut same = places
                .filter(|new| (first..=last).contains(new) && self.is_unclaimed(*new, &taken));
            if let (Some(only), None) = (same.next(), same.next()) {
                found[at] = Some(only);
                taken.insert(only);
            }
        }
        let unchanged = |at: usize| At {
            line: number(at),
            edited: false,
        };
        let mut places: Vec<Option<At>> = found.iter().map(|at| at.map(unchanged)).collect();
        for (old, new) in gaps {
            let old: Vec<usize> = old.filter(|old| found[*old].is_none()).collect();
            let new: Vec<usize> = new.filter(|new| self.is_unclaimed(*new, &taken)).collect();
            for (old, new) in self.alike_in_order(function, &old, &new) {
                places[old] = Some(At {
                    line: number(new),
                    edited: true,
                });
            }
        }
        places
    }

    fn is_unclaimed(&self, new: usize, taken: &HashSet<usize>) -> bool {
        self.claimed[new].is_none() && !taken.contains(&new) && !self.lines[new].is_empty()
    }

    /// Lines of the function that were not found, and those of the text that stand where they should. Before the first line that was found and
    /// behind the last one as many of the text are looked at.
    fn gaps(
        &self,
        found: &[Option<usize>],
        (first, last): (usize, usize),
    ) -> Vec<(Range<usize>, Range<usize>)> {
        let mut gaps = Vec::new();
        let mut start = 0;
        let mut after = None;
        for at in 0..=found.len() {
            let here = found.get(at).copied().flatten();
            if here.is_none() && at < found.len() {
                continue;
            }
            let length = at - start;
            let from = after.map_or(first.saturating_sub(length), |after: usize| after + 1);
            let to = here.unwrap_or((last + 1 + length).min(self.lines.len()));
            if length > 0 {
                gaps.push((start..at, from..to));
            }
            (start, after) = (at + 1, here);
        }
        gaps
    }

    /// Pairs of lines that are alike, in the order of both.
    fn alike_in_order(
        &self,
        function: &Function,
        old: &[usize],
        new: &[usize],
    ) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        let mut next = 0;
        for at in old {
            let line = function.source[*at].trim();
            let rest = new.iter().enumerate().skip(next).take(AROUND);
            let alike = rest.map(|(index, new)| (likeness(line, self.lines[*new]), index, *new));
            let best = alike.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            if let Some((likeness, index, new)) = best
                && likeness >= SAME_LINE
            {
                pairs.push((*at, new));
                next = index + 1;
            }
        }
        pairs
    }
}

fn whole_from(start: usize, length: usize) -> Vec<Option<At>> {
    let at = |index| {
        Some(At {
            line: number(index),
            edited: false,
        })
    };
    (start..start + length).map(at).collect()
}

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

/// How far a place is from where the function would be if it had moved with the one before it.
fn distance(start: usize, function: &Function, shift: i64) -> u64 {
    let expected = i64::from(function.line).saturating_add(shift);
    i64::from(number(start)).abs_diff(expected)
}

/// How much a line says of where it is: braces next to nothing.
fn weight(line: &str) -> u32 {
    let letters = line.chars().filter(|sign| sign.is_alphanumeric());
    let letters = letters.take(HEAVIEST as usize).count();
    1 + u32::try_from(letters).unwrap_or(HEAVIEST)
}

/// The name of a function, without its type and without type arguments.
fn name(function: &Function) -> &str {
    let name = function.name.split("::<").next().unwrap_or_default();
    name.rsplit("::").next().unwrap_or(name)
}

/// Whether a line declares a function of that name.
fn declares(line: &str, name: &str) -> bool {
    let words = line.match_indices("fn ");
    let mut behind = words.map(|(at, word)| line[at + word.len()..].trim_start());
    behind.any(|rest| {
        let rest = rest.strip_prefix(name);
        rest.is_some_and(|rest| {
            !rest.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_')
        })
    })
}

/// The share of pairs of neighbouring signs that two lines have in common, 0 to 1.
fn likeness(a: &str, b: &str) -> f64 {
    let pairs = |text: &str| {
        let signs: Vec<char> = text.chars().filter(|sign| !sign.is_whitespace()).collect();
        let mut pairs: Vec<(char, char)> =
            signs.windows(2).map(|pair| (pair[0], pair[1])).collect();
        pairs.sort_unstable();
        pairs
    };
    let (a, b) = (pairs(a), pairs(b));
    let mut common = 0;
    let mut rest = b.iter().peekable();
    for pair in &a {
        while rest.next_if(|other| *other < pair).is_some() {}
        common += usize::from(rest.next_if(|other| *other == pair).is_some());
    }
    2.0 * common as f64 / (a.len() + b.len()).max(1) as f64
}

#[cfg(test)]
mod tests;
