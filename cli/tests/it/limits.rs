//! `assert_allocs!` and `#[profile(max_allocs = N)]` in the tests of a program.

use std::process::Command;

use crate::fixture::{Fixture, Printed, printed};

const TESTS: &str = r#"use std::sync::mpsc;
use std::thread;

use hprof::{assert_allocs, profile};

#[inline(never)]
fn numbers(count: usize) -> Vec<usize> {
    std::hint::black_box((0..count).collect())
}

#[profile]
fn doubled(count: usize) -> Vec<usize> {
    let mut all = numbers(count);
    all.extend_from_within(..);
    all
}

#[test]
#[profile(max_allocs = 2)]
fn two_are_allowed() {
    assert_eq!(doubled(4).len(), 8);
}

/// Others allocate meanwhile.
#[test]
fn none_are_made() {
    let (tell, told) = mpsc::channel();
    let other = thread::spawn(move || {
        for _ in 0..1000 {
            numbers(10);
        }
        tell.send(()).unwrap();
    });
    let mut cells = [1_u64; 100];
    let sum: u64 = assert_allocs!(0, {
        for cell in &mut cells {
            *cell *= 2;
        }
        cells.iter().sum()
    });
    told.recv().unwrap();
    other.join().unwrap();
    assert_eq!(sum, 200);
}

fn first(values: &[u32]) -> Option<u32> {
    for value in values {
        assert_allocs!(0, {
            if *value == 0 {
                continue;
            }
            let found = Some(*value)?;
            return Some(found);
        })
    }
    None
}

#[test]
fn control_flow_leaves_the_block() {
    assert_eq!((first(&[0, 3]), first(&[0]), first(&[])), (Some(3), None, None));
}
"#;

const TOO_MANY: &str = r#"
#[test]
fn too_many_are_made() {
    let all = assert_allocs!(1, {
        let once = numbers(3);
        let twice = doubled(3);
        once.len() + twice.len()
    });
    assert_eq!(all, 9);
}
"#;

fn test(project: &Fixture) -> Printed {
    let words = ["test", "--report", "none", "--test", "limits"];
    printed(&mut project.hprof(words))
}

#[test]
fn tests_fail_where_a_limit_is_broken_and_name_the_lines() {
    let project = Fixture::own("annotated");
    project.write("tests/limits.rs", TESTS);
    // Without the switch nothing is counted, and nothing changes.
    let mut plain = Command::new(env!("CARGO"));
    plain.args(["test", "--test", "limits"]);
    plain.current_dir(project.project());
    plain.env("CARGO_TARGET_DIR", project.target());
    let plain = printed(plain.env_remove("HPROF")).code(0);
    assert!(plain.stdout.contains("3 passed"), "{plain:?}");

    test(&project)
        .code(0)
        .says("hprof: 3 limits of allocations are kept");

    project.write("tests/limits.rs", &format!("{TESTS}{TOO_MANY}"));
    let broken = test(&project).code(1);
    assert!(broken.stdout.contains("4 passed"), "{broken:?}");
    let broken = broken
        .says("hprof: 1 limit of allocations is broken, 3 limits of allocations are kept")
        .says(": limits::assert_allocs!: 3 allocations in 1 call, 1 allowed")
        .says("    tests/limits.rs:67: 1 allocation, 24 B: let once = numbers(3);")
        .says("    tests/limits.rs:14: 1 allocation, 48 B: all.extend_from_within(..);");
    // Nothing that others allocated meanwhile.
    let lines = broken.stderr.matches("\n    tests/limits.rs:").count();
    assert_eq!(lines, 3, "{broken:?}");

    // What the tests say goes first.
    let failing = TOO_MANY.replace("all, 9", "all, 8");
    project.write("tests/limits.rs", &format!("{TESTS}{failing}"));
    test(&project)
        .code(101)
        .says("hprof: 1 limit of allocations is broken");
}
