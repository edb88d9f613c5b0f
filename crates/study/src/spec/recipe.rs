//! How networks are trained, as written: optimiser, schedules, penalties, restrictions, initial weights. Wherever a list is
//! allowed it is an axis.

use super::{OneOrMany, defaults};
use crate::connections::Areas;
use chiliad_engine::recipe::Part;
use serde::{Deserialize, Serialize};

/// How weights are changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum OptimiserSpec {
    /// Kingma & Ba 2014; weight decay coupled.
    Adam {
        /// Step size.
        #[serde(default)]
        learning_rate: Option<OneOrMany<f64>>,
        /// Decay of the first moment.
        #[serde(default = "defaults::beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "defaults::beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
    },
    /// Loshchilov & Hutter 2017; weight decay decoupled.
    AdamW {
        /// Step size.
        #[serde(default)]
        learning_rate: Option<OneOrMany<f64>>,
        /// Decay of the first moment.
        #[serde(default = "defaults::beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "defaults::beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
    },
    /// Liu et al. 2019.
    RAdam {
        /// Step size.
        #[serde(default)]
        learning_rate: Option<OneOrMany<f64>>,
        /// Decay of the first moment.
        #[serde(default = "defaults::beta1")]
        beta1: f64,
        /// Decay of the second moment.
        #[serde(default = "defaults::beta2")]
        beta2: f64,
        /// Added to the root of the second moment.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
    },
    /// Gradient descent with momentum.
    Sgd {
        /// Step size.
        #[serde(default)]
        learning_rate: Option<OneOrMany<f64>>,
        /// Decay of the velocity.
        #[serde(default)]
        momentum: f64,
    },
    /// Tieleman & Hinton 2012, as PyTorch has it.
    RmsProp {
        /// Step size.
        #[serde(default)]
        learning_rate: Option<OneOrMany<f64>>,
        /// Decay of the second moment.
        #[serde(default = "defaults::rms_decay")]
        decay: f64,
        /// Added to the root of the second moment.
        #[serde(default = "defaults::epsilon")]
        epsilon: f64,
    },
}

impl Default for OptimiserSpec {
    fn default() -> Self {
        Self::Adam {
            learning_rate: None,
            beta1: defaults::beta1(),
            beta2: defaults::beta2(),
            epsilon: defaults::epsilon(),
        }
    }
}

impl OptimiserSpec {
    /// The step size given inside.
    pub fn learning_rate(&self) -> Option<&OneOrMany<f64>> {
        match self {
            Self::Adam { learning_rate, .. }
            | Self::AdamW { learning_rate, .. }
            | Self::RAdam { learning_rate, .. }
            | Self::Sgd { learning_rate, .. }
            | Self::RmsProp { learning_rate, .. } => learning_rate.as_ref(),
        }
    }
}

/// What is penalised besides the loss: strengths, 0 where left out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PenaliseSpec {
    /// `sum |w|` over recurrent, input and readout weights.
    pub l1: Option<OneOrMany<f64>>,
    /// `sum w^2` over the same.
    pub l2: Option<OneOrMany<f64>>,
    /// Mean of squared activity.
    pub rate: Option<OneOrMany<f64>>,
    /// Mean of squared activity above a cap.
    pub rate_cap: Option<RateCapSpec>,
    /// Overlap of the input weights' columns.
    pub input_orthogonality: Option<OneOrMany<f64>>,
    /// Sum of singular values of the recurrent weights.
    pub nuclear: Option<NuclearSpec>,
    /// Pathways over several hops.
    pub resolvent: Option<ResolventSpec>,
    /// Wiring length weighted by communicability.
    pub communicability: Option<CommunicabilitySpec>,
    /// Spectral radius above a bound.
    pub spectral_radius: Option<SpectralRadiusSpec>,
    /// A function of the user's own, summed over weights.
    pub own: Option<OwnSpec>,
    /// Effective dimension of the activity.
    pub effective_dimension: Option<OneOrMany<f64>>,
}

/// `max(0, |y| - cap)^2`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateCapSpec {
    /// Strength.
    pub strength: OneOrMany<f64>,
    /// Activity up to this costs nothing.
    pub cap: f64,
}

/// Nuclear norm.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NuclearSpec {
    /// Strength.
    pub strength: OneOrMany<f64>,
    /// Shrink singular values after each step; else the subgradient.
    #[serde(default = "defaults::yes")]
    pub proximal: bool,
}

/// Multi-hop pathways.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolventSpec {
    /// Strength.
    pub strength: OneOrMany<f64>,
    /// Discount per hop.
    #[serde(default = "defaults::alpha")]
    pub alpha: f64,
    /// Hops inside the network.
    #[serde(default = "defaults::hops")]
    pub length: usize,
    /// Penalise every hop by itself.
    #[serde(default)]
    pub per_hop: bool,
}

/// Units on a grid.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommunicabilitySpec {
    /// Strength.
    pub strength: OneOrMany<f64>,
    /// Units along each axis; their product is the number of units.
    pub grid: (usize, usize, usize),
}

/// A function of the user's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnSpec {
    /// Path of a WGSL file with `fn penalty(w: f32) -> f32`, relative to the study file.
    pub file: String,
    /// Strength.
    pub strength: OneOrMany<f64>,
    /// Over these weights.
    #[serde(default = "defaults::weights")]
    pub on: Vec<Part>,
}

/// Spectral radius.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpectralRadiusSpec {
    /// Strength.
    pub strength: OneOrMany<f64>,
    /// Radius up to which it costs nothing.
    pub bound: f64,
}

/// What restricts the weights.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConstrainSpec {
    /// Dale's law.
    pub dale: Option<DaleSpec>,
    /// Share of recurrent weights present, a pattern per network.
    pub density: Option<OneOrMany<f64>>,
    /// Areas of units, and the shares of connections between them.
    pub areas: Option<Areas>,
    /// npz with `recurrent` [to, from], `input` [to, input], `readout` [output, from]: factors of the weights.
    pub mask: Option<String>,
    /// Whether a unit may be its own input; yes by default.
    pub autapses: Option<bool>,
    /// Weights that stay at 0 or above, by projection.
    pub non_negative: Vec<Part>,
    /// Weights that stay what they are.
    pub frozen: Vec<Part>,
    /// Largest rank of the recurrent weights.
    pub rank: Option<OneOrMany<u64>>,
    /// Recurrent weights `A - A^T`; by default where the cell's sidecar says so.
    pub antisymmetric: Option<bool>,
    /// Dimensions of a random subspace in which the parameters are trained.
    pub dimensions: Option<OneOrMany<u64>>,
    /// Units that nothing leaves.
    pub silenced: Vec<usize>,
}

/// Dale's law.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaleSpec {
    /// Excitatory units per inhibitory one.
    #[serde(default = "defaults::ratio")]
    pub ratio: OneOrMany<f64>,
    /// How.
    #[serde(default)]
    pub by: DaleBy,
    /// Whether only excitatory units are read out.
    #[serde(default = "defaults::yes")]
    pub excitatory_readout: bool,
}

/// How Dale's law is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum DaleBy {
    /// Wrong signs are set to 0 after each step.
    #[default]
    Projection,
    /// `sign |raw|`
    Absolute,
    /// `sign max(raw, 0)`
    Rectified,
}

/// How weights and step sizes depend on the number of units.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ScalingSpec {
    /// As they are.
    #[default]
    Standard,
    /// Readout over gamma N, recurrent weights over N with entries of variance N, step size times gamma.
    MuP {
        /// Richness of feature learning.
        gamma: OneOrMany<f64>,
    },
}

/// What networks of different cells have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Match {
    /// The number of units.
    #[default]
    Units,
    /// As nearly as whole units allow, the number of parameters of the first cell at the units given.
    Parameters,
}
