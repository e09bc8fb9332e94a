//! Simulates diffusion on a square and prints the simulation time at every output.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use sample_workloads::grid::{Grid, Variant};
use sample_workloads::parameters::Parameters;
use sample_workloads::{diffusion, plain};

/// Simulate two-dimensional diffusion and print the simulation time at every output.
#[derive(Debug, Parser)]
#[command(after_help = "Example: with the parameter file\n\n    \
    dx       = 0.2;    # distance of grid points\n    runtime  = 5.0;\n    outtime  = 1.0;\n    graphics = False;\n\n\
    diffusion --variant flat coarse.par\n\nprints the times 0.0000 to 5.0000 in six lines.")]
struct Args {
    /// How to compute the field
    #[arg(long, value_enum, default_value_t = Variant::Naive)]
    variant: Variant,
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
    let mut output =
        |simtime: f64, _density: &dyn Fn(usize, usize) -> f64| println!("{simtime:.4}");
    if args.plain {
        let start = plain::diffusion::four_peaks(&grid);
        plain::diffusion::run(args.variant, &grid, &start, &mut output);
    } else {
        let start = diffusion::four_peaks(&grid);
        diffusion::run(args.variant, &grid, &start, &mut output);
    }
    Ok(())
}
