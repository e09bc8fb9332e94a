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

use std::collections::BTreeMap;

use super::cost_sum::CostSum;
use super::profile::{FunctionId, LineCost, Node, Profile, Thread};
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
        let in_scope = move |process: usize, thread: usize| match self {
            Self::All => true,
            Self::Process(wanted) => process == wanted,
            Self::Thread(wanted, of_it) => (process, thread) == (wanted, of_it),
        };
        let processes = profile.processes.iter().enumerate();
        processes.flat_map(move |(p, process)| {
            let threads = process.threads.iter().enumerate();
            threads.filter_map(move |(t, thread)| in_scope(p, t).then_some(thread))
        })
    }
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
    /// One entry for each instrumented line of the function, also for those never reached, in the order of `Function::lines`.
    pub lines: Vec<LineTotal>,
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
    /// CPU time with everything called from it; `None` without a sampler.
    pub total_cpu: Option<Nanos>,
    /// Change of the resident set by it and everything called from it; `None` if that was not read.
    pub total_rss: Option<RssChange>,
}

/// The costs of every function that was entered in the scope, in the order of `Profile::functions`.
///
/// ```
/// use hprof::model::{Profile, Scope, function_costs};
/// assert!(function_costs(&Profile::default(), Scope::All).is_empty());
/// ```
#[must_use]
pub fn function_costs(profile: &Profile, scope: Scope) -> Vec<FunctionCost> {
    let mut sums: Vec<FunctionSum> = Vec::new();
    sums.resize_with(profile.functions.len(), FunctionSum::default);
    for thread in scope.threads(profile) {
        Walk::new(thread, &mut sums).run();
    }
    let mut costs = Vec::new();
    for (id, (function, mut sum)) in (0..).zip(profile.functions.iter().zip(sums)) {
        if sum.entered {
            for line in &function.lines {
                sum.lines.entry(line.line).or_default();
            }
            costs.push(sum.finish(FunctionId(id)));
        }
    }
    costs
}

/// Amounts that add up and can be taken away again: the time of a deeper frame is first added with what called it.
#[derive(Clone, Copy, Debug, Default)]
struct Amounts {
    time: i128,
    cpu: i128,
    has_cpu: bool,
    variance: u128,
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
            rss: bytes_of(&cost.rss.unwrap_or_default().change),
            has_rss: cost.rss.is_some(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.time += other.time;
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
        self.cpu -= other.cpu;
        for (sum, less) in self.rss.iter_mut().zip(other.rss) {
            *sum -= less;
        }
        self.variance = self.variance.saturating_add(other.variance);
    }
}

fn nanos(amount: i128) -> Nanos {
    Nanos(whole(amount))
}

fn whole(amount: i128) -> u64 {
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
    let [grown_anonymous, shrunk_anonymous, grown_file, shrunk_file] = bytes.map(whole);
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
    entered: bool,
    calls: u64,
    primitive_calls: u64,
    total: Amounts,
    lines: BTreeMap<u32, LineSum>,
}

impl FunctionSum {
    fn finish(self, function: FunctionId) -> FunctionCost {
        let line_total = |(line, sum): (u32, LineSum)| LineTotal {
            line,
            own: sum.own.finish(),
            total: nanos(sum.total.time),
            total_variance: sum.total.variance,
            total_cpu: sum.total.has_cpu.then(|| nanos(sum.total.cpu)),
            total_rss: sum.total.has_rss.then(|| change_of(sum.total.rss)),
        };
        let lines: Vec<LineTotal> = self.lines.into_iter().map(line_total).collect();
        FunctionCost {
            function,
            calls: self.calls,
            primitive_calls: self.primitive_calls,
            self_time: lines.iter().map(|line| line.own.time()).sum(),
            total: nanos(self.total.time),
            total_variance: self.total.variance,
            lines,
        }
    }
}

/// One walk over the tree of a thread, from the roots down and back, each node entered and left once.
struct Walk<'a> {
    nodes: &'a [Node],
    sums: &'a mut [FunctionSum],
    /// Each node with everything below.
    totals: Vec<Amounts>,
    /// Nodes from the root to the current one.
    path: Vec<usize>,
    /// Where on the path the innermost frame of each function is.
    innermost: Vec<Option<usize>>,
    /// What `innermost` was for the function of each node on the path, before that node.
    outer: Vec<Option<usize>>,
}

impl<'a> Walk<'a> {
    fn new(thread: &'a Thread, sums: &'a mut [FunctionSum]) -> Self {
        let nodes = &thread.nodes;
        let mut totals = vec![Amounts::default(); nodes.len()];
        for (index, node) in nodes.iter().enumerate().rev() {
            let mut settled = 0_u128;
            for (_, cost) in &node.lines {
                totals[index].add(&Amounts::of(cost));
                settled = settled.saturating_add(cost.settled);
            }
            let variance = &mut totals[index].variance;
            *variance = variance.saturating_sub(settled);
            if let Some((parent, _)) = parent_of(nodes, index) {
                let total = totals[index];
                totals[parent].add(&total);
            }
        }
        let innermost = vec![None; sums.len()];
        Self {
            nodes,
            sums,
            totals,
            path: Vec::new(),
            innermost,
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
            self.line(self.nodes[parent].function, line, |sum| {
                sum.total.add(&total)
            });
        }
        let depth = self.path.len() - 1;
        let slot = usize::try_from(node.function.0).unwrap_or(usize::MAX);
        let innermost = self.innermost.get_mut(slot);
        let outer = innermost.and_then(|innermost| innermost.replace(depth));
        self.outer.push(outer);
        if let Some(function) = self.sums.get_mut(slot) {
            function.entered = true;
            function.calls = function.calls.saturating_add(node.calls);
            if outer.is_none() {
                let primitive = &mut function.primitive_calls;
                *primitive = primitive.saturating_add(node.primitive_calls);
                function.total.add(&total);
            }
        }
        for (line, cost) in &node.lines {
            self.line(node.function, *line, |sum| {
                sum.own.add(cost);
                sum.total.add(&Amounts::of(cost));
            });
        }
        // The line of the outer frame that led here holds this frame's time by now: it stands on the lines of this one.
        let below_outer = outer.and_then(|outer| self.path.get(outer + 1).copied());
        if let Some((_, line)) = below_outer.and_then(|child| parent_of(self.nodes, child)) {
            self.line(node.function, line, |sum| sum.total.take_away(&total));
        }
    }

    fn leave(&mut self) {
        let node = self.path.pop().map(|index| &self.nodes[index]);
        let outer = self.outer.pop().flatten();
        let slot = node.and_then(|node| usize::try_from(node.function.0).ok());
        if let Some(innermost) = slot.and_then(|slot| self.innermost.get_mut(slot)) {
            *innermost = outer;
        }
    }

    fn line(&mut self, function: FunctionId, line: u32, change: impl FnOnce(&mut LineSum)) {
        let slot = usize::try_from(function.0).unwrap_or(usize::MAX);
        if let Some(function) = self.sums.get_mut(slot) {
            change(function.lines.entry(line).or_default());
        }
    }
}
