//! Which tables the arguments ask for, and how they look.

use std::io::Write;

use anyhow::anyhow;
use hprof::model::{Nanos, Profile};
use hprof_reports::{
    DurationTableOptions, FunctionSort, FunctionTableOptions, Grouping, HeapMoment,
    HotTableOptions, LineTableOptions, MemoryTableOptions, MomentTableOptions, NativeTableOptions,
    RankTableOptions, ReportError, Style, ThreadTableOptions, Unit, WaitTableOptions, long_polls,
    write_duration_tables, write_function_table, write_group_table, write_hot_table,
    write_line_tables, write_memory_tables, write_moment_table, write_native_table,
    write_rank_tables, write_thread_table, write_wait_table,
};

use crate::args::{GroupBy, Ranks, SortKey, TableArgs, Top};
use crate::failure;
use crate::output;
use crate::report::Report;
use crate::sources::Sources;

/// Refuses what [`write`] could not do, before a program runs for it.
pub(crate) fn check(args: &TableArgs) -> anyhow::Result<()> {
    if let Some(Ranks::NoList(text)) = &args.ranks {
        return Err(failure::with_hint(
            anyhow!("--ranks: '{}' is no list of ranks", text.display()),
            "give numbers and ranges, as in --ranks 0,7,100-120, or nothing",
        ));
    }
    Ok(())
}

/// Refuses a budget of a form that has no limit.
pub(crate) fn check_budget(budget: Option<usize>, is_markdown: bool) -> anyhow::Result<()> {
    if budget.is_some() && !is_markdown {
        return Err(failure::with_hint(
            anyhow!("--budget has no effect without --format md"),
            "leave it out, or add --format md",
        ));
    }
    Ok(())
}

/// Polls that blocked the thread of their runtime.
const LONG_POLL: Nanos = Nanos(10_000_000);

/// Warns of polls that took long.
fn say_long_polls(profile: &Profile, args: &TableArgs) {
    for poll in long_polls(profile, args.long_poll.unwrap_or(LONG_POLL)) {
        output::say(format_args!("{poll}"));
    }
}

/// Writes the tables of a profile.
pub(crate) fn write(report: Report, profile: &Profile, args: &TableArgs) -> anyhow::Result<()> {
    check(args)?;
    say_long_polls(profile, args);
    let some = match &args.ranks {
        Some(ranks) => of_ranks(profile, ranks)?,
        None => None,
    };
    let profile = some.as_ref().unwrap_or(profile);
    report.write(args.rich, |style, out: &mut dyn Write| {
        match (args.by, &args.ranks) {
            (by, Some(_)) => {
                if let Some(by) = by {
                    write_group_table(profile, grouping(by), &ranks(args, style), out)?;
                }
                write_rank_tables(profile, &ranks(args, style), out)?;
            }
            (Some(by), None) => write_group_table(profile, grouping(by), &ranks(args, style), out)?,
            (None, None) if args.by_function => {
                write_function_table(profile, &functions(args, style), out)?;
            }
            (None, None) if args.threads => {
                write_thread_table(profile, &threads(args, style), out)?;
            }
            (None, None) if args.hot.is_some() => {
                write_hot_table(profile, &hot(args, style), out)?;
            }
            (None, None) => write_line_tables(profile, &lines(args, style), out)?,
        }
        let sources = Sources::of(profile);
        let find = |file: &str, line| sources.function(file, line);
        write_native_table(profile, &native(args, style), &find, out)?;
        if args.memory {
            writeln!(out)?;
            write_memory_tables(profile, &memory(style), out)?;
        }
        Ok(())
    })
}

/// Writes the blocks of a moment.
pub(crate) fn write_moment(
    profile: &Profile,
    moment: HeapMoment,
    top: Option<usize>,
    rich: bool,
) -> anyhow::Result<()> {
    Report::Stdout.write(rich, |style, out: &mut dyn Write| {
        let mut options = MomentTableOptions::default();
        options.style = style;
        if let Some(top) = top {
            options.paths = top;
        }
        write_moment_table(profile, moment, &options, out).map_err(blocks_remedy)
    })
}

/// Writes the lines that waited.
pub(crate) fn write_waits(
    profile: &Profile,
    top: Option<usize>,
    args: &TableArgs,
) -> anyhow::Result<()> {
    Report::Stdout.write(args.rich, |style, out: &mut dyn Write| {
        let mut options = WaitTableOptions::default();
        options.style = style;
        options.unit = unit(args.unit);
        if let Some(top) = top {
            options.lines = top;
        }
        Ok(write_wait_table(profile, &options, out)?)
    })
}

/// Writes how long single calls and hits took.
pub(crate) fn write_durations(
    profile: &Profile,
    top: Option<usize>,
    args: &TableArgs,
) -> anyhow::Result<()> {
    Report::Stdout.write(args.rich, |style, out: &mut dyn Write| {
        let mut options = DurationTableOptions::default();
        options.style = style;
        options.unit = unit(args.unit);
        if let Some(top) = top {
            options.rows = top;
        }
        Ok(write_duration_tables(profile, &options, out)?)
    })
}

fn blocks_remedy(error: ReportError) -> anyhow::Error {
    match error {
        ReportError::Write(error) => error.into(),
        ReportError::NoBlocks => failure::with_hint(
            error.into(),
            "blocks are noted where hprof's allocator counts: a program with one of its own wraps it as hprof::Alloc::new(Mine)",
        ),
        _ => error.into(),
    }
}

/// A profile with only some of its ranks; `None` if all are meant.
fn of_ranks(profile: &Profile, ranks: &Ranks) -> anyhow::Result<Option<Profile>> {
    let Ranks::These(_) = ranks else {
        return Ok(None);
    };
    let known = || profile.processes.iter().filter_map(|process| process.rank);
    if let (Some(first), Some(last)) = (known().min(), known().max())
        && !known().any(|rank| ranks.contain(rank))
    {
        return Err(anyhow!(
            "none of these ranks is in the profile, which has ranks from {first} to {last}"
        ));
    }
    let mut profile = profile.clone();
    profile
        .processes
        .retain(|process| process.rank.is_some_and(|rank| ranks.contain(rank)));
    Ok(Some(profile))
}

fn grouping(by: GroupBy) -> Grouping {
    match by {
        GroupBy::Rank => Grouping::Rank,
        GroupBy::Host => Grouping::Host,
        GroupBy::Process => Grouping::Process,
        GroupBy::Thread => Grouping::Thread,
    }
}

/// The unit of times.
pub(crate) fn unit(seconds: Option<f64>) -> Unit {
    seconds.map_or(Unit::Auto, Unit::Seconds)
}

/// How a table of the hottest lines looks.
pub(crate) fn hot(args: &TableArgs, style: Style) -> HotTableOptions {
    let mut options = HotTableOptions::default();
    if let Some(lines) = args.hot {
        options.lines = lines;
    }
    options.unit = unit(args.unit);
    options.style = style;
    options
}

fn lines(args: &TableArgs, style: Style) -> LineTableOptions {
    let mut options = LineTableOptions::default();
    options.unit = unit(args.unit);
    options.sort_by_total = args.sort;
    options.summarize = args.summarize;
    options.skip_zero = args.skip_zero;
    options.min_percent = args.min_percent;
    options.top = args.top.and_then(Top::limit);
    options.alloc = args.alloc;
    options.brief = args.top.is_none();
    options.style = style;
    options
}

fn memory(style: Style) -> MemoryTableOptions {
    let mut options = MemoryTableOptions::default();
    options.style = style;
    options
}

fn functions(args: &TableArgs, style: Style) -> FunctionTableOptions {
    let mut options = FunctionTableOptions::default();
    options.sort = match args.order {
        None | Some(SortKey::Cumulative) => FunctionSort::Cumulative,
        Some(SortKey::Tottime) => FunctionSort::TotTime,
        Some(SortKey::Ncalls) => FunctionSort::Ncalls,
        Some(SortKey::Name) => FunctionSort::Name,
    };
    options.unit = unit(args.unit);
    options.top = args.top.and_then(Top::limit);
    options.min_percent = args.min_percent;
    options.style = style;
    options
}

fn native(args: &TableArgs, style: Style) -> NativeTableOptions {
    let mut options = NativeTableOptions::default();
    options.top = args.top.and_then(Top::limit);
    options.style = style;
    options
}

fn ranks(args: &TableArgs, style: Style) -> RankTableOptions {
    let mut options = RankTableOptions::default();
    options.unit = unit(args.unit);
    options.top = args.top.and_then(Top::limit);
    options.style = style;
    options
}

fn threads(args: &TableArgs, style: Style) -> ThreadTableOptions {
    let mut options = ThreadTableOptions::default();
    options.unit = unit(args.unit);
    options.lines = Some(lines(args, style));
    options.style = style;
    options
}
