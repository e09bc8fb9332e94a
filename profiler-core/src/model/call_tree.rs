//! Self and total time of functions and lines, from the calling-context trees of all threads.
//!
//! A line's total is its self time plus that of everything called from it, less what ran inside a deeper frame of the same
//! function: that stands on the lines of the deeper frame. So the lines of a function always add up to its total, and recursion is
//! counted once.
//!
//! ```text
//! frames, time →          total of f's lines
//! f ├──1──┬────2────┤     line 1: own time
//! g       ├──3──┬───┤     line 2: own + g's line 3; not the inner f
//! f             ├─1─┤     line 1: own time of the inner frame
//! ```

use std::collections::HashMap;

use super::cost_sum::CostSum;
use super::line_cost::LineCost;
use super::line_map::LineMap;
use super::place::FunctionId;
use super::profile::{Node, Profile, Thread};
use super::resident::RssChange;
use super::tree_walk::{Step, depth_first, parent_of};
use super::units::Nanos;

/// Which part of a profile to add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All threads of all processes.
    #[default]
    All,
    /// One process, by its index.
    Process(usize),
    /// One thread, by the indices of process and thread.
    Thread(usize, usize),
}

impl Scope {
    /// The threads of `profile` in the scope; none if an index is out of range.
    ///
    /// ```
    /// use hprof::model::{Profile, Scope};
    /// assert_eq!(Scope::Process(3).threads(&Profile::default()).count(), 0);
    /// ```
    pub fn threads(self, profile: &Profile) -> impl Iterator<Item = &Thread> {
        let (process, thread) = match self {
            Self::All => (None, None),
            Self::Process(process) => (Some(process), None),
            Self::Thread(process, thread) => (Some(process), Some(thread)),
        };
        let processes = part(&profile.processes, process).iter();
        processes.flat_map(move |process| part(&process.threads, thread))
    }
}

/// One of all, or all of them.
fn part<T>(all: &[T], one: Option<usize>) -> &[T] {
    one.map_or(all, |one| {
        all.get(one..)
            .and_then(|rest| rest.get(..1))
            .unwrap_or_default()
    })
}

/// What a function costs over a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionCost {
    /// The function.
    pub function: FunctionId,
    /// Calls, recursive ones included.
    pub calls: u64,
    /// Calls made while the function was not on the stack already.
    pub primitive_calls: u64,
    /// Time in the function itself.
    pub self_time: Nanos,
    /// Time in it and everything it called, once for recursion.
    pub total: Nanos,
    /// Variance of `total`, square nanoseconds: an upper bound, the sum over the parts of gaps that reach outside the frame.
    pub total_variance: u128,
    /// Part of `total` that recording took.
    pub total_recording: Nanos,
    /// One entry for each instrumented line of the function, also for those never reached, in the order of `Function::lines`.
    pub lines: Vec<LineTotal>,
}

impl FunctionCost {
    /// Its total time without what recording took of that.
    #[must_use]
    pub fn net(&self) -> Nanos {
        Nanos(self.total.0.saturating_sub(self.total_recording.0))
    }

    /// Its self time without what recording took of that.
    #[must_use]
    pub fn net_self_time(&self) -> Nanos {
        self.lines.iter().map(|line| line.own.net()).sum()
    }
}

/// What a line costs over a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineTotal {
    /// Line number.
    pub line: u32,
    /// By itself.
    pub own: LineCost,
    /// Time with everything called from it.
    pub total: Nanos,
    /// Variance of `total`, square nanoseconds: an upper bound, the sum over its own time and over what is called from it, each as
    /// in [`FunctionCost::total_variance`].
    pub total_variance: u128,
    /// Part of `total` that recording took.
    pub total_recording: Nanos,
    /// CPU time with everything called from it; `None` without a sampler.
    pub total_cpu: Option<Nanos>,
    /// Change of the resident set by it and everything called from it; `None` if that was not read.
    pub total_rss: Option<RssChange>,
}

impl LineTotal {
    /// The total time without what recording took of that.
    #[must_use]
    pub fn net(&self) -> Nanos {
        Nanos(self.total.0.saturating_sub(self.total_recording.0))
    }
}

/// The costs of every function that was entered in the scope, in the order of `Profile::functions`.
///
/// ```
/// use hprof::model::{Profile, Scope, function_costs};
/// assert!(function_costs(&Profile::default(), Scope::All).is_empty());
/// ```
#[must_use]
pub fn function_costs(profile: &Profile, scope: Scope) -> Vec<FunctionCost> {
    let mut sums = Sums::default();
    for thread in scope.threads(profile) {
        Walk::new(thread, profile, &mut sums).run();
    }
    let mut functions = sums.functions;
    functions.sort_unstable_by_key(|(id, _)| *id);
    let known = functions.into_iter().filter_map(|(id, sum)| {
        let function = profile.functions.get(usize::try_from(id.0).ok()?)?;
        Some((id, function, sum))
    });
    known
        .map(|(id, function, mut sum)| {
            for line in &function.lines {
                sum.lines.entry(line.line);
            }
            sum.finish(id)
        })
        .collect()
}

/// Amounts that add up and can be taken away again: the time of a deeper frame is first added with what called it.
#[derive(Clone, Copy, Debug, Default)]
struct Amounts {
    time: i128,
    cpu: i128,
    has_cpu: bool,
    variance: u128,
    recording: i128,
    /// Growth and shrinkage, each of anonymous memory and of files.
    rss: [i128; 4],
    has_rss: bool,
}

impl Amounts {
    fn of(cost: &LineCost) -> Self {
        Self {
            time: cost.time().0.into(),
            cpu: cost.cpu.unwrap_or_default().0.into(),
            has_cpu: cost.cpu.is_some(),
            variance: cost.variance,
            recording: cost.recording.0.into(),
            rss: bytes_of(&cost.rss.unwrap_or_default().change),
            has_rss: cost.rss.is_some(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.time += other.time;
        self.recording += other.recording;
        self.cpu += other.cpu;
        self.has_cpu |= other.has_cpu;
        self.has_rss |= other.has_rss;
        for (sum, more) in self.rss.iter_mut().zip(other.rss) {
            *sum += more;
        }
        self.variance = self.variance.saturating_add(other.variance);
    }

    /// The variances add up all the same: a difference is as uncertain as a sum.
    fn take_away(&mut self, other: &Self) {
        self.time -= other.time;
        self.recording -= other.recording;
        self.cpu -= other.cpu;
        for (sum, less) in self.rss.iter_mut().zip(other.rss) {
            *sum -= less;
        }
        self.variance = self.variance.saturating_add(other.variance);
    }
}

fn nanos(amount: i128) -> Nanos {
    Nanos(not_negative(amount))
}

fn not_negative(amount: i128) -> u64 {
    u64::try_from(amount.max(0)).unwrap_or(u64::MAX)
}

fn bytes_of(change: &RssChange) -> [i128; 4] {
    [
        change.grown_anonymous.into(),
        change.shrunk_anonymous.into(),
        change.grown_file.into(),
        change.shrunk_file.into(),
    ]
}

fn change_of(bytes: [i128; 4]) -> RssChange {
    let [grown_anonymous, shrunk_anonymous, grown_file, shrunk_file] = bytes.map(not_negative);
    RssChange {
        grown_anonymous,
        shrunk_anonymous,
        grown_file,
        shrunk_file,
    }
}

/// A line while threads are added.
#[derive(Clone, Copy, Debug, Default)]
struct LineSum {
    own: CostSum,
    total: Amounts,
}

/// A function while threads are added.
#[derive(Clone, Debug, Default)]
struct FunctionSum {
    calls: u64,
    primitive_calls: u64,
    total: Amounts,
    lines: LineMap<LineSum>,
}

/// The functions that were entered, in the order they were found: a thread of a large program enters few.
#[derive(Debug, Default)]
struct Sums {
    places: HashMap<FunctionId, usize>,
    functions: Vec<(FunctionId, FunctionSum)>,
    /// Where on the path of a walk the innermost frame of each of them is.
    innermost: Vec<Option<usize>>,
}

impl Sums {
    fn place(&mut self, function: FunctionId) -> usize {
        *self.places.entry(function).or_insert_with(|| {
            self.functions.push((function, FunctionSum::default()));
            self.innermost.push(None);
            self.functions.len() - 1
        })
    }
}

impl FunctionSum {
    fn finish(self, function: FunctionId) -> FunctionCost {
        let line_total = |line: u32, sum: LineSum| LineTotal {
            line,
            own: sum.own.finish(),
            total: nanos(sum.total.time),
            total_variance: sum.total.variance,
            total_recording: nanos(sum.total.recording),
            total_cpu: sum.total.has_cpu.then(|| nanos(sum.total.cpu)),
            total_rss: sum.total.has_rss.then(|| change_of(sum.total.rss)),
        };
        let lines: Vec<LineTotal> = self.lines.into_values(line_total);
        FunctionCost {
            function,
            calls: self.calls,
            primitive_calls: self.primitive_calls,
            self_time: lines.iter().map(|line| line.own.time()).sum(),
            total: nanos(self.total.time),
            total_variance: self.total.variance,
            total_recording: nanos(self.total.recording),
            lines,
        }
    }
}

/// One walk over the tree of a thread, from the roots down and back, each node entered and left once.
struct Walk<'a> {
    nodes: &'a [Node],
    sums: &'a mut Sums,
    /// Where the function of each node is in `sums`; `None` if the profile does not hold it.
    places: Vec<Option<usize>>,
    /// Each node with everything below.
    totals: Vec<Amounts>,
    /// Nodes from the root to the current one.
    path: Vec<usize>,
    /// What `innermost` was for the function of each node on the path, before that node.
    outer: Vec<Option<usize>>,
}

impl<'a> Walk<'a> {
    fn new(thread: &'a Thread, profile: &Profile, sums: &'a mut Sums) -> Self {
        let nodes = &thread.nodes;
        let mut totals = vec![Amounts::default(); nodes.len()];
        for (index, node) in nodes.iter().enumerate().rev() {
            let mut settled = 0_u128;
            for (_, cost) in &node.lines {
                totals[index].add(&Amounts::of(&cost));
                settled = settled.saturating_add(cost.settled);
            }
            let variance = &mut totals[index].variance;
            *variance = variance.saturating_sub(settled);
            if let Some((parent, _)) = parent_of(nodes, index) {
                let total = totals[index];
                totals[parent].add(&total);
            }
        }
        let is_known = |function: FunctionId| {
            usize::try_from(function.0).is_ok_and(|function| function < profile.functions.len())
        };
        let functions = nodes.iter().map(|node| node.function);
        let places = functions
            .map(|function| is_known(function).then(|| sums.place(function)))
            .collect();
        Self {
            nodes,
            sums,
            places,
            totals,
            path: Vec::new(),
            outer: Vec::new(),
        }
    }

    fn run(mut self) {
        for step in depth_first(self.nodes) {
            match step {
                Step::Enter(node) => self.enter(node),
                Step::Leave(_) => self.leave(),
            }
        }
    }

    fn enter(&mut self, index: usize) {
        let node = &self.nodes[index];
        let total = self.totals[index];
        self.path.push(index);
        if let Some((parent, line)) = parent_of(self.nodes, index) {
            self.line(parent, line, |sum| sum.total.add(&total));
        }
        let depth = self.path.len() - 1;
        let place = self.places[index];
        let outer = place.and_then(|place| self.sums.innermost[place].replace(depth));
        self.outer.push(outer);
        if let Some(place) = place {
            let (_, function) = &mut self.sums.functions[place];
            function.calls = function.calls.saturating_add(node.calls);
            if outer.is_none() {
                let primitive = &mut function.primitive_calls;
                *primitive = primitive.saturating_add(node.primitive_calls);
                function.total.add(&total);
            }
        }
        for (line, cost) in &node.lines {
            self.line(index, line, |sum| {
                sum.own.add(&cost);
                sum.total.add(&Amounts::of(&cost));
            });
        }
        // The line of the outer frame that led here holds this frame's time by now: it stands on the lines of this one.
        let below_outer = outer.and_then(|outer| self.path.get(outer + 1).copied());
        if let Some((_, line)) = below_outer.and_then(|child| parent_of(self.nodes, child)) {
            self.line(index, line, |sum| sum.total.take_away(&total));
        }
    }

    fn leave(&mut self) {
        let place = self.path.pop().and_then(|index| self.places[index]);
        let outer = self.outer.pop().flatten();
        if let Some(place) = place {
            self.sums.innermost[place] = outer;
        }
    }

    /// Changes a line of the function of a node.
    fn line(&mut self, node: usize, line: u32, change: impl FnOnce(&mut LineSum)) {
        if let Some(place) = self.places[node] {
            change(self.sums.functions[place].1.lines.entry(line));
        }
    }
}
