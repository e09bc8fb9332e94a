//! CSV: one row for each instrumented line, a blank where nothing was measured.

use std::borrow::Cow;
use std::io::{self, Write};

use hprof::model::{FunctionCost, Profile, Scope, function_costs};

use super::Export;
use crate::error::ReportError;
use crate::text;
use crate::view::stacks::names;
use crate::view::{
    Held, RECORD_COLUMNS, Record, RecordColumn, RecordValue, ThinRow, records, thin_record,
    thin_rows,
};

/// Columns of the place of a line, before its figures.
const PLACE: &str = "file,line,function";

/// Comma separated values with a heading, fields quoted where they must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Csv;

impl Export for Csv {
    fn export(
        &self,
        profile: &Profile,
        scope: Scope,
        out: &mut dyn Write,
    ) -> Result<(), ReportError> {
        let thin = thin_rows(profile, scope);
        Ok(write_costs(
            profile,
            &function_costs(profile, scope),
            &thin,
            out,
        )?)
    }
}

fn write_costs(
    profile: &Profile,
    costs: &[FunctionCost],
    thin: &[ThinRow<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let held = Held::new(profile);
    let columns = RECORD_COLUMNS.iter();
    let columns: Vec<&RecordColumn> = columns.filter(|column| column.is_in(held)).collect();
    write!(out, "{PLACE}")?;
    for column in &columns {
        write!(out, ",{}", column.name)?;
    }
    writeln!(out)?;
    let names = names(profile);
    for cost in costs {
        let Some((function, records)) = records(profile, cost) else {
            continue;
        };
        let name = names
            .get(cost.function.0 as usize)
            .map_or("", String::as_str);
        for record in records {
            write!(
                out,
                "{},{},{}",
                field(&function.file),
                record.line.line,
                field(name)
            )?;
            write_record(&record, &columns, out)?;
        }
    }
    for row in thin {
        let name = names.get(row.index as usize).map_or("", String::as_str);
        write!(
            out,
            "{},{},{}",
            field(&row.function.file),
            row.line(),
            field(name)
        )?;
        write_record(&thin_record(row), &columns, out)?;
    }
    Ok(())
}

fn write_record(
    record: &Record<'_>,
    columns: &[&RecordColumn],
    out: &mut dyn Write,
) -> io::Result<()> {
    for column in columns {
        match (column.value)(record) {
            RecordValue::Number(Some(number)) => write!(out, ",{number}")?,
            RecordValue::Word(Some(word)) => write!(out, ",{word}")?,
            RecordValue::Number(None) | RecordValue::Word(None) => write!(out, ",")?,
        }
    }
    writeln!(out)
}

/// A name as a cell: nothing in it disturbs a terminal, and no spreadsheet takes it for a formula, for which an apostrophe stands before
/// a name that begins as one.
fn field(text: &str) -> Cow<'_, str> {
    let clean = text::clean(text);
    let formula = clean.trim_start().starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    let clean = if formula {
        Cow::Owned(format!("'{clean}"))
    } else {
        clean
    };
    if clean.contains([',', '"']) {
        Cow::Owned(format!("\"{}\"", clean.replace('"', "\"\"")))
    } else {
        clean
    }
}

#[cfg(test)]
mod tests {
    use hprof::model::{LineCost, LineLive};

    use super::*;
    use crate::fixture;

    fn export(profile: &Profile, costs: &[FunctionCost]) -> String {
        let mut out = Vec::new();
        let thin = thin_rows(profile, Scope::All);
        write_costs(profile, costs, &thin, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_of_the_fixed_profile() {
        insta::assert_snapshot!(export(&fixture::diffusion(), &fixture::diffusion_costs()), @r#"
    file,line,function,hits,total_ns,self_ns,cpu_ns,await_ns,samples,error_ns,source,net_ns,net_self_ns,net_error_ns,trips,wait_ns,wait_cause,allocs,alloc_bytes,free_bytes
    src/solver.rs,3,diffusion::solver::main,1,28000000,28000000,28000000,,,,exact,28000000,28000000,,,,,82,53792,0
    src/solver.rs,4,diffusion::solver::main,1,8,8,8,,,,resolution,8,8,,,,,0,0,0
    src/solver.rs,5,diffusion::solver::main,501,6200,6200,6200,,,,exact,6200,6200,,,,,0,0,0
    src/solver.rs,6,diffusion::solver::main,500,1194131000,31000,1107131000,,,12134249,exact,1194131000,31000,12134249,,87000000,,0,0,0
    src/solver.rs,7,diffusion::solver::main,500,1500,1500,1500,,0,1000,prior,1500,1500,1000,,,,0,0,0
    src/solver.rs,9,diffusion::solver::main,1,24900,24900,24900,,,,exact,24900,24900,,,,,0,0,0
    src/solver.rs,10,diffusion::solver::main,1,40100,40100,40100,,,,exact,40100,40100,,,,,0,0,53792
    src/solver.rs,22,diffusion::solver::Field::advance,40500,4050000,4050000,4050000,,5,1800000,sampled,4050000,4050000,1800000,,,,0,0,0
    src/solver.rs,23,diffusion::solver::Field::advance,3280000,1100000000,1100000000,1100000000,,1093,12000000,sampled,1100000000,1100000000,12000000,,,,0,0,0
    src/solver.rs,24,diffusion::solver::Field::advance,3240000,,,,,,,group,,,,,,,0,0,0
    src/solver.rs,28,diffusion::solver::Field::advance,500,90000000,90000000,3000000,12000000,,,exact,90000000,90000000,,,87000000,,0,0,0
    src/solver.rs,29,diffusion::solver::Field::advance,500,50000,41000,50000,,,,exact,50000,41000,,,,,0,0,0
    src/solver.rs,41,diffusion::solver::helper::<[u8; 8]>,500,9000,9000,9000,,,,exact,9000,9000,,,,,0,0,0
    "#);
    }

    #[test]
    fn thin_functions_have_the_row_of_their_first_line() {
        let text = export(&fixture::thin(), &[]);
        let rows: Vec<&str> = text.lines().skip(1).collect();
        let small = "src/solver.rs,44,diffusion::solver::Grid::len,1000,,,,,,,thin";
        assert!(rows[0].starts_with(small), "{text}");
        assert!(
            rows[1].contains(",48,") && rows[1].contains(",23000000,,,,,,,thin"),
            "{text}"
        );
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn live_bytes_have_columns_where_blocks_were_noted() {
        let live = LineLive {
            live_bytes: 3 << 20,
            peak_bytes: 5 << 20,
            live_variance: 1 << 38,
            peak_variance: 4 << 38,
        };
        let line = LineCost {
            hits: 1,
            live,
            ..LineCost::default()
        };
        let (mut profile, costs) = fixture::single("f", "", &[(2, line)]);
        profile.processes[0].heap = Some(fixture::sampled_heap());
        insta::assert_snapshot!(export(&profile, &costs));
    }

    /// A file is called so by whoever made the profile.
    #[test]
    fn no_name_is_a_formula_or_disturbs_a_terminal() {
        for (name, cell) in [
            ("src/a.rs", "src/a.rs"),
            ("=1+1", "'=1+1"),
            (" @SUM(A1)", "' @SUM(A1)"),
            ("-2,3", "\"'-2,3\""),
            ("\t+x\r\n", "'    +x"),
            ("a\u{1b}[2J\nb", "a\u{fffd}[2J\u{fffd}b"),
        ] {
            assert_eq!(field(name), cell);
        }
    }

    #[test]
    fn odd_names_are_quoted_and_unreached_lines_blank() {
        let (mut profile, costs) =
            fixture::single("<A, \"B\">::f", "", &[(2, LineCost::default())]);
        profile.processes[0].heap = None;
        insta::assert_snapshot!(export(&profile, &costs), @r#"
    file,line,function,hits,total_ns,self_ns,cpu_ns,await_ns,samples,error_ns,source,net_ns,net_self_ns,net_error_ns,trips,wait_ns,wait_cause
    src/solver.rs,2,"diffusion::solver::<A, ""B"">::f",,,,,,,,,,,,,,
    "#);
    }
}
