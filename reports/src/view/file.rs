//! The costs of a whole source file, as it is now or as it was compiled.

use std::collections::BTreeMap;
use std::path::Path;

use hprof::model::{Function, FunctionCost, FunctionId, LineCost, LineTotal, Nanos, Profile};
use hprof::site::LineKind;

use crate::text::source::numbered;

use super::line::{Figures, Markers, splits_time};
use super::moved::{At, locate};
use super::thin::ThinRow;

/// What the lines of a file cost, over all functions in it.
#[derive(Debug)]
pub(crate) struct FileView<'a> {
    pub(crate) rows: Vec<FileRow<'a>>,
    /// Time in all instrumented functions, of this file and others.
    pub(crate) whole: Nanos,
    /// Lines with costs that stand elsewhere now, have another text, or are gone.
    pub(crate) moved: usize,
    pub(crate) edited: usize,
    pub(crate) gone: usize,
}

/// A line of the file, or one that was in it when it was compiled.
#[derive(Debug, Default)]
pub(crate) struct FileRow<'a> {
    /// Its number now; `None` if it is gone.
    pub(crate) number: Option<u32>,
    /// Its number when it was compiled, if it has costs and was moved, edited or deleted.
    pub(crate) was: Option<u32>,
    pub(crate) edited: bool,
    pub(crate) text: &'a str,
    pub(crate) figures: Option<Figures>,
}

/// The costs of a line while functions are added.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    total: LineTotal,
    markers: u64,
    /// All that stands there only counts.
    counted: bool,
    /// All that stands there is the `fn` of a thin function.
    thin: bool,
    was: u32,
    edited: bool,
}

impl<'a> FileView<'a> {
    /// The costs of a file whose lines are now these, or as it was compiled if it is not there any more; `None` if no function of the
    /// profile stands in it.
    pub(crate) fn new(
        profile: &'a Profile,
        costs: &[FunctionCost],
        thin: &[ThinRow<'_>],
        file: &str,
        text: Option<&[&'a str]>,
    ) -> Option<Self> {
        let whole: Nanos = costs.iter().map(|cost| cost.self_time).sum();
        let thin: Vec<FunctionCost> = thin.iter().map(calls).collect();
        let full = costs.iter().map(|cost| (cost, false));
        let thin = thin.iter().map(|cost| (cost, true));
        let costs: Vec<_> = full.chain(thin).collect();
        let found = functions(profile, &costs, file);
        if found.is_empty() {
            return None;
        }
        let all: Vec<&Function> = found.iter().map(|(function, ..)| *function).collect();
        let places = match text {
            Some(text) => locate(&all, text),
            None => vec![Vec::new(); all.len()],
        };
        let splits = splits_time(profile);
        let mut here = BTreeMap::new();
        let mut gone = Vec::new();
        for ((function, cost, thin), places) in found.iter().zip(&places) {
            // Where the text is not known, lines are taken to be where they were.
            let moves = text.is_some() && !function.source.is_empty();
            let places = moves.then_some(places.as_slice());
            add(
                (function, cost, *thin),
                splits,
                places,
                &mut here,
                &mut gone,
            );
        }
        let figures = |sum: &Sum| sum.figures(whole);
        let (mut moved, mut edited) = (0, 0);
        for (number, sum) in &here {
            moved += usize::from(sum.was != *number);
            edited += usize::from(sum.edited);
        }
        let row = |(number, text): (u32, &'a str)| {
            let sum = here.get(&number);
            let changed = sum.filter(|sum| sum.edited || sum.was != number);
            FileRow {
                number: Some(number),
                was: changed.map(|sum| sum.was),
                edited: sum.is_some_and(|sum| sum.edited),
                text,
                figures: sum.map(figures),
            }
        };
        let lines = match text {
            Some(text) => numbered(1, text.iter().copied()).collect(),
            None => compiled(&all),
        };
        let rows = lines.into_iter().map(row).collect();
        Some(Self {
            whole,
            moved,
            edited,
            gone: gone.len(),
            rows: with_gone(rows, gone, whole),
        })
    }
}

/// The calls of a thin function as hits of its first line.
fn calls(thin: &ThinRow<'_>) -> FunctionCost {
    let own = LineCost {
        hits: thin.calls,
        ..LineCost::default()
    };
    let line = LineTotal {
        line: thin.line(),
        own,
        ..LineTotal::default()
    };
    FunctionCost {
        function: FunctionId(thin.index),
        calls: thin.calls,
        primitive_calls: thin.calls,
        self_time: Nanos::ZERO,
        total: Nanos::ZERO,
        total_variance: 0,
        total_recording: Nanos::ZERO,
        lines: vec![line],
    }
}

/// The functions in a file, what they cost and whether they are thin, in the order of their lines.
fn functions<'a, 'b>(
    profile: &'a Profile,
    costs: &[(&'b FunctionCost, bool)],
    file: &str,
) -> Vec<(&'a Function, &'b FunctionCost, bool)> {
    let known = costs.iter().filter_map(|(cost, thin)| {
        let function = profile.functions.get(cost.function.0 as usize)?;
        Some((function, *cost, *thin))
    });
    let mut found: Vec<_> = known
        .filter(|(function, ..)| same_file(&function.file, file))
        .collect();
    // Another package may have a file whose path ends alike.
    if found.iter().any(|(function, ..)| function.file == file) {
        found.retain(|(function, ..)| function.file == file);
    }
    found.sort_by_key(|(function, ..)| function.line);
    found
}

/// Adds the lines of a function to those that are still there and to those that are gone: the latter with the line behind which they
/// stood and their text.
fn add<'a>(
    (function, cost, thin): (&'a Function, &FunctionCost, bool),
    splits: bool,
    places: Option<&[Option<At>]>,
    here: &mut BTreeMap<u32, Sum>,
    gone: &mut Vec<(u32, Sum, &'a str)>,
) {
    let lines = cost
        .lines
        .iter()
        .filter(|total| total.own.hits > 0 || total.total > Nanos::ZERO);
    let markers = Markers::new(function, cost, splits);
    let behind = behind(places.unwrap_or_default());
    for total in lines {
        let index = total.line.checked_sub(function.line).map(|at| at as usize);
        let at = match (places, index) {
            (Some(places), Some(index)) => places.get(index).copied().flatten(),
            (Some(_), None) => None,
            (None, _) => Some(At {
                line: total.line,
                edited: false,
            }),
        };
        let found = function
            .lines
            .binary_search_by_key(&total.line, |line| line.line);
        let line = found.ok().map(|found| &function.lines[found]);
        let mut sum = Sum {
            total: *total,
            markers: line.map_or(0, |line| markers.of(line, total)),
            counted: line.is_some_and(|line| line.kind == LineKind::GroupBody),
            thin,
            was: total.line,
            edited: at.is_some_and(|at| at.edited),
        };
        if let Some(at) = at {
            if let Some(before) = here.get(&at.line) {
                sum.add(before);
            }
            here.insert(at.line, sum);
        } else {
            let index = index.unwrap_or(0);
            let behind = behind.get(index).or(behind.last()).copied();
            let text = function.source.get(index).map_or("", String::as_str);
            gone.push((behind.unwrap_or(u32::MAX), sum, text));
        }
    }
}

/// For each line of a function, were it gone, the line of the file behind which it would have stood.
fn behind(places: &[Option<At>]) -> Vec<u32> {
    let first = places.iter().flatten().next();
    let mut last = first.map_or(u32::MAX, |first| first.line.saturating_sub(1));
    let next = |place: &Option<At>| {
        let behind = last;
        last = place.map_or(last, |at| at.line);
        behind
    };
    // And behind the last one.
    places.iter().chain([&None]).map(next).collect()
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.total.own.add(&other.total.own);
        self.total.total += other.total.total;
        self.total.total_recording += other.total.total_recording;
        let variance = &mut self.total.total_variance;
        *variance = variance.saturating_add(other.total.total_variance);
        self.markers = self.markers.saturating_add(other.markers);
        self.counted &= other.counted;
        self.thin &= other.thin;
        self.was = other.was;
        self.edited |= other.edited;
    }

    fn figures(&self, whole: Nanos) -> Figures {
        if self.thin {
            return Figures::of_thin(self.total.own.hits);
        }
        Figures::of_file(&self.total, self.markers, self.counted, whole)
    }
}

/// The lines of functions as they were compiled, with a blank one where something in between is not known.
fn compiled<'a>(functions: &[&'a Function]) -> Vec<(u32, &'a str)> {
    let mut lines = BTreeMap::new();
    for function in functions {
        let source = function.source.iter().map(String::as_str);
        lines.extend(numbered(function.line, source));
        for line in &function.lines {
            lines.entry(line.line).or_insert("");
        }
    }
    lines.into_iter().collect()
}

/// Puts the lines that are gone behind those they stood behind, and those of functions that are gone as a whole at the end.
fn with_gone<'a>(
    rows: Vec<FileRow<'a>>,
    mut gone: Vec<(u32, Sum, &'a str)>,
    whole: Nanos,
) -> Vec<FileRow<'a>> {
    gone.sort_by_key(|(behind, sum, _)| (*behind, sum.was));
    let row = |(_, sum, text): (u32, Sum, &'a str)| FileRow {
        was: Some(sum.was),
        text,
        figures: Some(sum.figures(whole)),
        ..FileRow::default()
    };
    let mut gone = gone.into_iter().peekable();
    let mut all = Vec::with_capacity(rows.len() + gone.len());
    for next in rows {
        while let Some(one) =
            gone.next_if(|(behind, ..)| next.number.is_some_and(|number| number > *behind))
        {
            all.push(row(one));
        }
        all.push(next);
    }
    all.extend(gone.map(row));
    all
}

/// Whether one of the paths is the end of the other: the user may be in another folder than the compiler was.
fn same_file(recorded: &str, asked: &str) -> bool {
    let asked = asked.strip_prefix("./").unwrap_or(asked);
    let (recorded, asked) = (Path::new(recorded), Path::new(asked));
    recorded.ends_with(asked) || asked.ends_with(recorded)
}
