//! The memory table: how every line of a function moved the resident set, laid out as memory_profiler's.

use std::io::{self, Write};

use hprof::model::{Profile, RssChange, RssSource, Scope, function_costs};

use crate::tables::heap_table;
use crate::text;
use crate::text::beside::{self, Beside, Layout};
use crate::text::grid::{self, Cell, Column, Grid};
use crate::text::numbers::{counted, general, rough_time, scaled_bytes, thousands};
use crate::text::screen::Screen;
use crate::text::source::Source;
use crate::text::style::{Style, Tone};
use crate::view::{MemoryRow, MemoryView, ProcessMemory, process_memory};

/// Processes whose facts are listed.
const PROCESSES_LISTED: usize = 16;

/// The parts of the increment give way first, then what the program asked for.
const LAYOUT: Layout<'_> = Layout {
    title: "Line Contents",
    gap: 3,
    rule: true,
    gives_way: &[
        "Anonymous",
        "File",
        "Growth",
        "Shrinkage",
        "Freed",
        "Allocs",
        "Occurrences",
        "Allocated",
        "Mem usage",
    ],
};

/// What a memory table shows and how.
///
/// ```
/// let mut options = hprof_reports::MemoryTableOptions::default();
/// options.scope = hprof::model::Scope::Process(0);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MemoryTableOptions {
    /// The part of the profile to add up.
    pub scope: Scope,
    /// What the stream can show.
    pub style: Style,
}

/// Writes the memory table of every function that was entered and, below, where the change of each process' resident set went.
///
/// # Errors
/// Those of the writer.
///
/// ```
/// use hprof_reports::{MemoryTableOptions, write_memory_tables};
/// let mut out = Vec::new();
/// write_memory_tables(&hprof::model::Profile::default(), &MemoryTableOptions::default(), &mut out)?;
/// assert!(out.starts_with(b"The resident set was not recorded"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn write_memory_tables(
    profile: &Profile,
    options: &MemoryTableOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut Screen::new(out, options.style);
    let processes = process_memory(profile);
    if processes.is_empty() {
        writeln!(
            out,
            "The resident set was not recorded: that needs hprof run --memory."
        )?;
        return heap_table::write(profile, options.scope, options.style, out);
    }
    let costs = function_costs(profile, options.scope);
    let views: Vec<MemoryView<'_>> = costs
        .iter()
        .filter_map(|cost| MemoryView::new(profile, cost))
        .collect();
    for view in &views {
        write_table(view, options.style, out)?;
    }
    write_legend(&views, out)?;
    for process in processes.iter().take(PROCESSES_LISTED) {
        write_process(process, processes.len() > 1, options.style, out)?;
    }
    if processes.len() > PROCESSES_LISTED {
        writeln!(
            out,
            "and {} more processes",
            processes.len() - PROCESSES_LISTED
        )?;
    }
    writeln!(out)?;
    heap_table::write(profile, options.scope, options.style, out)
}

fn write_table(view: &MemoryView<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let function = view.function;
    writeln!(out, "Filename: {}", text::clean(&function.file))?;
    let title = format!(
        "Function: {} at line {}",
        text::clean(&function.name),
        function.line
    );
    writeln!(out, "{}\n", style.paint(Tone::Heading, &title))?;
    let lines = view.rows.iter().map(|row| row.line).collect();
    let source = Beside::Source(Source::of(function, style), lines);
    beside::write(grid(view), source, &LAYOUT, style, out)?;
    writeln!(out, "\n")
}

/// Which of the columns that not every function needs a table has.
#[derive(Clone, Copy, Debug)]
struct ColumnChoice {
    both_ways: bool,
    files: bool,
    heap: bool,
    marks: bool,
}

impl ColumnChoice {
    fn new(view: &MemoryView<'_>) -> Self {
        let anonymous =
            |change: &RssChange| change.grown_anonymous.max(change.shrunk_anonymous) > 0;
        let file = |change: &RssChange| change.grown_file.max(change.shrunk_file) > 0;
        Self {
            both_ways: view.any_change(|change| change.grown() > 0 && change.shrunk() > 0),
            files: view.any_change(anonymous) && view.any_change(file),
            heap: view.any(|row| row.heap.is_some()),
            marks: view.any(|row| row.sampled || row.in_group),
        }
    }
}

fn grid(view: &MemoryView<'_>) -> Grid {
    let shown = ColumnChoice::new(view);
    let always = [
        Column::right("Line #", 6),
        Column::right("Mem usage", 12),
        Column::right("Increment", 12),
        Column::right("Occurrences", 12),
    ];
    let extra = [
        (shown.marks, Column::left("", 1)),
        (shown.both_ways, Column::right("Growth", 12)),
        (shown.both_ways, Column::right("Shrinkage", 12)),
        (shown.files, Column::right("Anonymous", 12)),
        (shown.files, Column::right("File", 12)),
        (shown.heap, Column::right("Allocated", 12)),
        (shown.heap, Column::right("Allocs", 9)),
        (shown.heap, Column::right("Freed", 12)),
    ];
    let mut grid = Grid::new(grid::shown(always, extra));
    for row in &view.rows {
        grid.push(cells(row, shown));
    }
    grid
}

fn cells(row: &MemoryRow, shown: ColumnChoice) -> Vec<Cell> {
    let change = row.change;
    let part = |of: fn(&RssChange) -> i64| Cell::of(change, |change| mib(of(&change)));
    let bytes = |of: fn((u64, u64, u64)) -> u64| {
        Cell::of(row.heap.map(of).filter(|bytes| *bytes > 0), thousands)
    };
    let usage = if row.is_unread() {
        Cell::new("not read", Tone::Dim)
    } else {
        Cell::of(row.level, |bytes| mib(signed(bytes)))
    };
    let mark = match (row.in_group, row.sampled) {
        (true, _) => "|",
        (false, true) => "~",
        (false, false) => "",
    };
    let always = [
        Cell::new(row.line.to_string(), Tone::Dim),
        usage,
        part(RssChange::net).toned(match change.map(|change| change.net().unsigned_abs()) {
            Some(MUCH..) => Tone::Hot,
            _ => Tone::Plain,
        }),
        Cell::of(row.hits, |hits| hits.to_string()),
    ];
    let extra = [
        (shown.marks, Cell::plain(mark)),
        (shown.both_ways, part(|change| signed(change.grown()))),
        (shown.both_ways, part(|change| -signed(change.shrunk()))),
        (
            shown.files,
            part(|change| signed(change.grown_anonymous) - signed(change.shrunk_anonymous)),
        ),
        (
            shown.files,
            part(|change| signed(change.grown_file) - signed(change.shrunk_file)),
        ),
        (shown.heap, bytes(|heap| heap.0)),
        (shown.heap, bytes(|heap| heap.1)),
        (shown.heap, bytes(|heap| heap.2)),
    ];
    grid::shown(always, extra)
}

/// An increment from which on a row stands out.
const MUCH: u64 = 1 << 20;

/// No resident set is larger than this.
fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Bytes as memory_profiler shows them.
fn mib(bytes: i64) -> String {
    format!("{:.3} MiB", bytes as f64 / f64::from(1 << 20))
}

fn write_legend(views: &[MemoryView<'_>], out: &mut dyn Write) -> io::Result<()> {
    let any = |of: &dyn Fn(&MemoryRow) -> bool| views.iter().any(|view| view.any(of));
    let explained = [
        (
            true,
            "Mem usage",
            "highest resident set at an end of the line; Increment: its change while the line and all it calls ran",
        ),
        (
            any(&|row| row.heap.is_some()),
            "Allocated",
            "bytes asked for by the line itself, in so many Allocs; Freed: bytes it gave back",
        ),
        (
            any(&MemoryRow::is_unread),
            "not read",
            "the line ran, but there was no time in the budget to look at the memory at one of its ends",
        ),
        (
            any(&|row| row.sampled),
            "~",
            "a part of the growth rests on samples: the line ran then, but others of the same loop may have a share in it",
        ),
        (
            any(&|row| row.in_group),
            "|",
            "in a counted loop: what it does stands on the row of the loop's header",
        ),
    ];
    for (present, name, meaning) in explained {
        if present {
            writeln!(out, "{name:<10} {meaning}")?;
        }
    }
    writeln!(out)
}

fn write_process(
    memory: &ProcessMemory<'_>,
    named: bool,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let ProcessMemory { rss, account, .. } = memory;
    let name = if named {
        format!(" of process {}", memory.process.pid)
    } else {
        String::new()
    };
    let Some(source) = rss.source else {
        return writeln!(out, "Resident set{name}: it cannot be read on this system");
    };
    let share = memory
        .share
        .zip(rss.total_ram)
        .map(|(share, total)| format!(", {} % of {}", general(share, 2), scaled_bytes(total)));
    writeln!(
        out,
        "Resident set{name}: {} at the start, {} at the end, {} at its peak{}",
        mib(signed(rss.start.bytes())),
        mib(signed(rss.end.bytes())),
        mib(signed(rss.peak_bytes)),
        share.unwrap_or_default()
    )?;
    let verdict = if memory.missing == 0 {
        "it adds up".to_owned()
    } else {
        format!(
            "{} are missing: the recording broke off",
            mib(memory.missing)
        )
    };
    writeln!(
        out,
        "Sum check: lines {} + not read {} + outside {} = {}; end - start = {}: {verdict}",
        mib(account.lines.net()),
        mib(account.not_read.net()),
        mib(account.outside.net()),
        mib(account.sum()),
        mib(account.difference)
    )?;
    write_readings(memory, source, out)?;
    if memory.threads > 1 {
        let threads = thousands(memory.threads);
        writeln!(
            out,
            "{} the resident set is that of the process: with {threads} threads a line may be charged what another took or gave meanwhile; allocated and freed bytes are its own",
            style.paint(Tone::Warning, "Note:")
        )?;
    }
    Ok(())
}

fn write_readings(
    memory: &ProcessMemory<'_>,
    source: RssSource,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rss = &memory.rss;
    let source = match source {
        RssSource::Procfs => "/proc/self/statm",
        RssSource::Sysinfo => "sysinfo",
    };
    let steps = rss.resolution_bytes.map_or_else(
        || "in steps of unknown size".into(),
        |bytes| format!("in steps of {}", scaled_bytes(bytes)),
    );
    writeln!(
        out,
        "Readings: {source}, {steps}; {} in {}, {} (budget {} % of the time)",
        counted(rss.reads, "reading", "readings"),
        counted(rss.looks, "look", "looks"),
        rough_time(rss.own_time.0 as f64),
        rss.budget_percent
    )
}

#[cfg(test)]
mod tests;
