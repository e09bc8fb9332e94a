//! One line for each of the hottest lines, `path:line:column: text`, as compilers print their messages: editors and terminals make links of them.

use std::io::Write;

use hprof::model::{Profile, Scope, function_costs};

use super::Export;
use crate::error::ReportError;
use crate::text;
use crate::text::numbers::{counted, scaled_time};
use crate::view::HottestView;

/// Lines at most.
const LINES: usize = 100;

/// The form of compilers' messages, for quickfix lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Short;

impl Export for Short {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let costs = function_costs(profile, scope);
        for line in HottestView::new(profile, &costs, LINES).rows {
            let column = 1 + line.indentation;
            writeln!(
                out,
                "{}:{}:{column}: {:.1} % of the run, {} in {}: {}",
                text::clean(&line.function.file),
                line.line,
                line.percent.unwrap_or(0.0),
                scaled_time(line.sure.figure(line.time)),
                counted(line.hits, "hit", "hits"),
                text::clean(line.text)
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_hottest_line_comes_first_and_links_to_its_place() {
        let mut out = Vec::new();
        Short
            .export(&fixture::diffusion(), Scope::All, &mut out)
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        let first = text.lines().next().unwrap();
        assert!(
            first.starts_with(
                "src/solver.rs:23:13: 90.0 % of the run, 1.10 s in 3,280,000 hits: for j"
            ),
            "{first}"
        );
    }
}
