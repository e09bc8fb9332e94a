//! Laplacian and step in one pass, without an array between them: half the memory traffic.
//!
//! Hits: `for i in` `nsteps * (nrows + 1)`, the lines of its body `nsteps * nrows`, `for j in`
//! `nsteps * nrows * (nrows + 1)`, the statement below it `nsteps * nrows * nrows`.

use crate::grid::{Grid, Output};

/// One pass over the field in each step.
#[hprof::profile]
pub fn fused(grid: &Grid, start: &[f64], output: &mut Output<'_>) -> Vec<f64> {
    let n = grid.npnts;
    let mut dens = start.to_vec();
    let mut next = vec![0.0; n * n];
    let mut simtime = 0.0;
    output(simtime, &|i, j| dens[i * n + j]);
    for step in 1..=grid.nsteps {
        for i in 1..=grid.nrows {
            let above = &dens[(i - 1) * n..][..n];
            let here = &dens[i * n..][..n];
            let below = &dens[(i + 1) * n..][..n];
            let row = &mut next[i * n..][..n];
            for j in 1..n - 1 {
                let lapl = below[j] + above[j] + here[j + 1] + here[j - 1] - 4.0 * here[j];
                row[j] = here[j] + grid.rate * lapl;
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
