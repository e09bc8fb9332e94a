//! How often the hottest lines of each program run: the numbers that the first lines of each program's file give, at a small size.

use super::Recorded;

/// Function, beginning of a line of it, and the hits of every line that begins so.
type Expected<'a> = (&'a str, &'a str, u64);

#[track_caller]
fn check(recorded: &Recorded, expected: &[Expected<'_>]) {
    let rows = recorded.rows();
    for (function, start, hits) in expected {
        let found: Vec<_> = rows.iter().filter(|row| row.is(function, start)).collect();
        assert!(!found.is_empty(), "no {start:?} in {function}");
        for row in found {
            assert_eq!(row.figures[0], Some(*hits), "{function}: {}", row.source);
        }
    }
}

#[track_caller]
fn runs(program: &str, arguments: &str, expected: &[Expected<'_>]) {
    check(&Recorded::new(program, arguments), expected);
}

/// 20 x 20 inner points, 10 steps, output at steps 4 and 8.
const PARAMETERS: &str = "D = 1.0;\nx1 = -10.0;\nx2 = 10.0;\nruntime = 2.5;\ndx = 1.0;\nouttime = 1.0;\ngraphics = False;\n";

#[track_caller]
fn diffusion(variant: &str, expected: &[Expected<'_>]) {
    let arguments = format!("--variant {variant} --threads 2 small.par");
    let recorded = Recorded::with_files("diffusion", &arguments, &[("small.par", PARAMETERS)]);
    let times = "0.0000\n1.0000\n2.0000\n";
    assert_eq!(recorded.run.stdout, times);
    check(&recorded, expected);
    check(
        &recorded,
        &[
            (variant, "for step in", 11),
            (variant, "simtime += grid.dt;", 10),
            (variant, "if step % grid.nper == 0 {", 10),
            ("four_peaks", "for i in", 21),
            ("four_peaks", "for j in", 420),
            ("four_peaks", "dens[i * grid.npnts + j] =", 400),
        ],
    );
}

#[test]
fn diffusion_naive() {
    diffusion(
        "naive",
        &[
            ("naive", "for i in", 210),
            ("naive", "for j in", 4200),
            ("naive", "lapl[i][j] =", 4000),
            ("naive", "next[i][j] =", 4000),
        ],
    );
}

#[test]
fn diffusion_flat() {
    diffusion(
        "flat",
        &[
            ("flat", "for i in", 210),
            ("flat", "for j in", 4200),
            ("flat", "let at =", 4000),
            ("flat", "lapl[at] =", 4000),
            ("flat", "next[at] =", 4000),
        ],
    );
}

#[test]
fn diffusion_slices() {
    diffusion(
        "slices",
        &[
            ("slices", "for i in", 210),
            ("slices", "let above =", 200),
            ("slices", "let row =", 200),
            ("slices", "for j in", 4200),
            ("slices", "row[j] =", 4000),
        ],
    );
}

#[test]
fn diffusion_temporaries() {
    diffusion(
        "temporaries",
        &[
            ("temporaries", "let lapl =", 10),
            ("temporaries", "drop(lapl);", 10),
            ("temporaries", "for i in", 210),
            ("temporaries", "for j in", 4200),
            ("temporaries", "next[i * n + j] =", 4000),
            ("laplacian", "let mut lapl =", 10),
            ("laplacian", "for i in", 210),
            ("laplacian", "for j in", 4200),
            ("laplacian", "lapl[at] =", 4000),
        ],
    );
}

#[test]
fn diffusion_ndarray() {
    diffusion(
        "ndarray",
        &[
            ("ndarray", "let sum =", 10),
            ("ndarray", "lapl.slice_mut(", 10),
            ("ndarray", "next.assign(", 10),
        ],
    );
}

#[test]
fn diffusion_fused() {
    diffusion(
        "fused",
        &[
            ("fused", "for i in", 210),
            ("fused", "let row =", 200),
            ("fused", "for j in", 4200),
            ("fused", "let lapl =", 4000),
            ("fused", "row[j] =", 4000),
        ],
    );
}

#[test]
fn diffusion_parallel() {
    // 20 rows are two bands, of 16 and of 4.
    diffusion(
        "parallel",
        &[
            ("parallel", "std::mem::swap(", 10),
            ("update_band", "let n =", 20),
            ("update_band", "for (offset, row) in", 220),
            ("update_band", "let above =", 200),
            ("update_band", "for j in", 4200),
            ("update_band", "let lapl =", 4000),
            ("update_band", "row[j] =", 4000),
        ],
    );
}

#[test]
fn auc() {
    for (arguments, workers) in [
        ("--mode serial 1000", 1),
        ("--mode threads --workers 3 1000", 3),
        ("--mode processes --workers 3 1000", 3),
    ] {
        runs(
            "auc",
            arguments,
            &[
                ("area_of_part", "let dx =", workers),
                ("area_of_part", "for i in", 1000 + workers),
                ("area_of_part", "let x =", 1000),
                ("area_of_part", "let y =", 1000),
                ("area_of_part", "area +=", 1000),
            ],
        );
    }
}

#[test]
fn expr() {
    runs(
        "expr",
        "--mode temporaries --rounds 2 100",
        &[
            ("temporaries", "let a2 =", 2),
            ("temporaries", "sum(&squares, &two_ab)", 2),
            ("product", "let mut c =", 6),
            ("product", "for i in", 606),
            ("product", "c[i] =", 600),
            ("sum", "for i in", 606),
            ("sum", "c[i] =", 600),
        ],
    );
    runs(
        "expr",
        "--mode fused --rounds 2 100",
        &[
            ("fused", "fused_into(", 2),
            ("fused_into", "for i in", 202),
            ("fused_into", "c[i] =", 200),
        ],
    );
    runs(
        "expr",
        "--mode threaded --workers 3 --rounds 2 100",
        &[
            ("threaded", "for worker in", 8),
            ("fused_into", "for i in", 206),
            ("fused_into", "c[i] =", 200),
        ],
    );
}

#[test]
fn fib() {
    // fib(11) = 89: 2 * 89 - 1 calls.
    runs(
        "fib",
        "10",
        &[
            ("fib", "if n < 2 {", 177),
            ("fib", "return n;", 89),
            ("fib", "fib(n - 1) + fib(n - 2)", 88),
        ],
    );
}

#[test]
fn fork() {
    for (mode, function) in [("fork", "first_fork"), ("exec", "second_fork")] {
        runs(
            "fork",
            &format!("--mode {mode} --children 3"),
            &[
                (function, "for _ in", 4),
                (function, "let pid =", 3),
                (function, "println!(", 3),
                (function, "pids.push(pid);", 3),
                (function, "join(pids)", 1),
                ("child", "println!(", 3),
            ],
        );
    }
}

#[test]
fn half_annotated() {
    runs(
        "half_annotated",
        "--copies 4 100",
        &[
            ("median_of_text", "let mut numbers =", 1),
            ("median_of_text", "for _ in", 5),
            ("median_of_text", "copy_into(", 4),
            ("median_of_text", "sum +=", 4),
            ("random_text", "for _ in", 101),
            ("random_text", "text.push(", 100),
        ],
    );
}

#[test]
fn list_alloc() {
    for (arguments, function, last) in [
        ("", "list_alloc", "drop(x);"),
        ("--out-of-scope", "out_of_scope", "}"),
        ("--leak", "leak", "std::mem::forget(x);"),
    ] {
        runs(
            "list_alloc",
            arguments,
            &[
                (function, "let x =", 1),
                (function, "let mut a =", 1),
                (function, "a +=", 1),
                (function, "println!(", 1),
                (function, last, 1),
            ],
        );
    }
}

#[test]
fn out_of_core() {
    // 1.5 MiB: a row of 131072 numbers, and half a row.
    let created = Recorded::new("out_of_core", "create --size 1536KiB numbers.bin");
    check(
        &created,
        &[
            ("create", "for row in", 3),
            ("create", "for value in", 196_610),
            ("create", "value.copy_from_slice(", 196_608),
        ],
    );
    let file = created.folder.path().join("numbers.bin");
    runs(
        "out_of_core",
        &format!("average {}", file.display()),
        &[
            ("average", "for row in", 3),
            ("average", "for value in", 196_610),
            ("average", "total +=", 196_608),
        ],
    );
}

#[test]
fn shared_array() {
    runs(
        "shared_array",
        "--processes 4",
        &[
            ("negated", "for (i, element) in", 5),
            ("negated", "element.store(", 4),
            ("negate", "let value =", 4),
            ("negate", "element.store(", 4),
        ],
    );
}

#[test]
fn shared_counter() {
    for (mode, function, line) in [
        ("race", "add_race", "let old ="),
        ("locked", "add_locked", "let guard ="),
        ("atomic", "add_atomic", "value.fetch_add("),
    ] {
        runs(
            "shared_counter",
            &format!("--mode {mode} --processes 3 --increments 5 --pause 10 --hold 10"),
            &[
                (function, "for _ in", 18),
                (function, "sleep(pause);", 15),
                (function, line, 15),
            ],
        );
    }
}

#[test]
fn summer() {
    for mode in ["serial", "threads", "processes"] {
        runs(
            "summer",
            &format!("--mode {mode} --runs 3 --stop 1000"),
            &[
                ("my_summer", "let mut tot =", 3),
                ("my_summer", "for i in", 3003),
                ("my_summer", "tot +=", 3000),
            ],
        );
    }
}

#[test]
fn task_farm() {
    // Tasks of 10, 20, ... 60 rounds: 210 in all.
    let work = [
        ("work", "let mut bits =", 6),
        ("work", "for _ in", 216),
        ("work", "bits ^=", 210),
        ("scatter_gather", "for worker in", 3),
        ("scatter_gather", "scatter.send(", 2),
    ];
    let farm = |view| {
        Recorded::new(
            "task_farm",
            &format!("--view {view} --workers 2 --tasks 6 --unit 10"),
        )
    };
    let direct = farm("direct");
    check(&direct, &work);
    check(
        &direct,
        &[
            ("direct_engine", "for task in", 8),
            ("direct_engine", "done.push(", 6),
        ],
    );
    let balanced = farm("balanced");
    check(&balanced, &work);
    check(
        &balanced,
        &[
            ("balanced_engine", "let taken =", 8),
            ("balanced_engine", "break;", 2),
            ("balanced_engine", "done.push(", 6),
        ],
    );
}

#[test]
fn word_count() {
    // 600 lines in chunks of 256 are three chunks.
    let text = "The old whale swims\n".repeat(600);
    let files = [("text.txt", text.as_str()), ("stop.txt", "the\n")];
    let recorded = Recorded::with_files("word_count", "--stop-words stop.txt text.txt", &files);
    assert_eq!(recorded.run.stdout, "600 old\n600 swims\n600 whale\n");
    check(
        &recorded,
        &[
            ("map", "let mut counts =", 3),
            ("map", "for line in", 603),
            ("map", "for word in", 3000),
            ("map", "let word =", 2400),
            ("map", "if !word.is_empty()", 2400),
            ("map", "*counts", 1800),
            ("reduce", "for part in", 4),
            ("reduce", "for (word, count) in", 12),
            ("reduce", "*total", 9),
        ],
    );
}
