//! Known answers of the programs with processes and threads, from both twins.

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::printed;
use sample_workloads::{auc, plain, shared_array, shared_counter, summer};

#[test]
fn summer_gives_the_same_sum_in_every_mode() {
    // 0 + 1 + ... + 9999
    let expected = vec![49_995_000; 10];
    assert_eq!(summer::serial(10, 10_000), expected);
    assert_eq!(summer::threads(10, 10_000), expected);
    assert_eq!(summer::processes(10, 10_000).unwrap(), expected);
    assert_eq!(plain::summer::serial(10, 10_000), expected);
    assert_eq!(plain::summer::threads(10, 10_000), expected);
    assert_eq!(plain::summer::processes(10, 10_000).unwrap(), expected);
}

#[test]
fn summer_prints_the_sum() {
    for mode in ["serial", "threads", "processes"] {
        let text = printed(
            env!("CARGO_BIN_EXE_summer"),
            &["--mode", mode, "--stop", "100000"],
        );
        assert_eq!(text, "10 sums of 4999950000\n", "{mode}");
    }
}

#[test]
fn auc_in_processes_is_auc() {
    let serial = auc::serial(10_000);
    for area in [
        auc::processes(10_000, 3).unwrap(),
        plain::auc::processes(10_000, 3).unwrap(),
    ] {
        assert!((area - serial).abs() < 1e-12, "{area} for {serial}");
    }
    let program = env!("CARGO_BIN_EXE_auc");
    assert_eq!(
        printed(program, &["--mode", "processes", "3000000"]),
        "The area is 8.175000\n"
    );
}

#[test]
fn lock_and_atomic_lose_nothing() {
    let (pause, hold) = (Duration::from_micros(100), Duration::from_micros(20));
    assert_eq!(shared_counter::locked(10, 50, pause, hold).unwrap(), 500);
    assert_eq!(shared_counter::atomic(10, 50, pause).unwrap(), 500);
    assert_eq!(
        plain::shared_counter::locked(10, 50, pause, hold).unwrap(),
        500
    );
    assert_eq!(plain::shared_counter::atomic(10, 50, pause).unwrap(), 500);
}

#[test]
fn a_race_loses_but_never_gains() {
    let pause = Duration::from_millis(1);
    for race in [shared_counter::race, plain::shared_counter::race] {
        assert_eq!(
            race(1, 10, Duration::ZERO, Duration::ZERO).unwrap(),
            10,
            "alone nothing is lost"
        );
        // The course's own program: whether it loses is chance.
        let counted = race(10, 50, pause, Duration::ZERO).unwrap();
        assert!((50..=500).contains(&counted), "{counted}");
        // Ten processes that hold on for 5 ms each cannot avoid each other.
        let counted = race(10, 10, pause, Duration::from_millis(5)).unwrap();
        assert!((10..100).contains(&counted), "{counted}");
    }
}

#[test]
fn shared_counter_prints_500() {
    let program = env!("CARGO_BIN_EXE_shared_counter");
    assert_eq!(
        printed(program, &["--mode", "locked", "--hold", "10"]),
        "500\n"
    );
    assert_eq!(printed(program, &["--mode", "atomic"]), "500\n");
    let race: u64 = printed(program, &["--mode", "race"])
        .trim()
        .parse()
        .unwrap();
    assert!((50..=500).contains(&race), "{race}");
}

#[test]
fn shared_array_is_negated() {
    let expected: Vec<f64> = (0..10).map(|i| -f64::from(i)).collect();
    for negated in [
        shared_array::negated(10).unwrap(),
        plain::shared_array::negated(10).unwrap(),
    ] {
        assert_eq!(negated, expected);
        // -0.0 equals 0.0: only the sign shows that the first process was there.
        assert!(negated[0].is_sign_negative());
    }
    let text = printed(env!("CARGO_BIN_EXE_shared_array"), &[]);
    assert_eq!(
        text,
        "[-0.0, -1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -9.0]\n"
    );
}

#[test]
fn forked_and_executed_children_greet_under_their_own_number() {
    for (mode, told) in [("fork", "Hello from parent "), ("exec", "The child is ")] {
        for twin in [&["--mode", mode][..], &["--mode", mode, "--plain"]] {
            let text = printed(env!("CARGO_BIN_EXE_fork"), twin);
            let last = |line: &str| {
                line.rsplit(' ')
                    .next()
                    .unwrap_or_default()
                    .parse::<u32>()
                    .unwrap()
            };
            let (parent, child): (Vec<_>, Vec<_>) =
                text.lines().partition(|line| line.starts_with(told));
            let announced: BTreeSet<u32> = parent.into_iter().map(last).collect();
            let greeted: BTreeSet<u32> = child
                .into_iter()
                .inspect(|line| assert!(line.starts_with("Hello from "), "{line}"))
                .map(last)
                .collect();
            assert_eq!(announced.len(), 3, "{text}");
            assert_eq!(announced, greeted, "{text}");
        }
    }
}
