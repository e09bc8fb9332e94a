//! A whole source file with what its lines cost in the margin.

use std::io::{self, Write};

use hprof::model::{FunctionCost, Profile, Scope, function_costs};

use crate::error::ReportError;
use crate::tables::footer;
use crate::tables::marks::signs;
use crate::text;
use crate::text::beside::{self, Beside, Layout};
use crate::text::emphasis::heat;
use crate::text::grid::{Cell, Column, Grid, shown};
use crate::text::numbers::{self, Unit};
use crate::text::screen::Screen;
use crate::text::source::Source;
use crate::text::style::{Style, Tone};
use crate::view::{Figures, FileRow, FileView, Sure, ThinRow, thin_rows};

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
/// `text` is the file as it is now: costs follow the text of their lines if that has changed since the run, and lines that are gone
/// have rows of their own. Without it the functions are shown as they were compiled.
///
/// # Errors
/// [`ReportError::NotInProfile`] if no function that was entered stands in the file, [`ReportError::Write`].
///
/// ```
/// use hprof_reports::{AnnotateOptions, ReportError, write_annotated};
/// let profile = hprof::model::Profile::default();
/// let mut out = Vec::new();
/// let text = Some("fn main() {}");
/// let refused = write_annotated(&profile, "main.rs", text, &AnnotateOptions::default(), &mut out);
/// assert!(matches!(refused, Err(ReportError::NotInProfile { .. })));
/// ```
pub fn write_annotated(
    profile: &Profile,
    file: &str,
    text: Option<&str>,
    options: &AnnotateOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let costs = function_costs(profile, options.scope);
    let thin = thin_rows(profile, options.scope);
    annotate(profile, (&costs, &thin), (file, text), options, out)
}

fn annotate(
    profile: &Profile,
    (costs, thin): (&[FunctionCost], &[ThinRow<'_>]),
    (file, text): (&str, Option<&str>),
    options: &AnnotateOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let out = &mut Screen::new(out, options.style);
    let lines: Option<Vec<&str>> = text.map(|text| text.lines().collect());
    let view = FileView::new(profile, costs, thin, file, lines.as_deref());
    let view = view.ok_or_else(|| ReportError::NotInProfile { file: file.into() })?;
    writeln!(out, "File: {}", text::clean(file))?;
    let whole = numbers::general(view.whole.as_seconds(), 6);
    writeln!(
        out,
        "All: {whole} s in instrumented functions, of this file and others\n"
    )?;
    let style = options.style;
    let shown = ColumnChoice::new(&view, options.unit);
    let mut grid = Grid::new(shown.columns());
    for row in &view.rows {
        grid.push(shown.cells(row));
    }
    // Rows are numbered here, for lines that are gone have no place in the file.
    let source = Source::new(1, view.rows.iter().map(|row| row.text), style);
    let rows = (1..).zip(&view.rows).map(|(at, _)| at).collect();
    beside::write(grid, Beside::Source(source, rows), &LAYOUT, style, out)?;
    write_foot(&view, text.is_none(), style, out)?;
    Ok(())
}

/// The share can be worked out; without the former number nobody knows what moved.
const LAYOUT: Layout<'_> = Layout {
    title: "Line Contents",
    gap: 2,
    rule: true,
    gives_way: &["% All", "+-", "Was"],
};

/// Which of the columns that not every file needs a table has.
#[derive(Debug)]
struct ColumnChoice {
    unit: Unit,
    was: bool,
    marks: usize,
    errors: bool,
}

impl ColumnChoice {
    fn new(view: &FileView<'_>, unit: Unit) -> Self {
        let figures = || view.rows.iter().filter_map(|row| row.figures.as_ref());
        let has_error = |sure| matches!(sure, Sure::Within(_) | Sure::Unknown);
        Self {
            unit,
            was: view.rows.iter().any(|row| row.was.is_some()),
            marks: figures().map(|line| line.marks.len()).max().unwrap_or(0),
            errors: figures().any(|line| has_error(line.sure)),
        }
    }

    fn columns(&self) -> Vec<Column> {
        let columns = [
            (true, Column::right("Line #", 6)),
            (self.was, Column::right("Was", 6)),
            (true, Column::right("Hits", 9)),
            (true, Column::right("Time", 9)),
            (true, Column::right("% All", 6)),
            (self.marks > 0, Column::left("", self.marks)),
            (self.errors, Column::right("+-", 8)),
        ];
        shown([], columns)
    }

    fn cells(&self, row: &FileRow<'_>) -> Vec<Cell> {
        let blank = Figures::default();
        let figures = row.figures.as_ref().unwrap_or(&blank);
        let sure = figures.sure;
        let heat = heat(figures.percent);
        let was = |number: u32| format!("{number}{}", if row.edited { "*" } else { "" });
        let cells = [
            (
                true,
                Cell::of(row.number, |number| number.to_string()).toned(Tone::Dim),
            ),
            (self.was, Cell::of(row.was, was).toned(Tone::Warm)),
            (true, Cell::of(figures.hits, |hits| hits.to_string())),
            (
                true,
                Cell::of(figures.time, |time| {
                    self.unit.sure(sure.figure(time), sure, 1, 12)
                })
                .toned(heat),
            ),
            (
                true,
                Cell::plain(numbers::percentage(
                    figures.percent,
                    figures.percent_at_most,
                ))
                .toned(heat),
            ),
            (self.marks > 0, Cell::plain(signs(&figures.marks))),
            (self.errors, Cell::plain(self.unit.error(sure, 1, 12))),
        ];
        shown([], cells)
    }
}

/// What the marks mean, and what became of the file.
fn write_foot(
    view: &FileView<'_>,
    missing: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let figures: Vec<&Figures> = view
        .rows
        .iter()
        .filter_map(|row| row.figures.as_ref())
        .collect();
    let mut explained = footer::marks_and_signs(&figures);
    if figures.iter().any(|figures| figures.sure.error().is_some()) {
        explained.extend(footer::column("+-"));
    }
    if !explained.is_empty() {
        writeln!(out)?;
        footer::write_explained(&explained, out)?;
    }
    let warning = style.paint(Tone::Warning, "Warning:");
    if missing {
        return writeln!(
            out,
            "\n{warning} the file is gone: these are the functions that were measured, as they were compiled"
        );
    }
    let counts = [
        (view.moved, "moved"),
        (view.edited, "edited (*)"),
        (view.gone, "gone (no line number)"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told
        .map(|(count, what)| {
            format!(
                "{} {what}",
                numbers::counted(*count as u64, "line", "lines")
            )
        })
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{warning} the file has changed since it was compiled: {}; costs follow the text, Was is the line as compiled",
        told.join(", ")
    )
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
            (&fixture::diffusion_costs(), &[]),
            (file_name, Some(text)),
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
    fn the_calls_of_thin_functions_stand_on_their_first_line() {
        let profile = fixture::thin();
        let text = "\n".repeat(43) + "fn small(&self) -> f64 {\n    self.cells\n}";
        let mut out = Vec::new();
        let thin = thin_rows(&profile, Scope::All);
        let options = AnnotateOptions::default();
        let file = ("src/solver.rs", Some(text.as_str()));
        annotate(&profile, (&[], &thin), file, &options, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let row = out.lines().find(|row| row.starts_with("    44"));
        let cells: Vec<&str> = row.unwrap().split_whitespace().collect();
        assert_eq!(cells[..3], ["44", "1000", "^"], "{out}");
        let explained = "^      a thin function: its calls are counted";
        assert!(out.contains(explained), "{out}");
        // That of the other one is gone from the file.
        let gone = out.lines().find(|row| row.contains("23000000")).unwrap();
        assert!(gone.contains("48"), "{out}");
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

    /// The text of the file after some work on it: lines above, a deleted line, an edited one, a function in another place.
    fn changed() -> String {
        let profile = fixture::diffusion();
        let text = |at: usize| profile.functions[at].source.join("\n");
        let main = text(0)
            .replace("        step += 1;\n", "")
            .replace("total {}\", field.total()", "sum {}\", field.total()");
        let advance = text(1).replace("    helper", "    checked();\n        helper");
        format!("use std::mem;\n\n{advance}\n\n// Here now.\n{main}\n")
    }

    #[test]
    fn costs_follow_the_text_of_a_changed_file() {
        insta::assert_snapshot!(shown("src/solver.rs", &changed(), Style::default()).unwrap());
    }

    #[test]
    fn a_file_that_is_gone_is_shown_as_it_was_compiled() {
        let mut out = Vec::new();
        annotate(
            &fixture::diffusion(),
            (&fixture::diffusion_costs(), &[]),
            ("src/solver.rs", None),
            &AnnotateOptions::default(),
            &mut out,
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("    23   3280000    1.10 s   90.0    12.0 ms              for j in 1..=field.columns {\n"), "{text}");
        assert!(text.contains("Warning: the file is gone"), "{text}");
        assert!(!text.contains("    15 "), "{text}");
    }

    #[test]
    fn a_narrow_terminal_keeps_forty_columns_of_code() {
        let style = Style {
            color: false,
            width: Some(80),
        };
        let text = shown("src/solver.rs", &changed(), style).unwrap();
        let table = text.lines().skip(3).take_while(|line| !line.is_empty());
        assert!(table.clone().all(|line| text::width(line) <= 80), "{text}");
        assert!(text.contains("for j in 1..=field.columns {\n"), "{text}");
    }

    /// The cells of the one row of a table that has this text, separated by one blank.
    fn cells(table: &[u8], text: &str) -> String {
        let table = String::from_utf8_lossy(table);
        let row = table.lines().find(|row| row.contains(text));
        let words = row.unwrap_or_else(|| panic!("no {text} in {table}"));
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn all_tables_print_the_same_figure() {
        let split = |deviation: u64| hprof::model::LineCost {
            hits: 3,
            sampled: hprof::model::Nanos(1_234_567),
            samples: 30,
            variance: u128::from(deviation).pow(2),
            ..hprof::model::LineCost::default()
        };
        for (deviation, time, error) in [
            (0, "1.23 ms", ""),
            (345_678, "1.23 ms", " 346 us"),
            (3_456_789, "<= 4.7 ms", ""),
        ] {
            let (profile, costs) = fixture::single("f", "work();", &[(1, split(deviation))]);
            let (mut lines, mut file, mut functions) = (Vec::new(), Vec::new(), Vec::new());
            let options = crate::LineTableOptions::default();
            crate::tables::line_table::write_costs(&profile, &costs, &options, &mut lines).unwrap();
            let options = AnnotateOptions::default();
            let text = Some("work();");
            annotate(
                &profile,
                (&costs, &[]),
                ("src/solver.rs", text),
                &options,
                &mut file,
            )
            .unwrap();
            let options = crate::FunctionTableOptions::default();
            crate::tables::function_table::write_costs(&profile, &costs, &options, &mut functions)
                .unwrap();
            let line = cells(&lines, "work();");
            assert!(line.starts_with(&format!("1 3 {time} ")), "{line}");
            assert!(line.ends_with(&format!("{error} 30 work();")), "{line}");
            let line = cells(&file, "work();");
            assert!(line.starts_with(&format!("1 3 {time} ")), "{line}");
            assert!(line.ends_with(&format!("{error} work();")), "{line}");
            let function = cells(&functions, "(f)");
            assert!(
                function.starts_with(&format!("1 {time} {time} {time} {time} ")),
                "{function}"
            );
        }
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
