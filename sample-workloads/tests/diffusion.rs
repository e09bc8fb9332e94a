//! Known answers of the diffusion program, all variants and both twins.

mod common;

use std::f64::consts::PI;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::Command;

use clap::ValueEnum;
use common::printed;
use sample_workloads::grid::{Grid, Variant};
use sample_workloads::parameters::Parameters;
use sample_workloads::{diffusion, plain};

#[test]
fn diffusion_prints_the_time_at_every_output() {
    let file = std::env::temp_dir().join(format!("hprof-diffusion-{}.par", std::process::id()));
    std::fs::write(
        &file,
        "dx = 0.5;\nruntime = 1.0;\nouttime = 0.25; # every fourth step\n",
    )
    .unwrap();
    for variant in [
        "naive",
        "flat",
        "slices",
        "temporaries",
        "ndarray",
        "fused",
        "parallel",
    ] {
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
    for variant in Variant::value_variants() {
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

/// A single sine wave keeps its form and decays as exp(-2 D k^2 t).
#[test]
fn a_sine_decays_at_the_known_rate() {
    let mut grid = small_grid();
    grid.nsteps = 40;
    let n = grid.npnts;
    // The wave fits between the boundary points, which are n - 1 distances apart.
    let angle = PI / (n - 1) as f64;
    let wave = |at: usize| (angle * (at / n) as f64).sin() * (angle * (at % n) as f64).sin();
    let inner = |at: usize| (1..n - 1).contains(&(at / n)) && (1..n - 1).contains(&(at % n));
    let start: Vec<f64> = (0..n * n)
        .map(|at| if inner(at) { wave(at) } else { 0.0 })
        .collect();

    let (diffusion_constant, k) = (1.0, angle / grid.dx);
    let time = grid.nsteps as f64 * grid.dt;
    let decay = (-2.0 * diffusion_constant * k * k * time).exp();
    // The first term that finite differences leave out: angle^4 / 12 a step.
    let tolerance = 1.1 * grid.nsteps as f64 * angle.powi(4) / 12.0;
    assert!(
        decay < 0.6 && tolerance < 0.006,
        "the test sees a decay of {decay} to {tolerance}"
    );
    for variant in Variant::value_variants() {
        let end = diffusion::run(*variant, &grid, &start, &mut |_, _| ());
        for at in (0..n * n).filter(|&at| inner(at)) {
            let ratio = end[at] / start[at] / decay;
            assert!(
                (ratio - 1.0).abs() < tolerance,
                "{variant:?}: {ratio} at {at}"
            );
        }
    }
}

#[test]
fn frames_are_images_of_the_field() {
    let folder = std::env::temp_dir().join(format!("hprof-frames-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("with graphics.par");
    std::fs::write(
        &file,
        "dx = 0.5;\nruntime = 0.5;\nouttime = 0.25;\ngraphics = True;\n",
    )
    .unwrap();
    let arguments = ["--frames", folder.to_str().unwrap(), file.to_str().unwrap()];
    assert_eq!(
        printed(env!("CARGO_BIN_EXE_diffusion"), &arguments),
        "0.0000\n0.2500\n0.5000\n"
    );
    let frames = [0, 1, 2].map(|k| pixels(&folder.join(format!("frame-000{k}.png"))));
    assert_eq!(frames[0].len(), 42 * 42);
    assert_eq!(frames[0][20], [0, 0, 0], "the edge is black");
    let white = |frame: &[[u8; 3]]| frame.contains(&[255, 255, 255]);
    assert!(white(&frames[0]) && !white(&frames[2]), "the peaks flatten");
    assert!(!folder.join("frame-0003.png").exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// The pixels of an image, row after row from the top.
fn pixels(file: &Path) -> Vec<[u8; 3]> {
    let file = BufReader::new(File::open(file).expect("the image was written"));
    let mut reader = png::Decoder::new(file)
        .read_info()
        .expect("the image is a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("the size is known")];
    reader.next_frame(&mut bytes).expect("the image is whole");
    bytes
        .chunks_exact(3)
        .map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect()
}
