//! The table of hot lines outside annotated code, from native stacks, and the functions worth an annotation.

use std::io::{self, Write};

use hprof::model::Profile;

use crate::grid::{Cell, Column, Grid};
use crate::line_table::heat;
use crate::style::{Style, Tone};
use crate::text;
use crate::view::NativeView;

/// Functions named in the hint below the table.
const NAMED: usize = 3;

/// What the table shows and how.
///
/// ```
/// let mut options = hprof_reports::NativeTableOptions::default();
/// options.top = Some(10);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NativeTableOptions {
    /// Only so many rows, the hottest ones.
    pub top: Option<usize>,
    /// What the stream can show.
    pub style: Style,
}

/// Writes what the native stacks tell beyond the line tables: each sample counts for the innermost line of the user's code in its
/// stack; the last columns say in whose code the processor was. Nothing is written for a profile without native stacks.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{NativeTableOptions, write_native_table};
/// let mut out = Vec::new();
/// write_native_table(&hprof::model::Profile::default(), &NativeTableOptions::default(), &mut out)?;
/// assert!(out.is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_native_table(
    profile: &Profile,
    options: &NativeTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(view) = NativeView::new(profile) else {
        return Ok(());
    };
    writeln!(out, "{}", heading(&view))?;
    if view.samples == 0 {
        return Ok(());
    }
    writeln!(out, "\nHot lines outside annotated code\n")?;
    lines(profile, &view, options, out)?;
    rest(&view, out)?;
    hint(&view, out)
}

/// The rate that was reached: the one asked for is told only where it was missed.
fn heading(view: &NativeView) -> String {
    let seconds = view.cpu_ns as f64 / 1e9;
    let rate = view.reached_hz.unwrap_or(0.0);
    let missed = if rate < f64::from(view.asked_hz) * 0.9 {
        format!(", of {} asked for", view.asked_hz)
    } else {
        String::new()
    };
    format!(
        "Native stacks: {} samples in {seconds:.2} s of CPU time, {rate:.0} a second{missed}; {} dropped",
        view.samples, view.dropped
    )
}

fn lines(
    profile: &Profile,
    view: &NativeView,
    options: &NativeTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let columns = ["Own", "std", "crates", "system"].map(|title| Column::right(title, 7));
    let mut grid = Grid::new(
        vec![Column::right("Samples", 8), Column::right("% CPU", 6)]
            .into_iter()
            .chain(columns)
            .collect(),
    );
    let shown = || view.lines.iter().take(options.top.unwrap_or(20));
    for line in shown() {
        let inside = &line.inside;
        let parts = [inside.user, inside.std, inside.crates, inside.system];
        let mut cells = vec![
            Cell::plain(line.samples.to_string()),
            Cell::of(line.percent, |percent| format!("{percent:.1}")).toned(heat(line.percent)),
        ];
        let count = |part: u64| Cell::of((part > 0).then_some(part), |part| part.to_string());
        cells.extend(parts.map(count));
        grid.push(cells);
    }
    let (titles, rows) = grid.lines(options.style);
    let limit = options.style.width.unwrap_or(usize::MAX);
    let titles = text::cut(&format!("{titles}  Line"), limit).to_owned();
    writeln!(out, "{}", options.style.paint(Tone::Heading, &titles))?;
    for (line, cells) in shown().zip(rows) {
        let file = below(&line.file, profile.run.source_root.as_deref());
        let place = format!("{file}:{} {}", line.line, line.function);
        let place = text::clean(&place);
        let room = limit.saturating_sub(grid.width() + 2);
        writeln!(out, "{cells}  {}", text::cut(&place, room))?;
    }
    let more = view.lines.len() - shown().count();
    if more > 0 {
        writeln!(out, "{more} more")?;
    }
    writeln!(out)
}

/// The samples that are not in the table.
fn rest(view: &NativeView, out: &mut dyn Write) -> io::Result<()> {
    let elsewhere = &view.elsewhere;
    let share = |samples: u64| samples as f64 * 100.0 / view.samples as f64;
    writeln!(
        out,
        "{:.1} % in annotated functions; without any of your code: {:.1} % std, {:.1} % crates, {:.1} % system",
        share(view.annotated),
        share(elsewhere.std),
        share(elsewhere.crates),
        share(elsewhere.system + elsewhere.user),
    )
}

fn hint(view: &NativeView, out: &mut dyn Write) -> io::Result<()> {
    let worth = view.worth.iter().filter(|worth| worth.percent >= Some(1.0));
    let names: Vec<String> = worth
        .take(NAMED)
        .map(|worth| text::clean(&worth.function).into_owned())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    writeln!(out, "Worth #[profile]: {}", names.join(", "))
}

/// Writes the functions that are worth an annotation, worst first: share of all samples, where, and name. `place` may know a better line
/// of a file to go to than its hottest one, such as that of the `fn`.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// let mut out = Vec::new();
/// hprof_reports::write_suggestions(&hprof::model::Profile::default(), None, &|_, _, _| None, &mut out)?;
/// assert_eq!(out, b"No native stacks: record them with hprof run --native\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_suggestions(
    profile: &Profile,
    top: Option<usize>,
    place: &dyn Fn(&str, &str, u32) -> Option<u32>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(view) = NativeView::new(profile) else {
        return writeln!(out, "No native stacks: record them with hprof run --native");
    };
    if view.worth.is_empty() {
        return writeln!(
            out,
            "Nothing: no sample fell on code of yours without #[profile]"
        );
    }
    writeln!(out, " % CPU  Samples  Function to annotate")?;
    for worth in view.worth.iter().take(top.unwrap_or(10)) {
        let line = place(&worth.file, &worth.function, worth.line).unwrap_or(worth.line);
        let file = below(&worth.file, profile.run.source_root.as_deref());
        writeln!(
            out,
            "{:>6.1}  {:>7}  {}",
            worth.percent.unwrap_or(0.0),
            worth.samples,
            text::clean(&format!("{file}:{line} {}", worth.function))
        )?;
    }
    Ok(())
}

/// A path from the root of the sources on, if it is below.
fn below<'a>(file: &'a str, root: Option<&str>) -> &'a str {
    root.and_then(|root| file.strip_prefix(root))
        .map_or(file, |rest| rest.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use hprof::model::{Native, NativeFrame, NativeStack};

    use super::*;
    use crate::fixture;

    const HOME: &str = "/home/user/diffusion";

    fn frame(function: &str, file: &str, line: u32) -> NativeFrame {
        NativeFrame {
            function: function.into(),
            file: file.into(),
            line,
            inlined: false,
        }
    }

    fn stack(frames: &[u32], samples: u64) -> NativeStack {
        NativeStack {
            thread: "main".into(),
            frames: frames.to_vec(),
            samples,
        }
    }

    /// Frames: 0 memcpy, 1 std, 2 a crate, 3 and 4 two lines of `parse`, 5 an annotated function, 6 a closure of `parse`.
    fn profile() -> Profile {
        let mut profile = fixture::diffusion();
        profile.run.source_root = Some(HOME.into());
        let own =
            |function: &str, file: &str, line| frame(function, &format!("{HOME}/{file}"), line);
        profile.processes[0].native = Some(Native {
            asked_hz: 1000,
            cpu_ns: 2_000_000_000,
            signals: 410,
            frames: vec![
                frame("memcpy", "", 0),
                frame(
                    "core::slice::sort",
                    "/rustc/0123/library/core/src/slice/mod.rs",
                    9,
                ),
                frame(
                    "serde::de",
                    "/home/user/.cargo/registry/src/index-1/serde-1.0.1/src/de.rs",
                    5,
                ),
                own("diffusion::parse", "src/input.rs", 7),
                own("diffusion::parse", "src/input.rs", 8),
                own("diffusion::solver::Field::advance", "src/solver.rs", 21),
                own("diffusion::parse::{{closure}}", "src/input.rs", 7),
            ],
            stacks: vec![
                stack(&[0, 2, 3, 5], 100),
                stack(&[1, 6, 3, 5], 50),
                stack(&[4, 5], 50),
                stack(&[1, 5], 150),
                stack(&[0], 40),
                stack(&[2], 10),
            ],
        });
        profile
    }

    #[test]
    fn samples_go_to_the_innermost_line_of_the_user() {
        let mut out = Vec::new();
        write_native_table(&profile(), &NativeTableOptions::default(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        Native stacks: 400 samples in 2.00 s of CPU time, 200 a second, of 1000 asked for; 10 dropped

        Hot lines outside annotated code

         Samples  % CPU     Own     std  crates  system  Line
             150   37.5              50             100  src/input.rs:7 diffusion::parse
              50   12.5      50                          src/input.rs:8 diffusion::parse

        37.5 % in annotated functions; without any of your code: 0.0 % std, 2.5 % crates, 10.0 % system
        Worth #[profile]: diffusion::parse
        ");
    }

    #[test]
    fn suggestions_add_up_the_lines_of_a_function() {
        let mut out = Vec::new();
        let place =
            |_: &str, function: &str, hot| (function == "diffusion::parse").then_some(hot - 2);
        write_suggestions(&profile(), None, &place, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            " % CPU  Samples  Function to annotate\n  50.0      200  src/input.rs:5 diffusion::parse\n"
        );
    }

    #[test]
    fn a_rate_that_was_reached_is_told_alone() {
        let mut profile = profile();
        if let Some(native) = &mut profile.processes[0].native {
            native.asked_hz = 200;
        }
        let mut out = Vec::new();
        write_native_table(&profile, &NativeTableOptions::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let heading =
            "Native stacks: 400 samples in 2.00 s of CPU time, 200 a second; 10 dropped\n";
        assert!(text.starts_with(heading), "{text}");
    }
}
