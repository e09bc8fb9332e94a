//! The row that shows a cost: small functions with costs at places where no marker says that they begin. Their sources say which row
//! is right, with a comment at its end: `//= NAME`.

use std::collections::HashMap;
use std::fs;

use crate::fixture::{Fixture, printed};

/// File and line of a row.
type Row = (String, u32);

/// The rows of each name, as the sources have it.
fn right_rows(fixture: &Fixture) -> HashMap<String, Vec<Row>> {
    let mut rows: HashMap<String, Vec<Row>> = HashMap::new();
    for file in ["branches", "operands", "drops", "parameters"] {
        let file = format!("src/{file}.rs");
        let text = fs::read_to_string(fixture.project().join(&file)).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            let Some((_, names)) = line.split_once("//= ") else {
                continue;
            };
            for name in names.split(' ') {
                let rows = rows.entry(name.to_owned()).or_default();
                rows.push((file.clone(), number));
            }
        }
    }
    rows
}

/// Own times of all rows.
fn own_times(fixture: &Fixture) -> HashMap<Row, u64> {
    let csv = printed(&mut fixture.hprof(["export", "--format", "csv"])).code(0);
    let mut own = HashMap::new();
    for row in csv.stdout.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let time: u64 = cells[5].parse().unwrap_or(0);
        *own.entry((cells[0].to_owned(), cells[1].parse().unwrap()))
            .or_default() += time;
    }
    own
}

/// Every cost stands on its row. Both figures are wall time, which the machine may stretch as it likes: the program says what each cost
/// took, and the row cannot have less.
fn every_cost_is_on_its_row(edition: &str) {
    let fixture = Fixture::shared_with("rows", &[("@EDITION@", edition)]);
    let run = printed(&mut fixture.hprof(["run", "--report", "none"])).code(0);
    let own = own_times(&fixture);
    let right = right_rows(&fixture);
    let took: HashMap<&str, u64> = run
        .stdout
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, took)| (name, took.parse().unwrap()))
        .collect();
    let mut wrong = Vec::new();
    for (name, rows) in &right {
        // Several costs may share a row.
        let sharing = right.iter().filter(|(_, others)| *others == rows);
        let wanted: u64 = sharing.map(|(name, _)| took[&**name]).sum();
        let shown: u64 = rows.iter().filter_map(|row| own.get(row)).sum();
        if shown * 100 < wanted * 95 {
            wrong.push(format!("{name}: {shown} of {wanted} ns on {rows:?}"));
        }
    }
    wrong.sort();
    let names = took.len();
    assert_eq!(names, right.len(), "each name costs something");
    assert!(
        wrong.is_empty(),
        "edition {edition}: {} of {names} costs are on other rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_cost_is_on_its_row_in_both_editions() {
    for edition in ["2021", "2024"] {
        every_cost_is_on_its_row(edition);
    }
}
