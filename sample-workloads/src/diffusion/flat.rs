//! One vector for the whole field, indexed by hand: the C++ way.
//!
//! Hits are those of the naive version, line by line.

use crate::grid::{Grid, Output};

/// One flat vector a field, one whole sweep for the Laplacian and one for the step.
#[hprof::profile]
pub fn flat(grid: &Grid, start: &[f64], output: &mut Output<'_>) -> Vec<f64> {
    let n = grid.npnts;
    let mut dens = start.to_vec();
    let mut next = vec![0.0; n * n];
    let mut lapl = vec![0.0; n * n];
    let mut simtime = 0.0;
    output(simtime, &|i, j| dens[i * n + j]);
    for step in 1..=grid.nsteps {
        for i in 1..=grid.nrows {
            for j in 1..=grid.nrows {
                let at = i * n + j;
                lapl[at] =
                    dens[at + n] + dens[at - n] + dens[at + 1] + dens[at - 1] - 4.0 * dens[at];
            }
        }
        for i in 1..=grid.nrows {
            for j in 1..=grid.nrows {
                let at = i * n + j;
                next[at] = dens[at] + grid.rate * lapl[at];
            }
        }
        std::mem::swap(&mut dens, &mut next);
        simtime += grid.dt;
        if step % grid.nper == 0 {
            output(simtime, &|i, j| dens[i * n + j]);
        }
    }
    dens
}
