//! Go's `pprof` shows the same figures. Debian has it in the package `golang-1.19-go`; without it these tests say so and pass.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

use hprof::model::{LineCost, Profile, Scope, function_costs};
use hprof::pprof_file::ReadError;

use crate::{example, read, saved};

/// The newest tool of the machine.
fn tool() -> Option<PathBuf> {
    let mut tools = Vec::new();
    for go in fs::read_dir("/usr/lib").ok()?.flatten() {
        let platforms = fs::read_dir(go.path().join("pkg/tool"));
        let tool = |platform: fs::DirEntry| platform.path().join("pprof");
        tools.extend(platforms.into_iter().flatten().flatten().map(tool));
    }
    tools.retain(|tool| tool.is_file());
    tools.sort();
    let newest = tools.pop();
    if newest.is_none() {
        // Not by `eprintln!`, which is not shown for tests that pass.
        let text = "NOT TESTED: no /usr/lib/go-*/pkg/tool/*/pprof here; install golang-1.19-go\n";
        io::stderr().write_all(text.as_bytes()).unwrap();
    }
    newest
}

/// A profile in a file, for the tool to open.
struct Opened {
    folder: tempfile::TempDir,
    tool: PathBuf,
    profile: Profile,
}

impl Opened {
    fn new(profile: Profile) -> Option<Self> {
        let tool = tool()?;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.pb.gz"), saved(&profile)).unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join(example::SOURCE_FILE), example::SOURCE).unwrap();
        Some(Self {
            folder,
            tool,
            profile,
        })
    }

    fn command(&self, options: &[&str], files: &[&str]) -> String {
        let mut command = Command::new(&self.tool);
        command
            .args(options)
            .args(files)
            .current_dir(self.folder.path());
        command.env("PPROF_TMPDIR", self.folder.path());
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{options:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn show(&self, options: &[&str]) -> String {
        self.command(options, &["x.pb.gz"])
    }
}

/// A number with its unit, `12ns`, `12B` or `12`.
fn number(text: &str) -> u64 {
    text.trim_end_matches(|letter: char| !letter.is_ascii_digit())
        .parse()
        .unwrap_or_else(|_| panic!("{text}"))
}

/// Own and total of each line, as `-top -lines` prints them: own, share, sum of shares, total, share, then name and place.
fn top(text: &str) -> BTreeMap<String, (u64, u64)> {
    let rows = text
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("flat "));
    let row = |line: &str| {
        let mut rest = line.trim_start();
        let mut fields = Vec::new();
        for _ in 0..5 {
            let (field, after) = rest.split_once(' ').unwrap();
            fields.push(field);
            rest = after.trim_start();
        }
        (rest.to_owned(), (number(fields[0]), number(fields[3])))
    };
    rows.skip(1).map(row).collect()
}

/// The same from the model. Nothing else than hits on the first line of a function: its calls are no hits.
fn expected(profile: &Profile, figure: fn(&LineCost) -> u64) -> BTreeMap<String, u64> {
    let mut rows = BTreeMap::new();
    for function in function_costs(profile, Scope::All) {
        let facts = &profile.functions[function.function.0 as usize];
        let separator = if facts.module.is_empty() { "" } else { "::" };
        for line in function
            .lines
            .iter()
            .filter(|line| line.own != LineCost::default())
        {
            let place = format!(
                "{}{separator}{} {}:{}",
                facts.module, facts.name, facts.file, line.line
            );
            rows.insert(place, figure(&line.own));
        }
    }
    rows
}

const EVERYTHING: [&str; 3] = ["-nodecount=100000", "-nodefraction=0", "-edgefraction=0"];

#[test]
fn top_shows_the_figures_of_the_model() {
    let Some(opened) = Opened::new(example::diffusion()) else {
        return;
    };
    type Figure = fn(&LineCost) -> u64;
    let figures: [(&str, &str, Figure); 5] = [
        ("hits", "count", |cost| cost.hits),
        ("time", "ns", |cost| cost.time().0),
        ("cpu", "ns", |cost| cost.cpu.unwrap_or_default().0),
        ("alloc_objects", "count", |cost| cost.allocs),
        ("alloc_space", "B", |cost| cost.alloc_bytes),
    ];
    for (index, unit, figure) in figures {
        let (index, unit) = (format!("-sample_index={index}"), format!("-unit={unit}"));
        let options = [&["-top", "-lines", &index, &unit], &EVERYTHING[..]].concat();
        let found = top(&opened.show(&options));
        let own: BTreeMap<_, _> = found
            .into_iter()
            .map(|(place, (own, _))| (place, own))
            .collect();
        let mut wanted = expected(&opened.profile, figure);
        // The first lines that have nothing but calls are rows of pprof too.
        wanted.extend(
            own.keys()
                .filter(|place| place.ends_with(":3") || place.ends_with(":9"))
                .map(|place| (place.clone(), 0)),
        );
        assert_eq!(own, wanted, "{index}");
    }
}

#[test]
fn time_comes_first_and_totals_add_up() {
    let Some(opened) = Opened::new(example::diffusion()) else {
        return;
    };
    let text = opened.show(&[&["-top", "-lines", "-unit=ns"], &EVERYTHING[..]].concat());
    assert!(text.contains("Type: time"), "{text}");
    let found = top(&text);
    let mut lines = 0;
    for (name, line, [_, own, total, ..]) in figures(&opened.profile) {
        let place = format!(
            "{} {}:{line}",
            name.trim_start().replacen(' ', "::", 1),
            example::SOURCE_FILE
        );
        // Only names with a module have a separator, and a name may have spaces of its own.
        let place = if name.starts_with(' ') {
            format!("{} {}:{line}", name.trim_start(), example::SOURCE_FILE)
        } else {
            place
        };
        assert_eq!(found.get(&place), Some(&(own, total)), "{place} in {text}");
        lines += 1;
    }
    assert_eq!(lines, 5);
}

#[test]
fn calls_stand_on_the_first_line() {
    let Some(opened) = Opened::new(example::diffusion()) else {
        return;
    };
    let options = [&["-top", "-lines", "-sample_index=calls"], &EVERYTHING[..]].concat();
    let found = top(&opened.show(&options));
    let calls = |start: &str, line: u32| {
        let end = format!(":{line}");
        let row = found
            .iter()
            .find(|(place, _)| place.starts_with(start) && place.ends_with(&end));
        row.unwrap().1.0
    };
    assert_eq!(calls("diffusion::solve", 3), 321);
    assert_eq!(calls("diffusion::grid::Grid<[u8; 8], \"ü\">::step", 9), 963);
    assert_eq!(calls("fill", 15), 336);
}

#[test]
fn the_listing_has_the_hits_beside_the_source() {
    let Some(opened) = Opened::new(example::diffusion()) else {
        return;
    };
    let text = opened.show(&["-list", "solve", "-sample_index=hits"]);
    let row = |number: u32| {
        let start = format!("{number}:");
        let line = text
            .lines()
            .find(|line| line.split_whitespace().nth(2) == Some(&start));
        line.unwrap_or_else(|| panic!("no line {number} in {text}"))
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(row(5), "321 642 5: let mut grid = fill();");
    assert_eq!(row(6), "321 2262 6: step(&mut grid);");
}

#[test]
fn raw_output_has_samples_labels_and_types() {
    let Some(opened) = Opened::new(example::diffusion()) else {
        return;
    };
    let text = opened.show(&["-raw"]);
    for part in [
        "hits/count time/nanoseconds[dflt] cpu/nanoseconds await/nanoseconds trips/count \
         alloc_objects/count alloc_space/bytes free_objects/count free_space/bytes live_space/bytes peak_space/bytes rss_growth/bytes rss_shrink/bytes \
         calls/count primitive_calls/count",
        "Duration: 11ms",
        "thread:[main:100]",
        "process:[node3:100:1767225599000000000]",
        "rank:[r0001]",
        "/home/me/diffusion/target/hprof/diffusion",
        "[FN][FL][LN]",
    ] {
        let line = text.lines().map(|line| line.replace('\t', " "));
        assert!(
            line.into_iter().any(|line| line.contains(part)),
            "{part} in {text}"
        );
    }
    // Each thread has 5 lines with costs, and 2 first lines more with the calls of 2 nodes.
    let stacks = text.lines().filter(|line| {
        line.contains(": ") && line.trim_start().starts_with(|c: char| c.is_ascii_digit())
    });
    let samples = stacks.take_while(|line| !line.contains(" M=1 ")).count();
    assert_eq!(samples, 3 * 8, "{text}");
}

#[test]
fn labels_choose_a_rank() {
    let Some(opened) = Opened::new(example::diffusion()) else {
        return;
    };
    let options = [
        &[
            "-top",
            "-lines",
            "-sample_index=hits",
            "-tagfocus=rank=r0001",
        ],
        &EVERYTHING[..],
    ]
    .concat();
    let found = top(&opened.show(&options));
    let row = found
        .iter()
        .find(|(place, _)| place.starts_with("diffusion::solve") && place.ends_with(":5"));
    assert_eq!(row.unwrap().1.0, 300);
}

/// Name of the function, line, hits, time, total time, CPU time, allocations and their bytes.
type Figures = Vec<(String, u32, [u64; 6])>;

/// What every tool shows of a profile: lines with any cost of their own.
fn figures(profile: &Profile) -> Figures {
    let mut figures = Vec::new();
    for function in function_costs(profile, Scope::All) {
        let facts = &profile.functions[function.function.0 as usize];
        let name = format!("{} {}", facts.module, facts.name);
        for line in function
            .lines
            .iter()
            .filter(|line| line.own != LineCost::default())
        {
            let own = &line.own;
            let cpu = own.cpu.unwrap_or_default().0;
            let numbers = [
                own.hits,
                own.time().0,
                line.total.0,
                cpu,
                own.allocs,
                own.alloc_bytes,
            ];
            figures.push((name.clone(), line.line, numbers));
        }
    }
    figures.sort();
    figures
}

/// Merging drops the part that only hprof reads; the costs of both add up.
#[test]
fn a_merge_of_the_tool_adds_up_and_is_no_profile_of_ours() {
    let Some(opened) = Opened::new(example::diffusion()) else {
        return;
    };
    opened.command(&["-proto", "-output=two.pb.gz"], &["x.pb.gz", "x.pb.gz"]);
    let error = read(&fs::read(opened.folder.path().join("two.pb.gz")).unwrap()).unwrap_err();
    assert!(matches!(error, ReadError::Rewritten { .. }), "{error}");
    let rows = |file| {
        let shown = opened.command(
            &[
                "-top",
                "-lines",
                "-sample_index=hits",
                "-nodefraction=0",
                "-edgefraction=0",
            ],
            &[file],
        );
        let found = top(&shown)
            .into_iter()
            .map(|(place, numbers)| (place, numbers.0));
        found.collect::<BTreeMap<_, _>>()
    };
    let doubled: BTreeMap<_, _> = rows("x.pb.gz")
        .into_iter()
        .map(|(place, hits)| (place, hits * 2))
        .collect();
    assert!(!doubled.is_empty());
    assert_eq!(rows("two.pb.gz"), doubled);
}

#[test]
fn an_empty_profile_opens() {
    let Some(opened) = Opened::new(Profile::default()) else {
        return;
    };
    assert!(opened.show(&["-top"]).contains("flat%"));
}
