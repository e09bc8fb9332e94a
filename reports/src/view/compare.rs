//! Two profiles compared: which function and line of one is which of the other, what changed, and what that is worth. Exact figures are judged; time is
//! only shown, with its error: two runs at different moments say nothing of it. The one judgement that all renderers print.

mod change;
mod judge;
mod lines;
mod matching;
mod policy;
mod side;
mod verdict;

use hprof::model::Profile;

use side::Side;

pub(crate) use change::{Exact, FunctionChange, LineChange, Outcome, Pair, TimeChange};
pub use policy::{Judging, Policy};
pub(crate) use verdict::Verdict;

/// Two profiles compared.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    /// Functions of both, in the order of the newer profile; those that are only in the older one last.
    pub(crate) functions: Vec<FunctionChange<'a>>,
    /// Time in measured functions.
    pub(crate) time: TimeChange,
    /// Why time is not judged.
    pub(crate) time_not_judged: String,
    /// What else was not judged, and why: one sentence each.
    pub(crate) notes: Vec<String>,
    pub(crate) verdict: Verdict,
}

/// Why two profiles cannot be compared.
///
/// ```
/// use hprof_reports::Incomparable;
/// let why = Incomparable::Nothing { side: "before.pb.gz".into() };
/// assert_eq!(why.to_string(), "before.pb.gz: no instrumented function was entered");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// One of them holds no function.
    #[error("{side}: no instrumented function was entered")]
    Nothing {
        /// Which.
        side: String,
    },
    /// They are of different programs.
    #[error("{older} and {newer} are different programs: no function is in both profiles")]
    Programs {
        /// Program of the older one.
        older: String,
        /// Program of the newer one.
        newer: String,
    },
}

impl<'a> Comparison<'a> {
    /// Compares; the names of the sides are for errors.
    pub(crate) fn new(
        older: (&str, &'a Profile),
        newer: (&str, &'a Profile),
        policy: &Policy,
    ) -> Result<Self, Incomparable> {
        let sides = [older, newer].map(|(name, profile)| (name, Side::new(profile)));
        for (name, side) in &sides {
            if side.functions().is_empty() {
                return Err(Incomparable::Nothing {
                    side: (*name).to_owned(),
                });
            }
        }
        let [(_, older), (_, newer)] = sides;
        let matches = matching::functions(&older.functions(), &newer.functions());
        let names = (older.program(), newer.program());
        if names.0 != names.1
            && !matches
                .iter()
                .any(|one| one.older.is_some() && one.newer.is_some())
        {
            return Err(Incomparable::Programs {
                older: names.0,
                newer: names.1,
            });
        }
        let judge = judge::Judge::new(policy, &older, &newer);
        let mut verdict = Verdict::default();
        let mut functions = Vec::new();
        let time = TimeChange::new(older.total_time(), newer.total_time());
        for found in &matches {
            let mut change = lines::function(found, &older, &newer, &judge);
            for line in &mut change.lines {
                line.is_notable = line.time.is_notable(time);
            }
            verdict.add(&change);
            functions.push(change);
        }
        let notes = judge.notes();
        Ok(Self {
            functions,
            time,
            time_not_judged: judge::time_not_judged(older.profile, newer.profile),
            notes,
            verdict,
        })
    }

    /// Lines with a change to be listed, each with its function: the worst first.
    pub(crate) fn changed_lines(&self) -> Vec<(&FunctionChange<'a>, &LineChange<'a>)> {
        let mut changed: Vec<_> = self
            .functions
            .iter()
            .flat_map(|function| function.lines.iter().map(move |line| (function, line)))
            .filter(|(_, line)| line.is_listed())
            .collect();
        let longest = |line: &LineChange<'_>| line.time.older.max(line.time.newer);
        changed.sort_by_key(|(_, line)| (line.outcome.rank(), std::cmp::Reverse(longest(line))));
        changed
    }
}

impl Comparison<'_> {
    /// Whether nothing at all differs in the exact figures.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.functions.iter().all(|function| !function.is_listed())
    }
}
