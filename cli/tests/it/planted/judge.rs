//! Chooses what is planted, and compares rows with what the spins took.

use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};

use super::code::{Kind, Place};
use super::program::{Program, Run};
use super::random::Random;

/// Plants of a hundred whose row is right by a stated limit alone.
const MOST_LIMITS: usize = 5;

/// What became of some plants.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Planted and right, by kind.
    counts: HashMap<Kind, (usize, usize)>,
    limits: usize,
    misses: Vec<Miss>,
}

/// A plant whose time does not stand where it should.
#[derive(Debug)]
pub(super) struct Miss {
    seed: u64,
    place: u32,
    function: usize,
    kind: Kind,
    row: u32,
    why: String,
}

/// Plants every function once and judges. What missed runs twice again, and has to be right both times.
pub(super) fn round(program: &Program, seed: u64, round: usize) -> Verdict {
    let seen = program.run(&[]).seen;
    let plan = plan(program, &seen, seed, round);
    let first = misses(program, &plan, &program.run(&plan));
    let again: Vec<(u32, u64)> = plan
        .iter()
        .copied()
        .filter(|(place, _)| first.iter().any(|miss| miss.place == *place))
        .collect();
    let mut verdict = Verdict::default();
    if !again.is_empty() {
        let repeated = [(), ()].map(|()| misses(program, &again, &program.run(&again)));
        let mut missed = repeated.into_iter().flatten();
        verdict.misses = missed.by_ref().collect();
        verdict.misses.sort_by_key(|miss| miss.place);
        verdict.misses.dedup_by_key(|miss| miss.place);
    }
    for (number, _) in plan {
        let right = !verdict.misses.iter().any(|miss| miss.place == number);
        let place = &program.functions.places[number as usize];
        let count = verdict.counts.entry(place.kind).or_default();
        count.0 += 1;
        count.1 += usize::from(right);
        verdict.limits += usize::from(place.limit.is_some());
    }
    verdict
}

/// One place of each function to which control comes, of the kind that was taken least so far, and the time that it spins at.
fn plan(program: &Program, seen: &HashMap<u32, u64>, seed: u64, round: usize) -> Vec<(u32, u64)> {
    let mut random = Random::new(seed ^ ((round as u64 + 1) << 32));
    let mut taken: HashMap<Kind, usize> = HashMap::new();
    let mut limits = 0;
    let mut plan = Vec::new();
    for function in 0..program.functions.lines.len() {
        let places = program.functions.places.iter().enumerate();
        let mine = places.filter(|(_, place)| place.function == function);
        let candidates: Vec<(u32, &Place)> = mine
            .map(|(number, place)| (u32::try_from(number).unwrap(), place))
            .filter(|(number, place)| {
                seen.contains_key(number) && (place.limit.is_none() || limits < MOST_LIMITS)
            })
            .collect();
        let rarest = candidates
            .iter()
            .map(|(_, place)| taken.get(place.kind).copied().unwrap_or(0))
            .min();
        let candidates: Vec<(u32, &Place)> = candidates
            .into_iter()
            .filter(|(_, place)| taken.get(place.kind).copied().unwrap_or(0) == rarest.unwrap_or(0))
            .collect();
        if candidates.is_empty() {
            continue;
        }
        let (number, place) = random.pick(&candidates);
        assert_ne!(place.row, 0, "no row is known for {place:?}");
        *taken.entry(place.kind).or_default() += 1;
        limits += usize::from(place.limit.is_some());
        let times = usize::try_from(seen[&number]).unwrap();
        plan.push((number, 1 + random.below(times) as u64));
    }
    plan
}

/// What is not where it should be.
fn misses(program: &Program, plan: &[(u32, u64)], run: &Run) -> Vec<Miss> {
    let mut misses = Vec::new();
    for (number, time) in plan {
        let place = &program.functions.places[*number as usize];
        let took = run.took[number];
        let own = |row: u32| run.rows.get(&row).copied().unwrap_or(0);
        let on_row = own(place.row).max(own(place.also));
        let (call, total) = (run.calls[&place.function], run.total(place.function));
        let lines = program.lines_of(place.function);
        let dearest = run
            .rows
            .iter()
            .filter(|(row, _)| lines.contains(row))
            .max_by_key(|(_, own)| **own);
        let why = if on_row * 100 < took * 95 {
            format!("{on_row} ns of {took} on its row, most on {dearest:?}")
        } else if total.abs_diff(call) * 100 > call {
            format!("the total is {total} ns, the call took {call}")
        } else {
            continue;
        };
        misses.push(Miss {
            seed: program.seed,
            place: *number,
            function: place.function,
            kind: place.kind,
            row: place.row,
            why: format!("{why} (time {time})"),
        });
    }
    misses
}

impl Verdict {
    pub(super) fn add(&mut self, other: Self) {
        for (kind, (planted, right)) in other.counts {
            let count = self.counts.entry(kind).or_default();
            count.0 += planted;
            count.1 += right;
        }
        self.limits += other.limits;
        self.misses.extend(other.misses);
    }

    /// Prints the counts by kind, and what missed: to the standard error itself, which the tests of a run share but nobody withholds.
    pub(super) fn print(&self, program: &Program) {
        let mut kinds: Vec<_> = self.counts.iter().collect();
        kinds.sort();
        let planted: usize = kinds.iter().map(|(_, (planted, _))| planted).sum();
        let right: usize = kinds.iter().map(|(_, (_, right))| right).sum();
        let kinds: Vec<String> = kinds
            .into_iter()
            .map(|(kind, (planted, right))| format!("{kind} {right}/{planted}"))
            .collect();
        let mut text = format!(
            "seed {}, {}, edition {}: {right} of {planted} planted costs on their row, {} of them by a stated limit\n  {}\n",
            program.seed,
            program.build.profile,
            program.build.edition,
            self.limits,
            kinds.join(", ")
        );
        for miss in &self.misses {
            let source = program.source();
            writeln!(text, "MISS: {miss} in {}", source.display()).unwrap();
        }
        io::stderr().write_all(text.as_bytes()).unwrap();
    }

    /// Fails with what to do to see the misses again.
    #[track_caller]
    pub(super) fn assert_right(&self) {
        let misses: Vec<String> = self.misses.iter().map(Miss::to_string).collect();
        assert!(
            misses.is_empty(),
            "{} planted costs are on other rows; `make truth HPROF_TRUTH_SEED=SEED` plants them again:\n{}",
            misses.len(),
            misses.join("\n")
        );
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            place,
            function,
            kind,
            row,
            why,
        } = self;
        write!(
            out,
            "seed {seed}: {kind} (place {place}, function f{function}) belongs to row {row}: {why}"
        )
    }
}
