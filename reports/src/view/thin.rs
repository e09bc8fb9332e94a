//! Thin functions: their calls are counted, their time stands on the calling lines.

use std::cmp::Reverse;

use hprof::model::{Function, Profile, Scope, ThinCalls, thin_calls};

/// A thin function that was called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThinRow<'a> {
    pub(crate) function: &'a Function,
    pub(crate) index: u32,
    pub(crate) calls: u64,
}

impl ThinRow<'_> {
    /// The line where its `fn` stands.
    pub(crate) fn line(&self) -> u32 {
        let first = self.function.lines.first();
        first.map_or(self.function.line, |line| line.line)
    }
}

/// The thin functions of a profile, in its order.
pub(crate) fn thin_rows(profile: &Profile, scope: Scope) -> Vec<ThinRow<'_>> {
    let row = |thin: ThinCalls| {
        Some(ThinRow {
            function: profile.functions.get(thin.function.0 as usize)?,
            index: thin.function.0,
            calls: thin.calls,
        })
    };
    thin_calls(profile, scope)
        .into_iter()
        .filter_map(row)
        .collect()
}

/// The thin functions of a report.
#[derive(Debug)]
pub(crate) struct ThinView<'a> {
    /// Most calls first, `top` at most.
    pub(crate) rows: Vec<ThinRow<'a>>,
    /// Functions before any were left out.
    pub(crate) functions: usize,
    /// Calls of all of them.
    pub(crate) calls: u64,
}

impl<'a> ThinView<'a> {
    pub(crate) fn new(profile: &'a Profile, scope: Scope, top: usize) -> Self {
        let mut rows = thin_rows(profile, scope);
        let calls = rows.iter().map(|row| row.calls);
        let calls = calls.fold(0, u64::saturating_add);
        let functions = rows.len();
        rows.sort_by_key(|row| (Reverse(row.calls), row.index));
        rows.truncate(top);
        Self {
            rows,
            functions,
            calls,
        }
    }
}
