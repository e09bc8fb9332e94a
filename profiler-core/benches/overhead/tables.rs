//! The tables of `docs/overhead.md`.

use std::fmt::Write as _;
use std::fs;

use super::code::{Calls, Code};
use super::{CLOCKS, Times};

/// Lines of a turn of the kernels `latency` and `throughput`, the header included.
const LINES_PER_TURN: f64 = 5.0;

/// A program in the second table.
struct Row {
    what: &'static str,
    kernel: &'static str,
    form: &'static str,
    /// The most it should take under `auto`, times the plain twin.
    goal: Option<f64>,
    /// What the prototype took under `auto` and `exact`.
    prototype: &'static str,
}

const ROWS: [Row; 14] = [
    row(
        "diffusion, naive",
        "naive",
        "lines",
        Some(1.05),
        "0.97-1.01 / 1.04-1.07",
    ),
    row(
        "diffusion, naive, `split`",
        "naive",
        "split",
        Some(1.7),
        "1.54 / 20.5",
    ),
    row(
        "diffusion, slices",
        "slices",
        "lines",
        Some(1.05),
        "0.97-1.02 / 1.08-1.10",
    ),
    row(
        "diffusion, slices, `split`",
        "slices",
        "split",
        Some(3.7),
        "3.45 / 64",
    ),
    row("area under a curve", "area", "lines", Some(1.03), ""),
    row("area under a curve, `split`", "area", "split", None, ""),
    row(
        "trapezoid rule, square roots",
        "roots",
        "lines",
        Some(1.15),
        "1.00 / 10.1",
    ),
    row(
        "sum of numbers in `black_box`",
        "summer",
        "lines",
        Some(1.15),
        "",
    ),
    row("Mandelbrot set", "mandelbrot", "lines", Some(1.15), ""),
    row("fib(16)", "fib", "lines", Some(5.5), "4.3-5.4 / 57"),
    row("leaf calls", "leaf", "lines", Some(3.0), "2.8-3.0 / 38"),
    row("leaf calls with a local", "brace", "lines", None, ""),
    row("dot products in lines", "dots", "lines", None, ""),
    row(
        "dot products, `split`",
        "dots",
        "split",
        None,
        "1.03 / 1.22-1.32",
    ),
];

const fn row(
    what: &'static str,
    kernel: &'static str,
    form: &'static str,
    goal: Option<f64>,
    prototype: &'static str,
) -> Row {
    Row {
        what,
        kernel,
        form,
        goal,
        prototype,
    }
}

/// All tables, as Markdown.
pub(crate) fn render(by_clock: &[Times], code: &Code) -> String {
    let mut text = format!(
        "\nMeasured on {}.\n\n## Events\n\n| event | ns | bare reads | goal | prototype |\n|---|---|---|---|---|\n",
        machine()
    );
    events(&mut text, by_clock);
    let _ = writeln!(
        text,
        "\n## Programs\n\nTimes the plain twin. `calls` is `--clock calls`. The prototype's figures are for `auto` / `exact`.\n"
    );
    programs(&mut text, by_clock);
    text += "\n## Code\n\n| what | here | prototype |\n|---|---|---|\n";
    let figures = [
        ("bytes of a marker", code.marker_bytes, "31"),
        (
            "bytes of the stub that all markers share",
            code.stub_bytes,
            "",
        ),
        ("instructions of a hot marker", code.marker_instructions, ""),
    ];
    for (what, figure, prototype) in figures {
        let figure = figure.map_or_else(
            || "not measured".to_owned(),
            |figure| format!("{figure:.1}"),
        );
        let _ = writeln!(text, "| {what} | {figure} | {prototype} |");
    }
    text += "\n## Calls\n\n";
    text += &calls(&code.calls);
    text.push('\n');
    text
}

/// The table of what calls take.
pub(crate) fn calls(calls: &[Calls]) -> String {
    let mut text = String::from(
        "Instructions of entering and leaving a function with one hot marker, by what calls it.\n\n\
         | called from | recorded | goal | not recorded |\n|---|---|---|---|\n",
    );
    for row in calls {
        let shown = |figure: Option<f64>| {
            figure.map_or_else(|| "not measured".to_owned(), |it| format!("{it:.1}"))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            row.from,
            shown(row.recorded),
            goal_text(row.goal, row.recorded.unwrap_or(f64::NAN)),
            shown(row.not_recorded),
        );
    }
    text
}

/// Nanoseconds of a kernel in one form.
fn time(times: &Times, kernel: &str, form: &str) -> f64 {
    let key = (kernel.to_owned(), form.to_owned());
    times.get(&key).copied().unwrap_or(f64::NAN)
}

/// What the form takes beyond the plain one.
fn added(times: &Times, kernel: &str, form: &str) -> f64 {
    time(times, kernel, form) - time(times, kernel, "plain")
}

fn events(text: &mut String, by_clock: &[Times]) {
    let [auto, exact, fenced, _] = by_clock else {
        return;
    };
    let least = |name: &str| {
        let times = by_clock.iter().map(|times| time(times, name, "bare"));
        times.fold(f64::INFINITY, f64::min)
    };
    let bare = least("rdtsc");
    let mut event = |what: &str, nanos: f64, goal: Option<f64>, prototype: &str| {
        let reads = nanos / bare;
        let goal = goal_text(goal, reads);
        let _ = writeln!(
            text,
            "| {what} | {nanos:.2} | {reads:.2} | {goal} | {prototype} |"
        );
    };
    let marker = |times, kernel| added(times, kernel, "split") / LINES_PER_TURN;
    event("one bare `rdtsc`", bare, None, "9.0-9.5 ns");
    for (what, name) in [
        ("one bare `lfence; rdtsc; lfence`", "fenced"),
        ("one bare addition to a word in memory", "add"),
    ] {
        if least(name).is_finite() {
            event(what, least(name), None, "");
        }
    }
    for (name, times, goal, between) in [
        ("hot", auto, 0.05, ["0.00-0.01", "0.03"]),
        ("timed", exact, 1.05, ["1.00", "1.00"]),
        ("fenced", fenced, 2.3, ["2.2", "2.2"]),
    ] {
        let [dependent, independent] = between;
        let what = format!("{name} marker, between dependent lines");
        event(&what, marker(times, "latency"), Some(goal), dependent);
        let what = format!("{name} marker, between independent lines");
        event(&what, marker(times, "throughput"), Some(goal), independent);
    }
    let call = |times, form| added(times, "leaf", form);
    event(
        "call and two lines, hot",
        call(auto, "lines"),
        None,
        "0.20-0.23",
    );
    event(
        "call and two lines, timed",
        call(exact, "lines"),
        None,
        "4.1",
    );
    event("call alone, hot (`calls`)", call(auto, "calls"), None, "");
}

fn programs(text: &mut String, by_clock: &[Times]) {
    let _ = writeln!(
        text,
        "| program | plain, ns | {} | calls | goal for auto | prototype |",
        CLOCKS.join(" | ")
    );
    text.push_str("|---|---|---|---|---|---|---|---|---|\n");
    for row in &ROWS {
        let ratio = |times: &Times, form: &str| {
            time(times, row.kernel, form) / time(times, row.kernel, "plain")
        };
        let plain = by_clock
            .iter()
            .map(|times| time(times, row.kernel, "plain"))
            .fold(f64::INFINITY, f64::min);
        let _ = write!(text, "| {} | {plain:.2} |", row.what);
        for times in by_clock {
            let _ = write!(text, " {:.2} |", ratio(times, row.form));
        }
        let auto = by_clock
            .first()
            .map_or(f64::NAN, |auto| ratio(auto, row.form));
        let calls = match (row.form, by_clock.first()) {
            ("lines", Some(auto)) => format!("{:.2}", ratio(auto, "calls")),
            _ => String::new(),
        };
        let goal = goal_text(row.goal, auto);
        let _ = writeln!(text, " {calls} | {goal} | {} |", row.prototype);
    }
}

/// The goal, with a word where it is missed.
fn goal_text(goal: Option<f64>, found: f64) -> String {
    let Some(goal) = goal else {
        return String::new();
    };
    let missed = if found > goal { " (missed)" } else { "" };
    format!("{goal}{missed}")
}

/// The processor, as the system names it.
fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let fact = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = fact("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let family = fact("cpu family").zip(fact("model"));
    let family = family.map_or_else(String::new, |(family, model)| {
        format!(", family {family} model {model}")
    });
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{model}{family}, {cores} cores, at a load of {load} (more than 1 blurs the figures)")
}
