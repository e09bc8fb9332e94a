//! The foot of tables with allocations: what is exact is called so, and what is not has its bound.

use crate::fixture::{Fixture, Printed};

fn run(fixture: &Fixture, program: &str) -> Printed {
    let mut command = fixture.hprof(["run", "--alloc", "--bin", program]);
    Printed::from(command.output().unwrap()).code(0)
}

const EXACT: &str = "Every block is counted: these figures are exact.";

/// The figures of a line's blocks at the end and at the peak, in front of its text.
fn rows<'a>(run: &'a Printed, text: &str) -> Vec<&'a str> {
    let lines = run.stderr.lines().filter(|line| line.contains(".rs:"));
    let rows = lines.filter_map(|line| line.split_once(text));
    rows.map(|(figures, _)| figures.trim_start()).collect()
}

#[test]
fn a_profile_without_noted_blocks_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("a.pb.gz");
    let mut bytes = Vec::new();
    hprof::pprof_file::write(&hprof::model::Profile::default(), &mut bytes).unwrap();
    std::fs::write(&saved, bytes).unwrap();
    for command in [&["peak"][..], &["show", "--leaks"]] {
        let mut command = crate::fixture::hprof(command);
        crate::fixture::printed(command.arg(&saved))
            .code(2)
            .says("the profile holds no live blocks")
            .says("hint: blocks are noted where hprof's allocator counts");
    }
}

#[test]
fn a_list_that_grows_is_at_its_peak_once() {
    let run = run(&Fixture::shared("heap"), "grows").stdout("4000000 2000000\n");
    // 32 MiB of the list and 2 MiB of the text.
    let run = run.says(", 34.0 MiB at its peak").says(EXACT);
    let list = rows(&run, "  list.push(number);");
    assert_eq!(list, ["32.0 MiB   94.1 main at src/bin/grows.rs:9"]);
}

#[test]
fn a_small_heap_is_told_to_the_byte() {
    let run = run(&Fixture::shared("heap"), "holds").stdout("120 9400\n");
    let run = run.says(EXACT);
    // 120,000 and 1,880,000 bytes.
    for (bytes, line) in [("117 KiB", 11), ("1.79 MiB", 15)] {
        let found = rows(&run, &format!(" main at src/bin/holds.rs:{line}  "));
        assert_eq!(found.len(), 2, "{run:#?}");
        assert!(found.iter().all(|row| row.starts_with(bytes)), "{found:?}");
    }
}

#[test]
fn blocks_that_are_thinned_out_have_an_error_and_the_heap_a_bound() {
    let run = run(&Fixture::shared("heap"), "churns");
    assert!(!run.stderr.contains(EXACT), "{run:#?}");
    // The main thread and two more.
    let run = run.says(" at its peak, each within 192 KiB");
    let run = run.says("Sampled: one block is noted for each ");
    // 2.44 MiB in blocks, and two lists of 156 KiB.
    let heap = run.stderr.lines().find(|line| line.starts_with("Heap: "));
    let live: f64 = heap
        .and_then(|line| line["Heap: ".len()..].split(' ').next()?.parse().ok())
        .unwrap();
    assert!((2.55..2.94).contains(&live), "{run:#?}");
}
