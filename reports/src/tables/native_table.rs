//! The table of hot lines outside annotated code, from native stacks, and the functions worth an annotation.

use std::io::{self, Write};

use hprof::model::{Profile, Scope, function_costs};

use crate::error::ReportError;
use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::emphasis::heat;
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::thousands;
use crate::text::screen::Screen;
use crate::text::style::Style;
use crate::view::{FindFunction, NativeView, NotListed, heavy, pattern, shortened};

/// Whose code ran gives way first.
const LAYOUT: Layout<'_> = Layout {
    title: "Line",
    gap: 2,
    rule: false,
    gives_way: &["system", "crates", "std", "Own", "+-"],
};

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

/// Writes what the native stacks tell beyond the line tables, after an empty line: each sample counts for the innermost line of the
/// user's code in its stack; the columns `Own` to `system` say whose code ran then. Nothing is written for a profile without native
/// stacks. `find` knows the functions of source files.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{NativeTableOptions, write_native_table};
/// let mut out = Vec::new();
/// write_native_table(&hprof::model::Profile::default(), &NativeTableOptions::default(), &|_, _| None, &mut out)?;
/// assert!(out.is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_native_table(
    profile: &Profile,
    options: &NativeTableOptions,
    find: &FindFunction<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Screen::new(out, options.style);
    let Some(view) = NativeView::new(profile, find) else {
        return Ok(());
    };
    writeln!(out, "\n{}", heading(&view))?;
    if view.samples == 0 {
        return Ok(());
    }
    if view.lines.is_empty() {
        writeln!(
            out,
            "No sample fell on code of yours outside annotated functions."
        )?;
    } else {
        writeln!(
            out,
            "\nHot lines outside annotated code, and whose code ran\n"
        )?;
        lines(profile, &view, options, out)?;
    }
    rest(&view, out)?;
    hint(profile, &view, out)
}

/// The rate that was reached: the one asked for is told only where it was missed.
fn heading(view: &NativeView) -> String {
    let seconds = view.cpu_ns as f64 / 1e9;
    let rate = view.reached_hz.unwrap_or(0.0);
    let missed = if view.missed_rate() {
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
        vec![
            Column::right("Samples", 8),
            Column::right("% CPU", 6),
            Column::right("+-", 5),
        ]
        .into_iter()
        .chain(columns)
        .collect(),
    );
    let shown = || view.lines.iter().take(options.top.unwrap_or(20));
    for line in shown() {
        let mut cells = vec![
            Cell::plain(line.samples.to_string()),
            Cell::of(line.percent, |percent| format!("{percent:.1}")).toned(heat(line.percent)),
            Cell::of(line.error, |error| format!("{error:.1}")),
        ];
        let count = |part: u64| Cell::of((part > 0).then_some(part), |part| part.to_string());
        cells.extend(line.inside.columns().map(count));
        grid.push(cells);
    }
    let root = profile.run.source_root.as_deref();
    let places = shown().map(|line| Place {
        before: String::new(),
        path: text::clean(shortened(&line.file, root)).into_owned(),
        after: format!(":{} {}", number(line.line), text::clean(&line.function)),
    });
    let places = Beside::Places(places.collect());
    beside::write(grid, places, &LAYOUT, options.style, out)?;
    let more = view.lines.len() - shown().count();
    if more > 0 {
        writeln!(out, "{more} more")?;
    }
    writeln!(out)
}

/// The samples that are not in the table.
fn rest(view: &NativeView, out: &mut dyn Write) -> io::Result<()> {
    let NotListed {
        annotated,
        std,
        crates,
        system,
        recorder,
    } = view.not_listed();
    writeln!(
        out,
        "{annotated:.1} % in annotated functions; without any of your code: {std:.1} % std, {crates:.1} % crates, {system:.1} % system, {recorder:.1} % hprof",
    )
}

/// The first few functions worth an annotation.
fn hint(profile: &Profile, view: &NativeView, out: &mut dyn Write) -> io::Result<()> {
    let suggestions = view.notable_suggestions();
    let names: Vec<String> = suggestions
        .take(NAMED)
        .map(|suggestion| {
            let place = file_and_line(profile, &suggestion.file, suggestion.line);
            text::clean(&format!("{} ({place})", suggestion.function)).into_owned()
        })
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    writeln!(out, "Worth #[profile]: {}", names.join(", "))
}

/// Writes the functions that are worth an annotation, worst first: share of all samples, where, and name; and the pattern of
/// `--functions` that chooses them. `find` knows the functions of source files; where it does not, the hottest line stands for the
/// place. Without native stacks, the measured functions that make nearly all of the time.
///
/// # Errors
/// [`ReportError::NoNative`] without native stacks and times, else [`ReportError::Write`].
///
/// ```
/// use hprof_reports::{ReportError, write_suggestions};
/// let mut out = Vec::new();
/// let none = write_suggestions(&hprof::model::Profile::default(), None, &|_, _| None, &mut out);
/// assert!(matches!(none, Err(ReportError::NoNative)));
/// ```
pub fn write_suggestions(
    profile: &Profile,
    top: Option<usize>,
    find: &FindFunction<'_>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let out = &mut Screen::new(out, Style::default());
    let Some(view) = NativeView::new(profile, find) else {
        return write_heavy(profile, top, find, out);
    };
    if view.suggestions.is_empty() {
        writeln!(
            out,
            "Nothing: no sample fell on code of yours outside annotated functions"
        )?;
        return Ok(());
    }
    writeln!(out, " % CPU  Samples  Function to annotate")?;
    let shown = top.unwrap_or(10);
    for suggestion in view.suggestions.iter().take(shown) {
        let place = file_and_line(profile, &suggestion.file, suggestion.line);
        writeln!(
            out,
            "{:>6.1}  {:>7}  {}",
            suggestion.percent.unwrap_or(0.0),
            suggestion.samples,
            text::clean(&format!("{place} {}", suggestion.function))
        )?;
    }
    let more = view.suggestions.len().saturating_sub(shown);
    if more > 0 {
        writeln!(out, "{more} more")?;
    }
    let names = view.suggestions.iter().take(shown);
    choice(names.map(|suggestion| suggestion.function.as_str()), out)?;
    Ok(())
}

/// The same of functions that were measured.
fn write_heavy(
    profile: &Profile,
    top: Option<usize>,
    find: &FindFunction<'_>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let costs = function_costs(profile, Scope::All);
    let mut heavy = heavy(profile, &costs, find);
    if heavy.is_empty() {
        return Err(ReportError::NoNative);
    }
    heavy.truncate(top.unwrap_or(usize::MAX));
    writeln!(out, " % Own  Calls       Function to measure alone")?;
    for function in &heavy {
        let place = file_and_line(profile, function.file, function.line);
        writeln!(
            out,
            "{:>6.1}  {:<10}  {}",
            function.percent.unwrap_or(0.0),
            thousands(function.calls),
            text::clean(&format!("{place} {}", function.name))
        )?;
    }
    choice(heavy.iter().map(|function| function.name.as_str()), out)?;
    Ok(())
}

/// How these functions are measured without an edit.
fn choice<'a>(names: impl Iterator<Item = &'a str>, out: &mut dyn Write) -> io::Result<()> {
    match pattern(names) {
        Some(pattern) => writeln!(out, "\nWithout an edit: hprof run --functions '{pattern}'"),
        None => Ok(()),
    }
}

/// File and line, the file from the root of the sources on if it is below.
fn file_and_line(profile: &Profile, file: &str, line: u32) -> String {
    let root = profile.run.source_root.as_deref();
    let file = shortened(file, root);
    format!("{file}:{}", number(line))
}

/// The number of a line, if it is known.
fn number(line: u32) -> String {
    match line {
        0 => "?".into(),
        line => line.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use hprof::model::{Native, NativeFrame, NativeStack};

    use super::*;
    use crate::fixture;
    use crate::view::FunctionAt;

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
        write_native_table(
            &profile(),
            &NativeTableOptions::default(),
            &|_, _| None,
            &mut out,
        )
        .unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"

        Native stacks: 400 samples in 2.00 s of CPU time, 200 a second, of 1000 asked for; 10 dropped

        Hot lines outside annotated code, and whose code ran

         Samples  % CPU    +-     Own     std  crates  system  Line
             150   37.5   2.4              50             100  src/input.rs:7 diffusion::parse
              50   12.5   1.7      50                          src/input.rs:8 diffusion::parse

        37.5 % in annotated functions; without any of your code: 0.0 % std, 2.5 % crates, 10.0 % system, 0.0 % hprof
        Worth #[profile]: diffusion::parse (src/input.rs:7)
        ");
    }

    #[test]
    fn a_narrow_terminal_keeps_the_place() {
        let mut options = NativeTableOptions::default();
        options.style.width = Some(60);
        let mut out = Vec::new();
        write_native_table(&profile(), &options, &|_, _| None, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let table = text.split_once("code ran\n\n").unwrap().1;
        let (table, _) = table.split_once("\n\n").unwrap();
        insta::assert_snapshot!(table);
    }

    #[test]
    fn suggestions_add_up_the_lines_of_a_function() {
        let mut out = Vec::new();
        let find = |file: &str, _| {
            file.ends_with("input.rs").then(|| FunctionAt {
                name: "parse".into(),
                line: 5,
            })
        };
        write_suggestions(&profile(), None, &find, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            " % CPU  Samples  Function to annotate\n  50.0      200  src/input.rs:5 parse\n\nWithout an edit: hprof run --functions 'parse'\n"
        );
    }

    #[test]
    fn without_stacks_the_functions_that_make_nearly_all_of_the_time_are_suggested() {
        let mut out = Vec::new();
        let find = |_: &str, line| {
            (line == 30).then(|| FunctionAt {
                name: "Field::advance".into(),
                line: 21,
            })
        };
        write_suggestions(&fixture::diffusion(), None, &find, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }

    #[test]
    fn a_rate_that_was_reached_is_told_alone() {
        let mut profile = profile();
        if let Some(native) = &mut profile.processes[0].native {
            native.asked_hz = 200;
        }
        let mut out = Vec::new();
        write_native_table(
            &profile,
            &NativeTableOptions::default(),
            &|_, _| None,
            &mut out,
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        let heading =
            "Native stacks: 400 samples in 2.00 s of CPU time, 200 a second; 10 dropped\n";
        assert!(text.starts_with(&format!("\n{heading}")), "{text}");
    }

    /// The table of one stack for each of these innermost frames, called from the annotated function if `below`.
    fn table(frames: Vec<NativeFrame>, below: bool) -> String {
        let mut profile = profile();
        if let Some(native) = &mut profile.processes[0].native {
            let annotated = u32::try_from(frames.len()).unwrap();
            let caller = if below { vec![annotated] } else { Vec::new() };
            native.stacks = (0..annotated)
                .map(|frame| stack(&[&[frame][..], &caller].concat(), 10))
                .collect();
            native.frames = frames;
            let advance = format!("{HOME}/src/solver.rs");
            native.frames.push(frame("advance", &advance, 21));
        }
        let mut out = Vec::new();
        let find = |_: &str, line: u32| {
            Some(FunctionAt {
                name: "parse".into(),
                line: line - 2,
            })
        };
        write_native_table(&profile, &NativeTableOptions::default(), &find, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn code_without_a_line_belongs_to_the_annotated_function_of_its_name() {
        let advance = format!("{HOME}/src/solver.rs");
        let text = table(vec![frame("advance", &advance, 0)], false);
        assert!(text.contains("100.0 % in annotated functions"), "{text}");
        assert!(!text.contains("Worth"), "{text}");
    }

    #[test]
    fn code_without_a_line_belongs_to_the_only_other_function_of_its_name() {
        let file = format!("{HOME}/src/input.rs");
        let frames = vec![frame("parse<u8>", &file, 7), frame("parse<u8>", &file, 0)];
        let text = table(frames, true);
        assert!(text.contains("src/input.rs:? parse\n"), "{text}");
        assert!(
            text.contains("Worth #[profile]: parse (src/input.rs:5)\n"),
            "{text}"
        );
    }

    #[test]
    fn the_recorder_is_not_the_users_code_even_inside_his_workspace() {
        let file = format!("{HOME}/profiler-core/src/memory/alloc.rs");
        let frames = || vec![frame("hprof::alloc<std::alloc::System>", &file, 9)];
        let text = table(frames(), true);
        assert!(text.contains("100.0 % in annotated functions"), "{text}");
        let text = table(frames(), false);
        assert!(text.contains("0.0 % system, 100.0 % hprof"), "{text}");
    }

    #[test]
    fn neighbours_of_the_workspace_and_vendored_crates_are_not_the_users_code() {
        let other = frame("other::f", &format!("{HOME}-2/src/lib.rs"), 3);
        let vendored = frame("f", &format!("{HOME}/vendor/serde/src/lib.rs"), 3);
        let text = table(vec![other, vendored], false);
        assert!(text.contains("0.0 % std, 100.0 % crates"), "{text}");
        assert!(text.contains("No sample fell on code of yours"), "{text}");
    }
}
