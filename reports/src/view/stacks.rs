//! Stacks of the calling-context trees, added up over threads, for everything that draws or lists them.

use std::collections::{BTreeMap, HashMap};

use hprof::model::{FIGURES, Figure, FigureUnit, Function, Place, Profile, Scope, call_tree};

use crate::error::ReportError;
use crate::text;

/// The figure of a line that a flamegraph or a list of stacks shows.
///
/// ```
/// use hprof_reports::Metric;
/// assert_eq!(Metric::default().name(), "time");
/// assert_eq!(Metric::named("alloc-bytes").unwrap().meaning(), "allocated bytes");
/// assert!(Metric::named("samples").is_none());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Metric(&'static Figure);

impl Metric {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Figure::metrics().map(Self)
    }

    /// The one that users call so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|metric| metric.name() == name)
    }

    /// As users write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// What the values count, in words.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.0.meaning
    }

    /// What they are counted in.
    pub(crate) const fn unit(self) -> FigureUnit {
        self.0.unit
    }
}

impl Default for Metric {
    fn default() -> Self {
        Self(Figure::named("time").unwrap_or(&FIGURES[0]))
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Metric {}

/// Stacks of frames, outermost first, each with what it costs by itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stacks {
    /// What frames are called.
    pub(crate) names: Vec<String>,
    /// Indices of the names, and the value.
    pub(crate) all: Vec<(Vec<u32>, u64)>,
}

/// Bytes that all stacks together may take, as text and as numbers. A chain of calls as long as a file can hold would fill the memory: each of its
/// stacks has all frames of the one before.
const MOST_TEXT: usize = 64 << 20;

impl Stacks {
    /// The names of a stack.
    pub(crate) fn frames<'a>(&'a self, stack: &'a [u32]) -> impl Iterator<Item = &'a str> {
        let name = |index: &u32| self.names.get(*index as usize).map(String::as_str);
        stack.iter().filter_map(name)
    }

    /// The sum of all values, if it fits.
    pub(crate) fn total(&self, metric: &'static str) -> Result<u64, ReportError> {
        let mut values = self.all.iter().map(|(_, value)| *value);
        let total = values.try_fold(0_u64, u64::checked_add);
        total.ok_or(ReportError::TooLarge { metric })
    }
}

/// The stacks of a part of the profile in order of their frames, without those of value zero. Frames are functions, or with `lines` the
/// lines of functions. `None` if no instrumented function was entered.
///
/// # Errors
/// [`ReportError::TooDeep`].
pub(crate) fn stacks(
    profile: &Profile,
    scope: Scope,
    metric: Metric,
    lines: bool,
) -> Result<Option<Stacks>, ReportError> {
    let nodes = call_tree(profile, scope);
    if nodes.is_empty() {
        return Ok(None);
    }
    let mut tree = Tree::default();
    let frame = |function, line| Place {
        function,
        line: if lines { line } else { 0 },
    };
    // Where each node is called from. Parents come first.
    let mut callers: Vec<Option<u32>> = Vec::with_capacity(nodes.len());
    for node in &nodes {
        let caller = node.parent.and_then(|(parent, line)| {
            let function = nodes.get(parent as usize)?.function;
            let above = *callers.get(parent as usize)?;
            Some(tree.child(above, frame(function, line)))
        });
        for (line, cost) in &node.lines {
            let place = tree.child(caller, frame(node.function, line));
            tree.add(place, metric.0.of(&cost));
        }
        callers.push(caller);
    }
    tree.finish(profile).map(Some)
}

/// Stacks while they are added up: each frame stands below the one that called it.
#[derive(Default)]
struct Tree {
    places: Vec<(Option<u32>, Place)>,
    sums: Vec<u64>,
    numbers: HashMap<(Option<u32>, Place), u32>,
}

impl Tree {
    /// The frame below another.
    fn child(&mut self, above: Option<u32>, place: Place) -> u32 {
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry((above, place)).or_insert(next);
        if number == next {
            self.places.push((above, place));
            self.sums.push(0);
        }
        number
    }

    fn add(&mut self, frame: u32, value: u64) {
        if let Some(sum) = self.sums.get_mut(frame as usize) {
            *sum = sum.saturating_add(value);
        }
    }

    fn finish(self, profile: &Profile) -> Result<Stacks, ReportError> {
        let functions = names(profile);
        let mut used: BTreeMap<Place, u32> = BTreeMap::new();
        for (_, place) in &self.places {
            used.entry(*place).or_default();
        }
        let mut stacks = Stacks::default();
        let mut text = 0_usize;
        let mut take = |bytes: usize| {
            text = text.saturating_add(bytes);
            let fits = text <= MOST_TEXT;
            fits.then_some(())
                .ok_or(ReportError::TooDeep { limit: MOST_TEXT })
        };
        for (number, (place, index)) in (0..).zip(&mut used) {
            *index = number;
            let name = name(profile, &functions, *place);
            take(name.len())?;
            stacks.names.push(name);
        }
        for (value, end) in self.sums.iter().zip(&self.places) {
            if *value == 0 {
                continue;
            }
            let mut stack = Vec::new();
            let mut next = Some(end);
            while let Some((above, place)) = next {
                let index = used.get(place).copied().unwrap_or(0);
                let name = stacks.names.get(index as usize).map_or(0, String::len);
                take(name + 1 + size_of::<u32>())?;
                stack.push(index);
                next = above.and_then(|above| self.places.get(above as usize));
            }
            stack.reverse();
            stacks.all.push((stack, *value));
        }
        stacks.all.sort_unstable();
        Ok(stacks)
    }
}

/// The name of every function with its module; those that share one also say where they stand.
pub(crate) fn names(profile: &Profile) -> Vec<String> {
    let full = |function: &Function| {
        let path = [function.module.as_str(), function.name.as_str()];
        let parts: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
        text::clean(&parts.join("::")).into_owned()
    };
    let names: Vec<String> = profile.functions.iter().map(full).collect();
    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &names {
        *uses.entry(name).or_default() += 1;
    }
    let named = names.iter().zip(&profile.functions);
    named
        .map(|(name, function)| match uses.get(name.as_str()) {
            Some(1) => name.clone(),
            _ => format!(
                "{name} ({}:{}:{})",
                text::clean(&function.file),
                function.line,
                function.column
            ),
        })
        .collect()
}

fn name(profile: &Profile, names: &[String], place: Place) -> String {
    let at = place.function.0 as usize;
    let (Some(name), Some(function)) = (names.get(at), profile.functions.get(at)) else {
        return format!("function {at}");
    };
    match place.line {
        0 => name.clone(),
        line => format!("{name} ({}:{line})", text::clean(&function.file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn of(profile: &Profile, scope: Scope, metric: Metric, lines: bool) -> Option<Stacks> {
        stacks(profile, scope, metric, lines).unwrap()
    }

    #[test]
    fn values_of_all_stacks_add_up_to_the_time_of_the_profile() {
        let profile = fixture::diffusion();
        let sum = |lines| {
            let stacks = of(&profile, Scope::All, Metric::default(), lines).unwrap();
            stacks.all.iter().map(|(_, value)| value).sum::<u64>()
        };
        let costs = fixture::diffusion_costs();
        assert_eq!(sum(true), costs[0].total.0);
        assert_eq!(sum(false), costs[0].total.0);
    }

    #[test]
    fn functions_of_one_name_stay_apart() {
        let mut profile = fixture::diffusion();
        profile.functions[1].name = "main".into();
        let names = names(&profile);
        assert_eq!(names[0], "diffusion::solver::main (src/solver.rs:1:1)");
        assert_eq!(names[1], "diffusion::solver::main (src/solver.rs:20:1)");
        assert_eq!(names[2], "diffusion::solver::helper::<[u8; 8]>");
    }

    #[test]
    fn a_scope_without_threads_was_not_entered() {
        let profile = fixture::diffusion();
        assert!(of(&profile, Scope::Thread(0, 9), Metric::default(), true).is_none());
        assert!(of(&profile, Scope::Process(9), Metric::default(), true).is_none());
        assert_eq!(
            of(
                &profile,
                Scope::Thread(0, 0),
                Metric::named("hits").unwrap(),
                false
            ),
            of(&profile, Scope::All, Metric::named("hits").unwrap(), false)
        );
    }

    /// A chain of 30,000 calls, each with a cost: all stacks together have 450 million frames.
    #[test]
    fn a_chain_of_very_many_calls_is_refused() {
        let mut profile = fixture::diffusion();
        let nodes = &mut profile.processes[0].threads[0].nodes;
        let (first, second) = (nodes[0].clone(), nodes[1].function);
        for number in 0..30_000_u32 {
            let mut node = first.clone();
            node.parent = number.checked_sub(1).map(|parent| (parent, 6 + parent % 2));
            node.function = if number.is_multiple_of(2) {
                first.function
            } else {
                second
            };
            if number as usize >= nodes.len() {
                nodes.push(node);
            } else {
                nodes[number as usize] = node;
            }
        }
        for lines in [false, true] {
            let refused = stacks(&profile, Scope::All, Metric::default(), lines);
            assert!(matches!(refused, Err(ReportError::TooDeep { .. })));
        }
    }
}
