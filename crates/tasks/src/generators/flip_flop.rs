//! N-bit memory: each output holds the sign of the last pulse of its channel (Sussillo and Barak 2013).

use serde::Deserialize;

use super::{Generate, Place, TrialSlot};
use crate::error::Result;
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::TaskShape;

/// [`FlipFlop`] as a task file writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlipFlopSpec {
    /// Channels, each an input and an output.
    pub bits: Option<u32>,
    /// Time steps.
    pub steps: Option<u32>,
    /// Probability of a pulse, per channel and step.
    pub pulse_probability: Option<f64>,
    /// Whether every channel has a pulse at the first step; without it the target is 0 up to the first pulse.
    pub force_first_pulse: Option<bool>,
    /// Standard deviation of the normal noise added to every input.
    pub input_noise: Option<f64>,
}

impl FlipFlopSpec {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            bits: self.bits.or(base.bits),
            steps: self.steps.or(base.steps),
            pulse_probability: self.pulse_probability.or(base.pulse_probability),
            force_first_pulse: self.force_first_pulse.or(base.force_first_pulse),
            input_noise: self.input_noise.or(base.input_noise),
        }
    }

    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<FlipFlop> {
        Ok(FlipFlop {
            bits: place.count("bits", self.bits)?,
            steps: place.count("steps", self.steps)?,
            pulse_probability: place.probability("pulse_probability", self.pulse_probability)?,
            force_first_pulse: place.given("force_first_pulse", &self.force_first_pulse)?,
            input_noise: place.deviation("input_noise", self.input_noise)?,
        })
    }
}

/// Pulses of -1 and 1 with equal probability; the target changes at the pulse's own step.
#[derive(Clone, Debug)]
pub struct FlipFlop {
    bits: usize,
    steps: usize,
    pulse_probability: f64,
    force_first_pulse: bool,
    input_noise: f64,
}

impl Generate for FlipFlop {
    fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.steps,
            n_inputs: self.bits,
            n_outputs: self.bits,
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        vec![Condition {
            label: "no pulse".to_owned(),
            input: vec![0.0; self.bits],
        }]
    }

    fn fill(&self, _trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        // One word per step and channel, pulse or not, so that a longer trial begins with the shorter one. The upper 24
        // bits decide on the pulse, the lowest on its sign.
        let threshold = (self.pulse_probability * 16_777_216.0).round() as u32;
        for step in 0..self.steps {
            for bit in 0..self.bits {
                let at = step * self.bits + bit;
                let word = draws.word();
                if word >> 8 < threshold || (step == 0 && self.force_first_pulse) {
                    slot.inputs[at] = if word & 1 == 0 { 1.0 } else { -1.0 };
                    slot.targets[at] = slot.inputs[at];
                } else if step > 0 {
                    slot.targets[at] = slot.targets[at - self.bits];
                }
            }
        }
        if self.input_noise > 0.0 {
            for input in slot.inputs {
                *input += self.input_noise as f32 * draws.normal();
            }
        }
    }
}
