//! Two profiles compared: which function and line of one is which of the other, what changed, and what that is worth. Exact figures are judged; time only
//! where both sides ran in turn, several times each: else it is shown with its error, for two runs at different moments say nothing of it. The one
//! judgement that all renderers print.

mod change;
mod judge;
mod lines;
mod matching;
mod policy;
mod side;
mod statistics;
mod time_word;
mod timing;
mod verdict;

use hprof::model::Profile;

use side::Side;
use timing::Series;

pub(crate) use change::{Exact, FunctionChange, LineChange, Outcome, Pair, Tendency, TimeChange};
pub use policy::{Judging, Policy};
pub(crate) use time_word::{TimeVerdict, TimeWord};
pub(crate) use verdict::Verdict;

/// No side needs more runs, or may have them: the test counts all ways to split them.
pub const MOST_RUNS: usize = statistics::MOST_VALUES / 2;

/// What is compared with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides<'a> {
    /// Name of the older side, and its runs.
    pub(crate) older: (&'a str, &'a [Profile]),
    pub(crate) newer: (&'a str, &'a [Profile]),
    /// Whether the runs of both were recorded in turn, on one machine.
    pub(crate) in_turn: bool,
}

/// Two profiles compared.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    /// Functions of both, in the order of the newer profile; those that are only in the older one last.
    pub(crate) functions: Vec<FunctionChange<'a>>,
    /// Time in measured functions.
    pub(crate) time: TimeChange,
    /// What is said of that time.
    pub(crate) timed: Option<TimeVerdict>,
    /// That in words, or why time is not judged.
    pub(crate) time_judgement: String,
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

/// The older of two profiles, given with their names, where its functions are called what the newer one calls them.
pub(crate) fn named_as_in(
    older: (&str, &Profile),
    newer: (&str, &Profile),
) -> Result<Profile, Incomparable> {
    let [older_runs, newer_runs] = [older.1, newer.1].map(std::slice::from_ref);
    let sides = Sides {
        older: (older.0, older_runs),
        newer: (newer.0, newer_runs),
        in_turn: false,
    };
    let comparison = Comparison::new(sides, &Policy::default())?;
    let mut renamed = older.1.clone();
    for function in &comparison.functions {
        let (Some(id), _) = function.ids else {
            continue;
        };
        let place = renamed.functions.get_mut(id.0 as usize);
        if let (Some(place), Some(now)) = (place, function.newer) {
            place.module.clone_from(&now.module);
            place.name.clone_from(&now.name);
            place.file.clone_from(&now.file);
            (place.line, place.column) = (now.line, now.column);
        }
    }
    Ok(renamed)
}

impl<'a> Comparison<'a> {
    /// Compares; the names of the sides are for errors.
    pub(crate) fn new(sides: Sides<'a>, policy: &Policy) -> Result<Self, Incomparable> {
        let [older, newer] = [sides.older, sides.newer].map(|(name, runs)| {
            let side = Side::of(runs).filter(|side| !side.functions().is_empty());
            side.ok_or_else(|| Incomparable::Nothing {
                side: name.to_owned(),
            })
        });
        let (older, newer) = (older?, newer?);
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
        let functions = matches
            .iter()
            .map(|found| lines::function(found, &older, &newer, &judge));
        let mut comparison = Self {
            functions: functions.collect(),
            time: TimeChange::new(older.total_time(), newer.total_time()),
            timed: None,
            time_judgement: String::new(),
            notes: judge.notes(),
            verdict: Verdict::default(),
        };
        comparison.judge_time(sides.in_turn, (&older, &newer), &judge);
        for change in &mut comparison.functions {
            for line in &mut change.lines {
                line.is_notable = match line.timed {
                    Some(_) => line.time_word().is_some(),
                    // Where time is judged, what was not judged by itself belongs to what did not move.
                    None => comparison.timed.is_none() && line.time.is_notable(comparison.time),
                };
            }
            comparison.verdict.add(change);
        }
        let moved = comparison
            .timed
            .is_some_and(|timed| timed.word == TimeWord::Slower);
        let verdict = &mut comparison.verdict;
        verdict.is_slower =
            judge.judges_time() && (moved || verdict.slower.iter().any(|slower| *slower > 0));
        Ok(comparison)
    }

    /// Judges times of runs in turn: of the whole run, of its functions, and of the lines of those that moved.
    fn judge_time(
        &mut self,
        in_turn: bool,
        (older, newer): (&Side<'a>, &Side<'a>),
        judge: &judge::Judge<'_>,
    ) {
        let runs = older.runs().min(newer.runs());
        self.time_judgement = if !judge.looks_at_time() {
            "time not judged: the policy has time = \"off\"".into()
        } else if !in_turn {
            judge::time_not_judged(older.profile, newer.profile)
        } else if runs < 2 {
            "time not judged: each side ran once".into()
        } else {
            self.judge_levels(older, newer);
            let word = self.timed.map(|timed| timed.word.to_string());
            format!("{}, {runs} runs of each in turn", word.unwrap_or_default())
        };
    }

    fn judge_levels(&mut self, older: &Side<'a>, newer: &Side<'a>) {
        let whole = Series {
            older: older.times(),
            newer: newer.times(),
        };
        self.time = whole.medians();
        self.timed = timing::judge(&[&whole], self.time).first().copied();
        let mut judged = Vec::new();
        for (at, function) in self.functions.iter_mut().enumerate() {
            let series = lines::series(function, older, newer);
            function.time = series.medians();
            let is_judged = function.outcome == Outcome::Same;
            if is_judged && series.is_hypothesis(self.time) {
                judged.push((at, series));
            }
        }
        let level: Vec<&Series> = judged.iter().map(|(_, series)| series).collect();
        for ((at, _), verdict) in judged.iter().zip(timing::judge(&level, self.time)) {
            self.functions[*at].timed = Some(verdict);
        }
        self.judge_lines(older, newer);
    }

    fn judge_lines(&mut self, older: &Side<'a>, newer: &Side<'a>) {
        let mut judged = Vec::new();
        for (function_at, function) in self.functions.iter_mut().enumerate() {
            let moved = function.time_word().is_some();
            let (Some(older_id), Some(newer_id)) = function.ids else {
                continue;
            };
            for (at, line) in function.lines.iter_mut().enumerate() {
                let series = lines::line_series((older_id, newer_id), line, older, newer);
                let Some(series) = series else {
                    continue;
                };
                line.time = series.medians();
                if moved && !line.outcome.is_left_out() && series.is_hypothesis(self.time) {
                    judged.push(((function_at, at), series));
                }
            }
        }
        let level: Vec<&Series> = judged.iter().map(|(_, series)| series).collect();
        for (((function, line), _), verdict) in judged.iter().zip(timing::judge(&level, self.time))
        {
            self.functions[*function].lines[*line].timed = Some(verdict);
        }
    }

    /// Lines with a change to be listed, or another time by what is said of it, each with its function: the worst first.
    pub(crate) fn changed_lines(&self) -> Vec<(&FunctionChange<'a>, &LineChange<'a>)> {
        let mut changed: Vec<_> = self
            .functions
            .iter()
            .flat_map(|function| function.lines.iter().map(move |line| (function, line)))
            .filter(|(_, line)| line.is_listed() || line.time_word().is_some())
            .collect();
        let longest = |line: &LineChange<'_>| line.time.older.max(line.time.newer);
        let rank = |line: &LineChange<'_>| match line.tendency() {
            Tendency::Worse => 0,
            _ => line.outcome.rank(),
        };
        changed.sort_by_key(|(_, line)| (rank(line), std::cmp::Reverse(longest(line))));
        changed
    }

    /// Functions that are slower or faster: the slower ones first, each the longest first.
    pub(crate) fn moved_functions(&self) -> Vec<&FunctionChange<'a>> {
        let mut moved: Vec<_> = self.functions.iter().collect();
        moved.retain(|function| function.time_word().is_some());
        let longest = |function: &FunctionChange<'_>| function.time.older.max(function.time.newer);
        moved.sort_by_key(|function| {
            let is_faster = function.time_word() == Some(TimeWord::Faster);
            (is_faster, std::cmp::Reverse(longest(function)))
        });
        moved
    }
}

impl Comparison<'_> {
    /// Whether nothing at all differs in the exact figures, and no time by what is said of it.
    pub(crate) fn is_unchanged(&self) -> bool {
        let moved = self.timed.is_some_and(|timed| timed.word.is_change());
        !moved
            && self
                .functions
                .iter()
                .all(|function| !function.is_listed() && function.time_word().is_none())
    }
}
