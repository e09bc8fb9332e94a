//! Rows as slices of one length, so that the compiler can leave out bounds checks and vectorise.
//!
//! Hits: `for i in` `nsteps * (nrows + 1)`, the lines of its body `nsteps * nrows`, `for j in`
//! `nsteps * nrows * (nrows + 1)`, the statement below it `nsteps * nrows * nrows`; twice each.

use crate::grid::{Grid, Output};

/// As [`flat`](super::flat()), a row at a time.
#[hprof::profile]
pub fn slices(grid: &Grid, start: &[f64], output: &mut Output<'_>) -> Vec<f64> {
    let n = grid.npnts;
    let mut dens = start.to_vec();
    let mut next = vec![0.0; n * n];
    let mut lapl = vec![0.0; n * n];
    let mut simtime = 0.0;
    output(simtime, &|i, j| dens[i * n + j]);
    for step in 1..=grid.nsteps {
        for i in 1..=grid.nrows {
            let above = &dens[(i - 1) * n + 1..][..grid.nrows];
            let left = &dens[i * n..][..grid.nrows];
            let here = &dens[i * n + 1..][..grid.nrows];
            let right = &dens[i * n + 2..][..grid.nrows];
            let below = &dens[(i + 1) * n + 1..][..grid.nrows];
            let row = &mut lapl[i * n + 1..][..grid.nrows];
            for j in 0..grid.nrows {
                row[j] = below[j] + above[j] + right[j] + left[j] - 4.0 * here[j];
            }
        }
        for i in 1..=grid.nrows {
            let here = &dens[i * n + 1..][..grid.nrows];
            let change = &lapl[i * n + 1..][..grid.nrows];
            let row = &mut next[i * n + 1..][..grid.nrows];
            for j in 0..grid.nrows {
                row[j] = here[j] + grid.rate * change[j];
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
