//! Context-dependent integration: a static one-hot context says which of two noisy streams to sum (Mante et al. 2013, as
//! reduced by Maheswaranathan et al. 2019).

use serde::Deserialize;

use super::{Generate, Place, TrialSlot};
use crate::error::Result;
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::TaskShape;

const STREAMS: usize = 2;
const INPUTS: usize = 2 * STREAMS;

/// [`ContextIntegration`] as a task file writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextIntegrationSpec {
    /// Time steps.
    pub steps: Option<u32>,
    /// Standard deviation of a stream's noise at every step.
    pub noise: Option<f64>,
    /// Standard deviation, over trials, of the constant added to a stream.
    pub offset: Option<f64>,
    /// The target is the running sum of the attended stream times this.
    pub gain: Option<f64>,
}

impl ContextIntegrationSpec {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            steps: self.steps.or(base.steps),
            noise: self.noise.or(base.noise),
            offset: self.offset.or(base.offset),
            gain: self.gain.or(base.gain),
        }
    }

    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<ContextIntegration> {
        Ok(ContextIntegration {
            steps: place.count("steps", self.steps)?,
            noise: place.deviation("noise", self.noise)?,
            offset: place.deviation("offset", self.offset)?,
            gain: place.between("gain", self.gain, -1e6, 1e6)?,
        })
    }
}

/// Inputs: stream 0, stream 1, context 0, context 1. The sum includes the present step.
#[derive(Clone, Debug)]
pub struct ContextIntegration {
    steps: usize,
    noise: f64,
    offset: f64,
    gain: f64,
}

impl Generate for ContextIntegration {
    fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.steps,
            n_inputs: INPUTS,
            n_outputs: 1,
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        (0..STREAMS)
            .map(|context| {
                let mut input = vec![0.0; INPUTS];
                input[STREAMS + context] = 1.0;
                Condition {
                    label: format!("stream {context} attended"),
                    input,
                }
            })
            .collect()
    }

    fn fill(&self, _trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        let context = draws.below(STREAMS as u32) as usize;
        let offsets = [0; STREAMS].map(|_| self.offset * f64::from(draws.normal()));
        let mut sum = 0.0;
        for (input, target) in slot.inputs.chunks_exact_mut(INPUTS).zip(slot.targets) {
            for stream in 0..STREAMS {
                input[stream] = (offsets[stream] + self.noise * f64::from(draws.normal())) as f32;
            }
            input[STREAMS + context] = 1.0;
            sum += f64::from(input[context]);
            *target = (self.gain * sum) as f32;
        }
        *slot.condition = context as i32;
    }
}
