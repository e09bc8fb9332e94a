//! What other programs show of our files: callgrind's, speedscope, LCOV's and pprof. `make viewers` runs it: they have to be installed.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hprof::model::{Profile, Scope, function_costs};
use serde_json::Value;

use crate::fixture::{Fixture, printed};
use crate::native::go_tool;

/// Versions that were looked at. The second one checks schemas.
const PACKAGES: [&str; 2] = ["speedscope@1.25.0", "ajv@8.20.0"];

/// A program, and what it recorded before and after a change of its loop.
struct Recorded {
    project: Fixture,
    before: PathBuf,
    after: PathBuf,
}

impl Recorded {
    fn new() -> Self {
        let project = Fixture::own("annotated");
        let source = project.project().join("src/lib.rs");
        let text = fs::read_to_string(&source).unwrap();
        let record = |name: &str, text: &str| {
            project.write("src/lib.rs", text);
            let profile = project.path(name);
            let mut run = project.hprof(["run", "--report", "none", "--clock", "exact", "-o"]);
            printed(run.arg(&profile).args(["--", "1000"])).code(0);
            profile
        };
        let after = record("after.pb.gz", &text.replace("0..turns", "0..3 * turns"));
        // The source that is there is that of the older one.
        let before = record("before.pb.gz", &text);
        Self {
            project,
            before,
            after,
        }
    }

    /// `hprof ARGS` with the older profile.
    fn hprof(&self, args: &[&str]) -> String {
        let mut command = self.project.hprof(args);
        printed(command.arg(&self.before)).code(0).stdout
    }

    fn export(&self, format: &str, name: &str) -> PathBuf {
        let file = self.project.path(name);
        let path = file.to_str().unwrap();
        self.hprof(&["export", "--format", format, "-o", path]);
        file
    }

    /// Another program's output, which has to be there.
    fn output(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command.current_dir(self.project.project()).args(args);
        let output = command.output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {text}{errors}");
        text
    }

    /// Hits and nanoseconds of lines by their numbers, as `hprof show` prints them.
    fn shown(&self) -> BTreeMap<u32, (u64, u64)> {
        let table = self.hprof(&["show", "-u", "ns"]);
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            let number = words.next()?.parse().ok()?;
            let hits = words.next()?.parse().ok()?;
            let time = words.next()?.strip_suffix(".0")?.parse().ok()?;
            Some((number, (hits, time)))
        };
        let rows: BTreeMap<_, _> = table.lines().filter_map(row).collect();
        assert!(rows.len() > 3, "{table}");
        rows
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A number with commas.
fn number(word: &str) -> Option<u64> {
    word.replace(',', "").parse().ok()
}

/// One test, for the program is built once.
#[test]
#[ignore = "needs the viewers: make viewers"]
fn other_programs_show_the_same() {
    let recorded = Recorded::new();
    callgrind_annotate_shows_the_same_hits_and_times(&recorded);
    speedscope_accepts_and_opens_the_file(&recorded);
    lcov_and_genhtml_show_the_same_hits(&recorded);
    pprof_finds_the_differences_that_diff_finds(&recorded);
}

fn callgrind_annotate_shows_the_same_hits_and_times(recorded: &Recorded) {
    let file = recorded.export("callgrind", "callgrind.out");
    let page = recorded.output("callgrind_annotate", &["--auto=yes", text(&file)]);
    let source = fs::read_to_string(recorded.project.project().join("src/lib.rs")).unwrap();
    let source: Vec<&str> = source.lines().collect();
    for (line, (hits, time)) in recorded.shown() {
        let code = source[line as usize - 1];
        let row = page
            .lines()
            .find(|row| row.ends_with(code) && !row.starts_with("    ."));
        let row = row.unwrap_or_else(|| panic!("no row of line {line}: {page}"));
        let figures = row.split_whitespace().filter_map(number);
        let figures: Vec<u64> = figures.take(2).collect();
        assert_eq!(figures, [hits, time], "line {line}: {row}");
    }
}

fn speedscope_accepts_and_opens_the_file(recorded: &Recorded) {
    let file = recorded.export("speedscope", "a.speedscope.json");
    let packages = recorded.project.path("packages");
    fs::create_dir(&packages).unwrap();
    fs::write(packages.join("package.json"), "{\"private\":true}").unwrap();
    let install = ["install", "--no-audit", "--no-fund", "--silent", "--prefix"];
    let install = [&install[..], &[text(&packages)], &PACKAGES].concat();
    recorded.output("npm", &install);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/viewers/speedscope.mjs");
    let browser = env::var("CHROMIUM").unwrap_or_else(|_| "chromium".into());
    let arguments = [text(&script), text(&packages), &browser, text(&file)];
    let shown = recorded.output("node", &arguments);
    assert!(shown.starts_with("annotated - speedscope\n"), "{shown}");
    let time: u64 = recorded.shown().values().map(|(_, time)| time).sum();
    let micros = format!("{:.2}µs (100%)", time as f64 / 1e3);
    let row = format!("{micros} {micros} annotated::count");
    assert!(shown.lines().any(|line| line == row), "no {row} in {shown}");
}

fn lcov_and_genhtml_show_the_same_hits(recorded: &Recorded) {
    let file = recorded.export("lcov", "hits.info");
    let shown = recorded.shown();
    let summary = recorded.output("lcov", &["--summary", text(&file)]);
    let lines = format!("({0} of {0} lines)", shown.len());
    assert!(summary.contains(&lines), "no {lines} in {summary}");
    let page = recorded.project.path("page");
    recorded.output("genhtml", &["--quiet", "-o", text(&page), text(&file)]);
    let html = fs::read_to_string(page.join("src/lib.rs.gcov.html")).unwrap();
    for (line, (hits, _)) in shown {
        let anchor = format!("name=\"{line}\"");
        let row = html.lines().find(|row| row.contains(&anchor)).unwrap();
        assert!(row.contains(&format!(" {hits} : ")), "line {line}: {row}");
    }
}

/// Hits of all lines, by the model.
fn hits(path: &Path) -> u64 {
    let profile: Profile = hprof::pprof_file::read(path).unwrap();
    let costs = function_costs(&profile, Scope::All);
    let lines = costs.iter().flat_map(|cost| &cost.lines);
    lines.map(|line| line.own.hits).sum()
}

fn pprof_finds_the_differences_that_diff_finds(recorded: &Recorded) {
    let (before, after) = (text(&recorded.before), text(&recorded.after));
    let mut diff = recorded
        .project
        .hprof(["diff", "--format", "json", before, after]);
    let diff = printed(&mut diff).code(0).stdout;
    let diff: Value = serde_json::from_str(&diff).unwrap();
    let mut expected: BTreeMap<u64, i64> = BTreeMap::new();
    let functions = diff["functions"].as_array().unwrap().iter();
    for line in functions.flat_map(|function| function["lines"].as_array().unwrap()) {
        for (side, sign) in [("older", -1), ("newer", 1)] {
            if let Some(number) = line[side].as_u64() {
                *expected.entry(number).or_default() += sign * line["hits"][side].as_i64().unwrap();
            }
        }
    }
    expected.retain(|_, change| *change != 0);
    let pprof = go_tool().expect("Go's pprof is missing");
    let compare = [
        "-top",
        "-lines",
        "-nodefraction=0",
        "-sample_index=hits",
        "-diff_base",
        before,
        after,
    ];
    let top = recorded.output(text(&pprof), &compare);
    let row = |row: &str| {
        let words: Vec<&str> = row.split_whitespace().collect();
        let (change, place) = (words.first()?.parse().ok()?, words.last()?);
        let line = place.strip_prefix("src/lib.rs:")?.parse().ok()?;
        Some((line, change))
    };
    let mut found: BTreeMap<u64, i64> = top.lines().filter_map(row).collect();
    found.retain(|_, change| *change != 0);
    assert_eq!(found, expected, "{top}");
    let all: i64 = expected.values().sum();
    assert_eq!(
        all.unsigned_abs(),
        hits(&recorded.after) - hits(&recorded.before)
    );
}
