//! How many changes there are of each kind, and the sentence that says so.

use super::change::{FunctionChange, Outcome};
use super::time_word::TimeWord;

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
    /// Lines whose figures are not the same in all runs of a side.
    pub(crate) unstable: usize,
    /// Functions that could not be judged.
    pub(crate) not_judged: usize,
    /// Lines of other functions, likewise.
    pub(crate) lines_not_judged: usize,
    /// Functions and lines that take longer, and less long, where time was judged.
    pub(crate) slower: [usize; 2],
    pub(crate) faster: [usize; 2],
    /// A longer time fails a check: the whole run, a function or a line took one.
    pub(crate) is_slower: bool,
}

impl Verdict {
    pub(super) fn add(&mut self, function: &FunctionChange<'_>) {
        match function.outcome {
            Outcome::NotJudged(_) => self.not_judged += 1,
            Outcome::Same => self.functions += 1,
            _ => {}
        }
        self.add_time(0, function.time_word());
        let of_function = matches!(function.outcome, Outcome::NotJudged(_));
        for line in &function.lines {
            if !of_function && matches!(line.outcome, Outcome::NotJudged(_)) {
                self.lines_not_judged += 1;
            }
            self.add_time(1, line.time_word());
            match &line.outcome {
                Outcome::Regression(_) => self.regressions += 1,
                Outcome::Improvement(_) => self.improvements += 1,
                Outcome::Added => self.added += 1,
                Outcome::Removed => self.removed += 1,
                Outcome::Unstable(_) => self.unstable += 1,
                Outcome::Same if line.is_listed() => self.slightly += 1,
                Outcome::Same | Outcome::Ignored | Outcome::BelowFloor | Outcome::NotJudged(_) => {}
            }
            if matches!(
                line.outcome,
                Outcome::Regression(_)
                    | Outcome::Improvement(_)
                    | Outcome::Unstable(_)
                    | Outcome::Same
            ) {
                self.lines += 1;
            }
        }
    }

    const fn add_time(&mut self, level: usize, word: Option<TimeWord>) {
        match word {
            Some(TimeWord::Slower) => self.slower[level] += 1,
            Some(TimeWord::Faster) => self.faster[level] += 1,
            _ => {}
        }
    }

    /// Whether any line does more than before, or takes longer where that is judged.
    pub(crate) const fn is_worse(&self) -> bool {
        self.regressions > 0 || self.is_slower
    }

    /// The verdict in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let counted = |count: usize, one: &str, many: &str| {
            (count > 0).then(|| crate::text::numbers::counted(count as u64, one, many))
        };
        let parts = [
            counted(self.regressions, "line does more", "lines do more"),
            counted(self.improvements, "line does less", "lines do less"),
            counted(self.slower[0], "function is slower", "functions are slower"),
            counted(self.slower[1], "line is slower", "lines are slower"),
            counted(self.faster[0], "function is faster", "functions are faster"),
            counted(self.faster[1], "line is faster", "lines are faster"),
            counted(self.added, "line was added", "lines were added"),
            counted(self.removed, "line was removed", "lines were removed"),
            counted(
                self.slightly,
                "line differs by less than the limits",
                "lines differ by less than the limits",
            ),
            counted(
                self.unstable,
                "line is not the same in all runs",
                "lines are not the same in all runs",
            ),
            counted(
                self.not_judged,
                "function was not judged",
                "functions were not judged",
            ),
            counted(
                self.lines_not_judged,
                "line was not judged",
                "lines were not judged",
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
