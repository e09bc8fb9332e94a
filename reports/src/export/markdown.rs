//! The hottest lines as Markdown, ranked, each with the code around it and how its time is known: for readers with little room.

use std::io::{self, Write};

use hprof::model::{Profile, Scope, function_costs};

use super::Export;
use crate::error::ReportError;
use crate::tables::footer;
use crate::text;
use crate::text::markdown;
use crate::text::numbers::{counted, scaled_bytes, scaled_time};
use crate::text::page::{Kind, Page};
use crate::view::{ChangedFile, ChangedView, HotLine, HottestView};

/// Lines at most, where nobody says how many.
const LINES: usize = 200;
/// So many lines are there before the facts on the run.
const FIRST: usize = 3;

const TITLE: Kind = Kind {
    one: "title",
    many: "titles",
};
const FACTS: Kind = Kind {
    one: "list of facts on the run",
    many: "lists of facts on the run",
};
const LINE: Kind = Kind {
    one: "line",
    many: "lines",
};

/// Markdown, of no more than so many tokens, counted as four bytes each.
///
/// ```
/// use hprof::model::{Profile, Scope};
/// use hprof_reports::export::{Export, Markdown};
/// let mut out = Vec::new();
/// let format = Markdown { budget: Some(100), ..Markdown::default() };
/// format.export(&Profile::default(), Scope::All, &mut out)?;
/// assert!(out.len() <= 400);
/// # Ok::<(), hprof_reports::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markdown {
    /// Tokens, [`LEAST_BUDGET`](crate::LEAST_BUDGET) at least; no limit without it.
    pub budget: Option<usize>,
    /// Lines at most; 200 without it.
    pub lines: Option<usize>,
    /// Files of the profile, for the command that shows what was left out; none if it is the newest one.
    pub profiles: Vec<String>,
}

impl Export for Markdown {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let costs = function_costs(profile, scope);
        let view = HottestView::new(profile, &costs, self.lines.unwrap_or(LINES));
        let title = match view.rows.len() {
            0 => "No line took any time.".to_owned(),
            lines => format!(
                "{} by own time, {:.1} % of the time in measured functions. Hits are exact.",
                counted(lines as u64, "line", "lines"),
                view.percent.unwrap_or(0.0)
            ),
        };
        let command = format!("hprof show --hot {}", view.found);
        self.write(profile, &view, &title, &command, out)?;
        Ok(())
    }
}

impl Markdown {
    /// Writes what changed lines carry, as [`write_changed_table`](crate::write_changed_table) does for a terminal.
    ///
    /// # Errors
    /// Those of the writer.
    ///
    /// ```
    /// use hprof_reports::export::Markdown;
    /// let (profile, mut out) = (hprof::model::Profile::default(), Vec::new());
    /// Markdown::default().write_changed(&profile, ("main", 3), &[], &mut out)?;
    /// assert!(String::from_utf8_lossy(&out).contains("Since main 3 lines changed"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write_changed(
        &self,
        profile: &Profile,
        (revision, changed): (&str, u64),
        files: &[ChangedFile],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let costs = function_costs(profile, Scope::All);
        let lines = self.lines.unwrap_or(LINES);
        let view = ChangedView::new(profile, &costs, files, lines);
        let title = view.sentence((revision, changed));
        let revision = markdown::quoted(revision);
        let command = format!(
            "hprof show --changed {revision} --hot {}",
            view.hottest.found
        );
        self.write(profile, &view.hottest, &title, &command, out)
    }

    fn write(
        &self,
        profile: &Profile,
        view: &HottestView<'_>,
        title: &str,
        command: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let facts = markdown::block("text", &footer::text_of(profile)?);
        let mut page = Page::new(self.budget);
        page.add(0, TITLE, format!("# hprof\n\n{title}\n"));
        page.add(2, FACTS, format!("\n{facts}"));
        for (at, line) in view.rows.iter().enumerate() {
            let rank = if at < FIRST { 1 } else { 3 };
            page.add(rank, LINE, section(line));
        }
        page.leave_out(LINE, view.found - view.rows.len());
        let files = self.profiles.iter().map(|name| markdown::quoted(name));
        let words: Vec<String> = std::iter::once(command.to_owned()).chain(files).collect();
        let whole = words.join(" ");
        let page = page.finish(&format!("`{whole}`"), &format!("`{command}`"));
        out.write_all(page.as_bytes())
    }
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
    let function = line.function;
    let code = markdown::excerpt(&function.source, function.line, line.line);
    format!(
        "\n## {place}\n\n{:.1} %, {time} ({known}{loops}), {}{}, in {}\n\n{}",
        line.percent.unwrap_or(0.0),
        counted(line.hits, "hit", "hits"),
        bytes.unwrap_or_default(),
        text::clean(&function.name),
        code.unwrap_or_else(|| "The text of this line is not known.\n".into())
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixture;
    use crate::text::numbers::thousands;

    fn written(format: &Markdown, profile: &Profile) -> String {
        let mut out = Vec::new();
        format.export(profile, Scope::All, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn of(budget: Option<usize>) -> Markdown {
        Markdown {
            budget,
            ..Markdown::default()
        }
    }

    #[test]
    fn lines_stand_in_their_order_with_the_code_around_them() {
        let profile = fixture::diffusion();
        insta::assert_snapshot!(written(&of(Some(300)), &profile));
        let named = Markdown {
            lines: Some(1),
            profiles: vec!["a b.pb.gz".into()],
            ..Markdown::default()
        };
        let text = written(&named, &profile);
        assert!(text.contains("\n1 line by own time, 90.0 %"), "{text}");
        let rest = "Left out: 11 lines; `hprof show --hot 12 'a b.pb.gz'` shows all.\n";
        assert!(text.ends_with(rest), "{text}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_budget_is_never_exceeded_whatever_the_profile(
            budget in crate::LEAST_BUDGET..3000,
            functions in 1_usize..=2000,
        ) {
            let profile = fixture::of_functions(functions);
            let text = written(&of(Some(budget)), &profile);
            prop_assert!(text.len() <= budget * 4, "{} bytes", text.len());
            // Each function of the fixture has one line.
            let lines = text.matches("\n## ").count();
            let left_out = format!("{} line", thousands((functions - lines) as u64));
            prop_assert!(lines == functions || text.contains(&left_out), "{text}");
            prop_assert!(lines == functions || text.contains(&format!("`hprof show --hot {functions}`")), "{text}");
        }
    }
}
