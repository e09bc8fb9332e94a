//! Memory tables of small profiles worked out by hand.

use hprof::model::{LineCost, LineRss, Nanos, ProcessRss, RssLevel};

use super::*;
use crate::fixture;

const MIB: u64 = 1 << 20;

const SOURCE: &str = "\
#[profile]
fn list_alloc() {
    let x = vec![1.0; 2048 * 2048];
    let mut a = format!(\"{:?}\", x[0]);
    drop(x);
    for row in rows {
        sum += row;
    }
}";

fn rss(change: RssChange, max_bytes: u64) -> Option<LineRss> {
    Some(LineRss {
        change,
        max_bytes,
        last_bytes: max_bytes,
        reads: u64::from(max_bytes > 0),
        sampled_bytes: 0,
    })
}

fn anonymous(grown: u64, shrunk: u64) -> RssChange {
    RssChange {
        grown_anonymous: grown,
        shrunk_anonymous: shrunk,
        ..RssChange::default()
    }
}

/// 32 MiB come and go; 1 MiB of the 1.25 MiB that stay was not seen on any line.
fn profile() -> Profile {
    let line = |rss, alloc_bytes, free_bytes| LineCost {
        hits: 1,
        exact: Nanos(1),
        alloc_bytes,
        allocs: u64::from(alloc_bytes > 0),
        free_bytes,
        rss,
        ..LineCost::default()
    };
    let lines = [
        (
            3,
            line(rss(anonymous(32 * MIB, 0), 34 * MIB), 33_554_432, 0),
        ),
        (4, line(rss(anonymous(MIB / 4, 0), 34 * MIB), 24, 0)),
        (5, line(rss(anonymous(0, 32 * MIB), 3 * MIB), 0, 33_554_432)),
        (6, line(rss(anonymous(0, 0), 0), 0, 0)),
    ];
    let (mut profile, _) = fixture::single("list_alloc", SOURCE, &lines);
    profile.processes[0].rss = Some(ProcessRss {
        source: Some(RssSource::Procfs),
        start: RssLevel {
            anonymous_bytes: MIB,
            file_bytes: MIB,
        },
        end: RssLevel {
            anonymous_bytes: 2 * MIB,
            file_bytes: MIB + MIB / 4,
        },
        peak_bytes: 34 * MIB,
        not_read: anonymous(MIB, 0),
        budget_percent: 5,
        reads: 4,
        looks: 5,
        own_time: Nanos(7_300),
        resolution_bytes: Some(4096),
        total_ram: Some(16 << 30),
        ..ProcessRss::default()
    });
    profile
}

fn written(profile: &Profile) -> String {
    let mut out = Vec::new();
    write_memory_tables(profile, &MemoryTableOptions::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn table_of_a_list_that_comes_and_goes() {
    insta::assert_snapshot!(written(&profile()));
}

#[test]
fn growth_and_shrinkage_and_files_have_columns_when_they_move() {
    let mut profile = profile();
    let rss = LineRss {
        change: RssChange {
            grown_anonymous: 40 * MIB,
            shrunk_anonymous: 8 * MIB,
            grown_file: 16 * MIB,
            shrunk_file: 0,
        },
        max_bytes: 80 * MIB,
        sampled_bytes: MIB,
        ..LineRss::default()
    };
    let lines = &mut profile.processes[0].threads[0].nodes[0].lines;
    let (first, _) = lines.iter().next().unwrap();
    lines.change(|line, cost| {
        if *line == first {
            cost.rss = Some(rss);
        }
    });
    profile.processes[0].threads[0].uses = 4;
    insta::assert_snapshot!(written(&profile));
}

/// Its lines were wider than the terminal, and none of the code was to be seen.
#[test]
fn code_keeps_forty_columns() {
    let mut profile = profile();
    let rss = LineRss {
        change: RssChange {
            grown_anonymous: 40 * MIB,
            shrunk_anonymous: 8 * MIB,
            grown_file: 16 * MIB,
            shrunk_file: 0,
        },
        max_bytes: 80 * MIB,
        sampled_bytes: MIB,
        ..LineRss::default()
    };
    let lines = &mut profile.processes[0].threads[0].nodes[0].lines;
    let (first, _) = lines.iter().next().unwrap();
    lines.change(|line, cost| {
        if *line == first {
            cost.rss = Some(rss);
        }
    });
    let narrow = |width| {
        let mut out = Vec::new();
        let mut options = MemoryTableOptions::default();
        options.style.width = Some(width);
        write_memory_tables(&profile, &options, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let (table, _) = text.split_once("\n\n\n").unwrap();
        assert!(
            table.lines().all(|line| text::width(line) <= width),
            "{table}"
        );
        format!("{table}\n")
    };
    insta::assert_snapshot!([80, 100, 160].map(narrow).join("\n"));
}

#[test]
fn a_callers_increment_holds_that_of_what_it_calls() {
    let mut profile = fixture::diffusion();
    let process = &mut profile.processes[0];
    process.rss = Some(ProcessRss {
        source: Some(RssSource::Sysinfo),
        ..ProcessRss::default()
    });
    for node in &mut process.threads[0].nodes {
        node.lines.change(|line, cost| {
            let grown = if *line == 41 { 3 * MIB } else { 0 };
            cost.rss = rss(anonymous(grown, 0), MIB);
        });
    }
    let text = written(&profile);
    let row = |line: &str| {
        let found = text.lines().find(|row| row.trim_start().starts_with(line));
        found.unwrap_or_else(|| panic!("no row {line} in {text}"))
    };
    for line in ["6 ", "29 ", "41 "] {
        assert!(row(line).contains(" 3.000 MiB"), "{}", row(line));
    }
    assert!(row("7 ").contains(" 0.000 MiB"));
}

#[test]
fn without_readings_there_is_one_line() {
    assert_eq!(
        written(&fixture::diffusion()),
        "The resident set was not recorded: that needs hprof run --memory.\n"
    );
}
