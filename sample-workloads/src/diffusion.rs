//! Two-dimensional diffusion, `dp/dt = D (d2p/dx2 + d2p/dy2)` on a square with density 0 at its edge.
//!
//! Explicit time steps, 5-point Laplacian. This file holds the naive version, nested vectors as a beginner
//! writes them; each file in `diffusion/` computes the same field in another way, equal to rounding.
//!
//! Hits of [`naive`], worked out by hand from [`Grid`]:
//!
//! | line | hits |
//! |---|---|
//! | `for step in` | `nsteps + 1` |
//! | `for i in`, each of the two | `nsteps * (nrows + 1)` |
//! | `for j in`, each of the two | `nsteps * nrows * (nrows + 1)` |
//! | `lapl[i][j] =`, `next[i][j] =` | `nsteps * nrows * nrows` |
//! | `output(...)` in the loop | `nsteps / nper` |

mod arrays;
mod flat;
mod fused;
mod parallel;
mod slices;
mod temporaries;

pub use arrays::ndarray;
pub use flat::flat;
pub use fused::fused;
pub use parallel::{BAND, parallel};
pub use slices::slices;
pub use temporaries::temporaries;

use crate::grid::{Grid, Output, Variant};

/// Runs one variant from the field `start` to the end and returns the last field.
///
/// A field is `npnts * npnts` densities, row after row. `output` gets the simulation time and a way to read the
/// field at the start and then every `nper` steps.
pub fn run(variant: Variant, grid: &Grid, start: &[f64], output: &mut Output<'_>) -> Vec<f64> {
    match variant {
        Variant::Naive => naive(grid, start, output),
        Variant::Flat => flat(grid, start, output),
        Variant::Slices => slices(grid, start, output),
        Variant::Temporaries => temporaries(grid, start, output),
        Variant::Ndarray => ndarray(grid, start, output),
        Variant::Fused => fused(grid, start, output),
        Variant::Parallel => parallel(grid, start, output),
    }
}

/// The course's initial field: four peaks, `a(x) * a(y)` with `a(x) = 1 - |1 - 4 |(x - xm) / (x2 - x1)||`.
#[hprof::profile]
pub fn four_peaks(grid: &Grid) -> Vec<f64> {
    let mut dens = vec![0.0; grid.npnts * grid.npnts];
    for i in 1..=grid.nrows {
        let a = grid.peak(i);
        for j in 1..=grid.nrows {
            dens[i * grid.npnts + j] = a * grid.peak(j);
        }
    }
    dens
}

/// Nested vectors, one whole sweep for the Laplacian and one for the step.
#[hprof::profile]
pub fn naive(grid: &Grid, start: &[f64], output: &mut Output<'_>) -> Vec<f64> {
    let mut dens: Vec<Vec<f64>> = start.chunks(grid.npnts).map(<[f64]>::to_vec).collect();
    let mut next = vec![vec![0.0; grid.npnts]; grid.npnts];
    let mut lapl = vec![vec![0.0; grid.npnts]; grid.npnts];
    let mut simtime = 0.0;
    output(simtime, &|i, j| dens[i][j]);
    for step in 1..=grid.nsteps {
        for i in 1..=grid.nrows {
            for j in 1..=grid.nrows {
                lapl[i][j] = dens[i + 1][j] + dens[i - 1][j] + dens[i][j + 1] + dens[i][j - 1]
                    - 4.0 * dens[i][j];
            }
        }
        for i in 1..=grid.nrows {
            for j in 1..=grid.nrows {
                next[i][j] = dens[i][j] + grid.rate * lapl[i][j];
            }
        }
        std::mem::swap(&mut dens, &mut next);
        simtime += grid.dt;
        if step % grid.nper == 0 {
            output(simtime, &|i, j| dens[i][j]);
        }
    }
    dens.concat()
}
