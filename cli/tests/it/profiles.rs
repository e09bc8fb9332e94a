//! Profiles: printed after a run, saved, shown again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{Fixture, Printed, printed};

/// Hits of the line of a table that ends with this source text.
#[track_caller]
fn hits(table: &str, source: &str) -> u64 {
    let row = table.lines().find(|line| line.trim_end().ends_with(source));
    let row = row.unwrap_or_else(|| panic!("no row {source:?} in\n{table}"));
    row.split_whitespace()
        .nth(1)
        .unwrap()
        .replace(',', "")
        .parse()
        .unwrap()
}

/// The part of the standard error from the first table to the message on the saved profile.
#[track_caller]
fn table(run: &Printed) -> String {
    let lines = run
        .stderr
        .lines()
        .skip_while(|line| !line.contains("Running `"))
        .skip(1);
    lines
        .take_while(|line| !line.starts_with("hprof: saved to "))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn raw_files(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "hpraw")
        })
        .collect()
}

#[test]
fn run_prints_the_table_and_show_prints_it_again() {
    let annotated = Fixture::new("annotated");
    let run = printed(&mut annotated.hprof(["run", "--", "1000"]))
        .code(0)
        .stdout("999\n");
    let run = run
        .says("saved to ")
        .says("show it again with: hprof show profile");
    let table = table(&run);
    assert_eq!(hits(&table, "sum = step(sum, turn);"), 1000);
    assert_eq!(hits(&table, "for turn in 0..turns {"), 1001);
    let show = printed(&mut annotated.hprof(["show"]))
        .code(0)
        .says("hprof: showing ");
    assert_eq!(show.stdout, table);
    let named = printed(&mut annotated.hprof(["show", "profile", "-u", "1e-3"])).code(0);
    assert_eq!(hits(&named.stdout, "let mut sum = 0;"), 1);
    assert_ne!(named.stdout, table);
}

#[test]
fn report_goes_where_it_is_wanted() {
    let annotated = Fixture::new("annotated");
    let stdout = printed(&mut annotated.hprof(["run", "--report", "stdout"]))
        .code(0)
        .stdout;
    assert!(stdout.starts_with("9\n"), "{stdout}");
    assert_eq!(hits(&stdout, "sum = step(sum, turn);"), 10);
    let file = printed(&mut annotated.hprof(["run", "--report", "table.txt"]))
        .code(0)
        .stdout("9\n");
    assert!(!file.stderr.contains("Line #"), "{file:#?}");
    let text = fs::read_to_string(annotated.folder().join("table.txt")).unwrap();
    assert_eq!(hits(&text, "sum = step(sum, turn);"), 10);
    let none = printed(&mut annotated.hprof(["run", "--report", "none"]))
        .code(0)
        .stdout("9\n");
    assert!(!none.stderr.contains("Line #"), "{none:#?}");
}

#[test]
fn profile_is_saved_also_if_the_program_fails() {
    let annotated = Fixture::new("annotated");
    printed(&mut annotated.hprof(["run", "-o", "failed.hprof", "code", "3"]))
        .code(3)
        .says("saved to ");
    let show = printed(&mut annotated.hprof(["show", "failed.hprof"])).code(0);
    assert_eq!(hits(&show.stdout, "sum = step(sum, turn);"), 10);
    assert!(!annotated.folder().join("profile").exists());
}

#[test]
fn profiles_are_listed_and_cleaned() {
    let annotated = Fixture::new("annotated");
    let own = annotated.folder().join("own target");
    let shared = crate::fixture::target_folder();
    fs::create_dir(&own).unwrap();
    // The target folder of all tests under another name: profiles are saved below that name.
    for entry in fs::read_dir(&shared).unwrap_or_else(|_| fs::read_dir(&own).unwrap()) {
        let entry = entry.unwrap();
        if entry.file_name() != "hprof-runs" {
            std::os::unix::fs::symlink(entry.path(), own.join(entry.file_name())).unwrap();
        }
    }
    let hprof = |args: &[&str]| {
        let mut command: Command = annotated.hprof(args);
        printed(
            command
                .env_remove("HPROF_OUT")
                .env("CARGO_TARGET_DIR", &own),
        )
        .code(0)
    };
    hprof(&["run"]);
    hprof(&["run", "--", "20"]);
    let show = hprof(&["show"]);
    assert_eq!(hits(&show.stdout, "sum = step(sum, turn);"), 20);
    let list = hprof(&["list"]).stdout;
    assert_eq!(
        list.lines()
            .filter(|line| line.contains("-annotated"))
            .count(),
        2,
        "{list}"
    );
    hprof(&["clean", "--keep", "1"]).says("deleted 1 of 2 profiles");
    assert_eq!(hits(&hprof(&["show"]).stdout, "sum = step(sum, turn);"), 20);
    hprof(&["clean"]).says("deleted 1 of 1 profiles");
}

#[test]
fn tests_and_benches_are_profiled() {
    let annotated = Fixture::new("annotated");
    let all = printed(&mut annotated.hprof(["test", "--test", "counts"])).code(0);
    assert!(all.stdout.contains("test result: ok. 2 passed"), "{all:#?}");
    assert_eq!(hits(&table(&all), "sum = step(sum, turn);"), 12);
    let one = printed(&mut annotated.hprof(["test", "counts_five"])).code(0);
    assert!(one.stdout.contains("test result: ok. 1 passed"), "{one:#?}");
    assert_eq!(hits(&one.stderr, "sum = step(sum, turn);"), 5);
    let bench = printed(&mut annotated.hprof(["bench", "--bench", "plain_harness"]))
        .code(0)
        .stdout("bench 2\n");
    assert_eq!(hits(&table(&bench), "sum = step(sum, turn);"), 3);
}

#[test]
fn exec_merges_all_processes() {
    let annotated = Fixture::new("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    let program = crate::fixture::target_folder().join("hprof/annotated");
    let script = "\"$0\" 4 & \"$0\" 6 & wait; exit 5";
    let exec = printed(
        annotated
            .hprof(["exec", "--", "sh", "-c", script])
            .arg(program),
    )
    .code(5);
    assert_eq!(hits(&exec.stderr, "sum = step(sum, turn);"), 10);
    assert_eq!(raw_files(&annotated.folder().join("profile")).len(), 2);
}

#[test]
fn program_with_an_allocator_of_its_own_is_built_again() {
    let fixture = Fixture::new("own_allocator");
    let run = printed(&mut fixture.hprof(["run"])).code(0).stdout("42\n");
    let run = run
        .says("has a #[global_allocator] of its own")
        .says("hprof::Alloc::new(Mine)");
    assert_eq!(hits(&run.stderr, "let twice = 2 * number;"), 1);
}

#[test]
fn damaged_profiles_are_told_from_whole_ones() {
    let annotated = Fixture::new("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    let raw = raw_files(&annotated.folder().join("profile"))
        .pop()
        .unwrap();
    let bytes = fs::read(raw).unwrap();
    let mut newer = bytes.clone();
    newer[8] = 99;
    for (name, bytes) in [
        ("truncated.hpraw", &bytes[..5000]),
        ("newer.hpraw", &newer[..]),
    ] {
        fs::write(annotated.folder().join(name), bytes).unwrap();
        printed(&mut annotated.hprof(["show", name]))
            .code(2)
            .stdout("")
            .says(name);
    }
    // One damaged file of several is left out, and that is said.
    fs::copy(
        annotated.folder().join("newer.hpraw"),
        annotated.folder().join("profile/newer.hpraw"),
    )
    .unwrap();
    let show = printed(&mut annotated.hprof(["show"]))
        .code(0)
        .says("left out: ");
    assert_eq!(hits(&show.stdout, "sum = step(sum, turn);"), 10);
}

#[test]
fn table_is_right_after_the_source_is_gone() {
    let annotated = Fixture::new("annotated");
    printed(&mut annotated.hprof(["run", "--report", "none"])).code(0);
    annotated.write("src/lib.rs", "// emptied\n");
    let show = printed(&mut annotated.hprof(["show"])).code(0);
    assert_eq!(hits(&show.stdout, "sum = step(sum, turn);"), 10);
}
