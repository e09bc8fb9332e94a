//! The flamegraph of native stacks: all code of the program, coloured by whose it is.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;

use hprof::model::{NativeFrame, Profile};
use inferno::flamegraph::color::{Color, PaletteMap};
use inferno::flamegraph::{Options, TextTruncateDirection};

use crate::error::ReportError;
use crate::pictures::flamegraph::{draw, hidden, program};
use crate::tables::native_table::shortened;
use crate::text;
use crate::view::stacks::Stacks;
use crate::view::{Origin, Origins};

const ANNOTATED: Color = Color {
    r: 90,
    g: 190,
    b: 90,
};
const OWN: Color = Color {
    r: 255,
    g: 160,
    b: 60,
};
const OTHERS: Color = Color {
    r: 214,
    g: 214,
    b: 206,
};
const LEGEND: &str =
    "green: functions with #[profile]; orange: other code of yours; grey: std, crates, system";

/// Writes an SVG of the native stacks of all threads and processes; inlined functions are frames like others. Functions of the user's
/// are told by module or file, for stacks give inlined ones by their bare names.
///
/// # Errors
/// [`ReportError::NoNative`] without native stacks, [`ReportError::NoSamples`] without samples, else [`ReportError::Write`].
///
/// ```
/// let mut out = Vec::new();
/// let drawn = hprof_reports::write_native_flamegraph(&hprof::model::Profile::default(), None, &mut out);
/// assert!(drawn.is_err() && out.is_empty());
/// ```
pub fn write_native_flamegraph(
    profile: &Profile,
    title: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let (stacks, mut colors) = collect(profile).ok_or(ReportError::NoNative)?;
    if stacks.all.is_empty() {
        return Err(ReportError::NoSamples);
    }
    stacks.total("native samples")?;
    let mut drawing = Options::default();
    drawing.title = match title {
        Some(title) => title.to_owned(),
        None => format!("{}: native stacks", program(profile)),
    };
    drawing.subtitle = Some(LEGEND.into());
    // The start of a name is what tells: its end is mostly types.
    drawing.text_truncate_direction = TextTruncateDirection::Right;
    drawing.hash = true;
    drawing.deterministic = true;
    drawing.count_name = "samples".into();
    drawing.palette_map = Some(&mut colors);
    draw(stacks, &mut drawing, out)
}

/// The stacks, outermost frame first, and the colours of all frames; `None` if no process has native stacks.
fn collect(profile: &Profile) -> Option<(Stacks, PaletteMap)> {
    let origins = Origins::new(profile);
    let mut names = Names::default();
    let mut stacks: BTreeMap<Vec<u32>, u64> = BTreeMap::new();
    let mut colors = PaletteMap::default();
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
                let (label, color) = label(frame, &origins, profile);
                colors.insert(hidden(&label), color);
                let number = names.number(label);
                if color == ANNOTATED {
                    annotated.extend(function.map(|function| (function, number)));
                }
                number
            })
            .collect();
        for stack in native.stacks.iter().filter(|stack| stack.samples > 0) {
            let thread = format!("thread {}", text::clean(&stack.thread));
            colors.insert(hidden(&thread), OTHERS);
            let frames = stack.frames.iter().rev();
            let frames = frames.filter_map(|frame| labels.get(*frame as usize).copied());
            let thread = names.number(thread);
            let path = std::iter::once(thread).chain(frames).collect();
            let sum = stacks.entry(path).or_default();
            *sum = sum.saturating_add(stack.samples);
        }
    }
    any.then(|| (names.in_order(stacks), colors))
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

/// What a frame is called, and its colour.
fn label(frame: &NativeFrame, origins: &Origins<'_>, profile: &Profile) -> (String, Color) {
    let name = frame.function.as_str();
    let (label, color) = match origins.of(frame) {
        Origin::Annotated => {
            let function = origins.annotated(frame);
            let function = function.and_then(|at| profile.functions.get(at));
            let path = function.map(|function| format!("{}::{}", function.module, function.name));
            let closure = if is_closure(frame) { "::{closure}" } else { "" };
            let path = path.unwrap_or_else(|| name.to_owned());
            (format!("{path}{closure}"), ANNOTATED)
        }
        Origin::User => {
            let file = shortened(&frame.file, profile.run.source_root.as_deref());
            (format!("{name} ({file})"), OWN)
        }
        Origin::Std | Origin::Crate(_) | Origin::System | Origin::Recorder => {
            (name.to_owned(), OTHERS)
        }
    };
    (text::clean(&label).into_owned(), color)
}

#[cfg(test)]
mod tests {
    use hprof::model::{Native, NativeFrame, NativeStack};

    use super::*;
    use crate::fixture;

    #[test]
    fn annotated_functions_have_their_colour_and_whole_name() {
        let mut profile = fixture::diffusion();
        profile.run.source_root = Some("/home/user/diffusion".into());
        let frame = |function: &str, file: &str, line| NativeFrame {
            function: function.into(),
            file: file.into(),
            line,
            inlined: false,
        };
        profile.processes[0].native = Some(Native {
            frames: vec![
                frame("advance", "/home/user/diffusion/src/solver.rs", 21),
                frame("memcpy", "", 0),
                // Another function of the name.
                frame("advance", "/home/user/diffusion/src/input.rs", 21),
            ],
            stacks: vec![NativeStack {
                thread: "main".into(),
                frames: vec![1, 2, 0],
                samples: 3,
            }],
            ..Native::default()
        });
        let mut out = Vec::new();
        write_native_flamegraph(&profile, None, &mut out).unwrap();
        let svg = String::from_utf8(out).unwrap();
        assert!(svg.contains("<title>memcpy (3 samples, 100.00%)</title>"));
        for (label, color) in [
            ("diffusion::solver::Field::advance", "rgb(90,190,90)"),
            ("advance (src/input.rs)", "rgb(255,160,60)"),
            ("thread main", "rgb(214,214,206)"),
        ] {
            let title = format!("<title>{label} (3 samples, 100.00%)</title>");
            let (_, after) = svg.split_once(&title).unwrap_or_else(|| panic!("{svg}"));
            let frame = after.split("</g>").next().unwrap_or_default();
            assert!(frame.contains(color), "{frame}");
        }
    }
}
