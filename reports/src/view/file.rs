//! The costs of a whole source file.

use std::collections::BTreeMap;
use std::path::Path;

use hprof::model::{Function, FunctionCost, Nanos, Profile};
use hprof::site::LineKind;

use super::line::percent;

/// What the lines of a file cost, over all functions in it.
#[derive(Debug)]
pub(crate) struct FileView {
    pub(crate) lines: BTreeMap<u32, FileLine>,
    /// Time in all instrumented functions, of this file and others.
    pub(crate) whole: Nanos,
    /// The file has other text now than when it was compiled.
    pub(crate) changed: bool,
}

/// What a line costs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileLine {
    pub(crate) hits: u64,
    /// With everything called from it; `None` where only hits are counted.
    pub(crate) total: Option<Nanos>,
    /// As a share of the time in all instrumented functions.
    pub(crate) percent: Option<f64>,
}

impl FileView {
    /// The costs of a file whose lines are now these; `None` if no function of the profile stands in it.
    pub(crate) fn new(
        profile: &Profile,
        costs: &[FunctionCost],
        file: &str,
        text: &[&str],
    ) -> Option<Self> {
        let whole: Nanos = costs.iter().map(|cost| cost.self_time).sum();
        let mut view = Self {
            lines: BTreeMap::new(),
            whole,
            changed: false,
        };
        let mut found = false;
        for cost in costs {
            let function = profile.functions.get(cost.function.0 as usize);
            let Some(function) = function.filter(|function| same_file(&function.file, file)) else {
                continue;
            };
            found = true;
            view.changed |= has_changed(function, text);
            view.add(function, cost);
        }
        for line in view.lines.values_mut() {
            line.percent = line.total.and_then(|total| percent(total, whole));
        }
        found.then_some(view)
    }

    fn add(&mut self, function: &Function, cost: &FunctionCost) {
        for total in &cost.lines {
            if total.own.hits == 0 && total.total == Nanos::ZERO {
                continue;
            }
            let found = function
                .lines
                .binary_search_by_key(&total.line, |line| line.line);
            let counted = found.is_ok_and(|at| function.lines[at].kind == LineKind::GroupBody);
            let line = self.lines.entry(total.line).or_default();
            line.hits = line.hits.saturating_add(total.own.hits);
            if !counted || total.total > Nanos::ZERO {
                line.total = Some(line.total.unwrap_or_default() + total.total);
            }
        }
    }
}

/// Whether one of the paths is the end of the other: the user may be in another folder than the compiler was.
fn same_file(recorded: &str, asked: &str) -> bool {
    let asked = asked.strip_prefix("./").unwrap_or(asked);
    let (recorded, asked) = (Path::new(recorded), Path::new(asked));
    recorded.ends_with(asked) || asked.ends_with(recorded)
}

fn has_changed(function: &Function, text: &[&str]) -> bool {
    let first = function.line.saturating_sub(1) as usize;
    let mut compiled = function.source.iter().enumerate();
    compiled.any(|(at, line)| text.get(first.saturating_add(at)) != Some(&line.as_str()))
}
