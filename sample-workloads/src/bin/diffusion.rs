//! Simulates diffusion on a square and prints the simulation time at every output.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use rayon::ThreadPoolBuilder;
use sample_workloads::frames::Frames;
use sample_workloads::grid::{Grid, Variant};
use sample_workloads::parameters::Parameters;
use sample_workloads::{diffusion, plain};

/// Simulate two-dimensional diffusion and print the simulation time at every output.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example: with the parameter file coarse.par\n\n    dx       = 0.2;    # distance of grid points\n    \
    runtime  = 5.0;\n    outtime  = 1.0;\n    graphics = True;\n\n    diffusion --variant flat coarse.par\n\nprints \
    the times 0.0000 to about 5 in six lines and writes the images frames/frame-0000.png to -0005.png."
)]
struct Args {
    /// How to compute the field
    #[arg(long, value_enum, default_value_t = Variant::Naive)]
    variant: Variant,
    /// Threads of the parallel variant; 0 is one per core
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Where images go if the parameters say `graphics = True`
    #[arg(long, value_name = "FOLDER", default_value = "frames")]
    frames: PathBuf,
    /// Run the twin without annotations
    #[arg(long)]
    plain: bool,
    /// Parameter file: `name = value;` lines for D, x1, x2, runtime, dx, outtime, graphics
    parameters: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let parameters = match &args.parameters {
        Some(file) => Parameters::read(file)?,
        None => Parameters::default(),
    };
    let grid = Grid::new(&parameters).context("the parameters describe no grid")?;
    let mut frames = None;
    if parameters.graphics {
        let folder = args.frames.display().to_string();
        let made = Frames::create(args.frames)
            .with_context(|| format!("cannot make the folder {folder}"))?;
        frames = Some(made);
    }

    let mut written = Ok(());
    let mut output = |simtime: f64, density: &dyn Fn(usize, usize) -> f64| {
        println!("{simtime:.4}");
        // After a failed image the simulation goes on: its times are an answer too.
        if let (Some(frames), true) = (&mut frames, written.is_ok()) {
            written = frames.write(grid.npnts, density);
        }
    };
    if args.variant == Variant::Parallel {
        ThreadPoolBuilder::new()
            .num_threads(args.threads)
            .build_global()?;
    }
    if args.plain {
        let start = plain::diffusion::four_peaks(&grid);
        plain::diffusion::run(args.variant, &grid, &start, &mut output);
    } else {
        let start = diffusion::four_peaks(&grid);
        diffusion::run(args.variant, &grid, &start, &mut output);
    }
    written.context("cannot write an image")
}
