//! The flamegraph: one SVG with its own script, drawn by inferno.

use std::io::{self, Write};

use hprof::model::{FigureUnit, Profile, Scope};
use inferno::flamegraph::{Options, from_lines};

use crate::error::ReportError;
use crate::text;
use crate::text::numbers;
use crate::view::stacks::{Metric, Stacks, stacks};
use crate::view::visible::visible;

/// Stand-ins for signs in names that inferno would take for its own; put back in the finished picture.
const STAND_INS: [(char, char); 2] = [(';', '\u{f8f0}'), (' ', '\u{f8f1}')];

/// From this total on, times are told in microseconds.
const MICROSECONDS: u64 = 10_000_000;

/// What a flamegraph shows.
///
/// ```
/// let mut options = hprof_reports::FlamegraphOptions::default();
/// options.metric = hprof_reports::Metric::named("hits").unwrap();
/// options.lines = true;
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FlamegraphOptions {
    /// The widths of the frames.
    pub metric: Metric,
    /// A frame for each line instead of one for each function.
    pub lines: bool,
    /// The part of the profile to draw.
    pub scope: Scope,
    /// The heading; the program's name and the metric without it.
    pub title: Option<String>,
}

/// Writes an SVG that any browser opens: a click zooms, Ctrl-F searches.
///
/// # Errors
/// [`ReportError::Empty`], [`ReportError::AllZero`], [`ReportError::TooLarge`] and [`ReportError::TooDeep`] before anything is written, else
/// [`ReportError::Write`].
///
/// ```
/// use hprof_reports::{FlamegraphOptions, ReportError, write_flamegraph};
/// let mut out = Vec::new();
/// let empty = write_flamegraph(&hprof::model::Profile::default(), &FlamegraphOptions::default(), &mut out);
/// assert!(matches!(empty, Err(ReportError::Empty)));
/// assert!(out.is_empty());
/// ```
pub fn write_flamegraph(
    profile: &Profile,
    options: &FlamegraphOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let (stacks, mut drawing) = prepare(profile, options)?;
    draw(stacks, &mut drawing, out)
}

/// What is drawn, and how.
fn prepare(
    profile: &Profile,
    options: &FlamegraphOptions,
) -> Result<(Stacks, Options<'static>), ReportError> {
    let metric = options.metric;
    let name = metric.meaning();
    let stacks =
        stacks(profile, options.scope, metric, options.lines)?.ok_or(ReportError::Empty)?;
    if stacks.all.is_empty() {
        return Err(ReportError::AllZero { metric: name });
    }
    let total = stacks.total(name)?;

    let mut drawing = Options::default();
    drawing.title = title(profile, options);
    drawing.hash = true;
    drawing.deterministic = true;
    drawing.name_type = if options.lines { "Line:" } else { "Function:" }.into();
    (drawing.count_name, drawing.factor) = count_name(metric, total);
    Ok((stacks, drawing))
}

/// The picture without a script or a style of its own, for a page that has both; `None` if there is nothing to draw.
pub(crate) fn without_script(profile: &Profile, options: &FlamegraphOptions) -> Option<String> {
    let (stacks, mut drawing) = prepare(profile, options).ok()?;
    drawing.no_javascript = true;
    drawing.title = String::new();
    let mut out = Vec::new();
    draw(stacks, &mut drawing, &mut out).ok()?;
    let picture = String::from_utf8_lossy(&out).into_owned();
    let start = picture.find("<svg")?;
    let picture = &picture[start..];
    let picture = without_element(picture, "style");
    let picture = without_element(&picture, "script");
    Some(picture.replacen(" onload=\"init(evt)\"", "", 1))
}

/// A picture without the elements of this name.
fn without_element(picture: &str, name: &str) -> String {
    let (start, end) = (format!("<{name}"), format!("</{name}>"));
    let mut kept = String::new();
    let mut rest = picture;
    while let Some((before, element)) = rest.split_once(&start) {
        kept.push_str(before);
        rest = element.split_once(&end).map_or("", |(_, after)| after);
    }
    kept + rest
}

/// Draws stacks of which there is at least one.
pub(crate) fn draw(
    mut stacks: Stacks,
    drawing: &mut Options<'_>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    stacks.names = stacks.names.iter().map(|name| hidden(name)).collect();
    let (stacks, unseen) = visible(stacks)?;
    if let Some(percent) = unseen {
        let percent = numbers::general(percent, 2);
        let unseen = format!("frames below {percent} % are part of what called them");
        let said = drawing.subtitle.take();
        drawing.subtitle = Some(said.map_or(unseen.clone(), |said| format!("{said}; {unseen}")));
    }
    drawing.title = text::clean(&drawing.title).into_owned();
    let lines: Vec<String> = stacks.all.iter().map(|one| line(&stacks, one)).collect();
    let picture = lines.iter().map(String::as_str);
    Ok(from_lines(drawing, picture, Restored(out))?)
}

/// Puts the signs back whose stand-ins the library has drawn. It writes whole characters.
pub(super) struct Restored<'a>(pub(super) &'a mut dyn Write);

impl Write for Restored<'_> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(part);
        if text.is_ascii() {
            self.0.write_all(part)?;
        } else {
            let restored: String = text.chars().map(restore).collect();
            self.0.write_all(restored.as_bytes())?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn title(profile: &Profile, options: &FlamegraphOptions) -> String {
    options
        .title
        .clone()
        .unwrap_or_else(|| format!("{}: {}", program(profile), options.metric.meaning()))
}

/// The name of the program, as far as it is known.
pub(crate) fn program(profile: &Profile) -> String {
    let command = profile.run.command.first();
    let program = command.and_then(|path| path.rsplit('/').next());
    text::clean(program.unwrap_or("hprof")).into_owned()
}

/// What values are counted in, and what they are multiplied with for that.
pub(super) fn count_name(metric: Metric, total: u64) -> (String, f64) {
    match metric.unit() {
        FigureUnit::Nanoseconds if total >= MICROSECONDS => ("us".into(), 1e-3),
        FigureUnit::Nanoseconds => ("ns".into(), 1.0),
        FigureUnit::Bytes => ("bytes".into(), 1.0),
        FigureUnit::Count => (metric.meaning().into(), 1.0),
    }
}

/// A stack as inferno reads it.
fn line(stacks: &Stacks, (stack, value): &(Vec<u32>, u64)) -> String {
    let mut line = String::new();
    for name in stacks.frames(stack) {
        line.push_str(name);
        line.push(';');
    }
    line.pop();
    format!("{line} {value}")
}

/// A name as inferno reads it.
pub(crate) fn hidden(name: &str) -> String {
    name.chars().map(hide).collect()
}

fn hide(sign: char) -> char {
    let found = STAND_INS
        .iter()
        .find(|(real, stand_in)| *real == sign || *stand_in == sign);
    match found {
        Some((real, stand_in)) if *real == sign => *stand_in,
        // A stand-in in a real name, or a sign that XML forbids.
        Some(_) => char::REPLACEMENT_CHARACTER,
        None if matches!(sign, '\u{fffe}' | '\u{ffff}') => char::REPLACEMENT_CHARACTER,
        None => sign,
    }
}

fn restore(sign: char) -> char {
    let found = STAND_INS.iter().find(|(_, stand_in)| *stand_in == sign);
    found.map_or(sign, |(real, _)| *real)
}

#[cfg(test)]
mod tests {
    use hprof::model::LineCost;

    use super::*;
    use crate::fixture;

    fn picture(profile: &Profile, options: &FlamegraphOptions) -> Result<String, ReportError> {
        let mut out = Vec::new();
        let drawn = write_flamegraph(profile, options, &mut out);
        if drawn.is_err() {
            assert!(out.is_empty(), "nothing may be written before an error");
        }
        drawn.map(|()| String::from_utf8(out).unwrap())
    }

    /// The texts that a pointer over a frame shows.
    fn frames(svg: &str) -> Vec<&str> {
        let titles = svg.split("<title>").skip(1);
        titles
            .filter_map(|rest| rest.split("</title>").next())
            .collect()
    }

    #[test]
    fn frames_by_function_keep_their_names() {
        let svg = picture(&fixture::diffusion(), &FlamegraphOptions::default()).unwrap();
        let shown = frames(&svg);
        assert_eq!(shown[0], "all (1,222,204 us, 100%)");
        assert!(
            shown.contains(&"diffusion::solver::Field::advance (1,194,100 us, 97.70%)"),
            "{shown:?}"
        );
        assert!(
            shown.contains(&"diffusion::solver::main (1,222,204 us, 100.00%)"),
            "{shown:?}"
        );
    }

    fn metric(name: &str) -> Metric {
        Metric::named(name).unwrap()
    }

    #[test]
    fn semicolons_spaces_and_markup_in_names_stay_as_they_are() {
        let cost = LineCost {
            hits: 7,
            ..LineCost::default()
        };
        let (profile, _) = fixture::single("step::<[u8; 8]> & 5", "", &[(3, cost)]);
        let options = FlamegraphOptions {
            metric: metric("hits"),
            lines: true,
            ..FlamegraphOptions::default()
        };
        let svg = picture(&profile, &options).unwrap();
        let expected =
            "diffusion::solver::step::&lt;[u8; 8]&gt; &amp; 5 (src/solver.rs:3) (7 hits, 100.00%)";
        assert_eq!(frames(&svg), ["all (7 hits, 100%)", expected]);
    }

    #[test]
    fn a_name_that_ends_in_a_number_is_no_second_value() {
        let cost = LineCost {
            hits: 7,
            ..LineCost::default()
        };
        let (profile, _) = fixture::single("step 8", "", &[(3, cost)]);
        let options = FlamegraphOptions {
            metric: metric("hits"),
            ..FlamegraphOptions::default()
        };
        let svg = picture(&profile, &options).unwrap();
        assert_eq!(
            frames(&svg)[1],
            "diffusion::solver::step 8 (7 hits, 100.00%)"
        );
    }

    #[test]
    fn empty_zero_and_endless_profiles_are_refused() {
        let refusal = |profile: &Profile, metric| {
            let options = FlamegraphOptions {
                metric,
                ..FlamegraphOptions::default()
            };
            picture(profile, &options).unwrap_err().to_string()
        };
        let zero = LineCost {
            hits: 1,
            ..LineCost::default()
        };
        let (zero, _) = fixture::single("zero", "", &[(3, zero)]);
        let endless = LineCost {
            hits: u64::MAX,
            ..LineCost::default()
        };
        let (endless, _) = fixture::single("endless", "", &[(3, endless), (4, endless)]);
        assert_eq!(
            refusal(&Profile::default(), Metric::default()),
            "the profile holds no call of an instrumented function"
        );
        assert_eq!(
            refusal(&zero, metric("alloc-bytes")),
            "the profile holds no allocated bytes: every value is zero"
        );
        let options = FlamegraphOptions {
            metric: metric("hits"),
            lines: true,
            ..FlamegraphOptions::default()
        };
        assert!(matches!(
            picture(&endless, &options),
            Err(ReportError::TooLarge { .. })
        ));
    }
}
