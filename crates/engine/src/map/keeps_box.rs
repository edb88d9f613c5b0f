//! Holds the box that a cell declares against its map: states inside it must stay inside.

use super::Map;
use crate::cell::Cell;
use crate::error::EngineError;
use crate::population::{Architecture, Seeds, initialise::initialise};
use chiliad_tasks::random::{Draws, Stream};
use std::sync::Arc;

/// Purpose word of the stream of weights' gains, constants, inputs and states.
const STATES: u32 = 0xa02;
/// Random networks.
const NETWORKS: u64 = 20;
/// States of each, every other one a corner of the box: the border is where a wrong bound shows.
const PER_NETWORK: u32 = 50;

/// What was found about a cell's box.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub enum BoxKept {
    /// The sidecar declares none: certificates are "not applicable".
    Undeclared,
    /// One is declared, but the activation linked in has no bound.
    Unbounded,
    /// One is declared that no half-widths follow from: a field without a bound, a gate that is not there, or a drive
    /// whose size is not known.
    Incomputable,
    /// States were stepped.
    Stepped {
        /// Steps taken.
        steps: usize,
        /// Largest |state after the step| / half-width; 1 is the border.
        farthest: f64,
    },
}

impl BoxKept {
    /// Whether nothing contradicts the sidecar; rounding may pass the border by 1e-12 of it.
    pub fn passed(&self) -> bool {
        match self {
            Self::Undeclared | Self::Unbounded => true,
            Self::Incomputable => false,
            Self::Stepped { farthest, .. } => *farthest <= 1.0 + 1e-12,
        }
    }
}

/// Steps random states inside the box of random networks: three times the initial weights, constants from their ranges.
///
/// # Errors
///
/// Those of [`Map::new`].
pub fn keeps_box(cell: &Arc<Cell>) -> Result<BoxKept, EngineError> {
    if cell.sidecar.bounds.is_empty() {
        return Ok(BoxKept::Undeclared);
    }
    if cell.activation.bound.is_none() {
        return Ok(BoxKept::Unbounded);
    }
    let architecture = Architecture {
        cell: Arc::clone(cell),
        units: 7,
        inputs: 2,
        outputs: 1,
    };
    let (mut steps, mut farthest) = (0, 0.0_f64);
    for network in 0..NETWORKS {
        let stream = Stream::new(network, STATES);
        let mut population = initialise(&architecture, &[Seeds::all(network)]);
        population.params.iter_mut().for_each(|p| *p *= 3.0);
        let mut draws = stream.draws(0);
        for ((name, _), value) in cell.constants.iter().zip(&mut population.constants) {
            if let Some((low, high)) = cell.sidecar.ranges.get(name) {
                let drawn = low + (high - low) * f64::from(draws.uniform());
                *value = if drawn.is_finite() {
                    drawn as f32
                } else {
                    *value
                };
            }
        }
        let input = [draws.normal(), draws.normal()];
        let map = Map::new(&population, 0, &input)?;
        let Some(widths) = map.half_widths() else {
            continue;
        };
        let mut scratch = map.scratch();
        for i in 0..PER_NETWORK {
            let mut draws = stream.draws(i + 1);
            let corner = i % 2 == 0;
            let state: Vec<f64> = widths
                .iter()
                .map(|w| w * position(&mut draws, corner))
                .collect();
            let mut next = state.clone();
            map.step(&mut scratch, &state, &mut next);
            for (x, w) in next.iter().zip(widths) {
                let out = x.abs() / w;
                // A half-width of zero holds zero alone.
                let out = if *x == 0.0 { 0.0 } else { out };
                farthest = farthest.max(if out.is_nan() { f64::INFINITY } else { out });
            }
            steps += 1;
        }
    }
    Ok(if steps == 0 {
        BoxKept::Incomputable
    } else {
        BoxKept::Stepped { steps, farthest }
    })
}

/// A coordinate in units of the half-width.
fn position(draws: &mut Draws, corner: bool) -> f64 {
    if corner {
        f64::from(draws.sign())
    } else {
        2.0 * f64::from(draws.uniform()) - 1.0
    }
}
