//! Frequency-cued sine: a static input says which frequency to generate (Sussillo and Barak 2013).

use serde::Deserialize;

use super::{Generate, Order, Place, TrialSlot};
use crate::error::Result;
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::TaskShape;

/// [`Sine`] as a task file writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SineSpec {
    /// How many frequencies there are.
    pub frequencies: Option<u32>,
    /// Time steps.
    pub steps: Option<u32>,
    /// Input of the lowest frequency; frequency j of n has input j / n more.
    pub input_offset: Option<f64>,
    /// Angular frequency of the lowest, in radians per step.
    pub omega_min: Option<f64>,
    /// Angular frequency of the highest, in radians per step.
    pub omega_max: Option<f64>,
    /// Added to every index j: 0.5 asks for frequencies between those of the grid.
    pub index_shift: Option<f64>,
    /// The first step that counts in the loss.
    pub loss_from: Option<u32>,
    /// How a trial gets its frequency.
    pub order: Option<Order>,
}

impl SineSpec {
    pub(super) fn over(&self, base: &Self) -> Self {
        Self {
            frequencies: self.frequencies.or(base.frequencies),
            steps: self.steps.or(base.steps),
            input_offset: self.input_offset.or(base.input_offset),
            omega_min: self.omega_min.or(base.omega_min),
            omega_max: self.omega_max.or(base.omega_max),
            index_shift: self.index_shift.or(base.index_shift),
            loss_from: self.loss_from.or(base.loss_from),
            order: self.order.or(base.order),
        }
    }

    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<Sine> {
        let sine = Sine {
            frequencies: place.count("frequencies", self.frequencies)?,
            steps: place.count("steps", self.steps)?,
            input_offset: place.between("input_offset", self.input_offset, -1e6, 1e6)?,
            omega_min: place.between("omega_min", self.omega_min, 0.0, std::f64::consts::PI)?,
            omega_max: place.between("omega_max", self.omega_max, 0.0, std::f64::consts::PI)?,
            index_shift: place.between("index_shift", self.index_shift, -1.0, 1.0)?,
            loss_from: place.given("loss_from", &self.loss_from)? as usize,
            order: place.given("order", &self.order)?,
        };
        if sine.omega_min > sine.omega_max {
            return Err(place.refuse("omega_min", sine.omega_min, "must not be above omega_max"));
        }
        if sine.loss_from >= sine.steps {
            let allowed = format!(
                "must be below steps = {}, or nothing would be learned",
                sine.steps
            );
            return Err(place.refuse("loss_from", sine.loss_from, &allowed));
        }
        Ok(sine)
    }
}

/// Target sin(omega t), t = 0, 1, ...; the input is constant.
#[derive(Clone, Debug)]
pub struct Sine {
    frequencies: usize,
    steps: usize,
    input_offset: f64,
    omega_min: f64,
    omega_max: f64,
    index_shift: f64,
    loss_from: usize,
    order: Order,
}

impl Sine {
    /// Angular frequency of index `j`, in radians per step.
    #[must_use]
    pub fn omega(&self, j: usize) -> f64 {
        let spacing = (self.omega_max - self.omega_min) / (self.frequencies.max(2) - 1) as f64;
        self.omega_min + spacing * (j as f64 + self.index_shift)
    }

    fn input(&self, j: usize) -> f32 {
        ((j as f64 + self.index_shift) / self.frequencies as f64 + self.input_offset) as f32
    }
}

impl Generate for Sine {
    fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.steps,
            n_inputs: 1,
            n_outputs: 1,
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        let condition = |j| Condition {
            label: format!("omega {:.4}", self.omega(j)),
            input: vec![self.input(j)],
        };
        (0..self.frequencies).map(condition).collect()
    }

    fn grid_size(&self) -> Option<usize> {
        (self.order == Order::Grid).then_some(self.frequencies)
    }

    fn fill(&self, trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        let j = match self.order {
            Order::Random => draws.below(self.frequencies as u32) as usize,
            Order::Grid => trial % self.frequencies,
        };
        let omega = self.omega(j);
        slot.inputs.fill(self.input(j));
        for (step, target) in slot.targets.iter_mut().enumerate() {
            *target = (omega * step as f64).sin() as f32;
        }
        slot.mask[..self.loss_from].fill(0.0);
        *slot.condition = j as i32;
    }
}
