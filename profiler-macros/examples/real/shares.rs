//! Shares of self time by function: what was recorded against what perf saw of the plain program.
//!
//! Code that has no attribute belongs to the function that called it on both sides: of each sample the innermost frame counts that stands
//! in the text of an annotated function.

use std::collections::BTreeMap;
use std::path::Path;

use hprof::model::{Function, Profile, Scope, function_costs, thin_calls};

use crate::Result;
use crate::build::{Built, FULL, THIN};
use crate::perf::{self, RATE, Samples};
use crate::symbols::Frame;

/// Shares of a function, in percent.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) name: String,
    pub(crate) recorded: f64,
    /// Of the time without that of recording it.
    pub(crate) net: f64,
    pub(crate) perf: f64,
}

/// Samples that are wanted at least.
const ENOUGH: u64 = 5000;

/// Samples of a plain program, whose `turns` take so much CPU time.
pub(crate) fn samples(
    folder: &Path,
    built: &Built,
    name: &str,
    turns: u64,
    cpu: u64,
) -> Result<Samples> {
    let expected = u128::from(cpu) * u128::from(RATE) / 1_000_000_000;
    let times = u64::try_from(u128::from(ENOUGH).div_ceil(expected.max(1)))?;
    let mut count = 0;
    // Not every tick comes.
    for times in [times, 2 * times, 4 * times] {
        let args = [name.into(), (turns * times).to_string().into()];
        let samples = perf::record(folder, &built.plain, &args)?;
        count = samples.stacks.len();
        if count as u64 >= ENOUGH {
            return Ok(samples);
        }
    }
    Err(format!("{name}: perf took {count} samples, {ENOUGH} are wanted").into())
}

/// The functions of a program, the hottest as perf saw it first.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) shares: Vec<Share>,
    pub(crate) samples: usize,
    /// Samples in no annotated function, in percent: start and end of the process.
    pub(crate) outside: f64,
}

/// Points by which functions are too close to say which is hotter.
const CLOSE: f64 = 3.0;

impl Comparison {
    /// Sum of the differences over all functions: 0 to 200 points.
    pub(crate) fn difference(&self) -> f64 {
        let apart = |share: &Share| (share.recorded - share.perf).abs();
        self.shares.iter().map(apart).sum()
    }

    /// The same of net shares.
    pub(crate) fn net_difference(&self) -> f64 {
        let apart = |share: &Share| (share.net - share.perf).abs();
        self.shares.iter().map(apart).sum()
    }

    /// Whether the three hottest functions are the same in the same order, where those that are close may change places.
    pub(crate) fn same_hottest(&self) -> bool {
        let mut by_recorded: Vec<&Share> = self.shares.iter().collect();
        by_recorded.sort_by(|a, b| b.recorded.total_cmp(&a.recorded));
        let pairs = self.shares.iter().zip(by_recorded).take(3);
        pairs
            .into_iter()
            .all(|(seen, recorded)| (seen.perf - recorded.perf).abs() <= CLOSE)
    }
}

/// Compares a profile with samples of the plain twin.
pub(crate) fn compare(folder: &Path, profile: &Profile, samples: &Samples) -> Comparison {
    // Thin functions are no places of their own: what ran in them counts for their callers.
    let thin = thin_calls(profile, Scope::All);
    let is_thin = |index| thin.iter().any(|thin| thin.function.0 as usize == index);
    let functions = profile.functions.iter().enumerate();
    let places = Places::new(folder, functions.filter(|(index, _)| !is_thin(*index)));
    let costs = function_costs(profile, Scope::All);
    let all: u64 = costs.iter().map(|cost| cost.self_time.0).sum();
    let all_net: u64 = costs.iter().map(|cost| cost.net_self_time().0).sum();
    let mut seen: BTreeMap<usize, u64> = BTreeMap::new();
    let mut outside = 0;
    for stack in &samples.stacks {
        match stack.iter().find_map(|frame| places.function(frame)) {
            Some(function) => *seen.entry(function).or_default() += 1,
            None => outside += 1,
        }
    }
    let inside: u64 = seen.values().sum();
    let share = |cost: &hprof::model::FunctionCost| {
        let id = cost.function.0 as usize;
        let function = profile.functions.get(id)?;
        let samples = seen.get(&id).copied().unwrap_or(0);
        Some(Share {
            name: format!("{}::{} :{}", function.module, function.name, function.line),
            recorded: percent(cost.self_time.0, all),
            net: percent(cost.net_self_time().0, all_net),
            perf: percent(samples, inside),
        })
    };
    let mut shares: Vec<Share> = costs.iter().filter_map(share).collect();
    shares.sort_by(|a, b| b.perf.total_cmp(&a.perf));
    Comparison {
        shares,
        samples: samples.stacks.len(),
        outside: percent(outside, outside + inside),
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// The functions of each file of the plain copies: first line, last line, index.
struct Places(BTreeMap<String, Vec<(u32, u32, usize)>>);

impl Places {
    fn new<'a>(folder: &Path, functions: impl Iterator<Item = (usize, &'a Function)>) -> Self {
        let mut places: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (index, function) in functions {
            let file = plain_path(folder, function);
            let lines = (function.line, function.end_line, index);
            places.entry(file).or_default().push(lines);
        }
        Self(places)
    }

    /// The innermost function around a line. A function is annotated on the line on which the one before it ends, which has that line
    /// then.
    fn function(&self, frame: &Frame) -> Option<usize> {
        let around = self.0.get(&frame.file)?.iter();
        let around = around.filter(|(first, last, _)| (*first..=*last).contains(&frame.line));
        let innermost = around.max_by_key(|(first, ..)| (*first < frame.line, *first))?;
        Some(innermost.2)
    }
}

/// The file of a function in the plain copy of its package: line for line the same text.
fn plain_path(folder: &Path, function: &Function) -> String {
    let file = Path::new(&function.package).join(&function.file);
    let inside = [FULL, THIN]
        .iter()
        .find_map(|copies| file.strip_prefix(folder.join(copies)).ok());
    let plain = inside.map_or_else(|| file.clone(), |inside| folder.join("plain").join(inside));
    plain.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(shares: &[(f64, f64)]) -> Comparison {
        let share = |(perf, recorded): &(f64, f64)| Share {
            name: String::new(),
            recorded: *recorded,
            net: (perf + recorded) / 2.0,
            perf: *perf,
        };
        Comparison {
            shares: shares.iter().map(share).collect(),
            ..Comparison::default()
        }
    }

    #[test]
    fn differences_count_on_both_sides() {
        let apart = comparison(&[(60.0, 40.0), (40.0, 60.0)]);
        assert!((apart.difference() - 40.0).abs() < 1e-9);
        assert!((apart.net_difference() - 20.0).abs() < 1e-9);
        assert!(!apart.same_hottest());
    }

    #[test]
    fn close_ones_may_change_places() {
        assert!(comparison(&[(40.0, 38.0), (38.0, 40.0), (22.0, 22.0)]).same_hottest());
        assert!(!comparison(&[(44.0, 38.0), (38.0, 40.0), (18.0, 22.0)]).same_hottest());
    }

    #[test]
    fn a_line_of_two_functions_is_that_of_the_first() {
        let places = Places(BTreeMap::from([(
            "a.rs".to_owned(),
            vec![(1, 5, 0), (5, 9, 1), (6, 7, 2)],
        )]));
        let at = |line| {
            let file = "a.rs".to_owned();
            places.function(&Frame { file, line })
        };
        let found = [1, 5, 6, 7, 8, 10].map(at);
        assert_eq!(found, [Some(0), Some(0), Some(1), Some(2), Some(1), None]);
    }
}
