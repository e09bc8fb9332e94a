//! The flamegraph of native stacks: all code of the program, annotated functions in green.

use std::collections::BTreeMap;
use std::io::Write;

use hprof::model::Profile;
use inferno::flamegraph::Options;
use inferno::flamegraph::color::{Color, PaletteMap};

use crate::error::ReportError;
use crate::flamegraph::{draw, hidden};
use crate::stacks::Stack;
use crate::text;
use crate::view::{Origin, Origins};

const ANNOTATED: Color = Color {
    r: 90,
    g: 190,
    b: 90,
};

/// Writes an SVG of the native stacks of all threads and processes; inlined functions are frames like others.
///
/// # Errors
/// [`ReportError::Empty`] without native stacks, [`ReportError::AllZero`] without samples, else [`ReportError::Write`].
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
    let (stacks, mut colors) = collect(profile).ok_or(ReportError::Empty)?;
    if stacks.is_empty() {
        return Err(ReportError::AllZero {
            metric: "native samples",
        });
    }
    let mut drawing = Options::default();
    drawing.title = title.unwrap_or("native stacks").to_owned();
    drawing.hash = true;
    drawing.deterministic = true;
    drawing.count_name = "samples".into();
    drawing.palette_map = Some(&mut colors);
    draw(&stacks, &mut drawing, out)
}

/// The stacks, outermost frame first, and the colours of annotated functions; `None` if no process has native stacks.
fn collect(profile: &Profile) -> Option<(Vec<Stack>, PaletteMap)> {
    let origins = Origins::new(profile);
    let mut stacks: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    let mut colors = PaletteMap::default();
    let mut any = false;
    for native in profile
        .processes
        .iter()
        .filter_map(|one| one.native.as_ref())
    {
        any = true;
        for frame in &native.frames {
            if origins.of(frame) == Origin::Annotated {
                colors.insert(hidden(&text::clean(&frame.function)), ANNOTATED);
            }
        }
        for stack in native.stacks.iter().filter(|stack| stack.samples > 0) {
            let frames = native.frames_of(stack).rev();
            let names = frames.map(|frame| text::clean(&frame.function).into_owned());
            let names = std::iter::once(text::clean(&stack.thread).into_owned()).chain(names);
            let sum = stacks.entry(names.collect()).or_default();
            *sum = sum.saturating_add(stack.samples);
        }
    }
    any.then(|| (stacks.into_iter().collect(), colors))
}

#[cfg(test)]
mod tests {
    use hprof::model::{Native, NativeFrame, NativeStack};

    use super::*;
    use crate::fixture;

    #[test]
    fn annotated_functions_have_their_colour() {
        let mut profile = fixture::diffusion();
        let frame = |function: &str, file: &str, line| NativeFrame {
            function: function.into(),
            file: file.into(),
            line,
            inlined: false,
        };
        profile.processes[0].native = Some(Native {
            frames: vec![
                frame(
                    "diffusion::Field::advance",
                    "/home/user/diffusion/src/solver.rs",
                    21,
                ),
                frame("memcpy", "", 0),
            ],
            stacks: vec![NativeStack {
                thread: "main".into(),
                frames: vec![1, 0],
                samples: 3,
            }],
            ..Native::default()
        });
        let mut out = Vec::new();
        write_native_flamegraph(&profile, None, &mut out).unwrap();
        let svg = String::from_utf8(out).unwrap();
        assert!(svg.contains("<title>memcpy (3 samples, 100.00%)</title>"));
        assert_eq!(svg.matches("rgb(90,190,90)").count(), 1, "{svg}");
    }
}
