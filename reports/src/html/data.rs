//! The data of the page: functions with the texts of their tables, and who calls whom.

use hprof::model::{FunctionCost, FunctionId, Profile, Scope, function_costs};
use hprof::site::LineKind;
use serde::{Serialize, Serializer};

use super::changes::{self, Changes, Compared};
use super::looks::Looks;
use super::options::HtmlOptions;
use super::place::Positions;
use crate::tables::line_table;
use crate::text;
use crate::view::sums::sum;
use crate::view::{
    Common, FunctionView, HotLine, HottestView, LineChoice, LineView, OverTime, edges,
};

/// Rows of the list of the hottest lines.
pub(super) const HOTTEST: usize = 20;

/// All of it.
#[derive(Serialize)]
pub(super) struct Data {
    /// Those that were entered, in the order of the profile.
    pub(super) functions: Vec<Function>,
    edges: Vec<Edge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) looks: Option<Looks>,
    /// The hottest lines, as texts.
    #[serde(skip)]
    pub(super) hottest: Vec<Hot>,
    /// What those take together, in percent.
    #[serde(skip)]
    pub(super) hottest_percent: Option<f64>,
}

/// A function.
#[derive(Serialize)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) module: String,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) end: u32,
    pub(super) calls: u64,
    /// Total time, as text and in nanoseconds.
    pub(super) total: String,
    pub(super) ns: u64,
    /// Self time, likewise.
    #[serde(rename = "selfText")]
    pub(super) self_text: String,
    #[serde(rename = "self")]
    pub(super) self_ns: u64,
    hits: u64,
    bytes: u64,
    pub(super) columns: Vec<&'static str>,
    /// The columns that are shaded.
    pub(super) heat: Vec<usize>,
    pub(super) rows: Vec<Row>,
    /// Against the older profile, where there are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Changes>,
}

/// A line. In the page it is an array, for there may be a hundred thousand: line, heat, whether it is in a counted loop, the cells behind that of the
/// line's number, and the code.
pub(super) struct Row {
    pub(super) line: u32,
    pub(super) cells: Vec<String>,
    pub(super) code: String,
    /// 0 to 8: its share of the function's time, on a scale of logarithms.
    pub(super) heat: u8,
    /// In a counted loop.
    pub(super) group: bool,
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let cells = self.cells.get(1..).unwrap_or_default();
        let group = u8::from(self.group);
        (self.line, self.heat, group, cells, &self.code).serialize(out)
    }
}

/// Calls from a line of a function, which both are positions in `functions`.
#[derive(Serialize)]
struct Edge {
    caller: usize,
    line: u32,
    callee: usize,
    calls: u64,
    time: String,
}

/// One of the hottest lines.
pub(super) struct Hot {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) function: String,
    pub(super) code: String,
    pub(super) time: String,
    pub(super) error: String,
    pub(super) percent: Option<f64>,
    /// One standard deviation, in percent of the same.
    pub(super) error_percent: f64,
    pub(super) hits: u64,
    pub(super) bytes: Option<u64>,
    /// How the time is known, in words.
    pub(super) known: String,
    /// Looks at it from outside, by the part of the run.
    pub(super) over_time: Vec<u32>,
}

impl Data {
    pub(super) fn new(
        profile: &Profile,
        compared: Option<&Compared<'_>>,
        options: &HtmlOptions,
    ) -> Self {
        let costs = function_costs(profile, Scope::All);
        let mut functions = functions(profile, &costs, options);
        let positions = costs.iter().map(|cost| cost.function).zip(0..);
        let positions: Positions = positions.collect();
        if let Some(compared) = compared {
            add_changes(&mut functions, &positions, compared, options);
        }
        let hottest = HottestView::new(profile, &costs, HOTTEST);
        let over_time = OverTime::new(profile);
        let seen = |line: &HotLine<'_>| over_time.of(FunctionId(line.index), line.line);
        let rows = hottest.rows.iter().map(|line| Hot {
            over_time: seen(line).unwrap_or_default().to_vec(),
            ..hot(line, options)
        });
        Self {
            functions,
            edges: called(profile, &positions, options),
            looks: Looks::new(profile, &over_time, &positions, options),
            hottest_percent: hottest.percent,
            hottest: rows.collect(),
        }
    }
}

/// The functions that were entered.
fn functions(profile: &Profile, costs: &[FunctionCost], options: &HtmlOptions) -> Vec<Function> {
    let common = Common::of(profile, Scope::All);
    let view = LineView::new(profile, &common, costs, LineChoice::default());
    let alloc = profile.processes.iter().any(|one| one.heap.is_some());
    let functions = view.functions.iter().zip(costs).map(|(view, cost)| {
        let mut function = Function::new(view, options, alloc);
        function.calls = cost.calls;
        function.self_ns = cost.self_time.0;
        function.self_text = options.unit.time(cost.self_time.0 as f64, 3, 1);
        let own = || cost.lines.iter().map(|line| &line.own);
        function.hits = sum(own().map(|own| own.hits));
        function.bytes = sum(own().map(|own| own.alloc_bytes));
        function
    });
    functions.collect()
}

/// Who calls whom.
fn called(profile: &Profile, positions: &Positions, options: &HtmlOptions) -> Vec<Edge> {
    let edges = edges(profile, Scope::All).into_iter().filter_map(|edge| {
        Some(Edge {
            caller: *positions.get(&edge.caller)?,
            line: edge.line,
            callee: *positions.get(&edge.callee)?,
            calls: edge.calls,
            time: options.unit.time(edge.cost.time.0 as f64, 1, 12),
        })
    });
    edges.collect()
}

/// Puts what changed beside the functions, and behind them those that are gone.
fn add_changes(
    functions: &mut Vec<Function>,
    positions: &Positions,
    compared: &Compared<'_>,
    options: &HtmlOptions,
) {
    for change in &compared.comparison.functions {
        let changes = Some(Changes::new(change, options));
        let newer = change.ids.1.and_then(|id| positions.get(&id));
        if let Some(function) = newer.and_then(|at| functions.get_mut(*at)) {
            function.changes = changes;
        } else if let Some(function) = change.function() {
            functions.push(Function {
                file: changes::file(change),
                changes,
                ..Function::named(function, options)
            });
        }
    }
}

impl Function {
    fn new(view: &FunctionView<'_>, options: &HtmlOptions, alloc: bool) -> Self {
        let grid = line_table::figures(view, options.unit, alloc);
        let columns: Vec<&str> = grid.titles().collect();
        let function = view.function;
        let rows = view.rows.iter().zip(grid.texts()).map(|(row, cells)| {
            let at = row.line.checked_sub(function.line);
            let code = at.and_then(|at| function.source.get(at as usize));
            let code = code
                .filter(|_| options.source)
                .map(|code| text::clean(code));
            let percent = row.figures.as_ref().and_then(|figures| figures.percent);
            let kind = function.lines.iter().find(|line| line.line == row.line);
            Row {
                line: row.line,
                cells: cells.into_iter().map(str::to_owned).collect(),
                code: code.unwrap_or_default().trim_end().to_owned(),
                heat: heat(percent),
                group: kind.is_some_and(|line| line.kind == LineKind::GroupBody),
            }
        });
        Self {
            total: options.unit.time(view.total.0 as f64, 3, 1),
            ns: view.total.0,
            heat: positions(&columns),
            rows: rows.collect(),
            columns,
            ..Self::named(function, options)
        }
    }

    /// One without figures.
    fn named(function: &hprof::model::Function, options: &HtmlOptions) -> Self {
        let nothing = options.unit.time(0.0, 3, 1);
        Self {
            name: text::clean(&function.name).into_owned(),
            module: text::clean(&function.module).into_owned(),
            file: text::clean(&function.file).into_owned(),
            line: function.line,
            end: function.end_line,
            calls: 0,
            total: nothing.clone(),
            ns: 0,
            self_text: nothing,
            self_ns: 0,
            hits: 0,
            bytes: 0,
            columns: Vec::new(),
            heat: Vec::new(),
            rows: Vec::new(),
            changes: None,
        }
    }
}

fn positions(columns: &[&str]) -> Vec<usize> {
    let all = columns.iter().enumerate();
    all.filter(|(_, title)| matches!(**title, "Time" | "% Time"))
        .map(|(at, _)| at)
        .collect()
}

/// 0.1 % and 100 % are the ends of the scale.
fn heat(percent: Option<f64>) -> u8 {
    let percent = percent.unwrap_or(0.0);
    if percent < 0.1 {
        return 0;
    }
    let level = 8.0 * (1.0 + percent.log10()) / 3.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1 to 8"
    )]
    let level = level.round().clamp(1.0, 8.0) as u8;
    level
}

fn hot(line: &HotLine<'_>, options: &HtmlOptions) -> Hot {
    let (unit, sure) = (options.unit, line.sure);
    let code = if options.source { line.text } else { "" };
    let error = unit.error(sure, 1, 12);
    Hot {
        file: text::clean(&line.function.file).into_owned(),
        line: line.line,
        function: text::clean(&line.function.name).into_owned(),
        code: text::clean(code).into_owned(),
        time: unit.sure(sure.figure(line.time), sure, 1, 12),
        percent: line.percent,
        error_percent: error_percent(line),
        hits: line.hits,
        bytes: line.bytes,
        known: match (line.is_loop, error.as_str()) {
            (_, "") => "exact".into(),
            (false, error) => format!("sampled, +- {error}"),
            (true, error) => format!("sampled, +- {error}; the loop with all its lines"),
        },
        error,
        over_time: Vec::new(),
    }
}

/// The error of a line's share, where it has one.
fn error_percent(line: &HotLine<'_>) -> f64 {
    let error = line.sure.error().zip(line.percent);
    let time = line.time.0.max(1) as f64;
    error.map_or(0.0, |(error, percent)| percent * error / time)
}
