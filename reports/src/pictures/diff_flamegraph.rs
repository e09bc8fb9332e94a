//! The flamegraph of two profiles: as wide as in the newer one, red where a frame by itself has more than before, blue where it has less.

use std::collections::BTreeMap;
use std::io::Write;

use hprof::model::{Profile, Scope};
use inferno::flamegraph::{Options, from_lines};

use super::flamegraph::{FlamegraphOptions, Restored, count_name, hidden, program};
use crate::diff::{DiffError, Side};
use crate::error::ReportError;
use crate::text;
use crate::text::numbers::{counted, scaled_bytes, scaled_time, thousands};
use crate::view::named_as_in;
use crate::view::stacks::{Metric, Stacks, stacks};

/// A stack by its names, with the values of both profiles.
type Pairs = BTreeMap<Vec<String>, [u64; 2]>;

/// Why there is no picture of two profiles.
#[derive(Debug, thiserror::Error)]
pub enum DiffPictureError {
    /// They cannot be compared.
    #[error(transparent)]
    Compare(#[from] DiffError),
    /// One of them cannot be drawn.
    #[error(transparent)]
    Draw(#[from] ReportError),
}

/// Writes an SVG of what calls cost in the newer profile, and how that differs from the older one. Functions are matched as `hprof diff` does it. The change
/// of a frame is that of what it has by itself, so that all changes add up to that of the whole. Only the first run of a side is looked at.
///
/// # Errors
/// [`DiffPictureError::Compare`] if the profiles have nothing in common, [`DiffPictureError::Draw`] if one of them has nothing to be drawn; nothing is written then.
///
/// ```
/// use hprof_reports::{DiffPictureError, FlamegraphOptions, Side, write_diff_flamegraph};
/// let side = Side { name: "empty.pb.gz", runs: &[hprof::model::Profile::default()] };
/// let (options, mut out) = (FlamegraphOptions::default(), Vec::new());
/// let error = write_diff_flamegraph(side, side, &options, &mut out).unwrap_err();
/// assert!(matches!(error, DiffPictureError::Compare(_)) && out.is_empty());
/// ```
pub fn write_diff_flamegraph(
    older: Side<'_>,
    newer: Side<'_>,
    options: &FlamegraphOptions,
    out: &mut dyn Write,
) -> Result<(), DiffPictureError> {
    let (metric, none) = (options.metric, ReportError::Empty);
    let [before, after] = [older, newer].map(|side| (side.name, side.runs.first()));
    let (Some(old), Some(new)) = (before.1, after.1) else {
        return Err(none.into());
    };
    let old = named_as_in((before.0, old), (after.0, new)).map_err(DiffError::from)?;
    let mut pairs = Pairs::new();
    for (side, profile) in [&old, new].into_iter().enumerate() {
        add(profile, side, options, &mut pairs)?;
    }
    let totals = [0, 1].map(|side| {
        let values = pairs.values().map(|pair| pair[side]);
        values.fold(0, u64::saturating_add)
    });
    if totals[1] == 0 {
        return Err(ReportError::AllZero {
            metric: metric.meaning(),
        }
        .into());
    }
    let mut drawing = Options::default();
    drawing.title = text::clean(&title(new, options)).into_owned();
    drawing.subtitle = Some(subtitle(metric, totals, &pairs));
    drawing.deterministic = true;
    // They are sorted by their frames, so that what a frame has by itself comes before what it calls.
    drawing.no_sort = true;
    drawing.name_type = if options.lines { "Line:" } else { "Function:" }.into();
    (drawing.count_name, drawing.factor) = count_name(metric, totals[1]);
    let lines: Vec<String> = pairs.iter().map(line).collect();
    let picture = lines.iter().map(String::as_str);
    from_lines(&mut drawing, picture, Restored(out)).map_err(ReportError::from)?;
    Ok(())
}

/// Adds the stacks of a side.
fn add(
    profile: &Profile,
    side: usize,
    options: &FlamegraphOptions,
    pairs: &mut Pairs,
) -> Result<(), ReportError> {
    let stacks: Stacks =
        stacks(profile, Scope::All, options.metric, options.lines)?.ok_or(ReportError::Empty)?;
    stacks.total(options.metric.meaning())?;
    for (stack, value) in &stacks.all {
        let names = stacks.frames(stack).map(hidden).collect();
        let pair = pairs.entry(names).or_default();
        pair[side] = pair[side].saturating_add(*value);
    }
    Ok(())
}

/// A stack as inferno reads it.
fn line((names, [before, after]): (&Vec<String>, &[u64; 2])) -> String {
    format!("{} {before} {after}", names.join(";"))
}

fn title(newer: &Profile, options: &FlamegraphOptions) -> String {
    let meaning = options.metric.meaning();
    let title = options.title.clone();
    title.unwrap_or_else(|| format!("{}: change of {meaning}", program(newer)))
}

/// What no frame can show: the whole, and what is gone.
fn subtitle(metric: Metric, totals: [u64; 2], pairs: &Pairs) -> String {
    let shown = |value: u64| match metric.unit() {
        hprof::model::FigureUnit::Nanoseconds => scaled_time(value as f64),
        hprof::model::FigureUnit::Bytes => scaled_bytes(value),
        hprof::model::FigureUnit::Count => thousands(value),
    };
    let gone = pairs.values().filter(|pair| pair[0] > 0 && pair[1] == 0);
    let (count, sum) = gone.fold((0, 0_u64), |(count, sum), pair| {
        (count + 1, sum.saturating_add(pair[0]))
    });
    let [before, after] = totals.map(shown);
    let text = format!("{before} -> {after}; red: more than before, blue: less");
    if count == 0 {
        return text;
    }
    let stacks = counted(count, "stack that is gone", "stacks that are gone");
    format!("{text}; not shown: {} in {stacks}", shown(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn picture(older: &Profile, newer: &Profile, metric: &str, lines: bool) -> String {
        let options = FlamegraphOptions {
            metric: Metric::named(metric).unwrap(),
            lines,
            ..FlamegraphOptions::default()
        };
        let [older, newer] = [("a", older), ("b", newer)].map(|(name, profile)| Side {
            name,
            runs: std::slice::from_ref(profile),
        });
        let mut out = Vec::new();
        write_diff_flamegraph(older, newer, &options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The texts that a pointer over a frame shows, but for that of the whole.
    fn frames(svg: &str) -> Vec<&str> {
        let titles = svg.split("<title>").skip(1);
        let texts = titles.filter_map(|rest| rest.split("</title>").next());
        texts.filter(|text| !text.starts_with("all (")).collect()
    }

    /// The change of a frame, in percent of the newer whole.
    fn change(frame: &str) -> f64 {
        let change = frame.rsplit("; ").next().unwrap();
        change.trim_end_matches("%)").parse().unwrap()
    }

    #[test]
    fn a_profile_has_no_change_to_itself() {
        let profile = fixture::diffusion();
        for (metric, lines) in [("time", false), ("time", true), ("hits", true)] {
            let svg = picture(&profile, &profile, metric, lines);
            let frames = frames(&svg);
            let is_same = frames.iter().all(|frame| change(frame) == 0.0);
            assert!(frames.len() > 1 && is_same, "{frames:?}");
            assert!(!svg.contains("not shown"), "{frames:?}");
        }
    }

    #[test]
    fn changes_add_up_to_that_of_the_whole_and_moved_functions_are_matched() {
        let older = fixture::diffusion();
        let mut newer = older.clone();
        for function in &mut newer.functions {
            function.module = "diffusion::moved".into();
            function.file = "src/moved.rs".into();
        }
        for node in &mut newer.processes[0].threads[0].nodes {
            node.lines.change(|line, cost| {
                if *line == 28 {
                    cost.hits *= 3;
                }
            });
        }
        for lines in [false, true] {
            let svg = picture(&older, &newer, "hits", lines);
            let frames = frames(&svg);
            let changed: Vec<&&str> = frames.iter().filter(|one| change(one) != 0.0).collect();
            assert_eq!(changed.len(), 1, "{frames:?}");
            assert!(
                changed[0].starts_with("diffusion::moved::Field::advance"),
                "{changed:?}"
            );
            let [before, after] = [&older, &newer].map(|profile| {
                let hits = Metric::named("hits").unwrap();
                let all = stacks(profile, Scope::All, hits, false).unwrap().unwrap();
                all.total("hits").unwrap() as f64
            });
            let whole = 100.0 * (after - before) / after;
            assert!(
                (change(changed[0]) - whole).abs() < 0.006,
                "{whole} {changed:?}"
            );
        }
    }

    #[test]
    fn what_is_gone_is_told_for_it_has_no_width() {
        let older = fixture::diffusion();
        let mut newer = older.clone();
        newer.processes[0].threads[0].nodes.pop();
        let svg = picture(&older, &newer, "hits", false);
        assert!(
            svg.contains("; not shown: 500 in 1 stack that is gone"),
            "{svg}"
        );
    }
}
