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
}

const ROWS: [Row; 14] = [
    row("diffusion, naive", "naive", "lines"),
    row("diffusion, naive, `split`", "naive", "split"),
    row("diffusion, slices", "slices", "lines"),
    row("diffusion, slices, `split`", "slices", "split"),
    row("area under a curve", "area", "lines"),
    row("area under a curve, `split`", "area", "split"),
    row("trapezoid rule, square roots", "roots", "lines"),
    row("sum of numbers in `black_box`", "summer", "lines"),
    row("Mandelbrot set", "mandelbrot", "lines"),
    row("fib(16)", "fib", "lines"),
    row("leaf calls", "leaf", "lines"),
    row("leaf calls with a local", "brace", "lines"),
    row("dot products in lines", "dots", "lines"),
    row("dot products, `split`", "dots", "split"),
];

const fn row(what: &'static str, kernel: &'static str, form: &'static str) -> Row {
    Row { what, kernel, form }
}

/// All tables, as Markdown.
pub(crate) fn render(by_clock: &[Times], code: &Code) -> String {
    let mut text = format!(
        "\nMeasured on {}.\n\n## Events\n\n| event | ns | bare reads |\n|---|---|---|\n",
        machine()
    );
    events(&mut text, by_clock);
    let _ = writeln!(
        text,
        "\n## Programs\n\nTimes the plain twin. `calls` is `--clock calls`.\n"
    );
    programs(&mut text, by_clock);
    text += "\n## Code\n\n| what | here |\n|---|---|\n";
    let figures = [
        ("bytes of a marker", code.marker_bytes),
        ("bytes of the stub that all markers share", code.stub_bytes),
        ("instructions of a hot marker", code.marker_instructions),
    ];
    for (what, figure) in figures {
        let figure = figure.map_or_else(
            || "not measured".to_owned(),
            |figure| format!("{figure:.1}"),
        );
        let _ = writeln!(text, "| {what} | {figure} |");
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
         | called from | recorded | not recorded |\n|---|---|---|\n",
    );
    for row in calls {
        let shown = |figure: Option<f64>| {
            figure.map_or_else(|| "not measured".to_owned(), |it| format!("{it:.1}"))
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            row.from,
            shown(row.recorded),
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
    let mut event = |what: &str, nanos: f64| {
        let reads = nanos / bare;
        let _ = writeln!(text, "| {what} | {nanos:.2} | {reads:.2} |");
    };
    let marker = |times, kernel| added(times, kernel, "split") / LINES_PER_TURN;
    event("one bare `rdtsc`", bare);
    for (what, name) in [
        ("one bare `lfence; rdtsc; lfence`", "fenced"),
        ("one bare addition to a word in memory", "add"),
    ] {
        if least(name).is_finite() {
            event(what, least(name));
        }
    }
    for (name, times) in [("hot", auto), ("timed", exact), ("fenced", fenced)] {
        for (between, kernel) in [("dependent", "latency"), ("independent", "throughput")] {
            let what = format!("{name} marker, between {between} lines");
            event(&what, marker(times, kernel));
        }
    }
    let call = |times, form| added(times, "leaf", form);
    event("call and two lines, hot", call(auto, "lines"));
    event("call and two lines, timed", call(exact, "lines"));
    event("call alone, hot (`calls`)", call(auto, "calls"));
}

fn programs(text: &mut String, by_clock: &[Times]) {
    let _ = writeln!(
        text,
        "| program | plain, ns | {} | calls |",
        CLOCKS.join(" | ")
    );
    text.push_str("|---|---|---|---|---|---|---|\n");
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
        let calls = match (row.form, by_clock.first()) {
            ("lines", Some(auto)) => format!("{:.2}", ratio(auto, "calls")),
            _ => String::new(),
        };
        let _ = writeln!(text, " {calls} |");
    }
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
