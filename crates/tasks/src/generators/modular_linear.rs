//! Linear maps between modules of inputs and outputs, over time: the tasks of resolvent-regularised networks.
//!
//! The source gives the kinds of map; module counts, length and the weight of the neighbour are project defaults.

use serde::Deserialize;

use super::{Generate, Place, TrialSlot};
use crate::error::Result;
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::TaskShape;

/// [`ModularLinear`] as a task file writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModularLinearSpec {
    /// Modules, an even number: each has a neighbour, 0 with 1, 2 with 3 and so on.
    pub modules: Option<u32>,
    /// Inputs of each module; it has one output.
    pub inputs_per_module: Option<u32>,
    /// Time steps.
    pub steps: Option<u32>,
    /// What an output takes from its neighbour's inputs; its own have weight 1.
    pub neighbour: Option<f64>,
    /// Whether only every second step counts, the first one on.
    pub on_off: Option<bool>,
}

impl ModularLinearSpec {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            modules: self.modules.or(base.modules),
            inputs_per_module: self.inputs_per_module.or(base.inputs_per_module),
            steps: self.steps.or(base.steps),
            neighbour: self.neighbour.or(base.neighbour),
            on_off: self.on_off.or(base.on_off),
        }
    }

    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<ModularLinear> {
        let modules = place.count("modules", self.modules)?;
        let inputs_per_module = place.count("inputs_per_module", self.inputs_per_module)?;
        if modules % 2 != 0 || modules.saturating_mul(inputs_per_module) > 4096 {
            return Err(place.refuse(
                "modules",
                modules,
                "an even number, at most 4096 inputs in all",
            ));
        }
        Ok(ModularLinear {
            modules,
            inputs_per_module,
            steps: place.count("steps", self.steps)?,
            neighbour: place.between("neighbour", self.neighbour, -1.0, 1.0)?,
            on_off: place.given("on_off", &self.on_off)?,
        })
    }
}

/// Inputs: standard normal at every step. Target, at the last step alone: A times the gated sum of the inputs over time, with
/// the mean of a module's inputs for weight 1, divided by the root of the number of steps summed.
#[derive(Clone, Debug)]
pub struct ModularLinear {
    modules: usize,
    inputs_per_module: usize,
    steps: usize,
    neighbour: f64,
    on_off: bool,
}

impl Generate for ModularLinear {
    fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.steps,
            n_inputs: self.modules * self.inputs_per_module,
            n_outputs: self.modules,
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        vec![Condition {
            label: "zero input".to_owned(),
            input: vec![0.0; self.modules * self.inputs_per_module],
        }]
    }

    fn fill(&self, _trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        let mut sums = vec![0.0; self.modules];
        for (step, input) in slot
            .inputs
            .chunks_exact_mut(self.modules * self.inputs_per_module)
            .enumerate()
        {
            for (at, x) in input.iter_mut().enumerate() {
                *x = draws.normal();
                if !self.on_off || step % 2 == 0 {
                    sums[at / self.inputs_per_module] += f64::from(*x);
                }
            }
        }
        let summed = if self.on_off {
            self.steps.div_ceil(2)
        } else {
            self.steps
        };
        let scale = 1.0 / (self.inputs_per_module as f64 * (summed as f64).sqrt());
        let last = (self.steps - 1) * self.modules;
        slot.mask[..last].fill(0.0);
        for module in 0..self.modules {
            let value = sums[module] + self.neighbour * sums[module ^ 1];
            slot.targets[last + module] = (scale * value) as f32;
        }
    }
}
