//! Optimisers, all of one form: two moments and one quotient, whose coefficients the host works out once per step.

use serde::{Deserialize, Serialize};

/// How a gradient becomes a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Optimiser {
    /// Kingma & Ba 2014; weight decay is added to the gradient (coupled).
    Adam {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Added to the root of the second moment.
        epsilon: f32,
    },
    /// Loshchilov & Hutter 2017: Adam with decoupled weight decay, `p -= rate decay p`.
    AdamW {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Added to the root of the second moment.
        epsilon: f32,
    },
    /// Stochastic gradient descent, `m = momentum m + g`, `p -= rate m`; weight decay coupled.
    Sgd {
        /// Decay of the velocity.
        momentum: f32,
    },
    /// Tieleman & Hinton 2012 as PyTorch has it: `v = decay v + (1 - decay) g^2`, `p -= rate g / (sqrt v + epsilon)`.
    RmsProp {
        /// Decay of the second moment.
        decay: f32,
        /// Added to the root of the second moment.
        epsilon: f32,
    },
    /// Liu et al. 2019: Adam whose quotient is rectified, and left out while the second moment is not to be trusted.
    RAdam {
        /// Decay of the first moment.
        beta1: f32,
        /// Decay of the second moment.
        beta2: f32,
        /// Added to the root of the second moment.
        epsilon: f32,
    },
}

impl Default for Optimiser {
    fn default() -> Self {
        Self::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        }
    }
}

/// Coefficients of one step: `m = decay1 m + gain1 g`, `v = decay2 v + gain2 g^2`,
/// `p -= rate scale1 m / (sqrt(scale2 v) + epsilon)`, or `p -= rate scale1 m` where it is not `adaptive`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// Decay of the first moment.
    pub decay1: f32,
    /// Weight of the gradient in the first moment.
    pub gain1: f32,
    /// Decay of the second moment.
    pub decay2: f32,
    /// Weight of the squared gradient in the second moment.
    pub gain2: f32,
    /// Bias correction of the first moment, rectification included.
    pub scale1: f32,
    /// Bias correction of the second moment.
    pub scale2: f32,
    /// Added to the root.
    pub epsilon: f32,
    /// Whether to divide by the root of the second moment.
    pub adaptive: bool,
    /// Whether weight decay acts on the parameter beside the gradient.
    pub decoupled: bool,
}

impl Optimiser {
    /// For people and tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Adam { .. } => "Adam",
            Self::AdamW { .. } => "AdamW",
            Self::Sgd { .. } => "Sgd",
            Self::RmsProp { .. } => "RmsProp",
            Self::RAdam { .. } => "RAdam",
        }
    }

    /// Coefficients of step `step`, counted from 0.
    pub fn update(&self, step: u64) -> Update {
        let t = step.saturating_add(1);
        // In f64: 1 - beta2^t loses half its digits in f32 at the first steps.
        let power = |beta: f32| f64::from(beta).powi(i32::try_from(t).unwrap_or(i32::MAX));
        let correction = |beta: f32| 1.0 / (1.0 - power(beta));
        match *self {
            Self::Adam {
                beta1,
                beta2,
                epsilon,
            }
            | Self::AdamW {
                beta1,
                beta2,
                epsilon,
            } => Update {
                decay1: beta1,
                gain1: 1.0 - beta1,
                decay2: beta2,
                gain2: 1.0 - beta2,
                scale1: correction(beta1) as f32,
                scale2: correction(beta2) as f32,
                epsilon,
                adaptive: true,
                decoupled: matches!(self, Self::AdamW { .. }),
            },
            Self::Sgd { momentum } => Update {
                decay1: momentum,
                gain1: 1.0,
                decay2: 0.0,
                gain2: 0.0,
                scale1: 1.0,
                scale2: 1.0,
                epsilon: 0.0,
                adaptive: false,
                decoupled: false,
            },
            Self::RmsProp { decay, epsilon } => Update {
                decay1: 0.0,
                gain1: 1.0,
                decay2: decay,
                gain2: 1.0 - decay,
                scale1: 1.0,
                scale2: 1.0,
                epsilon,
                adaptive: true,
                decoupled: false,
            },
            Self::RAdam {
                beta1,
                beta2,
                epsilon,
            } => {
                let (p2, scale2) = (power(beta2), correction(beta2));
                let longest = 2.0 / (1.0 - f64::from(beta2)) - 1.0;
                let length = longest - 2.0 * t as f64 * p2 / (1.0 - p2);
                let trusted = length > 5.0;
                let rectified = if trusted {
                    ((length - 4.0) * (length - 2.0) * longest
                        / ((longest - 4.0) * (longest - 2.0) * length))
                        .sqrt()
                } else {
                    1.0
                };
                Update {
                    decay1: beta1,
                    gain1: 1.0 - beta1,
                    decay2: beta2,
                    gain2: 1.0 - beta2,
                    scale1: (rectified * correction(beta1)) as f32,
                    scale2: scale2 as f32,
                    // PyTorch corrects the sum of root and epsilon.
                    epsilon: (f64::from(epsilon) * scale2.sqrt()) as f32,
                    adaptive: trusted,
                    decoupled: false,
                }
            }
        }
    }
}
