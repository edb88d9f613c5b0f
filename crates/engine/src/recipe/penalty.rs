//! What is penalised, with a strength per network. Penalties of weights see effective weights and run once per step and
//! network; penalties of activity act inside the backward pass.

mod communicability;
mod elementwise;
mod exponential;
mod nuclear;
mod orthogonality;
mod own;
mod resolvent;
mod spectral;

use crate::population::{Layout, Role};
pub use own::OwnPenalty;
use serde::{Deserialize, Serialize};

/// A group of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// `w_rec.*`
    Recurrent,
    /// `w_in.*`
    Input,
    /// `w_out`
    Readout,
    /// `bias.*` and `b_out`
    Bias,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recurrent, Self::Input, Self::Readout, Self::Bias];
    /// The three matrices of a network.
    pub const WEIGHTS: [Self; 3] = [Self::Recurrent, Self::Input, Self::Readout];

    /// Whether a tensor belongs to it.
    pub fn holds(self, role: Role) -> bool {
        match self {
            Self::Recurrent => matches!(role, Role::Recurrent(..)),
            Self::Input => matches!(role, Role::Input(..)),
            Self::Readout => role == Role::Readout,
            Self::Bias => matches!(role, Role::Bias(..) | Role::ReadoutBias),
        }
    }
}

/// A penalty; where a cell has several gates, their sum over gates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Penalty {
    /// `sum |w|`, derivative 0 at 0.
    L1 {
        /// Over these.
        on: Vec<Part>,
    },
    /// `sum w^2`
    L2 {
        /// Over these.
        on: Vec<Part>,
    },
    /// Mean of `y^2` over all units, steps and trials, y being what the readout sees: the metabolic cost.
    Rate,
    /// Mean of `max(0, |y| - cap)^2` over all units, steps and trials.
    RateCap {
        /// Rates up to this cost nothing.
        cap: f32,
    },
    /// `|B^T B - diag(B^T B)|_F`, B being the input weights with columns of length 1.
    InputOrthogonality,
    /// Sum of the singular values of the recurrent weights.
    Nuclear {
        /// Shrink the singular values by rate times strength after each step, so that some become exactly 0; else the
        /// subgradient `U V^T` enters the gradient.
        proximal: bool,
    },
    /// `sum |R|`, `R = sum_m alpha^(m+2) V W^m U` for m below `length`: pathways from input to readout over several hops.
    Resolvent {
        /// Discount per hop.
        alpha: f64,
        /// Hops inside the network, at least 1.
        length: usize,
        /// `sum_m alpha^(m+2) sum |V W^m U|` instead, where hops cannot cancel.
        per_hop: bool,
    },
    /// `sum |W_ij| D_ij C_ij` with the distances D of the units' positions and the communicability
    /// `C = exp(S^-1/2 |W| S^-1/2)`, diagonal 0, S the sums of `|W|` over what leaves a unit.
    Communicability {
        /// `[unit][3]`
        positions: Vec<[f64; 3]>,
    },
    /// `max(0, |lambda_1| - bound)^2`, lambda_1 the recurrent weights' eigenvalue farthest from 0.
    SpectralRadius {
        /// Radii up to this cost nothing.
        bound: f64,
    },
    /// `sum f(w)`, f of the user's own.
    Own {
        /// f
        function: OwnPenalty,
        /// Over these.
        on: Vec<Part>,
    },
    /// `(tr C)^2 / tr C^2`, C being the covariance of what the readout sees over the batch's trials and steps.
    EffectiveDimension,
}

/// A penalty and how much it weighs in each network.
#[derive(Clone, Debug, PartialEq)]
pub struct Regulariser {
    /// What.
    pub penalty: Penalty,
    /// `[network]`
    pub strength: Vec<f32>,
}

impl Penalty {
    /// For people, tables and errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::L1 { .. } => "l1",
            Self::L2 { .. } => "l2",
            Self::Rate => "rate",
            Self::RateCap { .. } => "rate_cap",
            Self::InputOrthogonality => "input_orthogonality",
            Self::Nuclear { .. } => "nuclear",
            Self::Resolvent { .. } => "resolvent",
            Self::Communicability { .. } => "communicability",
            Self::SpectralRadius { .. } => "spectral_radius",
            Self::Own { .. } => "own",
            Self::EffectiveDimension => "effective_dimension",
        }
    }

    /// Whether it looks at activity, not at weights.
    pub fn is_of_activity(&self) -> bool {
        matches!(
            self,
            Self::Rate | Self::RateCap { .. } | Self::EffectiveDimension
        )
    }

    /// Value of a penalty of weights for one network's effective weights; `strength` times its gradient is added to
    /// `gradient`. 0 for penalties of activity.
    pub fn of_weights(
        &self,
        layout: &Layout,
        weights: &[f32],
        strength: f64,
        gradient: &mut [f32],
    ) -> f64 {
        let mut view = Matrices {
            layout,
            weights,
            strength,
            gradient,
        };
        match self {
            Self::L1 { on } => elementwise::add(&mut view, on, |w| (w.abs(), sign(w))),
            Self::L2 { on } => elementwise::add(&mut view, on, |w| (w * w, 2.0 * w)),
            Self::Own { function, on } => elementwise::add_all(&mut view, on, |w| function.at(w)),
            Self::InputOrthogonality => orthogonality::add(&mut view),
            Self::Nuclear { proximal } => nuclear::add(&mut view, *proximal),
            Self::Resolvent {
                alpha,
                length,
                per_hop,
            } => resolvent::add(&mut view, *alpha, *length, *per_hop),
            Self::Communicability { positions } => communicability::add(&mut view, positions),
            Self::SpectralRadius { bound } => spectral::add(&mut view, *bound),
            Self::Rate | Self::RateCap { .. } | Self::EffectiveDimension => 0.0,
        }
    }

    /// What a proximal penalty does to weights after a step of size `rate`.
    pub fn proximal(&self, layout: &Layout, weights: &mut [f32], threshold: f64) {
        if matches!(self, Self::Nuclear { proximal: true }) {
            nuclear::shrink(layout, weights, threshold);
        }
    }
}

/// Sign, 0 at 0.
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// One network's tensors as matrices, and where its gradient goes.
struct Matrices<'a> {
    layout: &'a Layout,
    weights: &'a [f32],
    strength: f64,
    gradient: &'a mut [f32],
}

impl Matrices<'_> {
    /// A tensor, if the cell has it, `[row, column]`.
    fn get(&self, role: Role) -> Option<faer::Mat<f64>> {
        let tensor = self.layout.find(role)?;
        let values = &self.weights[tensor.range()];
        let columns = tensor.shape.get(1).copied().unwrap_or(1);
        Some(faer::Mat::from_fn(tensor.shape[0], columns, |i, j| {
            f64::from(values[i * columns + j])
        }))
    }

    /// Adds strength times a gradient of a tensor.
    fn add(&mut self, role: Role, by: &faer::Mat<f64>) {
        let Some(tensor) = self.layout.find(role) else {
            return;
        };
        let columns = by.ncols();
        for (e, g) in self.gradient[tensor.range()].iter_mut().enumerate() {
            *g += (self.strength * by[(e / columns, e % columns)]) as f32;
        }
    }

    /// (stage, gate) of every gate with recurrent weights.
    fn recurrent_gates(&self) -> Vec<(usize, usize)> {
        let gates = self.layout.tensors.iter().filter_map(|t| match t.role {
            Role::Recurrent(s, g) => Some((s, g)),
            _ => None,
        });
        gates.collect()
    }
}

#[cfg(test)]
mod tests;
