//! What was allocated and not freed at a moment, by line and by call path.

use std::io::Write;

use hprof::model::{Profile, Scope};

use super::{footer, heap_table};
use crate::error::ReportError;
use crate::text;
use crate::text::numbers::{counted, scaled_bytes};
use crate::text::screen::Screen;
use crate::text::style::{Style, Tone};
use crate::view::{HeapMoment, HeapPath, HeapPaths, HeapView, RunView};

/// How much of a moment is listed, and how it looks.
///
/// ```
/// let mut options = hprof_reports::MomentTableOptions::default();
/// options.paths = 3;
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MomentTableOptions {
    /// Call paths at most.
    pub paths: usize,
    /// What the stream can show.
    pub style: Style,
}

impl Default for MomentTableOptions {
    fn default() -> Self {
        Self {
            paths: 10,
            style: Style::default(),
        }
    }
}

/// Writes the lines whose blocks were not freed at a moment, and the calls that led to them.
///
/// # Errors
/// [`ReportError::NoBlocks`] if no blocks were noted, and those of the writer.
///
/// ```
/// use hprof_reports::{HeapMoment, MomentTableOptions, ReportError, write_moment_table};
/// let profile = hprof::model::Profile::default();
/// let options = MomentTableOptions::default();
/// let error = write_moment_table(&profile, HeapMoment::Peak, &options, &mut Vec::new());
/// assert!(matches!(error, Err(ReportError::NoBlocks)));
/// ```
pub fn write_moment_table(
    profile: &Profile,
    moment: HeapMoment,
    options: &MomentTableOptions,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let style = options.style;
    let view = HeapView::new(profile, Scope::All).ok_or(ReportError::NoBlocks)?;
    let paths = HeapPaths::new(profile, moment, options.paths)?;
    let out = &mut Screen::new(out, style);
    heap_table::write_moment(profile, &view, moment, style, out)?;
    if !paths.paths.is_empty() {
        let title = "By the calls that led to them:";
        writeln!(out, "{}", style.paint(Tone::Heading, title))?;
        for path in &paths.paths {
            write_path(path, style, out)?;
        }
        if paths.left_out > 0 {
            let more = counted(paths.left_out as u64, "path", "paths");
            writeln!(out, "({more} left out: --top N shows more)")?;
        }
        writeln!(out)?;
    }
    Ok(footer::write(&RunView::new(profile), profile, style, out)?)
}

fn write_path(path: &HeapPath, style: Style, out: &mut dyn Write) -> std::io::Result<()> {
    let share = path.percent.map(|percent| format!(" ({percent:.1} %)"));
    let title = format!("{}{}", scaled_bytes(path.bytes), share.unwrap_or_default());
    writeln!(out, "\n{}", style.paint(Tone::Warning, &title))?;
    if path.outer > 0 {
        let outer = counted(path.outer as u64, "frame", "frames");
        writeln!(out, "  ... {outer} further out")?;
    }
    for (depth, frame) in path.frames.iter().enumerate() {
        let line = format!("  {}{}", "  ".repeat(depth), text::clean(frame));
        writeln!(
            out,
            "{}",
            text::cut(&line, style.width.unwrap_or(usize::MAX)).trim_end()
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hprof::model::LineLive;

    use super::*;
    use crate::fixture;

    #[test]
    fn paths_lead_to_the_line_that_allocated() {
        let mut profile = fixture::diffusion();
        profile.processes[0].heap = Some(fixture::sampled_heap());
        for node in &mut profile.processes[0].threads[0].nodes {
            node.lines.change(|line, cost| {
                if *line == 28 {
                    cost.live = LineLive {
                        live_bytes: 1 << 20,
                        peak_bytes: 3 << 20,
                        ..LineLive::default()
                    };
                }
            });
        }
        let mut out = Vec::new();
        let options = MomentTableOptions::default();
        write_moment_table(&profile, HeapMoment::Peak, &options, &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap());
    }
}
