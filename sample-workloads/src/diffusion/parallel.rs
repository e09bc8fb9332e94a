//! The fused pass, shared among rayon's threads in bands of rows.
//!
//! Hits over all threads: [`parallel`]'s own lines `nsteps`; [`update_band`] is called
//! `nsteps * ceil(nrows / BAND)` times; its `for row in` has `nsteps * (nrows + ceil(nrows / BAND))` hits, the lines
//! below `nsteps * nrows`, `for j in` `nsteps * nrows * (nrows + 1)`, the statements below it `nsteps * nrows * nrows`.

use rayon::prelude::*;

use crate::grid::{Grid, Output};

/// Rows a thread takes at a time: enough work to pay for the hand-over, enough bands for a few threads.
pub const BAND: usize = 16;

/// As [`fused`](super::fused()), on the threads of rayon's current pool.
#[hprof::profile]
pub fn parallel(grid: &Grid, start: &[f64], output: &mut Output<'_>) -> Vec<f64> {
    let n = grid.npnts;
    let mut dens = start.to_vec();
    let mut next = vec![0.0; n * n];
    let mut simtime = 0.0;
    output(simtime, &|i, j| dens[i * n + j]);
    for step in 1..=grid.nsteps {
        let bands = next[n..n * (n - 1)].par_chunks_mut(n * BAND).enumerate();
        bands.for_each(|(band, rows)| update_band(grid, &dens, 1 + band * BAND, rows));
        std::mem::swap(&mut dens, &mut next);
        simtime += grid.dt;
        if step % grid.nper == 0 {
            output(simtime, &|i, j| dens[i * n + j]);
        }
    }
    dens
}

/// Computes the new values of whole rows, the first of which is row `first` of the field.
#[hprof::profile]
fn update_band(grid: &Grid, dens: &[f64], first: usize, rows: &mut [f64]) {
    let n = grid.npnts;
    for (offset, row) in rows.chunks_exact_mut(n).enumerate() {
        let i = first + offset;
        let above = &dens[(i - 1) * n..][..n];
        let here = &dens[i * n..][..n];
        let below = &dens[(i + 1) * n..][..n];
        for j in 1..n - 1 {
            let lapl = below[j] + above[j] + here[j + 1] + here[j - 1] - 4.0 * here[j];
            row[j] = here[j] + grid.rate * lapl;
        }
    }
}
