//! What the ranks of a parallel job cost, line by line: sums over ranks, how uneven they are, and which rank took longest.

use std::collections::BTreeMap;

use hprof::model::{Function, FunctionCost, Nanos, Profile, Scope, function_costs};
use hprof::site::LineKind;

use super::line::hits;
use super::sure::Sure;

/// The ranks of a job.
#[derive(Debug)]
pub(crate) struct RankView<'a> {
    /// Ranks that are in the profile, ascending.
    pub(crate) ranks: Vec<u32>,
    /// Machines they ran on.
    pub(crate) hosts: usize,
    /// Processes without a rank, which the tables leave out.
    pub(crate) unranked: usize,
    /// Time in measured functions; `None` without ranks.
    pub(crate) profiled: Option<Spread>,
    /// Functions that a rank entered, in the order of the profile.
    pub(crate) functions: Vec<RankFunction<'a>>,
    /// Functions that were left out.
    pub(crate) left_out: usize,
}

/// A function over all ranks.
#[derive(Debug)]
pub(crate) struct RankFunction<'a> {
    pub(crate) function: &'a Function,
    /// Its time in all ranks.
    pub(crate) total: Nanos,
    /// Its lines that were reached.
    pub(crate) rows: Vec<RankRow>,
}

/// A line over all ranks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RankRow {
    pub(crate) line: u32,
    /// Hits in all ranks.
    pub(crate) hits: u64,
    /// Time in all ranks, with everything called from the line.
    pub(crate) spread: Spread,
    /// How sure the time in all ranks is.
    pub(crate) sure: Sure,
    /// The line is in a counted loop, whose header has its time.
    pub(crate) counted: bool,
    /// Part of the function's time in percent.
    pub(crate) percent: Option<f64>,
}

/// A time over ranks. A rank that never came to a line took no time for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) total: Nanos,
    pub(crate) least: Nanos,
    pub(crate) mean: Nanos,
    pub(crate) most: Nanos,
    /// By how many percent the longest is above the mean; `None` if nobody took any time.
    pub(crate) imbalance: Option<f64>,
    /// The rank that took longest, the lowest of several; `None` if nobody took any time.
    pub(crate) worst: Option<u32>,
    /// Parts of the longest time, 0 to 1, of one rank each, or of the longest of several neighbours where there are many.
    pub(crate) shape: Vec<f64>,
}

/// Parts that the shape of a spread has at most.
pub(crate) const MAX_PARTS: usize = 40;

/// The ranks of a job, ascending.
struct Ranks {
    numbers: Vec<u32>,
    /// Neighbours that share a part of a shape.
    in_part: usize,
}

impl Ranks {
    fn new(numbers: Vec<u32>) -> Self {
        Self {
            in_part: numbers.len().div_ceil(MAX_PARTS).max(1),
            numbers,
        }
    }
}

/// A spread while times come in, rank by rank: its size does not depend on how many ranks there are.
#[derive(Default)]
struct Gathered {
    /// The place of the newest rank, and its time so far.
    newest: Option<(usize, Nanos)>,
    total: Nanos,
    /// Of the ranks that came.
    least: Option<Nanos>,
    came: usize,
    most: Nanos,
    /// The place of the first rank that took as long as that.
    worst: Option<usize>,
    /// The longest time in each part of the shape.
    longest: Vec<Nanos>,
}

impl Gathered {
    /// Adds a time of the rank at this place, which is not before the newest.
    fn add(&mut self, at: usize, time: Nanos, ranks: &Ranks) {
        match &mut self.newest {
            // A second process of the same rank.
            Some((newest, sum)) if *newest == at => *sum += time,
            _ => {
                self.settle(ranks);
                self.newest = Some((at, time));
            }
        }
    }

    /// The newest rank gets no more time.
    fn settle(&mut self, ranks: &Ranks) {
        let Some((at, time)) = self.newest.take() else {
            return;
        };
        self.total += time;
        self.came += 1;
        self.least = Some(self.least.map_or(time, |least| least.min(time)));
        if time > self.most {
            (self.most, self.worst) = (time, Some(at));
        }
        let part = at / ranks.in_part;
        if self.longest.len() <= part {
            self.longest.resize(part + 1, Nanos::ZERO);
        }
        self.longest[part] = self.longest[part].max(time);
    }

    /// The spread over all ranks; `None` if there is none. Those that did not come took no time.
    fn finish(mut self, ranks: &Ranks) -> Option<Spread> {
        self.settle(ranks);
        let count = ranks.numbers.len();
        let parts = count.div_ceil(ranks.in_part);
        let mean = self.total.0.checked_div(u64::try_from(count).ok()?)?;
        let above = (u128::from(self.most.0) * count as u128).saturating_sub(self.total.0.into());
        let worst = self.worst.and_then(|at| ranks.numbers.get(at).copied());
        self.longest.resize(parts, Nanos::ZERO);
        let share = |longest: &Nanos| longest.0 as f64 / self.most.0.max(1) as f64;
        Some(Spread {
            total: self.total,
            least: (self.least.filter(|_| self.came == count)).unwrap_or_default(),
            mean: Nanos(mean),
            most: self.most,
            imbalance: worst.map(|_| 100.0 * above as f64 / self.total.0 as f64),
            worst,
            shape: self.longest.iter().map(share).collect(),
        })
    }
}

impl<'a> RankView<'a> {
    /// `top` is how many functions are shown: those with the longest total time.
    pub(crate) fn new(profile: &'a Profile, top: Option<usize>) -> Self {
        let mut by_rank: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, process) in profile.processes.iter().enumerate() {
            if let Some(rank) = process.rank {
                by_rank.entry(rank).or_default().push(at);
            }
        }
        let ranks = Ranks::new(by_rank.keys().copied().collect());
        let ranked = profile.processes.iter().filter(|one| one.rank.is_some());
        let mut hosts: Vec<&str> = ranked.map(|process| process.host.as_str()).collect();
        let unranked = profile.processes.len() - hosts.len();
        hosts.sort_unstable();
        hosts.dedup();
        let mut sums = Sums::default();
        let mut profiled = Gathered::default();
        for (at, processes) in by_rank.values().enumerate() {
            for process in processes {
                for cost in function_costs(profile, Scope::Process(*process)) {
                    profiled.add(at, cost.self_time, &ranks);
                    sums.add(profile, (at, &ranks), &cost);
                }
            }
        }
        let mut functions = sums.functions(profile, &ranks);
        let left_out = top.map_or(0, |top| functions.len().saturating_sub(top));
        if left_out > 0 {
            let mut totals: Vec<Nanos> = functions.iter().map(|one| one.total).collect();
            totals.sort_unstable();
            let least = totals.get(left_out).copied();
            let mut room = functions.len() - left_out;
            functions.retain(|function| {
                let stays = room > 0 && least.is_some_and(|least| function.total >= least);
                room -= usize::from(stays);
                stays
            });
        }
        Self {
            profiled: profiled.finish(&ranks),
            ranks: ranks.numbers,
            hosts: hosts.len(),
            unranked,
            functions,
            left_out,
        }
    }
}

impl RankView<'_> {
    /// The lines on which the slowest rank is furthest above the mean, in time: of these one could win the most by an even share.
    pub(crate) fn most_uneven(&self, most: usize) -> Vec<(&RankFunction<'_>, &RankRow)> {
        let lines = self.functions.iter();
        let lines = lines.flat_map(|function| function.rows.iter().map(move |row| (function, row)));
        let above = |row: &RankRow| row.spread.most.0.saturating_sub(row.spread.mean.0);
        let mut lines: Vec<_> = lines.filter(|(_, row)| above(row) > 0).collect();
        lines.sort_by_key(|(_, row)| std::cmp::Reverse(above(row)));
        lines.truncate(most);
        lines
    }
}

/// What a line took in all ranks.
#[derive(Default)]
struct LineCosts {
    times: Gathered,
    hits: u64,
    /// Of the sum of the times, square nanoseconds.
    variance: u128,
    guessed: bool,
    counted: bool,
}

/// What each rank took, by line of each function.
#[derive(Default)]
struct Sums {
    functions: BTreeMap<u32, BTreeMap<u32, LineCosts>>,
}

impl Sums {
    fn add(&mut self, profile: &Profile, (at, ranks): (usize, &Ranks), cost: &FunctionCost) {
        let Some(function) = profile.functions.get(cost.function.0 as usize) else {
            return;
        };
        let lines = self.functions.entry(cost.function.0).or_default();
        for (line, total) in function.lines.iter().zip(&cost.lines) {
            let hits = hits(line, total, cost);
            if hits == 0 && total.total == Nanos::ZERO {
                continue;
            }
            let sum = lines.entry(line.line).or_default();
            sum.hits = sum.hits.saturating_add(hits);
            sum.variance = sum.variance.saturating_add(total.total_variance);
            sum.guessed |= total.own.prior;
            sum.counted = line.kind == LineKind::GroupBody;
            sum.times.add(at, total.total, ranks);
        }
    }

    fn functions<'a>(self, profile: &'a Profile, ranks: &Ranks) -> Vec<RankFunction<'a>> {
        let known = self.functions.into_iter().filter_map(|(id, lines)| {
            let function = profile.functions.get(id as usize)?;
            let mut rows: Vec<RankRow> = lines
                .into_iter()
                .filter_map(|(line, costs)| row(line, costs, ranks))
                .collect();
            let total: Nanos = rows.iter().map(|row| row.spread.total).sum();
            for row in &mut rows {
                row.percent = super::sums::percent(row.spread.total, total);
            }
            Some(RankFunction {
                function,
                total,
                rows,
            })
        });
        known.filter(|function| !function.rows.is_empty()).collect()
    }
}

fn row(line: u32, costs: LineCosts, ranks: &Ranks) -> Option<RankRow> {
    let spread = costs.times.finish(ranks)?;
    let error = (costs.variance as f64).sqrt();
    Some(RankRow {
        line,
        hits: costs.hits,
        sure: Sure::new(spread.total, error, costs.guessed),
        counted: costs.counted && spread.total == Nanos::ZERO,
        spread,
        percent: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of ranks from 10 on.
    fn spread(times: &[u64]) -> Option<Spread> {
        let ranks = Ranks::new((10..).take(times.len()).collect());
        let mut gathered = Gathered::default();
        for (at, time) in times.iter().enumerate() {
            // The time of a rank may come in parts, and of those that took none nothing need come.
            let parts = [time / 2, time - time / 2].into_iter();
            for part in parts.filter(|part| *part > 0) {
                gathered.add(at, Nanos(part), &ranks);
            }
        }
        gathered.finish(&ranks)
    }

    #[test]
    fn the_longest_is_compared_with_the_mean() {
        let uneven = spread(&[10, 30, 20, 40]).unwrap();
        assert_eq!(
            (uneven.total, uneven.least, uneven.mean, uneven.most),
            (Nanos(100), Nanos(10), Nanos(25), Nanos(40))
        );
        assert_eq!((uneven.imbalance, uneven.worst), (Some(60.0), Some(13)));
        assert_eq!(uneven.shape, [0.25, 0.75, 0.5, 1.0]);
    }

    #[test]
    fn of_ranks_that_took_equally_long_the_lowest_is_named() {
        assert_eq!(spread(&[7, 9, 9]).unwrap().worst, Some(11));
        let absent = spread(&[0, 9, 3]).unwrap();
        assert_eq!((absent.least, absent.mean), (Nanos(0), Nanos(4)));
        let none = spread(&[0, 0]).unwrap();
        assert_eq!((none.imbalance, none.worst), (None, None));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn many_ranks_share_parts_and_the_worst_stays_visible() {
        let mut times = vec![1; 1000];
        times[777] = 100;
        let shape = spread(&times).unwrap().shape;
        assert_eq!(shape.len(), MAX_PARTS);
        assert_eq!(shape.iter().filter(|part| **part == 1.0).count(), 1);
        assert_eq!(shape[777 / 25], 1.0);
    }
}
