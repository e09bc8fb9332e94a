//! Whole-array arithmetic with the ndarray crate: what numpy is to Python.
//!
//! Hits: `for step in` `nsteps + 1`, each line of its body `nsteps`. One line is one sweep over the field or several,
//! one for each operator, each with a temporary array.

use ndarray::{Array2, s};

use crate::grid::{Grid, Output};

/// Slices of whole arrays; the Laplacian is an array of its own.
#[hprof::profile]
pub fn ndarray(grid: &Grid, start: &[f64], output: &mut Output<'_>) -> Vec<f64> {
    let n = grid.npnts;
    let mut dens = Array2::from_shape_fn((n, n), |(i, j)| start[i * n + j]);
    let mut next = Array2::zeros((n, n));
    let mut lapl = Array2::<f64>::zeros((n, n));
    let mut simtime = 0.0;
    output(simtime, &|i, j| dens[(i, j)]);
    for step in 1..=grid.nsteps {
        let below = dens.slice(s![2.., 1..n - 1]);
        let above = dens.slice(s![..n - 2, 1..n - 1]);
        let right = dens.slice(s![1..n - 1, 2..]);
        let left = dens.slice(s![1..n - 1, ..n - 2]);
        let here = dens.slice(s![1..n - 1, 1..n - 1]);
        let sum = &below + &above + right + left - 4.0 * &here;
        lapl.slice_mut(s![1..n - 1, 1..n - 1]).assign(&sum);
        next.assign(&(&dens + grid.rate * &lapl));
        std::mem::swap(&mut dens, &mut next);
        simtime += grid.dt;
        if step % grid.nper == 0 {
            output(simtime, &|i, j| dens[(i, j)]);
        }
    }
    dens.into_raw_vec_and_offset().0
}
