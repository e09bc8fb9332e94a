//! Collapsed stacks: a line for each stack, its frames joined by `;`, a space, its value.

use std::io::Write;

use hprof::model::{Profile, Scope};

use super::Export;
use crate::error::ReportError;
use crate::view::stacks::{Metric, stacks};

/// Collapsed stacks, for flamegraph tools. A `;` in a name becomes a `:`, for the format has no way to escape it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collapsed {
    /// The value of a stack.
    pub metric: Metric,
    /// A frame for each line instead of one for each function.
    pub lines: bool,
}

impl Export for Collapsed {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let stacks = stacks(profile, scope, self.metric, self.lines)?.unwrap_or_default();
        for (stack, value) in &stacks.all {
            let frames = stacks.frames(stack).map(|frame| frame.replace(';', ":"));
            writeln!(out, "{} {value}", frames.collect::<Vec<_>>().join(";"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn export(format: Collapsed, profile: &Profile) -> String {
        let mut out = Vec::new();
        format.export(profile, Scope::All, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn stacks_by_function_and_by_line() {
        let profile = fixture::diffusion();
        insta::assert_snapshot!(export(Collapsed::default(), &profile), @r#"
    diffusion::solver::main 28103708
    diffusion::solver::main;diffusion::solver::Field::advance 1194091000
    diffusion::solver::main;diffusion::solver::Field::advance;diffusion::solver::helper::<[u8: 8]> 9000
    "#);
        let lines = Collapsed {
            metric: Metric::named("allocs").unwrap(),
            lines: true,
        };
        insta::assert_snapshot!(export(lines, &profile), @r#"
    diffusion::solver::main (src/solver.rs:3) 82
    "#);
    }

    #[test]
    fn an_empty_profile_has_no_stacks() {
        assert_eq!(export(Collapsed::default(), &Profile::default()), "");
    }
}
