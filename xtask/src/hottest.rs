//! `hottest`: the lines of published programs that hprof finds the hottest, unedited, and what `perf` sees of them in the plain program.
//!
//! Both sides charge a line with what it calls outside of the measured functions: of each sample the innermost frame counts that stands in the text
//! of one of these. A statement of several lines is one row, that of its first.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::perf;
use crate::symbols::{Frame, Result};
use crate::unannotated::{Bench, PROGRAMS, Trial, checked, output};

/// The programs that are compared if none is named.
const COMPARED: [&str; 3] = ["ripgrep", "hexyl", "jaq"];
/// Lines of each.
const LINES: usize = 5;
/// Samples that are wanted, and runs at most for them.
const ENOUGH: usize = 3000;
const MOST_RUNS: usize = 40;
/// Points by which shares are too close to say which is larger.
const CLOSE: f64 = 5.0;

/// Whether the hottest lines are the same ones. Prints a table.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
pub(crate) fn run(workspace: &Path, hprof: &Path, names: &[String]) -> Result<bool> {
    let bench = Bench::new(workspace, hprof)?;
    perf::check(&bench.folder)?;
    let names: Vec<&str> = if names.is_empty() {
        COMPARED.to_vec()
    } else {
        names.iter().map(String::as_str).collect()
    };
    println!("| program | line | text | hprof | perf |\n|---|---|---|---|---|");
    let mut agree = true;
    for name in names {
        let program = PROGRAMS.iter().find(|program| program.name == name);
        let program = program.ok_or_else(|| format!("`{name}` is not in the list"))?;
        let trial = Trial::new(&bench, program)?;
        let recorded = trial.recorded()?;
        let seen = trial.seen(&recorded)?;
        let comparison = Comparison::new(&recorded, &seen);
        print!("{}", comparison.table(name));
        for fault in comparison.faults() {
            println!("DIFFERENT: {name}: {fault}");
            agree = false;
        }
    }
    Ok(agree)
}

/// A line: its file as the program names it, and its number.
type Place = (String, u64);

/// What hprof recorded.
#[derive(Debug, Default)]
struct Recorded {
    functions: Vec<Function>,
}

#[derive(Debug, Default)]
struct Function {
    file: String,
    lines: (u64, u64),
    /// Its rows: own time without that of recording it, and the text.
    rows: BTreeMap<u64, (u64, String)>,
}

impl Recorded {
    /// Reads what `hprof export --format json` writes.
    fn read(json: &[u8]) -> Result<Self> {
        let json: Value = serde_json::from_slice(json)?;
        let list = |value: &Value, key: &str| {
            let list = value.get(key).and_then(Value::as_array).cloned();
            list.unwrap_or_default()
        };
        let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_u64);
        let text = |value: &Value, key: &str| {
            let text = value.get(key).and_then(Value::as_str);
            text.unwrap_or_default().trim().to_owned()
        };
        let row = |line: &Value| {
            let own = number(line, "net_self_ns").or(number(line, "self_ns"))?;
            Some((number(line, "line")?, (own, text(line, "text"))))
        };
        let function = |function: &Value| {
            Some(Function {
                file: text(function, "file"),
                lines: (number(function, "line")?, number(function, "end_line")?),
                rows: list(function, "lines").iter().filter_map(row).collect(),
            })
        };
        let functions = list(&json, "functions");
        Ok(Self {
            functions: functions.iter().filter_map(function).collect(),
        })
    }

    /// The row that a place in the program belongs to.
    fn row(&self, frame: &Frame) -> Option<Place> {
        let line = u64::from(frame.line);
        let around = self.functions.iter().filter(|function| {
            (function.lines.0..=function.lines.1).contains(&line)
                && Path::new(&frame.file).ends_with(plain(&function.file))
        });
        let innermost = around.max_by_key(|function| function.lines.0)?;
        let (row, _) = innermost.rows.range(..=line).next_back()?;
        Some((innermost.file.clone(), *row))
    }

    /// Own time of all rows, in percent of their sum, with their texts.
    fn shares(&self) -> BTreeMap<Place, (f64, &str)> {
        let rows = || self.functions.iter().flat_map(|function| &function.rows);
        let sum: u64 = rows().map(|(_, (own, _))| own).sum();
        let mut shares: BTreeMap<Place, (f64, &str)> = BTreeMap::new();
        for function in &self.functions {
            for (line, (own, text)) in &function.rows {
                let share = shares.entry((function.file.clone(), *line)).or_default();
                share.0 += percent(*own, sum);
                share.1 = text;
            }
        }
        shares
    }
}

/// A path as it ends: names of the same file may differ in where they begin.
fn plain(path: &str) -> &str {
    path.rsplit_once("../").map_or(path, |(_, rest)| rest)
}

fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// Shares of rows, as both see them.
struct Comparison {
    /// The place, its text, hprof's share and perf's.
    lines: Vec<(Place, String, f64, f64)>,
}

impl Comparison {
    fn new(recorded: &Recorded, seen: &BTreeMap<Place, u64>) -> Self {
        let all: u64 = seen.values().sum();
        let shares = recorded.shares().into_iter();
        let lines = shares.map(|(place, (share, text))| {
            let seen = seen.get(&place).copied().unwrap_or_default();
            (place, text.to_owned(), share, percent(seen, all))
        });
        let mut lines: Vec<_> = lines.collect();
        lines.sort_by(|a, b| b.2.total_cmp(&a.2));
        Self { lines }
    }

    fn table(&self, name: &str) -> String {
        let rows = self.lines.iter().take(LINES);
        let rows = rows.map(|((file, line), text, recorded, seen)| {
            let text: String = text.chars().take(60).collect();
            let text = text.replace('|', "\\|");
            format!("| {name} | {file}:{line} | `{text}` | {recorded:.1} % | {seen:.1} % |\n")
        });
        rows.collect()
    }

    /// Lines that one of them counts among the hottest, and the other finds much colder than the last of its own.
    fn faults(&self) -> Vec<String> {
        let mut by_perf: Vec<_> = self.lines.iter().collect();
        by_perf.sort_by(|a, b| b.3.total_cmp(&a.3));
        let last_recorded = self.lines.get(LINES - 1).map_or(0.0, |line| line.2);
        let last_seen = by_perf.get(LINES - 1).map_or(0.0, |line| line.3);
        let hottest = self.lines.iter().take(LINES);
        let only_recorded = hottest.filter(|line| line.3 + CLOSE < last_seen);
        let only_seen = by_perf.iter().take(LINES).copied();
        let only_seen = only_seen.filter(|line| line.2 + CLOSE < last_recorded);
        let tell = |((file, line), _, recorded, seen): &(Place, String, f64, f64)| {
            format!("{file}:{line} has {recorded:.1} % by hprof and {seen:.1} % by perf")
        };
        only_recorded.chain(only_seen).map(tell).collect()
    }
}

impl Trial<'_> {
    /// A fitted run, after one in full.
    fn recorded(&self) -> Result<Recorded> {
        let args = self.bench.args(self.program);
        let profile = self.folder.join("target/hottest.pb.gz");
        let saved = format!("--output={}", profile.display());
        for options in [
            &["--all", "--no-fit", "--report=none"][..],
            &["--all", "--report=none", &saved],
        ] {
            checked(self.hprof("run", options).arg("--").args(&args))?;
        }
        let mut export = self.command(&self.bench.hprof);
        let json = checked(export.args(["export", "--format", "json"]).arg(&profile))?;
        Recorded::read(&json.stdout)
    }

    /// Samples of the plain program with line tables, by row.
    fn seen(&self, recorded: &Recorded) -> Result<BTreeMap<Place, u64>> {
        let build = [
            "build",
            "--release",
            "--target-dir=target/perf",
            "--config=profile.release.debug=\"line-tables-only\"",
            "--config=profile.release.strip=\"none\"",
        ];
        checked(self.cargo(&build).args(self.program.build))?;
        let binary: PathBuf = self
            .folder
            .join("target/perf/release")
            .join(self.program.binary);
        let args: Vec<OsString> = self.bench.args(self.program);
        output(self.command(&binary).args(&args))?;
        let mut rows: BTreeMap<Place, u64> = BTreeMap::new();
        for _ in 0..MOST_RUNS {
            let samples = perf::record(&self.bench.folder, &binary, &args)?;
            for stack in &samples.stacks {
                if let Some(row) = stack.iter().find_map(|frame| recorded.row(frame)) {
                    *rows.entry(row).or_default() += 1;
                }
            }
            if rows.values().sum::<u64>() >= ENOUGH as u64 {
                return Ok(rows);
            }
        }
        let count: u64 = rows.values().sum();
        Err(format!(
            "{}: perf took {count} samples in {MOST_RUNS} runs, {ENOUGH} are wanted",
            self.program.name
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_charged_with_what_they_call_and_their_statements() {
        let json = r#"{"functions": [{"file": "src/a.rs", "line": 1, "end_line": 9, "lines": [
            {"line": 2, "net_self_ns": 30, "text": " x"}, {"line": 5, "net_self_ns": 10, "text": "y"}]}]}"#;
        let recorded = Recorded::read(json.as_bytes()).unwrap();
        let frame = |file: &str, line| Frame {
            file: file.into(),
            line,
        };
        let row = |line| {
            recorded
                .row(&frame("/w/src/a.rs", line))
                .map(|(_, line)| line)
        };
        assert_eq!(
            [row(2), row(4), row(8), row(1), row(10)],
            [Some(2), Some(2), Some(5), None, None]
        );
        assert_eq!(recorded.row(&frame("/w/src/b.rs", 2)), None);
        let seen = BTreeMap::from([
            (("src/a.rs".to_owned(), 2), 3),
            (("src/a.rs".to_owned(), 5), 1),
        ]);
        let comparison = Comparison::new(&recorded, &seen);
        assert_eq!(
            comparison.table("p"),
            "| p | src/a.rs:2 | `x` | 75.0 % | 75.0 % |\n| p | src/a.rs:5 | `y` | 25.0 % | 25.0 % |\n"
        );
        assert!(comparison.faults().is_empty());
    }
}
