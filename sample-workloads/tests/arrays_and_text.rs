//! Known answers of the programs on arrays, tasks and text, from both twins.

mod common;

use std::collections::{HashMap, HashSet};
use std::env::temp_dir;
use std::fs;
use std::process;

use common::printed;
use sample_workloads::random::Random;
use sample_workloads::task_farm::{imbalance, in_order, rounds};
use sample_workloads::{expr, half_annotated, out_of_core, plain, task_farm, word_count};

#[test]
fn expr_equals_the_square_of_the_sum() {
    let mut random = Random::new(7);
    let mut array = || {
        (0..10_007)
            .map(|_| random.next_unit())
            .collect::<Vec<f64>>()
    };
    let (a, b) = (array(), array());
    let results = [
        expr::temporaries(&a, &b),
        expr::fused(&a, &b),
        expr::threaded(&a, &b, 3),
        plain::expr::temporaries(&a, &b),
        plain::expr::fused(&a, &b),
        plain::expr::threaded(&a, &b, 3),
    ];
    for c in results {
        assert_eq!(c.len(), a.len());
        for i in 0..c.len() {
            let square = (a[i] + b[i]) * (a[i] + b[i]);
            assert!(
                (c[i] - square).abs() <= 4e-15 * square,
                "{i}: {} for {square}",
                c[i]
            );
        }
    }
}

#[test]
fn expr_prints_that_it_is_equal() {
    for mode in ["temporaries", "fused", "threaded"] {
        let text = printed(
            env!("CARGO_BIN_EXE_expr"),
            &["--mode", mode, "--rounds", "2", "1001"],
        );
        assert_eq!(text, "1001 elements equal (a + b)^2\n", "{mode}");
    }
}

#[test]
fn both_views_do_every_task_once_with_the_same_results() {
    let expected: Vec<u64> = (0..33).map(|task| task_farm::work(task, 20)).collect();
    for run in [
        task_farm::direct,
        task_farm::balanced,
        plain::task_farm::direct,
        plain::task_farm::balanced,
    ] {
        let done = run(33, 20, 4);
        assert_eq!(done.len(), 4);
        assert_eq!(in_order(&done), expected);
        assert_eq!(rounds(&done, 20).iter().sum::<usize>(), 20 * 33 * 34 / 2);
    }
}

#[test]
fn the_direct_view_is_uneven_as_worked_out() {
    // 32 tasks among 4: 36, 100, 164 and 228 rounds of 528.
    let shares = rounds(&task_farm::direct(32, 1, 4), 1);
    assert_eq!(shares, [36, 100, 164, 228]);
    assert!((imbalance(&shares) - 228.0 / 132.0).abs() < 1e-12);
}

#[test]
fn scatter_gather_gives_the_array_back() {
    let values: Vec<u64> = (0..16).collect();
    for scatter_gather in [task_farm::scatter_gather, plain::task_farm::scatter_gather] {
        let held = scatter_gather(&values, 4);
        assert_eq!(
            held,
            [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]
        );
        assert_eq!(scatter_gather(&values, 5).concat(), values);
    }
}

#[test]
fn task_farm_prints_the_same_checksum_in_both_views() {
    let lines = |view| {
        let arguments = ["--view", view, "--workers", "4", "--unit", "10"];
        let text = printed(env!("CARGO_BIN_EXE_task_farm"), &arguments);
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (direct, balanced) = (lines("direct"), lines("balanced"));
    assert_eq!(direct[3], "worker 3 holds [12, 13, 14, 15]");
    assert!(direct[4].starts_with("gathered [0, 1, 2") && direct[4].ends_with("14, 15]"));
    assert_eq!(direct[5], balanced[5]);
    assert_eq!(
        direct[6],
        "rounds of each worker [360, 1000, 1640, 2280], imbalance 1.73"
    );
}

/// Longer than one chunk, with the counts known: `alpha` 3, `beta` 2 and `gamma` 1 a line.
fn greek(lines: usize) -> String {
    "Alpha beta, gamma! (alpha) -- the ALPHA's? beta\n".repeat(lines)
}

#[test]
fn words_are_counted_without_case_punctuation_and_stop_words() {
    let lines = 3 * word_count::CHUNK + 5;
    let stop = word_count::stop_words("the\nalphas\n");
    for count in [word_count::count, plain::word_count::count] {
        let n = lines as u64;
        let expected = [("alpha", 2 * n), ("beta", 2 * n), ("gamma", n)];
        let counts = count(&greek(lines), &stop);
        let owned: HashMap<String, u64> = expected
            .iter()
            .map(|(word, n)| ((*word).to_owned(), *n))
            .collect();
        assert_eq!(counts, owned);
        assert_eq!(
            word_count::top(&counts, 2),
            &expected[..2],
            "ties by the alphabet"
        );
    }
    assert!(word_count::count("", &HashSet::new()).is_empty());
}

#[test]
fn word_count_prints_the_top_words() {
    let folder = temp_dir().join(format!("hprof-word-count-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (text, stop) = (folder.join("greek.txt"), folder.join("stop words.txt"));
    fs::write(&text, greek(400)).unwrap();
    fs::write(&stop, "the\nbeta\n").unwrap();
    let arguments = [
        "--top",
        "2",
        "--stop-words",
        stop.to_str().unwrap(),
        text.to_str().unwrap(),
    ];
    assert_eq!(
        printed(env!("CARGO_BIN_EXE_word_count"), &arguments),
        "800 alpha\n400 alphas\n"
    );
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn out_of_core_mean_is_a_half() {
    let count = out_of_core::ROW + 1000;
    for (name, create, average) in [
        (
            "annotated",
            out_of_core::create as fn(&_, _, _) -> _,
            out_of_core::average as fn(&_) -> _,
        ),
        (
            "plain",
            plain::out_of_core::create,
            plain::out_of_core::average,
        ),
    ] {
        let path = temp_dir().join(format!("hprof-out-of-core-{name}-{}", process::id()));
        let (initial, random) = create(&path, count, 3).unwrap();
        assert_eq!(initial, [0.0; 5]);
        assert!(
            random.iter().all(|value| *value > 0.0 && *value < 1.0),
            "{random:?}"
        );
        assert_eq!(fs::metadata(&path).unwrap().len(), 8 * count as u64);
        let mean: f64 = average(&path).unwrap();
        assert!((mean - 0.5).abs() < 1.0 / (count as f64).sqrt(), "{mean}");

        // The same numbers in memory, in the same order.
        let mut same = Random::new(3);
        let sum: f64 = (0..count).map(|_| same.next_unit()).sum();
        assert!((mean - sum / count as f64).abs() < 1e-12, "{mean}");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn out_of_core_refuses_a_file_of_something_else() {
    let path = temp_dir().join(format!("hprof-out-of-core-odd-{}", process::id()));
    fs::write(&path, "twelve bytes").unwrap();
    assert_eq!(
        out_of_core::average(&path).unwrap_err().kind(),
        std::io::ErrorKind::InvalidData
    );
    fs::remove_file(&path).unwrap();
    assert_eq!(
        out_of_core::average(&path).unwrap_err().kind(),
        std::io::ErrorKind::NotFound
    );
}

#[test]
fn out_of_core_prints_fragments_and_mean() {
    let path = temp_dir().join(format!("hprof-out-of-core-run-{}", process::id()));
    let (program, file) = (env!("CARGO_BIN_EXE_out_of_core"), path.to_str().unwrap());
    let text = printed(program, &["create", "--size", "2MiB", file]);
    assert!(
        text.starts_with("initial fragment: [0.0, 0.0, 0.0, 0.0, 0.0]\nrandom fragment: [0."),
        "{text}"
    );
    assert_eq!(fs::metadata(&path).unwrap().len(), 2 << 20);
    let mean: f64 = printed(program, &["average", file]).trim().parse().unwrap();
    assert!((mean - 0.5).abs() < 1.0 / 512.0, "{mean}");
    fs::remove_file(&path).unwrap();
}

#[test]
fn half_annotated_finds_median_and_sum() {
    // 0 to 1000 from the top: the middle is 500, the sum 500,500.
    let text: String = (0..=1000)
        .rev()
        .map(|number| number.to_string() + "\n")
        .collect();
    for median_of_text in [
        half_annotated::median_of_text,
        plain::half_annotated::median_of_text,
    ] {
        assert_eq!(median_of_text(&text, 3).unwrap(), (Some(500), 3 * 500_500));
        assert_eq!(median_of_text("", 3).unwrap(), (None, 0));
        assert!(median_of_text("1\ntwo\n", 3).is_err());
    }
    let program = env!("CARGO_BIN_EXE_half_annotated");
    assert_eq!(
        printed(program, &["1000"]),
        printed(program, &["--plain", "1000"])
    );
}

#[test]
fn every_program_has_help_with_an_example() {
    for program in [
        env!("CARGO_BIN_EXE_auc"),
        env!("CARGO_BIN_EXE_diffusion"),
        env!("CARGO_BIN_EXE_expr"),
        env!("CARGO_BIN_EXE_fib"),
        env!("CARGO_BIN_EXE_fork"),
        env!("CARGO_BIN_EXE_half_annotated"),
        env!("CARGO_BIN_EXE_list_alloc"),
        env!("CARGO_BIN_EXE_out_of_core"),
        env!("CARGO_BIN_EXE_shared_array"),
        env!("CARGO_BIN_EXE_shared_counter"),
        env!("CARGO_BIN_EXE_summer"),
        env!("CARGO_BIN_EXE_task_farm"),
        env!("CARGO_BIN_EXE_word_count"),
    ] {
        let help = printed(program, &["--help"]);
        assert!(
            help.contains("Usage: ") && help.contains("Example:") && help.contains("--plain"),
            "{help}"
        );
    }
}
