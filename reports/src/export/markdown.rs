//! The hottest lines as Markdown, ranked, each with the code around it and how its time is known: for readers with little room.

use std::fmt::Write as _;
use std::io::{self, Write};

use hprof::model::{Profile, Scope, function_costs};

use super::Export;
use crate::error::ReportError;
use crate::tables::footer;
use crate::text;
use crate::text::numbers::{counted, scaled_bytes, scaled_time, thousands};
use crate::view::{HotLine, HottestView};

/// Lines at most, whatever the budget.
const LINES: usize = 200;
/// Lines of code above and below.
const AROUND: u32 = 2;
/// Bytes that a token is counted as.
const TOKEN: usize = 4;

/// Markdown, of no more than so many tokens, counted as four bytes each.
///
/// ```
/// use hprof::model::{Profile, Scope};
/// use hprof_reports::export::{Export, Markdown};
/// let mut out = Vec::new();
/// Markdown { budget: Some(100) }.export(&Profile::default(), Scope::All, &mut out)?;
/// assert!(out.len() <= 400);
/// # Ok::<(), hprof_reports::ReportError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Markdown {
    /// Tokens; no limit without it.
    pub budget: Option<usize>,
}

impl Export for Markdown {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let room = self
            .budget
            .map_or(usize::MAX, |tokens| tokens.saturating_mul(TOKEN));
        let costs = function_costs(profile, scope);
        let view = HottestView::new(profile, &costs, LINES);
        let mut page = Page::new(room, view.rows.len());
        page.add(&head(profile, &view)?);
        for line in &view.rows {
            if !page.add(&section(line)) {
                break;
            }
            page.shown += 1;
        }
        out.write_all(page.finish().as_bytes())?;
        Ok(())
    }
}

/// Text of a limited length.
struct Page {
    text: String,
    room: usize,
    lines: usize,
    shown: usize,
}

impl Page {
    fn new(room: usize, lines: usize) -> Self {
        Self {
            text: String::new(),
            room,
            lines,
            shown: 0,
        }
    }

    /// What is said of lines that are left out.
    fn rest(&self, shown: usize) -> String {
        match self.lines - shown {
            0 => String::new(),
            rest => format!(
                "\n{} left out: `hprof show --hot {}` or a larger --budget shows them.\n",
                counted(rest as u64, "line", "lines"),
                self.lines
            ),
        }
    }

    /// Adds a part if there is room for it, and for the word on what is left out.
    fn add(&mut self, part: &str) -> bool {
        let needed = self.text.len() + part.len() + self.rest(self.shown).len();
        let fits = needed <= self.room;
        if fits {
            self.text.push_str(part);
        }
        fits
    }

    fn finish(mut self) -> String {
        let rest = self.rest(self.shown);
        if self.text.len() + rest.len() <= self.room {
            self.text.push_str(&rest);
        }
        self.text
    }
}

/// The run, and what its warnings are.
fn head(profile: &Profile, view: &HottestView<'_>) -> io::Result<String> {
    let facts = footer::text_of(profile)?;
    let title = match view.rows.len() {
        0 => "No line took any time.".to_owned(),
        lines => format!(
            "{} by own time, {:.1} % of the time in measured functions. Hits are exact.",
            counted(lines as u64, "line", "lines"),
            view.percent.unwrap_or(0.0)
        ),
    };
    Ok(format!(
        "# hprof\n\n```text\n{}\n```\n\n{title}\n",
        facts.trim_end().replace("```", "'''")
    ))
}

fn section(line: &HotLine<'_>) -> String {
    let place = format!("{}:{}", text::clean(&line.function.file), line.line);
    let time = scaled_time(line.sure.figure(line.time));
    let known = match line.sure.error() {
        Some(error) => format!("n = {}, +- {}", line.samples, scaled_time(error)),
        None if line.sure == crate::view::Sure::Exact => "exact".into(),
        None => "at most".into(),
    };
    let loops = if line.is_loop {
        "; a counted loop with all its lines"
    } else {
        ""
    };
    let bytes = line.bytes.filter(|bytes| *bytes > 0);
    let bytes = bytes.map(|bytes| format!(", {} allocated", scaled_bytes(bytes)));
    let mut section = format!(
        "\n## {place}\n\n{:.1} %, {time} ({known}{loops}), {} hits{}, in {}\n\n```rust\n",
        line.percent.unwrap_or(0.0),
        thousands(line.hits),
        bytes.unwrap_or_default(),
        text::clean(&line.function.name),
    );
    let first = line.line.saturating_sub(AROUND).max(line.function.line);
    for number in first..=line.line.saturating_add(AROUND) {
        let at = number.saturating_sub(line.function.line) as usize;
        let Some(code) = line.function.source.get(at) else {
            break;
        };
        let sign = if number == line.line { '>' } else { ' ' };
        let code = text::clean(code).replace("```", "'''");
        // Writing to a string does not fail.
        let _ = writeln!(section, "{sign} {number} {}", code.trim_end());
    }
    section.push_str("```\n");
    section
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;

    fn written(budget: Option<usize>) -> String {
        let mut out = Vec::new();
        Markdown { budget }
            .export(&fixture::diffusion(), Scope::All, &mut out)
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_stand_in_their_order_with_the_code_around_them() {
        insta::assert_snapshot!(written(Some(300)));
    }

    proptest! {
        #[test]
        fn a_budget_is_never_exceeded(budget in 0_usize..2000) {
            let text = written(Some(budget));
            prop_assert!(text.len() <= budget * TOKEN);
            prop_assert!(budget < 300 || text.contains("## src/solver.rs:23"));
        }
    }
}
