//! The way from one seed to its point, taken again.

use super::Options;
use super::solve::{End, Solver};
use crate::map::Map;
use serde::{Deserialize, Serialize};

/// What a seed's run did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// Norm of what Newton drives to zero, before every step; Newton's steps and those of Levenberg-Marquardt alike.
    pub residuals: Vec<f64>,
    /// Where the run ended, before the polish, `[field, unit]`.
    pub end: Vec<f64>,
    /// Whether it ended on a fixed point.
    pub converged: bool,
}

/// Runs the solver of a search from one seed, `[field, unit]`, with the search's state scale.
///
/// # Panics
///
/// Where the seed's length is not [`Map::n_state`].
pub fn path(map: &Map, seed: &[f64], state_scale: f64, options: &Options) -> Path {
    assert_eq!(
        seed.len(),
        map.n_state(),
        "a seed has one number per state coordinate"
    );
    let mut solver = Solver::new(map, state_scale, options.steps_max);
    solver.trace = Some(Vec::new());
    let run = solver.run(seed);
    Path {
        residuals: solver.trace.take().unwrap_or_default(),
        end: run.state,
        converged: run.end == End::Point,
    }
}
