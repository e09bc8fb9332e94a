//! The rows of line tables.

use std::collections::{BTreeMap, BTreeSet};

use hprof::model::{
    ClockMode, Function, FunctionCost, FunctionId, Line, LineCost, LineTotal, Nanos, Profile,
    Scope, WaitCause, thin_calls,
};
use hprof::site::LineKind;

use crate::text::source::numbered;

use super::sums::percent;
use super::sure::{Sure, matters};
use super::waits::{Causes, wait};

/// Below this own time of a hit a sampled split is no better than [`SPLIT_ERROR`]: the sampler cannot see which of two
/// neighbours ran.
const FINEST_SPLIT: f64 = 6.0;

/// From this share of a row's time on, in percent, what recording took is marked.
const MUCH_RECORDING: f64 = 20.0;

/// What recording took is not known better than this, one standard deviation as a share of it: code around a marker hides more of it, or less,
/// than in the loop in which its price was measured.
const PRICE_ERROR: f64 = 1.0 / 3.0;

/// Nanoseconds a hit by which a finer split may be wrong.
const SPLIT_ERROR: f64 = 2.0;

/// A row whose sampled time is more than this share of the function, in percent, wants at least so many samples.
const ROUGH_SHARE: f64 = 5.0;
const FEW_SAMPLES: u64 = 20;

/// CPU time has a column of its own where it differs from the time by more than this share of it,
const CPU_SHARE: f64 = 0.05;

/// and by more than this: two looks of the sampler.
const CPU_STEP: Nanos = Nanos(2_000_000);

/// Why a time is not simply a measured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// The split rests on the timings before the line became hot.
    Prior,
    /// Intervals too short for the clock.
    Resolution,
    /// In a counted loop.
    Group,
    /// In a counted loop that ran when its process was killed.
    Cut,
    /// The `fn` of a thin function.
    Thin,
    /// Much of the time is that of recording it.
    Recording,
}

/// A time in which the sampler looks often enough that no CPU time seen means none spent.
const LONG_FOR_LOOKS: Nanos = Nanos(20_000_000);

/// Which functions and rows of a profile to show.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LineChoice {
    pub(crate) ascending: bool,
    pub(crate) skip_zero: bool,
    pub(crate) min_percent: Option<f64>,
    pub(crate) top: Option<usize>,
    /// Of more functions than [`FEW`] only those that make nearly all of the time.
    pub(crate) brief: bool,
}

/// So many functions are read one after the other; of more a reader wants to know first where to look.
pub(crate) const FEW: usize = 10;
/// Part of the own time of all functions that those make which are shown then, in percent.
const NEARLY_ALL: u128 = 95;

/// The functions, by position, that make nearly all of the own time: no more than [`FEW`].
pub(super) fn heaviest(chosen: &[&FunctionCost]) -> Vec<usize> {
    let all: u128 = chosen.iter().map(|cost| u128::from(cost.self_time.0)).sum();
    let mut by_time: Vec<usize> = (0..chosen.len()).collect();
    by_time.sort_by_key(|&at| std::cmp::Reverse(chosen[at].self_time));
    let mut sum = 0;
    let mut kept: Vec<usize> = by_time
        .into_iter()
        .take(FEW)
        .take_while(|&at| {
            let goes_on = sum * 100 < all * NEARLY_ALL;
            sum += u128::from(chosen[at].self_time.0);
            goes_on
        })
        .collect();
    kept.sort_unstable();
    kept
}

/// All line tables of a report.
#[derive(Debug)]
pub(crate) struct LineView<'a> {
    pub(crate) functions: Vec<FunctionView<'a>>,
    /// Functions that the choice left out.
    pub(crate) left_out: usize,
}

/// One line table.
#[derive(Debug)]
pub(crate) struct FunctionView<'a> {
    pub(crate) function: &'a Function,
    pub(crate) total: Nanos,
    pub(crate) rows: Vec<Row<'a>>,
    /// Rows with figures that the choice left out.
    pub(crate) left_out: usize,
}

/// A source line of a function.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) line: u32,
    pub(crate) label: &'a str,
    /// `None` where there is no marker or control never came.
    pub(crate) figures: Option<Figures>,
}

/// What a row shows. `None` is a blank cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) hits: Option<u64>,
    pub(crate) time: Option<Nanos>,
    pub(crate) sure: Sure,
    /// Nanoseconds; as sure as the time.
    pub(crate) per_hit: Option<f64>,
    /// Of the function's total.
    pub(crate) percent: Option<f64>,
    /// The same of the most that the time can be, where no more is known than that.
    pub(crate) percent_at_most: Option<f64>,
    /// The time without that of recording it, and how sure that is; `None` where no price is known.
    pub(crate) net: Option<(Nanos, Sure)>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) samples: Option<u64>,
    /// Too few samples for a row of this weight.
    pub(crate) rough: bool,
    pub(crate) cpu: Option<Nanos>,
    /// The CPU time is not simply the time.
    pub(crate) cpu_differs: bool,
    pub(crate) awaited: Option<Nanos>,
    /// Time without CPU time, and what the line itself waited for most of it, with its share in percent.
    pub(crate) wait: Option<(Nanos, Option<(WaitCause, f64)>)>,
    /// Of the header of a counted loop: its entries and its turns.
    pub(crate) trips: Option<(u64, u64)>,
    /// Allocations by the line itself, their bytes, and the bytes it freed.
    pub(crate) heap: Option<(u64, u64, u64)>,
}

/// What the tables of all functions and threads of a profile have in common.
#[derive(Debug)]
pub(crate) struct Common {
    scope: Scope,
    /// Times were split by samples.
    splits: bool,
    /// What an event costs is known.
    priced: bool,
    /// The loops, by function and header, that only count and were running when their process was killed.
    cut: BTreeSet<(FunctionId, u32)>,
    /// Thin functions were called in the scope.
    pub(crate) thin: bool,
}

impl Common {
    pub(crate) fn of(profile: &Profile, scope: Scope) -> Self {
        Self {
            scope,
            thin: !thin_calls(profile, scope).is_empty(),
            splits: splits_time(profile),
            priced: knows_prices(profile),
            cut: cut_loops(profile),
        }
    }
}

impl<'a> LineView<'a> {
    /// The tables of a profile with these costs.
    pub(crate) fn new(
        profile: &'a Profile,
        common: &Common,
        costs: &[FunctionCost],
        choice: LineChoice,
    ) -> Self {
        let mut chosen: Vec<&FunctionCost> = costs
            .iter()
            .filter(|cost| !choice.skip_zero || was_called(cost))
            .collect();
        if let Some(top) = choice.top {
            let mut by_total: Vec<usize> = (0..chosen.len()).collect();
            by_total.sort_by_key(|&at| std::cmp::Reverse(chosen[at].total));
            by_total.truncate(top);
            by_total.sort_unstable();
            chosen = by_total.into_iter().map(|at| chosen[at]).collect();
        }
        if choice.brief && chosen.len() > FEW {
            let kept = heaviest(&chosen);
            chosen = kept.into_iter().map(|at| chosen[at]).collect();
        }
        if choice.ascending {
            chosen.sort_by_key(|cost| cost.total);
        }
        let left_out = costs.len() - chosen.len();
        let longest = costs
            .iter()
            .map(|cost| cost.total)
            .max()
            .unwrap_or_default();
        let functions = chosen
            .into_iter()
            .filter_map(|cost| {
                FunctionView::new(profile, common, cost, longest, choice.min_percent)
            })
            .collect();
        Self {
            functions,
            left_out,
        }
    }
}

fn was_called(cost: &FunctionCost) -> bool {
    cost.calls > 0 || cost.lines.iter().any(|line| line.own.hits > 0)
}

impl<'a> FunctionView<'a> {
    /// `None` if the profile does not hold the function: then the costs are of another profile.
    fn new(
        profile: &'a Profile,
        common: &Common,
        cost: &FunctionCost,
        longest: Nanos,
        min_percent: Option<f64>,
    ) -> Option<Self> {
        let function = profile.functions.get(cost.function.0 as usize)?;
        let markers = Markers::new(function, cost, common.splits);
        let causes = Causes::of_function(profile, common.scope, cost.function);
        let totals: BTreeMap<u32, &LineTotal> =
            cost.lines.iter().map(|total| (total.line, total)).collect();
        let mut rows: BTreeMap<u32, Row<'a>> = BTreeMap::new();
        for (line, _) in numbered(function.line, &function.source) {
            rows.insert(
                line,
                Row {
                    line,
                    label: "",
                    figures: None,
                },
            );
        }
        for line in &function.lines {
            let figures = totals
                .get(&line.line)
                .and_then(|total| Figures::new(line, total, (cost, &markers), longest))
                .map(|figures| Figures {
                    net: figures.net.filter(|_| common.priced),
                    wait: figures
                        .wait
                        .map(|(wait, _)| (wait, causes.main(cost.function, line.line))),
                    ..figures
                })
                .map(|figures| {
                    figures.mark_cut(line, common.cut.contains(&(cost.function, line.group)))
                });
            let row = Row {
                line: line.line,
                label: &line.label,
                figures,
            };
            rows.insert(line.line, row);
        }
        let mut view = Self {
            function,
            total: cost.total,
            rows: rows.into_values().collect(),
            left_out: 0,
        };
        if let Some(least) = min_percent {
            view.keep_above(least);
        }
        Some(view)
    }

    /// Leaves out rows that stand for less than so many percent. Lines of a counted loop stay with their header.
    fn keep_above(&mut self, least: f64) {
        let enough = |row: &Row<'_>| {
            let percent = row.figures.as_ref().and_then(|figures| figures.percent);
            percent.is_some_and(|percent| percent >= least)
        };
        let kept: Vec<u32> = self
            .rows
            .iter()
            .filter(|row| enough(row))
            .map(|row| row.line)
            .collect();
        let lines = &self.function.lines;
        let header = |row: &Row<'_>| {
            let found = lines.binary_search_by_key(&row.line, |line| line.line);
            found.map_or(row.line, |at| lines[at].group)
        };
        let measured = self.rows.iter().filter(|row| row.figures.is_some()).count();
        self.rows.retain(|row| {
            kept.binary_search(&row.line).is_ok() || kept.binary_search(&header(row)).is_ok()
        });
        self.left_out = measured - self.rows.iter().filter(|row| row.figures.is_some()).count();
    }
}

impl Figures {
    fn new(
        line: &Line,
        total: &LineTotal,
        (cost, markers): (&FunctionCost, &Markers),
        longest: Nanos,
    ) -> Option<Self> {
        let markers = markers.of(line, total);
        let own = &total.own;
        let hits = hits(line, total, cost);
        let heap = (own.allocs, own.alloc_bytes, own.free_bytes);
        let waited = own.awaited > Nanos::ZERO;
        if hits == 0 && total.total == Nanos::ZERO && !waited && heap == (0, 0, 0) {
            return None;
        }
        let counted = line.kind == LineKind::GroupBody;
        let time = (!counted || total.total > Nanos::ZERO).then_some(total.total);
        let timed = Self::timed(total, time, markers, cost.total);
        Some(Self {
            hits: (hits > 0).then_some(hits),
            per_hit: time
                .filter(|_| hits > 0)
                .map(|time| timed.sure.figure(time) / hits as f64),
            marks: marks(total, counted),
            rough: is_rough(total, longest),
            samples: (own.samples > 0).then_some(own.samples),
            cpu: seen_cpu(total),
            cpu_differs: total.total_cpu.is_some_and(|cpu| differs(cpu, total.total)),
            awaited: waited.then_some(own.awaited),
            wait: wait(total.total, seen_cpu(total), total.total_variance).map(|wait| (wait, None)),
            trips: (own.trips > 0).then(|| (own.trips, hits.saturating_sub(own.trips))),
            heap: (heap != (0, 0, 0)).then_some(heap),
            ..timed
        })
    }

    /// Of a line of a file, where the whole is the time in all functions.
    pub(crate) fn of_file(total: &LineTotal, markers: u64, counted: bool, whole: Nanos) -> Self {
        let time = (!counted || total.total > Nanos::ZERO).then_some(total.total);
        Self {
            hits: (total.own.hits > 0).then_some(total.own.hits),
            marks: marks(total, counted),
            ..Self::timed(total, time, markers, whole)
        }
    }

    /// Of the line of the `fn` of a thin function.
    pub(crate) fn of_thin(calls: u64) -> Self {
        Self {
            hits: Some(calls),
            marks: vec![Mark::Thin],
            ..Self::default()
        }
    }

    /// The time, how sure it is, and its shares.
    fn timed(total: &LineTotal, time: Option<Nanos>, markers: u64, whole: Nanos) -> Self {
        let sure = time.map_or(Sure::Exact, |_| how_sure(total, markers));
        let at_most = |bound: f64| (100.0 * bound / whole.0 as f64).min(100.0);
        Self {
            time,
            sure,
            percent: time.and_then(|time| percent(time, whole)),
            net: time.map(|_| net(total, markers)),
            percent_at_most: match sure {
                Sure::AtMost(bound) if whole > Nanos::ZERO => Some(at_most(bound)),
                _ => None,
            },
            ..Self::default()
        }
    }

    fn mark_cut(mut self, line: &Line, cut: bool) -> Self {
        if cut && line.kind == LineKind::GroupBody {
            self.marks.push(Mark::Cut);
        }
        self
    }
}

/// CPU time of a line, if the sampler had a chance to see any: none in a few looks says nothing.
pub(crate) fn seen_cpu(total: &LineTotal) -> Option<Nanos> {
    let many_looks = total.total >= LONG_FOR_LOOKS;
    total
        .total_cpu
        .filter(|cpu| *cpu > Nanos::ZERO || many_looks)
}

/// Whether a line that matters for the run, whose longest function took so long, rests on few samples.
fn is_rough(total: &LineTotal, longest: Nanos) -> bool {
    let own = &total.own;
    let share = percent(own.sampled, longest);
    own.samples < FEW_SAMPLES && share.is_some_and(|share| share > ROUGH_SHARE)
}

/// The loops, by function and header, that only count and were running when their process was killed.
fn cut_loops(profile: &Profile) -> BTreeSet<(FunctionId, u32)> {
    let killed = profile.processes.iter().filter(|process| !process.finished);
    let threads = killed.flat_map(|process| &process.threads);
    let places = threads.filter_map(|thread| thread.running);
    places
        .filter_map(|place| {
            let lines = &profile.functions.get(place.function.0 as usize)?.lines;
            let at = lines
                .binary_search_by_key(&place.line, |line| line.line)
                .ok()?;
            Some((place.function, lines[at].group))
        })
        .collect()
}

/// Hits of a line. Where only calls are measured, these are what counts; what lies between marked lines is a rest, which nothing hits.
pub(crate) fn hits(line: &Line, total: &LineTotal, cost: &FunctionCost) -> u64 {
    match line.kind {
        LineKind::WholeBody if cost.lines.len() == 1 => cost.calls,
        LineKind::WholeBody => 0,
        _ => total.own.hits,
    }
}

/// How sure the total of a line is whose marker ran so often.
fn how_sure(total: &LineTotal, markers: u64) -> Sure {
    Sure::new(total.total, error(total, markers), is_guessed(total))
}

/// Whether the prior divided a part of the time that matters.
fn is_guessed(total: &LineTotal) -> bool {
    total.own.prior && matters(total.own.sampled, total.total)
}

/// Whether a part of the time that matters is of intervals too short for the clock.
fn is_short(total: &LineTotal) -> bool {
    total.own.below_resolution && matters(total.own.exact, total.total)
}

/// Whether recording took so much of a time that this must be known.
pub(crate) fn is_much(recording: Nanos, time: Nanos) -> bool {
    percent(recording, time).is_some_and(|percent| percent > MUCH_RECORDING)
}

/// The total of a line without what recording took, and how sure it is: as sure as the total, and as the prices.
fn net(total: &LineTotal, markers: u64) -> (Nanos, Sure) {
    let net = total.net();
    let sure = Sure::new(net, net_error(total, markers), is_guessed(total));
    (net, sure)
}

/// One standard deviation of a line's net time, nanoseconds.
pub(crate) fn net_error(total: &LineTotal, markers: u64) -> f64 {
    let price = PRICE_ERROR * total.total_recording.0 as f64;
    error(total, markers).hypot(price)
}

/// Whether all processes measured what an event costs.
pub(crate) fn knows_prices(profile: &Profile) -> bool {
    let mut costs = profile.processes.iter().map(|process| process.own_cost);
    costs.all(|cost| cost.call_ps > 0)
}

fn marks(total: &LineTotal, counted: bool) -> Vec<Mark> {
    let found = [
        (is_guessed(total), Mark::Prior),
        (is_short(total), Mark::Resolution),
        (counted, Mark::Group),
        (is_much(total.total_recording, total.total), Mark::Recording),
    ];
    found
        .into_iter()
        .filter_map(|(there, mark)| there.then_some(mark))
        .collect()
}

/// Whether times were split by samples in some process: then a line without a share may have been seen as another.
pub(crate) fn splits_time(profile: &Profile) -> bool {
    let mut clocks = profile.processes.iter().map(|process| process.clock_mode);
    clocks.any(|clock| matches!(clock, ClockMode::Auto | ClockMode::Sampled))
}

/// Times that the markers of a function ran, each of which the sampler may take for the line before: never where nothing is split by
/// samples.
#[derive(Debug)]
pub(crate) struct Markers {
    splits: bool,
    /// For the header of each counted loop the turns, in which its marker did not run.
    turns: BTreeMap<u32, u64>,
}

impl Markers {
    pub(crate) fn new(function: &Function, cost: &FunctionCost, splits: bool) -> Self {
        let mut turns = BTreeMap::new();
        let lines = function.lines.iter().filter(|_| splits);
        for line in lines.filter(|line| line.kind == LineKind::GroupBody) {
            turns.entry(line.group).or_insert_with(|| {
                let found = cost
                    .lines
                    .binary_search_by_key(&line.line, |line| line.line);
                found.map_or(0, |at| cost.lines[at].own.hits)
            });
        }
        Self { splits, turns }
    }

    /// Those of a line: once for all turns of a counted loop.
    pub(crate) fn of(&self, line: &Line, total: &LineTotal) -> u64 {
        if !self.splits {
            return 0;
        }
        let turns = match line.kind {
            LineKind::GroupHeader => self.turns.get(&line.line).copied().unwrap_or(0),
            _ => 0,
        };
        total.own.hits.saturating_sub(turns)
    }
}

/// One standard deviation of a line's time, nanoseconds, for a line whose marker ran so often.
pub(crate) fn error(total: &LineTotal, markers: u64) -> f64 {
    let deviation = (total.total_variance as f64).sqrt();
    if is_finely_split(&total.own, markers) {
        deviation.max(SPLIT_ERROR * markers as f64)
    } else {
        deviation
    }
}

/// Whether a line took so little a hit that the sampler may have seen its neighbour instead, so also if it was never seen itself. Lines that
/// were timed throughout have a mark of their own for that.
pub(crate) fn is_finely_split(own: &LineCost, markers: u64) -> bool {
    let is_split = own.sampled > Nanos::ZERO || !own.below_resolution;
    is_split && (own.time().0 as f64) < FINEST_SPLIT * markers as f64
}

fn differs(cpu: Nanos, time: Nanos) -> bool {
    let apart = Nanos(cpu.0.abs_diff(time.0));
    apart > CPU_STEP && apart.0 as f64 > CPU_SHARE * time.0 as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_marker_of_a_counted_loop_runs_once_for_all_its_turns() {
        let (functions, costs) = (fixture::diffusion().functions, fixture::diffusion_costs());
        let (advance, cost) = (&functions[1], &costs[1]);
        let markers_of = |number: u32| {
            let line = advance.lines.iter().find(|line| line.line == number);
            let total = cost.lines.iter().find(|total| total.line == number);
            Markers::new(advance, cost, true).of(line.unwrap(), total.unwrap())
        };
        // 40,000 rows of 81 columns: 82 hits of the header for each.
        assert_eq!((markers_of(23), markers_of(28)), (40_000, 500));
    }
}
