//! Flows to be reconstructed: a network sees a trajectory and says where it goes next.

mod systems;

use std::sync::Arc;

use serde::Deserialize;

pub use systems::System;

use super::{Generate, Place, TrialSlot};
use crate::error::Result;
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::TaskShape;

/// Samples of the orbit from which means, deviations and starts are taken, and samples before it.
const ORBIT: usize = 8192;
const TRANSIENT: usize = 2048;
/// Samples from a start, moved a little off the orbit, to the first that is shown.
const SETTLING: usize = 64;
/// Deviation of that move, of the deviation of the orbit.
const OFF_ORBIT: f64 = 0.01;

/// [`Flow`] as a task file writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowSpec {
    /// Which flow.
    pub system: Option<System>,
    /// Time steps.
    pub steps: Option<u32>,
    /// Time between two of them, in the flow's own unit.
    pub dt: Option<f64>,
    /// Steps from what is seen to what is asked for.
    pub horizon: Option<u32>,
    /// Standard deviation of the noise on what is seen; the flow's own deviation is 1.
    pub input_noise: Option<f64>,
}

impl FlowSpec {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            system: self.system.or(base.system),
            steps: self.steps.or(base.steps),
            dt: self.dt.or(base.dt),
            horizon: self.horizon.or(base.horizon),
            input_noise: self.input_noise.or(base.input_noise),
        }
    }

    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<Flow> {
        let system = place.given("system", &self.system)?;
        let dt = place.between("dt", self.dt, 1e-6, 10.0)?;
        let steps = place.count("steps", self.steps)?;
        let horizon = place.count("horizon", self.horizon)?;
        let input_noise = place.deviation("input_noise", self.input_noise)?;
        let mut state = system.start();
        let mut orbit = Vec::with_capacity(ORBIT);
        for sample in 0..TRANSIENT + ORBIT {
            system.advance(&mut state, dt);
            if sample >= TRANSIENT {
                orbit.push(state.clone());
            }
        }
        let n = ORBIT as f64;
        let moments = |d: usize| {
            let mean = orbit.iter().map(|x| x[d]).sum::<f64>() / n;
            let variance = orbit.iter().map(|x| (x[d] - mean).powi(2)).sum::<f64>() / n;
            (mean, variance.sqrt())
        };
        let moments: Vec<(f64, f64)> = (0..system.dimensions()).map(moments).collect();
        if moments.iter().any(|m| !(m.0.is_finite() && m.1 > 1e-9)) {
            return Err(place.refuse(
                "dt",
                dt,
                "the flow does not keep moving in bounds at this time step",
            ));
        }
        Ok(Flow {
            system,
            steps,
            dt,
            horizon,
            input_noise,
            moments,
            orbit: Arc::new(orbit),
        })
    }
}

/// Inputs: the standardised state at each step; targets: the standardised state `horizon` steps later.
#[derive(Clone, Debug)]
pub struct Flow {
    system: System,
    steps: usize,
    dt: f64,
    horizon: usize,
    input_noise: f64,
    /// Mean and standard deviation of each dimension along the orbit.
    moments: Vec<(f64, f64)>,
    orbit: Arc<Vec<Vec<f64>>>,
}

impl Generate for Flow {
    fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.steps,
            n_inputs: self.moments.len(),
            n_outputs: self.moments.len(),
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        vec![Condition {
            label: "mean of the orbit".to_owned(),
            input: vec![0.0; self.moments.len()],
        }]
    }

    fn fill(&self, _trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        let d = self.moments.len();
        let mut state = self.orbit[draws.below(ORBIT as u32) as usize].clone();
        for (x, (_, deviation)) in state.iter_mut().zip(&self.moments) {
            *x += OFF_ORBIT * deviation * f64::from(draws.normal());
        }
        for _ in 0..SETTLING {
            self.system.advance(&mut state, self.dt);
        }
        for sample in 0..self.steps + self.horizon {
            let standard = |k: usize| (state[k] - self.moments[k].0) / self.moments[k].1;
            for k in 0..d {
                if sample < self.steps {
                    slot.inputs[sample * d + k] = standard(k) as f32;
                }
                if sample >= self.horizon {
                    slot.targets[(sample - self.horizon) * d + k] = standard(k) as f32;
                }
            }
            self.system.advance(&mut state, self.dt);
        }
        if self.input_noise > 0.0 {
            for input in slot.inputs {
                *input += self.input_noise as f32 * draws.normal();
            }
        }
    }
}
