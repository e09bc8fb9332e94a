//! The foot of a report: what its marks mean, and the facts on the run that are needed to trust the figures.

use std::io::{self, Write};

use hprof::model::{End, Function, NotMeasured, Process, Profile, SHORT_CALL, Thread};
use hprof::site::WhyNot;

use crate::tables::marks::sign;
use crate::tables::sure_time::NOT_KNOWN;
use crate::text;
use crate::text::numbers::{
    AT_MOST, counted, general, rough_time, scaled_bytes, scaled_time, thousands,
};
use crate::text::screen::Screen;
use crate::text::style::{Style, Tone};
use crate::view::{
    Asked, Figures, LINE_COLUMNS, LineView, Mark, OwnCostView, RunView, ShortCalls, Sure,
};

/// Running threads listed for a process that did not end in order.
const THREADS_LISTED: usize = 16;
/// Functions listed for each reason not to measure them.
const NOT_MEASURED_LISTED: usize = 4;

const MARKS: [(Mark, &str); 6] = [
    (
        Mark::Prior,
        "split by the timings before the line became hot: too few samples",
    ),
    (
        Mark::Resolution,
        "at least a part of the time is of intervals too short for the clock",
    ),
    (
        Mark::Group,
        "in a counted loop: hits are exact, the time stands on the row of the loop's header",
    ),
    (
        Mark::Cut,
        "the loop ran when its process was killed or read: its hits since it was entered are missing",
    ),
    (
        Mark::Thin,
        "a thin function: its calls are counted, its time stands on the calling lines",
    ),
    (
        Mark::Recording,
        "more than a fifth of the time is that of recording it",
    ),
];

/// A sign in a cell, whether a row has it, and what it says.
type Explained = (&'static str, fn(&Figures) -> bool, &'static str);

const SIGNS: [Explained; 2] = [
    (
        AT_MOST,
        |figures| matches!(figures.sure, Sure::AtMost(_)),
        "the error is larger than the time: what is printed is both together",
    ),
    (
        NOT_KNOWN,
        |figures| figures.sure == Sure::Unknown,
        "nobody knows how wrong this time may be",
    ),
];

/// All marks and columns that need a word, each with its meaning.
pub(crate) fn meanings() -> impl Iterator<Item = (String, &'static str)> {
    let marks = MARKS
        .iter()
        .map(|(mark, meaning)| (sign(*mark).to_string(), *meaning));
    let signs = SIGNS
        .iter()
        .map(|(sign, _, meaning)| ((*sign).to_owned(), *meaning));
    let columns = LINE_COLUMNS
        .iter()
        .filter_map(|column| Some((column.name.to_owned(), column.meaning?)));
    marks.chain(signs).chain(columns)
}

/// Explains the marks, signs and columns that are present, and no others.
pub(crate) fn write_legend(
    view: &LineView<'_>,
    asked: Asked,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows = || view.functions.iter().flat_map(|function| &function.rows);
    let figures: Vec<&Figures> = rows().filter_map(|row| row.figures.as_ref()).collect();
    let mut explained = marks_and_signs(&figures);
    let columns = LINE_COLUMNS
        .iter()
        .filter(|column| column.is_shown(rows(), asked));
    explained.extend(columns.filter_map(|column| Some((column.name.to_owned(), column.meaning?))));
    write_explained(&explained, out)?;
    if figures.iter().any(|figures| figures.rough) {
        let hint = "some rows that matter rest on few samples: run longer, or with --clock exact";
        writeln!(out, "Hint:  {hint}")?;
    } else if explained.is_empty() {
        return Ok(());
    }
    writeln!(out)
}

/// The marks and signs of these figures, with their meanings.
pub(crate) fn marks_and_signs(figures: &[&Figures]) -> Vec<(String, &'static str)> {
    let any = |of: &dyn Fn(&Figures) -> bool| figures.iter().any(|figures| of(figures));
    let marks = MARKS
        .iter()
        .filter(|(mark, _)| any(&|figures| figures.marks.contains(mark)));
    let marks = marks.map(|(mark, meaning)| (sign(*mark).to_string(), *meaning));
    let signs = SIGNS.iter().filter(|(_, present, _)| any(present));
    let signs = signs.map(|(sign, _, meaning)| ((*sign).to_owned(), *meaning));
    marks.chain(signs).collect()
}

/// A column of line tables, with its meaning.
pub(crate) fn column(name: &str) -> Option<(String, &'static str)> {
    let column = LINE_COLUMNS.iter().find(|column| column.name == name)?;
    Some((column.name.to_owned(), column.meaning?))
}

/// Writes what signs and columns mean.
pub(crate) fn write_explained(explained: &[(String, &str)], out: &mut dyn Write) -> io::Result<()> {
    for (sign, meaning) in explained {
        writeln!(out, "{sign:<6} {meaning}")?;
    }
    Ok(())
}

/// The facts on the run as plain text.
pub(crate) fn text_of(profile: &Profile) -> io::Result<String> {
    let mut text = Vec::new();
    let style = Style::default();
    let out = &mut Screen::new(&mut text, style);
    write(&RunView::new(profile), profile, style, out)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Writes the facts on the run.
pub(crate) fn write(
    view: &RunView<'_>,
    profile: &Profile,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for (name, fact) in facts(view) {
        let name = text::left(name, 10);
        writeln!(out, "{} {fact}", style.paint(Tone::Dim, &name))?;
    }
    for warning in warnings(view) {
        writeln!(out, "{} {warning}", style.paint(Tone::Warning, "Warning:"))?;
    }
    for line in not_measured(view) {
        writeln!(out, "{} {line}", style.paint(Tone::Dim, "Not measured:"))?;
    }
    write_running(view, profile, style, out)?;
    write_silent(view, profile, style, out)
}

fn facts(view: &RunView<'_>) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(program) = program(view) {
        facts.push(("Program", program));
    }
    if view.processes == 0 {
        return facts;
    }
    let processes = counted(view.processes as u64, "process", "processes");
    let threads = counted(view.threads, "thread", "threads");
    let sums = if view.threads > 1 {
        "; times are sums over them"
    } else {
        ""
    };
    let replaced = match view.replaced {
        0 => String::new(),
        count => format!("; {count} became another program (exec)"),
    };
    facts.push((
        "Recorded",
        format!("{processes}, {threads}{replaced}{sums}"),
    ));
    let clocks = view
        .clocks
        .iter()
        .map(|(mode, source)| format!("{mode}, {source}"));
    facts.push(("Clock", clocks.collect::<Vec<_>>().join("; ")));
    facts.push(("Build", build(view)));
    facts.extend(peak(view).map(|peak| ("Peak", peak)));
    facts.push(("Own cost", own_cost(&view.own_cost)));
    facts.extend(
        view.own_cost
            .short
            .as_ref()
            .map(|short| ("", short_calls(short))),
    );
    facts
}

/// The largest resident set that was seen, when that was, and the lines on which threads stood then.
fn peak(view: &RunView<'_>) -> Option<String> {
    /// Lines that are named.
    const PLACES: usize = 2;
    let (process, peak) = view.peak.as_ref()?;
    let size = scaled_bytes(peak.reading.rss_bytes);
    let at = scaled_time(peak.reading.at.0 as f64);
    let whose = match (view.processes, process.rank) {
        (0 | 1, _) => String::new(),
        (_, Some(rank)) => format!(" in rank {rank}"),
        (_, None) => format!(" in process {}", process.pid),
    };
    let mut places: Vec<String> = peak
        .places
        .iter()
        .map(|(function, line)| format!("{}:{line}", text::clean(&function.file)))
        .collect();
    places.sort();
    places.dedup();
    let more = places.len().saturating_sub(PLACES);
    places.truncate(PLACES);
    let then = match places.as_slice() {
        [] => String::new(),
        places => format!(", when threads were at {}", places.join(", ")),
    };
    let others = match more {
        0 => String::new(),
        more => format!(" and {}", counted(more as u64, "more line", "more lines")),
    };
    let seen = "as seen from outside";
    Some(format!(
        "{size} resident{whose} after {at}{then}{others}, {seen}"
    ))
}

fn program(view: &RunView<'_>) -> Option<String> {
    let run = view.run;
    let command: Vec<_> = run.command.iter().map(|word| text::clean(word)).collect();
    let mut times = Vec::new();
    if let Some(wall) = run.wall {
        times.push(format!("{} elapsed", scaled_time(wall.0 as f64)));
    }
    if let Some(cpu) = run.cpu {
        times.push(format!("{} CPU", scaled_time(cpu.0 as f64)));
    }
    match run.end {
        Some(End::Code(code)) => times.push(format!("exit code {code}")),
        Some(End::Signal(_)) => times.extend(view.signal().map(|name| format!("killed by {name}"))),
        None => {}
    }
    match (command.is_empty(), times.is_empty()) {
        (true, true) => None,
        (true, false) => Some(times.join(", ")),
        (false, true) => Some(command.join(" ")),
        (false, false) => Some(format!("{}: {}", command.join(" "), times.join(", "))),
    }
}

fn build(view: &RunView<'_>) -> String {
    let name = view
        .run
        .cargo_profile
        .as_deref()
        .unwrap_or(if view.debug_build { "debug" } else { "release" });
    let levels: Vec<String> = view.opt_levels.iter().map(char::to_string).collect();
    let assertions = if view.debug_assertions {
        ", debug assertions"
    } else {
        ""
    };
    format!(
        "{}, opt-level {}{assertions}",
        text::clean(name),
        levels.join(" and ")
    )
}

fn own_cost(cost: &OwnCostView<'_>) -> String {
    let share = cost.percent.map(|percent| format!(" ({percent:.1} %)"));
    let program = rough_time(cost.in_program.0 as f64);
    let mut parts = vec![format!(
        "at least {program} in the program{}",
        share.unwrap_or_default()
    )];
    if cost.timed_markers > 0 {
        let each = general(cost.timed_marker, 2);
        parts.push(format!(
            "{} clock readings of {each} ns",
            thousands(cost.timed_markers)
        ));
    }
    if let Some(sampler) = cost.sampler {
        let looks = counted(cost.sampler_ticks, "look", "looks");
        parts.push(format!(
            "sampler {} of CPU in {looks}",
            rough_time(sampler.0 as f64)
        ));
    }
    if let Some((cost, looks)) = cost.observer {
        let looks = counted(looks, "look", "looks");
        parts.push(format!(
            "{} outside of it in {looks}",
            rough_time(cost.0 as f64)
        ));
    }
    parts.join(", ")
}

/// What makes most of the cost, as a sentence of its own.
fn short_calls(short: &ShortCalls<'_>) -> String {
    let functions = counted(short.functions as u64, "function", "functions");
    let names: Vec<_> = short.names.iter().map(|name| text::clean(name)).collect();
    let more = if short.functions > names.len() {
        ", .."
    } else {
        ""
    };
    format!(
        "{:.0} % of that for {functions} of less than {} ns a call: {}{more}",
        short.percent,
        SHORT_CALL.0,
        names.join(", ")
    )
}

fn warnings(view: &RunView<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    if view.debug_build {
        warnings.push("this is a debug build: its times say little about the release build".into());
    } else if view.debug_assertions {
        warnings.push(
            "built with debug assertions: they cost time that a plain release build does not spend"
                .into(),
        );
    }
    if view.flat {
        warnings.push("space ran out: some calls are recorded without their caller, so totals miss them; hits are exact".into());
    }
    if view.lost_calls > 0 {
        let calls = counted(view.lost_calls, "call was", "calls were");
        warnings.push(format!("{calls} not recorded at all"));
    }
    if view.lost_forks {
        warnings.push(
            "a forked process is missing: there was no room, or no right, for its file".into(),
        );
    }
    if view.threads_folded {
        warnings.push("too many threads: some are recorded together".into());
    }
    if let Some(layout) = view.run.newer_layout {
        warnings.push(format!(
            "written by a newer hprof (layout {layout}): what that added is not shown"
        ));
    }
    if view.unknown_records > 0 {
        let records = counted(view.unknown_records, "record", "records");
        warnings.push(format!(
            "{records} of a kind that only a newer hprof knows left out: that part is not shown"
        ));
    }
    if view.damaged > 0 {
        let records = counted(view.damaged, "damaged record", "damaged records");
        warnings.push(format!("{records} left out: figures may be too low"));
    }
    warnings
}

/// Which functions are left alone, and why: a line for each reason.
fn not_measured(view: &RunView<'_>) -> Vec<String> {
    let line = |(why, functions): (&WhyNot, &Vec<&NotMeasured>)| {
        let listed = functions.iter().take(NOT_MEASURED_LISTED).map(|function| {
            let (name, file) = (text::clean(&function.name), text::clean(&function.file));
            format!("{name} ({file}:{})", function.line)
        });
        let more = match functions.len().saturating_sub(NOT_MEASURED_LISTED) {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let why = match why {
            WhyNot::Constant => "const functions, which the compiler may run",
            WhyNot::Naked => "naked functions, which are assembly alone",
            WhyNot::TooSmall => {
                "so small that counting their calls would cost more than they do: left out by --fit"
            }
            WhyNot::Hidden => {
                "their lines, which an attribute above #[profile] hides from it: write #[profile] above that one"
            }
        };
        format!("{}{more}: {why}", listed.collect::<Vec<_>>().join(", "))
    };
    view.not_measured.iter().map(line).collect()
}

/// What is known of a process that did not come to its end in order.
fn how_it_ended(view: &RunView<'_>) -> String {
    // Of one process the end of the run is known; of several nobody knows whose it is.
    match view.run.end.filter(|_| view.processes == 1) {
        Some(End::Signal(_)) => format!(
            "was killed by {}",
            view.signal().unwrap_or_else(|| "a signal".into())
        ),
        Some(End::Code(0)) => {
            "left without its exit handlers: by _exit, or as another program (exec)".into()
        }
        Some(End::Code(_)) => "left without its exit handlers: by _exit, exec or a signal".into(),
        None => "did not end in order: it was killed, or runs still".into(),
    }
}

/// Since when a thread was in its line, as far as that is known.
fn since(process: &Process, thread: &Thread) -> String {
    let Some(since) = thread.running_since else {
        return String::new();
    };
    let lasted = process.wall.0.saturating_sub(since.0);
    format!(
        ", for {} (since {} after the start)",
        rough_time(lasted as f64),
        rough_time(since.0 as f64)
    )
}

/// Where forked processes stood that left without a word, which is what most of them do.
fn write_silent(
    view: &RunView<'_>,
    profile: &Profile,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    if view.silent.is_empty() {
        return Ok(());
    }
    let places = view.silent.iter().map(|(place, count)| {
        let place = place.and_then(|place| {
            let function = profile.functions.get(place.function.0 as usize)?;
            let at = format!("{} at {}:{}", function.name, function.file, place.line);
            Some(format!("{count} in {}", text::clean(&at)))
        });
        place.unwrap_or_else(|| format!("{count} in no function"))
    });
    let all = counted(view.silent_processes(), "process", "processes");
    writeln!(
        out,
        "{} {all} without exit handlers, as by _exit or a signal; last {}",
        style.paint(Tone::Dim, &text::left("Left", 10)),
        places.collect::<Vec<_>>().join(", ")
    )
}

/// What to try where a recursion may have run out of stack.
fn stack_hint(thread: &Thread, function: &Function) -> String {
    let how = if thread.name == "main" {
        "`ulimit -s unlimited` gives it more"
    } else {
        "RUST_MIN_STACK=67108864 gives threads more, `ulimit -s unlimited` the main one"
    };
    format!(
        "{} calls itself, and markers make each call's stack larger: if it ran out of stack, {how}",
        text::clean(&function.name)
    )
}

/// The lines where threads stood when their process was killed, or read while it went on.
fn write_running(
    view: &RunView<'_>,
    profile: &Profile,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let cut_short = view.cut_short.iter().map(|cut| (cut, how_it_ended(view)));
    let reading = "goes on: this is what it had recorded when it was read";
    let going_on = view.going_on.iter().map(|one| (one, reading.to_owned()));
    for ((process, threads), end) in cut_short.chain(going_on) {
        writeln!(
            out,
            "{} process {} {end}",
            style.paint(Tone::Warning, "Warning:"),
            process.pid
        )?;
        for thread in threads.iter().take(THREADS_LISTED) {
            let place = thread.running.and_then(|place| {
                let function = profile.functions.get(place.function.0 as usize)?;
                let at = place.line.checked_sub(function.line)? as usize;
                let source = function
                    .source
                    .get(at)
                    .map(|line| text::clean(line.trim()).into_owned());
                let name = text::clean(&function.name);
                Some(format!(
                    "{name} at {}:{}{}  {}",
                    text::clean(&function.file),
                    place.line,
                    since(process, thread),
                    source.unwrap_or_default()
                ))
            });
            let place = place.unwrap_or_else(|| "a line that is not known".into());
            let line = format!("  thread {} was in {place}", text::clean(&thread.name));
            writeln!(out, "{}", line.trim_end())?;
        }
        if threads.len() > THREADS_LISTED {
            writeln!(out, "  and {} more threads", threads.len() - THREADS_LISTED)?;
        }
        let deep = threads.iter().find_map(|thread| {
            let function = view.ran_too_deep(profile, thread)?;
            Some((thread, function))
        });
        if let Some((thread, function)) = deep {
            writeln!(out, "Hint:  {}", stack_hint(thread, function))?;
        }
    }
    Ok(())
}
