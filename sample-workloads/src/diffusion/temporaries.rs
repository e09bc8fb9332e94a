//! A Laplacian allocated anew in each step, as array languages do it behind the scenes.
//!
//! Hits: `let lapl` and the lines beside it `nsteps`, each of which allocates `npnts^2 * 8` bytes in [`laplacian`].
//! There and in the loop over the step, `for i in` has `nsteps * (nrows + 1)`, `for j in`
//! `nsteps * nrows * (nrows + 1)` and the statement below `nsteps * nrows * nrows` hits.

use crate::grid::{Grid, Output};

/// As [`flat`](super::flat()), with a new Laplacian in each step.
#[hprof::profile]
pub fn temporaries(grid: &Grid, start: &[f64], output: &mut Output<'_>) -> Vec<f64> {
    let n = grid.npnts;
    let mut dens = start.to_vec();
    let mut next = vec![0.0; n * n];
    let mut simtime = 0.0;
    output(simtime, &|i, j| dens[i * n + j]);
    for step in 1..=grid.nsteps {
        let lapl = laplacian(grid, &dens);
        for i in 1..=grid.nrows {
            for j in 1..=grid.nrows {
                next[i * n + j] = dens[i * n + j] + grid.rate * lapl[i * n + j];
            }
        }
        drop(lapl);
        std::mem::swap(&mut dens, &mut next);
        simtime += grid.dt;
        if step % grid.nper == 0 {
            output(simtime, &|i, j| dens[i * n + j]);
        }
    }
    dens
}

#[hprof::profile]
fn laplacian(grid: &Grid, dens: &[f64]) -> Vec<f64> {
    let n = grid.npnts;
    let mut lapl = vec![0.0; n * n];
    for i in 1..=grid.nrows {
        for j in 1..=grid.nrows {
            let at = i * n + j;
            lapl[at] = dens[at + n] + dens[at - n] + dens[at + 1] + dens[at - 1] - 4.0 * dens[at];
        }
    }
    lapl
}
