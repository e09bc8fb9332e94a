//! Known answers of the first programs, from the annotated and the plain twin.

use std::process::Command;

use sample_workloads::grid::{Grid, Variant};
use sample_workloads::parameters::Parameters;
use sample_workloads::{auc, diffusion, fib, plain};

/// What a program prints, after checking that it ended well.
fn printed(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .expect("the program starts");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the programs print UTF-8")
}

#[test]
fn auc_is_left_rule_of_8_175() {
    for n in [1, 10, 999, 100_000] {
        // The left rule's own error: half a step times the rise of the end values, and the next term.
        let (step, expected) = (3.0 / n as f64, |h: f64| {
            auc::EXACT - 0.45 * h + 6.9 / 12.0 * h * h
        });
        let tolerance = 1e-9 + step.powi(4);
        for area in [
            auc::serial(n),
            auc::threads(n, 3),
            plain::auc::serial(n),
            plain::auc::threads(n, 3),
        ] {
            assert!((area - expected(step)).abs() < tolerance, "n = {n}: {area}");
        }
    }
}

#[test]
fn auc_prints_the_area() {
    let program = env!("CARGO_BIN_EXE_auc");
    assert_eq!(printed(program, &["3000000"]), "The area is 8.175000\n");
    assert_eq!(
        printed(
            program,
            &["--mode", "threads", "--workers", "3", "--plain", "3000000"]
        ),
        "The area is 8.175000\n"
    );
}

#[test]
fn fib_is_known() {
    assert_eq!([0, 1, 2, 10, 20].map(fib::fib), [0, 1, 1, 55, 6765]);
    assert_eq!(plain::fib::fib(20), 6765);
    assert_eq!(
        printed(env!("CARGO_BIN_EXE_fib"), &["20"]),
        "fib(20) = 6765\n"
    );
}

#[test]
fn list_alloc_prints_one() {
    let program = env!("CARGO_BIN_EXE_list_alloc");
    for arguments in [&[][..], &["--plain"], &["--out-of-scope"], &["--leak"]] {
        assert_eq!(
            printed(program, arguments),
            "1.0\nis a one\n\n",
            "{arguments:?}"
        );
    }
}

#[test]
fn diffusion_prints_the_time_at_every_output() {
    let file = std::env::temp_dir().join(format!("hprof-diffusion-{}.par", std::process::id()));
    std::fs::write(
        &file,
        "dx = 0.5;\nruntime = 1.0;\nouttime = 0.25; # every fourth step\n",
    )
    .unwrap();
    for variant in ["naive", "flat", "slices"] {
        let times = printed(
            env!("CARGO_BIN_EXE_diffusion"),
            &["--variant", variant, file.to_str().unwrap()],
        );
        assert_eq!(
            times, "0.0000\n0.2500\n0.5000\n0.7500\n1.0000\n",
            "{variant}"
        );
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn diffusion_names_file_and_line_of_a_mistake() {
    let file =
        std::env::temp_dir().join(format!("hprof-diffusion-wrong-{}.par", std::process::id()));
    std::fs::write(&file, "dx = 0.5;\nrun = 1.0;\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_diffusion"))
        .arg(&file)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains(&format!("{}:2: unknown parameter `run`", file.display())),
        "{error}"
    );
    std::fs::remove_file(&file).unwrap();
}

/// A grid of 16 x 16 inner points.
fn small_grid() -> Grid {
    Grid::new(&Parameters {
        x1: 0.0,
        x2: 1.0,
        dx: 1.0 / 16.0,
        runtime: 0.1,
        outtime: 0.05,
        ..Parameters::default()
    })
    .expect("the parameters make sense")
}

/// The first step by the definition, to check the variants against something that is not one of them.
#[test]
fn one_step_is_the_average_of_the_neighbours() {
    let mut grid = small_grid();
    grid.nsteps = 1;
    let n = grid.npnts;
    let start = diffusion::four_peaks(&grid);
    let end = diffusion::naive(&grid, &start, &mut |_, _| ());
    // dt is chosen so that rate is 1/4: what is left of the old value is exactly nothing.
    for i in 1..=grid.nrows {
        for j in 1..=grid.nrows {
            let at = i * n + j;
            let average = (start[at + n] + start[at - n] + start[at + 1] + start[at - 1]) / 4.0;
            assert!(
                (end[at] - average).abs() < 1e-15,
                "{i}, {j}: {} for {average}",
                end[at]
            );
        }
    }
}

#[test]
fn four_peaks_stand_where_they_should() {
    let grid = small_grid();
    let start = diffusion::four_peaks(&grid);
    assert_eq!(start, plain::diffusion::four_peaks(&grid));
    let n = grid.npnts;
    assert!(
        start[..n]
            .iter()
            .chain(&start[n * (n - 1)..])
            .all(|&p| p == 0.0),
        "the edge is 0"
    );
    let high = |i: usize, j: usize| start[i * n + j];
    // Quarter points are peaks, the middle and the edges are valleys; all four corners look alike.
    assert!(
        high(5, 5) > 0.8 && high(8, 8) < 0.1 && high(5, 8) < 0.2,
        "{} {}",
        high(5, 5),
        high(8, 8)
    );
    for (i, j) in [(5, 12), (12, 5), (12, 12)] {
        assert!((high(i, j) - high(5, 5)).abs() < 1e-12, "{i}, {j}");
    }
}

#[test]
fn all_variants_give_the_same_field() {
    let grid = small_grid();
    let start = diffusion::four_peaks(&grid);
    let mut times = Vec::new();
    let expected = diffusion::naive(&grid, &start, &mut |simtime, _| times.push(simtime));
    assert_eq!(times.len(), 1 + grid.nsteps / grid.nper);
    for variant in <Variant as clap::ValueEnum>::value_variants() {
        for run in [diffusion::run, plain::diffusion::run] {
            let mut shown = Vec::new();
            let field = run(*variant, &grid, &start, &mut |simtime, density| {
                shown.push(simtime);
                assert!(
                    (0..grid.npnts).all(|i| density(i, 0) == 0.0 && density(0, i) == 0.0),
                    "the edge stays 0"
                );
            });
            assert_eq!(shown, times, "{variant:?}");
            for (found, expected) in field.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() <= 1e-12 * expected.abs(),
                    "{variant:?}: {found} for {expected}"
                );
            }
        }
    }
}
