//! A crate of generated functions: built and run by the real `hprof`, and what it and the program say.

use std::collections::HashMap;
use std::path::PathBuf;

use super::functions::{Functions, generate};
use crate::fixture::{Fixture, printed, write_if_other};

/// How a crate is built.
#[derive(Clone, Copy, Debug)]
pub(super) struct Build {
    pub(super) profile: &'static str,
    pub(super) edition: u32,
}

impl Build {
    pub(super) const DEBUG_2021: Self = Self::new("dev", 2021);
    pub(super) const RELEASE_2024: Self = Self::new("release", 2024);
    pub(super) const ALL: [Self; 4] = [
        Self::RELEASE_2024,
        Self::DEBUG_2021,
        Self::new("release", 2021),
        Self::new("dev", 2024),
    ];

    const fn new(profile: &'static str, edition: u32) -> Self {
        Self { profile, edition }
    }
}

/// A generated crate.
pub(super) struct Program {
    pub(super) functions: Functions,
    fixture: Fixture,
    pub(super) build: Build,
    pub(super) seed: u64,
}

/// What one run says.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// How often control came to each place.
    pub(super) seen: HashMap<u32, u64>,
    /// What the spin of a place took by its own measure.
    pub(super) took: HashMap<u32, u64>,
    /// What the call of each function took by the caller's measure.
    pub(super) calls: HashMap<usize, u64>,
    /// Own times of the rows.
    pub(super) rows: HashMap<u32, u64>,
    /// Totals of functions by name.
    pub(super) totals: HashMap<String, u64>,
}

impl Program {
    pub(super) fn new(seed: u64, count: usize, build: Build) -> Self {
        let edition = build.edition.to_string();
        let program = Self {
            functions: generate(seed, count, build.edition),
            fixture: Fixture::shared_with("planted", &[("@EDITION@", &edition)]),
            build,
            seed,
        };
        write_if_other(&program.source(), program.functions.text.as_bytes());
        program
    }

    /// Where the functions are.
    pub(super) fn source(&self) -> PathBuf {
        self.fixture.project().join("src/functions.rs")
    }

    /// The lines of a function.
    pub(super) fn lines_of(&self, function: usize) -> std::ops::Range<u32> {
        let lines = &self.functions.lines;
        lines[function]..lines.get(function + 1).copied().unwrap_or(u32::MAX)
    }

    /// Runs the program with a spin at these places, each at the given time that control comes there.
    pub(super) fn run(&self, plan: &[(u32, u64)]) -> Run {
        let mut hprof = self.fixture.hprof(["run", "--report", "none", "--profile"]);
        hprof.arg(self.build.profile);
        if self.build.profile == "dev" {
            // Nobody debugs it.
            hprof.env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only");
        }
        hprof.arg("--");
        hprof.args(plan.iter().map(|(place, time)| format!("{place}@{time}")));
        let output = printed(&mut hprof).code(0);
        let mut run = Run::default();
        for line in output.stdout.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [word, number, value] = words[..] else {
                panic!("{line:?}");
            };
            let value = value.parse().unwrap();
            match word {
                "seen" => drop(run.seen.insert(number.parse().unwrap(), value)),
                "took" => drop(run.took.insert(number.parse().unwrap(), value)),
                "call" => drop(run.calls.insert(number.parse().unwrap(), value)),
                _ => panic!("{line:?}"),
            }
        }
        self.read_rows(&mut run);
        run
    }

    /// Reads the rows of `src/functions.rs,LINE,NAME,HITS,TOTAL,SELF,..`.
    fn read_rows(&self, run: &mut Run) {
        let csv = printed(&mut self.fixture.hprof(["export", "--format", "csv"])).code(0);
        for row in csv.stdout.lines().skip(1) {
            let cells: Vec<&str> = row.split(',').collect();
            let [_, line, name, _, total, own, ..] = cells[..] else {
                panic!("{row:?}");
            };
            let number = |cell: &str| cell.parse().unwrap_or(0);
            *run.rows.entry(line.parse().unwrap()).or_default() += number(own);
            *run.totals.entry(name.to_owned()).or_default() += number(total);
        }
    }
}

impl Run {
    /// The total of a function, 0 if it has none.
    pub(super) fn total(&self, function: usize) -> u64 {
        let name = format!("::f{function}");
        let found = self.totals.iter().find(|(full, _)| full.ends_with(&name));
        found.map_or(0, |(_, total)| *total)
    }
}
