//! The grid and time steps that follow from the diffusion parameters.

use clap::ValueEnum;
use thiserror::Error;

use crate::parameters::Parameters;

/// The most points a side may have: three fields of this size take 9.6 GB.
pub const MAX_POINTS: usize = 20_000;

/// Shows a field at an output time: gets the simulation time and a function that reads the density of row `i`,
/// column `j` (each below `npnts`), whatever the variant stores it in.
pub type Output<'a> = dyn FnMut(f64, &dyn Fn(usize, usize) -> f64) + 'a;

/// How the same field is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Variant {
    /// Nested vectors.
    Naive,
    /// One flat vector, indexed by hand.
    Flat,
    /// Rows as slices.
    Slices,
    /// A new Laplacian allocated in each step.
    Temporaries,
    /// Whole-array slices of the ndarray crate, with a temporary per operator: the numpy way.
    Ndarray,
    /// One pass over the field, no Laplacian array: the numexpr way.
    Fused,
    /// As fused, rows shared among rayon's threads.
    Parallel,
}

/// The discretised square: every number a diffusion loop needs.
///
/// Point 0 and point `nrows + 1` of each direction are the boundary, where the density stays 0.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Grid {
    /// Inner points in each direction.
    pub nrows: usize,
    /// Points in each direction, boundary included: `nrows + 2`.
    pub npnts: usize,
    /// Distance of grid points, the wished one rounded so that `nrows` of them fill the domain.
    pub dx: f64,
    /// Time step, the largest stable one.
    pub dt: f64,
    /// Number of time steps.
    pub nsteps: usize,
    /// Time steps between two outputs, at least 1.
    pub nper: usize,
    /// What the Laplacian is multiplied with in each step: `D / dx^2 * dt`.
    pub rate: f64,
    /// The `npnts` coordinates, the same in both directions.
    pub x: Vec<f64>,
    middle: f64,
    width: f64,
}

/// Parameters that describe no grid.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum GridError {
    /// The domain is narrower than one grid distance.
    #[error("no grid point fits between x1 = {x1} and x2 = {x2} at dx = {dx}")]
    Empty {
        /// Lower edge.
        x1: f64,
        /// Upper edge.
        x2: f64,
        /// Wished distance of points.
        dx: f64,
    },
    /// The grid would need more memory than can be meant.
    #[error("dx = {dx} gives {points} points a side, more than {MAX_POINTS}")]
    TooFine {
        /// Wished distance of points.
        dx: f64,
        /// Points a side, rounded down.
        points: f64,
    },
    /// Outputs would be closer than the time steps.
    #[error("outtime = {outtime} is shorter than the time step {dt}")]
    OuttimeTooShort {
        /// Simulated time between two outputs.
        outtime: f64,
        /// Time step.
        dt: f64,
    },
}

impl Grid {
    /// Works out the grid by the formulas of the course.
    ///
    /// ```
    /// use sample_workloads::{grid::Grid, parameters::Parameters};
    ///
    /// let grid = Grid::new(&Parameters { dx: 0.5, ..Parameters::default() }).unwrap();
    /// assert_eq!((grid.nrows, grid.npnts), (40, 42));
    /// assert_eq!(grid.dt, 0.0625);
    /// ```
    ///
    /// # Errors
    /// [`GridError`] if no point, too many points or no whole time step would fit.
    pub fn new(parameters: &Parameters) -> Result<Self, GridError> {
        let &Parameters {
            diffusion,
            x1,
            x2,
            runtime,
            dx,
            outtime,
            ..
        } = parameters;
        let wished = (x2 - x1) / dx;
        if wished.is_nan() || wished < 1.0 {
            return Err(GridError::Empty { x1, x2, dx });
        }
        if wished > MAX_POINTS as f64 {
            return Err(GridError::TooFine {
                dx,
                points: wished.floor(),
            });
        }
        let nrows = whole(wished);
        let npnts = nrows + 2;
        let dx = (x2 - x1) / nrows as f64;
        let dt = 0.25 * dx * dx / diffusion;
        let nper = whole(outtime / dt);
        if nper == 0 {
            return Err(GridError::OuttimeTooShort { outtime, dt });
        }
        Ok(Self {
            nrows,
            npnts,
            dx,
            dt,
            nsteps: whole(runtime / dt),
            nper,
            rate: diffusion / (dx * dx) * dt,
            x: linspace(x1 - dx, x2 + dx, npnts),
            middle: (x1 + x2) / 2.0,
            width: x2 - x1,
        })
    }

    /// The course's initial profile along one direction at point `i`: two peaks of height 1, and 0 at the edges and
    /// in the middle.
    pub fn peak(&self, i: usize) -> f64 {
        1.0 - (1.0 - 4.0 * ((self.x[i] - self.middle) / self.width).abs()).abs()
    }
}

/// Rounds towards zero, as the course's `int()` does.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounding down is the point; all are >= 0"
)]
fn whole(value: f64) -> usize {
    value as usize
}

/// `count` (at least 2) evenly spaced values from `first` to `last`, both included.
fn linspace(first: f64, last: f64, count: usize) -> Vec<f64> {
    let step = (last - first) / (count - 1) as f64;
    (0..count).map(|i| first + step * i as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_course_parameters_give_299_rows() {
        let course = Parameters {
            dx: 0.0667,
            runtime: 15.0,
            outtime: 0.5,
            ..Parameters::default()
        };
        let grid = Grid::new(&course).unwrap();
        // 20 / 0.0667 = 299.85; dt = (20 / 299)^2 / 4 = 0.00111855...
        assert_eq!((grid.nrows, grid.npnts), (299, 301));
        assert_eq!((grid.nsteps, grid.nper), (13_410, 447));
        assert!((grid.rate - 0.25).abs() < 1e-15);
        assert_eq!((grid.x.len(), grid.x[0]), (301, -10.0 - grid.dx));
        assert!((grid.x[300] - (10.0 + grid.dx)).abs() < 1e-12);
    }

    #[test]
    fn impossible_grids_are_refused() {
        let grid = |parameters: Parameters| Grid::new(&parameters).unwrap_err().to_string();
        let base = Parameters {
            dx: 0.5,
            ..Parameters::default()
        };
        assert_eq!(
            grid(Parameters {
                x1: 1.0,
                x2: 0.0,
                ..base
            }),
            "no grid point fits between x1 = 1 and x2 = 0 at dx = 0.5"
        );
        assert_eq!(
            grid(Parameters { dx: 1e-4, ..base }),
            "dx = 0.0001 gives 200000 points a side, more than 20000"
        );
        assert_eq!(
            grid(Parameters {
                outtime: 0.001,
                ..base
            }),
            "outtime = 0.001 is shorter than the time step 0.0625"
        );
    }
}
