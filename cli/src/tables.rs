//! Which tables the arguments ask for, and how they look.

use std::io::Write;

use hprof::model::Profile;
use hprof_reports::{
    FunctionSort, FunctionTableOptions, LineTableOptions, MemoryTableOptions, NativeTableOptions,
    Style, ThreadTableOptions, Unit, write_function_table, write_line_tables, write_memory_tables,
    write_native_table, write_thread_table,
};

use crate::args::{SortKey, TableArgs};
use crate::output::Report;
use crate::sources::Sources;

/// Writes the tables of a profile.
pub(crate) fn write(report: Report, profile: &Profile, args: &TableArgs) -> anyhow::Result<()> {
    report.write(args.rich, |style, out: &mut dyn Write| {
        if args.by_function {
            write_function_table(profile, &functions(args, style), out)?;
        } else if args.threads {
            write_thread_table(profile, &threads(args, style), out)?;
        } else {
            write_line_tables(profile, &lines(args, style), out)?;
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

/// The unit of times.
pub(crate) fn unit(seconds: Option<f64>) -> Unit {
    seconds.map_or(Unit::Auto, Unit::Seconds)
}

fn lines(args: &TableArgs, style: Style) -> LineTableOptions {
    let mut options = LineTableOptions::default();
    options.unit = unit(args.unit);
    options.sort_by_total = args.sort;
    options.summarize = args.summarize;
    options.skip_zero = args.skip_zero;
    options.min_percent = args.min_percent;
    options.top = args.top;
    options.alloc = args.alloc;
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
    options.top = args.top;
    options.min_percent = args.min_percent;
    options.style = style;
    options
}

fn native(args: &TableArgs, style: Style) -> NativeTableOptions {
    let mut options = NativeTableOptions::default();
    options.top = args.top;
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
