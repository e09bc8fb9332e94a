//! What the lines that changed since a revision carry: one sentence, and the hottest of them.

use std::io::{self, Write};

use hprof::model::{Profile, Scope, function_costs};

use super::footer;
use super::hot_table::{HotTableOptions, write_rows};
use crate::text::numbers::counted;
use crate::text::screen::Screen;
use crate::text::style::Tone;
use crate::view::{ChangedFile, ChangedView, RunView};

/// Writes what changed lines carry. `changed` is how many lines changed since `revision` in all, whether they are measured or not.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{HotTableOptions, write_changed_table};
/// let (profile, mut out) = (hprof::model::Profile::default(), Vec::new());
/// write_changed_table(&profile, ("main", 3), &[], &HotTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"Since main 3 lines changed, none of which is measured"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_changed_table(
    profile: &Profile,
    (revision, changed): (&str, u64),
    files: &[ChangedFile],
    options: &HotTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let style = options.style;
    let out = &mut Screen::new(out, style);
    let costs = function_costs(profile, Scope::All);
    let view = ChangedView::new(profile, &costs, files, options.lines);
    let sentence = view.sentence((revision, changed));
    if view.measured == 0 {
        return writeln!(out, "{sentence}");
    }
    writeln!(out, "{}\n", style.paint(Tone::Heading, &sentence))?;
    if !view.hottest.rows.is_empty() {
        write_rows(&view.hottest, options.unit, style, out)?;
    }
    if view.loops {
        writeln!(
            out,
            "A changed line in a counted loop is shown as the loop: its lines have one time.\n"
        )?;
    }
    let more = view.hottest.found - view.hottest.rows.len();
    if more > 0 {
        writeln!(
            out,
            "{} not shown: --hot {} shows all.\n",
            counted(more as u64, "line is", "lines are"),
            view.hottest.found
        )?;
    }
    footer::write(&RunView::new(profile), profile, style, out)
}
