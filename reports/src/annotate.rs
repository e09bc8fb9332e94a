//! A whole source file with what its lines cost in the margin.

use std::io::{self, Write};

use hprof::model::{FunctionCost, Profile, Scope, function_costs};

use crate::error::ReportError;
use crate::grid::{Cell, Column, Grid};
use crate::line_table::heat;
use crate::numbers::{self, Unit};
use crate::source::Source;
use crate::style::{Style, Tone};
use crate::text;
use crate::view::FileView;

/// How an annotated file is shown.
///
/// ```
/// let mut options = hprof_reports::AnnotateOptions::default();
/// options.unit = hprof_reports::Unit::Seconds(1e-3);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AnnotateOptions {
    /// Unit of all times.
    pub unit: Unit,
    /// The part of the profile to add up.
    pub scope: Scope,
    /// What the stream can show.
    pub style: Style,
}

/// Writes the text of a file with hits, time and share of each line before it. Shares are of the time in all instrumented functions.
///
/// # Errors
/// [`ReportError::NotInProfile`] if no function that was entered stands in the file, [`ReportError::Write`].
///
/// ```
/// use hprof_reports::{AnnotateOptions, ReportError, write_annotated};
/// let profile = hprof::model::Profile::default();
/// let mut out = Vec::new();
/// let refused = write_annotated(&profile, "main.rs", "fn main() {}", &AnnotateOptions::default(), &mut out);
/// assert!(matches!(refused, Err(ReportError::NotInProfile { .. })));
/// ```
pub fn write_annotated(
    profile: &Profile,
    file: &str,
    text: &str,
    options: &AnnotateOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let costs = function_costs(profile, options.scope);
    annotate(profile, &costs, (file, text), options, out)
}

fn annotate(
    profile: &Profile,
    costs: &[FunctionCost],
    (file, text): (&str, &str),
    options: &AnnotateOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let lines: Vec<&str> = text.lines().collect();
    let view = FileView::new(profile, costs, file, &lines);
    let view = view.ok_or_else(|| ReportError::NotInProfile { file: file.into() })?;
    let mut grid = Grid::new(COLUMNS.to_vec());
    for (number, _) in (1..).zip(&lines) {
        grid.push(cells(&view, number, options.unit));
    }
    writeln!(out, "File: {}", text::clean(file))?;
    let whole = numbers::general(view.whole.as_seconds(), 6);
    writeln!(
        out,
        "All: {whole} s in instrumented functions, of this file and others\n"
    )?;
    write_lines(&grid, &lines, options.style, out)?;
    if view.changed {
        let warning = options.style.paint(Tone::Warning, "Warning:");
        writeln!(
            out,
            "\n{warning} the file has changed since it was compiled: costs may stand on wrong lines"
        )?;
    }
    Ok(())
}

const COLUMNS: [Column; 4] = [
    Column::right("Line #", 6),
    Column::right("Hits", 9),
    Column::right("Time", 9),
    Column::right("% All", 6),
];

fn cells(view: &FileView, number: u32, unit: Unit) -> Vec<Cell> {
    let costs = view.lines.get(&number);
    let total = costs.and_then(|line| line.total);
    let percent = costs.and_then(|line| line.percent);
    vec![
        Cell::new(number.to_string(), Tone::Dim),
        Cell::of(costs.filter(|line| line.hits > 0), |line| {
            line.hits.to_string()
        }),
        Cell::of(total, |total| unit.time(total.0 as f64, 1, 12)).toned(heat(percent)),
        Cell::of(percent, |percent| format!("{percent:.1}")).toned(heat(percent)),
    ]
}

fn write_lines(grid: &Grid, lines: &[&str], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let limit = style.width.unwrap_or(usize::MAX);
    let (titles, rows) = grid.lines(style);
    let titles = format!("{titles}  Line Contents");
    writeln!(
        out,
        "{}",
        style.paint(Tone::Heading, text::cut(&titles, limit))
    )?;
    let rule = "=".repeat(text::width(&titles).min(limit));
    writeln!(out, "{}", style.paint(Tone::Dim, &rule))?;
    let source = Source::new(1, lines.iter().copied(), style);
    let room = limit.saturating_sub(grid.width() + 2);
    for (number, cells) in (1..).zip(rows) {
        let line = source.line(number, room, style);
        writeln!(out, "{}", format!("{cells}  {line}").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    /// The source file of the fixture, complete.
    fn file(profile: &Profile) -> String {
        let mut lines = vec![String::new(); 41];
        for function in &profile.functions {
            for (at, line) in (function.line as usize - 1..).zip(&function.source) {
                lines[at].clone_from(line);
            }
        }
        lines[17] = "// Not measured: `use` and comments stay.".into();
        lines.join("\n")
    }

    fn shown(file_name: &str, text: &str, style: Style) -> Result<String, ReportError> {
        let mut out = Vec::new();
        let options = AnnotateOptions {
            style,
            ..AnnotateOptions::default()
        };
        let profile = fixture::diffusion();
        annotate(
            &profile,
            &fixture::diffusion_costs(),
            (file_name, text),
            &options,
            &mut out,
        )?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn whole_file_with_costs_in_the_margin() {
        let text = file(&fixture::diffusion());
        insta::assert_snapshot!(shown("./src/solver.rs", &text, Style::default()).unwrap());
    }

    #[test]
    fn a_changed_file_is_told() {
        let text = file(&fixture::diffusion());
        let warning = |text: &str| {
            let style = Style {
                color: true,
                width: Some(80),
            };
            shown("/home/user/diffusion/src/solver.rs", text, style)
                .unwrap()
                .contains("has changed")
        };
        assert!(!warning(&text));
        assert!(warning(&text.replace("step += 1", "step += 2")));
        assert!(warning("fn main() {}"));
    }

    #[test]
    fn a_file_that_is_not_in_the_profile_is_refused() {
        let refusal = shown("solver2.rs", "", Style::default()).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the profile holds no function of the file solver2.rs"
        );
    }
}
