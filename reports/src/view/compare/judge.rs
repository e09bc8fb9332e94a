//! What a change of an exact figure is worth: the ladder of outcomes, of which the first that fits holds.

use hprof::model::{Function, Instrumentation, Profile};
use hprof::site::LineKind;

use super::change::{Exact, LineChange, Outcome, Pair};
use super::policy::{Judging, Policy};
use super::side::Side;
use crate::view::budget::path;

/// A change is judged above so many percent, and above so many hits, allocations or bytes.
const LEAST_PERCENT: f64 = 1.0;
const LEAST_COUNT: u64 = 100;

/// Judges lines.
pub(super) struct Judge<'a> {
    policy: &'a Policy,
    /// Sums of the figures, of both sides.
    sums: [[u64; 2]; 3],
    /// Which figures both sides have.
    known: [bool; 3],
    /// Whether one side has allocations and the other has not.
    heap_differs: bool,
    /// Whether other versions of hprof built the programs.
    version_differs: bool,
    /// Whether the switch was another one.
    switch_differs: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(policy: &'a Policy, older: &Side<'_>, newer: &Side<'_>) -> Self {
        let heap = older.counts_heap && newer.counts_heap;
        Self {
            policy,
            sums: Exact::ALL.map(|figure| [older.sum(figure), newer.sum(figure)]),
            known: [true, heap, heap],
            heap_differs: older.counts_heap != newer.counts_heap,
            version_differs: differ(older, newer, |facts| &facts.version),
            switch_differs: differ(older, newer, |facts| &facts.switch),
        }
    }

    /// Whether hits of a line that is such a place on each side count the same.
    pub(super) fn are_comparable(&self, older: Option<LineKind>, newer: Option<LineKind>) -> bool {
        !(self.version_differs || self.switch_differs && older != newer)
    }

    /// Whether the policy leaves a function out.
    pub(super) fn ignores(&self, function: &Function) -> bool {
        self.policy.ignored.contains(&path(function))
    }

    /// Blanks what only one side has.
    pub(super) fn blank_heap(&self, line: &mut LineChange<'_>) {
        for (pair, known) in line.exact.iter_mut().zip(self.known) {
            *pair = pair.filter(|_| known);
        }
    }

    /// `ranges` has the figures of both sides that are not the same in all runs.
    pub(super) fn line(
        &self,
        line: &LineChange<'_>,
        ranges: &[[Option<(u64, u64)>; 3]; 2],
    ) -> Outcome {
        if !self.is_above_floor(line) {
            return Outcome::BelowFloor;
        }
        match (line.older, line.newer) {
            (None, _) => return Outcome::Added,
            (_, None) => return Outcome::Removed,
            _ => {}
        }
        let judged = Exact::ALL
            .into_iter()
            .enumerate()
            .filter(|(at, _)| self.known[*at] && self.policy.figures[*at] == Judging::Judged);
        let (mut more, mut fewer, mut unstable) = (Vec::new(), Vec::new(), Vec::new());
        for (at, figure) in judged {
            let Some(pair) = line.exact[at] else {
                continue;
            };
            let of = |side: usize, value| ranges[side][at].unwrap_or((value, value));
            let (older, newer) = (of(0, pair.older), of(1, pair.newer));
            if ranges[0][at].is_some() || ranges[1][at].is_some() {
                unstable.push(figure);
            }
            // Of figures that differ between runs only the gap between both sides is a change.
            let pair = if older.1 < newer.0 {
                Pair {
                    older: older.1,
                    newer: newer.0,
                }
            } else if newer.1 < older.0 {
                Pair {
                    older: older.0,
                    newer: newer.1,
                }
            } else {
                continue;
            };
            let change = pair.older.abs_diff(pair.newer);
            let is_small = pair
                .percent()
                .is_some_and(|percent| percent.abs() <= LEAST_PERCENT);
            if change <= LEAST_COUNT || is_small {
                continue;
            }
            if pair.newer > pair.older {
                more.push(figure);
            } else {
                fewer.push(figure);
            }
        }
        match (more.is_empty(), fewer.is_empty()) {
            (false, _) => Outcome::Regression(more),
            (true, false) => Outcome::Improvement(fewer),
            (true, true) if !unstable.is_empty() => Outcome::Unstable(unstable),
            (true, true) => Outcome::Same,
        }
    }

    /// Whether times are looked at.
    pub(super) fn looks_at_time(&self) -> bool {
        self.policy.time != Judging::Off
    }

    /// Whether a longer time is worse.
    pub(super) fn judges_time(&self) -> bool {
        self.policy.time == Judging::Judged
    }

    fn is_above_floor(&self, line: &LineChange<'_>) -> bool {
        if self.policy.min_share <= 0.0 {
            return true;
        }
        Exact::ALL.iter().enumerate().any(|(at, _)| {
            let Some(pair) = line.exact[at] else {
                return false;
            };
            let reaches = |part: u64, whole: u64| {
                part > 0 && 100.0 * part as f64 >= self.policy.min_share * whole as f64
            };
            self.known[at]
                && self.policy.figures[at] != Judging::Off
                && (reaches(pair.older, self.sums[at][0]) || reaches(pair.newer, self.sums[at][1]))
        })
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let heap = "allocations are not compared: only one of the programs counted them";
        let version = "hits are not judged: the programs were built by other versions of hprof";
        let switch = "lines that were instrumented in another way are not judged: the programs were built with another --clock or --split-loops";
        let notes = [
            (self.heap_differs, heap),
            (self.version_differs, version),
            (self.switch_differs, switch),
        ];
        let notes = notes.into_iter().filter(|(holds, _)| *holds);
        notes.map(|(_, note)| note.to_owned()).collect()
    }
}

/// Whether a part of how both were instrumented is known and differs.
fn differ<'a>(
    older: &Side<'a>,
    newer: &Side<'a>,
    part: impl Fn(&'a Instrumentation) -> &'a str,
) -> bool {
    let facts = older.instrumentation().zip(newer.instrumentation());
    facts.is_some_and(|(older, newer)| part(older) != part(newer))
}

/// Why times of two profiles are not judged: always, for they were not recorded in turn; and what else differs.
pub(super) fn time_not_judged(older: &Profile, newer: &Profile) -> String {
    let facts = |profile: &Profile| {
        let first = profile.processes.first();
        [
            ("machine", first.map(|one| one.host.clone())),
            (
                "build",
                first.map(|one| build(one.opt_level, one.debug_assertions)),
            ),
            ("clock", first.map(|one| format!("{:?}", one.clock_mode))),
        ]
    };
    let (older, newer) = (facts(older), facts(newer));
    let differing: Vec<&str> = older
        .iter()
        .zip(&newer)
        .filter(|(a, b)| a.1 != b.1)
        .map(|(a, _)| a.0)
        .collect();
    if differing.is_empty() {
        "time not judged: the runs were not recorded in turn".into()
    } else {
        format!("time not judged: another {}", differing.join(", another "))
    }
}

fn build(opt_level: char, debug_assertions: bool) -> String {
    format!("{opt_level}{debug_assertions}")
}
