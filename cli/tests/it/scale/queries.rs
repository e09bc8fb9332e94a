//! Parquet and the questions of docs/at-scale.md, by DuckDB.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Took, found, has_module, run};
use crate::fixture::hprof;
use crate::workloads;

/// Runs the queries of a JSON array; of each it prints seconds and rows.
const DUCKDB: &str = "
import duckdb, json, sys, time
for query in json.loads(sys.argv[1]):
    start = time.monotonic()
    rows = duckdb.sql(query).fetchall()
    print(json.dumps([time.monotonic() - start, rows], default=float))
";

/// An answer: how long it took, and its rows.
pub(super) type Answer = (f64, Vec<Vec<Value>>);

/// Writes the table of a profile.
pub(super) fn export(profile: &Path, table: &Path) -> Took {
    let mut export = hprof(["export", "--format", "parquet", "-o"]);
    run(
        export.arg(table).arg(profile),
        &table.with_extension("said"),
    )
}

/// Answers of DuckDB to queries about the files of a folder.
pub(super) fn ask(folder: &Path, queries: &[String]) -> Vec<Answer> {
    let mut python = Command::new("python3");
    python
        .args(["-c", DUCKDB, &serde_json::to_string(queries).unwrap()])
        .current_dir(folder)
        .stderr(Stdio::inherit());
    let output = python.output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The blocks of a language in docs/at-scale.md.
pub(super) fn documented(language: &str) -> Vec<String> {
    let page = fs::read_to_string(workloads::root().join("docs/at-scale.md")).unwrap();
    let start = format!("\n```{language}\n");
    let blocks = page.split(&start).skip(1);
    let blocks = blocks.map(|block| block.split("\n```").next().unwrap_or_default());
    blocks.map(str::to_owned).collect()
}

/// Writes the table of the merged profile in a folder, and says what that took.
pub(super) fn size(folder: &Path) -> u64 {
    let table = folder.join("all.parquet");
    let took = export(&folder.join("all.pb.gz"), &table);
    let size = fs::metadata(table).unwrap().len();
    found(format_args!(
        "Parquet in {took}: {:.1} MB",
        size as f64 / 1e6
    ));
    size
}

/// The page's queries about 10,000 ranks, of which ten are slow: small, fast, and with the right answers.
pub(super) fn planted_ranks_are_found(folder: &Path) {
    let size = size(folder);
    assert!(size <= 10_000_000, "Parquet may take 10 MB");
    if !has_module("duckdb", "the queries of docs/at-scale.md") {
        return;
    }
    let place = |name: &str| folder.join(name);
    fs::copy(place("all.parquet"), place("before.parquet")).unwrap();
    // The other run was three times as long in rank 7: the slow one was planted there.
    let slow = "COPY (SELECT * FROM 'all.parquet' WHERE rank = 7) TO 'after.parquet'";
    let fast = "COPY (SELECT * FROM 'all.parquet' WHERE rank = 8) TO 'before.parquet'";
    ask(folder, &[slow, fast].map(str::to_owned));
    let queries = documented("sql");
    let answers = ask(folder, &queries);
    let seconds: Vec<String> = answers
        .iter()
        .map(|(seconds, _)| format!("{seconds:.2}"))
        .collect();
    found(format_args!("DuckDB answers in {} s", seconds.join(", ")));
    let [uneven, ranks, lines, change] = &answers[..] else {
        panic!("{} queries", answers.len());
    };
    assert!(uneven.0 <= 1.0, "the imbalance may take a second");
    // Ten of ten thousand took up to three times as long, a little less above the mean.
    for row in &uneven.1 {
        let (percent, worst) = (row[5].as_f64().unwrap(), row[6].as_u64());
        assert!((100.0..199.5).contains(&percent), "{row:?}");
        assert_eq!(worst, Some(7), "{row:?}");
    }
    let planted: Vec<u64> = (0..10).map(|thousand| 7 + 1000 * thousand).collect();
    let found: Vec<u64> = ranks.1.iter().filter_map(|row| row[0].as_u64()).collect();
    assert_eq!(found, planted);
    assert_eq!(
        (uneven.1.len(), lines.1.len(), change.1.len()),
        (10, 10, 10)
    );
    let seconds: Vec<f64> = lines.1.iter().filter_map(|row| row[4].as_f64()).collect();
    assert!(seconds.is_sorted_by(|a, b| a >= b), "{seconds:?}");
    for row in &change.1 {
        let [before, after] = [&row[2], &row[3]].map(|cell| cell.as_f64().unwrap());
        assert!((2.0..=3.01).contains(&(after / before)), "{row:?}");
        assert_eq!(row[4], row[5], "{row:?}");
    }
}
