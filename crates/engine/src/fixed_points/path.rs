//! The way from one seed to its point, taken again.

use super::Options;
use super::solve::{End, Solver};
use crate::error::EngineError;
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
/// # Errors
///
/// [`EngineError::Shape`] where the seed has another length than [`Map::n_state`].
pub fn path(
    map: &Map,
    seed: &[f64],
    state_scale: f64,
    options: &Options,
) -> Result<Path, EngineError> {
    if seed.len() != map.n_state() {
        return Err(EngineError::Shape {
            operation: "fixed points",
            what: "a seed".into(),
            found: format!("{} numbers", seed.len()),
            expected: format!("{} (state fields times units)", map.n_state()),
        });
    }
    let mut solver = Solver::new(map, state_scale, options.steps_max);
    solver.trace = Some(Vec::new());
    let run = solver.run(seed);
    Ok(Path {
        residuals: solver.trace.take().unwrap_or_default(),
        end: run.state,
        converged: run.end == End::Point,
    })
}
