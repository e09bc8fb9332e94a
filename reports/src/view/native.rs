//! Native stacks: whose code each frame is, and which lines outside annotated code are hot.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hprof::model::{Nanos, Native, NativeFrame, Profile};

use super::line::percent;

/// Whose code a frame is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// An annotated function.
    Annotated,
    /// Other code of the user's.
    User,
    /// The standard library.
    Std,
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
    profile: &'a Profile,
    root: Option<&'a str>,
}

impl<'a> Origins<'a> {
    pub(crate) fn new(profile: &'a Profile) -> Self {
        Self {
            profile,
            root: profile.run.source_root.as_deref(),
        }
    }

    /// Whose code the frame is.
    pub(crate) fn of(&self, frame: &NativeFrame) -> Origin {
        let (file, function) = (frame.file.as_str(), frame.function.as_str());
        if file.is_empty() {
            return Origin::System;
        }
        if file.starts_with("/rustc/") || file.contains("/rustlib/src/rust/") {
            return Origin::Std;
        }
        // The recorder itself, wherever it was built from.
        if function.trim_start_matches('<').starts_with("hprof::") {
            return Origin::Crate("hprof".into());
        }
        // The compiler's calls of an allocator stand where that is declared.
        if function.starts_with("__rustc::") {
            return Origin::Std;
        }
        let below_root = self.root.is_some_and(|root| file.starts_with(root));
        let foreign = ["/registry/src/", "/git/checkouts/"]
            .into_iter()
            .find_map(|mark| Some(file.split_once(mark)?.1));
        match foreign {
            // `<registry>/<crate>/src/..`
            Some(path) => Origin::Crate(path.split('/').nth(1).unwrap_or("?").to_owned()),
            None if std::path::Path::new(file)
                .extension()
                .is_none_or(|extension| extension != "rs") =>
            {
                Origin::System
            }
            None if self.is_annotated(frame) => Origin::Annotated,
            None if below_root || self.root.is_none() || !file.starts_with('/') => Origin::User,
            None => Origin::Crate(crate_of(function).to_owned()),
        }
    }

    /// Whether the line belongs to an annotated function. A span has a row, but its code has no markers.
    fn is_annotated(&self, frame: &NativeFrame) -> bool {
        self.profile.functions.iter().any(|function| {
            let rest = frame.file.strip_suffix(function.file.as_str());
            rest.is_some_and(|before| before.is_empty() || before.ends_with('/'))
                && (function.line..=function.end_line).contains(&frame.line)
                && !function.package.is_empty()
        })
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
}

impl Inside {
    fn add(&mut self, leaf: &Origin, samples: u64) {
        let place = match leaf {
            Origin::Annotated | Origin::User => &mut self.user,
            Origin::Std => &mut self.std,
            Origin::Crate(_) => &mut self.crates,
            Origin::System => &mut self.system,
        };
        *place += samples;
    }
}

/// A line of the user's code that is not annotated: the innermost such of its stacks.
#[derive(Clone, Debug)]
pub(crate) struct HotLine {
    pub(crate) function: String,
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) samples: u64,
    /// As a share of all samples.
    pub(crate) percent: Option<f64>,
    pub(crate) inside: Inside,
}

/// A function that is worth an annotation.
#[derive(Clone, Debug)]
pub(crate) struct Worth {
    pub(crate) function: String,
    pub(crate) file: String,
    /// Its hottest line.
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
    pub(crate) worth: Vec<Worth>,
}

impl NativeView {
    /// The view of all processes together; `None` if none has native stacks.
    pub(crate) fn new(profile: &Profile) -> Option<Self> {
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
            worth: Vec::new(),
        };
        let mut lines = BTreeMap::new();
        let mut any = false;
        let processes = profile.processes.iter();
        for native in processes.filter_map(|process| process.native.as_ref()) {
            any = true;
            view.add(native, &origins, &mut lines);
        }
        if view.cpu_ns > 0 {
            view.reached_hz = Some(view.samples as f64 * 1e9 / view.cpu_ns as f64);
        }
        view.rank(lines);
        any.then_some(view)
    }

    fn add(&mut self, native: &Native, origins: &Origins<'_>, lines: &mut BTreeMap<Place, Inside>) {
        let samples = native.samples();
        self.samples += samples;
        self.dropped += native.signals.saturating_sub(samples);
        self.cpu_ns += native.cpu_ns;
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
                Some((_, Origin::Annotated)) => self.annotated += stack.samples,
                Some((frame, _)) => lines
                    .entry(Place::of(frame))
                    .or_default()
                    .add(leaf, stack.samples),
                None => self.elsewhere.add(leaf, stack.samples),
            }
        }
    }

    fn rank(&mut self, lines: BTreeMap<Place, Inside>) {
        let mut functions: BTreeMap<(String, String), Worth> = BTreeMap::new();
        for (place, inside) in lines {
            let samples = inside.user + inside.std + inside.crates + inside.system;
            self.lines.push(HotLine {
                function: place.function,
                file: place.file,
                line: place.line,
                samples,
                percent: share(samples, self.samples),
                inside,
            });
        }
        self.lines.sort_by_key(|line| Reverse(line.samples));
        for line in &self.lines {
            let key = (line.file.clone(), line.function.clone());
            let worth = functions.entry(key).or_insert_with(|| Worth {
                function: line.function.clone(),
                file: line.file.clone(),
                // The hottest line comes first.
                line: line.line,
                samples: 0,
                percent: None,
            });
            worth.samples += line.samples;
            worth.percent = share(worth.samples, self.samples);
        }
        self.worth = functions.into_values().collect();
        self.worth.sort_by_key(|worth| Reverse(worth.samples));
    }
}

/// A line of a function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: String,
    line: u32,
    function: String,
}

impl Place {
    fn of(frame: &NativeFrame) -> Self {
        Self {
            file: frame.file.clone(),
            line: frame.line,
            function: without_closures(&frame.function).to_owned(),
        }
    }
}

/// The function that holds a closure: its lines are annotated with it.
fn without_closures(function: &str) -> &str {
    let end = function
        .find("::{{closure}}")
        .or(function.find("::{closure"));
    end.map_or(function, |end| &function[..end])
}

fn share(samples: u64, all: u64) -> Option<f64> {
    percent(Nanos(samples), Nanos(all))
}
