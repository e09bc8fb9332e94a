//! How many changes there are of each kind, and the sentence that says so.

use super::change::{FunctionChange, Outcome};

/// How many of what there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Functions and lines that are in both profiles and were judged.
    pub(crate) functions: usize,
    pub(crate) lines: usize,
    pub(crate) regressions: usize,
    pub(crate) improvements: usize,
    /// Lines, those of whole functions included.
    pub(crate) added: usize,
    pub(crate) removed: usize,
    /// Lines whose figures differ by less than the limits.
    pub(crate) slightly: usize,
    /// Functions that could not be judged.
    pub(crate) not_judged: usize,
}

impl Verdict {
    pub(super) fn add(&mut self, function: &FunctionChange<'_>) {
        match function.outcome {
            Outcome::NotJudged(_) => self.not_judged += 1,
            Outcome::Same => self.functions += 1,
            _ => {}
        }
        for line in &function.lines {
            match &line.outcome {
                Outcome::Regression(_) => self.regressions += 1,
                Outcome::Improvement(_) => self.improvements += 1,
                Outcome::Added => self.added += 1,
                Outcome::Removed => self.removed += 1,
                Outcome::Same if line.is_listed() => self.slightly += 1,
                Outcome::Same | Outcome::Ignored | Outcome::BelowFloor | Outcome::NotJudged(_) => {}
            }
            if matches!(
                line.outcome,
                Outcome::Regression(_) | Outcome::Improvement(_) | Outcome::Same
            ) {
                self.lines += 1;
            }
        }
    }

    /// Whether any line does more than before.
    pub(crate) const fn is_worse(&self) -> bool {
        self.regressions > 0
    }

    /// The verdict in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let counted = |count: usize, one: &str, many: &str| {
            (count > 0).then(|| crate::text::numbers::counted(count as u64, one, many))
        };
        let parts = [
            counted(self.regressions, "line does more", "lines do more"),
            counted(self.improvements, "line does less", "lines do less"),
            counted(self.added, "line was added", "lines were added"),
            counted(self.removed, "line was removed", "lines were removed"),
            counted(
                self.slightly,
                "line differs by less than the limits",
                "lines differ by less than the limits",
            ),
            counted(
                self.not_judged,
                "function was not judged",
                "functions were not judged",
            ),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let compared = format!(
            "{} in {} compared",
            crate::text::numbers::counted(self.lines as u64, "line", "lines"),
            crate::text::numbers::counted(self.functions as u64, "function", "functions")
        );
        if parts.is_empty() && self.lines == 0 {
            "nothing could be judged: no line is in both profiles".into()
        } else if parts.is_empty() {
            format!("no change: {compared}, all hits, allocations and bytes are equal")
        } else {
            format!("{} ({compared})", parts.join(", "))
        }
    }
}
