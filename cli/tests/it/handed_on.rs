//! Attributes above `#[profile]`, and annotated functions inside others: their rows are the user's lines.

use std::collections::HashMap;
use std::fs;

use crate::fixture::{Fixture, printed};

#[test]
fn rows_below_other_attributes_are_the_users() {
    let fixture = Fixture::shared("attributes");
    let run = printed(&mut fixture.hprof(["run"])).code(0);
    assert_eq!(run.stdout.lines().next(), Some("65"), "{run:#?}");
    let csv = printed(&mut fixture.hprof(["export", "--format", "csv"])).code(0);
    let mut rows = csv.stdout.lines();
    let head: Vec<&str> = rows.next().unwrap().split(',').collect();
    let column = |name: &str| head.iter().position(|cell| *cell == name).unwrap();
    let (line, hits, own) = (column("line"), column("hits"), column("self_ns"));
    let mut shown: HashMap<usize, (u64, u64)> = HashMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let number = |at: usize| cells[at].parse().unwrap_or(0);
        let row = shown.entry(cells[line].parse().unwrap()).or_default();
        row.0 += number(hits);
        row.1 += number(own);
    }
    let source = fs::read_to_string(fixture.project().join("src/main.rs")).unwrap();
    for (number, text) in (1..).zip(source.lines()) {
        let Some((code, written)) = text.split_once(" //= ") else {
            continue;
        };
        let (hits, own) = shown.get(&number).copied().unwrap_or_default();
        if written == "waits" {
            assert!(own > 40_000_000, "line {number}, {code}: {own} ns");
        } else {
            assert_eq!(hits.to_string(), written, "hits of line {number}, {code}");
            // With its text in a table: a nested function is shown in that of the outer one too.
            let number = format!("{number:>6} ");
            let shows = |line: &str| line.starts_with(&number) && line.contains(code.trim());
            assert!(run.stderr.lines().any(shows), "{code}: {run:#?}");
        }
    }
}
