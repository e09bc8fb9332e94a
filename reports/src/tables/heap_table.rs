//! The foot of tables with allocations: whose blocks were live at the end, and when the heap was at its peak.

use std::io::{self, Write};

use hprof::model::{Profile, Scope};

use crate::text;
use crate::text::beside::{self, Beside, Layout, Place};
use crate::text::grid::{Cell, Column, Grid};
use crate::text::numbers::{AT_MOST, counted, general, rough_bytes, scaled_bytes};
use crate::text::style::{Style, Tone};
use crate::view::{HeapMoment, HeapRow, HeapView, whole_bytes};

const LAYOUT: Layout<'_> = Layout {
    title: "Line",
    gap: 1,
    rule: false,
    gives_way: &["%", "+-"],
};

/// What was allocated on no recorded line.
pub(crate) const OUTSIDE: &str = "outside of all recorded lines";

/// Below this deviation, in bytes, a figure is as good as exact.
const FINE: f64 = 1024.0;

/// Writes both lists; nothing if live blocks were not noted.
pub(crate) fn write(
    profile: &Profile,
    scope: Scope,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(view) = HeapView::new(profile, scope) else {
        return Ok(());
    };
    write_totals(&view, out)?;
    for moment in [HeapMoment::End, HeapMoment::Peak] {
        write_lines(profile, &view, moment, style, out)?;
    }
    write_how_known(&view, style, out)
}

/// The totals, and the lines of one moment.
pub(crate) fn write_moment(
    profile: &Profile,
    view: &HeapView,
    moment: HeapMoment,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_totals(view, out)?;
    write_lines(profile, view, moment, style, out)?;
    write_how_known(view, style, out)
}

fn write_lines(
    profile: &Profile,
    view: &HeapView,
    moment: HeapMoment,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (title, rows) = match moment {
        HeapMoment::End => ("Still allocated at the end:", &view.at_end),
        HeapMoment::Peak => ("Allocated when the heap was at its peak:", &view.at_peak),
    };
    write_rows(profile, title, rows, style, out)
}

fn write_totals(view: &HeapView, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", totals(view))
}

/// What was live at both moments, in a sentence.
pub(crate) fn totals(view: &HeapView) -> String {
    let several = match view.processes {
        0 | 1 => String::new(),
        count => format!(" (sums over {count} processes, whose peaks may be at different times)"),
    };
    // What threads have not passed on yet.
    let bound = match view.bound_bytes {
        0 => String::new(),
        bytes => format!(", each within {}", scaled_bytes(bytes)),
    };
    format!(
        "Heap: {} not freed at the end, {} at its peak{bound}{several}",
        scaled_bytes(view.live_bytes),
        scaled_bytes(view.peak_bytes)
    )
}

/// What the figures of lines rest on, and what is missing.
pub(crate) fn how_known(view: &HeapView) -> (Option<String>, Option<String>) {
    let listed = !(view.at_end.is_empty() && view.at_peak.is_empty());
    let known = match view.gap {
        Some(_) if !listed => None,
        Some(gap) => Some(format!(
            "Sampled: one block is noted for each {} allocated, or more; +- is one standard deviation, and lines with less may be missing. --alloc-exact counts every block.",
            scaled_bytes(gap)
        )),
        None if view.lost_blocks > 0 => None,
        None => Some("Every block is counted: these figures are exact.".to_owned()),
    };
    let missing = (view.lost_blocks > 0).then(|| {
        format!(
            "{} of {} in all found no room and are missing here, though some may be freed by now: more room with --space",
            counted(view.lost_blocks, "block", "blocks"),
            scaled_bytes(view.lost_bytes)
        )
    });
    (known, missing)
}

fn write_how_known(view: &HeapView, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let (known, missing) = how_known(view);
    if let Some(known) = known {
        writeln!(out, "{known}")?;
    }
    if let Some(missing) = missing {
        writeln!(out, "{} {missing}", style.paint(Tone::Warning, "Warning:"))?;
    }
    writeln!(out)
}

fn write_rows(
    profile: &Profile,
    title: &str,
    rows: &[HeapRow],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", style.paint(Tone::Heading, title))?;
    let places = rows.iter().map(|row| place_of(profile, row)).collect();
    beside::write(figures(rows), Beside::Places(places), &LAYOUT, style, out)
}

/// The figures of lines as the list has them.
pub(crate) fn figures(rows: &[HeapRow]) -> Grid {
    let mut columns = vec![Column::right("Bytes", 10)];
    let has_errors = rows.iter().any(|row| row.error >= FINE && !row.is_bound());
    if has_errors {
        columns.push(Column::right("+-", 10));
    }
    columns.push(Column::right("%", 6));
    let mut grid = Grid::new(columns);
    for row in rows {
        let fine = row.error < FINE;
        let mut cells = vec![Cell::plain(if row.is_bound() {
            format!("{AT_MOST} {}", rough_bytes(row.most()))
        } else {
            scaled_bytes(row.bytes)
        })];
        if has_errors {
            let error = Some(row.error).filter(|_| !fine && !row.is_bound());
            cells.push(Cell::of(error, |error| scaled_bytes(whole_bytes(error))));
        }
        cells.push(Cell::plain(general(row.percent, 3)));
        grid.push(cells);
    }
    grid
}

/// Function, file, line and what stands there.
fn place_of(profile: &Profile, row: &HeapRow) -> Place {
    let known = row.place.and_then(|place| {
        let function = profile.functions.get(place.function.0 as usize)?;
        let at = place.line.checked_sub(function.line);
        let source = at.and_then(|at| function.source.get(at as usize));
        let source = source.map(|line| text::clean(line.trim()));
        Some(Place {
            before: format!("{} at ", text::clean(&function.name)),
            path: text::clean(&function.file).into_owned(),
            after: format!(":{}  {}", place.line, source.unwrap_or_default()),
        })
    });
    known.unwrap_or_else(|| Place {
        before: OUTSIDE.into(),
        ..Place::default()
    })
}

#[cfg(test)]
mod tests {
    use hprof::model::{LineCost, LineLive, LiveCount};

    use super::*;
    use crate::fixture;

    const SOURCE: &str = "\
fn leak() {
    let kept = vec![1_u8; 3 << 20];
    let gone = vec![2_u8; 2 << 20];
}";

    fn profile() -> Profile {
        let line = |live_bytes, peak_bytes, variance| LineCost {
            hits: 1,
            live: LineLive {
                live_bytes,
                peak_bytes,
                live_variance: if live_bytes > 0 { variance } else { 0 },
                peak_variance: variance,
            },
            ..LineCost::default()
        };
        let lines = [
            (2, line(3 << 20, 3 << 20, 4)),
            (3, line(0, 2 << 20, 1 << 40)),
        ];
        let (mut profile, _) = fixture::single("leak", SOURCE, &lines);
        profile.processes[0].heap = Some(fixture::sampled_heap());
        profile
    }

    fn written(profile: &Profile) -> String {
        let mut out = Vec::new();
        write(profile, Scope::All, Style::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn both_moments_have_their_lines() {
        insta::assert_snapshot!(written(&profile()));
    }

    /// Printed 100 KiB +- 724 KiB.
    #[test]
    fn an_error_larger_than_the_bytes_is_a_bound() {
        let mut profile = profile();
        let lines = &mut profile.processes[0].threads[0].nodes[0].lines;
        let (second, _) = lines.iter().nth(1).unwrap();
        lines.change(|line, cost| {
            if *line == second {
                cost.live.peak_bytes = 100 << 10;
                cost.live.peak_variance = (724_u64 << 10).pow(2);
            }
        });
        let text = written(&profile);
        assert!(text.contains("<= 820 KiB "), "{text}");
        assert!(!text.contains("724 KiB"), "{text}");
    }

    #[test]
    fn narrow_terminals_cut_the_source_and_then_the_path() {
        let mut out = Vec::new();
        let style = Style {
            color: false,
            width: Some(60),
        };
        write(&profile(), Scope::All, style, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let rows: Vec<&str> = text
            .lines()
            .filter(|row| row.contains(" at solver.rs"))
            .collect();
        assert!(rows.iter().all(|row| text::width(row) <= 60), "{text}");
        assert!(
            rows[1].contains("leak at solver.rs:2  let kept = "),
            "{text}"
        );
    }

    #[test]
    fn counts_of_every_block_have_no_errors_and_tell_what_is_missing() {
        let mut profile = profile();
        let heap = profile.processes[0].heap.as_mut().unwrap();
        let lines = heap.lines.as_mut().unwrap();
        lines.count = LiveCount::Exact;
        lines.lost_blocks = 7;
        lines.lost_bytes = 7_000;
        lines.elsewhere = LineLive::default();
        let lines = &mut profile.processes[0].threads[0].nodes[0].lines;
        lines.change(|_, cost| {
            cost.live.live_variance = 0;
            cost.live.peak_variance = 0;
        });
        let text = written(&profile);
        assert!(!text.contains("+-"), "{text}");
        assert!(!text.contains("Every block"), "{text}");
        assert!(text.contains("7 blocks of 6.84 KiB"), "{text}");
        profile.processes[0].heap = Some(fixture::exact_heap());
        let text = written(&profile);
        assert!(text.contains("these figures are exact"), "{text}");
        assert!(!text.contains("within"), "{text}");
    }

    #[test]
    fn without_noted_blocks_there_is_nothing() {
        assert_eq!(written(&fixture::diffusion()), "");
    }
}
