//! LCOV tracefiles, which `genhtml` and editors read: how often each measured line ran.

use std::collections::BTreeMap;
use std::io::{self, Write};

use hprof::model::{Profile, Scope, function_costs, thin_calls};

use super::Export;
use crate::error::ReportError;
use crate::text;
use crate::view::line_hits;
use crate::view::stacks::names;

/// LCOV's format. Lines that are measured and were not reached have 0, all others do not appear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lcov;

/// What a file has.
#[derive(Default)]
struct File {
    /// First line, and calls.
    functions: BTreeMap<String, (u32, u64)>,
    lines: BTreeMap<u32, u64>,
}

impl Export for Lcov {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let names = names(profile);
        let name = |id: u32| names.get(id as usize).cloned().unwrap_or_default();
        let mut files: BTreeMap<String, File> = BTreeMap::new();
        for cost in function_costs(profile, scope) {
            let Some(function) = profile.functions.get(cost.function.0 as usize) else {
                continue;
            };
            let file = files
                .entry(text::clean(&function.file).into_owned())
                .or_default();
            file.add_function(name(cost.function.0), function.line, cost.calls);
            for (line, total) in function.lines.iter().zip(&cost.lines) {
                let sum = file.lines.entry(line.line).or_default();
                *sum = sum.saturating_add(line_hits(line, total, &cost));
            }
        }
        for calls in thin_calls(profile, scope) {
            if let Some(function) = profile.functions.get(calls.function.0 as usize) {
                let file = files
                    .entry(text::clean(&function.file).into_owned())
                    .or_default();
                file.add_function(name(calls.function.0), function.line, calls.calls);
            }
        }
        for (path, file) in &files {
            file.write(path, out)?;
        }
        Ok(())
    }
}

impl File {
    fn add_function(&mut self, name: String, line: u32, calls: u64) {
        let sum = self.functions.entry(name).or_insert((line, 0));
        sum.1 = sum.1.saturating_add(calls);
    }

    fn write(&self, path: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "TN:\nSF:{path}")?;
        for (name, (line, _)) in &self.functions {
            writeln!(out, "FN:{line},{name}")?;
        }
        for (name, (_, calls)) in &self.functions {
            writeln!(out, "FNDA:{calls},{name}")?;
        }
        let called = self.functions.values().filter(|(_, calls)| *calls > 0);
        writeln!(out, "FNF:{}\nFNH:{}", self.functions.len(), called.count())?;
        for (line, hits) in &self.lines {
            writeln!(out, "DA:{line},{hits}")?;
        }
        let hit = self.lines.values().filter(|hits| **hits > 0);
        writeln!(
            out,
            "LF:{}\nLH:{}\nend_of_record",
            self.lines.len(),
            hit.count()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn files_have_their_functions_and_lines() {
        let mut out = Vec::new();
        Lcov.export(&fixture::diffusion(), Scope::All, &mut out)
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("TN:\nSF:src/solver.rs\nFN:20,diffusion::solver::Field::advance\n"),
            "{text}"
        );
        assert!(
            text.contains("\nFNDA:500,diffusion::solver::Field::advance\n"),
            "{text}"
        );
        assert!(
            text.contains("\nDA:6,500\n") && text.ends_with("\nend_of_record\n"),
            "{text}"
        );
    }
}
