//! Native stacks: whose code each frame is, and which lines outside annotated code are hot.

use crate::view::sums::{add, sum};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use hprof::model::{Nanos, Native, NativeFrame, Profile};

use super::annotated::Annotated;
use super::function_name::{last_name, plain_name};
use super::sums::percent;

/// A function as its source has it.
///
/// ```
/// let function = hprof_reports::FunctionAt { name: "Field::advance".into(), line: 21 };
/// assert_eq!(function.line, 21);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionAt {
    /// Name, with its type where it has one.
    pub name: String,
    /// Line of its `fn`, from 1.
    pub line: u32,
}

/// Finds the function that holds a line of a source file; `None` where the source is not there. Stacks name closures without their
/// function, and inlined functions without their type.
pub type FindFunction<'a> = dyn Fn(&str, u32) -> Option<FunctionAt> + 'a;

/// Whose code a frame is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// An annotated function.
    Annotated,
    /// Other code of the user's.
    User,
    /// The standard library.
    Std,
    /// The recorder of hprof.
    Recorder,
    /// Another crate, by name and version.
    Crate(String),
    /// Libraries without Rust sources, such as libc.
    System,
}

impl Origin {
    /// Whether the code is the user's own.
    pub(crate) fn is_user(&self) -> bool {
        matches!(self, Self::Annotated | Self::User)
    }
}

/// Knows whose code a frame is.
#[derive(Debug)]
pub(crate) struct Origins<'a> {
    annotated: Annotated<'a>,
    root: Option<&'a Path>,
}

impl<'a> Origins<'a> {
    pub(crate) fn new(profile: &'a Profile) -> Self {
        Self {
            annotated: Annotated::new(&profile.functions),
            root: profile.run.source_root.as_deref().map(Path::new),
        }
    }

    /// Whose code the frame is.
    pub(crate) fn of(&self, frame: &NativeFrame) -> Origin {
        let (file, function) = (frame.file.as_str(), frame.function.as_str());
        // The recorder names its own frames so, wherever it was built.
        if function.trim_start_matches('<').starts_with("hprof::") {
            return Origin::Recorder;
        }
        if file.is_empty() {
            return Origin::System;
        }
        if file.starts_with("/rustc/") || file.contains("/rustlib/src/rust/") {
            return Origin::Std;
        }
        // The compiler's calls of an allocator stand where that is declared.
        if function.starts_with("__rustc::") {
            return Origin::Std;
        }
        if let Some(name) = self.foreign(file) {
            return Origin::Crate(name.to_owned());
        }
        let is_rust = Path::new(file)
            .extension()
            .is_some_and(|extension| extension == "rs");
        let is_below = self
            .root
            .is_none_or(|root| Path::new(file).starts_with(root));
        match is_rust {
            false => Origin::System,
            true if self.annotated(frame).is_some() => Origin::Annotated,
            true if is_below || !file.starts_with('/') => Origin::User,
            true => Origin::Crate(crate_of(function).to_owned()),
        }
    }

    /// The crate that a file belongs to if it came from a registry, from git or was vendored.
    fn foreign<'f>(&self, file: &'f str) -> Option<&'f str> {
        let fetched = ["/registry/src/", "/git/checkouts/"]
            .into_iter()
            .find_map(|mark| Some(file.split_once(mark)?.1));
        // `<registry>/<crate>/src/..`
        if let Some(path) = fetched {
            return Some(path.split('/').nth(1).unwrap_or("?"));
        }
        let vendored = Path::new(file)
            .strip_prefix(self.root?)
            .ok()?
            .strip_prefix("vendor");
        vendored.ok()?.iter().next()?.to_str()
    }

    /// Index of the annotated function that the frame belongs to.
    pub(crate) fn annotated(&self, frame: &NativeFrame) -> Option<usize> {
        let (file, function) = (frame.file.as_str(), frame.function.as_str());
        self.annotated.at(file, frame.line, function)
    }
}

/// The crate of a function's path.
fn crate_of(function: &str) -> &str {
    let start = function.trim_start_matches(['<', '&']);
    start.split("::").next().unwrap_or(start)
}

/// Samples by where the processor was while they were taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inside {
    pub(crate) user: u64,
    pub(crate) std: u64,
    pub(crate) crates: u64,
    pub(crate) system: u64,
    pub(crate) recorder: u64,
}

impl Inside {
    fn add(&mut self, leaf: &Origin, samples: u64) {
        let place = match leaf {
            Origin::Annotated | Origin::User => &mut self.user,
            Origin::Std => &mut self.std,
            Origin::Crate(_) => &mut self.crates,
            Origin::System => &mut self.system,
            Origin::Recorder => &mut self.recorder,
        };
        add(place, samples);
    }

    fn join(&mut self, other: &Self) {
        add(&mut self.user, other.user);
        add(&mut self.std, other.std);
        add(&mut self.crates, other.crates);
        add(&mut self.system, other.system);
        add(&mut self.recorder, other.recorder);
    }

    /// As the table has it: the recorder is a crate like others.
    pub(crate) fn columns(&self) -> [u64; 4] {
        let crates = sum([self.crates, self.recorder]);
        [self.user, self.std, crates, self.system]
    }

    fn sum(&self) -> u64 {
        sum([self.user, self.std, self.crates, self.system, self.recorder])
    }
}

/// A line of the user's code that is not annotated: the innermost such of its stacks.
#[derive(Clone, Debug)]
pub(crate) struct HotLine {
    pub(crate) function: String,
    pub(crate) file: String,
    /// 0 if not known.
    pub(crate) line: u32,
    pub(crate) samples: u64,
    /// As a share of all samples.
    pub(crate) percent: Option<f64>,
    /// Standard deviation of that share, in percent too.
    pub(crate) error: Option<f64>,
    pub(crate) inside: Inside,
}

/// A function that is worth an annotation.
#[derive(Clone, Debug)]
pub(crate) struct Suggestion {
    pub(crate) function: String,
    pub(crate) file: String,
    /// That of its `fn`; its hottest line where the source is not there.
    pub(crate) line: u32,
    pub(crate) samples: u64,
    pub(crate) percent: Option<f64>,
}

/// What the native stacks of a profile tell.
#[derive(Debug)]
pub(crate) struct NativeView {
    pub(crate) samples: u64,
    /// Signals whose sample was dropped.
    pub(crate) dropped: u64,
    pub(crate) cpu_ns: u64,
    /// Samples a second of CPU time.
    pub(crate) reached_hz: Option<f64>,
    /// The highest rate asked for.
    pub(crate) asked_hz: u32,
    /// Samples whose innermost line of the user's is annotated.
    pub(crate) annotated: u64,
    /// Samples without any code of the user's.
    pub(crate) elsewhere: Inside,
    /// Hottest first.
    pub(crate) lines: Vec<HotLine>,
    /// Worst first.
    pub(crate) suggestions: Vec<Suggestion>,
}

/// Samples that are on no line of the table, in percent of all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotListed {
    /// In annotated functions.
    pub(crate) annotated: f64,
    /// The others are without any code of the user's.
    pub(crate) std: f64,
    pub(crate) crates: f64,
    pub(crate) system: f64,
    pub(crate) recorder: f64,
}

impl NativeView {
    /// Whether clearly fewer samples were taken than asked for.
    pub(crate) fn missed_rate(&self) -> bool {
        self.reached_hz.unwrap_or(0.0) < f64::from(self.asked_hz) * 0.9
    }

    /// What the table does not list; only where there are samples.
    pub(crate) fn not_listed(&self) -> NotListed {
        let elsewhere = &self.elsewhere;
        let share = |samples: u64| samples as f64 * 100.0 / self.samples as f64;
        NotListed {
            annotated: share(self.annotated),
            std: share(elsewhere.std),
            crates: share(elsewhere.crates),
            system: share(sum([elsewhere.system, elsewhere.user])),
            recorder: share(elsewhere.recorder),
        }
    }

    /// The functions worth an annotation that have a percent of the samples or more.
    pub(crate) fn notable_suggestions(&self) -> impl Iterator<Item = &Suggestion> {
        let suggestions = self.suggestions.iter();
        suggestions.filter(|suggestion| suggestion.percent >= Some(1.0))
    }

    /// The view of all processes together; `None` if none has native stacks.
    pub(crate) fn new(profile: &Profile, find: &FindFunction<'_>) -> Option<Self> {
        let origins = Origins::new(profile);
        let mut view = Self {
            samples: 0,
            dropped: 0,
            cpu_ns: 0,
            reached_hz: None,
            asked_hz: 0,
            annotated: 0,
            elsewhere: Inside::default(),
            lines: Vec::new(),
            suggestions: Vec::new(),
        };
        let mut lines = BTreeMap::new();
        let mut any = false;
        let processes = profile.processes.iter();
        for native in processes.filter_map(|process| process.native.as_ref()) {
            any = true;
            view.add(native, &origins, find, &mut lines);
        }
        if view.cpu_ns > 0 {
            view.reached_hz = Some(view.samples as f64 * 1e9 / view.cpu_ns as f64);
        }
        view.rank(lines);
        any.then_some(view)
    }

    fn add(
        &mut self,
        native: &Native,
        origins: &Origins<'_>,
        find: &FindFunction<'_>,
        lines: &mut BTreeMap<Place, Inside>,
    ) {
        let samples = native.samples();
        add(&mut self.samples, samples);
        add(&mut self.dropped, native.signals.saturating_sub(samples));
        add(&mut self.cpu_ns, native.cpu_ns);
        self.asked_hz = self.asked_hz.max(native.asked_hz);
        let whose: Vec<Origin> = native
            .frames
            .iter()
            .map(|frame| origins.of(frame))
            .collect();
        for stack in &native.stacks {
            let frames = || {
                stack.frames.iter().filter_map(|&frame| {
                    let index = frame as usize;
                    Some((native.frames.get(index)?, whose.get(index)?))
                })
            };
            let leaf = frames()
                .next()
                .map_or(&Origin::System, |(_, origin)| origin);
            match frames().find(|(_, origin)| origin.is_user()) {
                Some((_, Origin::Annotated)) => add(&mut self.annotated, stack.samples),
                Some((frame, _)) => lines
                    .entry(Place::of(frame, find))
                    .or_default()
                    .add(leaf, stack.samples),
                None => self.elsewhere.add(leaf, stack.samples),
            }
        }
    }

    fn rank(&mut self, lines: BTreeMap<Place, Inside>) {
        let mut functions: BTreeMap<(String, Option<u32>, String), Suggestion> = BTreeMap::new();
        let mut lines: Vec<(Place, Inside)> = adopted(lines).into_iter().collect();
        lines.sort_by_key(|(_, inside)| Reverse(inside.sum()));
        for (place, inside) in lines {
            let samples = inside.sum();
            // Hottest line first, so that the first of a function is its hottest.
            let key = (place.file.clone(), place.start, place.function.clone());
            let suggestion = functions.entry(key).or_insert_with(|| Suggestion {
                function: place.function.clone(),
                file: place.file.clone(),
                line: place.start.unwrap_or(place.line),
                samples: 0,
                percent: None,
            });
            add(&mut suggestion.samples, samples);
            suggestion.percent = share(suggestion.samples, self.samples);
            if suggestion.line == 0 {
                suggestion.line = place.line;
            }
            let part = samples as f64 / self.samples as f64;
            self.lines.push(HotLine {
                function: place.function,
                file: place.file,
                line: place.line,
                samples,
                percent: share(samples, self.samples),
                error: Some((part * (1.0 - part) / self.samples as f64).sqrt() * 100.0),
                inside,
            });
        }
        self.suggestions = functions.into_values().collect();
        self.suggestions
            .sort_by_key(|suggestion| Reverse(suggestion.samples));
    }
}

/// The lines, where code without a line is given to the one function of its file that has the name.
fn adopted(lines: BTreeMap<Place, Inside>) -> BTreeMap<Place, Inside> {
    let name = |place: &Place| (place.file.clone(), last_name(&place.function).to_owned());
    // By file and name; `None` where several functions have it.
    let mut homes: HashMap<_, Option<(String, Option<u32>)>> = HashMap::new();
    for place in lines.keys().filter(|place| place.line > 0) {
        let home = (place.function.clone(), place.start);
        homes
            .entry(name(place))
            .and_modify(|known| *known = known.take().filter(|known| *known == home))
            .or_insert_with(|| Some(home.clone()));
    }
    let adopt = |mut place: Place| {
        if place.line == 0
            && let Some(Some((function, start))) = homes.get(&name(&place))
        {
            place.function.clone_from(function);
            place.start = *start;
        }
        place
    };
    let mut all: BTreeMap<Place, Inside> = BTreeMap::new();
    for (place, inside) in lines {
        all.entry(adopt(place)).or_default().join(&inside);
    }
    all
}

/// A line of a function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: String,
    /// Of the `fn`, where the source is there.
    start: Option<u32>,
    function: String,
    /// 0 if not known.
    line: u32,
}

impl Place {
    fn of(frame: &NativeFrame, find: &FindFunction<'_>) -> Self {
        let found = Some(frame.line)
            .filter(|line| *line > 0)
            .and_then(|line| find(&frame.file, line));
        let (function, start) = match found {
            Some(found) => (found.name, Some(found.line)),
            None => (plain_name(&frame.function).to_owned(), None),
        };
        Self {
            file: frame.file.clone(),
            start,
            function,
            line: frame.line,
        }
    }
}

fn share(samples: u64, all: u64) -> Option<f64> {
    percent(Nanos(samples), Nanos(all))
}
