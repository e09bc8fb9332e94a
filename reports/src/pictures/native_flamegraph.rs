//! The flamegraph of native stacks: all code of the program, coloured by whose it is.

use std::io::Write;

use hprof::model::Profile;
use inferno::flamegraph::color::{Color, PaletteMap};
use inferno::flamegraph::{Options, TextTruncateDirection};

use super::flamegraph::{draw, hidden, program};
use crate::error::ReportError;
use crate::view::{NativeStacks, Whose, native_stacks};

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
    let NativeStacks { stacks, whose } = native_stacks(profile).ok_or(ReportError::NoNative)?;
    if stacks.all.is_empty() {
        return Err(ReportError::NoSamples);
    }
    stacks.total("native samples")?;
    let mut colors = PaletteMap::default();
    for (name, whose) in &whose {
        colors.insert(hidden(name), color(*whose));
    }
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

fn color(whose: Whose) -> Color {
    match whose {
        Whose::Annotated => ANNOTATED,
        Whose::User => OWN,
        Whose::Others => OTHERS,
    }
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
