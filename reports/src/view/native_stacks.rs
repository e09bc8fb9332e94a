//! Native stacks for a picture: added up over threads and processes, with names that tell whose code each frame is.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use hprof::model::{NativeFrame, Profile};

use super::native::{Origin, Origins};
use super::stacks::Stacks;
use crate::text;

/// Whose code a frame of the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// A function with the attribute.
    Annotated,
    /// Other code of the user's.
    User,
    /// Everything else, and threads.
    Others,
}

/// The native stacks of all threads and processes.
#[derive(Debug)]
pub(crate) struct NativeStacks {
    /// Outermost frame first.
    pub(crate) stacks: Stacks,
    /// By what frames are called.
    pub(crate) whose: BTreeMap<String, Whose>,
}

/// The stacks, added up; `None` if no process has native stacks.
pub(crate) fn native_stacks(profile: &Profile) -> Option<NativeStacks> {
    let origins = Origins::new(profile);
    let mut names = Names::default();
    let mut stacks: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
    let mut whose = BTreeMap::new();
    let mut any = false;
    for native in profile
        .processes
        .iter()
        .filter_map(|one| one.native.as_ref())
    {
        any = true;
        // Many frames may be of one function, whose name may be long.
        let mut annotated: HashMap<(usize, bool), u32> = HashMap::new();
        let frames = native.frames.iter();
        let labels: Vec<u32> = frames
            .map(|frame| {
                let function = origins.annotated(frame).map(|at| (at, is_closure(frame)));
                let known = function.and_then(|function| annotated.get(&function));
                if let Some(number) = known {
                    return *number;
                }
                let (label, whose_it_is) = label(frame, &origins, profile);
                whose.insert(label.clone(), whose_it_is);
                let number = names.number(label);
                if whose_it_is == Whose::Annotated {
                    annotated.extend(function.map(|function| (function, number)));
                }
                number
            })
            .collect();
        for stack in native.stacks.iter().filter(|stack| stack.samples > 0) {
            let thread = format!("thread {}", text::clean(&stack.thread));
            whose.insert(thread.clone(), Whose::Others);
            let frames = stack.frames.iter().rev();
            let frames = frames.filter_map(|frame| labels.get(*frame as usize).copied());
            let thread = names.number(thread);
            let path = std::iter::once(thread).chain(frames).collect();
            let sum = stacks.entry(path).or_default();
            *sum = sum.saturating_add(stack.samples);
        }
    }
    any.then(|| NativeStacks {
        stacks: names.in_order(stacks),
        whose,
    })
}

/// Labels, each once.
#[derive(Default)]
struct Names(BTreeMap<String, u32>);

impl Names {
    fn number(&mut self, name: String) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(name).or_insert(next)
    }

    /// The stacks in the order of their labels.
    fn in_order(self, stacks: BTreeMap<Vec<u32>, u64>) -> Stacks {
        let mut places = vec![0; self.0.len()];
        for (place, number) in (0..).zip(self.0.values()) {
            if let Some(slot) = places.get_mut(*number as usize) {
                *slot = place;
            }
        }
        let renamed = |(stack, value): (Vec<u32>, u64)| {
            let place = |number: &u32| places.get(*number as usize).copied().unwrap_or(0);
            (stack.iter().map(place).collect(), value)
        };
        let mut all: Vec<(Vec<u32>, u64)> = stacks.into_iter().map(renamed).collect();
        all.sort_unstable();
        Stacks {
            names: self.0.into_keys().collect(),
            all,
        }
    }
}

fn is_closure(frame: &NativeFrame) -> bool {
    frame.function.contains("{closure")
}

/// What a frame is called, and whose it is.
fn label(frame: &NativeFrame, origins: &Origins<'_>, profile: &Profile) -> (String, Whose) {
    let name = frame.function.as_str();
    let (label, whose) = match origins.of(frame) {
        Origin::Annotated => {
            let function = origins.annotated(frame);
            let function = function.and_then(|at| profile.functions.get(at));
            let path = function.map(|function| format!("{}::{}", function.module, function.name));
            let closure = if is_closure(frame) { "::{closure}" } else { "" };
            let path = path.unwrap_or_else(|| name.to_owned());
            (format!("{path}{closure}"), Whose::Annotated)
        }
        Origin::User => {
            let file = shortened(&frame.file, profile.run.source_root.as_deref());
            (format!("{name} ({file})"), Whose::User)
        }
        Origin::Std | Origin::Crate(_) | Origin::System | Origin::Recorder => {
            (name.to_owned(), Whose::Others)
        }
    };
    (text::clean(&label).into_owned(), whose)
}

/// A path from the root of the sources on, if it is below.
pub(crate) fn shortened<'a>(file: &'a str, root: Option<&str>) -> &'a str {
    root.and_then(|root| Path::new(file).strip_prefix(root).ok())
        .and_then(Path::to_str)
        .unwrap_or(file)
}
